/** How large the window is, for what is open by default and where it stands. */

import { useEffect, useState } from "preact/hooks";

export interface Room {
  width: number;
  height: number;
}

const now = (): Room => ({ width: window.innerWidth, height: window.innerHeight });

export function useRoom(): Room {
  const [room, setRoom] = useState(now);
  useEffect(() => {
    const resized = (): void => setRoom(now());
    window.addEventListener("resize", resized);
    return () => window.removeEventListener("resize", resized);
  }, []);
  return room;
}
