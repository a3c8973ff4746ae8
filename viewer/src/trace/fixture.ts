/** Small traces for tests, from a few words each. */

import type { Span, Trace } from "../contract.ts";

type Part = Partial<Span> & { name: string };

/** Spans in tree order; ids are `1`, `2` and so on unless given. */
export function traceOf(parts: readonly Part[], change: Partial<Trace> = {}): Trace {
  const spans = parts.map((part, index): Span => ({
    span_id: String(index + 1),
    parent_id: null,
    depth: 0,
    service: "shop",
    kind: "internal",
    status: "unset",
    status_message: null,
    error: false,
    offset_ns: 0,
    skew_ns: 0,
    duration_ns: 100,
    self_ns: 100,
    states: null,
    timeline: null,
    http: null,
    end_reason: null,
    attributes: {},
    resource: 0,
    scope: null,
    events: [],
    links: [],
    ...part,
  }));
  const end = Math.max(...spans.map(({ offset_ns, duration_ns }) => offset_ns + duration_ns));
  return { trace_id: "a", start_us: 0, duration_ns: end, services: [], spans, logs: [], critical_path: [], problems: [], logs_truncated: false, ...change };
}
