import { describe, expect, test } from "vitest";
import type { Request } from "../contract.ts";
import { fromNewest, indexOf, MOST, RequestBuffer, upTo } from "./buffer.ts";
import { RateMeter } from "./rate.ts";
import { barLength, TICKS } from "./scale.ts";
import { errorFrom, stepFrom } from "./selection.ts";

const request = (seq: number, error = false) => ({ seq, error }) as Request;
const requests = (...seqs: number[]) => seqs.map((seq) => request(seq));
const seqs = (items: readonly Request[]) => items.map(({ seq }) => seq);

describe("the buffer", () => {
  test("batches in any order, that overlap, make one rising row", () => {
    const buffer = new RequestBuffer();
    buffer.add(requests(5, 4, 6));
    buffer.add(requests(9, 7));
    buffer.add(requests(1, 2, 5, 8));
    buffer.add([]);
    expect(seqs(buffer.items)).toEqual([1, 2, 4, 5, 6, 7, 8, 9]);
    expect(buffer.newestSeq).toBe(9);
  });

  test("a batch with repeats in itself is taken once", () => {
    const buffer = new RequestBuffer();
    buffer.add(requests(2, 2, 1, 1));
    expect(seqs(buffer.items)).toEqual([1, 2]);
  });

  test("the newest push out the oldest, which can then be loaded again", () => {
    const buffer = new RequestBuffer();
    for (let from = 0; from < 30_000; from += 1000) {
      buffer.add(Array.from({ length: 1000 }, (_, index) => request(from + index)));
    }
    expect(buffer.items.length).toBeGreaterThanOrEqual(MOST);
    expect(buffer.items.length).toBeLessThanOrEqual(MOST + 2000);
    expect(buffer.newestSeq).toBe(29_999);
    expect(buffer.older).toBe(buffer.items[0]?.seq);
  });

  test("places are counted from the newest", () => {
    const items = requests(3, 5, 8);
    expect([8, 5, 3, 4].map((seq) => indexOf(items, seq))).toEqual([0, 1, 2, -1]);
    expect([fromNewest(items, 0)?.seq, fromNewest(items, 2)?.seq, fromNewest(items, 3), fromNewest(items, -1)]).toEqual([8, 3, undefined, undefined]);
  });

  test("held still at a request, later ones are left out", () => {
    expect(seqs(upTo(requests(3, 5, 8), 5))).toEqual([3, 5]);
    expect(seqs(upTo(requests(3, 5, 8), 99))).toEqual([3, 5, 8]);
  });
});

describe("the selection", () => {
  const items = [request(1, true), request(2), request(3, true), request(4)];

  test("begins with the newest and stops at both ends", () => {
    expect(stepFrom(items, null, 1)?.seq).toBe(4);
    expect(stepFrom(items, 4, 1)?.seq).toBe(3);
    expect(stepFrom(items, 4, -1)?.seq).toBe(4);
    expect(stepFrom(items, 1, 1)?.seq).toBe(1);
    expect(stepFrom([], null, 1)).toBeUndefined();
  });

  test("goes from error to error", () => {
    expect(errorFrom(items, null, 1)?.seq).toBe(3);
    expect(errorFrom(items, 3, 1)?.seq).toBe(1);
    expect(errorFrom(items, 1, 1)).toBeUndefined();
    expect(errorFrom(items, 1, -1)?.seq).toBe(3);
    expect(errorFrom(items, null, -1)).toBeUndefined();
  });

  test("one that is not here any more begins anew", () => expect(stepFrom(items, 77, 1)?.seq).toBe(4));
});

test("bars: each decade is as long as the next, and both ends hold", () => {
  expect(TICKS.map(({ at }) => Number(at.toFixed(6)))).toEqual([0.2, 0.4, 0.6, 0.8]);
  expect(barLength(0)).toBe(0.01);
  expect(barLength(1e12)).toBe(1);
});

test("the rate is that of the last seconds", () => {
  const meter = new RateMeter();
  meter.start(10_000);
  meter.count(100, 10_000);
  expect(meter.rate(10_010)).toBe(100);
  meter.count(20, 14_000);
  expect(meter.rate(15_000)).toBe(24);
  expect(meter.rate(15_001)).toBe(4);
});

test("no rate is told before one is known: nothing in the first seconds is not none", () => {
  const meter = new RateMeter();
  meter.start(16_000);
  expect(meter.rate(16_000)).toBeNull();
  expect(meter.rate(20_999)).toBeNull();
  expect(meter.rate(21_000)).toBe(0);
  meter.count(5, 21_000);
  expect(meter.rate(21_000)).toBe(1);
});
