/** A bar in the six state colours: where a request's time went. Hovering tells the numbers. */

import type { States } from "../contract.ts";
import { stateShares, statesInWords } from "../states.ts";
import { formatDuration } from "../units.ts";
import { hideTooltip, showTooltip } from "./Tooltip.tsx";
import { StateTable } from "./StateTable.tsx";

interface StateBarProps {
  /** Null where the server does not tell its states: one plain bar. */
  states: States | null;
  totalNs: number;
  /** Length of the bar as a share of its place, 0 to 1. */
  length?: number;
  size?: "thin" | "thick";
}

export function StateBar({ states, totalNs, length = 1, size = "thin" }: StateBarProps) {
  const name = states ? statesInWords(states) : "no states: this server does not tell them";
  return (
    <span
      class={`state-bar ${size}`}
      role="img"
      aria-label={`${formatDuration(totalNs)}: ${name}`}
      style={{ width: `${Math.max(0.2, length * 100)}%` }}
      onPointerEnter={(event) => showTooltip(event.currentTarget, <StateTable states={states} totalNs={totalNs} />)}
      onPointerLeave={hideTooltip}
    >
      {states ? (
        stateShares(states).map(({ state, share }) => (
          <span key={state} class={`segment state-${state}`} style={{ flexGrow: share }} />
        ))
      ) : (
        <span class="segment state-none" style={{ flexGrow: 1 }} />
      )}
    </span>
  );
}
