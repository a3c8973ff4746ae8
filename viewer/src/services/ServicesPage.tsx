/** Services: who calls whom, how often, how fast, how wrong; the map, and the same as tables. */

import { api, type ServiceMap } from "../api.ts";
import { FilterBar } from "../components/FilterBar.tsx";
import { Page } from "../components/Page.tsx";
import { Stale } from "../components/Stale.tsx";
import { TimeRangePicker } from "../components/TimeRangePicker.tsx";
import { filterQuery } from "../filters.ts";
import { useKeys } from "../keyboard.ts";
import { useLoad, type Loaded } from "../load.ts";
import { query, setQuery } from "../router.ts";
import { Nothing } from "../routes/Nothing.tsx";
import { openQuery } from "../routes/RouteList.tsx";
import { refreshMs } from "../routes/useRoutes.ts";
import { MapView } from "./MapView.tsx";
import { ServiceDetail } from "./ServiceDetail.tsx";
import { ServiceTable } from "./ServiceTable.tsx";
import "../routes/routes.css";
import "./services.css";

export function ServicesPage() {
  const asked = filterQuery(query.value);
  const loaded = useLoad(asked.toString(), (signal) => api.services(asked, signal), refreshMs(asked));
  const { data, error } = loaded;
  useKeys("Services", [{ keys: "Escape", label: "no service chosen", run: () => setQuery(openQuery(query.peek(), null)) }]);
  return (
    <Page
      title="Services"
      bar={<FilterBar error={error} />}
      actions={
        <>
          {data && data.nodes.length > 0 && <span class="live-rate">{data.nodes.length} services</span>}
          <TimeRangePicker />
        </>
      }
    >
      <Content loaded={loaded} />
    </Page>
  );
}

function Content({ loaded: { data: map, loadedUs, error, isLoading, reload } }: { loaded: Loaded<ServiceMap> }) {
  if (!map || map.nodes.length === 0) return <Nothing error={error} isLoading={isLoading} reload={reload} />;
  const open = query.value.get("open");
  const node = map.nodes.find(({ service }) => service === open);
  return (
    <div class="services">
      <MapView map={map} open={node?.service ?? null} />
      <aside class="services-side" aria-label={node ? `Service ${node.service}` : "All services"}>
        {node ? <ServiceDetail key={node.service} map={map} node={node} /> : <ServiceTable map={map} />}
      </aside>
      <Stale error={error} loadedUs={loadedUs} retry={reload} />
    </div>
  );
}
