/** Two periods: the time range of the page, and the one that it is compared with. `compare` in the URL chooses it. */

import { rangeOf, type TimeRange } from "../timerange.ts";

export type Comparison = "off" | "previous" | "day" | "week" | "custom";

export interface Base {
  base_since: string;
  base_until: string;
}

export const COMPARISONS: readonly { name: Comparison; label: string; short: string }[] = [
  { name: "off", label: "Nothing", short: "Compare" },
  { name: "previous", label: "The time just before", short: "the time just before" },
  { name: "day", label: "A day earlier", short: "a day earlier" },
  { name: "week", label: "A week earlier", short: "a week earlier" },
];

const DAY_S = 86_400;
const SHIFTS_S: Partial<Record<Comparison, number>> = { day: DAY_S, week: 7 * DAY_S };
const UNITS_S: Record<string, number> = { s: 1, m: 60, h: 3600, d: DAY_S };

export function comparisonOf(query: URLSearchParams): Comparison {
  const name = query.get("compare");
  if (name === "custom" && query.get("base_since") && query.get("base_until")) return "custom";
  return COMPARISONS.find((each) => each.name === name)?.name ?? "off";
}

/**
 * When the other period begins and ends, as the API takes it; null where nothing is compared, or where the page's range
 * has no beginning, so that there is no length to go back by.
 *
 * @param nowMs - what relative times are relative to, Unix milliseconds
 */
export function baseOf(query: URLSearchParams, nowMs = Date.now()): Base | null {
  const comparison = comparisonOf(query);
  if (comparison === "off") return null;
  if (comparison === "custom") return { base_since: query.get("base_since") ?? "", base_until: query.get("base_until") ?? "" };
  return shifted(rangeOf(query), SHIFTS_S[comparison] ?? null, nowMs);
}

/** The range moved back by seconds; by its own length where `shiftS` is null. */
function shifted({ since, until }: TimeRange, shiftS: number | null, nowMs: number): Base | null {
  const ago = since === null ? null : secondsAgo(since);
  if (ago !== null && until === null) {
    const by = shiftS ?? ago;
    return { base_since: `-${ago + by}s`, base_until: `-${by}s` };
  }
  const [from, to] = [instantMs(since, nowMs), until === null ? nowMs : instantMs(until, nowMs)];
  if (from === null || to === null) return null;
  const byMs = shiftS === null ? to - from : shiftS * 1000;
  return { base_since: String(Math.floor(from - byMs)), base_until: String(Math.floor(to - byMs)) };
}

function secondsAgo(text: string): number | null {
  const match = /^-(\d+)([smhd])$/.exec(text);
  return match ? Number(match[1]) * (UNITS_S[match[2] ?? ""] ?? 1) : null;
}

/** Unix milliseconds of an instant as it stands in the URL. */
export function instantMs(text: string | null, nowMs: number): number | null {
  if (text === null) return null;
  const ago = secondsAgo(text);
  if (ago !== null) return nowMs - ago * 1000;
  const ms = /^\d+$/.test(text) ? Number(text) : Date.parse(text);
  return Number.isNaN(ms) ? null : ms;
}

/** The query with another comparison. Comparing needs a range with a beginning: the last quarter of an hour if none is set. */
export function withComparison(query: URLSearchParams, comparison: Comparison, base?: Base): URLSearchParams {
  const next = new URLSearchParams(query);
  for (const name of ["compare", "base_since", "base_until"]) next.delete(name);
  if (comparison === "off") return next;
  next.set("compare", comparison);
  if (base) for (const [name, value] of Object.entries(base)) next.set(name, value as string);
  if (!next.get("since")) next.set("since", "-15m");
  return next;
}
