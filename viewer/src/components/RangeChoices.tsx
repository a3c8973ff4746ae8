/** Inside of a popover that chooses a period: a list of usual ones, then two instants of one's own. */

import { useState } from "preact/hooks";
import { instantOfInput } from "../timerange.ts";
import { Icon } from "./Icon.tsx";

interface Choice {
  label: string;
  isChosen: boolean;
  choose: () => void;
}

export function ChoiceList({ choices }: { choices: readonly Choice[] }) {
  return (
    <ul class="choices">
      {choices.map(({ label, isChosen, choose }) => (
        <li key={label}>
          <button type="button" aria-pressed={isChosen} onClick={choose}>
            {label}
            {isChosen && <Icon name="check" size={14} />}
          </button>
        </li>
      ))}
    </ul>
  );
}

interface InstantsProps {
  /** Text of the button. */
  action: string;
  /** Without an end, the period goes on to now. */
  needsEnd?: boolean;
  choose: (since: string, until: string | null) => void;
}

export function Instants({ action, needsEnd = false, choose }: InstantsProps) {
  const [from, setFrom] = useState("");
  const [to, setTo] = useState("");
  const [since, until] = [instantOfInput(from), instantOfInput(to)];
  const isComplete = since !== null && (until !== null || !needsEnd);
  return (
    <form
      class="instants"
      onSubmit={(event) => {
        event.preventDefault();
        if (isComplete) choose(since, until);
      }}
    >
      <label>
        From
        <input type="datetime-local" step="1" value={from} onInput={(event) => setFrom(event.currentTarget.value)} />
      </label>
      <label>
        To
        <input type="datetime-local" step="1" value={to} onInput={(event) => setTo(event.currentTarget.value)} />
      </label>
      <button type="submit" class="button" disabled={!isComplete}>
        {action}
      </button>
    </form>
  );
}
