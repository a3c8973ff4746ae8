/**
 * Where the services stand on the map: columns from callers to called, each as far right as its longest way from a caller that
 * nobody calls. Calls that close a circle are left out of that. Within a column the order follows the neighbours' mean.
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

export const NODE_WIDTH = 168;
export const NODE_HEIGHT = 62;
const COLUMN = 292;
const ROW = 88;
const MARGIN = 16;
const SWEEPS = 4;

export function layOut({ nodes, edges }: ServiceMap): MapLayout {
  const columns = columnsOf(nodes.map(({ service }) => service), edges);
  for (let sweep = 0; sweep < SWEEPS; sweep++) order(columns, edges, sweep % 2 === 0);
  const most = Math.max(1, ...columns.map((column) => column.length));
  const places = new Map<string, Place>();
  columns.forEach((column, at) => {
    const top = MARGIN + ((most - column.length) * ROW) / 2;
    column.forEach((service, index) => places.set(service, { x: MARGIN + at * COLUMN, y: top + index * ROW }));
  });
  return {
    places,
    width: 2 * MARGIN + Math.max(0, columns.length - 1) * COLUMN + NODE_WIDTH,
    height: 2 * MARGIN + (most - 1) * ROW + NODE_HEIGHT,
  };
}

function columnsOf(services: string[], edges: ServiceEdge[]): string[][] {
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
  const columns: string[][] = [];
  for (const service of services) (columns[depth.get(service) ?? 0] ??= []).push(service);
  return Array.from(columns, (column) => (column as string[] | undefined) ?? []);
}

function calledBy(edges: ServiceEdge[]): Map<string, string[]> {
  const called = new Map<string, string[]>();
  for (const { from, to } of edges) if (from !== to) called.set(from, [...(called.get(from) ?? []), to]);
  return called;
}

/** Sorts each column by the mean place of those that its services call or are called by. */
function order(columns: string[][], edges: ServiceEdge[], isForward: boolean): void {
  const place = new Map(columns.flatMap((column) => column.map((service, at) => [service, at - column.length / 2] as const)));
  for (const column of isForward ? columns : [...columns].reverse()) {
    const mean = new Map(column.map((service) => [service, meanPlace(service, edges, place, isForward)]));
    column.sort((one, other) => (mean.get(one) ?? 0) - (mean.get(other) ?? 0));
    column.forEach((service, at) => place.set(service, at - column.length / 2));
  }
}

function meanPlace(service: string, edges: ServiceEdge[], place: Map<string, number>, isForward: boolean): number {
  const found = edges.flatMap(({ from, to }) => {
    const neighbour = isForward ? (to === service ? from : null) : from === service ? to : null;
    return neighbour === null ? [] : [place.get(neighbour) ?? 0];
  });
  return found.length ? found.reduce((sum, at) => sum + at, 0) / found.length : (place.get(service) ?? 0);
}

/** The line of a call: a curve from the right side of the caller to the left of the called; one that goes back runs below. */
export function curve(from: Place, to: Place): { path: string; middle: Place } {
  const [x1, y1] = [from.x + NODE_WIDTH, from.y + NODE_HEIGHT / 2];
  const [x2, y2] = [to.x, to.y + NODE_HEIGHT / 2];
  if (x2 > x1) {
    const bend = Math.min(120, (x2 - x1) / 2);
    return { path: `M${x1},${y1}C${x1 + bend},${y1} ${x2 - bend},${y2} ${x2},${y2}`, middle: { x: (x1 + x2) / 2, y: (y1 + y2) / 2 } };
  }
  const low = Math.max(y1, y2) + NODE_HEIGHT;
  return { path: `M${x1},${y1}C${x1 + 70},${low} ${x2 - 70},${low} ${x2},${y2}`, middle: { x: (x1 + x2) / 2, y: (y1 + y2 + 6 * low) / 8 } };
}

/** Pixels of a line: by the logarithm of the rate, so that a rare call is seen beside a frequent one. */
export function thickness(rate: number, most: number): number {
  if (rate <= 0 || most <= 0) return 1.5;
  return Math.max(1.5, 8 + 1.6 * Math.log2(rate / most));
}
