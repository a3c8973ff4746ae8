/** The six states of a request, in the order of its life. Colours are in `styles/tokens.css` as `--state-<name>`. */

import type { State, States } from "./contract.ts";

export interface StateLook {
  /** What happens to the request in this state. */
  meaning: string;
  /** What is wrong where this state takes most of the time. */
  cause: string;
}

export const STATES: readonly State[] = ["queue", "read", "schedule", "run", "await", "write"];

export const STATE_LOOKS: Record<State, StateLook> = {
  queue: { meaning: "waits in the kernel for the event loop", cause: "a blocked event loop" },
  read: { meaning: "waits for the client to send it", cause: "a slow sender" },
  schedule: { meaning: "waits for its handler to start", cause: "a busy loop or thread pool" },
  run: { meaning: "Python executes the handler", cause: "Python itself" },
  await: { meaning: "the handler waits for a database, a service or a thread", cause: "a database, a service or a thread" },
  write: { meaning: "waits for the client to take the response", cause: "a slow reader" },
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
