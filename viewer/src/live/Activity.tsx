/** A strip over the list: requests and errors over time. Drawing over it chooses that time. */

import { useState } from "preact/hooks";
import { api } from "../api.ts";
import { hideTooltip, showTooltip } from "../components/Tooltip.tsx";
import { filterQuery } from "../filters.ts";
import { useLoad } from "../load.ts";
import { query, setQuery } from "../router.ts";
import { withRange } from "../timerange.ts";
import { timeTicks } from "../timeticks.ts";
import { formatCount, formatTime } from "../units.ts";
import { columnsOf, rangeBetween, type Column } from "./activity.ts";

const STEPS = 120;
const EVERY_MS = 4000;
const HEIGHT = 36;
const TICKS = 8;
const EDGE = 0.03;

export function Activity() {
  const filters = filterQuery(query.value);
  const { data } = useLoad(filters.toString(), (signal) => api.heatmap(withSteps(filters), signal), EVERY_MS);
  const columns = data ? columnsOf(data, STEPS) : [];
  const brush = useBrush(columns);
  const most = Math.max(1, ...columns.map(({ count }) => count));
  const sum = (of: (column: Column) => number) => formatCount(columns.reduce((total, column) => total + of(column), 0));
  const label = `Requests over time: ${sum(({ count }) => count)}, of which ${sum(({ errors }) => errors)} failed`;
  return (
    <figure class="activity">
      <svg role="img" aria-label={label} viewBox={`0 0 ${STEPS} ${HEIGHT}`} preserveAspectRatio="none" {...brush.handlers}>
        {brush.range && <rect class="brush" x={brush.range[0]} y={0} width={brush.range[1] - brush.range[0] + 1} height={HEIGHT} />}
        {columns.map((column, index) => (
          <Bar key={column.from_us} column={column} index={index} most={most} />
        ))}
      </svg>
      <figcaption aria-hidden="true">
        {ticksOf(columns).map(({ us, text, at }) => (
          <span key={us} style={{ left: `${at * 100}%` }}>
            {text}
          </span>
        ))}
      </figcaption>
    </figure>
  );
}

function withSteps(filters: URLSearchParams): URLSearchParams {
  const asked = new URLSearchParams(filters);
  asked.set("steps", String(STEPS));
  return asked;
}

/** Round times, and where they are, 0 to 1; not so near to an end that they would be cut. */
function ticksOf(columns: Column[]) {
  const [from, until] = [columns[0]?.from_us ?? 0, columns.at(-1)?.until_us ?? 0];
  return timeTicks(from, until, TICKS)
    .map((tick) => ({ ...tick, at: (tick.us - from) / (until - from) }))
    .filter(({ at }) => at > EDGE && at < 1 - EDGE);
}

function Bar({ column, index, most }: { column: Column; index: number; most: number }) {
  const { count, errors, from_us, until_us } = column;
  const height = (part: number) => (part === 0 ? 0 : Math.max(1.5, (part / most) * (HEIGHT - 2)));
  const tell = (anchor: Element): void =>
    showTooltip(
      anchor,
      <>
        <strong>{formatCount(count)} requests</strong>
        {errors > 0 && <span class="failed-count"> {formatCount(errors)} failed</span>}
        <div class="dim">
          {formatTime(from_us)} to {formatTime(until_us)}
        </div>
      </>,
    );
  return (
    <g onPointerEnter={(event) => tell(event.currentTarget)} onPointerLeave={hideTooltip}>
      <rect class="hit" x={index} y={0} width={1} height={HEIGHT} />
      <rect class="count" x={index + 0.12} y={HEIGHT - height(count)} width={0.76} height={height(count)} />
      <rect class="errors" x={index + 0.12} y={HEIGHT - height(errors)} width={0.76} height={height(errors)} />
    </g>
  );
}

/** Press, draw, release: the columns between become the time range. A press without drawing does nothing. */
function useBrush(columns: Column[]) {
  const [from, setFrom] = useState<number | null>(null);
  const [to, setTo] = useState(0);
  const at = (event: PointerEvent & { currentTarget: SVGSVGElement }): number => {
    const { left, width } = event.currentTarget.getBoundingClientRect();
    return Math.min(STEPS - 1, Math.max(0, Math.floor(((event.clientX - left) / width) * STEPS)));
  };
  const finish = (): void => {
    const range = from === null || from === to ? null : rangeBetween(columns, from, to);
    setFrom(null);
    if (range) setQuery(withRange(query.peek(), range));
  };
  const handlers = {
    onPointerDown: (event: PointerEvent & { currentTarget: SVGSVGElement }): void => {
      event.currentTarget.setPointerCapture(event.pointerId);
      setFrom(at(event));
      setTo(at(event));
    },
    onPointerMove: (event: PointerEvent & { currentTarget: SVGSVGElement }): void => {
      if (from !== null) setTo(at(event));
    },
    onPointerUp: finish,
    onPointerCancel: () => setFrom(null),
  };
  const range = from === null || from === to ? null : ([Math.min(from, to), Math.max(from, to)] as const);
  return { handlers, range };
}
