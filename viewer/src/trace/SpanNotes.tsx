/** Events, logs and links of a span, in its panel. */

import { Icon } from "../components/Icon.tsx";
import type { SpanLink } from "../contract.ts";
import { formatDuration } from "../units.ts";
import { AttributeTable } from "./AttributeTable.tsx";
import { textOf } from "./NoteRow.tsx";
import { timeOf, type NoteRow } from "./rows.ts";
import { noteLook } from "./SpanBar.tsx";
import type { TraceView } from "./useTraceView.ts";
import { severityWord } from "./words.ts";

export function SpanNotes({ view, notes }: { view: TraceView; notes: NoteRow[] }) {
  if (!notes.length) return null;
  return (
    <details class="detail-section" open>
      <summary>
        Events and logs <span class="dim">{notes.length}</span>
      </summary>
      <ol class="notes">
        {notes.map((note) => (
          <li key={note.key}>
            <button type="button" onClick={() => view.change({ selected: note.key, hasNotes: true })}>
              <span class={`note-mark ${note.kind} ${noteLook(note)}`} />
              <span class="note-at">{formatDuration(Math.max(0, timeOf(note)))}</span>
              <span class="note-tag">{note.kind === "log" ? severityWord(note.log.severity, note.log.severity_text) : "event"}</span>
              <span class="note-text">{textOf(note)}</span>
            </button>
          </li>
        ))}
      </ol>
    </details>
  );
}

export function SpanLinks({ links }: { links: readonly SpanLink[] }) {
  if (!links.length) return null;
  return (
    <details class="detail-section" open>
      <summary>
        Links <span class="dim">{links.length}</span>
      </summary>
      <ul class="span-links">
        {links.map(({ trace_id, span_id, attributes }) => (
          <li key={`${trace_id}${span_id}`}>
            <a class="link mono" href={`/traces/${trace_id}?span=${span_id}&detail=1`}>
              <Icon name="link" size={13} />
              {trace_id.slice(0, 8)}… / {span_id}
            </a>
            <AttributeTable title="Attributes of the link" attributes={attributes} />
          </li>
        ))}
      </ul>
    </details>
  );
}
