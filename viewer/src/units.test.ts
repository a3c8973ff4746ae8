import { describe, expect, test } from "vitest";
import { durationParts, formatBytes, formatCount, formatDuration, formatFactor, formatPercent, formatRate } from "./units.ts";

describe("durations", () => {
  test.each([
    [0, "0 ns"],
    [999, "999 ns"],
    [999.6, "1.00 µs"],
    [12_340, "12.3 µs"],
    [999_499, "999 µs"],
    [999_600, "1.00 ms"],
    [840_000_000, "840 ms"],
    [1_240_000_000, "1.24 s"],
    [59_960_000_000, "1 m 00 s"],
    [123_000_000_000, "2 m 03 s"],
    [7_380_000_000_000, "2 h 03 m"],
    [97_200_000_000_000, "1 d 03 h"],
  ])("%d ns is %s", (ns, text) => expect(formatDuration(ns)).toBe(text));

  test("value and unit apart say the same", () => expect(durationParts(12.3e6)).toEqual({ value: "12.3", unit: "ms" }));
});

test.each([
  [formatCount(9_999), "9,999"],
  [formatCount(12_345), "12.3k"],
  [formatCount(999_600), "1.00M"],
  [formatRate(0), "0/s"],
  [formatRate(0.05), "3.00/min"],
  [formatRate(12.34), "12.3/s"],
  [formatPercent(0), "0%"],
  [formatPercent(0.0004), "<0.1%"],
  [formatPercent(0.014), "1.4%"],
  [formatPercent(0.714), "71%"],
  [formatFactor(9), "9.0x"],
  [formatFactor(12.4), "12x"],
  [formatBytes(999), "999 B"],
  [formatBytes(3_400_000), "3.40 MB"],
])("%s", (shown, expected) => expect(shown).toBe(expected));
