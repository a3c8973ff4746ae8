/**
 * A list of rows of one height of which only the visible ones exist. Scrolling stays smooth with any number of rows.
 * It is a grid for assistive technology: rows say their place among all.
 */

import type { ComponentChildren, TargetedEvent } from "preact";
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";

interface VirtualListProps {
  /** Name of the list for assistive technology. */
  label: string;
  count: number;
  rowHeight: number;
  row: (index: number) => ComponentChildren;
  /** Scrolled into view when it changes. */
  selected?: number | null;
  /** Id of the selected row's element, for assistive technology. */
  selectedId?: string | undefined;
  /** A row that stays above the others. */
  head?: ComponentChildren;
  class?: string;
  /** Called with the offset in pixels as the user scrolls. */
  onScrolled?: (top: number) => void;
  /** The scrolled box, for callers that move it themselves. */
  boxRef?: { current: HTMLDivElement | null };
}

/** Rows rendered beyond each edge, so that fast scrolling shows no gaps. */
const OVERSCAN = 12;

export function VirtualList(props: VirtualListProps) {
  const { label, count, rowHeight, row, selected = null, head, onScrolled } = props;
  const own = useRef<HTMLDivElement>(null);
  const box = props.boxRef ?? own;
  const headBox = useRef<HTMLDivElement>(null);
  const [view, setView] = useState({ top: 0, height: 800 });
  useEffect(() => watchHeight(box.current, (height) => setView((old) => ({ ...old, height }))), []);
  useLayoutEffect(() => {
    if (selected !== null && box.current) reveal(box.current, selected, rowHeight, headBox.current?.offsetHeight ?? 0);
  }, [selected]);
  const first = Math.max(0, Math.floor(view.top / rowHeight) - OVERSCAN);
  const last = Math.min(count, Math.ceil((view.top + view.height) / rowHeight) + OVERSCAN);
  const scrolled = (event: TargetedEvent<HTMLDivElement>): void => {
    const top = event.currentTarget.scrollTop;
    setView((old) => (Math.floor(old.top / rowHeight) === Math.floor(top / rowHeight) ? old : { ...old, top }));
    onScrolled?.(top);
  };
  return (
    <div ref={box} class={`virtual-list ${props.class ?? ""}`} role="grid" aria-label={label} aria-rowcount={count} aria-activedescendant={props.selectedId} tabIndex={0} onScroll={scrolled}>
      {head && (
        <div ref={headBox} class="virtual-head" role="rowgroup">
          {head}
        </div>
      )}
      <div class="virtual-rows" role="rowgroup" style={{ height: `${count * rowHeight}px` }}>
        <div class="virtual-window" role="presentation" style={{ transform: `translateY(${first * rowHeight}px)` }}>
          {Array.from({ length: Math.max(0, last - first) }, (_, index) => row(first + index))}
        </div>
      </div>
    </div>
  );
}

function watchHeight(box: HTMLDivElement | null, tell: (height: number) => void): (() => void) | undefined {
  if (!box) return undefined;
  const observer = new ResizeObserver(() => tell(box.clientHeight));
  observer.observe(box);
  return () => observer.disconnect();
}

/** Scrolls as little as brings the row into view. */
function reveal(box: HTMLDivElement, index: number, rowHeight: number, headHeight: number): void {
  const top = index * rowHeight;
  const room = box.clientHeight - headHeight;
  if (top < box.scrollTop) box.scrollTop = top;
  else if (top + rowHeight > box.scrollTop + room) box.scrollTop = top + rowHeight - room;
}
