/** What the page shows of its trace, as the URL holds it: a view can be shared. */

import type { Range } from "./range.ts";

export interface TracePlace {
  /** Key of the selected row. */
  selected: string | null;
  /** Whether the panel with the selected row is open; null leaves it to the room there is. */
  hasDetail: boolean | null;
  range: Range | null;
  find: string;
  isCritical: boolean;
  /** Rows for events and logs; null leaves it to how many there are. */
  hasNotes: boolean | null;
}

export function readPlace(query: URLSearchParams): TracePlace {
  const notes = query.get("notes");
  const detail = query.get("detail");
  return {
    selected: query.get("span"),
    hasDetail: detail === null ? null : detail === "1",
    range: readRange(query.get("zoom")),
    find: query.get("find") ?? "",
    isCritical: query.get("critical") === "1",
    hasNotes: notes === null ? null : notes === "1",
  };
}

/** The query with this place in it; filters of the lists stay, so that going back finds them. */
export function writePlace(query: URLSearchParams, place: TracePlace): URLSearchParams {
  const next = new URLSearchParams(query);
  const write = (name: string, value: string | null): void => {
    if (value) next.set(name, value);
    else next.delete(name);
  };
  write("span", place.selected);
  write("detail", place.hasDetail === null ? null : String(Number(place.hasDetail)));
  write("zoom", place.range && `${place.range.from}-${place.range.to}`);
  write("find", place.find);
  write("critical", place.isCritical ? "1" : null);
  write("notes", place.hasNotes === null ? null : String(Number(place.hasNotes)));
  return next;
}

function readRange(text: string | null): Range | null {
  const match = /^(\d{1,15})-(\d{1,15})$/.exec(text ?? "");
  if (!match) return null;
  const [from, to] = [Number(match[1]), Number(match[2])];
  return to > from ? { from, to } : null;
}
