/** Two numbers of two periods in words: `2.1x slower`, `half the errors`; and which state made the difference. */

import type { Period, RouteComparison, State } from "../contract.ts";
import { STATES } from "../states.ts";
import { formatCount, formatDuration, formatFactor } from "../units.ts";

export type Tone = "better" | "worse" | "same";

export interface ChangeWords {
  text: string;
  tone: Tone;
}

/** Less than this is noise: nothing is said. */
const LEAST_FACTOR = 1.1;

/** @param factor - now / before; null where one of them is missing or 0 */
export function latencyChange(factor: number | null): ChangeWords {
  return inWords(factor, "slower", "faster", ["worse", "better"]);
}

/** @param row - a route without requests then is new, one without any now is gone */
export function rateChange({ now, base, change }: RouteComparison): ChangeWords {
  if (now.count === 0) return { text: "gone", tone: "same" };
  if (!base) return { text: "new", tone: "same" };
  const factor = change?.rate ?? null;
  return inWords(factor, "more", "fewer", ["same", "same"]);
}

/** Errors have their own words: from none and to none there is no factor. */
export function errorChange(now: Period, base: Period | null): ChangeWords {
  if (!base || now.count === 0 || (now.errors === 0 && base.errors === 0)) return { text: "", tone: "same" };
  if (base.errors === 0) return { text: "were none", tone: "worse" };
  if (now.errors === 0) return { text: "none now", tone: "better" };
  return inWords(now.error_rate / base.error_rate, "more", "fewer", ["worse", "better"]);
}

function inWords(factor: number | null, up: string, down: string, [rising, falling]: [Tone, Tone]): ChangeWords {
  if (factor === null || !Number.isFinite(factor) || factor <= 0) return { text: "", tone: "same" };
  if (factor < LEAST_FACTOR && factor > 1 / LEAST_FACTOR) return { text: "same", tone: "same" };
  return factor > 1
    ? { text: `${formatFactor(factor)} ${up}`, tone: rising }
    : { text: `${formatFactor(1 / factor)} ${down}`, tone: falling };
}

/** The state whose time at p99 changed most, in nanoseconds; null where either period has no states. */
export function movedState({ now, base }: RouteComparison): { state: State; byNs: number } | null {
  const [here, there] = [now.states?.p99, base?.states?.p99];
  if (!here || !there) return null;
  const moves = STATES.map((state) => ({ state, byNs: here[state] - there[state] }));
  return moves.reduce((most, move) => (Math.abs(move.byNs) > Math.abs(most.byNs) ? move : most));
}

/** `p99 2.1x slower: 840 ms, was 400 ms; queue +380 ms`: two periods of a route in one sentence. */
export function comparisonWords(row: RouteComparison): ChangeWords & { moved: { state: State; byNs: number } | null } {
  const { now, base } = row;
  if (now.count === 0) return { text: goneWords(base), tone: "same", moved: null };
  if (!base) return { text: "No requests in the period that it is compared with.", tone: "same", moved: null };
  const { text, tone } = latencyChange(row.change?.p99 ?? null);
  const numbers = `${formatDuration(now.p99_ns)}, was ${formatDuration(base.p99_ns)}`;
  if (text === "same" || text === "") return { text: `p99 about the same: ${numbers}`, tone: "same", moved: null };
  return { text: `p99 ${text}: ${numbers}`, tone, moved: movedState(row) };
}

function goneWords(base: Period | null): string {
  if (!base) return "No requests in this period.";
  return `Gone: no requests in this period, ${formatCount(base.count)} before, p99 was ${formatDuration(base.p99_ns)}`;
}
