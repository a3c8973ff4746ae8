/** The verdict on a route in words and numbers: `p99 is 840 ms: await 71%, queue 22%; queue grew 9x since 14:05`. */

import type { RouteComparison, State, Verdict } from "../contract.ts";
import { Icon } from "../components/Icon.tsx";
import { STATE_LOOKS } from "../states.ts";
import { formatClock, formatDuration, formatFactor, formatPercent } from "../units.ts";
import { comparisonWords } from "./change.ts";

export function VerdictLine({ verdict }: { verdict: Verdict | null }) {
  if (!verdict) return null;
  const { parts, percentile, total_ns, change } = verdict;
  return (
    <p class="verdict">
      <span class="verdict-total">
        {percentile} is <b>{formatDuration(total_ns)}</b>
      </span>
      {parts.map(({ state, share, ns }) => (
        <span key={state} class="verdict-part" title={`${formatDuration(ns)} ${state}: ${STATE_LOOKS[state].meaning}`}>
          <StateName state={state} /> {formatPercent(Math.round(share * 100) / 100)}
        </span>
      ))}
      {parts.length === 0 && <span class="dim">its server does not tell states</span>}
      {change && <ChangeNote change={change} />}
    </p>
  );
}

function ChangeNote({ change: { state, factor, since_us } }: { change: NonNullable<Verdict["change"]> }) {
  const grew = factor > 1;
  return (
    <span class={`change ${grew ? "worse" : "better"}`}>
      <Icon name={grew ? "up" : "down"} size={12} />
      {state ?? "it"} {grew ? "grew" : "fell"} {formatFactor(grew ? factor : 1 / factor)} since {formatClock(since_us)}
    </span>
  );
}

function StateName({ state }: { state: State }) {
  return (
    <>
      <span class={`swatch state-${state}`} />
      {state}
    </>
  );
}

/** Two periods of a route in a sentence, and the state that made the difference. */
export function ComparisonLine({ row }: { row: RouteComparison }) {
  const { text, tone, moved } = comparisonWords(row);
  return (
    <p class="verdict">
      <span class={`change ${tone}`}>
        {tone !== "same" && <Icon name={tone === "worse" ? "up" : "down"} size={12} />}
        {text}
      </span>
      {moved && (
        <span class="verdict-part">
          <StateName state={moved.state} /> {moved.byNs < 0 ? "−" : "+"}
          {formatDuration(Math.abs(moved.byNs))}
        </span>
      )}
    </p>
  );
}
