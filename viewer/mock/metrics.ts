/** Metrics of two services of the mock, as wirespan sends them. */

import type { MetricInfo, MetricSeries } from "../src/contract.ts";
import { Random } from "./random.ts";

const POINTS = 60;

const SHAPES = [
  { name: "wirespan.server.loop.lag", unit: "s", kind: "histogram", description: "How late the event loop runs what is due.", level: 0.0012, swing: 0.0008 },
  { name: "http.server.active_requests", unit: "{request}", kind: "sum", description: "Requests that run now.", level: 6, swing: 4 },
  { name: "http.server.request.duration", unit: "s", kind: "histogram", description: "Duration of HTTP server requests.", level: 0.08, swing: 0.03 },
  { name: "process.memory.usage", unit: "By", kind: "gauge", description: "Physical memory in use.", level: 8.4e7, swing: 6e6 },
] as const;

export const METRICS: MetricInfo[] = ["checkout", "gateway"].flatMap((service) =>
  SHAPES.map(({ name, unit, kind, description }) => ({ service, name, unit, kind, description })),
);

/** A point a minute over the last hour. */
export function metricSeries(name: string, service: string): MetricSeries[] {
  const shape = SHAPES.find((one) => one.name === name);
  if (!shape) return [];
  const now = Date.now() * 1000;
  const attributes: MetricSeries["attributes"][] = name === "http.server.active_requests" ? [{ "http.request.method": "GET" }, { "http.request.method": "POST" }] : [{}];
  return attributes.map((each, index) => {
    const random = new Random(name.length * 31 + index + service.length);
    const points = Array.from({ length: POINTS }, (_, minute): [number, number] => {
      const value = shape.level + shape.swing * (Math.sin(minute / 7 + index) + random.between(-0.4, 0.4));
      return [now - (POINTS - minute) * 60e6, shape.unit === "{request}" ? Math.max(0, Math.round(value / (index + 1))) : Math.max(0, value)];
    });
    return { service, attributes: each, points };
  });
}
