/** The six states in numbers: colour, name, share and duration. The content of a bar's tooltip. */

import type { States } from "../contract.ts";
import { stateShares, STATE_LOOKS } from "../states.ts";
import { formatDuration, formatPercent } from "../units.ts";

export function StateTable({ states, totalNs, title }: { states: States | null; totalNs: number; title?: string }) {
  return (
    <table class="state-table">
      <caption>{title ?? formatDuration(totalNs)}</caption>
      <tbody>
        {states ? (
          stateShares(states).map(({ state, ns, share }) => (
            <tr key={state}>
              <th scope="row">
                <span class={`swatch state-${state}`} />
                {state}
              </th>
              <td class="number">{formatDuration(ns)}</td>
              <td class="number">{formatPercent(share)}</td>
              <td class="dim">{STATE_LOOKS[state].meaning}</td>
            </tr>
          ))
        ) : (
          <tr>
            <td class="dim">This server does not tell its states; wirespan does.</td>
          </tr>
        )}
      </tbody>
    </table>
  );
}
