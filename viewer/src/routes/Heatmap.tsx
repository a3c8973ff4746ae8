/** Latency over time as a heat map. A press on a cell, or Enter, opens its requests on Live. */

import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { addressOf, navigate } from "../router.ts";
import { isDark } from "../theme.ts";
import { formatCount, formatDuration, formatTime } from "../units.ts";
import { bandOf, cellQuery, moveCell, type HeatGrid } from "./heatmap.ts";
import { cellAt, cornerOf, frameOf, paint, type Frame } from "./heatmapPaint.ts";

const HEIGHT = 250;

interface Place {
  step: number;
  bucket: number;
}

export function Heatmap({ grid, filters }: { grid: HeatGrid; filters: URLSearchParams }) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const [marked, setMarked] = useState<Place | null>(null);
  const width = useWidth(canvas);
  const frame = frameOf(grid, width, HEIGHT);
  const dark = isDark.value;
  useLayoutEffect(() => {
    if (canvas.current && width > 0) repaint(canvas.current, grid, frame, marked);
  }, [grid, width, marked, dark]);
  const open = (place: Place): void => {
    if (grid.at(place.step, place.bucket).count > 0) navigate("/live", cellQuery(filters, grid, place));
  };
  const pointed = (event: MouseEvent): Place | null => cellAt(grid, frame, event.offsetX, event.offsetY);
  const keyed = (event: KeyboardEvent): void => {
    const place = marked ?? firstOf(grid);
    if (event.key === "Enter") open(place);
    const next = event.key === "Enter" ? place : moveCell(grid, place, event.key);
    if (!next) return;
    event.preventDefault();
    event.stopPropagation();
    setMarked(next);
  };
  const total = grid.cells.reduce((sum, { count }) => sum + count, 0);
  return (
    <figure class="heatmap">
      <figcaption>
        <b>Latency over time</b> <span class="dim">a press opens the requests of a cell</span>
        <HeatLegend most={grid.most} />
      </figcaption>
      <div
        class="heatmap-box"
        role="application"
        tabIndex={0}
        aria-label={`Latency heat map of ${formatCount(total)} requests. Arrow keys move between cells, Enter opens the requests of one.`}
        onKeyDown={keyed}
        onFocus={(event) => {
          if (event.currentTarget.matches(":focus-visible")) setMarked((old) => old ?? firstOf(grid));
        }}
        onBlur={() => setMarked(null)}
      >
        <canvas
          ref={canvas}
          onPointerMove={(event) => setMarked(pointed(event))}
          onPointerLeave={() => setMarked(null)}
          onClick={(event) => {
            const place = pointed(event);
            if (place) open(place);
          }}
        />
        {marked && <CellNote grid={grid} frame={frame} place={marked} />}
      </div>
      <a class="visually-hidden" href={addressOf("/live", filters)}>
        All requests of this heat map as a list
      </a>
    </figure>
  );
}

/** Where the keys begin: the newest cell that has requests. */
function firstOf({ cells, lowest, steps }: HeatGrid): Place {
  const newest = cells.reduce<Place | null>((last, cell) => (last && last.step > cell.step ? last : cell), null);
  return newest ? { step: newest.step, bucket: newest.bucket } : { step: steps - 1, bucket: lowest };
}

function useWidth(canvas: { current: HTMLCanvasElement | null }): number {
  const [width, setWidth] = useState(0);
  useEffect(() => {
    const box = canvas.current?.parentElement;
    if (!box) return;
    const observer = new ResizeObserver(() => setWidth(box.clientWidth));
    observer.observe(box);
    return () => observer.disconnect();
  }, []);
  return width;
}

function repaint(canvas: HTMLCanvasElement, grid: HeatGrid, frame: Frame, marked: Place | null): void {
  const scale = window.devicePixelRatio || 1;
  canvas.width = Math.round(frame.width * scale);
  canvas.height = Math.round(frame.height * scale);
  canvas.style.width = `${frame.width}px`;
  canvas.style.height = `${frame.height}px`;
  const context = canvas.getContext("2d");
  if (!context) return;
  context.scale(scale, scale);
  paint(context, grid, frame, marked);
}

function CellNote({ grid, frame, place }: { grid: HeatGrid; frame: Frame; place: Place }) {
  const { count, errors } = grid.at(place.step, place.bucket);
  const { fromNs, untilNs } = bandOf(grid.map, place.bucket);
  const from = grid.map.from_us + place.step * grid.map.step_us;
  const [x, y] = cornerOf(grid, frame, place);
  const isRight = x > frame.width - 260;
  const side = isRight ? { right: `${frame.width - x + 8}px` } : { left: `${x + frame.cellWidth + 8}px` };
  return (
    <p class="cell-note" role="status" style={{ ...side, top: `${Math.min(y, frame.height - 70)}px` }}>
      <b>
        {formatCount(count)} {count === 1 ? "request" : "requests"}
      </b>
      {errors > 0 && <span class="failed-count"> {formatCount(errors)} failed</span>}
      <br />
      {untilNs === null ? `from ${formatDuration(fromNs)}` : `${formatDuration(fromNs)} to ${formatDuration(untilNs)}`}
      <br />
      <span class="dim">
        {formatTime(from).slice(0, 8)} to {formatTime(from + grid.map.step_us).slice(0, 8)}
      </span>
    </p>
  );
}

function HeatLegend({ most }: { most: number }) {
  return (
    <span class="heat-legend">
      1 <span class="heat-ramp" /> {formatCount(most)} requests
      <span class="heat-error" /> failed
    </span>
  );
}
