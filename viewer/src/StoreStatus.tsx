/** What is stored and how fast more comes in; that nothing can be stored; or that the viewer is gone. */

import { isReachable, status } from "./status.ts";
import { formatBytes, formatCount, formatRate } from "./units.ts";

export function StoreStatus() {
  const facts = status.value;
  const problem = isReachable.value ? facts?.problem : "viewer not reachable";
  return (
    <div class="store-status">
      <p role="status" class={`store-state ${problem ? "bad" : "good"}`}>
        <span class="dot" />
        <span class="label">{problem ?? "connected"}</span>
      </p>
      {facts && isReachable.value && (
        <dl>
          <div>
            <dt>spans</dt>
            <dd>{formatCount(facts.spans)}</dd>
          </div>
          <div>
            <dt>rate</dt>
            <dd>{formatRate(facts.rate)}</dd>
          </div>
          <div>
            <dt>stored</dt>
            <dd>{formatBytes(facts.bytes)}</dd>
          </div>
        </dl>
      )}
    </div>
  );
}
