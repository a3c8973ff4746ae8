import { expect, test } from "vitest";
import { traceOf } from "./fixture.ts";
import { gradientOf, merged, segmentAt, segmentsOf } from "./segments.ts";
import type { Span } from "../contract.ts";

const states = { queue: 10, read: 0, schedule: 0, run: 30, await: 60, write: 0 };
const spanOf = (part: Partial<Span>) => traceOf([{ name: "s", offset_ns: 1000, duration_ns: 100, ...part }]).spans[0] as Span;
const pieces = (span: Span) => segmentsOf(span)?.map(({ state, offset_ns, duration_ns }) => [state, offset_ns, duration_ns]);

test("the timeline is told in order of time", () => {
  const timeline = [
    { state: "queue" as const, duration_ns: 10 },
    { state: "run" as const, duration_ns: 10 },
    { state: "await" as const, duration_ns: 60 },
    { state: "run" as const, duration_ns: 20 },
  ];
  expect(pieces(spanOf({ states, timeline }))).toEqual([["queue", 1000, 10], ["run", 1010, 10], ["await", 1020, 60], ["run", 1080, 20]]);
});

test("without a timeline the totals stand in the order of a request's life", () => {
  expect(pieces(spanOf({ states }))).toEqual([["queue", 1000, 10], ["run", 1010, 30], ["await", 1040, 60]]);
});

test("what a cut timeline does not tell has no state", () => {
  expect(pieces(spanOf({ timeline: [{ state: "run", duration_ns: 40 }, { state: null, duration_ns: 60 }] }))).toEqual([["run", 1000, 40], [null, 1040, 60]]);
  expect(pieces(spanOf({ timeline: [{ state: "run", duration_ns: 40 }] }))).toEqual([["run", 1000, 40], [null, 1040, 60]]);
});

test("a span of another server has no segments", () => {
  expect(segmentsOf(spanOf({}))).toBeNull();
});

test("the background shows only what is in view", () => {
  const segments = segmentsOf(spanOf({ states })) ?? [];
  expect(gradientOf(segments, { from: 1000, to: 1100 })).toBe(
    "linear-gradient(90deg, var(--state-queue) 0.000% 10.000%, var(--state-run) 10.000% 40.000%, var(--state-await) 40.000% 100.000%)",
  );
  expect(gradientOf(segments, { from: 1040, to: 1060 })).toBe("linear-gradient(90deg, var(--state-await) 0.000% 100.000%)");
  expect(segmentAt(segments, 1015)?.state).toBe("run");
});

test("stretches that would touch on the screen become one", () => {
  const stretches = [{ offset_ns: 0, duration_ns: 10 }, { offset_ns: 12, duration_ns: 10 }, { offset_ns: 50, duration_ns: 5 }];
  expect(merged(stretches, 5)).toEqual([{ offset_ns: 0, duration_ns: 22 }, { offset_ns: 50, duration_ns: 5 }]);
  expect(stretches[0]).toEqual({ offset_ns: 0, duration_ns: 10 });
});
