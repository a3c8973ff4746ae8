/** The head of the waterfall: names of the columns and the times of what is shown. Dragging over it zooms. */

import { shareOf, type Range } from "./range.ts";
import { NAME_LEAST_PX, NAME_MOST_PX } from "./useNameWidth.ts";
import { useRangeDrag } from "./useRangeDrag.ts";
import { zoomTo, type TraceView } from "./useTraceView.ts";

/** One press of an arrow key on the border of the name column. */
const KEY_STEP_PX = 20;

interface RulerProps {
  view: TraceView;
  ticks: { ns: number; text: string }[];
  namePx: number;
  onNameWidth: (px: number) => void;
}

export function Ruler({ view, ticks, namePx, onNameWidth }: RulerProps) {
  return (
    <div class="waterfall-head" role="rowgroup">
      <div class="waterfall-row" role="row" aria-rowindex={1}>
        <span role="columnheader" class="cell-name">
          Span
          <NameBorder namePx={namePx} onNameWidth={onNameWidth} />
        </span>
        <span role="columnheader" class="cell-number" title="From start to end">
          Duration
        </span>
        <span role="columnheader" class="cell-number cell-self" title="Time in which none of its children ran">
          Self
        </span>
        <span role="columnheader" class="cell-time" aria-label="Timeline">
          <Strip view={view} ticks={ticks} />
        </span>
      </div>
    </div>
  );
}

function Strip({ view, ticks }: Pick<RulerProps, "view" | "ticks">) {
  const { range } = view;
  const { marked, ...drag } = useRangeDrag(range, (next) => zoomTo(view, next));
  const percent = (ns: number): number => shareOf(range, ns) * 100;
  return (
    <div class="ruler-strip" {...drag} onClick={(event) => event.stopPropagation()} title="Drag to zoom">
      {ticks.map(({ ns, text }) => (
        <span key={ns} class="tick" style={{ left: `${percent(ns)}%` }}>
          {percent(ns) < 94 && text}
        </span>
      ))}
      {marked && <Marked range={marked} percent={percent} />}
    </div>
  );
}

function Marked({ range, percent }: { range: Range; percent: (ns: number) => number }) {
  return <div class="ruler-marked" style={{ left: `${percent(range.from)}%`, width: `${percent(range.to) - percent(range.from)}%` }} />;
}

/** The border between names and numbers, to drag or to move with the arrow keys. */
function NameBorder({ namePx, onNameWidth }: Pick<RulerProps, "namePx" | "onNameWidth">) {
  const pulled = (event: PointerEvent): void => {
    const element = event.currentTarget as HTMLElement;
    element.setPointerCapture(event.pointerId);
    const start = event.clientX - namePx;
    const moved = (move: PointerEvent): void => onNameWidth(move.clientX - start);
    element.addEventListener("pointermove", moved);
    element.addEventListener("pointerup", () => element.removeEventListener("pointermove", moved), { once: true });
  };
  const keyed = (event: KeyboardEvent): void => {
    const by = event.key === "ArrowLeft" ? -KEY_STEP_PX : event.key === "ArrowRight" ? KEY_STEP_PX : 0;
    if (!by) return;
    event.preventDefault();
    onNameWidth(namePx + by);
  };
  return (
    <span
      class="name-border"
      role="separator"
      tabIndex={0}
      aria-orientation="vertical"
      aria-label="Width of the names"
      aria-valuemin={NAME_LEAST_PX}
      aria-valuemax={NAME_MOST_PX}
      aria-valuenow={namePx}
      onPointerDown={pulled}
      onKeyDown={keyed}
      onClick={(event) => event.stopPropagation()}
    />
  );
}
