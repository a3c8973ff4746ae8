/** Numbers over many requests of the mock: routes, verdicts, heat map, service map. */

import type { Heatmap, Period, Request, RouteComparison, RouteRow, RouteSeries, ServiceMap, Verdict } from "../src/contract.ts";
import { stateShares } from "../src/states.ts";
import { formatDuration, formatPercent } from "../src/units.ts";

type Percentile = "p50" | "p95" | "p99";
const RANKS: Record<Percentile, number> = { p50: 0.5, p95: 0.95, p99: 0.99 };

export function routeRows(requests: Request[], spanS: number): RouteRow[] {
  const rows = [...groups(requests).values()].map((group): RouteRow => {
    const first = group[0] as Request;
    const period = periodOf(group, spanS);
    return {
      service: first.service,
      method: first.method,
      route: first.route,
      ...period,
      total_ns: group.reduce((sum, { duration_ns }) => sum + duration_ns, 0),
      verdict: verdictOf(period, first.route === "/cart/{user}"),
    };
  });
  return rows.sort((one, other) => other.count * other.p50_ns - one.count * one.p50_ns);
}

export interface Span {
  requests: Request[];
  seconds: number;
}

export function comparisons(now: Span, base: Span): RouteComparison[] {
  const [here, there] = [groups(now.requests), groups(base.requests)];
  return [...new Set([...here.keys(), ...there.keys()])].map((key): RouteComparison => {
    const [group, old] = [here.get(key), there.get(key)];
    const first = (group ?? old)?.[0] as Request;
    const period = group ? periodOf(group, now.seconds) : NOTHING;
    const baseline = old ? periodOf(old, base.seconds) : null;
    const factor = (of: (period: Period) => number) => (baseline && of(baseline) ? of(period) / of(baseline) : null);
    return {
      service: first.service,
      method: first.method,
      route: first.route,
      now: period,
      base: baseline,
      change: group && old ? {
        rate: factor(({ rate }) => rate),
        error_rate: factor(({ error_rate }) => error_rate),
        p50: factor(({ p50_ns }) => p50_ns),
        p95: factor(({ p95_ns }) => p95_ns),
        p99: factor(({ p99_ns }) => p99_ns),
      } : null,
    };
  });
}

const NOTHING: Period = { count: 0, rate: 0, errors: 0, error_rate: 0, p50_ns: 0, p95_ns: 0, p99_ns: 0, states: null };

function groups(requests: Request[]): Map<string, Request[]> {
  return groupBy(requests, (request) => `${request.service} ${request.method ?? ""} ${request.route ?? ""}`);
}

function groupBy(requests: Request[], keyOf: (request: Request) => string): Map<string, Request[]> {
  const found = new Map<string, Request[]>();
  for (const request of requests) {
    const key = keyOf(request);
    const group = found.get(key);
    if (group) group.push(request);
    else found.set(key, [request]);
  }
  return found;
}

function periodOf(group: Request[], seconds: number): Period {
  const sorted = [...group].sort((one, other) => one.duration_ns - other.duration_ns);
  const at = (rank: Percentile) => sorted[Math.min(sorted.length - 1, Math.ceil(RANKS[rank] * sorted.length) - 1)] as Request;
  const errors = group.filter((request) => request.error).length;
  const states = sorted.every((request) => request.states !== null)
    ? { p50: at("p50").states, p95: at("p95").states, p99: at("p99").states }
    : null;
  return {
    count: group.length,
    rate: group.length / seconds,
    errors,
    p50_ns: at("p50").duration_ns,
    p95_ns: at("p95").duration_ns,
    p99_ns: at("p99").duration_ns,
    error_rate: errors / group.length,
    states,
  };
}

function verdictOf(period: Period, grew: boolean): Verdict {
  const shares = period.states?.p99 ? stateShares(period.states.p99) : [];
  const parts = shares.sort((one, other) => other.ns - one.ns).filter(({ share }) => share >= 0.1);
  const words = parts.map(({ state, share }) => `${state} ${formatPercent(Math.round(share * 100) / 100)}`).join(", ");
  const since = (Date.now() - 25 * 60_000) * 1000;
  return {
    text: `p99 is ${formatDuration(period.p99_ns)}${words && ": "}${words}${grew ? "; queue grew 9x since 25 minutes ago" : ""}`,
    percentile: "p99",
    total_ns: period.p99_ns,
    parts: parts.map(({ state, share, ns }) => ({ state, share, ns })),
    change: grew ? { state: "queue", factor: 9, since_us: since } : null,
  };
}

/** As the viewer has them: six bands in each decade from 100 µs on, the last one without an end. */
const EDGES_NS = [0, ...[5, 6, 7, 8, 9, 10].flatMap((decade) => [1, 1.5, 2, 3, 5, 7].map((mark) => Math.round(mark * 10 ** decade))), 1e11];

export function heatmap(requests: Request[], fromUs: number, untilUs: number, steps: number): Heatmap {
  const step = Math.ceil((untilUs - fromUs) / steps);
  const cells = new Map<string, [number, number, number, number]>();
  for (const request of requests) {
    const column = Math.min(steps - 1, Math.floor((request.start_us - fromUs) / step));
    const bucket = EDGES_NS.findLastIndex((edge) => edge <= request.duration_ns);
    const cell = cells.get(`${column} ${bucket}`) ?? [column, bucket, 0, 0];
    cell[2] += 1;
    cell[3] += request.error ? 1 : 0;
    cells.set(`${column} ${bucket}`, cell);
  }
  return { from_us: fromUs, step_us: step, edges_ns: EDGES_NS, cells: [...cells.values()] };
}

/** The same steps as the heat map's, with exact percentiles. */
export function routeSeries(requests: Request[], fromUs: number, untilUs: number, steps: number): RouteSeries {
  const step_us = Math.ceil((untilUs - fromUs) / steps);
  const groups = groupBy(requests, ({ start_us }) => String(Math.min(steps - 1, Math.floor((start_us - fromUs) / step_us))));
  const series = [...groups].map(([step, group]): RouteSeries["series"][number] => {
    const { count, errors, p50_ns, p95_ns, p99_ns } = periodOf(group, 1);
    return [Number(step), count, errors, p50_ns, p95_ns, p99_ns];
  });
  return { from_us: fromUs, step_us, series };
}

/** Who calls whom: how many calls for each request of the called, and which share of them fails. */
const CALLS: readonly [from: string, to: string, share: number, failing: number][] = [
  ["storefront", "gateway", 1, 0.002],
  ["gateway", "catalog", 0.55, 0],
  ["gateway", "search", 1, 0],
  ["gateway", "checkout", 0.9, 0.03],
  ["checkout", "payments", 1, 0.06],
  ["checkout", "catalog", 0.3, 0],
  ["search", "catalog", 0.15, 0],
];

export function serviceMap(requests: Request[], since: number, until: number): ServiceMap {
  const seconds = Math.max(1, (until - since) / 1e6);
  const groups = groupBy(requests, (request) => request.service);
  const nodes = [...groups].map(([service, group]) => ({
    service,
    requests: group.length,
    rate: group.length / seconds,
    errors: group.filter((request) => request.error).length,
    ...latencies(group),
  }));
  const edges = CALLS.flatMap(([from, to, share, failing]) => {
    const group = groups.get(to);
    if (!group) return [];
    const calls = Math.ceil(group.length * share);
    return [{ from, to, calls, rate: calls / seconds, errors: Math.round(calls * failing), ...latencies(group) }];
  });
  const silent = { service: "storefront", requests: 0, rate: 0, errors: 0, p50_ns: null, p95_ns: null, p99_ns: null };
  return { since_us: since, until_us: until, nodes: edges.length ? [...nodes, silent] : [], edges };
}

function latencies(group: Request[]): { p50_ns: number; p95_ns: number; p99_ns: number } {
  const { p50_ns, p95_ns, p99_ns } = periodOf(group, 1);
  return { p50_ns, p95_ns, p99_ns };
}

