/** A server span's bar: its six states in order of time, as far as the sender told it. */

import type { Span, State, TimelineItem } from "../contract.ts";
import { STATES } from "../states.ts";
import type { Stretch } from "./model.ts";
import type { Range } from "./range.ts";

export interface Segment {
  /** Null where the sender's timeline ends before the span does. */
  state: State | null;
  offset_ns: number;
  duration_ns: number;
}

/** From the timeline, else the totals in the order of a request's life; null without states. */
export function segmentsOf(span: Span): Segment[] | null {
  const parts = span.timeline ?? totals(span);
  if (!parts) return null;
  const segments: Segment[] = [];
  let at = span.offset_ns;
  for (const { state, duration_ns } of parts) {
    if (duration_ns > 0) segments.push({ state, offset_ns: at, duration_ns });
    at += duration_ns;
  }
  const rest = span.offset_ns + span.duration_ns - at;
  if (rest > 0) segments.push({ state: null, offset_ns: at, duration_ns: rest });
  return segments;
}

function totals({ states }: Span): TimelineItem[] | null {
  return states && STATES.map((state) => ({ state, duration_ns: states[state] }));
}

/** The state at a time of the trace, for the pointer. */
export function segmentAt(segments: Segment[], ns: number): Segment | undefined {
  return segments.find(({ offset_ns, duration_ns }) => ns >= offset_ns && ns < offset_ns + duration_ns);
}

/** One background for all segments that the range shows: one element in place of up to sixty-four. */
export function gradientOf(segments: Segment[], bar: Range): string {
  const length = Math.max(1, bar.to - bar.from);
  const percent = (ns: number): string => `${Math.min(100, Math.max(0, ((ns - bar.from) / length) * 100)).toFixed(3)}%`;
  const stops = segments
    .filter(({ offset_ns, duration_ns }) => offset_ns < bar.to && offset_ns + duration_ns > bar.from)
    .map(({ state, offset_ns, duration_ns }) => {
      const color = `var(--state-${state ?? "none"})`;
      return `${color} ${percent(offset_ns)} ${percent(offset_ns + duration_ns)}`;
    });
  return stops.length ? `linear-gradient(90deg, ${stops.join(", ")})` : "none";
}

/** Stretches that are nearer to each other than `leastNs` become one. They are in order of time. */
export function merged(items: readonly Stretch[], leastNs: number): Stretch[] {
  const found: Stretch[] = [];
  for (const { offset_ns, duration_ns } of items) {
    const last = found.at(-1);
    if (last && offset_ns - (last.offset_ns + last.duration_ns) < leastNs) {
      last.duration_ns = Math.max(last.duration_ns, offset_ns + duration_ns - last.offset_ns);
    } else found.push({ offset_ns, duration_ns });
  }
  return found;
}
