import { describe, expect, test } from "vitest";
import { traceOf } from "./fixture.ts";
import { ancestorsOf, modelOf } from "./model.ts";
import { paletteOf } from "./palette.ts";

const TREE = [
  { name: "root" },
  { name: "a", depth: 1 },
  { name: "a1", depth: 2 },
  { name: "b", depth: 1 },
  { name: "second root" },
];

describe("the tree", () => {
  test("each span knows its parent and where its subtree ends", () => {
    const { nodes } = modelOf(traceOf(TREE));
    expect(nodes.map(({ parent }) => parent?.span.name ?? null)).toEqual([null, "root", "a", "root", null]);
    expect(nodes.map(({ end }) => end)).toEqual([4, 3, 3, 4, 5]);
    expect(nodes[0]?.children.map(({ span }) => span.name)).toEqual(["a", "b"]);
    expect(nodes[2] && ancestorsOf(nodes[2]).map(({ span }) => span.name)).toEqual(["root", "a"]);
  });

  test("two spans with one id have different keys, and both are there", () => {
    const model = modelOf(traceOf([{ name: "client", span_id: "x" }, { name: "server", span_id: "x", depth: 1 }]));
    expect(model.nodes.map(({ key }) => key)).toEqual(["x", "x.2"]);
    expect(model.byKey.get("x.2")?.span.name).toBe("server");
  });

  test("a chain of ten thousand spans is no deeper than the page can go", () => {
    const chain = Array.from({ length: 10_000 }, (_, depth) => ({ name: String(depth), depth }));
    const model = modelOf(traceOf(chain));
    expect(model.levels).toBe(10_000);
    expect(model.nodes[0]?.end).toBe(10_000);
  });
});

test("logs, problems and the critical path go to their spans, the rest is loose", () => {
  const log = { severity: 9, severity_text: null, service: "shop", attributes: {} };
  const model = modelOf(
    traceOf(TREE, {
      logs: [
        { ...log, span_id: "2", offset_ns: 9, body: "later" },
        { ...log, span_id: "2", offset_ns: 1, body: "first" },
        { ...log, span_id: "gone", offset_ns: 1, body: "of nobody" },
        { ...log, span_id: null, offset_ns: 1, body: "of no span" },
      ],
      critical_path: [{ span_id: "3", offset_ns: 0, duration_ns: 7 }],
      problems: [{ span_id: "4", kind: "clock_skew", message: "", offset_ns: null, duration_ns: null }],
    }),
  );
  expect(model.nodes[1]?.logs.map(({ body }) => body)).toEqual(["first", "later"]);
  expect(model.looseLogs.map(({ body }) => body)).toEqual(["of nobody", "of no span"]);
  expect(model.nodes[2]?.critical).toHaveLength(1);
  expect(model.nodes[3]?.problems).toHaveLength(1);
});

test("a gap is where the server says that there is one", () => {
  const spans = [
    { name: "root", duration_ns: 100e6 },
    { name: "one", depth: 1, offset_ns: 0, duration_ns: 30e6 },
    { name: "two", depth: 1, offset_ns: 80e6, duration_ns: 15e6 },
  ];
  expect(modelOf(traceOf(spans)).nodes[0]?.gaps).toEqual([]);
  const gap = { span_id: "1", kind: "gap" as const, message: "", offset_ns: 30e6, duration_ns: 50e6 };
  const told = modelOf(traceOf(spans, { problems: [gap, { ...gap, offset_ns: null, duration_ns: null }] }));
  expect(told.nodes[0]?.gaps).toEqual([{ offset_ns: 30e6, duration_ns: 50e6 }]);
});

test.each([
  ["nothing after the end", 90, 100],
  ["an event soon after the end, as clocks of handlers and of the engine differ", 104, 104],
  ["one long after the end makes no room for itself", 500, 100],
])("the time axis ends with the trace: %s", (_what, offset_ns, end) => {
  const events = [{ offset_ns, name: "late", attributes: {} }];
  expect(modelOf(traceOf([{ name: "root", events }])).end_ns).toBe(end);
});

describe("services", () => {
  test("are counted with their errors and the largest correction of their clock", () => {
    const resource = {};
    const model = modelOf(
      traceOf([{ name: "a" }, { name: "b", error: true }, { name: "c", service: "mail" }], {
        services: [{ name: "mail", skew_ns: 3, resource }, { name: "mail", skew_ns: -9, resource }],
      }),
    );
    expect(model.services.map(({ name, spans, errors, skew_ns }) => [name, spans, errors, skew_ns])).toEqual([["shop", 2, 1, 0], ["mail", 1, 0, -9]]);
  });

  test("keep their colour between traces, and eight of them never share one", () => {
    const names = ["gateway", "catalog", "checkout", "search", "payments", "mail", "stock", "users"];
    expect(new Set(paletteOf(names).values()).size).toBe(8);
    expect(paletteOf(["catalog"]).get("catalog")).toBe(paletteOf(["catalog", "x"]).get("catalog"));
    expect(paletteOf([...names, "ninth"]).get("ninth")).toMatch(/^--service-[1-8]$/);
  });
});
