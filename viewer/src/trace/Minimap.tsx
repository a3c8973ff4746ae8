/** The whole trace in a strip: each span a line. What is zoomed is framed; drag marks a part, the edges move. */

import { useEffect, useRef } from "preact/hooks";
import { color, isDark } from "../theme.ts";
import { formatDuration } from "../units.ts";
import type { TraceModel } from "./model.ts";
import { lengthOf, type Range } from "./range.ts";
import { useRangeDrag } from "./useRangeDrag.ts";
import { zoomTo, type TraceView } from "./useTraceView.ts";

const HEIGHT_PX = 44;
/** Lines of a small trace are no thicker than this. */
const THICKEST_PX = 8;
/** One press of an arrow key on an edge moves it by this share. */
const KEY_STEP = 0.01;

export function Minimap({ view }: { view: TraceView }) {
  const { model, range, place } = view;
  const whole: Range = { from: 0, to: model.end_ns };
  const recentre = (ns: number): void => {
    if (place.range) zoomTo(view, { from: ns - lengthOf(range) / 2, to: ns + lengthOf(range) / 2 });
  };
  const { marked, ...drag } = useRangeDrag(whole, (next) => zoomTo(view, next), recentre);
  const percent = (ns: number): string => `${(ns / whole.to) * 100}%`;
  const frame = marked ?? place.range;
  return (
    <div class="minimap" role="group" aria-label="Overview">
      <div class="minimap-strip" {...drag} onDblClick={() => zoomTo(view, null)}>
        <Picture model={model} />
        {frame && (
          <>
            <div class="minimap-outside" style={{ left: 0, width: percent(frame.from) }} />
            <div class="minimap-outside" style={{ left: percent(frame.to), right: 0 }} />
            <div class="minimap-frame" style={{ left: percent(frame.from), width: percent(lengthOf(frame)) }} />
          </>
        )}
      </div>
      <Edge view={view} side="from" at={percent(range.from)} />
      <Edge view={view} side="to" at={percent(range.to)} />
    </div>
  );
}

/** An edge of what is zoomed, for the keyboard. */
function Edge({ view, side, at }: { view: TraceView; side: "from" | "to"; at: string }) {
  const { range, model } = view;
  const step = model.end_ns * KEY_STEP;
  const keyed = (event: KeyboardEvent): void => {
    const by = event.key === "ArrowLeft" ? -step : event.key === "ArrowRight" ? step : 0;
    if (!by) return;
    event.preventDefault();
    zoomTo(view, { ...range, [side]: range[side] + by });
  };
  return (
    <div
      class="minimap-edge"
      style={{ left: at }}
      role="slider"
      tabIndex={0}
      aria-label={side === "from" ? "Start of what is shown" : "End of what is shown"}
      aria-valuemin={0}
      aria-valuemax={Math.round(model.end_ns / 1000)}
      aria-valuenow={Math.round(range[side] / 1000)}
      aria-valuetext={formatDuration(range[side])}
      onKeyDown={keyed}
    />
  );
}

function Picture({ model }: { model: TraceModel }) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const dark = isDark.value;
  useEffect(() => {
    const target = canvas.current;
    if (!target) return;
    draw(target, model);
    const observer = new ResizeObserver(() => draw(target, model));
    observer.observe(target);
    return () => observer.disconnect();
  }, [model, dark]);
  return <canvas ref={canvas} aria-hidden="true" />;
}

function draw(canvas: HTMLCanvasElement, model: TraceModel): void {
  const context = canvas.getContext("2d");
  if (!context || !canvas.clientWidth) return;
  const ratio = window.devicePixelRatio || 1;
  const [width, height] = [canvas.clientWidth, HEIGHT_PX];
  canvas.width = width * ratio;
  canvas.height = height * ratio;
  context.scale(ratio, ratio);
  const room = height - 6;
  const pitch = Math.min(THICKEST_PX + 2, room / model.nodes.length);
  const thick = Math.max(1, pitch * 0.7);
  const total = model.end_ns;
  const colors = new Map(model.services.map(({ color: name }) => [name, color(name)]));
  const danger = color("--danger");
  // Errors last, so that no other line covers them.
  for (const errors of [false, true]) {
    for (const { span, index, color: name } of model.nodes) {
      if (span.error !== errors) continue;
      context.fillStyle = errors ? danger : colors.get(name) ?? danger;
      const length = Math.max(1, (span.duration_ns / total) * width);
      context.fillRect((span.offset_ns / total) * width, 3 + index * pitch, length, thick);
    }
  }
}
