/** One request as one row of Live. */

import { Duration } from "../components/Duration.tsx";
import { memo } from "../components/memo.ts";
import { StateBar } from "../components/StateBar.tsx";
import { StatusCode } from "../components/StatusCode.tsx";
import type { Request } from "../contract.ts";
import { formatInstant, formatTime, zoneName } from "../units.ts";
import { barLength, TICKS } from "./scale.ts";

export const ROW_HEIGHT = 30;

export const rowId = (seq: number) => `request-${seq}`;

export function RowHead() {
  return (
    <div class="live-row live-head" role="row">
      <span role="columnheader" title={`Local time, ${zoneName()}`}>
        Time
      </span>
      <span role="columnheader">Service</span>
      <span role="columnheader">Method</span>
      <span role="columnheader">Route</span>
      <span role="columnheader" class="number">
        Status
      </span>
      <span role="columnheader" class="number">
        Duration
      </span>
      <span role="columnheader" class="scale" aria-label="States">
        {TICKS.map(({ label, at }) => (
          <span key={label} class="tick" style={{ left: `${at * 100}%` }}>
            {label}
          </span>
        ))}
      </span>
      <span role="columnheader">End</span>
    </div>
  );
}

interface RequestRowProps {
  request: Request;
  /** From the newest. */
  index: number;
  isSelected: boolean;
  select: (seq: number) => void;
  open: (request: Request) => void;
}

export const RequestRow = memo(({ request, index, isSelected, select, open }: RequestRowProps) => {
  const { seq, start_us, service, method, status, error, duration_ns, states } = request;
  const [seconds, fraction] = formatTime(start_us).split(/(?=\.)/);
  return (
    <div
      class={`live-row ${error ? "failed" : ""} ${isSelected ? "selected" : ""}`}
      id={rowId(seq)}
      role="row"
      aria-rowindex={index + 1}
      aria-selected={isSelected}
      onPointerDown={() => select(seq)}
      onClick={() => open(request)}
    >
      <span role="gridcell" class="time" title={formatInstant(start_us)}>
        {seconds}
        <span class="fraction">{fraction}</span>
      </span>
      <span role="gridcell" class="service">
        {service}
      </span>
      <span role="gridcell" class="method">
        {method}
      </span>
      <RouteCell request={request} />
      <span role="gridcell" class="number">
        <StatusCode status={status} error={error} />
      </span>
      <span role="gridcell" class="number">
        <Duration ns={duration_ns} />
      </span>
      <span role="gridcell" class="scale">
        <StateBar states={states} totalNs={duration_ns} length={barLength(duration_ns)} />
      </span>
      <EndCell request={request} />
    </div>
  );
});

/** The route's template, and the path where it says more. */
function RouteCell({ request: { route, path, name, trace_id, span_id } }: { request: Request }) {
  const title = route ?? path ?? name;
  return (
    <span role="gridcell" class="route">
      <a href={`/traces/${trace_id}?span=${span_id}`} tabIndex={-1}>
        {title}
      </a>{" "}
      {path && path !== title && <span class="path">{path}</span>}
    </span>
  );
}

function EndCell({ request: { end_reason, error_type } }: { request: Request }) {
  const text = end_reason && end_reason !== "completed" ? end_reason.replaceAll("_", " ") : null;
  return (
    <span role="gridcell" class={`end ${text ? "odd" : ""}`} title={error_type ?? undefined}>
      {text ?? (end_reason ? "completed" : "")}
    </span>
  );
}
