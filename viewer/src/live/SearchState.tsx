/** Below the list: how far back a search has looked that the viewer answers in parts, and the way to stop it or go on. */

import { formatClock, formatCount, formatTime } from "../units.ts";
import { feed } from "./feed.ts";

export function SearchState({ found }: { found: number }) {
  const search = feed.search.value;
  if (!search) return null;
  const { isStopped, backToUs } = search;
  return (
    <div class="search-state">
      {!isStopped && <span class="busy" aria-hidden="true" />}
      <p role="status">
        {isStopped ? "Search stopped" : "Searching older requests…"}
        {backToUs !== null && <span title={formatTime(backToUs)}> searched back to {formatClock(backToUs)},</span>} {formatCount(found)} found
      </p>
      <button type="button" class="button small" onClick={() => (isStopped ? void feed.loadOlder() : feed.stopSearch())}>
        {isStopped ? "Search on" : "Stop"}
      </button>
    </div>
  );
}
