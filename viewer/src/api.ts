/** The viewer's HTTP API, one function for each address of the contract. Bodies are trusted: they are our own server's. */

import type {
  Heatmap,
  Inflight,
  MetricInfo,
  MetricSeries,
  RequestPage,
  RouteComparisonTable,
  RouteSeries,
  RouteTable,
  ServiceMap,
  SqlResult,
  Status,
  Trace,
} from "./contract.ts";

export type * from "./contract.ts";

/** Filters and paging as query parameters; `filters.ts` makes them. */
export type Query = URLSearchParams | Record<string, string | number>;

/** The server answered with an error, or did not answer at all (`status` 0). */
export class ApiError extends Error {
  override readonly name = "ApiError";

  constructor(
    readonly status: number,
    message: string,
    /** The query parameter that was wrong, where one was. */
    readonly parameter: string | null = null,
  ) {
    super(message);
  }

  get isUnreachable(): boolean {
    return this.status === 0;
  }
}

export const api = {
  requests: (query: Query, signal?: AbortSignal) => get<RequestPage>("/api/requests", query, signal),
  trace: (traceId: string, signal?: AbortSignal) => get<Trace>(`/api/traces/${traceId}`, {}, signal),
  routes: (query: Query, signal?: AbortSignal) => get<RouteTable>("/api/routes", query, signal),
  compareRoutes: (query: Query, signal?: AbortSignal) =>
    get<RouteComparisonTable>("/api/routes/compare", query, signal),
  routeSeries: (query: Query, signal?: AbortSignal) => get<RouteSeries>("/api/routes/series", query, signal),
  heatmap: (query: Query, signal?: AbortSignal) => get<Heatmap>("/api/heatmap", query, signal),
  services: (query: Query, signal?: AbortSignal) => get<ServiceMap>("/api/services", query, signal),
  inflight: (signal?: AbortSignal) => get<Inflight>("/api/inflight", {}, signal),
  status: (signal?: AbortSignal) => get<Status>("/api/status", {}, signal),
  token: (signal?: AbortSignal) => get<{ token: string }>("/api/token", {}, signal),
  attributeKeys: (prefix: string, signal?: AbortSignal) =>
    get<{ keys: string[] }>("/api/attributes", { prefix }, signal),
  attributeValues: (key: string, signal?: AbortSignal) =>
    get<{ values: string[] }>("/api/attributes", { key }, signal),
  metrics: (signal?: AbortSignal) => get<{ metrics: MetricInfo[] }>("/api/metrics", {}, signal),
  metricSeries: (query: Query, signal?: AbortSignal) =>
    get<{ series: MetricSeries[] }>("/api/metrics/series", query, signal),
  sql: (sql: string, signal?: AbortSignal) => send<SqlResult>("POST", "/api/sql", { sql }, signal),
  clear: () => send<unknown>("DELETE", "/api/data", {}),
};

export type ExportFormat = "otlp" | "har" | "json";

/** Address of a trace as a file, for a link or for `fetchText`. */
export function traceExportAddress(traceId: string, format: ExportFormat): string {
  return `/api/traces/${traceId}/export?format=${format}`;
}

/** The body of any address as text, for the clipboard. */
export async function fetchText(address: string, signal?: AbortSignal): Promise<string> {
  const response = await answer(address, signal ? { signal } : {});
  return response.text();
}

/** Address of the live stream, see `live/stream.ts`. */
export function streamAddress(query: Query): string {
  return withQuery("/api/requests/stream", query);
}

async function get<Body>(path: string, query: Query, signal?: AbortSignal): Promise<Body> {
  const response = await answer(withQuery(path, query), signal ? { signal } : {});
  return (await response.json()) as Body;
}

async function send<Body>(method: string, path: string, body: unknown, signal?: AbortSignal): Promise<Body> {
  const response = await answer(path, {
    method,
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
    ...(signal ? { signal } : {}),
  });
  return (response.status === 204 ? null : await response.json()) as Body;
}

async function answer(address: string, init: RequestInit): Promise<Response> {
  let response: Response;
  try {
    response = await fetch(address, init);
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") throw error;
    throw new ApiError(0, "The viewer does not answer. Is it still running?");
  }
  if (!response.ok) throw await refusal(response);
  return response;
}

async function refusal(response: Response): Promise<ApiError> {
  const text = await response.text();
  try {
    const { error } = JSON.parse(text) as { error: { message: string; parameter?: string | null } };
    return new ApiError(response.status, error.message, error.parameter ?? null);
  } catch {
    return new ApiError(response.status, `The viewer answered ${response.status} ${response.statusText}`.trim());
  }
}

function withQuery(path: string, query: Query): string {
  const pairs = Object.entries(query).map(([key, value]): [string, string] => [key, String(value)]);
  const text = (query instanceof URLSearchParams ? query : new URLSearchParams(pairs)).toString();
  return text ? `${path}?${text}` : path;
}
