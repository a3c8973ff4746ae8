/** The six states and their colours. */

import { STATE_LOOKS, STATES } from "../states.ts";

export function Legend() {
  return (
    <ul class="legend" aria-label="Colours of the states">
      {STATES.map((state) => (
        <li key={state} title={STATE_LOOKS[state].meaning}>
          <span class={`swatch state-${state}`} />
          {state}
        </li>
      ))}
    </ul>
  );
}
