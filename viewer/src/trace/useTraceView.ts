/** State of the waterfall and what can be done to it; the components show it and the keys act on it. */

import { useMemo, useState } from "preact/hooks";
import type { Trace } from "../contract.ts";
import { modelOf, type SpanNode, type TraceModel } from "./model.ts";
import type { TracePlace } from "./place.ts";
import { around, clampRange, panned, zoomed, type Range } from "./range.ts";
import { foldedTo, revealed, rowsOf, type Row } from "./rows.ts";
import { matchesOf, nextOf } from "./search.ts";
import { useRoom, type Room } from "./useRoom.ts";
import { mainNode } from "./verdict.ts";
import { usePlace, type ChangePlace } from "./usePlace.ts";

/** More events and logs than this have no rows of their own until asked for: they would bury the spans. */
const FEW_NOTES = 40;

/** In a window of this width the panel is open until it is closed. */
const ROOMY_PX = 1200;

export const ROW_PX = 26;
/** What stands above the rows, and how much of the rest they may take so that the panel has a place below them. */
const ABOVE_PX = 270;
const SHORT_SHARE = 0.42;

export interface TraceView {
  model: TraceModel;
  rows: Row[];
  place: TracePlace;
  /** What is shown, the whole trace where nothing is zoomed. */
  range: Range;
  hasNotes: boolean;
  /** Whether the panel with the selected row is open. */
  hasDetail: boolean;
  /** The panel is below the waterfall, which is so short that there is room. */
  isBelow: boolean;
  folded: ReadonlySet<string>;
  matches: SpanNode[];
  matched: ReadonlySet<SpanNode>;
  /** -1 without one. */
  selectedIndex: number;
  selected: Row | null;
  change: ChangePlace;
  setFolded: (folded: ReadonlySet<string>) => void;
}

export function useTraceView(trace: Trace): TraceView {
  const model = useMemo(() => modelOf(trace), [trace]);
  const [place, change] = usePlace();
  const [folded, setFolded] = useState<ReadonlySet<string>>(new Set());
  const { find, isCritical } = place;
  const hasNotes = place.hasNotes ?? notesIn(model) <= FEW_NOTES;
  const rows = useMemo(() => rowsOf(model, { folded, hasNotes, isCritical }), [model, folded, hasNotes, isCritical]);
  const places = useMemo(() => new Map(rows.map(({ key }, index) => [key, index])), [rows]);
  const matches = useMemo(() => matchesOf(model, find), [model, find]);
  const matched = useMemo(() => new Set(matches), [matches]);
  const { isBelow, hasDetail } = panelOf(model, place, useRoom());
  const chosen = chosenKey(model, place, hasDetail);
  const selectedIndex = places.get(chosen ?? "") ?? -1;
  const range = (place.range && clampRange(place.range, model.end_ns)) ?? { from: 0, to: model.end_ns };
  const selected = rows[selectedIndex] ?? hiddenRow(model, chosen);
  return { model, rows, place, range, hasNotes, hasDetail, isBelow, folded, matches, matched, selectedIndex, selected, change, setFolded };
}

/** The panel is open until it is closed, where there is room. */
function panelOf(model: TraceModel, { hasDetail }: TracePlace, room: Room): { isBelow: boolean; hasDetail: boolean } {
  const isBelow = isShort(model, room);
  return { isBelow, hasDetail: hasDetail ?? (isBelow || room.width >= ROOMY_PX) };
}

/** Where nothing is chosen, an open panel shows what the trace is about. */
function chosenKey(model: TraceModel, { selected }: TracePlace, hasDetail: boolean): string | null {
  return selected ?? (hasDetail ? mainNode(model)?.key ?? null : null);
}

/** By all rows there can be: folding does not move the panel. */
function isShort(model: TraceModel, { height }: Room): boolean {
  const rows = model.nodes.length + Math.min(notesIn(model), FEW_NOTES);
  return rows * ROW_PX <= (height - ABOVE_PX) * SHORT_SHARE;
}

const notesIn = ({ trace }: TraceModel): number =>
  trace.spans.reduce((sum, { events }) => sum + events.length, trace.logs.length);

/** The selected span where its row is folded away: its panel stays. */
function hiddenRow(model: TraceModel, key: string | null): Row | null {
  const node = model.byKey.get(key ?? "");
  return node ? { kind: "span", key: node.key, node, level: node.span.depth, isOpen: null } : null;
}

export const nodeOfRow = (row: Row | null): SpanNode | null => row?.node ?? null;

/** Selects a span, and shows it where it was folded or filtered away. */
export function selectNode({ change, folded, setFolded, place }: TraceView, node: SpanNode): void {
  setFolded(revealed(folded, node));
  change({ selected: node.key, isCritical: place.isCritical && node.critical.length > 0 });
}

export function moveBy({ rows, selectedIndex, change }: TraceView, step: number): void {
  const row = rows[Math.min(rows.length - 1, Math.max(0, selectedIndex + step))];
  if (row) change({ selected: row.key });
}

export function toggleFold({ folded, setFolded }: TraceView, node: SpanNode): void {
  const next = new Set(folded);
  if (!next.delete(node.key)) next.add(node.key);
  setFolded(next);
}

/** Folds an open span; from a folded one or a leaf goes to its parent. */
export function foldOrLeave(view: TraceView): void {
  const row = view.selected;
  if (row?.kind === "span" && row.isOpen) toggleFold(view, row.node);
  else {
    const above = row?.kind === "span" ? row.node.parent : nodeOfRow(row);
    if (above) selectNode(view, above);
  }
}

/** Unfolds a folded span; from an open one goes to what is under it. */
export function unfoldOrEnter(view: TraceView): void {
  const row = view.selected;
  if (row?.kind === "span" && row.isOpen === false) toggleFold(view, row.node);
  else if (row?.kind !== "span" || row.isOpen) moveBy(view, 1);
}

export function goToMatch(view: TraceView, step: 1 | -1): void {
  goAmong(view, view.matches, step);
}

export function goToError(view: TraceView, step: 1 | -1): void {
  goAmong(view, view.model.errors, step);
}

/** The next span in tree order about which something does not add up. */
export function goToProblem(view: TraceView): void {
  goAmong(view, view.model.nodes.filter(({ problems }) => problems.length > 0), 1);
}

function goAmong(view: TraceView, nodes: readonly SpanNode[], step: 1 | -1): void {
  const from = nodeOfRow(view.selected)?.index ?? (step === 1 ? -1 : view.model.nodes.length);
  const node = nextOf(nodes, from, step);
  if (node) selectNode(view, node);
}

export function zoomTo({ model, change }: TraceView, range: Range | null): void {
  change({ range: range && clampRange(range, model.end_ns) });
}

export function zoomBy(view: TraceView, factor: number, at = (view.range.from + view.range.to) / 2): void {
  zoomTo(view, zoomed(view.range, factor, at));
}

export function panBy(view: TraceView, share: number): void {
  if (view.place.range) zoomTo(view, panned(view.range, share));
}

export function zoomToSelected(view: TraceView): void {
  const span = nodeOfRow(view.selected)?.span;
  if (span) zoomTo(view, around(span.offset_ns, span.duration_ns));
}

/** How many levels are open now: down to the first one that is folded. */
export function openLevels({ model, folded }: TraceView): number {
  let least = model.levels;
  for (const key of folded) least = Math.min(least, (model.byKey.get(key)?.span.depth ?? model.levels) + 1);
  return least;
}

export function foldTo(view: TraceView, levels: number): void {
  const most = view.model.levels;
  const next = Math.min(most, Math.max(1, levels));
  view.setFolded(next >= most ? new Set() : foldedTo(view.model, next));
}
