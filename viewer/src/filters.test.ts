import { describe, expect, test } from "vitest";
import { addTerm, describeTerm, filterQuery, parseTerm, termsOf, typedForm, withTerms, type Term } from "./filters.ts";

describe("what someone types", () => {
  test.each<[string, Term | null]>([
    ["", null],
    ["   ", null],
    ["service:shop", { parameter: "service", value: "shop" }],
    ["service=shop", { parameter: "service", value: "shop" }],
    ["method:get", { parameter: "method", value: "GET" }],
    ["end:client_disconnected", { parameter: "end_reason", value: "client_disconnected" }],
    ["route:/orders/{id}", { parameter: "route", value: "/orders/{id}" }],
    ['text:"two words"', { parameter: "text", value: "two words" }],
    [">100ms", { parameter: "min_ms", value: "100" }],
    ["> 1.5s", { parameter: "min_ms", value: "1500" }],
    ["duration<250us", { parameter: "max_ms", value: "0.25" }],
    ["<=2", { parameter: "max_ms", value: "2" }],
    [">0.1s", { parameter: "min_ms", value: "100" }],
    ["user.id=7", { parameter: "attr", value: "user.id=7" }],
    ["user.plan != free", { parameter: "attr", value: "user.plan!=free" }],
    ["db.rows>5", { parameter: "attr", value: "db.rows>5" }],
    ["error.type~Timeout", { parameter: "attr", value: "error.type~Timeout" }],
    ["has:user.id", { parameter: "attr", value: "user.id" }],
    ["/orders/17", { parameter: "text", value: "/orders/17" }],
    ["http://x", { parameter: "text", value: "http://x" }],
    ["two words", { parameter: "text", value: "two words" }],
  ])("%j", (typed, term) => expect(parseTerm(typed)).toEqual(term));

  test.each<Term>([
    { parameter: "service", value: "shop" },
    { parameter: "min_ms", value: "0.25" },
    { parameter: "max_ms", value: "1500" },
    { parameter: "end_reason", value: "shutdown" },
    { parameter: "attr", value: "user.plan!=free" },
    { parameter: "attr", value: "user.id" },
    { parameter: "text", value: "two words" },
  ])("a term that is edited is typed again: %j", (term) => expect(parseTerm(typedForm(term))).toEqual(term));
});

describe("in the URL", () => {
  test("order, repeats of attr and foreign parameters survive", () => {
    const query = new URLSearchParams("attr=a=1&service=shop&attr=b&service=other&span=1&text=");
    expect(termsOf(query)).toEqual([
      { parameter: "attr", value: "a=1" },
      { parameter: "service", value: "shop" },
      { parameter: "attr", value: "b" },
    ]);
    expect(withTerms(query, [{ parameter: "status", value: "5xx" }]).toString()).toBe("status=5xx&span=1");
  });

  test("what other pages get is filters and time, nothing else", () => {
    expect(filterQuery(new URLSearchParams("since=-1h&span=1&status=5xx&until=")).toString()).toBe("status=5xx&since=-1h");
  });

  test("a single parameter replaces itself in place; attr adds up, but not twice the same", () => {
    const terms: Term[] = [
      { parameter: "status", value: "404" },
      { parameter: "attr", value: "a" },
    ];
    expect(addTerm(terms, { parameter: "status", value: "5xx" })[0]).toEqual({ parameter: "status", value: "5xx" });
    expect(addTerm(terms, { parameter: "attr", value: "b" })).toHaveLength(3);
    expect(addTerm(terms, { parameter: "attr", value: "a" })).toHaveLength(2);
  });
});

test.each<[Term, string]>([
  [{ parameter: "min_ms", value: "100" }, "duration > 100 ms"],
  [{ parameter: "end_reason", value: "shutdown" }, "end shutdown"],
  [{ parameter: "attr", value: "user.id=7" }, "user.id 7"],
  [{ parameter: "attr", value: "user.id!=7" }, "user.id != 7"],
  [{ parameter: "attr", value: "user.id" }, "has user.id"],
])("%j is shown as %s", (term, shown) => {
  const { name, value } = describeTerm(term);
  expect(`${name} ${value}`).toBe(shown);
});

describe("requests without a route", () => {
  const none: Term = { parameter: "route", value: "" };

  test("are asked for by an empty value, in the URL and typed", () => {
    expect(termsOf(new URLSearchParams("route=&service="))).toEqual([none]);
    expect(filterQuery(new URLSearchParams("route=")).toString()).toBe("route=");
    expect(parseTerm(typedForm(none))).toEqual(none);
    expect(describeTerm(none)).toEqual({ name: "route", value: "none" });
  });
});
