/** All routes as a table. Two periods, where they are compared, stand in the same cells. */

import { useEffect } from "preact/hooks";
import { Duration } from "../components/Duration.tsx";
import { StateBar } from "../components/StateBar.tsx";
import { Table, type Column, type Sort } from "../components/Table.tsx";
import type { RouteComparison, RouteRow } from "../contract.ts";
import { useKeys } from "../keyboard.ts";
import { barLength, TICKS } from "../live/scale.ts";
import { addressOf, navigate, path, query, setQuery } from "../router.ts";
import { formatCount, formatPercent, formatRate } from "../units.ts";
import { errorChange, latencyChange, rateChange, type ChangeWords } from "./change.ts";
import { isGone } from "./gone.ts";
import { RouteFind } from "./RouteFind.tsx";
import { isFound, routeKey, routeTitle } from "./routeName.ts";
import type { RouteData } from "./useRoutes.ts";
import { ComparisonLine, VerdictLine } from "./VerdictLine.tsx";

const PERCENTILES = ["p50", "p95", "p99"] as const;

/** @param leftRoute - key of the route that was open before the list: the focus goes back to it */
export function RouteList({ data, leftRoute }: { data: RouteData; leftRoute: string | null }) {
  const sort = sortOf(query.value);
  useEffect(() => {
    const at = data.rows.find((row) => routeKey(row) === leftRoute);
    const address = at && addressOf(path.peek(), openQuery(query.peek(), routeKey(at)));
    if (address) document.querySelector<HTMLElement>(`.route-link[href="${CSS.escape(address)}"]`)?.focus();
  }, []);
  useKeys("Routes", [
    { keys: "j", label: "next route", run: () => focusRow(1) },
    { keys: "k", label: "previous route", run: () => focusRow(-1) },
    { keys: "ArrowDown", label: "", run: () => focusRow(1) },
    { keys: "ArrowUp", label: "", run: () => focusRow(-1) },
  ]);
  const find = query.value.get("find") ?? "";
  const rows = data.rows.filter((row) => isFound(row, find));
  return (
    <div class="routes-list">
      <RouteFind find={find} found={rows.length} all={data.rows.length} />
      <Table<RouteRow>
        label="Routes"
        columns={columnsOf(data.compared)}
        rows={rows}
        keyOf={routeKey}
        sort={sort}
        onSort={(next) => setQuery(withSort(query.peek(), next), true)}
        onOpen={(row) => navigate("/routes", openQuery(query.peek(), routeKey(row)))}
        detail={(row) => {
          const compared = data.compared?.get(routeKey(row));
          return compared ? <ComparisonLine row={compared} /> : <VerdictLine verdict={row.verdict} />;
        }}
      />
    </div>
  );
}

/** The focus is on a row's link, so Enter opens it. */
function focusRow(step: number): void {
  const links = [...document.querySelectorAll<HTMLElement>(".routes-list .route-link")];
  const at = links.findIndex((link) => link === document.activeElement);
  const next = links[Math.min(links.length - 1, Math.max(0, at + step))];
  next?.focus();
  next?.scrollIntoView({ block: "nearest" });
}

export function openQuery(search: URLSearchParams, key: string | null): URLSearchParams {
  const next = new URLSearchParams(search);
  if (key === null) next.delete("open");
  else next.set("open", key);
  return next;
}

/** Without an order of its own the table has the server's: what took most time together comes first. */
export function sortOf(search: URLSearchParams): Sort {
  const text = search.get("sort") ?? "";
  return { key: text.replace(/^-/, ""), isDescending: text.startsWith("-") };
}

export function withSort(search: URLSearchParams, { key, isDescending }: Sort): URLSearchParams {
  const next = new URLSearchParams(search);
  next.set("sort", `${isDescending ? "-" : ""}${key}`);
  return next;
}

type Compared = Map<string, RouteComparison> | null;

function columnsOf(compared: Compared): Column<RouteRow>[] {
  const of = (row: RouteRow) => compared?.get(routeKey(row));
  return [
    { key: "route", label: "Route", order: routeTitle, class: "route-cell", cell: (row) => <RouteLink row={row} /> },
    { key: "service", label: "Service", order: ({ service }) => service, class: "service-cell", cell: ({ service }) => service },
    {
      key: "rate", label: "Rate", isNumber: true, class: "rate-cell", order: ({ rate }) => rate,
      cell: (row) => <Changing words={wordsOf(of(row), rateChange)}>{isGone(row) ? <None /> : formatRate(row.rate)}</Changing>,
    },
    {
      key: "errors", label: "Errors", isNumber: true, order: ({ error_rate }) => error_rate,
      cell: (row) => <Changing words={wordsOf(of(row), ({ now, base }) => errorChange(now, base))}><Errors row={row} /></Changing>,
    },
    ...PERCENTILES.map((name): Column<RouteRow> => ({
      key: name, label: name, isNumber: true, class: `${name}-cell`, order: (row) => row[`${name}_ns`],
      cell: (row) => (
        <Changing words={wordsOf(of(row), (pair) => latencyChange(pair.change?.[name] ?? null))}>
          {isGone(row) ? <None /> : <Duration ns={row[`${name}_ns`]} />}
        </Changing>
      ),
    })),
    { key: "total", label: "Total time", hint: "What its requests took together", isNumber: true, class: "total-cell", order: ({ total_ns }) => total_ns, cell: (row) => (isGone(row) ? <None /> : <Duration ns={row.total_ns} />) },
    { key: "states", label: "States at p50, p95, p99", hint: "From 100 µs to 10 s, as on Live; a line for each power of ten", class: "states-cell", cell: (row) => !isGone(row) && <Bars row={row} /> },
  ];
}

const None = () => <span class="dim">–</span>;

const wordsOf = (pair: RouteComparison | undefined, words: (pair: RouteComparison) => ChangeWords) => (pair ? words(pair) : null);

function RouteLink({ row }: { row: RouteRow }) {
  const { method } = row;
  const title = routeTitle(row);
  return (
    <a class="route-link" href={addressOf(path.value, openQuery(query.value, routeKey(row)))}>
      {method && <span class="method">{method} </span>}
      {method ? title.slice(method.length + 1) : title}
    </a>
  );
}

export function Errors({ row: { errors, error_rate } }: { row: Pick<RouteRow, "errors" | "error_rate"> }) {
  if (errors === 0) return <span class="dim">0</span>;
  return (
    <span class="failed-count" title={`${formatCount(errors)} failed`}>
      {formatPercent(error_rate)}
    </span>
  );
}

/** A number, and under it what became of it. */
export function Changing({ words, children }: { words: ChangeWords | null; children: preact.ComponentChildren }) {
  return (
    <>
      {children}
      {words && <span class={`change-under ${words.tone}`}>{words.text}</span>}
    </>
  );
}

function Bars({ row }: { row: RouteRow }) {
  return (
    <div class="percentile-bars">
      {TICKS.map(({ label, at }) => (
        <span key={label} class="gridline" style={{ left: `${at * 100}%` }} />
      ))}
      {PERCENTILES.map((name) => (
        <StateBar key={name} states={row.states?.[name] ?? null} totalNs={row[`${name}_ns`]} length={barLength(row[`${name}_ns`])} />
      ))}
    </div>
  );
}
