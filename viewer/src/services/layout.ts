/**
 * Where the services stand on the map: rows from callers down to called, each as low as its longest way from a caller that
 * nobody calls. Calls that close a circle are left out of that. Within a row the order follows the neighbours' mean.
 */

import type { ServiceEdge, ServiceMap } from "../contract.ts";

export interface Place {
  x: number;
  y: number;
}

export interface MapLayout {
  places: Map<string, Place>;
  width: number;
  height: number;
}

export const NODE_WIDTH = 160;
export const NODE_HEIGHT = 62;
/** From one row to the next, and from one service to its neighbour. */
const ROW = 142;
const COLUMN = 196;
const MARGIN = 16;
const SWEEPS = 4;

export function layOut({ nodes, edges }: ServiceMap): MapLayout {
  const rows = rowsOf(nodes.map(({ service }) => service), edges);
  for (let sweep = 0; sweep < SWEEPS; sweep++) order(rows, edges, sweep % 2 === 0);
  const most = Math.max(1, ...rows.map((row) => row.length));
  const places = new Map<string, Place>();
  rows.forEach((row, at) => {
    const left = MARGIN + ((most - row.length) * COLUMN) / 2;
    row.forEach((service, index) => places.set(service, { x: left + index * COLUMN, y: MARGIN + at * ROW }));
  });
  return {
    places,
    width: 2 * MARGIN + (most - 1) * COLUMN + NODE_WIDTH,
    height: 2 * MARGIN + Math.max(0, rows.length - 1) * ROW + NODE_HEIGHT,
  };
}

function rowsOf(services: string[], edges: ServiceEdge[]): string[][] {
  const called = calledBy(edges);
  const depth = new Map<string, number>();
  const visit = (service: string, at: number, way: Set<string>): void => {
    if (way.has(service) || (depth.get(service) ?? -1) >= at) return;
    depth.set(service, at);
    way.add(service);
    for (const next of called.get(service) ?? []) visit(next, at + 1, way);
    way.delete(service);
  };
  const targets = new Set(edges.filter(({ from, to }) => from !== to).map(({ to }) => to));
  for (const service of services) if (!targets.has(service)) visit(service, 0, new Set());
  // Circles that nobody outside calls.
  for (const service of services) if (!depth.has(service)) visit(service, 0, new Set());
  const rows: string[][] = [];
  for (const service of services) (rows[depth.get(service) ?? 0] ??= []).push(service);
  return Array.from(rows, (row) => (row as string[] | undefined) ?? []);
}

function calledBy(edges: ServiceEdge[]): Map<string, string[]> {
  const called = new Map<string, string[]>();
  for (const { from, to } of edges) if (from !== to) called.set(from, [...(called.get(from) ?? []), to]);
  return called;
}

/** Sorts each row by the mean place of those that its services call or are called by. */
function order(rows: string[][], edges: ServiceEdge[], isForward: boolean): void {
  const place = new Map(rows.flatMap((row) => row.map((service, at) => [service, at - row.length / 2] as const)));
  for (const row of isForward ? rows : [...rows].reverse()) {
    const mean = new Map(row.map((service) => [service, meanPlace(service, edges, place, isForward)]));
    row.sort((one, other) => (mean.get(one) ?? 0) - (mean.get(other) ?? 0));
    row.forEach((service, at) => place.set(service, at - row.length / 2));
  }
}

function meanPlace(service: string, edges: ServiceEdge[], place: Map<string, number>, isForward: boolean): number {
  const found = edges.flatMap(({ from, to }) => {
    const neighbour = isForward ? (to === service ? from : null) : from === service ? to : null;
    return neighbour === null ? [] : [place.get(neighbour) ?? 0];
  });
  return found.length ? found.reduce((sum, at) => sum + at, 0) / found.length : (place.get(service) ?? 0);
}

/** The line of a call: a curve from the foot of the caller to the head of the called; one that goes back runs beside them. */
export function curve(from: Place, to: Place): { path: string; middle: Place } {
  const [x1, y1] = [from.x + NODE_WIDTH / 2, from.y + NODE_HEIGHT];
  const [x2, y2] = [to.x + NODE_WIDTH / 2, to.y];
  if (y2 > y1) {
    const bend = (y2 - y1) / 2;
    // Nearer to the called: there the lines of one caller are apart.
    return { path: `M${x1},${y1}C${x1},${y1 + bend} ${x2},${y2 - bend} ${x2},${y2}`, middle: { x: x1 + (x2 - x1) * 0.6, y: y1 + (y2 - y1) * 0.57 } };
  }
  const side = Math.max(x1, x2) + NODE_WIDTH;
  return { path: `M${x1},${y1}C${side},${y1 + 60} ${side},${y2 - 60} ${x2},${y2}`, middle: { x: (x1 + x2 + 6 * side) / 8, y: (y1 + y2) / 2 } };
}

/** Pixels of a line: by the logarithm of the rate, so that a rare call is seen beside a frequent one. */
export function thickness(rate: number, most: number): number {
  if (rate <= 0 || most <= 0) return 1.5;
  return Math.max(1.5, 8 + 1.6 * Math.log2(rate / most));
}
