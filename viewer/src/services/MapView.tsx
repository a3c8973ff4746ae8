/** The map: services as boxes in rows, calls as lines whose thickness is their rate. Failing calls are dashed and say so. */

import { hideTooltip, showTooltip } from "../components/Tooltip.tsx";
import type { ServiceEdge, ServiceMap, ServiceNode } from "../contract.ts";
import { filterQuery } from "../filters.ts";
import { addressOf, query } from "../router.ts";
import { openQuery } from "../routes/RouteList.tsx";
import { formatCount, formatDuration, formatPercent, formatRate } from "../units.ts";
import { curve, layOut, NODE_HEIGHT, NODE_WIDTH, thickness, type MapLayout, type Place } from "./layout.ts";

/** Above this share a service or call is drawn as one that fails. */
const FAILING = 0.01;

export function MapView({ map, open }: { map: ServiceMap; open: string | null }) {
  const layout = layOut(map);
  const most = Math.max(0, ...map.edges.map(({ rate }) => rate));
  const isNear = ({ from, to }: ServiceEdge) => open === null || from === open || to === open;
  const near = new Set(map.edges.filter(isNear).flatMap(({ from, to }) => [from, to]));
  return (
    <div class="service-map">
      <svg class={map.edges.length > MOST_LABELS ? "dense" : undefined} style={{ width: `${layout.width * scaleOf(map)}px`, minWidth: `${layout.width * LEAST_SCALE}px` }} viewBox={`0 0 ${layout.width} ${layout.height}`} role="group" aria-label="Map of services: who calls whom">
        {map.edges.map((edge) => (
          <Edge key={`${edge.from} ${edge.to}`} edge={edge} layout={layout} most={most} isFaint={!isNear(edge)} isChosen={open !== null && isNear(edge)} />
        ))}
        {map.nodes.map((node) => {
          const place = layout.places.get(node.service);
          const isFaint = open !== null && node.service !== open && !near.has(node.service);
          return place && <Node key={node.service} node={node} place={place} isOpen={node.service === open} isFaint={isFaint} />;
        })}
      </svg>
    </div>
  );
}

/** With more calls than this their labels would cover each other: they show where the pointer or the focus is. */
const MOST_LABELS = 14;

/** Smaller than this nobody reads it: a map with less room scrolls. */
const LEAST_SCALE = 0.8;

/** A few services are drawn larger: there is room. */
const scaleOf = ({ nodes }: ServiceMap): number => (nodes.length <= 4 ? 1.3 : 1);

interface EdgeProps {
  edge: ServiceEdge;
  layout: MapLayout;
  most: number;
  isFaint: boolean;
  /** A call of the service that is open. */
  isChosen: boolean;
}

function Edge({ edge, layout, most, isFaint, isChosen }: EdgeProps) {
  const [from, to] = [layout.places.get(edge.from), layout.places.get(edge.to)];
  if (!from || !to || from === to) return null;
  const { path, middle } = curve(from, to, layout.lanes(edge));
  const share = edge.calls ? edge.errors / edge.calls : 0;
  const isFailing = share >= FAILING;
  const width = thickness(edge.rate, most);
  const narrowed = filterQuery(query.value);
  narrowed.set("service", edge.to);
  if (isFailing) narrowed.set("status", "error");
  return (
    <a
      href={addressOf("/live", narrowed)}
      class={classOf({ edge: true, failing: isFailing, faint: isFaint, chosen: isChosen })}
      aria-label={`${edge.from} calls ${edge.to}: ${edgeWords(edge, share)}`}
      onPointerEnter={(event) => showTooltip(event.currentTarget, <EdgeNote edge={edge} share={share} />)}
      onPointerLeave={hideTooltip}
    >
      <path class="reach" d={path} />
      <path class="line" d={path} stroke-width={width} stroke-dasharray={isFailing ? `${width + 8} ${width + 3}` : undefined} />
      <circle class="end" cx={to.x + NODE_WIDTH / 2} cy={to.y} r={Math.max(3, width / 2 + 1)} />
      <text x={middle.x} y={middle.y - 2} class="edge-label">
        <tspan x={middle.x}>{formatRate(edge.rate)}</tspan>
        {isFailing && (
          <tspan x={middle.x} dy="13" class="bad">
            ▲ {formatPercent(share)} failed
          </tspan>
        )}
      </text>
    </a>
  );
}

const classOf = (looks: Record<string, boolean>) => Object.keys(looks).filter((name) => looks[name]).join(" ");

function edgeWords(edge: ServiceEdge, share: number): string {
  return `${formatRate(edge.rate)}, ${formatPercent(share)} failed, p50 ${formatDuration(edge.p50_ns)}, p95 ${formatDuration(edge.p95_ns)}`;
}

function EdgeNote({ edge, share }: { edge: ServiceEdge; share: number }) {
  return (
    <>
      <strong>
        {edge.from} → {edge.to}
      </strong>
      <div>
        {formatCount(edge.calls)} calls, {formatRate(edge.rate)}, {formatPercent(share)} failed
      </div>
      <div class="dim">
        p50 {formatDuration(edge.p50_ns)}, p95 {formatDuration(edge.p95_ns)}
      </div>
    </>
  );
}

interface NodeProps {
  node: ServiceNode;
  place: Place;
  isOpen: boolean;
  isFaint: boolean;
}

function Node({ node, place: { x, y }, isOpen, isFaint }: NodeProps) {
  const share = failedShare(node);
  const isFailing = share >= FAILING;
  const looks = classOf({ node: true, failing: isFailing, open: isOpen, faint: isFaint });
  const speed = node.p95_ns === null ? "only calls others" : `p95 ${formatDuration(node.p95_ns)}`;
  const next = openQuery(query.value, isOpen ? null : node.service);
  return (
    <a
      href={addressOf("/services", next)}
      class={looks}
      aria-current={isOpen ? "true" : undefined}
    >
      <rect x={x} y={y} width={NODE_WIDTH} height={NODE_HEIGHT} rx="7" />
      {isFailing && <rect class="failing-share" x={x + 1} y={y + NODE_HEIGHT - 4} width={Math.max(6, (NODE_WIDTH - 2) * share)} height="3" rx="1.5" />}
      <text>
        <tspan x={x + 12} y={y + 20} class="node-name">
          {shortened(node.service)}
        </tspan>{" "}
        <tspan x={x + 12} y={y + 36} class="node-line">
          {node.requests > 0 && `${formatRate(node.rate)}  `}
          {speed}
        </tspan>{" "}
        {node.requests > 0 && <Failed share={share} x={x + 12} y={y + 51} />}
      </text>
    </a>
  );
}

const failedShare = ({ errors, requests }: ServiceNode) => (requests ? errors / requests : 0);

function Failed({ share, x, y }: { share: number; x: number; y: number }) {
  const isFailing = share >= FAILING;
  return (
    <tspan x={x} y={y} class={isFailing ? "node-line bad" : "node-line"}>
      {isFailing && "▲ "}
      {formatPercent(share)} failed
    </tspan>
  );
}

const LONGEST = 21;

const shortened = (name: string) => (name.length > LONGEST ? `${name.slice(0, LONGEST - 1)}…` : name);
