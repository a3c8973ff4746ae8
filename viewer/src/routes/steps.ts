/** A series over time with all its steps, also those without requests. */

import type { RouteSeries } from "../contract.ts";

export interface Step {
  /** When it begins, Unix microseconds. */
  us: number;
  count: number;
  errors: number;
  /** Percentiles are null in a step without requests. */
  p50_ns: number | null;
  p95_ns: number | null;
  p99_ns: number | null;
}

/** @param steps - how many were asked for */
export function stepsOf({ from_us, step_us, series }: RouteSeries, steps: number): Step[] {
  const all = Array.from({ length: steps }, (_, step): Step => ({ us: from_us + step * step_us, count: 0, errors: 0, p50_ns: null, p95_ns: null, p99_ns: null }));
  for (const [step, count, errors, p50_ns, p95_ns, p99_ns] of series) {
    const at = all[step];
    if (at) Object.assign(at, { count, errors, p50_ns, p95_ns, p99_ns });
  }
  return all;
}
