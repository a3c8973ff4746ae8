/** Chooses the period that the page's time range is compared with. */

import { useState } from "preact/hooks";
import { Icon } from "../components/Icon.tsx";
import { Popover } from "../components/Popover.tsx";
import { query, setQuery } from "../router.ts";
import { describeRange, instantOfInput } from "../timerange.ts";
import { comparisonOf, COMPARISONS, withComparison, type Base, type Comparison } from "./period.ts";

export function ComparePicker() {
  const comparison = comparisonOf(query.value);
  return (
    <Popover label="Compare with" text={textOf(comparison)}>
      {(close) => (
        <Choices
          chosen={comparison}
          choose={(next, base) => {
            setQuery(withComparison(query.peek(), next, base));
            close();
          }}
        />
      )}
    </Popover>
  );
}

function textOf(comparison: Comparison): string {
  if (comparison === "off") return "Compare";
  const known = COMPARISONS.find(({ name }) => name === comparison);
  return `against ${known?.short ?? describeRange({ since: query.value.get("base_since"), until: query.value.get("base_until") })}`;
}

interface ChoicesProps {
  chosen: Comparison;
  choose: (comparison: Comparison, base?: Base) => void;
}

function Choices({ chosen, choose }: ChoicesProps) {
  const [from, setFrom] = useState("");
  const [to, setTo] = useState("");
  const [base_since, base_until] = [instantOfInput(from), instantOfInput(to)];
  return (
    <>
      <ul class="choices">
        {COMPARISONS.map(({ name, label }) => (
          <li key={name}>
            <button type="button" aria-pressed={name === chosen} onClick={() => choose(name)}>
              {label}
              {name === chosen && <Icon name="check" size={14} />}
            </button>
          </li>
        ))}
      </ul>
      <form
        class="instants"
        onSubmit={(event) => {
          event.preventDefault();
          if (base_since && base_until) choose("custom", { base_since, base_until });
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
        <button type="submit" class="button" disabled={!base_since || !base_until}>
          Compare
        </button>
      </form>
    </>
  );
}
