/** Running requests grow older between two reports of their server. */

import type { RunningRequest } from "../contract.ts";

export type AgedRequest = RunningRequest;

/**
 * Requests as they are some time after they were reported, the oldest first.
 *
 * What passed is added to the age and to the state they were in: until the next report that is the best guess.
 */
export function aged(requests: readonly RunningRequest[], sinceMs: number): AgedRequest[] {
  const ns = Math.round(sinceMs * 1e6);
  return requests
    .map((request) => {
      const { state, states } = request;
      return {
        ...request,
        age_ns: request.age_ns + ns,
        state_ns: request.state_ns + ns,
        states: state && states ? { ...states, [state]: states[state] + ns } : states,
      };
    })
    .sort((one, other) => other.age_ns - one.age_ns);
}
