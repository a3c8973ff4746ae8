/** Routes: how often, how slow, how wrong, where the time goes, and since when. One route opens a page of its own. */

import { FilterBar } from "../components/FilterBar.tsx";
import { Page } from "../components/Page.tsx";
import { Problem } from "../components/Problem.tsx";
import { TimeRangePicker } from "../components/TimeRangePicker.tsx";
import { query } from "../router.ts";
import { FirstRun } from "../start/FirstRun.tsx";
import { status } from "../status.ts";
import { formatCount } from "../units.ts";
import { ComparePicker } from "./ComparePicker.tsx";
import { NoRoutes } from "./NoRoutes.tsx";
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
          {data.rows.length > 0 && <span class="live-rate">{formatCount(data.rows.length)} routes</span>}
          <ComparePicker />
          <TimeRangePicker />
        </>
      }
    >
      <Content data={data} />
    </Page>
  );
}

function Content({ data }: { data: RouteData }) {
  const { rows, error, isLoading, reload } = data;
  const open = query.value.get("open");
  if (error && error.status !== 400 && rows.length === 0) return <Problem error={error} retry={reload} />;
  if (status.value?.spans === 0) return <FirstRun />;
  if (isLoading && rows.length === 0) {
    return (
      <div class="message" role="status">
        <h2>Loading…</h2>
      </div>
    );
  }
  if (open !== null) return <RouteDetail key={open} data={data} open={open} />;
  return rows.length === 0 ? <NoRoutes isRefused={error?.status === 400} /> : <RouteList data={data} />;
}
