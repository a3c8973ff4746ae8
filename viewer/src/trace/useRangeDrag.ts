/** Dragging over a strip of time marks a part of it: on the overview and on the ruler. */

import { useRef, useState } from "preact/hooks";
import type { Range } from "./range.ts";

/** Less than this is a click. */
const LEAST_PX = 4;

interface RangeDrag {
  /** What is marked while the pointer is down. */
  marked: Range | null;
  onPointerDown: (event: PointerEvent) => void;
  onPointerMove: (event: PointerEvent) => void;
  onPointerUp: (event: PointerEvent) => void;
}

/**
 * @param range - the time that the strip shows
 * @param onMarked - called with what was marked
 * @param onClicked - called with the time of a click
 */
export function useRangeDrag(range: Range, onMarked: (range: Range) => void, onClicked?: (ns: number) => void): RangeDrag {
  const start = useRef<{ x: number; ns: number } | null>(null);
  const [marked, setMarked] = useState<Range | null>(null);
  const timeAt = (event: PointerEvent): number => {
    const box = (event.currentTarget as Element).getBoundingClientRect();
    const share = Math.min(1, Math.max(0, (event.clientX - box.left) / box.width));
    return range.from + share * (range.to - range.from);
  };
  const ordered = (one: number, other: number): Range => ({ from: Math.min(one, other), to: Math.max(one, other) });
  return {
    marked,
    onPointerDown: (event) => {
      if (event.button !== 0) return;
      (event.currentTarget as Element).setPointerCapture(event.pointerId);
      start.current = { x: event.clientX, ns: timeAt(event) };
    },
    onPointerMove: (event) => {
      const from = start.current;
      if (from && Math.abs(event.clientX - from.x) >= LEAST_PX) setMarked(ordered(from.ns, timeAt(event)));
    },
    onPointerUp: (event) => {
      const from = start.current;
      start.current = null;
      setMarked(null);
      if (!from) return;
      if (Math.abs(event.clientX - from.x) >= LEAST_PX) onMarked(ordered(from.ns, timeAt(event)));
      else onClicked?.(from.ns);
    },
  };
}
