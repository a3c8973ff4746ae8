/** The page of a trace that is here: summary, toolbar, overview, waterfall and the panel beside it. */

import { useRef } from "preact/hooks";
import type { Trace } from "../contract.ts";
import { Minimap } from "./Minimap.tsx";
import { RowDetail } from "./RowDetail.tsx";
import { TraceSummary } from "./TraceSummary.tsx";
import { TraceToolbar } from "./TraceToolbar.tsx";
import { useSettled } from "./useSettled.ts";
import { useTraceKeys } from "./useTraceKeys.ts";
import { ROW_PX, useTraceView } from "./useTraceView.ts";
import { Waterfall } from "./Waterfall.tsx";

export function TraceBody({ trace }: { trace: Trace }) {
  const view = useTraceView(trace);
  // A held key goes through the rows as fast as it can: the panel is drawn where it stops.
  const shown = useSettled(view.selected, view.selected?.key ?? null);
  const search = useRef<HTMLInputElement>(null);
  const box = useRef<HTMLDivElement>(null);
  useTraceKeys(view, {
    focusSearch: () => search.current?.select(),
    pageRows: () => Math.max(1, Math.floor((box.current?.clientHeight ?? 0) / ROW_PX) - 2),
  });
  return (
    <div class="trace">
      <TraceSummary view={view} />
      <TraceToolbar view={view} search={search} />
      <Minimap view={view} />
      <div class={`trace-main ${view.isBelow ? "short" : ""}`}>
        <Waterfall view={view} box={box} />
        {view.hasDetail && shown && <RowDetail view={view} row={shown} isBelow={view.isBelow} />}
      </div>
    </div>
  );
}
