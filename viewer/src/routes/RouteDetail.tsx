/** One route: verdict, numbers, states at each percentile, heat map, and rate, errors and percentiles over time. */

import { useEffect, useRef } from "preact/hooks";
import { api } from "../api.ts";
import { Icon } from "../components/Icon.tsx";
import { StateBar } from "../components/StateBar.tsx";
import type { Period, RouteComparison, RouteRow } from "../contract.ts";
import { filterQuery } from "../filters.ts";
import { useKeys } from "../keyboard.ts";
import { useLoad } from "../load.ts";
import { addressOf, navigate, query } from "../router.ts";
import { STATES } from "../states.ts";
import { formatCount, formatDuration, formatPercent, formatRate } from "../units.ts";
import { errorChange, latencyChange, rateChange, type ChangeWords } from "./change.ts";
import { isGone, requestsQuery } from "./gone.ts";
import { gridOf } from "./heatmap.ts";
import { Heatmap } from "./Heatmap.tsx";
import { NoRequests } from "./Nothing.tsx";
import { RouteCharts } from "./RouteCharts.tsx";
import { Changing, openQuery } from "./RouteList.tsx";
import { routeKey, routeQuery, routeTitle } from "./routeName.ts";
import { refreshMs, type RouteData } from "./useRoutes.ts";
import { ComparisonLine, VerdictLine } from "./VerdictLine.tsx";

const STEPS = 80;
const PERCENTILES = ["p50", "p95", "p99"] as const;

export function RouteDetail({ data, open }: { data: RouteData; open: string }) {
  const at = data.rows.findIndex((row) => routeKey(row) === open);
  const row = data.rows[at];
  const goTo = (key: string | null): void => navigate("/routes", openQuery(query.peek(), key));
  const step = (by: number): void => {
    const next = data.rows[at + by];
    if (next) goTo(routeKey(next));
  };
  const title = useRef<HTMLHeadingElement>(null);
  // Whoever came by the keys goes on here, not at the top of the page.
  useEffect(() => title.current?.focus({ preventScroll: true }), []);
  useKeys("Route", [
    { keys: "Escape", label: "back to all routes", run: () => goTo(null) },
    { keys: "j", label: "next route", run: () => step(1) },
    { keys: "k", label: "previous route", run: () => step(-1) },
  ]);
  return (
    <div class="route-detail">
      <header class="route-head">
        <a class="button" href={addressOf("/routes", openQuery(query.value, null))} title="Back to all routes (Esc)">
          <Icon name="left" size={14} />
          All routes
        </a>
        <h2 ref={title} tabIndex={-1}>
          {row ? routeTitle(row) : open}
        </h2>
        {row && <span class="dim">{row.service}</span>}
        {row && (
          <a class="button to-live" href={addressOf("/live", requestsQuery(query.value, row))}>
            {isGone(row) ? "Its requests then" : "Its requests"}
            <Icon name="right" size={14} />
          </a>
        )}
      </header>
      {row ? <RouteBody row={row} compared={data.compared?.get(open) ?? null} /> : <NoRequests isRefused={false} />}
    </div>
  );
}

function RouteBody({ row, compared }: { row: RouteRow; compared: RouteComparison | null }) {
  const asked = routeQuery(filterQuery(query.value), row);
  asked.set("steps", String(STEPS));
  const { data: map } = useLoad(asked.toString(), (signal) => api.heatmap(asked, signal), refreshMs(asked));
  const { data: series } = useLoad(asked.toString(), (signal) => api.routeSeries(asked, signal), refreshMs(asked));
  const grid = map && gridOf(map, STEPS);
  return (
    <>
      <section class="route-verdict" aria-label="Verdict">
        <VerdictLine verdict={row.verdict} />
        {compared && <ComparisonLine row={compared} />}
      </section>
      {!isGone(row) && <Numbers row={row} compared={compared} />}
      <StatesAtPercentiles row={row} base={compared?.base ?? null} />
      {isGone(row) ? null : grid ? (
        <>
          <Heatmap grid={grid} filters={routeQuery(query.value, row)} />
          {series && <RouteCharts series={series} steps={STEPS} />}
        </>
      ) : (
        <p class="chart-wait dim" role="status">
          Loading the heat map…
        </p>
      )}
    </>
  );
}

function Numbers({ row, compared }: { row: RouteRow; compared: RouteComparison | null }) {
  const change = compared?.change;
  const words = (of: () => ChangeWords) => (change ? of() : null);
  return (
    <dl class="numbers">
      <Figure name="Requests" value={formatCount(row.count)} words={null} />
      <Figure name="Total time" value={formatDuration(row.total_ns)} words={null} />
      <Figure name="Rate" value={formatRate(row.rate)} words={compared && rateChange(compared)} />
      <Figure
        name="Errors"
        value={row.errors ? `${formatCount(row.errors)} (${formatPercent(row.error_rate)})` : "0"}
        isBad={row.errors > 0}
        words={compared && errorChange(compared.now, compared.base)}
      />
      {PERCENTILES.map((name) => (
        <Figure key={name} name={name} value={formatDuration(row[`${name}_ns`])} words={words(() => latencyChange(change?.[name] ?? null))} />
      ))}
    </dl>
  );
}

function Figure({ name, value, words, isBad = false }: { name: string; value: string; words: ChangeWords | null; isBad?: boolean }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd class={isBad ? "failed-count" : ""}>
        <Changing words={words}>{value}</Changing>
      </dd>
    </div>
  );
}

/** Bars as long as the percentile against the longest of them, and the same in numbers. */
function StatesAtPercentiles({ row, base }: { row: RouteRow; base: Period | null }) {
  const longest = Math.max(row.p99_ns, base?.p99_ns ?? 0, 1);
  const hasStates = Boolean(row.states ?? base?.states);
  const line = (period: Period, name: (typeof PERCENTILES)[number], isBase: boolean) => (
    <tr key={`${name} ${isBase}`} class={isBase ? "base" : ""}>
      <th scope="row">
        {name}
        {isBase && " before"}
      </th>
      <td class="states-bar">
        <StateBar states={period.states?.[name] ?? null} totalNs={period[`${name}_ns`]} length={period[`${name}_ns`] / longest} size="thick" />
      </td>
      <td class="number total">{formatDuration(period[`${name}_ns`])}</td>
      {hasStates && STATES.map((state) => {
        const ns = period.states?.[name]?.[state];
        return (
          <td key={state} class={`number ${ns ? "" : "dim"}`}>
            {ns === undefined ? "" : ns === 0 ? "0" : formatDuration(ns)}
          </td>
        );
      })}
    </tr>
  );
  return (
    <div class="percentile-scroll" role="region" aria-label="States at each percentile" tabIndex={0}>
    <table class="percentile-table">
      <thead>
        <tr>
          <th scope="col">At</th>
          <th scope="col">{hasStates ? "States" : "Time"}</th>
          <th scope="col" class="number">Total</th>
          {hasStates && STATES.map((state) => (
            <th key={state} scope="col" class="number">
              <span class={`swatch state-${state}`} />
              {state}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>{PERCENTILES.flatMap((name) => [...(isGone(row) ? [] : [line(row, name, false)]), ...(base ? [line(base, name, true)] : [])])}</tbody>
    </table>
    {!hasStates && <p class="no-states dim">{row.service} does not tell where its time goes: only servers that run on wirespan do.</p>}
    </div>
  );
}
