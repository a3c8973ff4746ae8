/** A span in time: its states or its service's colour, its part of the critical path, gaps, and what happened when. */

import { StateTable } from "../components/StateTable.tsx";
import { hideTooltip, showTooltip } from "../components/Tooltip.tsx";
import { statesInWords } from "../states.ts";
import { formatDuration } from "../units.ts";
import { endOf, type SpanNode } from "./model.ts";
import { lengthOf, placeOf, shareOf, type Range } from "./range.ts";
import { notesOf, timeOf, type NoteRow } from "./rows.ts";
import { gradientOf, merged, segmentsOf } from "./segments.ts";
import { severityLook } from "./words.ts";

interface SpanBarProps {
  node: SpanNode;
  range: Range;
  isSelected: boolean;
}

/** Things nearer to each other than this share of the view become one. */
const NEAR = 1 / 400;

export function SpanBar({ node, range, isSelected }: SpanBarProps) {
  const { span } = node;
  const place = placeOf(range, span.offset_ns, span.duration_ns);
  if (!place) return <Elsewhere isBefore={endOf(node) < range.from} />;
  const segments = segmentsOf(span);
  const bar = { from: Math.max(range.from, span.offset_ns), to: Math.min(range.to, endOf(node)) };
  const plain = span.error ? "--danger" : node.color;
  const look = segments ? { backgroundImage: gradientOf(segments, bar) } : { backgroundColor: `var(${plain})` };
  return (
    <span class="track">
      {isSelected && span.skew_ns !== 0 && <Told node={node} range={range} />}
      <span
        class={`bar ${segments ? "states" : "plain"} ${span.error ? "failed" : ""}`}
        role="img"
        aria-label={barName(node)}
        style={{ left: `${place.left}%`, width: `${place.width}%`, ...look }}
        onPointerEnter={(event) => showTooltip(event.currentTarget, <BarTooltip node={node} />)}
        onPointerLeave={hideTooltip}
      />
      {node.gaps.map((gap) => (
        <Stretch key={gap.offset_ns} class="gap" range={range} {...gap} />
      ))}
      {merged(node.critical, lengthOf(range) * NEAR).map((piece) => (
        <Stretch key={piece.offset_ns} class="critical" range={range} {...piece} />
      ))}
      <Notes node={node} range={range} />
    </span>
  );
}

function barName(node: SpanNode): string {
  const { span } = node;
  const states = span.states ? `, ${statesInWords(span.states)}` : "";
  const critical = node.critical.length ? ", on the critical path" : "";
  return `from ${formatDuration(span.offset_ns)} for ${formatDuration(span.duration_ns)}${states}${critical}`;
}

/** A bar outside of what is shown: where it is. */
export function Elsewhere({ isBefore }: { isBefore: boolean }) {
  return (
    <span class="track">
      <span class={`elsewhere ${isBefore ? "before" : "after"}`} role="img" aria-label={isBefore ? "earlier than what is shown" : "later than what is shown"}>
        {isBefore ? "‹" : "›"}
      </span>
    </span>
  );
}

/** Where the sender's own clock had it. */
function Told({ node: { span }, range }: { node: SpanNode; range: Range }) {
  return <Stretch class="told" range={range} offset_ns={span.offset_ns - span.skew_ns} duration_ns={span.duration_ns} />;
}

/** A thin mark over a stretch of time; nothing where that is out of sight. */
export function Stretch({ range, offset_ns, duration_ns, class: name }: { range: Range; offset_ns: number; duration_ns: number; class: string }) {
  const place = placeOf(range, offset_ns, duration_ns);
  return place && <span class={name} style={{ left: `${place.left}%`, width: `${place.width}%` }} />;
}

function Notes({ node, range }: { node: SpanNode; range: Range }) {
  if (!node.span.events.length && !node.logs.length) return null;
  const notes = notesOf(node);
  const late = notes.reduce((most, note) => Math.max(most, timeOf(note)), 0) - endOf(node);
  return (
    <>
      {late > 0 && <Stretch class="note-tether" range={range} offset_ns={endOf(node)} duration_ns={late} />}
      {[...worstByPlace(notes, range)].map(([place, note]) => (
        <span key={place} class={`note ${note.kind} ${noteLook(note)}`} style={{ left: `${place * NEAR * 200}%` }} />
      ))}
    </>
  );
}

/** One mark for notes that would cover each other: the worst. */
function worstByPlace(notes: NoteRow[], range: Range): Map<number, NoteRow> {
  const found = new Map<number, NoteRow>();
  for (const note of notes) {
    const share = shareOf(range, timeOf(note));
    const place = Math.round(share / NEAR / 2);
    const other = found.get(place);
    if (share >= 0 && share <= 1 && (!other || noteLook(note) === "bad")) found.set(place, note);
  }
  return found;
}

export function noteLook(note: NoteRow): "bad" | "warn" | "plain" {
  if (note.kind === "log") return severityLook(note.log.severity);
  return note.event.name === "exception" ? "bad" : "plain";
}

function BarTooltip({ node }: { node: SpanNode }) {
  const { span } = node;
  const isWhole = span.self_ns === span.duration_ns;
  return (
    <div class="bar-tooltip">
      <p>
        <b>{span.name}</b> <span class="dim">{span.service}</span>
      </p>
      {span.states ? (
        <StateTable states={span.states} totalNs={span.duration_ns} />
      ) : (
        <p>
          {formatDuration(span.duration_ns)}
          {!isWhole && <span class="dim"> of which its own {formatDuration(span.self_ns)}</span>}
        </p>
      )}
      <p class="dim">starts at {formatDuration(span.offset_ns)}{node.critical.length ? "; on the critical path" : ""}</p>
      {node.problems.map(({ message }) => (
        <p key={message} class="warn">
          {message}
        </p>
      ))}
    </div>
  );
}
