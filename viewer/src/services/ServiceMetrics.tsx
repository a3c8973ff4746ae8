/** Small charts of what a service measures of itself. */

import { api, type MetricInfo, type MetricSeries } from "../api.ts";
import { TimeChart } from "../components/TimeChart.tsx";
import { useLoad } from "../load.ts";
import { query } from "../router.ts";
import { EVERY_MS } from "../routes/useRoutes.ts";
import { rangeOf } from "../timerange.ts";
import { aligned, formatMetric, metricsOf, MOST_LINES, seriesLabels } from "./metric.ts";

const LOOKS = [
  { color: "--heat-line-1" },
  { color: "--heat-line-3", dash: [6, 3] },
  { color: "--heat-line-2", dash: [2, 3] },
  { color: "--good", dash: [8, 3, 2, 3] },
];

export function ServiceMetrics({ service }: { service: string }) {
  const { data } = useLoad("metrics", api.metrics, EVERY_MS * 6);
  const shown = metricsOf(data?.metrics ?? [], service);
  if (!data) return null;
  if (shown.length === 0) {
    return (
      <>
        <h2>Metrics</h2>
        <p class="dim side-note">None yet. Send them to this viewer&apos;s /v1/metrics and they show up here.</p>
      </>
    );
  }
  return (
    <>
      <h2>Metrics</h2>
      {shown.map((metric) => (
        <MetricChart key={`${metric.name} ${metric.kind}`} metric={metric} />
      ))}
    </>
  );
}

function MetricChart({ metric: { service, name, unit } }: { metric: MetricInfo }) {
  const { since, until } = rangeOf(query.value);
  const asked = new URLSearchParams({ name, service });
  if (since) asked.set("since", since);
  if (until) asked.set("until", until);
  const { data } = useLoad(asked.toString(), (signal) => api.metricSeries(asked, signal), until ? 0 : EVERY_MS);
  const all = data?.series ?? [];
  const lines = all.slice(0, MOST_LINES);
  const labels = seriesLabels(lines);
  const { times, values } = aligned(lines);
  if (times.length < 2) return data && <FirstValues name={name} lines={lines} values={values.map(([first]) => first ?? null)} unit={unit} />;
  return (
    <TimeChart
      title={name}
      {...(all.length > lines.length ? { hint: `${lines.length} of ${all.length} series` } : {})}
      times={times}
      series={lines.map((_line, index) => ({ label: labels[index] ?? "", values: values[index] ?? [], kind: "line" as const, ...(LOOKS[index] ?? { color: "--accent" }) }))}
      format={(value) => formatMetric(value, unit)}
      height={96}
    />
  );
}

interface FirstValuesProps {
  name: string;
  lines: MetricSeries[];
  /** The only value of each series. */
  values: (number | null)[];
  unit: string;
}

/** A line needs two points: until then, the values themselves, so that the metric is not missed. */
function FirstValues({ name, lines, values, unit }: FirstValuesProps) {
  const labels = seriesLabels(lines);
  return (
    <dl class="first-values">
      <dt>{name}</dt>
      {lines.length === 0 && <dd class="dim">too few values yet</dd>}
      {lines.map((_line, index) => {
        const value = values[index] ?? null;
        return (
          <dd key={labels[index]}>
            {lines.length > 1 && <span class="dim">{labels[index]} </span>}
            {value === null ? <span class="dim">too few values yet</span> : formatMetric(value, unit)}
          </dd>
        );
      })}
    </dl>
  );
}
