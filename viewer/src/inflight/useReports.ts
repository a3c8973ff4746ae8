/** How long ago each server's newest report came, by the clock of this page: servers' own clocks may be wrong. */

import { useEffect, useRef, useState } from "preact/hooks";
import type { RunningServer } from "../contract.ts";

const TICK_MS = 100;

/** Draws the component again ten times a second. @returns milliseconds since a server's newest report */
export function useReports(servers: readonly RunningServer[]): (server: RunningServer) => number {
  const seen = useRef(new Map<string, { atUs: number; seenMs: number }>());
  const [nowMs, setNow] = useState(() => performance.now());
  useEffect(() => {
    const timer = window.setInterval(() => setNow(performance.now()), TICK_MS);
    return () => window.clearInterval(timer);
  }, []);
  const before = seen.current;
  seen.current = new Map(servers.map(({ instance, at_us }) => {
    const known = before.get(instance);
    return [instance, known?.atUs === at_us ? known : { atUs: at_us, seenMs: performance.now() }];
  }));
  return ({ instance }) => Math.max(0, nowMs - (seen.current.get(instance)?.seenMs ?? nowMs));
}
