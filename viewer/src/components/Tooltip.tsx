/** One tooltip for the whole page: thousands of bars share it. Shown while the pointer rests on its anchor. */

import { signal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { useLayoutEffect, useRef } from "preact/hooks";

const DELAY_MS = 120;
const MARGIN = 8;

const shown = signal<{ anchor: Element; content: ComponentChildren } | null>(null);
let waiting = 0;

export function showTooltip(anchor: Element, content: ComponentChildren): void {
  window.clearTimeout(waiting);
  waiting = window.setTimeout(() => {
    if (anchor.isConnected) shown.value = { anchor, content };
  }, DELAY_MS);
}

export function hideTooltip(): void {
  window.clearTimeout(waiting);
  shown.value = null;
}

/** Once, in the shell. */
export function TooltipHost() {
  const box = useRef<HTMLDivElement>(null);
  const current = shown.value;
  useLayoutEffect(() => {
    if (!current || !box.current) return;
    const { left, top } = placeAt(current.anchor.getBoundingClientRect(), box.current.getBoundingClientRect());
    box.current.style.translate = `${left}px ${top}px`;
    window.addEventListener("scroll", hideTooltip, { capture: true, once: true });
    return () => window.removeEventListener("scroll", hideTooltip, { capture: true });
  }, [current]);
  if (!current) return null;
  return (
    <div ref={box} class="tooltip" role="tooltip">
      {current.content}
    </div>
  );
}

/** Below the anchor where there is room, else above; never outside the window. */
function placeAt(anchor: DOMRect, box: DOMRect): { left: number; top: number } {
  const below = anchor.bottom + MARGIN;
  const fits = below + box.height + MARGIN <= window.innerHeight;
  const left = Math.min(anchor.left, window.innerWidth - box.width - MARGIN);
  return { left: Math.max(MARGIN, left), top: fits ? below : Math.max(MARGIN, anchor.top - MARGIN - box.height) };
}
