/** The rows of the waterfall: spans that are not folded away, with their events and logs where they happened. */

import type { LogRecord, SpanEvent } from "../contract.ts";
import { ancestorsOf, type SpanNode, type TraceModel } from "./model.ts";

export interface SpanRow {
  kind: "span";
  key: string;
  node: SpanNode;
  /** 0 for a root. */
  level: number;
  /** Null where there is nothing under it. */
  isOpen: boolean | null;
}

export interface EventRow {
  kind: "event";
  key: string;
  node: SpanNode;
  level: number;
  event: SpanEvent;
}

export interface LogRow {
  kind: "log";
  key: string;
  /** The span that it was written in; null when that is not here. */
  node: SpanNode | null;
  level: number;
  log: LogRecord;
}

export type NoteRow = EventRow | LogRow;
export type Row = SpanRow | NoteRow;

export interface RowOptions {
  /** Keys of spans whose content is hidden. */
  folded: ReadonlySet<string>;
  /** Whether events and logs have rows of their own. */
  hasNotes: boolean;
  /** Only what the trace's duration depends on. */
  isCritical: boolean;
}

export function rowsOf(model: TraceModel, options: RowOptions): Row[] {
  const shown = options.isCritical ? criticalNodes(model) : null;
  const walk = new Walk(options, shown);
  for (let index = 0; index < model.nodes.length; ) {
    const node = model.nodes[index];
    const isHidden = !node || (shown !== null && !shown.has(node));
    index = isHidden ? index + 1 : walk.enter(node);
  }
  walk.leave(model.nodes.length);
  return options.hasNotes && !shown ? [...walk.rows, ...looseNotes(model)] : walk.rows;
}

/** Goes through the tree; notes wait with their span until the time of its next child, or its end. */
class Walk {
  readonly rows: Row[] = [];
  readonly #open: { node: SpanNode; notes: NoteRow[] }[] = [];

  constructor(
    readonly options: RowOptions,
    readonly shown: ReadonlySet<SpanNode> | null,
  ) {}

  /** @returns where to go on: at the next span, or after all that is folded away */
  enter(node: SpanNode): number {
    this.leave(node.index);
    const above = this.#open.at(-1)?.notes ?? [];
    const later = above.findIndex((note) => timeOf(note) > node.span.offset_ns);
    this.rows.push(...above.splice(0, later < 0 ? above.length : later));
    const notes = this.options.hasNotes ? notesOf(node) : [];
    const isFolded = this.options.folded.has(node.key);
    const isOpen = notes.length > 0 || this.#hasChildren(node) ? !isFolded : null;
    this.rows.push({ kind: "span", key: node.key, node, level: node.span.depth, isOpen });
    if (isFolded) return node.end;
    this.#open.push({ node, notes });
    return node.index + 1;
  }

  /** Ends the spans whose subtree is over at this index. */
  leave(index: number): void {
    for (let last = this.#open.at(-1); last && last.node.end <= index; last = this.#open.at(-1)) {
      this.rows.push(...last.notes);
      this.#open.pop();
    }
  }

  #hasChildren({ children }: SpanNode): boolean {
    const { shown } = this;
    return shown ? children.some((child) => shown.has(child)) : children.length > 0;
  }
}

/** When a note happened, nanoseconds from the start of the trace. */
export const timeOf = (row: NoteRow): number => (row.kind === "event" ? row.event : row.log).offset_ns;

/** Events and logs of a span, in order of time. */
export function notesOf(node: SpanNode): NoteRow[] {
  const level = node.span.depth + 1;
  const events = node.span.events.map((event, at): EventRow => ({ kind: "event", key: `${node.key}-event${at}`, node, level, event }));
  const logs = node.logs.map((log, at): LogRow => ({ kind: "log", key: `${node.key}-log${at}`, node, level, log }));
  return [...events, ...logs].sort((one, other) => timeOf(one) - timeOf(other));
}

function looseNotes(model: TraceModel): LogRow[] {
  return model.looseLogs.map((log, at) => ({ kind: "log", key: `log${at}`, node: null, level: 0, log }));
}

/** Spans on the critical path and what they are under. */
function criticalNodes(model: TraceModel): Set<SpanNode> {
  const found = new Set<SpanNode>();
  for (const node of model.nodes) {
    if (!node.critical.length) continue;
    for (let above: SpanNode | null = node; above && !found.has(above); above = above.parent) found.add(above);
  }
  return found;
}

/** Folds so that `levels` levels are seen. */
export function foldedTo(model: TraceModel, levels: number): Set<string> {
  return new Set(model.nodes.filter(({ span, end, index }) => span.depth >= levels - 1 && end > index + 1).map(({ key }) => key));
}

/** Unfolds whatever hides the node. */
export function revealed(folded: ReadonlySet<string>, node: SpanNode): ReadonlySet<string> {
  const hiding = ancestorsOf(node).filter(({ key }) => folded.has(key));
  if (!hiding.length) return folded;
  const next = new Set(folded);
  for (const { key } of hiding) next.delete(key);
  return next;
}
