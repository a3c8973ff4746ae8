/**
 * The page's place, kept here and written to the URL a moment later: browsers refuse more than some hundred changes of
 * the URL in ten seconds, and a held key makes more.
 */

import { useEffect, useRef, useState } from "preact/hooks";
import { query, setQuery } from "../router.ts";
import { readPlace, writePlace, type TracePlace } from "./place.ts";

const WRITE_AFTER_MS = 150;

export type ChangePlace = (change: Partial<TracePlace>) => void;

export function usePlace(): [TracePlace, ChangePlace] {
  const [place, setPlace] = useState(() => readPlace(query.peek()));
  const newest = useRef(place);
  const timer = useRef(0);
  const change: ChangePlace = (part) => {
    newest.current = { ...newest.current, ...part };
    setPlace(newest.current);
    window.clearTimeout(timer.current);
    timer.current = window.setTimeout(() => {
      timer.current = 0;
      setQuery(writePlace(query.peek(), newest.current), true);
    }, WRITE_AFTER_MS);
  };
  const search = query.value;
  useEffect(() => {
    // Someone else changed the URL: back, forward, or a link within this trace.
    if (timer.current || writePlace(search, newest.current).toString() === search.toString()) return;
    newest.current = readPlace(search);
    setPlace(newest.current);
  }, [search]);
  useEffect(() => () => window.clearTimeout(timer.current), []);
  return [place, change];
}
