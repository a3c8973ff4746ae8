/**
 * The waterfall: a tree grid of which only the visible rows exist, so that ten thousand spans scroll as ten do.
 * The grid has the focus; `aria-activedescendant` names the selected row.
 */

import type { RefObject, VNode } from "preact";
import { useEffect, useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import { NoteRowView } from "./NoteRow.tsx";
import { Ruler } from "./Ruler.tsx";
import { SpanRowView } from "./SpanRow.tsx";
import { ticksOf, type Range } from "./range.ts";
import { TimeCursor } from "./TimeCursor.tsx";
import { useNameWidth } from "./useNameWidth.ts";
import { panBy, toggleFold, zoomBy, ROW_PX, zoomToSelected, type TraceView } from "./useTraceView.ts";

const HEAD_PX = 28;
/** Rows beyond each edge, so that fast scrolling shows no holes. */
const OVERSCAN = 14;
/** Rows that stay in sight above and below the selected one. */
const MARGIN_ROWS = 2;
/** The deepest level may take this share of the name column. */
const INDENT_SHARE = 0.45;
const INDENT_PX = 16;
/** Room for a time of the ruler, together with its share of the columns of numbers. */
const TICK_PX = 110;

export const rowId = (key: string): string => `row-${key}`;

interface WaterfallProps {
  view: TraceView;
  box: RefObject<HTMLDivElement | null>;
}

/**
 * The grid as the whole of what a component returns. As a child in someone's properties its first element would stay there,
 * and Preact 11 goes on from it to every row that was ever drawn.
 */
export function Waterfall(props: WaterfallProps) {
  return <Grid {...props} />;
}

function Grid({ view, box }: WaterfallProps) {
  const { rows, model, range, selectedIndex, selected } = view;
  const [namePx, setNamePx] = useNameWidth();
  const [scroll, setScroll] = useState({ top: 0, height: 900, width: 1200 });
  const wrap = useRef<HTMLDivElement>(null);
  useEffect(() => watchSize(box.current, (size) => setScroll((old) => ({ ...old, ...size }))), []);
  useLayoutEffect(() => reveal(box.current, selectedIndex), [selectedIndex, view.place.selected]);
  useWheel(box, view);
  const indent = Math.max(3, Math.min(INDENT_PX, (namePx * INDENT_SHARE) / model.levels));
  const first = Math.max(0, Math.floor(scroll.top / ROW_PX) - OVERSCAN);
  const last = Math.min(rows.length, Math.ceil((scroll.top + scroll.height) / ROW_PX) + OVERSCAN);
  const slots = Math.ceil(scroll.height / ROW_PX) + 2 * OVERSCAN + 1;
  const shown = useMemo(() => range, [range.from, range.to]);
  const ticks = ticksOf(range, (scroll.width - namePx) / TICK_PX);
  return (
    <div ref={wrap} class="waterfall-wrap" style={{ "--name": `${namePx}px`, "--indent": `${indent}px` }}>
      <div
        ref={box}
        class={`waterfall ${view.place.find.trim() ? "searching" : ""}`}
        role="treegrid"
        aria-label="Spans"
        aria-rowcount={rows.length + 1}
        aria-colcount={4}
        aria-activedescendant={selectedIndex >= 0 && selected ? rowId(selected.key) : undefined}
        tabIndex={0}
        onScroll={(event) => {
          const { scrollTop } = event.currentTarget;
          setScroll((old) => (Math.floor(old.top / ROW_PX) === Math.floor(scrollTop / ROW_PX) ? old : { ...old, top: scrollTop }));
        }}
        onClick={(event) => clicked(event, view)}
        onDblClick={() => zoomToSelected(view)}
      >
        <Ruler view={view} ticks={ticks} namePx={namePx} onNameWidth={setNamePx} />
        <div class="waterfall-rows" role="rowgroup" style={{ height: `${rows.length * ROW_PX}px` }}>
          <div class="waterfall-grid" role="presentation">
            {ticks.map(({ ns }) => (
              <span key={ns} style={{ left: `${((ns - range.from) / (range.to - range.from)) * 100}%` }} />
            ))}
          </div>
          <div class="waterfall-window" role="presentation" style={{ transform: `translateY(${first * ROW_PX}px)` }}>
            {rowElements({ view, range: shown, first, last, slots })}
          </div>
        </div>
      </div>
      <TimeCursor box={wrap} range={range} />
    </div>
  );
}

interface RowSlots {
  view: TraceView;
  range: Range;
  first: number;
  last: number;
  slots: number;
}

/** Rows compare what they draw: scrolling and moving draw only those that come. Elements that are kept would hold all before. */
function rowElements({ view, range, first, last, slots }: RowSlots): VNode[] {
  const { rows, matched, place, selectedIndex, model } = view;
  return rows.slice(first, last).map((row, at) => {
    const index = first + at;
    // A row that leaves at one edge lends its elements to the one that comes at the other.
    const slot = String(index % slots);
    const isSelected = index === selectedIndex;
    if (row.kind !== "span") return <NoteRowView key={slot} row={row} index={index} isSelected={isSelected} range={range} traceNs={model.end_ns} />;
    const isMatch = matched.has(row.node);
    return <SpanRowView key={slot} row={row} index={index} isSelected={isSelected} range={range} isMatch={isMatch} find={isMatch ? place.find : ""} />;
  });
}

/** A click selects and shows what it selected; on the arrow before a name it folds. */
function clicked({ target }: MouseEvent, view: TraceView): void {
  if (!(target instanceof Element)) return;
  const row = view.rows[Number(target.closest<HTMLElement>("[data-row]")?.dataset.row ?? -1)];
  if (!row) return;
  const isFold = target.closest(".fold:not(.leaf)") !== null;
  if (isFold && row.kind === "span") toggleFold(view, row.node);
  else view.change({ selected: row.key, hasDetail: true });
}

function watchSize(box: HTMLDivElement | null, tell: (size: { height: number; width: number }) => void): (() => void) | undefined {
  if (!box) return undefined;
  const observer = new ResizeObserver(() => tell({ height: box.clientHeight, width: box.clientWidth }));
  observer.observe(box);
  return () => observer.disconnect();
}

/** Scrolls as little as brings the row into view, with its neighbours. */
function reveal(box: HTMLDivElement | null, index: number): void {
  if (!box || index < 0) return;
  const room = box.clientHeight - HEAD_PX;
  const margin = Math.min(MARGIN_ROWS * ROW_PX, Math.max(0, (room - ROW_PX) / 2));
  const top = index * ROW_PX;
  if (top - margin < box.scrollTop) box.scrollTop = top - margin;
  else if (top + ROW_PX + margin > box.scrollTop + room) box.scrollTop = top + ROW_PX + margin - room;
}

/** Ctrl and the wheel zoom at the pointer; a sideways wheel, or Shift, pans. */
function useWheel(box: RefObject<HTMLDivElement | null>, view: TraceView): void {
  const newest = useRef(view);
  newest.current = view;
  useEffect(() => {
    const element = box.current;
    const turned = (event: WheelEvent): void => {
      if (event.ctrlKey) zoomBy(newest.current, event.deltaY > 0 ? 1.25 : 0.8, timeAt(event, newest.current));
      else if (newest.current.place.range && Math.abs(event.deltaX) > Math.abs(event.deltaY)) panBy(newest.current, event.deltaX / 1000);
      else return;
      event.preventDefault();
    };
    element?.addEventListener("wheel", turned, { passive: false });
    return () => element?.removeEventListener("wheel", turned);
  }, []);
}

function timeAt(event: MouseEvent, { range }: TraceView): number {
  const strip = document.querySelector(".ruler-strip")?.getBoundingClientRect();
  const share = strip ? Math.min(1, Math.max(0, (event.clientX - strip.left) / strip.width)) : 0.5;
  return range.from + share * (range.to - range.from);
}
