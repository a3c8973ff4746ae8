/** The services of a trace, above its waterfall: a few, and all on demand, so that the spans stay in sight. */

import { useState } from "preact/hooks";
import { formatCount, formatDuration } from "../units.ts";
import type { ServiceFacts } from "./model.ts";

/** As many fit without pushing the waterfall down. */
const FEW = 6;

export function TraceServices({ services }: { services: readonly ServiceFacts[] }) {
  const [isAll, setAll] = useState(false);
  const shown = isAll || services.length <= FEW + 1 ? services : mostTelling(services);
  const hidden = services.length - shown.length;
  return (
    <ul class={`trace-services ${isAll ? "all" : ""}`} aria-label="Services">
      {shown.map(({ name, color, spans, errors: failed, skew_ns }) => (
        <li key={name} title={`${name}: ${formatCount(spans)} spans, ${formatCount(failed)} errors`}>
          <span class="service-dot" style={{ background: `var(${color})` }} />
          <span class="service-name">{name}</span> <span class="dim">{formatCount(spans)}</span>
          {skew_ns !== 0 && <span class="trace-skew">clock {skewText(skew_ns)}</span>}
        </li>
      ))}
      {(hidden > 0 || isAll) && (
        <li>
          <button type="button" class="link" aria-expanded={isAll} onClick={() => setAll(!isAll)}>
            {isAll ? "fewer" : `${formatCount(hidden)} more`}
          </button>
        </li>
      )}
    </ul>
  );
}

/** Those that failed or whose clock is wrong, then the first ones; in the order of the trace. */
function mostTelling(services: readonly ServiceFacts[]): ServiceFacts[] {
  const isOdd = ({ errors, skew_ns }: ServiceFacts) => Number(errors > 0 || skew_ns !== 0);
  const chosen = new Set([...services].sort((one, other) => isOdd(other) - isOdd(one)).slice(0, FEW));
  return services.filter((service) => chosen.has(service));
}

/** `+3.20 ms`: what the correction added to a clock. */
export function skewText(ns: number): string {
  return `${ns < 0 ? "−" : "+"}${formatDuration(Math.abs(ns))}`;
}
