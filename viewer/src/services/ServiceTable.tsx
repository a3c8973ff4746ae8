/** Services and their calls as tables: what the map shows, for the eye and for assistive technology. */

import { Duration } from "../components/Duration.tsx";
import { Table, type Column } from "../components/Table.tsx";
import type { ServiceEdge, ServiceMap, ServiceNode } from "../contract.ts";
import { addressOf, query, setQuery } from "../router.ts";
import { Errors, openQuery, sortOf, withSort } from "../routes/RouteList.tsx";
import { formatRate } from "../units.ts";

const speed = (ns: number | null) => (ns === null ? <span class="dim">–</span> : <Duration ns={ns} />);
const share = (errors: number, of: number) => (of ? errors / of : 0);

const COLUMNS: Column<ServiceNode>[] = [
  {
    key: "service", label: "Service", order: ({ service }) => service,
    cell: ({ service }) => (
      <a class="route-link" href={addressOf("/services", openQuery(query.value, service))}>
        {service}
      </a>
    ),
  },
  { key: "rate", label: "Rate", isNumber: true, order: ({ rate }) => rate, cell: ({ rate }) => formatRate(rate) },
  {
    key: "errors", label: "Errors", isNumber: true, order: ({ errors, requests }) => share(errors, requests),
    cell: ({ errors, requests }) => <Errors row={{ errors, error_rate: share(errors, requests) }} />,
  },
  { key: "p50", label: "p50", isNumber: true, class: "p50-cell", order: ({ p50_ns }) => p50_ns ?? 0, cell: ({ p50_ns }) => speed(p50_ns) },
  { key: "p95", label: "p95", isNumber: true, class: "p95-cell", order: ({ p95_ns }) => p95_ns ?? 0, cell: ({ p95_ns }) => speed(p95_ns) },
  { key: "p99", label: "p99", isNumber: true, class: "p99-cell", order: ({ p99_ns }) => p99_ns ?? 0, cell: ({ p99_ns }) => speed(p99_ns) },
];

export function ServiceTable({ map }: { map: ServiceMap }) {
  return (
    <>
      <h2>Services</h2>
      <Table<ServiceNode>
        label="Services"
        columns={COLUMNS}
        rows={map.nodes}
        keyOf={({ service }) => service}
        sort={sortOf(query.value)}
        onSort={(next) => setQuery(withSort(query.peek(), next), true)}
        onOpen={({ service }) => setQuery(openQuery(query.peek(), service))}
      />
      <h2>Calls</h2>
      <CallTable edges={map.edges} label="Calls between services" />
    </>
  );
}

export function CallTable({ edges, label }: { edges: ServiceEdge[]; label: string }) {
  if (edges.length === 0) return <p class="dim side-note">No calls between services: nothing here shares a trace with another.</p>;
  return (
    <table class="table calls" aria-label={label}>
      <thead>
        <tr>
          <th scope="col">Call</th>
          {["Rate", "Errors", "p50", "p95"].map((name) => (
            <th key={name} scope="col" class={`number ${name}-cell`}>
              {name}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {edges.map((edge) => (
          <tr key={`${edge.from} ${edge.to}`}>
            <td>
              {edge.from} <span class="dim">calls</span> {edge.to}
            </td>
            <td class="number">{formatRate(edge.rate)}</td>
            <td class="number">
              <Errors row={{ errors: edge.errors, error_rate: share(edge.errors, edge.calls) }} />
            </td>
            <td class="number p50-cell">{speed(edge.p50_ns)}</td>
            <td class="number">{speed(edge.p95_ns)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
