/** The latency heat map as a grid: which rows and columns there are, what a cell holds, and the filters that find it. */

import type { Heatmap } from "../contract.ts";

export interface Cell {
  step: number;
  bucket: number;
  count: number;
  errors: number;
}

export interface HeatGrid {
  steps: number;
  /** The lowest and the highest row that is shown; around what is used there is one row of room. */
  lowest: number;
  highest: number;
  /** The most requests in one cell, at least 1. */
  most: number;
  cells: Cell[];
  map: Heatmap;
  at: (step: number, bucket: number) => Cell;
}

/** Rows that are always there, so that a quiet route is not one giant cell. */
const LEAST_ROWS = 10;

export function gridOf(map: Heatmap, steps: number): HeatGrid {
  const cells = map.cells
    .filter(([step]) => step < steps)
    .map(([step, bucket, count, errors]): Cell => ({ step, bucket, count, errors }));
  const found = new Map(cells.map((cell) => [cell.step * map.edges_ns.length + cell.bucket, cell]));
  const used = cells.map(({ bucket }) => bucket);
  const [lowest, highest] = rows(used, map.edges_ns.length - 1);
  return {
    steps,
    lowest,
    highest,
    most: cells.reduce((most, { count }) => Math.max(most, count), 1),
    cells,
    map,
    at: (step, bucket) => found.get(step * map.edges_ns.length + bucket) ?? { step, bucket, count: 0, errors: 0 },
  };
}

function rows(used: number[], last: number): [number, number] {
  let [low, high] = used.length ? [Math.min(...used) - 1, Math.max(...used) + 1] : [0, last];
  while (high - low + 1 < LEAST_ROWS) [low, high] = [low - 1, high + 1];
  return [Math.max(0, low), Math.min(last, high)];
}

/** How strongly a cell is coloured, 0 to 1: logarithmic, so that one request is seen beside a thousand. */
export function strength(count: number, most: number): number {
  return count === 0 ? 0 : Math.log1p(count) / Math.log1p(most);
}

/** The durations of a row, nanoseconds; the last one has no end. */
export function bandOf({ edges_ns }: Heatmap, bucket: number): { fromNs: number; untilNs: number | null } {
  return { fromNs: edges_ns[bucket] ?? 0, untilNs: edges_ns[bucket + 1] ?? null };
}

/** The filters that find exactly a cell's requests. Times keep their microseconds. */
export function cellQuery(filters: URLSearchParams, { map }: HeatGrid, { step, bucket }: Pick<Cell, "step" | "bucket">): URLSearchParams {
  const next = new URLSearchParams(filters);
  const { fromNs, untilNs } = bandOf(map, bucket);
  next.set("since", isoOf(map.from_us + step * map.step_us));
  next.set("until", isoOf(map.from_us + (step + 1) * map.step_us));
  if (fromNs > 0) next.set("min_ms", String(fromNs / 1e6));
  else next.delete("min_ms");
  if (untilNs === null) next.delete("max_ms");
  else next.set("max_ms", String(untilNs / 1e6));
  return next;
}

/** ISO 8601 with six digits of the second. @param us - Unix microseconds */
export function isoOf(us: number): string {
  const whole = Math.floor(us);
  const micros = String(whole % 1000).padStart(3, "0");
  return new Date(Math.floor(whole / 1000)).toISOString().replace("Z", `${micros}Z`);
}

/** Rows whose lower edge is a power of ten: the lines of the axis. */
export function decadeRows({ map, lowest, highest }: HeatGrid): { bucket: number; ns: number }[] {
  return map.edges_ns.flatMap((ns, bucket) => {
    const isDecade = ns > 0 && Number.isInteger(Math.log10(ns));
    return isDecade && bucket >= lowest && bucket <= highest + 1 ? [{ bucket, ns }] : [];
  });
}

/** The cell after a key press, kept inside the grid; null when the key is not one that moves. */
export function moveCell({ lowest, highest, steps }: HeatGrid, { step, bucket }: { step: number; bucket: number }, key: string) {
  const moves: Record<string, [number, number]> = {
    ArrowLeft: [-1, 0],
    ArrowRight: [1, 0],
    ArrowUp: [0, 1],
    ArrowDown: [0, -1],
    Home: [-steps, 0],
    End: [steps, 0],
    PageUp: [0, 100],
    PageDown: [0, -100],
  };
  const move = moves[key];
  if (!move) return null;
  const inside = (value: number, low: number, high: number) => Math.min(high, Math.max(low, value));
  return { step: inside(step + move[0], 0, steps - 1), bucket: inside(bucket + move[1], lowest, highest) };
}
