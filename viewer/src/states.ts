/** The six states of a request, in the order of its life. Colours are in `styles/tokens.css` as `--state-<name>`. */

import type { State, States } from "./contract.ts";

export interface StateLook {
  /** What the request is waiting for. */
  meaning: string;
  /** What is wrong where this state takes most of the time. */
  cause: string;
}

export const STATES: readonly State[] = ["queue", "read", "schedule", "run", "await", "write"];

export const STATE_LOOKS: Record<State, StateLook> = {
  queue: { meaning: "in the kernel, for the event loop to read it", cause: "a blocked event loop" },
  read: { meaning: "for the client to send the head or body", cause: "a slow sender" },
  schedule: { meaning: "for the first step of its handler", cause: "a busy loop or thread pool" },
  run: { meaning: "for nothing: Python executes the handler", cause: "Python itself" },
  await: { meaning: "for what the handler awaits: a database, another service", cause: "a database or service" },
  write: { meaning: "for the client to take the response", cause: "a slow reader" },
};

/** Nanoseconds of all states together. */
export function statesTotal(states: States): number {
  return STATES.reduce((sum, state) => sum + states[state], 0);
}

/** States that took time, in order, with their share of the whole, 0 to 1. */
export function stateShares(states: States): { state: State; ns: number; share: number }[] {
  const total = statesTotal(states);
  return STATES.filter((state) => states[state] > 0).map((state) => ({
    state,
    ns: states[state],
    share: states[state] / total,
  }));
}

/** `await 71%, queue 22%`: the states in words, longest first. For accessible names. */
export function statesInWords(states: States): string {
  return stateShares(states)
    .sort((one, other) => other.ns - one.ns)
    .map(({ state, share }) => `${state} ${Math.max(1, Math.round(share * 100))}%`)
    .join(", ");
}
