import { expect, test } from "vitest";
import { traceOf } from "./fixture.ts";
import { modelOf } from "./model.ts";
import { foldedTo, revealed, rowsOf, type Row } from "./rows.ts";

const log = (span_id: string | null, offset_ns: number, body: string) => ({ span_id, offset_ns, body, severity: 9, severity_text: null, service: "shop", attributes: {} });

const MODEL = modelOf(
  traceOf(
    [
      { name: "root", duration_ns: 100, events: [{ offset_ns: 50, name: "event", attributes: {} }] },
      { name: "a", depth: 1, offset_ns: 10, duration_ns: 30 },
      { name: "a1", depth: 2, offset_ns: 12, duration_ns: 8 },
      { name: "b", depth: 1, offset_ns: 60, duration_ns: 30 },
    ],
    {
      logs: [log("1", 5, "before a"), log("1", 95, "after b"), log("2", 39, "in a"), log(null, 1, "loose")],
      critical_path: [{ span_id: "3", offset_ns: 12, duration_ns: 8 }],
    },
  ),
);

const nameOf = (row: Row) => (row.kind === "span" ? row.node.span.name : row.kind === "log" ? row.log.body : row.event.name);
const names = (options: { folded?: string[]; hasNotes?: boolean; isCritical?: boolean }) =>
  rowsOf(MODEL, { folded: new Set(options.folded), hasNotes: options.hasNotes ?? false, isCritical: options.isCritical ?? false }).map(nameOf);

test("spans come in tree order", () => {
  expect(names({})).toEqual(["root", "a", "a1", "b"]);
});

test("events and logs stand where they happened among the children", () => {
  expect(names({ hasNotes: true })).toEqual(["root", "before a", "a", "a1", "in a", "event", "b", "after b", "loose"]);
});

test("a folded span hides what is under it, with its events and logs", () => {
  expect(names({ hasNotes: true, folded: ["2"] })).toEqual(["root", "before a", "a", "event", "b", "after b", "loose"]);
  expect(names({ hasNotes: true, folded: ["1"] })).toEqual(["root", "loose"]);
});

test("the critical path alone keeps what it is under", () => {
  expect(names({ isCritical: true })).toEqual(["root", "a", "a1"]);
});

test("only a span that holds something can be folded", () => {
  const open = (options: { hasNotes: boolean; isCritical: boolean }) =>
    rowsOf(MODEL, { folded: new Set(["2"]), ...options }).flatMap((row) => (row.kind === "span" ? [row.isOpen] : []));
  expect(open({ hasNotes: false, isCritical: false })).toEqual([true, false, null]);
  const critical = rowsOf(MODEL, { folded: new Set(), hasNotes: false, isCritical: true });
  expect(critical.at(-1)).toMatchObject({ isOpen: null });
});

test("folding by depth leaves so many levels, and a span can be brought back into sight", () => {
  const folded = foldedTo(MODEL, 1);
  expect(names({ folded: [...folded] })).toEqual(["root"]);
  expect(names({ folded: [...foldedTo(MODEL, 2)] })).toEqual(["root", "a", "b"]);
  const deepest = MODEL.nodes[2];
  expect(deepest && names({ folded: [...revealed(folded, deepest)] })).toEqual(["root", "a", "a1", "b"]);
});
