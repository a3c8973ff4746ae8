/** Chooses the time range of a page: a relative one with one press, or two instants. */

import { query, setQuery } from "../router.ts";
import { describeRange, rangeOf, RELATIVE_RANGES, withRange, type TimeRange } from "../timerange.ts";
import { Popover } from "./Popover.tsx";
import { ChoiceList, Instants } from "./RangeChoices.tsx";

export function TimeRangePicker() {
  const range = rangeOf(query.value);
  return (
    <Popover label="Time range" icon="clock" text={describeRange(range)}>
      {(close) => (
        <Choices
          range={range}
          choose={(next) => {
            setQuery(withRange(query.peek(), next));
            close();
          }}
        />
      )}
    </Popover>
  );
}

function Choices({ range, choose }: { range: TimeRange; choose: (range: TimeRange) => void }) {
  const choices = RELATIVE_RANGES.map(({ since, label }) => ({
    label,
    isChosen: since === range.since && range.until === null,
    choose: () => choose({ since, until: null }),
  }));
  return (
    <>
      <ChoiceList choices={choices} />
      <Instants action="Apply" choose={(since, until) => choose({ since, until })} />
    </>
  );
}
