/** Invented requests to a small shop: four services under wirespan and one under another server, whose spans have no states. */

import type { Request, State, States } from "../src/contract.ts";
import { STATES } from "../src/states.ts";
import { Random } from "./random.ts";

export interface RouteShape {
  service: string;
  method: string;
  route: string;
  path: (random: Random) => string;
  /** How often, against the others. */
  weight: number;
  /** Median milliseconds. */
  ms: number;
  /** Median share of each state; null where the server is not wirespan. */
  mix: Partial<States> | null;
  errors?: { share: number; status: number; type: string };
  /** Services that the handler calls. */
  calls?: string[];
}

const number = (random: Random) => String(random.whole(1, 900));

export const ROUTES: readonly RouteShape[] = [
  {
    service: "gateway", method: "GET", route: "/page/{number}", path: (random) => `/page/${number(random)}`,
    weight: 8, ms: 46, mix: { queue: 0.04, read: 0.01, schedule: 0.02, run: 0.1, await: 0.8, write: 0.03 }, calls: ["catalog", "search"],
  },
  {
    service: "catalog", method: "GET", route: "/products/{number}", path: (random) => `/products/${number(random)}`,
    weight: 10, ms: 12, mix: { queue: 0.08, read: 0.02, schedule: 0.04, run: 0.24, await: 0.58, write: 0.04 },
    errors: { share: 0.02, status: 404, type: "" }, calls: ["postgresql"],
  },
  {
    service: "search", method: "GET", route: "/search", path: (random) => `/search?text=${random.pick(["lamp", "chair", "desk", "oak"])}`,
    weight: 6, ms: 85, mix: { queue: 0.02, read: 0.01, schedule: 0.02, run: 0.71, await: 0.21, write: 0.03 }, calls: ["opensearch"],
  },
  {
    service: "checkout", method: "POST", route: "/orders", path: () => "/orders",
    weight: 4, ms: 180, mix: { queue: 0.05, read: 0.06, schedule: 0.04, run: 0.12, await: 0.7, write: 0.03 },
    errors: { share: 0.06, status: 500, type: "PaymentDeclined" }, calls: ["payments", "postgresql"],
  },
  {
    service: "catalog", method: "PUT", route: "/products/{number}/image", path: (random) => `/products/${number(random)}/image`,
    weight: 1.2, ms: 620, mix: { queue: 0.01, read: 0.82, schedule: 0.01, run: 0.05, await: 0.1, write: 0.01 },
  },
  {
    service: "catalog", method: "GET", route: "/export.csv", path: () => "/export.csv",
    weight: 0.8, ms: 940, mix: { queue: 0.01, read: 0, schedule: 0.01, run: 0.16, await: 0.12, write: 0.7 }, calls: ["postgresql"],
  },
  {
    service: "checkout", method: "GET", route: "/cart/{user}", path: (random) => `/cart/u${number(random)}`,
    weight: 5, ms: 24, mix: { queue: 0.42, read: 0.02, schedule: 0.21, run: 0.15, await: 0.16, write: 0.04 },
    errors: { share: 0.01, status: 503, type: "TimeoutError" }, calls: ["redis"],
  },
  {
    service: "payments", method: "POST", route: "/charge", path: () => "/charge",
    weight: 3, ms: 110, mix: null, errors: { share: 0.05, status: 502, type: "BadGateway" },
  },
  {
    service: "gateway", method: "GET", route: "/health", path: () => "/health",
    weight: 3, ms: 0.4, mix: { queue: 0.12, read: 0.06, schedule: 0.1, run: 0.56, await: 0, write: 0.16 },
  },
];

const END_REASONS: readonly [string, number][] = [
  ["client_disconnected", 0.012],
  ["handler_timeout", 0.004],
  ["write_timeout", 0.003],
];

const TOTAL_WEIGHT = ROUTES.reduce((sum, route) => sum + route.weight, 0);

/** One request that finished at `endUs`, Unix microseconds. */
export function makeRequest(seq: number, endUs: number, random: Random): Request {
  const shape = pickRoute(random);
  const isSlow = random.chance(0.02);
  const duration = Math.round(random.latency(shape.ms, 0.45) * 1e6 * (isSlow ? random.between(4, 12) : 1));
  const failed = shape.errors !== undefined && random.chance(shape.errors.share);
  const end = shape.mix ? endReason(failed && shape.errors?.status === 500, random) : null;
  const hasStatus = end === null || end === "completed" || end === "handler_error";
  const status = failed ? shape.errors?.status ?? 500 : shape.method === "POST" ? 201 : 200;
  return {
    seq,
    trace_id: random.hex(32),
    span_id: random.hex(16),
    start_us: Math.round(endUs - duration / 1000),
    duration_ns: duration,
    service: shape.service,
    name: `${shape.method} ${shape.route}`,
    kind: "server",
    method: shape.method,
    route: shape.route,
    path: shape.path(random),
    status: hasStatus ? status : null,
    error: (failed && status >= 500) || !hasStatus,
    error_type: failed && shape.errors?.type ? shape.errors.type : hasStatus ? null : end,
    end_reason: end,
    states: shape.mix && splitStates(shape.mix, duration, isSlow, random),
  };
}

function endReason(raised: boolean, random: Random): string {
  if (raised) return "handler_error";
  let left = random.next();
  for (const [reason, share] of END_REASONS) {
    if (left < share) return reason;
    left -= share;
  }
  return "completed";
}

function pickRoute(random: Random): RouteShape {
  let left = random.between(0, TOTAL_WEIGHT);
  for (const route of ROUTES) {
    left -= route.weight;
    if (left < 0) return route;
  }
  return ROUTES[0] as RouteShape;
}

/** Whole nanoseconds that sum to the duration. A slow request waited in the queue: someone blocked the loop. */
export function splitStates(mix: Partial<States>, total: number, isSlow: boolean, random: Random): States {
  const shares = STATES.map((state) => (mix[state] ?? 0) * random.between(0.6, 1.4) + (isSlow && state === "queue" ? 0.8 : 0));
  const sum = shares.reduce((one, other) => one + other, 0);
  const states = Object.fromEntries(
    STATES.map((state, index) => [state, Math.floor(((shares[index] ?? 0) / sum) * total)]),
  ) as Record<State, number>;
  states.run += total - STATES.reduce((one, state) => one + states[state], 0);
  return states;
}
