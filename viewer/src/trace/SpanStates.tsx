/** The six states of a span in order of time: one thick bar, and a line for each. */

import type { Span } from "../contract.ts";
import { STATE_LOOKS } from "../states.ts";
import { formatDuration, formatPercent } from "../units.ts";
import { gradientOf, segmentsOf, type Segment } from "./segments.ts";

/** A long timeline is cut; the bar still shows it all. */
const MOST_LINES = 14;

export function SpanStates({ span }: { span: Span }) {
  const segments = segmentsOf(span);
  if (!segments?.length) return null;
  const bar = { from: span.offset_ns, to: span.offset_ns + span.duration_ns };
  return (
    <section class="span-states" aria-label="States in order of time">
      <span class="span-states-bar" aria-hidden="true" style={{ backgroundImage: gradientOf(segments, bar) }} />
      <ol>
        {segments.slice(0, MOST_LINES).map((segment) => (
          <StateLine key={segment.offset_ns} segment={segment} span={span} />
        ))}
      </ol>
      {segments.length > MOST_LINES && <p class="dim">and {segments.length - MOST_LINES} more</p>}
      {!span.timeline && <p class="dim">The sender told totals, not their order.</p>}
    </section>
  );
}

function StateLine({ segment: { state, duration_ns }, span }: { segment: Segment; span: Span }) {
  return (
    <li class={`state-${state ?? "none"}`} title={state ? STATE_LOOKS[state].meaning : "The sender's timeline was cut here"}>
      <span class="swatch" />
      {state ?? "not told"}
      <span class="number">{formatDuration(duration_ns)}</span>
      <span class="number dim">{formatPercent(duration_ns / Math.max(1, span.duration_ns))}</span>
    </li>
  );
}
