/** An event or a log in the waterfall, where it happened. */

import { memo } from "../components/memo.ts";
import { formatDuration } from "../units.ts";
import { endOf } from "./model.ts";
import { shareOf, type Range } from "./range.ts";
import { timeOf, type NoteRow } from "./rows.ts";
import { valueText } from "./search.ts";
import { Elsewhere, noteLook, Stretch } from "./SpanBar.tsx";
import { Indent } from "./SpanRow.tsx";
import { rowId } from "./Waterfall.tsx";
import { severityWord } from "./words.ts";

interface NoteRowProps {
  row: NoteRow;
  /** Place among all rows. */
  index: number;
  isSelected: boolean;
  range: Range;
  traceNs: number;
}

export const NoteRowView = memo(({ row, index, isSelected, range, traceNs }: NoteRowProps) => {
  const share = shareOf(range, timeOf(row));
  const look = noteLook(row);
  const late = lateWords(row, traceNs);
  return (
    <div
      id={rowId(row.key)}
      class={`waterfall-row note-row ${look} ${isSelected ? "selected" : ""}`}
      role="row"
      data-row={index}
      aria-rowindex={index + 2}
      aria-level={row.level + 1}
      aria-selected={isSelected}
    >
      <span role="gridcell" class="cell-name">
        <Indent level={row.level} />
        <span class="fold leaf" />
        <span class={`note-mark ${row.kind} ${look}`} aria-hidden="true" />
        <span class="note-tag">{tagOf(row)}</span>
        {late && (
          <span class="remark" title={late.full}>
            {late.short}
          </span>
        )}
        <span class="span-name">{textOf(row)}</span>
      </span>
      <span role="gridcell" class="cell-number note-at">
        at {formatDuration(Math.max(0, timeOf(row)))}
      </span>
      <span role="gridcell" class="cell-number cell-self" />
      <span role="gridcell" class="cell-time">
        {share >= 0 && share <= 1 ? (
          <span class="track">
            {late && <Tether row={row} range={range} />}
            <span class={`note ${row.kind} ${look}`} style={{ left: `${share * 100}%` }} />
          </span>
        ) : (
          <Elsewhere isBefore={share < 0} />
        )}
      </span>
    </div>
  );
});

/** How long after the end of its span; not above zero where it is not late, or has no span. */
const lateNs = (row: NoteRow): number => (row.node ? timeOf(row) - endOf(row.node) : 0);

/** Less than this share of the trace is how clocks and loggers are, and not worth a word in the row. */
const FAR = 1 / 100;

function lateWords(row: NoteRow, traceNs: number): { short: string; full: string } | null {
  const late = lateNs(row);
  const full = lateText(row);
  return full && late > traceNs * FAR ? { short: `${formatDuration(late)} late`, full } : null;
}

/** From the end of the span to what came later. */
function Tether({ row, range }: { row: NoteRow; range: Range }) {
  if (!row.node) return null;
  const end = endOf(row.node);
  return <Stretch class="note-tether" range={range} offset_ns={end} duration_ns={timeOf(row) - end} />;
}

/** What is told after its span has ended says so: it may be beyond the end of the trace. */
export function lateText(row: NoteRow): string | undefined {
  const late = lateNs(row);
  return late > 0 ? `${formatDuration(late)} after its span's end` : undefined;
}

const tagOf = (row: NoteRow): string => (row.kind === "log" ? severityWord(row.log.severity, row.log.severity_text) : "event");

export function textOf(row: NoteRow): string {
  if (row.kind === "log") return row.log.body;
  const { name, attributes } = row.event;
  if (name === "exception") return [attributes["exception.type"], attributes["exception.message"]].filter(Boolean).map((part) => valueText(part ?? "")).join(": ");
  const pairs = Object.entries(attributes).map(([key, value]) => `${key}=${valueText(value)}`);
  return [name, ...pairs].join("  ");
}
