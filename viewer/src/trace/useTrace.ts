/** The trace of the page, asked again while it is young: spans of other services come late. */

import { useEffect, useRef, useState } from "preact/hooks";
import { api, type ApiError, type Trace } from "../api.ts";
import { useLoad } from "../load.ts";

/** Exporters send every few seconds; what comes later than this is rare. */
const YOUNG_MS = 45_000;
/** How long an unknown trace is waited for: a link may be faster than the exporter. */
const UNKNOWN_MS = 20_000;
const EVERY_MS = 2_000;
/** A large trace is asked for less often: each answer is some megabytes. */
const LARGE_SPANS = 2_000;
const LARGE_EVERY_MS = 10_000;

export interface WatchedTrace {
  trace: Trace | null;
  error: ApiError | null;
  /** Whether late spans are still waited for. */
  isWatching: boolean;
  reload: () => void;
}

export function useTrace(traceId: string): WatchedTrace {
  const opened = useRef({ traceId, atMs: Date.now() });
  if (opened.current.traceId !== traceId) opened.current = { traceId, atMs: Date.now() };
  const newest = useRef<Trace | null>(null);
  const [everyMs, setEvery] = useState(EVERY_MS);
  const { data, error, reload } = useLoad(traceId, async (signal) => {
    const trace = await api.trace(traceId, signal);
    if (!newest.current || hasChanged(newest.current, trace)) newest.current = trace;
    return newest.current;
  }, everyMs);
  const isRefused = error !== null && error.status >= 400 && error.status < 500 && error.status !== 404;
  // A viewer that starts, is full or is gone may be back at any time.
  const isDown = error !== null && data === null && !isRefused && error.status !== 404;
  useEffect(() => {
    if (isDown) {
      setEvery(EVERY_MS);
      return undefined;
    }
    const left = isRefused ? 0 : watchedUntil(data, opened.current.atMs) - Date.now();
    setEvery(left > 0 ? pace(data) : 0);
    const timer = window.setTimeout(() => setEvery(0), Math.max(0, left));
    return () => window.clearTimeout(timer);
  }, [traceId, data, isRefused, isDown]);
  return { trace: data, error, isWatching: everyMs > 0, reload };
}

const pace = (trace: Trace | null): number => (trace && trace.spans.length > LARGE_SPANS ? LARGE_EVERY_MS : EVERY_MS);

function watchedUntil(trace: Trace | null, openedMs: number): number {
  if (!trace) return openedMs + UNKNOWN_MS;
  return (trace.start_us + trace.duration_ns / 1000) / 1000 + YOUNG_MS;
}

/** Spans and logs are only ever added, so their numbers tell. */
function hasChanged(old: Trace, next: Trace): boolean {
  return (
    old.trace_id !== next.trace_id ||
    old.spans.length !== next.spans.length ||
    old.logs.length !== next.logs.length ||
    old.duration_ns !== next.duration_ns
  );
}
