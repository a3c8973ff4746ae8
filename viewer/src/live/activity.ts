/** How many requests came when, from the heat map's cells: one column a step, errors apart. */

import type { Heatmap } from "../contract.ts";

export interface Column {
  from_us: number;
  until_us: number;
  count: number;
  errors: number;
}

/** Columns of all steps, also the empty ones; `steps` is how many were asked for. */
export function columnsOf({ from_us, step_us, cells }: Heatmap, steps: number): Column[] {
  const columns = Array.from({ length: steps }, (_, step): Column => {
    const from = from_us + step * step_us;
    return { from_us: from, until_us: from + step_us, count: 0, errors: 0 };
  });
  for (const [step, , count, errors] of cells) {
    const column = columns[step];
    if (!column) continue;
    column.count += count;
    column.errors += errors;
  }
  return columns;
}

/** The time between two columns, whichever was touched first, as `since` and `until` in Unix milliseconds. */
export function rangeBetween(columns: readonly Column[], one: number, other: number): { since: string; until: string } | null {
  const [first, last] = [columns[Math.min(one, other)], columns[Math.max(one, other)]];
  if (!first || !last) return null;
  return { since: String(Math.floor(first.from_us / 1000)), until: String(Math.ceil(last.until_us / 1000)) };
}
