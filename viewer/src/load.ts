/** Data of one API address in a component: loaded when its key changes, again every so often, and dropped when left. */

import { useCallback, useEffect, useRef, useState } from "preact/hooks";
import { ApiError } from "./api.ts";

export interface Loaded<Body> {
  /** The newest answer; kept while a newer one is on its way, and when that fails. */
  data: Body | null;
  error: ApiError | null;
  isLoading: boolean;
  /** Asks again now. */
  reload: () => void;
}

/**
 * @param key - what is asked, as text: another key asks again and forgets an answer to another question
 * @param ask - the request; it must end when the signal says so
 * @param everyMs - asks again after so many milliseconds while the page is visible; 0 never does
 */
export function useLoad<Body>(key: string, ask: (signal: AbortSignal) => Promise<Body>, everyMs = 0): Loaded<Body> {
  const [answer, setAnswer] = useState<{ key: string; data: Body | null; error: ApiError | null } | null>(null);
  const [turn, setTurn] = useState(0);
  const newest = useRef(ask);
  newest.current = ask;
  useEffect(() => {
    const abort = new AbortController();
    let timer = 0;
    const load = async (): Promise<void> => {
      const outcome = await outcomeOf(newest.current(abort.signal));
      if (abort.signal.aborted) return;
      setAnswer((old) => ({ key, error: outcome.error, data: outcome.data ?? (old?.key === key ? old.data : null) }));
      if (everyMs) wait();
    };
    const wait = (): void => {
      timer = window.setTimeout(() => {
        if (document.hidden) wait();
        else void load();
      }, everyMs);
    };
    void load();
    return () => {
      abort.abort();
      window.clearTimeout(timer);
    };
  }, [key, everyMs, turn]);
  const reload = useCallback(() => setTurn((old) => old + 1), []);
  const current = answer?.key === key ? answer : null;
  return { data: current?.data ?? null, error: current?.error ?? null, isLoading: current === null, reload };
}

async function outcomeOf<Body>(promise: Promise<Body>): Promise<{ data: Body | null; error: ApiError | null }> {
  try {
    return { data: await promise, error: null };
  } catch (error) {
    return { data: null, error: error instanceof ApiError ? error : new ApiError(0, String(error)) };
  }
}
