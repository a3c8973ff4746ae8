/** Chooses the time range of a page: a relative one with one press, or two instants. */

import { useState } from "preact/hooks";
import { query, setQuery } from "../router.ts";
import { describeRange, instantOfInput, rangeOf, RELATIVE_RANGES, withRange, type TimeRange } from "../timerange.ts";
import { Icon } from "./Icon.tsx";
import { Popover } from "./Popover.tsx";

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
  const [from, setFrom] = useState("");
  const [to, setTo] = useState("");
  const since = instantOfInput(from);
  return (
    <>
      <ul class="choices">
        {RELATIVE_RANGES.map(({ since: relative, label }) => {
          const isChosen = relative === range.since && range.until === null;
          return (
            <li key={label}>
              <button type="button" aria-pressed={isChosen} onClick={() => choose({ since: relative, until: null })}>
                {label}
                {isChosen && <Icon name="check" size={14} />}
              </button>
            </li>
          );
        })}
      </ul>
      <form
        class="instants"
        onSubmit={(event) => {
          event.preventDefault();
          if (since) choose({ since, until: instantOfInput(to) });
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
        <button type="submit" class="button" disabled={!since}>
          Apply
        </button>
      </form>
    </>
  );
}
