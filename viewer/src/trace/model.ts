/**
 * A trace as the page works with it: each span with its place in the tree and all that is told about it.
 *
 * Invariant: `nodes` are in tree order, so the spans under a node are those from `index + 1` to `end`.
 */

import type { CriticalPiece, LogRecord, Span, Trace, TraceProblem } from "../contract.ts";
import { paletteOf } from "./palette.ts";

/** A stretch of the trace's time, nanoseconds from its start. */
export interface Stretch {
  offset_ns: number;
  duration_ns: number;
}

export interface SpanNode {
  span: Span;
  index: number;
  /** Names the span in the URL: its id, with a number behind it where another span has the same id. */
  key: string;
  parent: SpanNode | null;
  /** Index after the last span under it. */
  end: number;
  children: SpanNode[];
  /** Name of the style property that holds its service's colour. */
  color: string;
  problems: TraceProblem[];
  logs: LogRecord[];
  /** Its part of the critical path, in order of time. */
  critical: CriticalPiece[];
  /** Time that nobody accounts for. */
  gaps: Stretch[];
}

export interface ServiceFacts {
  name: string;
  color: string;
  spans: number;
  errors: number;
  /** What was added to its clock where that was farthest from right, nanoseconds. */
  skew_ns: number;
}

export interface TraceModel {
  trace: Trace;
  nodes: SpanNode[];
  byKey: Map<string, SpanNode>;
  services: ServiceFacts[];
  errors: SpanNode[];
  /** Where the time axis ends, nanoseconds: the end of the trace, or of an event or log soon after it. At least 1. */
  end_ns: number;
  /** Levels of the tree; 1 where there are only roots. */
  levels: number;
  /** Logs of no span that is here. */
  looseLogs: LogRecord[];
}

export function modelOf(trace: Trace): TraceModel {
  const colors = paletteOf(trace.spans.map((span) => span.service));
  const nodes = trace.spans.map((span, index) => nodeOf(span, index, colors.get(span.service) ?? ""));
  linkTree(nodes);
  const byKey = nameNodes(nodes);
  const looseLogs = attach(trace, nodes, byKey);
  return {
    trace,
    nodes,
    byKey,
    services: servicesOf(trace, nodes, colors),
    errors: nodes.filter(({ span }) => span.error),
    end_ns: axisEnd(trace),
    levels: nodes.reduce((most, { span }) => Math.max(most, span.depth + 1), 1),
    looseLogs,
  };
}

/** What happens later than this, as a share of the trace's duration, does not make room for itself. */
const LATEST = 1.1;

function axisEnd({ duration_ns, spans, logs }: Trace): number {
  const notes = [...spans.flatMap(({ events }) => events), ...logs].map(({ offset_ns }) => offset_ns);
  const soon = notes.filter((ns) => ns <= duration_ns * LATEST);
  return soon.reduce((most, ns) => Math.max(most, ns), Math.max(1, duration_ns));
}

function nodeOf(span: Span, index: number, color: string): SpanNode {
  const empty = { children: [], problems: [], logs: [], critical: [], gaps: [] };
  return { span, index, key: span.span_id, parent: null, end: index + 1, color, ...empty };
}

/** Parents and the ends of subtrees, from the depths alone: ids may repeat and circles may be cut. */
function linkTree(nodes: SpanNode[]): void {
  const open: SpanNode[] = [];
  for (const node of nodes) {
    while (open.length > node.span.depth) close(open, node.index);
    node.parent = open.at(-1) ?? null;
    node.parent?.children.push(node);
    open.push(node);
  }
  while (open.length) close(open, nodes.length);
}

function close(open: SpanNode[], end: number): void {
  const node = open.pop();
  if (node) node.end = end;
}

function nameNodes(nodes: SpanNode[]): Map<string, SpanNode> {
  const byKey = new Map<string, SpanNode>();
  for (const node of nodes) {
    for (let count = 2; byKey.has(node.key); count++) node.key = `${node.span.span_id}.${count}`;
    byKey.set(node.key, node);
  }
  return byKey;
}

/** @returns the logs that belong to no span */
function attach(trace: Trace, nodes: SpanNode[], byId: Map<string, SpanNode>): LogRecord[] {
  for (const problem of trace.problems) attachProblem(problem, byId.get(problem.span_id));
  for (const piece of trace.critical_path) byId.get(piece.span_id)?.critical.push(piece);
  const loose: LogRecord[] = [];
  for (const log of trace.logs) (byId.get(log.span_id ?? "")?.logs ?? loose).push(log);
  for (const { logs, critical } of nodes) {
    logs.sort((one, other) => one.offset_ns - other.offset_ns);
    critical.sort((one, other) => one.offset_ns - other.offset_ns);
  }
  return loose;
}

function attachProblem(problem: TraceProblem, node: SpanNode | undefined): void {
  node?.problems.push(problem);
  const { kind, offset_ns, duration_ns } = problem;
  if (kind === "gap" && offset_ns !== null && duration_ns !== null) node?.gaps.push({ offset_ns, duration_ns });
}

function servicesOf(trace: Trace, nodes: SpanNode[], colors: Map<string, string>): ServiceFacts[] {
  const found = new Map<string, ServiceFacts>();
  for (const [name, color] of colors) found.set(name, { name, color, spans: 0, errors: 0, skew_ns: 0 });
  for (const { span } of nodes) {
    const facts = found.get(span.service);
    if (!facts) continue;
    facts.spans += 1;
    facts.errors += Number(span.error);
  }
  for (const { name, skew_ns } of trace.services) {
    const facts = found.get(name);
    if (facts && Math.abs(skew_ns) > Math.abs(facts.skew_ns)) facts.skew_ns = skew_ns;
  }
  return [...found.values()];
}

/** From the root down to the node's parent. */
export function ancestorsOf(node: SpanNode): SpanNode[] {
  const found: SpanNode[] = [];
  for (let above = node.parent; above; above = above.parent) found.unshift(above);
  return found;
}

export const endOf = ({ span }: SpanNode): number => span.offset_ns + span.duration_ns;
