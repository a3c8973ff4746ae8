/** Gaps: time of a span in which none of its children ran, where the API says that there is one worth a word. */

import type { SpanNode, Stretch } from "./model.ts";

/** The same bounds as in the server's `waterfall.py`. */
const LEAST_SHARE = 0.1;
const LEAST_NS = 1e6;

/** @param totalNs - duration of the trace */
export function gapsOf(node: SpanNode, totalNs: number): Stretch[] {
  const least = Math.max(LEAST_NS, LEAST_SHARE * totalNs);
  return freeStretches(node).filter(({ duration_ns }) => duration_ns >= least);
}

/** Children are in order of time. */
function freeStretches({ span, children }: SpanNode): Stretch[] {
  const found: Stretch[] = [];
  const end = span.offset_ns + span.duration_ns;
  let point = span.offset_ns;
  for (const { span: child } of children) {
    const start = Math.min(child.offset_ns, end);
    if (start > point) found.push({ offset_ns: point, duration_ns: start - point });
    point = Math.max(point, Math.min(child.offset_ns + child.duration_ns, end));
  }
  if (point < end) found.push({ offset_ns: point, duration_ns: end - point });
  return found;
}
