/** Routes: how often, how slow, how wrong, where the time goes, and since when. One route opens a page of its own. */

import { useEffect, useRef } from "preact/hooks";
import { FilterBar } from "../components/FilterBar.tsx";
import { Page } from "../components/Page.tsx";
import { Stale } from "../components/Stale.tsx";
import { TimeRangePicker } from "../components/TimeRangePicker.tsx";
import type { RouteRow } from "../contract.ts";
import { query } from "../router.ts";
import { formatCount } from "../units.ts";
import { ComparePicker } from "./ComparePicker.tsx";
import { isGone } from "./gone.ts";
import { Nothing } from "./Nothing.tsx";
import { RouteDetail } from "./RouteDetail.tsx";
import { RouteList } from "./RouteList.tsx";
import { useRoutes, type RouteData } from "./useRoutes.ts";
import "./routes.css";

export function RoutesPage() {
  const data = useRoutes();
  return (
    <Page
      title="Routes"
      bar={<FilterBar error={data.error} />}
      actions={
        <>
          {data.rows.length > 0 && <span class="live-rate">{countWords(data.rows)}</span>}
          <ComparePicker />
          <TimeRangePicker />
        </>
      }
    >
      <Content data={data} />
    </Page>
  );
}

/** `12 routes, 1 gone`. */
function countWords(rows: readonly RouteRow[]): string {
  const gone = rows.filter(isGone).length;
  const here = rows.length - gone;
  return `${formatCount(here)} ${here === 1 ? "route" : "routes"}${gone ? `, ${formatCount(gone)} gone` : ""}`;
}

function Content({ data }: { data: RouteData }) {
  const { rows, loadedUs, error, isLoading, reload } = data;
  const open = query.value.get("open");
  const left = useRef<string | null>(null);
  useEffect(() => {
    left.current = open;
  }, [open]);
  if (rows.length === 0) return <Nothing error={error} isLoading={isLoading} reload={reload} />;
  return (
    <>
      {open === null ? <RouteList data={data} leftRoute={left.current} /> : <RouteDetail key={open} data={data} open={open} />}
      <Stale error={error} loadedUs={loadedUs} retry={reload} />
    </>
  );
}
