import { describe, expect, test } from "vitest";
import { clampRange, panned, placeOf, ticksOf, zoomed } from "./range.ts";

const TOTAL = 1_000_000;

describe("what is shown", () => {
  test("stays inside the trace when it is moved", () => {
    expect(clampRange(panned({ from: 0, to: 400_000 }, -0.5), TOTAL)).toEqual({ from: 0, to: 400_000 });
    expect(clampRange(panned({ from: 600_000, to: 900_000 }, 1), TOTAL)).toEqual({ from: 700_000, to: 1_000_000 });
  });

  test("zooms around the pointer, and out to the whole trace", () => {
    expect(zoomed({ from: 0, to: 1000 }, 0.5, 200)).toEqual({ from: 100, to: 600 });
    expect(clampRange(zoomed({ from: 100, to: 900_000 }, 2, 500_000), TOTAL)).toBeNull();
  });

  test("never gets too short to tell anything apart", () => {
    expect(clampRange({ from: 500, to: 501 }, TOTAL)).toEqual({ from: 500, to: 600 });
  });
});

describe("bars", () => {
  const range = { from: 100, to: 200 };
  test("are cut at the edges", () => {
    expect(placeOf(range, 50, 100)).toEqual({ left: 0, width: 50 });
    expect(placeOf(range, 150, 500)).toEqual({ left: 50, width: 50 });
  });

  test("that are elsewhere have no place", () => {
    expect(placeOf(range, 0, 50)).toBeNull();
    expect(placeOf(range, 250, 50)).toBeNull();
  });

  test("without length have a place too", () => {
    expect(placeOf(range, 150, 0)).toEqual({ left: 50, width: 0 });
  });
});

describe("the ruler", () => {
  test("has round times in one unit, no more than there is room for", () => {
    expect(ticksOf({ from: 0, to: 336e6 }, 8).map(({ text }) => text)).toEqual(["0", "50 ms", "100 ms", "150 ms", "200 ms", "250 ms", "300 ms"]);
  });

  test("tells neighbours apart far from the start", () => {
    const texts = ticksOf({ from: 1_234_000_000, to: 1_236_000_000 }, 5).map(({ text }) => text);
    expect(texts).toEqual(["1234.0 ms", "1234.5 ms", "1235.0 ms", "1235.5 ms", "1236.0 ms"]);
  });

  test("answers for a trace of no length and a strip of no width", () => {
    expect(ticksOf({ from: 0, to: 1 }, 8).length).toBeLessThanOrEqual(8);
    expect(ticksOf({ from: 0, to: 1e9 }, -3).length).toBeLessThanOrEqual(2);
  });
});
