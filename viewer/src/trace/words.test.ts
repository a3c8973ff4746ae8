import { describe, expect, test } from "vitest";
import { traceOf } from "./fixture.ts";
import { partsOf } from "./Highlighted.tsx";
import { modelOf } from "./model.ts";
import { readPlace, writePlace } from "./place.ts";
import { matchesOf, nextOf } from "./search.ts";
import { stackLines } from "./stack.ts";
import { errorOf, verdictOf } from "./verdict.ts";
import { severityWord } from "./words.ts";

describe("search", () => {
  const model = modelOf(
    traceOf([
      { name: "GET /orders", attributes: { "user.id": "u17" } },
      { name: "SELECT orders", service: "stock", depth: 1, attributes: { "db.system.name": "postgresql", rows: 12 } },
      { name: "charge", depth: 1, events: [{ offset_ns: 0, name: "exception", attributes: { "exception.type": "Declined" } }] },
    ]),
  );
  const found = (text: string) => matchesOf(model, text).map(({ span }) => span.name);

  test("looks at names, services, attributes and events, in any case", () => {
    expect(found("ORDERS")).toEqual(["GET /orders", "SELECT orders"]);
    expect(found("stock")).toEqual(["SELECT orders"]);
    expect(found("user.id=u17")).toEqual(["GET /orders"]);
    expect(found("rows=12")).toEqual(["SELECT orders"]);
    expect(found("declined")).toEqual(["charge"]);
  });

  test("all words must be there; nothing typed finds nothing", () => {
    expect(found("orders postgresql")).toEqual(["SELECT orders"]);
    expect(found("  ")).toEqual([]);
  });

  test("goes around at both ends", () => {
    const matches = matchesOf(model, "orders");
    expect(nextOf(matches, -1, 1)?.index).toBe(0);
    expect(nextOf(matches, 1, 1)?.index).toBe(0);
    expect(nextOf(matches, 0, -1)?.index).toBe(1);
    expect(nextOf([], 0, 1)).toBeUndefined();
  });

  test("marks the words in a text, whatever signs they hold", () => {
    expect(partsOf("GET /a(b", ["a(b"])).toEqual(["GET /", "a(b", ""]);
  });
});

describe("the place", () => {
  test("comes back out of the URL as it went in, beside the filters of the lists", () => {
    const place = { selected: "ab.2", hasDetail: true, range: { from: 10, to: 900 }, find: "a b", isCritical: true, hasNotes: false };
    const written = writePlace(new URLSearchParams("service=shop"), place);
    expect(written.get("service")).toBe("shop");
    expect(readPlace(written)).toEqual(place);
  });

  test("nothing chosen leaves nothing, and nonsense is nothing", () => {
    const empty = readPlace(new URLSearchParams("zoom=9-3&span="));
    expect(empty.range).toBeNull();
    expect(writePlace(new URLSearchParams("zoom=1-2"), { ...empty, selected: null }).toString()).toBe("");
  });
});

describe("the verdict", () => {
  const states = { queue: 5, read: 0, schedule: 0, run: 20, await: 75, write: 0 };
  const texts = (...args: Parameters<typeof traceOf>) => verdictOf(modelOf(traceOf(...args))).map(({ text }) => text);

  test("names the states that took most, and the span that the trace waited for", () => {
    const said = texts(
      [{ name: "GET /", states }, { name: "SELECT", service: "db", depth: 1 }],
      { critical_path: [{ span_id: "1", offset_ns: 0, duration_ns: 40 }, { span_id: "2", offset_ns: 40, duration_ns: 60 }] },
    );
    expect(said).toEqual(["Mostly await, 75%: a database, a service or a thread; then run, 20%.", "Longest on the critical path: SELECT (db), 60 ns, 60%."]);
  });

  test("tells where a failed request failed, nearest to the cause", () => {
    const said = texts([{ name: "POST /", error: true }, { name: "charge", depth: 1, error: true, status_message: "declined" }]);
    expect(said).toEqual(["Failed in charge (shop): declined."]);
  });

  test("does not say that a request failed which did not", () => {
    expect(texts([{ name: "POST /" }, { name: "charge", depth: 1, error: true }])).toEqual(["One span failed; the request itself did not."]);
  });

  test("an error has a word, however little the sender told", () => {
    const of = (part: object) => errorOf(traceOf([{ name: "x", ...part }]).spans[0] ?? (null as never));
    const thrown = { "exception.type": "shop.Declined", "exception.message": "card expired" };
    expect(of({ events: [{ offset_ns: 0, name: "exception", attributes: thrown }] })).toBe("Declined: card expired");
    expect(of({ http: { method: null, route: null, path: null, status: 503 } })).toBe("status 503");
    expect(of({ end_reason: "client_disconnected" })).toBe("client disconnected");
    expect(of({})).toBe("marked as an error");
  });
});

test("a stack trace shows the user's own frames", () => {
  const kinds = stackLines(`Traceback (most recent call last):
  File "/srv/shop/orders.py", line 88, in create
    receipt = await charge()
              ^^^^^^^^^^^^^^
  File "/venv/lib/python3.12/site-packages/httpx/_client.py", line 9, in post
    return 1
httpx.ReadTimeout: too slow
`).map(({ kind }) => kind);
  expect(kinds).toEqual(["text", "frame", "code", "mark", "library", "library", "error"]);
  expect(stackLines("TypeError: x\n    at run (/srv/app.js:3:1)\n    at node:internal/main:1").map(({ kind }) => kind)).toEqual(["error", "frame", "library"]);
});

test("severities have names", () => {
  expect([severityWord(9, null), severityWord(17, "error"), severityWord(0, null)]).toEqual(["INFO", "error", "LOG"]);
});
