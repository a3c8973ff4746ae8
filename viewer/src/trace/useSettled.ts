/** A value that changes at once when it changes now and then, and only at the end while it changes again and again. */

import { useEffect, useRef, useState } from "preact/hooks";

/** A held key comes more often than this. */
const CALM_MS = 120;

/** @param key - what tells a change from the same value in a new object */
export function useSettled<Value>(value: Value, key: string | null): Value {
  const shown = useRef({ value, key, atMs: -Infinity });
  const [, redraw] = useState(0);
  const now = performance.now();
  const isCalm = now - shown.current.atMs >= CALM_MS;
  const isNew = key !== shown.current.key;
  if (isNew && isCalm) shown.current = { value, key, atMs: now };
  else if (isNew) shown.current.atMs = now;
  else shown.current.value = value;
  useEffect(() => {
    if (key === shown.current.key) return;
    const timer = window.setTimeout(() => redraw((turn) => turn + 1), CALM_MS);
    return () => window.clearTimeout(timer);
  });
  return shown.current.value;
}
