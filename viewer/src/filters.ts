/**
 * Filters: what lists are narrowed by. One model, three forms: terms (what the filter bar shows), the page's URL and
 * the API's query, which are the same parameters, and the text that people type (`status:5xx`, `>100ms`, `user.id=7`).
 */

export const SINGLE_PARAMETERS = [
  "service",
  "route",
  "method",
  "status",
  "end_reason",
  "min_ms",
  "max_ms",
  "text",
] as const;

/** May be given once; `attr` any number of times. */
export type SingleParameter = (typeof SINGLE_PARAMETERS)[number];
export type FilterParameter = SingleParameter | "attr";

export interface Term {
  parameter: FilterParameter;
  value: string;
}

const TIME_PARAMETERS = ["since", "until"] as const;

/** Here the empty value asks for requests that have none: no route took them, they are not HTTP. */
const MAY_BE_EMPTY: readonly string[] = ["route", "method"];

const isParameter = (name: string): name is FilterParameter =>
  name === "attr" || (SINGLE_PARAMETERS as readonly string[]).includes(name);

/** The terms in a query, in its order. Empty values that ask nothing, and a second one of a single parameter, are left out. */
export function termsOf(query: URLSearchParams): Term[] {
  const terms: Term[] = [];
  for (const [parameter, value] of query) {
    if (!isParameter(parameter) || (value === "" && !MAY_BE_EMPTY.includes(parameter))) continue;
    if (parameter === "attr" || !terms.some((term) => term.parameter === parameter)) terms.push({ parameter, value });
  }
  return terms;
}

/** The filter part of a query: terms and time range. What a link to another list carries, and what the API gets. */
export function filterQuery(query: URLSearchParams): URLSearchParams {
  const kept = new URLSearchParams(termsOf(query).map(({ parameter, value }): [string, string] => [parameter, value]));
  for (const name of TIME_PARAMETERS) {
    const value = query.get(name);
    if (value) kept.set(name, value);
  }
  return kept;
}

/** The query with these terms; what else it holds stays. */
export function withTerms(query: URLSearchParams, terms: Term[]): URLSearchParams {
  const next = new URLSearchParams(terms.map(({ parameter, value }): [string, string] => [parameter, value]));
  for (const [name, value] of query) if (!isParameter(name)) next.append(name, value);
  return next;
}

/** Adds a term. A single parameter replaces the one that is there. */
export function addTerm(terms: Term[], term: Term): Term[] {
  const isSame = (other: Term) =>
    other.parameter === term.parameter && (term.parameter !== "attr" || other.value === term.value);
  const at = terms.findIndex(isSame);
  return at < 0 ? [...terms, term] : terms.map((other, index) => (index === at ? term : other));
}

const WORDS: Record<string, FilterParameter> = {
  service: "service",
  route: "route",
  method: "method",
  status: "status",
  end: "end_reason",
  end_reason: "end_reason",
  text: "text",
};

/**
 * What someone typed, as a term.
 *
 * `name:value` is a parameter, `>100ms` and `<2s` (also with `duration` before) the duration, `key=value`, `key!=value`,
 * `key~text`, `key>5`, `key<5` and `has:key` an attribute; anything else is searched as text.
 */
export function parseTerm(typed: string): Term | null {
  const text = typed.trim();
  if (!text) return null;
  return parseDuration(text) ?? parseParameter(text) ?? parseAttribute(text) ?? { parameter: "text", value: unquote(text) };
}

function parseDuration(text: string): Term | null {
  const match = /^(?:duration)?\s*([<>])=?\s*(\d+(?:\.\d+)?)\s*(us|µs|ms|s|m)?$/i.exec(text);
  if (!match) return null;
  const [, sign, number = "", unit = "ms"] = match;
  const ms = Number(number) * (MS_IN[unit.toLowerCase()] ?? 1);
  return { parameter: sign === ">" ? "min_ms" : "max_ms", value: String(Number(ms.toPrecision(12))) };
}

const MS_IN: Record<string, number> = { us: 0.001, µs: 0.001, ms: 1, s: 1000, m: 60_000 };

function parseParameter(text: string): Term | null {
  const match = /^(\w+):(.+)$/.exec(text);
  if (!match) return null;
  const [, word = "", rest = ""] = match;
  const value = unquote(rest.trim());
  if (word === "has") return { parameter: "attr", value };
  const parameter = WORDS[word.toLowerCase()];
  return parameter && (value || MAY_BE_EMPTY.includes(parameter)) ? { parameter, value: parameter === "method" ? value.toUpperCase() : value } : null;
}

function parseAttribute(text: string): Term | null {
  const match = /^([\w.\-/[\]]+)\s*(!=|=|~|>|<)\s*(.+)$/.exec(text);
  if (!match) return null;
  const [, key = "", operator = "", value = ""] = match;
  const single = operator === "=" ? WORDS[key] : undefined;
  if (single) return { parameter: single, value: unquote(value) };
  return { parameter: "attr", value: `${key}${operator}${unquote(value)}` };
}

function unquote(text: string): string {
  const match = /^(["'])(.*)\1$/.exec(text);
  return match?.[2] ?? text;
}

/** A term as the filter bar shows it: what is asked, and of which value. */
export function describeTerm({ parameter, value }: Term): { name: string; value: string } {
  switch (parameter) {
    case "min_ms":
      return { name: "duration", value: `> ${value} ms` };
    case "max_ms":
      return { name: "duration", value: `< ${value} ms` };
    case "end_reason":
      return { name: "end", value };
    case "attr":
      return describeAttribute(value);
    default:
      return { name: parameter, value: value || "none" };
  }
}

function describeAttribute(value: string): { name: string; value: string } {
  const match = /^(.*?)(!=|=|~|>|<)(.*)$/s.exec(value);
  if (!match) return { name: "has", value };
  const [, key = "", operator = "", wanted = ""] = match;
  return { name: key, value: operator === "=" ? wanted : `${operator} ${wanted}` };
}

/** The text that makes this term again, so that it can be edited. */
export function typedForm({ parameter, value }: Term): string {
  switch (parameter) {
    case "min_ms":
      return `>${value}ms`;
    case "max_ms":
      return `<${value}ms`;
    case "end_reason":
      return `end:${value}`;
    case "attr":
      return /[=~<>]/.test(value) ? value : `has:${value}`;
    case "text":
      return value;
    default:
      return `${parameter}:${value || '""'}`;
  }
}
