/** What the filter bar offers while someone types: parameters, values that are stored, attribute keys and their values. */

import { api } from "./api.ts";

export interface Suggestion {
  /** What the field holds when it is taken. */
  typed: string;
  /** Shown beside it. */
  hint: string;
  /** It is a whole filter: taking it applies it. Else the user types on. */
  isWhole: boolean;
}

export const END_REASONS = [
  "completed",
  "client_disconnected",
  "read_timeout",
  "write_timeout",
  "handler_error",
  "handler_timeout",
  "protocol_error",
  "limit_exceeded",
  "shutdown",
  "upgraded",
] as const;

const STARTS: readonly Suggestion[] = [
  { typed: "service:", hint: "name of a service", isWhole: false },
  { typed: "route:", hint: "route template, such as /orders/{id}", isWhole: false },
  { typed: "status:", hint: "404, 5xx or error", isWhole: false },
  { typed: "status:error", hint: "requests that failed", isWhole: true },
  { typed: ">100ms", hint: "took longer than 100 ms", isWhole: true },
  { typed: ">1s", hint: "took longer than a second", isWhole: true },
  { typed: "method:", hint: "GET, POST, …", isWhole: false },
  { typed: "end:", hint: "how it ended, such as client_disconnected", isWhole: false },
  { typed: "has:", hint: "an attribute is there", isWhole: false },
];

const STATUSES: readonly [string, string][] = [
  ["error", "requests that failed"],
  ["5xx", "server errors"],
  ["4xx", "client errors"],
  ["3xx", "redirects"],
  ["2xx", "successes"],
  ["404", "not found"],
  ["500", "internal error"],
];

const MOST = 12;

/** Suggestions for what is in the field. Asks the viewer for stored values; an answer that fails is no suggestion. */
export async function suggest(typed: string, signal: AbortSignal): Promise<Suggestion[]> {
  const text = typed.trimStart();
  const word = /^(\w+):(.*)$/.exec(text);
  const attribute = /^([\w.\-/]+)(!=|=)(.*)$/.exec(text);
  try {
    if (word) return await valuesOf(word[1] ?? "", word[2] ?? "", signal);
    if (attribute) return await attributeValues(attribute[1] ?? "", attribute[2] ?? "", attribute[3] ?? "", signal);
    return [...starts(text), ...(await attributeKeys(text, signal))].slice(0, MOST);
  } catch {
    return starts(text);
  }
}

function starts(text: string): Suggestion[] {
  const wanted = text.toLowerCase();
  return STARTS.filter(({ typed, hint }) => typed.includes(wanted) || (wanted.length > 2 && hint.includes(wanted)));
}

async function valuesOf(word: string, begun: string, signal: AbortSignal): Promise<Suggestion[]> {
  const make = (value: string, hint = ""): Suggestion => ({ typed: `${word}:${value}`, hint, isWhole: true });
  const matches = ({ typed }: Suggestion) => typed.toLowerCase().includes(begun.toLowerCase());
  if (word === "status") return STATUSES.map(([value, hint]) => make(value, hint)).filter(matches);
  if (word === "end") return END_REASONS.map((value) => make(value)).filter(matches);
  if (word === "has") return (await api.attributeKeys(begun, signal)).keys.slice(0, MOST).map((key) => make(key));
  const values = await routeValues(word, signal);
  return values.map((value) => make(value)).filter(matches).slice(0, MOST);
}

/** Services, routes and methods, the busiest first. */
async function routeValues(word: string, signal: AbortSignal): Promise<string[]> {
  if (word !== "service" && word !== "route" && word !== "method") return [];
  const { routes } = await api.routes({}, signal);
  const byCount = [...routes].sort((one, other) => other.count - one.count);
  return [...new Set(byCount.map((row) => row[word]).filter((value) => value !== null))];
}

async function attributeKeys(begun: string, signal: AbortSignal): Promise<Suggestion[]> {
  if (!/^[\w.\-/]*$/.test(begun)) return [];
  const { keys } = await api.attributeKeys(begun, signal);
  return keys.map((key) => ({ typed: `${key}=`, hint: "attribute", isWhole: false }));
}

async function attributeValues(key: string, operator: string, begun: string, signal: AbortSignal): Promise<Suggestion[]> {
  const { values } = await api.attributeValues(key, signal);
  return values
    .filter((value) => value.toLowerCase().includes(begun.toLowerCase()))
    .slice(0, MOST)
    .map((value) => ({ typed: `${key}${operator}${value}`, hint: "", isWhole: true }));
}
