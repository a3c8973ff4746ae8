/** A line under the pointer, through all rows, that tells the time there. Moved without rendering: it follows each move. */

import type { RefObject } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { formatDuration } from "../units.ts";
import type { Range } from "./range.ts";

export function TimeCursor({ box, range }: { box: RefObject<HTMLDivElement | null>; range: Range }) {
  const line = useRef<HTMLDivElement>(null);
  const shown = useRef(range);
  shown.current = range;
  useEffect(() => {
    const area = box.current;
    const moved = (event: PointerEvent): void => place(line.current, area, shown.current, event.clientX);
    const left = (): void => hide(line.current);
    area?.addEventListener("pointermove", moved);
    area?.addEventListener("pointerleave", left);
    return () => {
      area?.removeEventListener("pointermove", moved);
      area?.removeEventListener("pointerleave", left);
    };
  }, []);
  return (
    <div ref={line} class="time-cursor" aria-hidden="true">
      <span />
    </div>
  );
}

function place(line: HTMLDivElement | null, area: HTMLDivElement | null, range: Range, x: number): void {
  const strip = area?.querySelector(".ruler-strip")?.getBoundingClientRect();
  const label = line?.firstElementChild;
  if (!line || !area || !strip || !label) return;
  const share = (x - strip.left) / strip.width;
  if (share < 0 || share > 1) {
    hide(line);
    return;
  }
  line.style.opacity = "1";
  line.style.translate = `${x - area.getBoundingClientRect().left}px 0`;
  line.classList.toggle("right", share > 0.85);
  label.textContent = formatDuration(range.from + share * (range.to - range.from));
}

function hide(line: HTMLDivElement | null): void {
  if (line) line.style.opacity = "0";
}
