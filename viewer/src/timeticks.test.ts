import { expect, test } from "vitest";
import { formatTick, timeTicks } from "./timeticks.ts";

const at = (text: string): number => Date.parse(text) * 1000;
const texts = (from: string, until: string, most: number): string[] => timeTicks(at(from), at(until), most).map(({ text }) => text);

test("ticks of a minute tell seconds, those of a second milliseconds", () => {
  expect(texts("2026-11-23T14:05:03", "2026-11-23T14:06:04", 7)).toEqual(["14:05:10", "14:05:20", "14:05:30", "14:05:40", "14:05:50", "14:06:00"]);
  expect(texts("2026-11-23T14:05:03.100", "2026-11-23T14:05:04", 5)).toEqual(["14:05:03.200", "14:05:03.400", "14:05:03.600", "14:05:03.800", "14:05:04.000"]);
});

test("ticks of hours tell minutes, those of days the date, all round in local time", () => {
  expect(texts("2026-11-23T03:10:00", "2026-11-23T14:20:00", 6)).toEqual(["04:00", "06:00", "08:00", "10:00", "12:00", "14:00"]);
  expect(texts("2026-11-20T03:10:00", "2026-11-23T14:20:00", 6)).toEqual(["11-21", "11-22", "11-23"]);
});

test.each([
  ["2026-11-23T14:05:00.000", "2026-11-23T14:05:00.004"],
  ["2026-11-23T14:05:00", "2026-11-23T14:05:47"],
  ["2026-11-23T14:05:00", "2026-11-23T15:00:01"],
  ["2026-11-23T14:05:00", "2027-11-23T15:00:01"],
])("no text is there twice, and never too many: %s to %s", (from, until) => {
  for (let most = 1; most < 20; most++) {
    const found = texts(from, until, most);
    expect(new Set(found).size).toBe(found.length);
    expect(found.length).toBeLessThanOrEqual(most + 1);
  }
});

test("a step of its own, as charts choose it", () => {
  expect([formatTick(at("2026-11-23T14:05:09.120"), 60e6), formatTick(at("2026-11-23T14:05:09.120"), 1e6)]).toEqual(["14:05", "14:05:09"]);
});
