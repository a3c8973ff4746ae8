/** Draws the heat map on its canvas. Errors are a stripe at a cell's left edge: a shape, not only a colour. */

import { color } from "../theme.ts";
import { timeTicks } from "../timeticks.ts";
import { formatDuration } from "../units.ts";
import { decadeRows, strength, type HeatGrid } from "./heatmap.ts";

export const GUTTER = 62;
export const FOOT = 22;
const SHADES = 5;
const LEAST_STRIPE = 3;
/** Room for a time on the axis. */
const TICK_PX = 110;

export interface Frame {
  width: number;
  height: number;
  cellWidth: number;
  cellHeight: number;
}

export function frameOf(grid: HeatGrid, width: number, height: number): Frame {
  const rows = grid.highest - grid.lowest + 1;
  return { width, height, cellWidth: (width - GUTTER) / grid.steps, cellHeight: (height - FOOT) / rows };
}

/** Which cell is at a point of the canvas; null beside the cells. */
export function cellAt(grid: HeatGrid, frame: Frame, x: number, y: number): { step: number; bucket: number } | null {
  const step = Math.floor((x - GUTTER) / frame.cellWidth);
  const bucket = grid.highest - Math.floor(y / frame.cellHeight);
  return step >= 0 && step < grid.steps && bucket >= grid.lowest && bucket <= grid.highest ? { step, bucket } : null;
}

export function paint(context: CanvasRenderingContext2D, grid: HeatGrid, frame: Frame, marked: { step: number; bucket: number } | null): void {
  context.clearRect(0, 0, frame.width, frame.height);
  context.font = `11px ${color("--font")}`;
  paintAxes(context, grid, frame);
  const ramp = Array.from({ length: SHADES }, (_, index) => rgbOf(color(`--heat-${index + 1}`)));
  const danger = color("--danger");
  for (const cell of grid.cells) {
    const [x, y] = cornerOf(grid, frame, cell);
    context.fillStyle = shade(ramp, strength(cell.count, grid.most));
    context.fillRect(x, y, frame.cellWidth - 1, frame.cellHeight - 1);
    if (cell.errors === 0) continue;
    context.fillStyle = danger;
    context.fillRect(x, y, Math.max(LEAST_STRIPE, ((frame.cellWidth - 1) * cell.errors) / cell.count), frame.cellHeight - 1);
  }
  if (!marked) return;
  const [x, y] = cornerOf(grid, frame, marked);
  context.strokeStyle = color("--ink");
  context.lineWidth = 2;
  context.strokeRect(x, y, frame.cellWidth - 1, frame.cellHeight - 1);
}

export function cornerOf(grid: HeatGrid, frame: Frame, { step, bucket }: { step: number; bucket: number }): [number, number] {
  return [GUTTER + step * frame.cellWidth, (grid.highest - bucket) * frame.cellHeight];
}

function paintAxes(context: CanvasRenderingContext2D, grid: HeatGrid, frame: Frame): void {
  context.strokeStyle = color("--line");
  context.fillStyle = color("--ink-3");
  context.lineWidth = 1;
  context.textAlign = "right";
  context.textBaseline = "middle";
  for (const { bucket, ns } of decadeRows(grid)) {
    const y = Math.round((grid.highest - bucket + 1) * frame.cellHeight) - 0.5;
    context.beginPath();
    context.moveTo(GUTTER, y);
    context.lineTo(frame.width, y);
    context.stroke();
    context.fillText(formatDuration(ns).replace(/\.0+/, ""), GUTTER - 8, Math.min(Math.max(y, 7), frame.height - FOOT - 4));
  }
  context.textAlign = "center";
  const { from_us, step_us } = grid.map;
  const most = Math.floor((frame.width - GUTTER) / TICK_PX);
  for (const { us, text } of timeTicks(from_us, from_us + grid.steps * step_us, most)) {
    const x = GUTTER + ((us - from_us) / step_us) * frame.cellWidth;
    const half = context.measureText(text).width / 2;
    context.fillText(text, Math.min(Math.max(x, GUTTER + half), frame.width - half), frame.height - FOOT / 2);
  }
}

type Rgb = [number, number, number];

function rgbOf(hex: string): Rgb {
  const value = Number.parseInt(hex.slice(1), 16);
  return [(value >> 16) & 255, (value >> 8) & 255, value & 255];
}

/** A colour of the ramp at 0 to 1. */
function shade(ramp: Rgb[], at: number): string {
  const place = Math.min(0.9999, Math.max(0, at)) * (ramp.length - 1);
  const [low, high] = [ramp[Math.floor(place)], ramp[Math.floor(place) + 1]];
  if (!low || !high) return "transparent";
  const part = (index: 0 | 1 | 2) => Math.round(low[index] + (high[index] - low[index]) * (place % 1));
  return `rgb(${part(0)} ${part(1)} ${part(2)})`;
}
