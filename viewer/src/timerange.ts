/** The time range of a list: relative to now (`-15m`) or two instants; parameters `since` and `until` of the URL. */

import { formatInstant, formatTime } from "./units.ts";

export interface TimeRange {
  /** `-15m`, Unix milliseconds or ISO 8601; null is from the beginning. */
  since: string | null;
  /** Null is now. */
  until: string | null;
}

/** What the picker offers. */
export const RELATIVE_RANGES: readonly { since: string | null; label: string }[] = [
  { since: "-5m", label: "Last 5 minutes" },
  { since: "-15m", label: "Last 15 minutes" },
  { since: "-1h", label: "Last hour" },
  { since: "-6h", label: "Last 6 hours" },
  { since: "-24h", label: "Last 24 hours" },
  { since: null, label: "All that is stored" },
];

export function rangeOf(query: URLSearchParams): TimeRange {
  return { since: query.get("since"), until: query.get("until") };
}

export function withRange(query: URLSearchParams, { since, until }: TimeRange): URLSearchParams {
  const next = new URLSearchParams(query);
  for (const [name, value] of [["since", since], ["until", until]] as const) {
    if (value) next.set(name, value);
    else next.delete(name);
  }
  return next;
}

/** The range in words, such as `Last hour` or `14:05:00.000 to 14:10:00.000`. */
export function describeRange({ since, until }: TimeRange): string {
  if (!until) {
    const known = RELATIVE_RANGES.find((range) => range.since === since);
    return known?.label ?? (since?.startsWith("-") ? `Last ${since.slice(1)}` : `Since ${describeInstant(since)}`);
  }
  return since ? `${describeInstant(since)} to ${describeInstant(until)}` : `Until ${describeInstant(until)}`;
}

function describeInstant(text: string | null): string {
  if (!text || text.startsWith("-")) return text ?? "the beginning";
  const ms = /^\d+$/.test(text) ? Number(text) : Date.parse(text);
  if (Number.isNaN(ms)) return text;
  const isToday = new Date(ms).toDateString() === new Date().toDateString();
  return isToday ? formatTime(ms * 1000) : formatInstant(ms * 1000);
}

/** `datetime-local`'s text to Unix milliseconds as text, null where it is empty or wrong. */
export function instantOfInput(text: string): string | null {
  const ms = Date.parse(text);
  return Number.isNaN(ms) ? null : String(ms);
}
