/**
 * Where the services stand on the map: rows from callers down to called, each as low as its longest way from a caller that
 * nobody calls. Calls that close a circle are left out of that. Within a row the order follows the neighbours' mean.
 * Services without any call stand below, so that they do not make the map wide.
 * A call that skips rows has a narrow lane in each of them, so that no line runs behind a box.
 */

import type { ServiceEdge, ServiceMap } from "../contract.ts";

export interface Place {
  x: number;
  y: number;
}

export interface MapLayout {
  places: Map<string, Place>;
  /** Lanes of a call through the rows that it skips, from caller to called. */
  lanes: (edge: ServiceEdge) => Place[];
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

/** From one box or lane to the next. */
const SPACE = COLUMN - NODE_WIDTH;
const LANE_WIDTH = 12;

type Call = Pick<ServiceEdge, "from" | "to">;

export function layOut({ nodes, edges }: ServiceMap): MapLayout {
  const services = new Set(nodes.map(({ service }) => service));
  const calling = new Set(edges.filter(({ from, to }) => from !== to).flatMap(({ from, to }) => [from, to]));
  const rows = rowsOf([...services].filter((service) => calling.has(service)), edges);
  rows.push(...inRows([...services].filter((service) => !calling.has(service)), rows));
  const steps = withLanes(rows, edges);
  const widthOf = (name: string): number => (services.has(name) ? NODE_WIDTH : LANE_WIDTH);
  for (let sweep = 0; sweep < SWEEPS; sweep++) order(rows, steps, sweep % 2 === 0);
  const lengths = rows.map((row) => row.reduce((sum, name) => sum + widthOf(name) + SPACE, -SPACE));
  const most = Math.max(NODE_WIDTH, ...lengths);
  const places = new Map<string, Place>();
  rows.forEach((row, at) => {
    let x = MARGIN + (most - (lengths[at] ?? 0)) / 2;
    for (const name of row) {
      places.set(name, { x, y: MARGIN + at * ROW });
      x += widthOf(name) + SPACE;
    }
  });
  return {
    places: new Map([...places].filter(([name]) => services.has(name))),
    lanes: (edge) => lanesOf(edge, places),
    width: 2 * MARGIN + most,
    height: 2 * MARGIN + Math.max(0, rows.length - 1) * ROW + NODE_HEIGHT,
  };
}

const LEAST_ACROSS = 4;

/** Rows as long as the longest above. */
function inRows(services: string[], above: string[][]): string[][] {
  const across = above.reduce((most, row) => Math.max(most, row.length), LEAST_ACROSS);
  return Array.from({ length: Math.ceil(services.length / across) }, (_, row) => services.slice(row * across, (row + 1) * across));
}

/** No service has this in its name. */
const laneKey = ({ from, to }: Call, row: number): string => `${from}\0${to}\0${row}`;

/** Puts a lane into each row that a call skips. @returns the calls, from row to row */
function withLanes(rows: string[][], edges: ServiceEdge[]): Call[] {
  const rowOf = new Map(rows.flatMap((row, at) => row.map((service) => [service, at] as const)));
  return edges.flatMap((edge) => {
    const way = [edge.from];
    for (let row = (rowOf.get(edge.from) ?? 0) + 1; row < (rowOf.get(edge.to) ?? 0); row++) {
      way.push(laneKey(edge, row));
      rows[row]?.push(laneKey(edge, row));
    }
    way.push(edge.to);
    return way.slice(1).map((to, at) => ({ from: way[at] ?? "", to }));
  });
}

/** Where a lane is passed: its middle. */
function lanesOf(edge: Call, places: Map<string, Place>): Place[] {
  const found: Place[] = [];
  const rows = [...places.values()].reduce((most, { y }) => Math.max(most, (y - MARGIN) / ROW), 0);
  for (let row = 0; row < rows; row++) {
    const place = places.get(laneKey(edge, row));
    if (place) found.push({ x: place.x + LANE_WIDTH / 2, y: place.y });
  }
  return found;
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
function order(rows: string[][], edges: Call[], isForward: boolean): void {
  const place = new Map(rows.flatMap((row) => row.map((service, at) => [service, at - row.length / 2] as const)));
  for (const row of isForward ? rows : [...rows].reverse()) {
    const mean = new Map(row.map((service) => [service, meanPlace(service, edges, place, isForward)]));
    row.sort((one, other) => (mean.get(one) ?? 0) - (mean.get(other) ?? 0));
    row.forEach((service, at) => place.set(service, at - row.length / 2));
  }
}

function meanPlace(service: string, edges: Call[], place: Map<string, number>, isForward: boolean): number {
  const found = edges.flatMap(({ from, to }) => {
    const neighbour = isForward ? (to === service ? from : null) : from === service ? to : null;
    return neighbour === null ? [] : [place.get(neighbour) ?? 0];
  });
  return found.length ? found.reduce((sum, at) => sum + at, 0) / found.length : (place.get(service) ?? 0);
}

/**
 * The line of a call: from the foot of the caller to the head of the called, straight down its lanes on the way; one that
 * goes back runs beside them.
 */
export function curve(from: Place, to: Place, lanes: readonly Place[] = []): { path: string; middle: Place } {
  const start = { x: from.x + NODE_WIDTH / 2, y: from.y + NODE_HEIGHT };
  const end = { x: to.x + NODE_WIDTH / 2, y: to.y };
  if (end.y <= start.y) return backwards(start, end);
  let [path, at] = [`M${start.x},${start.y}`, start];
  for (const lane of lanes) {
    path += `${bow(at, lane)}V${lane.y + NODE_HEIGHT}`;
    at = { x: lane.x, y: lane.y + NODE_HEIGHT };
  }
  // Nearer to the called: there the lines of one caller are apart.
  return { path: path + bow(at, end), middle: { x: at.x + (end.x - at.x) * 0.6, y: at.y + (end.y - at.y) * 0.57 } };
}

function bow(from: Place, to: Place): string {
  const bend = (to.y - from.y) / 2;
  return `C${from.x},${from.y + bend} ${to.x},${to.y - bend} ${to.x},${to.y}`;
}

function backwards(start: Place, end: Place): { path: string; middle: Place } {
  const side = Math.max(start.x, end.x) + NODE_WIDTH;
  const path = `M${start.x},${start.y}C${side},${start.y + 60} ${side},${end.y - 60} ${end.x},${end.y}`;
  return { path, middle: { x: (start.x + end.x + 6 * side) / 8, y: (start.y + end.y) / 2 } };
}

/** Pixels of a line: by the logarithm of the rate, so that a rare call is seen beside a frequent one. */
export function thickness(rate: number, most: number): number {
  if (rate <= 0 || most <= 0) return 1.5;
  return Math.max(1.5, 8 + 1.6 * Math.log2(rate / most));
}
