/** One service: its numbers, who calls it and whom it calls, its metrics, and the ways to its routes and requests. */

import { Icon } from "../components/Icon.tsx";
import type { ServiceMap, ServiceNode } from "../contract.ts";
import { filterQuery } from "../filters.ts";
import { addressOf, query } from "../router.ts";
import { openQuery } from "../routes/RouteList.tsx";
import { formatCount, formatDuration, formatPercent, formatRate } from "../units.ts";
import { ServiceMetrics } from "./ServiceMetrics.tsx";
import { CallTable } from "./ServiceTable.tsx";

export function ServiceDetail({ map, node }: { map: ServiceMap; node: ServiceNode }) {
  const { service } = node;
  const narrowed = filterQuery(query.value);
  narrowed.set("service", service);
  const edges = map.edges.filter(({ from, to }) => from === service || to === service);
  return (
    <>
      <header class="side-head">
        <h2>{service}</h2>
        <a class="icon-button" href={addressOf("/services", openQuery(query.value, null))} aria-label="Back to all services" title="Back to all services (Esc)">
          <Icon name="close" size={14} />
        </a>
      </header>
      <p class="side-links">
        <a class="button" href={addressOf("/routes", narrowed)}>
          Its routes
        </a>
        <a class="button" href={addressOf("/live", narrowed)}>
          Its requests
        </a>
      </p>
      <dl class="numbers">
        <Figure name="Rate" value={formatRate(node.rate)} />
        <Figure name="Failed" value={node.errors ? `${formatCount(node.errors)} (${formatPercent(node.errors / node.requests)})` : "0"} isBad={node.errors > 0} />
        <Figure name="p50" value={speed(node.p50_ns)} />
        <Figure name="p95" value={speed(node.p95_ns)} />
        <Figure name="p99" value={speed(node.p99_ns)} />
      </dl>
      <h2>Calls</h2>
      <CallTable edges={edges} label={`Calls of ${service}`} />
      <ServiceMetrics service={service} />
    </>
  );
}

const speed = (ns: number | null) => (ns === null ? "–" : formatDuration(ns));

function Figure({ name, value, isBad = false }: { name: string; value: string; isBad?: boolean }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd class={isBad ? "failed-count" : ""}>{value}</dd>
    </div>
  );
}
