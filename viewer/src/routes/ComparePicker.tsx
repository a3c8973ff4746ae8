/** Chooses the period that the page's time range is compared with. */

import { Popover } from "../components/Popover.tsx";
import { ChoiceList, Instants } from "../components/RangeChoices.tsx";
import { query, setQuery } from "../router.ts";
import { describeRange } from "../timerange.ts";
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
  const choices = COMPARISONS.map(({ name, label }) => ({ label, isChosen: name === chosen, choose: () => choose(name) }));
  return (
    <>
      <ChoiceList choices={choices} />
      <Instants
        action="Compare"
        needsEnd
        choose={(base_since, base_until) => {
          if (base_until) choose("custom", { base_since, base_until });
        }}
      />
    </>
  );
}
