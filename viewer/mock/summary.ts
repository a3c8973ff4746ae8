/** Numbers over many requests of the mock: routes, verdicts, heat map, service map. */

import type { Heatmap, Period, Request, RouteComparison, RouteRow, ServiceMap, States, Verdict } from "../src/contract.ts";
import { stateShares } from "../src/states.ts";
import { formatDuration, formatPercent } from "../src/units.ts";
import { ROUTES } from "./traffic.ts";

type Percentile = "p50" | "p95" | "p99";
const RANKS: Record<Percentile, number> = { p50: 0.5, p95: 0.95, p99: 0.99 };

export function routeRows(requests: Request[], spanS: number): RouteRow[] {
  const rows = [...groups(requests).values()].map((group): RouteRow => {
    const first = group[0] as Request;
    const period = periodOf(group);
    const errors = group.filter((request) => request.error).length;
    return {
      service: first.service,
      method: first.method,
      route: first.route,
      ...period,
      rate: group.length / spanS,
      errors,
      verdict: verdictOf(period, first.route === "/cart/{user}"),
    };
  });
  return rows.sort((one, other) => other.p99_ns - one.p99_ns);
}

export function comparisons(now: Request[], base: Request[]): RouteComparison[] {
  const before = groups(base);
  return [...groups(now)].map(([key, group]): RouteComparison => {
    const first = group[0] as Request;
    const period = periodOf(group);
    const old = before.get(key);
    const baseline = old ? periodOf(old) : null;
    return {
      service: first.service,
      method: first.method,
      route: first.route,
      now: period,
      base: baseline,
      change: baseline && {
        p50: period.p50_ns / baseline.p50_ns,
        p95: period.p95_ns / baseline.p95_ns,
        p99: period.p99_ns / baseline.p99_ns,
      },
    };
  });
}

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

function periodOf(group: Request[]): Period {
  const sorted = [...group].sort((one, other) => one.duration_ns - other.duration_ns);
  const at = (rank: Percentile) => sorted[Math.min(sorted.length - 1, Math.ceil(RANKS[rank] * sorted.length) - 1)] as Request;
  const states = sorted.every((request) => request.states !== null)
    ? { p50: at("p50").states as States, p95: at("p95").states as States, p99: at("p99").states as States }
    : null;
  return {
    count: group.length,
    p50_ns: at("p50").duration_ns,
    p95_ns: at("p95").duration_ns,
    p99_ns: at("p99").duration_ns,
    error_rate: group.filter((request) => request.error).length / group.length,
    states,
  };
}

function verdictOf(period: Period, grew: boolean): Verdict | null {
  if (!period.states) return null;
  const parts = stateShares(period.states.p99).sort((one, other) => other.ns - one.ns).slice(0, 2);
  const words = parts.map(({ state, share }) => `${state} ${formatPercent(Math.round(share * 100) / 100)}`).join(", ");
  const since = (Date.now() - 25 * 60_000) * 1000;
  return {
    text: `p99 is ${formatDuration(period.p99_ns)}: ${words}${grew ? "; queue grew 9x since 25 minutes ago" : ""}`,
    percentile: "p99",
    total_ns: period.p99_ns,
    parts: parts.map(({ state, share, ns }) => ({ state, share, ns })),
    change: grew ? { state: "queue", factor: 9, since_us: since } : null,
  };
}

/** Buckets of a fifth of a decade, from 100 µs up to 10 s. */
export function heatmap(requests: Request[], fromUs: number, untilUs: number, steps: number): Heatmap {
  const edges = Array.from({ length: 26 }, (_, index) => Math.round(1e5 * 10 ** (index / 5)));
  const step = Math.ceil((untilUs - fromUs) / steps);
  const cells = new Map<string, [number, number, number, number]>();
  for (const request of requests) {
    const column = Math.min(steps - 1, Math.floor((request.start_us - fromUs) / step));
    const above = edges.findIndex((edge) => edge > request.duration_ns);
    const bucket = above < 0 ? edges.length - 2 : Math.max(0, above - 1);
    const cell = cells.get(`${column} ${bucket}`) ?? [column, bucket, 0, 0];
    cell[2] += 1;
    cell[3] += request.error ? 1 : 0;
    cells.set(`${column} ${bucket}`, cell);
  }
  return { from_us: fromUs, step_us: step, edges_ns: edges, cells: [...cells.values()] };
}

export function serviceMap(requests: Request[], spanS: number): ServiceMap {
  const byService = groupBy(requests, (request) => request.service);
  const nodes = [...byService].map(([service, group]) => ({
    service,
    requests: group.length,
    rate: group.length / spanS,
    errors: group.filter((request) => request.error).length,
    ...latencies(group),
  }));
  const edges = ROUTES.flatMap((route) =>
    (route.calls ?? []).map((to) => {
      const group = requests.filter((request) => request.service === route.service && request.route === route.route);
      return { from: route.service, to, calls: group.length, rate: group.length / spanS, errors: to === "payments" ? Math.round(group.length * 0.05) : 0, ...latencies(group) };
    }),
  ).filter((edge) => edge.calls > 0);
  return { nodes, edges };
}

function latencies(group: Request[]): { p50_ns: number; p95_ns: number; p99_ns: number } {
  const { p50_ns, p95_ns, p99_ns } = periodOf(group);
  return { p50_ns, p95_ns, p99_ns };
}

