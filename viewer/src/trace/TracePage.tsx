/** One trace: what it was, where its time went, and its spans as a waterfall. */

import type { ApiError } from "../api.ts";
import { CopyButton } from "../components/CopyButton.tsx";
import { Page } from "../components/Page.tsx";
import { Problem } from "../components/Problem.tsx";
import { filterQuery } from "../filters.ts";
import { addressOf, query } from "../router.ts";
import { ExportMenu } from "./ExportMenu.tsx";
import { TraceBody } from "./TraceBody.tsx";
import { RootFacts } from "./TraceSummary.tsx";
import { useTrace } from "./useTrace.ts";
import "./trace.css";
import "./waterfall.css";
import "./detail.css";

export function TracePage({ traceId }: { traceId: string }) {
  const { trace, error, isWatching, reload } = useTrace(traceId);
  const root = trace?.spans[0];
  if (!trace || !root) {
    return (
      <Page title="Trace">
        <Absent traceId={traceId} error={error} isWatching={isWatching} reload={reload} />
      </Page>
    );
  }
  return (
    <Page
      title={root.name}
      bar={<RootFacts trace={trace} root={root} />}
      actions={
        <>
          {isWatching && <Watching />}
          <CopyButton label="Copy a link to this view" shown="Link" text={() => Promise.resolve(window.location.href)} />
          <ExportMenu traceId={trace.trace_id} />
        </>
      }
    >
      <TraceBody key={trace.trace_id} trace={trace} />
    </Page>
  );
}

function Watching() {
  return (
    <span class="trace-watching" role="status" title="Spans that come late appear by themselves">
      <span class="dot" aria-hidden="true" />
      waiting for late spans
    </span>
  );
}

interface AbsentProps {
  traceId: string;
  error: ApiError | null;
  isWatching: boolean;
  reload: () => void;
}

function Absent({ traceId, error, isWatching, reload }: AbsentProps) {
  if (error && error.status !== 404) return <Problem error={error} retry={reload} />;
  const isUnknown = error !== null && !isWatching;
  return (
    <div class="message" role="status">
      <h2>{error === null ? "Loading the trace" : isUnknown ? "This trace is not here" : "Waiting for this trace"}</h2>
      {error !== null && (
        <p class="trace-absent">
          {isUnknown
            ? "It was never sent to this viewer, was sampled away, or is older than what the viewer keeps."
            : "Exporters send every few seconds. This page shows it as soon as it comes."}
        </p>
      )}
      <p class="mono dim">{traceId}</p>
      {isUnknown && (
        <p>
          <a class="link" href={addressOf("/live", filterQuery(query.value))}>
            See what is here
          </a>
        </p>
      )}
    </div>
  );
}
