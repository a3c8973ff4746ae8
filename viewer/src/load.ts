/** Data of one API address in a component: loaded when its key changes, again every so often, and dropped when left. */

import { useCallback, useEffect, useRef, useState } from "preact/hooks";
import { ApiError } from "./api.ts";

export interface Loaded<Body> {
  /** The newest answer; kept while a newer one is on its way, and when that fails. */
  data: Body | null;
  /** When it came, Unix microseconds. */
  loadedUs: number;
  error: ApiError | null;
  isLoading: boolean;
  /** Asks again now. */
  reload: () => void;
}

interface Answer<Body> {
  key: string;
  data: Body | null;
  loadedUs: number;
  error: ApiError | null;
}

/**
 * @param key - what is asked, as text: another key asks again and forgets an answer to another question
 * @param ask - the request; it must end when the signal says so
 * @param everyMs - asks again after so many milliseconds while the page is visible; 0 never does
 */
export function useLoad<Body>(key: string, ask: (signal: AbortSignal) => Promise<Body>, everyMs = 0): Loaded<Body> {
  const [answer, setAnswer] = useState<Answer<Body> | null>(null);
  const [turn, setTurn] = useState(0);
  const newest = useRef(ask);
  newest.current = ask;
  useEffect(() => {
    const abort = new AbortController();
    let timer = 0;
    const load = async (): Promise<void> => {
      const outcome = await outcomeOf(newest.current(abort.signal));
      if (abort.signal.aborted) return;
      setAnswer((old) => {
        const kept = outcome.data === null && old?.key === key ? old : { data: outcome.data, loadedUs: Date.now() * 1000 };
        return { key, error: outcome.error, data: kept.data, loadedUs: kept.loadedUs };
      });
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
  const { data, loadedUs, error } = current ?? { data: null, loadedUs: 0, error: null };
  return { data, loadedUs, error, isLoading: current === null, reload };
}

async function outcomeOf<Body>(promise: Promise<Body>): Promise<{ data: Body | null; error: ApiError | null }> {
  try {
    return { data: await promise, error: null };
  } catch (error) {
    return { data: null, error: error instanceof ApiError ? error : new ApiError(0, String(error)) };
  }
}
