/** Floats over data that could not be asked for again: why, since when it stands, and a way to try again. */

import type { ApiError } from "../api.ts";
import { formatTime } from "../units.ts";
import { Icon } from "./Icon.tsx";

interface StaleProps {
  error: ApiError | null;
  /** When the data that is shown came, Unix microseconds. */
  loadedUs: number;
  retry: () => void;
}

export function Stale({ error, loadedUs, retry }: StaleProps) {
  return (
    <div class="stale" role="status">
      {error && (
        <p class="pill bad">
          <Icon name="warning" size={14} />
          <span>
            {error.isUnreachable ? "The viewer does not answer" : error.message}; this is from {formatTime(loadedUs).slice(0, 8)}.
          </span>
          <button type="button" onClick={retry}>
            Try again
          </button>
        </p>
      )}
    </div>
  );
}
