/**
 * The scale of Live's bars: logarithmic, from 100 µs to 10 s, and the same for all rows and at all times. A linear one
 * would show a hair for all but the slowest; one that follows the data would move under the reader's eyes.
 */

const FROM_NS = 1e5;
const UNTIL_NS = 1e10;
const DECADES = Math.log10(UNTIL_NS / FROM_NS);

/** Share of the full length, 0.01 to 1. */
export function barLength(ns: number): number {
  const share = Math.log10(Math.max(ns, 1) / FROM_NS) / DECADES;
  return Math.min(1, Math.max(0.01, share));
}

/** The lines of the scale: each decade and where it is. */
export const TICKS: readonly { label: string; at: number }[] = [
  { label: "1 ms", at: barLength(1e6) },
  { label: "10 ms", at: barLength(1e7) },
  { label: "100 ms", at: barLength(1e8) },
  { label: "1 s", at: barLength(1e9) },
];
