/** A route over time: requests and errors, and exact percentiles, in the steps of the heat map above. */

import { TimeChart } from "../components/TimeChart.tsx";
import type { RouteSeries } from "../contract.ts";
import { formatDuration, formatRate } from "../units.ts";
import { stepsOf } from "./steps.ts";

export function RouteCharts({ series, steps }: { series: RouteSeries; steps: number }) {
  const rows = stepsOf(series, steps);
  const seconds = series.step_us / 1e6;
  return (
    <div class="charts">
      <TimeChart
        title="Requests and errors"
        times={rows.map(({ us }) => us / 1e6)}
        series={[
          { label: "requests", color: "--accent", values: rows.map(({ count }) => count / seconds), kind: "bars" },
          { label: "errors", color: "--danger", values: rows.map(({ errors }) => errors / seconds), kind: "bars" },
        ]}
        format={formatRate}
      />
      <TimeChart
        title="Percentiles"
        times={rows.map(({ us }) => us / 1e6 + seconds / 2)}
        series={[
          { label: "p99", color: "--heat-line-3", values: rows.map(({ p99_ns }) => p99_ns), kind: "line" },
          { label: "p95", color: "--heat-line-2", values: rows.map(({ p95_ns }) => p95_ns), kind: "line", dash: [6, 3] },
          { label: "p50", color: "--heat-line-1", values: rows.map(({ p50_ns }) => p50_ns), kind: "line", dash: [2, 3] },
        ]}
        format={formatDuration}
        isLog
      />
    </div>
  );
}
