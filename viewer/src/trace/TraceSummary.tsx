/** Above the waterfall: total, states, verdict in words, services, and what does not add up. */

import type { Span, State, Trace } from "../contract.ts";
import { CopyButton } from "../components/CopyButton.tsx";
import { Icon } from "../components/Icon.tsx";
import { StateBar } from "../components/StateBar.tsx";
import { StatusCode } from "../components/StatusCode.tsx";
import { stateShares } from "../states.ts";
import { durationParts, formatCount, formatDuration, formatInstant, formatPercent, zoneName } from "../units.ts";
import { TraceServices } from "./TraceServices.tsx";
import { goToError, goToProblem, selectNode, type TraceView } from "./useTraceView.ts";
import { mainNode, verdictOf, type Sentence } from "./verdict.ts";

/** Beside the title: what it was. */
export function RootFacts({ trace, root }: { trace: Trace; root: Span }) {
  return (
    <div class="trace-root">
      {root.http && <StatusCode status={root.http.status} error={root.error} />}
      {root.http?.path && root.http.path !== root.http.route && <span class="mono trace-path">{root.http.path}</span>}
      <span class="trace-when" title={`Local time, ${zoneName()}`}>{formatInstant(trace.start_us)}</span>
      <span class="trace-id">
        <span class="mono" title={trace.trace_id}>
          {trace.trace_id.slice(0, 8)}
        </span>
        <CopyButton label="Copy the trace id" text={trace.trace_id} />
      </span>
    </div>
  );
}

export function TraceSummary({ view }: { view: TraceView }) {
  const main = mainNode(view.model)?.span;
  const { value, unit } = durationParts(view.model.trace.duration_ns);
  return (
    <section class="trace-summary" aria-label="Summary">
      <p class="trace-total" title="From the first start to the last end">
        {value} <span>{unit}</span>
      </p>
      <div class="trace-where">
        {main?.states && (
          <>
            <StateBar states={main.states} totalNs={main.duration_ns} size="thick" />
            <StateLegend states={main.states} />
          </>
        )}
        <p class="trace-verdict">
          {verdictOf(view.model).map((sentence) => (
            <VerdictSentence key={sentence.text} sentence={sentence} view={view} />
          ))}
        </p>
      </div>
      <TraceFacts view={view} endReason={main?.end_reason ?? null} />
    </section>
  );
}

function StateLegend({ states }: { states: Record<State, number> }) {
  return (
    <ul class="trace-legend">
      {stateShares(states).map(({ state, ns, share }) => (
        <li key={state}>
          <span class={`swatch state-${state}`} />
          {state} <b>{formatPercent(share)}</b> <span class="dim">{formatDuration(ns)}</span>
        </li>
      ))}
    </ul>
  );
}

function VerdictSentence({ sentence: { text, node, isBad }, view }: { sentence: Sentence; view: TraceView }) {
  if (!node) return <span>{text} </span>;
  return (
    <button type="button" class={isBad ? "bad" : ""} title="Go to the span" onClick={() => selectNode(view, node)}>
      {isBad && <Icon name="warning" size={13} />}
      {text}
    </button>
  );
}

function TraceFacts({ view, endReason }: { view: TraceView; endReason: string | null }) {
  const { nodes, errors, services, levels } = view.model;
  const odd = nodes.filter(({ problems }) => problems.length).length;
  return (
    <div class="trace-facts">
      <TraceServices services={services} />
      <p class="trace-counts">
        <span>{formatCount(nodes.length)} {nodes.length === 1 ? "span" : "spans"}</span>
        <span>{levels} deep</span>
        {endReason && <span class={endReason === "completed" ? "" : "warn"}>ended: {endReason.replaceAll("_", " ")}</span>}
        {errors.length > 0 && (
          <button type="button" class="bad" onClick={() => goToError(view, 1)} title="Next error (e)">
            <Icon name="warning" size={12} />
            {formatCount(errors.length)} {errors.length === 1 ? "error" : "errors"}
          </button>
        )}
        {view.model.trace.logs_truncated && (
          <span class="warn" title="The others are stored: `wirespan sql` reads them">
            first {formatCount(view.model.trace.logs.length)} logs only
          </span>
        )}
        {odd > 0 && (
          <button type="button" class="warn" onClick={() => goToProblem(view)} title="Next span with a remark: a gap, a wrong clock, a missing parent">
            {formatCount(odd)} {odd === 1 ? "remark" : "remarks"}
          </button>
        )}
      </p>
    </div>
  );
}
