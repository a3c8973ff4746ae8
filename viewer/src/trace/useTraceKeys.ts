/** The keys of the Trace page. `?` lists them. */

import { useKeys } from "../keyboard.ts";
import * as act from "./useTraceView.ts";
import type { TraceView } from "./useTraceView.ts";

/** What a key press needs of the page. */
export interface PageParts {
  focusSearch: () => void;
  /** Rows that fit in the window. */
  pageRows: () => number;
}

export function useTraceKeys(view: TraceView, parts: PageParts): void {
  const { change, place } = view;
  useKeys("Spans", [
    { keys: "j", label: "next row", run: () => act.moveBy(view, 1) },
    { keys: "k", label: "previous row", run: () => act.moveBy(view, -1) },
    { keys: "ArrowDown", label: "", run: () => act.moveBy(view, 1) },
    { keys: "ArrowUp", label: "", run: () => act.moveBy(view, -1) },
    { keys: "PageDown", label: "", run: () => act.moveBy(view, parts.pageRows()) },
    { keys: "PageUp", label: "", run: () => act.moveBy(view, -parts.pageRows()) },
    { keys: "Home", label: "", run: () => act.moveBy(view, -view.rows.length) },
    { keys: "End", label: "", run: () => act.moveBy(view, view.rows.length) },
    { keys: "ArrowRight", label: "unfold, or go into", run: () => act.unfoldOrEnter(view) },
    { keys: "ArrowLeft", label: "fold, or go to the parent", run: () => act.foldOrLeave(view) },
    { keys: "-", label: "one level less", run: () => act.foldTo(view, act.openLevels(view) - 1) },
    { keys: "+", label: "one level more", run: () => act.foldTo(view, act.openLevels(view) + 1) },
    { keys: "*", label: "unfold all", run: () => act.foldTo(view, Infinity) },
    { keys: "_", label: "fold all", run: () => act.foldTo(view, 1) },
    { keys: "Enter", label: "details of the span", run: () => openDetail(view) },
    { keys: "e", label: "next error", run: () => act.goToError(view, 1) },
    { keys: "E", label: "previous error", run: () => act.goToError(view, -1) },
    { keys: "/", label: "search in this trace", run: parts.focusSearch },
    { keys: "n", label: "next match", run: () => act.goToMatch(view, 1) },
    { keys: "p", label: "previous match", run: () => act.goToMatch(view, -1) },
    { keys: "c", label: "critical path alone", run: () => change({ isCritical: !place.isCritical }) },
    { keys: "l", label: "rows for logs and events", run: () => change({ hasNotes: !view.hasNotes }) },
    { keys: "Escape", label: "close, then show all", run: () => leave(view) },
  ]);
  useKeys("Time", [
    { keys: "z", label: "zoom to the span", run: () => act.zoomToSelected(view) },
    { keys: "w", label: "zoom in", run: () => act.zoomBy(view, 0.5) },
    { keys: "s", label: "zoom out", run: () => act.zoomBy(view, 2) },
    { keys: "a", label: "earlier", run: () => act.panBy(view, -0.25) },
    { keys: "d", label: "later", run: () => act.panBy(view, 0.25) },
    { keys: "0", label: "the whole trace", run: () => act.zoomTo(view, null) },
  ]);
}

function openDetail(view: TraceView): void {
  if (view.selectedIndex < 0) act.moveBy(view, 0);
  view.change({ hasDetail: view.selectedIndex < 0 || !view.hasDetail });
}

/** One thing at a time: the panel that was opened, the search, the critical path, the zoom, the panel that is just there. */
function leave({ change, place, hasDetail }: TraceView): void {
  // A dialog above the page closes itself.
  if (document.querySelector("dialog[open]")) return;
  if (place.hasDetail) change({ hasDetail: false });
  else if (place.find) change({ find: "" });
  else if (place.isCritical) change({ isCritical: false });
  else if (place.range) change({ range: null });
  else if (hasDetail) change({ hasDetail: false });
  else change({ selected: null });
}
