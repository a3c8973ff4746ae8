/** Running requests grow older between two reports of their server. */

import type { RunningRequest } from "../contract.ts";

export type AgedRequest = RunningRequest;

/** Servers report so often, milliseconds. */
export const REPORT_MS = 1000;

/** A report later than this is missing: its server is silent, or gone. */
export const SILENT_MS = 2 * REPORT_MS;

/**
 * Requests as they are some time after they were reported, the oldest first.
 *
 * One that has been running for longer than reports are apart goes on for now: what passed is added to its age and to
 * the state it was in. A younger one has most likely ended since, so it is shown as it was reported. After the time of
 * the next report nobody grows older: nothing is known any more.
 */
export function aged(requests: readonly RunningRequest[], sinceMs: number): AgedRequest[] {
  const passed = Math.round(Math.min(sinceMs, SILENT_MS) * 1e6);
  return requests
    .map((request) => {
      const { state, states } = request;
      const ns = request.age_ns >= REPORT_MS * 1e6 ? passed : 0;
      return {
        ...request,
        age_ns: request.age_ns + ns,
        state_ns: request.state_ns + ns,
        states: state && states ? { ...states, [state]: states[state] + ns } : states,
      };
    })
    .sort((one, other) => other.age_ns - one.age_ns);
}
