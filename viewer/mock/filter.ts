/** The filters of the contract, on requests of the mock. Close to the server's, not a copy of it. */

import type { Request } from "../src/contract.ts";

export class WrongFilter extends Error {
  constructor(
    message: string,
    readonly parameter: string,
  ) {
    super(message);
  }
}

type Test = (request: Request) => boolean;

export function filterOf(query: URLSearchParams): Test {
  const tests = [...query].flatMap(([name, value]) => {
    const test = value ? testOf(name, value) : null;
    return test ? [test] : [];
  });
  return (request) => tests.every((test) => test(request));
}

function testOf(name: string, value: string): Test | null {
  switch (name) {
    case "service":
      return (request) => request.service === value;
    case "route":
      return (request) => request.route === value;
    case "method":
      return (request) => request.method === value.toUpperCase();
    case "status":
      return statusTest(value);
    case "end_reason":
      return (request) => request.end_reason === value;
    case "min_ms":
      return durationTest(name, value, (ms, bound) => ms >= bound);
    case "max_ms":
      return durationTest(name, value, (ms, bound) => ms <= bound);
    case "attr":
      return attributeTest(value);
    case "text":
      return textTest(value);
    case "since":
    case "until":
      return timeTest(name, value);
    default:
      return null;
  }
}

function statusTest(value: string): Test {
  if (value === "error") return (request) => request.error;
  const family = /^([1-5])xx$/.exec(value);
  if (family) return (request) => Math.floor((request.status ?? 0) / 100) === Number(family[1]);
  if (!/^\d{3}$/.test(value)) throw new WrongFilter(`status is a number such as 404, a class such as 5xx, or error; not '${value}'`, "status");
  return (request) => request.status === Number(value);
}

function durationTest(name: string, value: string, holds: (ms: number, bound: number) => boolean): Test {
  const bound = Number(value);
  if (Number.isNaN(bound)) throw new WrongFilter(`${name} is a number of milliseconds, not '${value}'`, name);
  return (request) => holds(request.duration_ns / 1e6, bound);
}

function attributeTest(value: string): Test {
  const match = /^(.*?)(!=|=|~|>|<)(.*)$/.exec(value);
  const [, key = value, operator = "", wanted = ""] = match ?? [];
  if (!key) throw new WrongFilter(`attr needs a key: key=value, key!=value, key~text, key>5, key<5 or key; not '${value}'`, "attr");
  return (request) => compare(attributesOf(request)[key], operator, wanted);
}

function compare(have: string | undefined, operator: string, wanted: string): boolean {
  if (operator === "!=") return have !== wanted;
  if (have === undefined) return false;
  if (operator === "=") return have === wanted;
  if (operator === "~") return have.includes(wanted);
  if (operator === ">") return Number(have) > Number(wanted);
  return operator === "<" ? Number(have) < Number(wanted) : true;
}

/** A few attributes, derived from the request. */
export function attributesOf(request: Request): Record<string, string> {
  const user = Number.parseInt(request.trace_id.slice(0, 4), 16) % 40;
  return {
    "client.address": `10.4.0.${user}`,
    "http.route": request.route ?? "",
    "http.request.method": request.method ?? "",
    "http.response.status_code": String(request.status ?? ""),
    "service.name": request.service,
    "user.id": `u${user}`,
    "user.plan": user % 3 ? "free" : "pro",
    "wirespan.end_reason": request.end_reason ?? "",
  };
}

function textTest(value: string): Test {
  const wanted = value.toLowerCase();
  return (request) =>
    [request.name, request.path, request.error_type, request.service].some((text) => text?.toLowerCase().includes(wanted));
}

function timeTest(name: string, value: string): Test {
  const at = instantOf(name, value);
  return name === "since" ? (request) => request.start_us >= at : (request) => request.start_us <= at;
}

/** Unix microseconds of `-15m`, Unix milliseconds or ISO 8601. */
export function instantOf(name: string, value: string): number {
  const relative = /^-(\d+)([smhd])$/.exec(value);
  if (relative) {
    const seconds = { s: 1, m: 60, h: 3600, d: 86_400 }[relative[2] ?? "s"] ?? 1;
    return (Date.now() - Number(relative[1]) * seconds * 1000) * 1000;
  }
  const ms = /^\d+$/.test(value) ? Number(value) : Date.parse(value);
  if (Number.isNaN(ms)) throw new WrongFilter(`${name} is a time such as -15m, 2026-11-22T14:05:00Z or Unix milliseconds; not '${value}'`, name);
  return ms * 1000;
}
