/** The part of the trace's time that is shown, and how times become places in it. All in nanoseconds from the start. */

export interface Range {
  from: number;
  to: number;
}

/** Nothing is told apart below this. */
const LEAST_NS = 100;

export const lengthOf = ({ from, to }: Range): number => to - from;

/** Inside the trace, at least `LEAST_NS` long; null when it is the whole trace. */
export function clampRange({ from, to }: Range, totalNs: number): Range | null {
  const length = Math.min(totalNs, Math.max(LEAST_NS, to - from));
  const start = Math.min(Math.max(0, from), totalNs - length);
  return length >= totalNs ? null : { from: Math.round(start), to: Math.round(start + length) };
}

/** @param factor - below 1 shows less, at more detail; `at` stays where it is */
export function zoomed(range: Range, factor: number, at: number): Range {
  return { from: at - (at - range.from) * factor, to: at + (range.to - at) * factor };
}

/** @param share - of what is shown; positive goes to later times */
export function panned(range: Range, share: number): Range {
  const by = lengthOf(range) * share;
  return { from: range.from + by, to: range.to + by };
}

/** A stretch with some room around it. */
export function around(offsetNs: number, durationNs: number): Range {
  const room = Math.max(durationNs * 0.08, LEAST_NS / 2);
  return { from: offsetNs - room, to: offsetNs + durationNs + room };
}

/** Where a time is: 0 at the left edge, 1 at the right one. */
export function shareOf(range: Range, ns: number): number {
  return (ns - range.from) / Math.max(1, lengthOf(range));
}

/** A bar's left edge and width as percent, cut where it leaves the view; null outside of it. */
export function placeOf(range: Range, offsetNs: number, durationNs: number): { left: number; width: number } | null {
  const left = Math.max(0, shareOf(range, offsetNs));
  const right = Math.min(1, shareOf(range, offsetNs + durationNs));
  if (right < 0 || left > 1 || right < left) return null;
  return { left: left * 100, width: (right - left) * 100 };
}

/** Round times for the ruler, at most `most` of them. */
export function ticksOf(range: Range, most: number): { ns: number; text: string }[] {
  const step = niceStep(lengthOf(range) / Math.max(1, most));
  const first = Math.ceil(range.from / step);
  const last = Math.floor(range.to / step);
  return Array.from({ length: Math.max(0, last - first + 1) }, (_, index) => {
    const ns = (first + index) * step;
    return { ns, text: tickText(ns, step, range.to) };
  });
}

/** 1, 2 or 5 times a power of ten. */
function niceStep(least: number): number {
  const power = 10 ** Math.floor(Math.log10(Math.max(1, least)));
  return ([1, 2, 5].find((step) => step * power >= least) ?? 10) * power;
}

const UNITS: readonly [number, string][] = [
  [1e9, "s"],
  [1e6, "ms"],
  [1e3, "µs"],
  [1, "ns"],
];

/** One unit for the whole ruler, with the digits that tell its ticks apart. */
function tickText(ns: number, step: number, endNs: number): string {
  const [size, unit] = UNITS.find(([one]) => endNs >= one * 2) ?? [1, "ns"];
  const digits = Math.max(0, Math.min(9, Math.ceil(-Math.log10(step / size) - 1e-9)));
  return ns === 0 ? "0" : `${(ns / size).toFixed(digits)} ${unit}`;
}
