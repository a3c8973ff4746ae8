/** All that is known about a span. */

import type { Span, SpanEvent, TraceProblem } from "../contract.ts";
import { CopyButton } from "../components/CopyButton.tsx";
import { Icon } from "../components/Icon.tsx";
import { formatDuration, formatInstant, formatPercent } from "../units.ts";
import { AttributeTable } from "./AttributeTable.tsx";
import type { SpanNode } from "./model.ts";
import { Fact } from "./RowDetail.tsx";
import { notesOf } from "./rows.ts";
import { valueText } from "./search.ts";
import { SpanStates } from "./SpanStates.tsx";
import { StackTrace } from "./StackTrace.tsx";
import { skewText } from "./TraceServices.tsx";
import type { TraceView } from "./useTraceView.ts";
import { criticalNs, errorOf } from "./verdict.ts";
import { SpanLinks, SpanNotes } from "./SpanNotes.tsx";

export function SpanDetail({ view, node }: { view: TraceView; node: SpanNode }) {
  const { span } = node;
  const resource = view.model.trace.services[span.resource]?.resource ?? {};
  return (
    <>
      <p class="detail-what">
        <span class="service-dot" style={{ background: `var(${node.color})` }} />
        {span.service} <span class="dim">{span.kind}</span>
      </p>
      <Facts view={view} node={node} />
      {node.problems.map((problem) => (
        <Remark key={problem.message} problem={problem} />
      ))}
      {span.error && <Failure span={span} />}
      <SpanStates span={span} />
      <AttributeTable title="Attributes" attributes={span.attributes} isOpen isLinked />
      <SpanNotes view={view} notes={notesOf(node)} />
      <SpanLinks links={span.links} />
      <AttributeTable title="Resource" attributes={resource} />
      <Identity span={span} traceId={view.model.trace.trace_id} />
    </>
  );
}

function Facts({ view, node }: { view: TraceView; node: SpanNode }) {
  const { span, critical } = node;
  const { start_us, duration_ns } = view.model.trace;
  const ofTrace = formatPercent(span.duration_ns / Math.max(1, duration_ns));
  return (
    <dl class="detail-facts">
      <Fact name="Duration" value={`${formatDuration(span.duration_ns)}, ${ofTrace}`} hint="and its share of the trace" />
      <Fact name="Self time" value={`${formatDuration(span.self_ns)}, ${formatPercent(span.self_ns / Math.max(1, span.duration_ns))}`} hint="Time in which none of its children ran" />
      <Fact name="Starts at" value={formatDuration(span.offset_ns)} hint={formatInstant(start_us + span.offset_ns / 1000)} />
      {critical.length > 0 && <Fact name="Critical path" value={`${formatDuration(criticalNs(node))}, ${formatPercent(criticalNs(node) / Math.max(1, duration_ns))}`} hint="Its own part of what the trace's duration depends on" />}
      {span.http && <Fact name="HTTP" value={[span.http.method, span.http.path ?? span.http.route, span.http.status].filter(Boolean).join(" ")} />}
      {span.end_reason && <Fact name="Ended" value={span.end_reason.replaceAll("_", " ")} />}
      {span.skew_ns !== 0 && <Fact name="Clock" value={`${skewText(span.skew_ns)} added`} hint="The sender's clock was off by this against its parent's" />}
    </dl>
  );
}

function Remark({ problem: { message } }: { problem: TraceProblem }) {
  return (
    <p class="detail-remark">
      <Icon name="warning" size={13} />
      <span>{message}</span>
    </p>
  );
}

function Failure({ span }: { span: Span }) {
  const thrown = span.events.filter(({ name }) => name === "exception");
  return (
    <section class="detail-failure" aria-label="Error">
      <h3>
        <Icon name="warning" size={13} />
        {errorOf(span)}
      </h3>
      {thrown.map((event, at) => (
        <Exception key={at} event={event} />
      ))}
    </section>
  );
}

function Exception({ event: { attributes } }: { event: SpanEvent }) {
  const stack = attributes["exception.stacktrace"];
  return stack ? <StackTrace text={valueText(stack)} /> : null;
}

function Identity({ span, traceId }: { span: Span; traceId: string }) {
  const ids: [string, string | null][] = [
    ["Trace", traceId],
    ["Span", span.span_id],
    ["Parent", span.parent_id],
    ["Scope", span.scope],
  ];
  return (
    <dl class="attributes detail-ids">
      {ids.map(([name, value]) => value && (
        <div key={name}>
          <dt>{name}</dt>
          <dd>
            <span class="mono">{value}</span>
            <span class="attribute-actions">
              <CopyButton label={`Copy the ${name.toLowerCase()}`} text={value} />
            </span>
          </dd>
        </div>
      ))}
    </dl>
  );
}
