/** Width of the name column, as the user left it. */

import { useState } from "preact/hooks";

const KEY = "wirespan.trace.name";
const DEFAULT_PX = 400;
export const NAME_LEAST_PX = 200;
export const NAME_MOST_PX = 900;

export function useNameWidth(): [number, (px: number) => void] {
  const [width, setWidth] = useState(remembered);
  const change = (px: number): void => {
    const next = Math.round(Math.min(NAME_MOST_PX, Math.max(NAME_LEAST_PX, px)));
    setWidth(next);
    try {
      localStorage.setItem(KEY, String(next));
    } catch {
      // Storage is off: the width holds until the page is closed.
    }
  };
  return [width, change];
}

function remembered(): number {
  try {
    const px = Number(localStorage.getItem(KEY));
    if (px >= NAME_LEAST_PX && px <= NAME_MOST_PX) return px;
  } catch {
    // As above.
  }
  return Math.min(DEFAULT_PX, Math.max(NAME_LEAST_PX, window.innerWidth * 0.28));
}
