/** One trace in words: where its time went, what the critical path waited for longest, and how it failed. */

import type { Attributes, Span } from "../contract.ts";
import { STATE_LOOKS, stateShares } from "../states.ts";
import { formatCount, formatDuration, formatPercent } from "../units.ts";
import type { SpanNode, TraceModel } from "./model.ts";

export interface Sentence {
  text: string;
  /** The span that it speaks of. */
  node: SpanNode | null;
  isBad?: boolean;
}

/** Below this share of the trace a single span is not why it took so long. */
const LEAST_SHARE = 0.05;

/** What the trace is about: its first root, or the first request in it where the root is not one. */
export function mainNode(model: TraceModel): SpanNode | null {
  const [first] = model.nodes;
  if (!first) return null;
  if (first.span.states) return first;
  return model.nodes.find(({ span }) => span.states && span.duration_ns >= first.span.duration_ns * 0.5) ?? first;
}

export function verdictOf(model: TraceModel): Sentence[] {
  const main = mainNode(model);
  if (!main) return [];
  return [failure(model, main), statesSentence(main), longest(model, main)].filter((sentence) => sentence !== null);
}

function statesSentence(main: SpanNode): Sentence | null {
  if (!main.span.states) return null;
  const [most, second] = stateShares(main.span.states).sort((one, other) => other.ns - one.ns);
  if (!most) return null;
  const also = second && second.share >= 0.15 ? `; then ${second.state}, ${formatPercent(second.share)}` : "";
  return { node: main, text: `Mostly ${most.state}, ${formatPercent(most.share)}: ${STATE_LOOKS[most.state].cause}${also}.` };
}

/** The span with the most of the critical path, apart from the request itself. */
function longest(model: TraceModel, main: SpanNode): Sentence | null {
  let most: SpanNode | null = null;
  for (const node of model.nodes) if (node !== main && criticalNs(node) > (most ? criticalNs(most) : 0)) most = node;
  const total = model.trace.duration_ns;
  if (!most || criticalNs(most) < total * LEAST_SHARE) return null;
  const ns = criticalNs(most);
  return {
    node: most,
    text: `Longest on the critical path: ${shown(most.span.name)} (${shown(most.span.service)}), ${formatDuration(ns)}, ${formatPercent(ns / total)}.`,
  };
}

/** Nanoseconds of the critical path that are the span's own. */
export const criticalNs = ({ critical }: SpanNode): number => critical.reduce((sum, { duration_ns }) => sum + duration_ns, 0);

/** The deepest error is nearest to the cause. Errors below a request that went well only count. */
function failure({ errors }: TraceModel, main: SpanNode): Sentence | null {
  if (errors.length && !main.span.error) {
    const count = errors.length === 1 ? "One span" : `${formatCount(errors.length)} spans`;
    return { node: errors[0] ?? null, text: `${count} failed; the request itself did not.` };
  }
  const deepest = errors.reduce<SpanNode | null>((found, node) => (!found || node.span.depth > found.span.depth ? node : found), null);
  if (!deepest) return null;
  const { span } = deepest;
  return { node: deepest, isBad: true, text: `Failed in ${shown(span.name)} (${shown(span.service)}): ${errorOf(span)}.` };
}

const LONGEST = 60;

/** A name within a sentence: shortened, and isolated where it is written from right to left, so that the sentence is not. */
function shown(name: string): string {
  const text = name.length > LONGEST ? `${name.slice(0, LONGEST)}…` : name;
  return /[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufeff]/.test(text) ? `\u2068${text}\u2069` : text;
}

/** What went wrong in a span, in a few words. */
export function errorOf(span: Span): string {
  const thrown = span.events.find(({ name }) => name === "exception")?.attributes;
  const type = word(thrown, "exception.type")?.split(".").at(-1) ?? word(span.attributes, "error.type");
  const message = word(thrown, "exception.message") ?? span.status_message;
  const said = [type, message].filter((part, at, all) => part && all.indexOf(part) === at).join(": ");
  if (said) return said;
  if (span.http?.status) return `status ${span.http.status}`;
  return span.end_reason && span.end_reason !== "completed" ? span.end_reason.replaceAll("_", " ") : "marked as an error";
}

function word(attributes: Attributes | undefined, key: string): string | null {
  const value = attributes?.[key];
  return typeof value === "string" && value ? value : null;
}
