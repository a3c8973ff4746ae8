/** Which metrics of a service are worth a chart, and how their values read. */

import type { MetricInfo, MetricSeries } from "../contract.ts";
import { valueText } from "../trace/search.ts";
import { formatBytes, formatCount, formatDuration } from "../units.ts";

/** What tells most about a server comes first. */
const FIRST = ["wirespan.server.loop.lag", "http.server.active_requests", "http.server.request.duration"];
export const MOST_CHARTS = 8;
/** More lines than this cannot be told apart. */
export const MOST_LINES = 4;

export function metricsOf(all: MetricInfo[], service: string): MetricInfo[] {
  const rank = ({ name }: MetricInfo) => (FIRST.includes(name) ? FIRST.indexOf(name) : FIRST.length);
  return all
    .filter((metric) => metric.service === service)
    .sort((one, other) => rank(one) - rank(other) || one.name.localeCompare(other.name))
    .slice(0, MOST_CHARTS);
}

/** @param unit - UCUM, as OpenTelemetry has it */
export function formatMetric(value: number, unit: string): string {
  if (unit === "s") return formatDuration(value * 1e9);
  if (unit === "ms") return formatDuration(value * 1e6);
  if (unit === "By") return formatBytes(value);
  return Number.isInteger(value) || value >= 100 ? formatCount(value) : value.toPrecision(3);
}

/** Series side by side: one list of times, and for each series its value then, or null. Times are Unix seconds. */
export function aligned(series: MetricSeries[]): { times: number[]; values: (number | null)[][] } {
  const times = [...new Set(series.flatMap(({ points }) => points.map(([us]) => us)))].sort((one, other) => one - other);
  const values = series.map(({ points }) => {
    const at = new Map(points);
    return times.map((us) => at.get(us) ?? null);
  });
  return { times: times.map((us) => us / 1e6), values };
}

/** What sets each series apart from the others of its metric: the values of the attributes in which they differ. */
export function seriesLabels(series: readonly MetricSeries[]): string[] {
  const keys = [...new Set(series.flatMap(({ attributes }) => Object.keys(attributes)))];
  const valueOf = ({ attributes }: MetricSeries, key: string): string => valueText(attributes[key] ?? "");
  const telling = keys.filter((key) => new Set(series.map((each) => valueOf(each, key))).size > 1);
  return series.map((each) => {
    const values = (telling.length ? telling : keys).map((key) => valueOf(each, key)).filter(Boolean);
    return values.join(" ") || "all";
  });
}
