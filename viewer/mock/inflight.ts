/** Requests that run now, on three servers of the mock; they age with the clock. */

import { STATES } from "../src/states.ts";
import type { Inflight, RunningRequest, State } from "../src/contract.ts";
import { Random } from "./random.ts";
import { ROUTES, splitStates, type RouteShape } from "./traffic.ts";

const SERVERS = [
  { instance: "catalog-1", service: "catalog", pid: 4107, running: 7 },
  { instance: "checkout-1", service: "checkout", pid: 4112, running: 3 },
  { instance: "gateway-1", service: "gateway", pid: 4101, running: 4 },
] as const;

/** Each request lives for a while and is then replaced: its age is the clock's phase. */
export function inflightNow(nowMs = Date.now()): Inflight {
  return {
    servers: SERVERS.map(({ instance, service, pid, running }) => ({
      instance,
      service,
      pid,
      at_us: nowMs * 1000,
      requests: Array.from({ length: running }, (_, index) => runningRequest(`${instance}-${index}`, service, index, nowMs)),
    })),
  };
}

function runningRequest(name: string, service: string, index: number, nowMs: number): RunningRequest {
  const lifeMs = 1500 + ((index * 7919) % 23_000);
  const ageMs = nowMs % lifeMs;
  const random = new Random(Math.floor(nowMs / lifeMs) * 31 + index + name.length);
  const shape = random.pick(ROUTES.filter((route) => route.service === service && route.mix));
  const state = random.pick<State>(["await", "await", "run", "read", "write", "schedule"]);
  const age = ageMs * 1e6;
  return {
    id: `${name}-${Math.floor(nowMs / lifeMs)}`,
    method: shape.method,
    route: shape.route,
    path: shape.path(random),
    state,
    state_ns: Math.floor(age * 0.6),
    age_ns: age,
    trace_id: random.hex(32),
    states: splitStates({ ...untilNow(shape, state), [state]: 1.5 }, age, false, random),
    client: `10.4.0.${random.whole(2, 60)}`,
    background: false,
  };
}

/** Shares of the states that a request in this state can have been in. */
function untilNow({ mix }: RouteShape, state: State): RouteShape["mix"] {
  const reached = STATES.indexOf(state === "run" ? "await" : state);
  return Object.fromEntries(STATES.filter((_, index) => index <= reached).map((name) => [name, mix?.[name] ?? 0]));
}
