/** The panel beside the waterfall, or below a short one: all that is known about the selected row. */

import { useEffect, useRef } from "preact/hooks";
import { CopyButton } from "../components/CopyButton.tsx";
import { Icon } from "../components/Icon.tsx";
import { formatDuration } from "../units.ts";
import { AttributeTable } from "./AttributeTable.tsx";
import type { Row } from "./rows.ts";
import { timeOf } from "./rows.ts";
import { lateText, textOf } from "./NoteRow.tsx";
import { SpanDetail } from "./SpanDetail.tsx";
import { selectNode, type TraceView } from "./useTraceView.ts";
import { severityWord } from "./words.ts";

export function RowDetail({ view, row, isBelow }: { view: TraceView; row: Row; isBelow: boolean }) {
  const box = useRef<HTMLElement>(null);
  useEffect(() => box.current?.scrollTo(0, 0), [row.key]);
  return (
    <aside ref={box} class={`detail ${isBelow ? "below" : ""}`} aria-label="Details" tabIndex={0}>
      <header class="detail-head">
        <h2>{row.kind === "span" ? row.node.span.name : row.kind === "log" ? "Log" : row.event.name}</h2>
        <CopyButton label="Copy as JSON" text={() => Promise.resolve(JSON.stringify(plainOf(row), null, 2))} />
        <button type="button" class="icon-button" aria-label="Close the details" title="Close (Esc)" onClick={() => view.change({ hasDetail: false })}>
          <Icon name="close" size={14} />
        </button>
      </header>
      <div class="detail-body">
        {row.kind === "span" ? <SpanDetail key={row.key} view={view} node={row.node} /> : <NoteDetail view={view} row={row} />}
      </div>
    </aside>
  );
}

/** What the API said about the row. */
function plainOf(row: Row): unknown {
  if (row.kind === "span") return row.node.span;
  return row.kind === "log" ? row.log : row.event;
}

function NoteDetail({ view, row }: { view: TraceView; row: Exclude<Row, { kind: "span" }> }) {
  const node = row.node;
  const attributes = row.kind === "log" ? row.log.attributes : row.event.attributes;
  return (
    <>
      <dl class="detail-facts">
        {row.kind === "log" && <Fact name="Severity" value={severityWord(row.log.severity, row.log.severity_text)} />}
        <Fact name="At" value={[formatDuration(Math.max(0, timeOf(row))), lateText(row)].filter(Boolean).join(", ")} />
        <Fact name="Service" value={row.kind === "log" ? row.log.service : row.node.span.service} />
        {node && (
          <div>
            <dt>Span</dt>
            <dd>
              <button type="button" class="link" onClick={() => selectNode(view, node)}>
                {node.span.name}
              </button>
            </dd>
          </div>
        )}
      </dl>
      {row.kind === "log" && <pre class="log-body">{textOf(row)}</pre>}
      <AttributeTable title="Attributes" attributes={attributes} isOpen />
    </>
  );
}

export function Fact({ name, value, hint }: { name: string; value: string; hint?: string }) {
  return (
    <div title={hint}>
      <dt>{name}</dt>
      <dd>{value}</dd>
    </div>
  );
}
