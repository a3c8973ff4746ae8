/** Lines or bars over time, by uPlot. The caption tells the values under the pointer, else those of the last point. */

import { useEffect, useRef, useState } from "preact/hooks";
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import { color, isDark } from "../theme.ts";
import { formatTick } from "../timeticks.ts";
import { formatTime } from "../units.ts";

export interface TimeSeries {
  label: string;
  /** Name of a colour in `tokens.css`. */
  color: string;
  values: (number | null)[];
  kind: "line" | "bars";
  /** Tells lines apart without colour. */
  dash?: number[];
}

interface TimeChartProps {
  title: string;
  hint?: string;
  /** Unix seconds. */
  times: number[];
  series: TimeSeries[];
  format: (value: number) => string;
  height?: number;
  isLog?: boolean;
}

export function TimeChart(props: TimeChartProps) {
  const { title, hint, times, series, format } = props;
  const box = useRef<HTMLDivElement>(null);
  const chart = useRef<uPlot | null>(null);
  const [at, setAt] = useState<number | null>(null);
  const look = `${series.map((each) => each.label).join()} ${isDark.value}`;
  const newest = useRef(props);
  newest.current = props;
  useEffect(() => {
    if (!box.current) return;
    const made = makeChart(box.current, newest.current, setAt);
    chart.current = made.plot;
    return made.destroy;
  }, [look]);
  useEffect(() => {
    chart.current?.setData(dataOf(newest.current));
  }, [times, series]);
  const shown = at ?? times.length - 1;
  const value = (each: TimeSeries) => (typeof each.values[shown] === "number" ? format(each.values[shown]) : "–");
  return (
    <figure class="time-chart" aria-label={`${title}: ${series.map((each) => `${each.label} ${value(each)}`).join(", ")}`}>
      <figcaption>
        <b>{title}</b> {hint && <span class="dim">{hint}</span>}
        <span class="chart-values">
          {at !== null && <span class="dim">{formatTime((times[at] ?? 0) * 1e6).slice(0, 8)}</span>}
          {series.map((each) => (
            <span key={each.label}>
              <svg width="16" height="8" aria-hidden="true">
                <line x1="0" x2="16" y1="4" y2="4" style={{ stroke: `var(${each.color})` }} stroke-width={each.kind === "bars" ? 8 : 2} stroke-dasharray={each.dash?.join(" ")} />
              </svg>
              <span class="chart-label" title={each.label}>
                {each.label}
              </span>{" "}
              <b>{value(each)}</b>
            </span>
          ))}
        </span>
      </figcaption>
      <div ref={box} class="plot" />
    </figure>
  );
}

const dataOf = ({ times, series }: TimeChartProps): uPlot.AlignedData => [times, ...series.map(({ values }) => values)];

function makeChart(box: HTMLDivElement, props: TimeChartProps, setAt: (at: number | null) => void) {
  const plot = new uPlot(optionsOf(box, props, setAt), dataOf(props), box);
  const observer = new ResizeObserver(() => plot.setSize({ width: box.clientWidth, height: props.height ?? HEIGHT }));
  observer.observe(box);
  return {
    plot,
    destroy: () => {
      observer.disconnect();
      plot.destroy();
    },
  };
}

const HEIGHT = 150;

const isDecade = (value: number) => Number.isInteger(Math.log10(value));

function optionsOf(box: HTMLDivElement, props: TimeChartProps, setAt: (at: number | null) => void): uPlot.Options {
  const axis = { stroke: color("--ink-3"), grid: { stroke: color("--line"), width: 1 }, ticks: { show: false }, font: `11px ${color("--font")}` };
  return {
    width: box.clientWidth,
    height: props.height ?? HEIGHT,
    padding: [8, 8, 0, 0],
    legend: { show: false },
    cursor: { y: false, drag: { x: false, y: false }, points: { size: 6 } },
    // eslint-disable-next-line @typescript-eslint/no-unsafe-enum-assignment -- 3 is logarithmic; the enum exists only as a type
    scales: { y: props.isLog ? { distr: 3, log: 10 } : { range: (_plot, _low, high) => [0, high > 0 ? high * 1.08 : 1] } },
    axes: [
      { ...axis, size: 26, space: 90, values: (_plot, ticks, _axis, _space, step) => ticks.map((tick) => formatTick(tick * 1e6, step * 1e6)) },
      { ...axis, size: 62, space: 34, filter: (_plot, ticks) => ticks.map((tick) => (props.isLog && !isDecade(tick) ? null : tick)), grid: { ...axis.grid, filter: (_plot, ticks) => ticks.map((tick) => (props.isLog && !isDecade(tick) ? null : tick)) }, values: (_plot, ticks) => ticks.map((tick: number | null) => (tick === null ? "" : props.format(tick))) },
    ],
    series: [{}, ...props.series.map((each) => seriesOf(each))],
    hooks: { setCursor: [(plot) => setAt(plot.cursor.idx ?? null)] },
  };
}

function seriesOf({ label, color: name, kind, dash }: TimeSeries): uPlot.Series {
  const bars = uPlot.paths.bars?.({ size: [0.8, 40], align: 1 });
  const stroke = color(name);
  if (kind === "bars" && bars) return { label, stroke, fill: stroke, width: 0, paths: bars, points: { show: false } };
  return { label, stroke, width: 1.6, spanGaps: false, ...(dash ? { dash } : {}), points: { show: true, size: 4, fill: stroke, filter: lonely } };
}

/** Points between two gaps: no line would show them. */
function lonely(plot: uPlot, series: number): number[] {
  const values = plot.data[series] ?? [];
  const isThere = (index: number): boolean => typeof values[index] === "number";
  return Array.from(values.keys()).filter((index) => isThere(index) && !isThere(index - 1) && !isThere(index + 1));
}
