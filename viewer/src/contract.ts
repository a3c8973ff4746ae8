/**
 * What the viewer's HTTP API speaks, as types: the page's copy of `/api/openapi.json`.
 * `_ns` are durations in nanoseconds, `_us` instants in Unix microseconds, ids hex text.
 */

export type State = "queue" | "read" | "schedule" | "run" | "await" | "write";

/** Nanoseconds in each of the six states; they sum to the request's duration. */
export type States = Record<State, number>;

/** An attribute's value as OTLP has it, in JSON. */
export type Value = string | number | boolean | null | Value[] | { [key: string]: Value };

export type Attributes = Record<string, Value>;

export type SpanKind = "unspecified" | "internal" | "server" | "client" | "producer" | "consumer";

export type SpanStatus = "unset" | "ok" | "error";

/** One request, or the root span of something that is not HTTP. */
export interface Request {
  /** Rises with arrival; the cursor of lists and of the stream. */
  seq: number;
  trace_id: string;
  span_id: string;
  start_us: number;
  duration_ns: number;
  service: string;
  name: string;
  kind: SpanKind;
  method: string | null;
  route: string | null;
  path: string | null;
  status: number | null;
  error: boolean;
  error_type: string | null;
  end_reason: string | null;
  states: States | null;
}

export interface RequestPage {
  requests: Request[];
  /** Pass as `before` for the next, older page. */
  next: number | null;
}

export interface TimelineItem {
  /** Null after the point where the sender cut its timeline. */
  state: State | null;
  duration_ns: number;
}

export interface SpanEvent {
  offset_ns: number;
  name: string;
  attributes: Attributes;
}

export interface SpanLink {
  trace_id: string;
  span_id: string;
  attributes: Attributes;
}

export interface SpanHttp {
  method: string | null;
  route: string | null;
  path: string | null;
  status: number | null;
}

export interface Span {
  span_id: string;
  parent_id: string | null;
  /** 0 for a root; spans come in tree order. */
  depth: number;
  service: string;
  name: string;
  kind: SpanKind;
  status: SpanStatus;
  status_message: string | null;
  error: boolean;
  /** From the start of the trace, after correction of clock skew. */
  offset_ns: number;
  /** What the correction added to this span's own clock. */
  skew_ns: number;
  duration_ns: number;
  /** Time that no child covers. */
  self_ns: number;
  states: States | null;
  timeline: TimelineItem[] | null;
  http: SpanHttp | null;
  end_reason: string | null;
  attributes: Attributes;
  /** Index in the trace's `services`. */
  resource: number;
  scope: string | null;
  events: SpanEvent[];
  links: SpanLink[];
}

export interface LogRecord {
  span_id: string | null;
  offset_ns: number;
  /** OTLP's severity number, 1 to 24. */
  severity: number;
  severity_text: string | null;
  body: string;
  service: string;
  attributes: Attributes;
}

export interface TraceService {
  name: string;
  skew_ns: number;
  resource: Attributes;
}

/** One piece of the chain of spans that decided how long the trace took. */
export interface CriticalPiece {
  span_id: string;
  offset_ns: number;
  duration_ns: number;
}

export interface TraceProblem {
  span_id: string;
  kind: "missing_parent" | "clock_skew" | "gap" | "outlives_parent" | "cycle";
  message: string;
  /** Its stretch of time, for a gap and for what is after the parent's end. */
  offset_ns: number | null;
  duration_ns: number | null;
}

export interface Trace {
  trace_id: string;
  start_us: number;
  duration_ns: number;
  services: TraceService[];
  spans: Span[];
  logs: LogRecord[];
  critical_path: CriticalPiece[];
  problems: TraceProblem[];
  /** There are more logs than the first ones, which are here. */
  logs_truncated: boolean;
}

export interface VerdictPart {
  state: State;
  /** 0 to 1. */
  share: number;
  ns: number;
}

export interface Verdict {
  text: string;
  percentile: string;
  total_ns: number;
  parts: VerdictPart[];
  /** Since when the mean of a state, or of the duration (null), is `factor` times larger. */
  change: { state: State | null; factor: number; since_us: number } | null;
}

/** Where the time goes at each percentile; null where nobody near it knows its states. */
export type StatesAt = Record<"p50" | "p95" | "p99", States | null>;

/** The numbers of a route in a time range. */
export interface Period {
  count: number;
  /** Requests a second. */
  rate: number;
  errors: number;
  /** 0 to 1. */
  error_rate: number;
  p50_ns: number;
  p95_ns: number;
  p99_ns: number;
  states: StatesAt | null;
}

/** What requests are counted together by; without a method, `route` is the name of the span. */
export interface RouteName {
  service: string;
  method: string | null;
  /** Null for requests that no route took. */
  route: string | null;
}

export interface RouteRow extends RouteName, Period {
  /** What its requests took together. */
  total_ns: number;
  verdict: Verdict | null;
}

export interface RouteTable {
  since_us: number;
  until_us: number;
  routes: RouteRow[];
}

export interface RouteComparison extends RouteName {
  /** Without requests now it counts 0. */
  now: Period;
  /** Null without requests then. */
  base: Period | null;
  /** now / base, a number null where one of them is missing or 0; null as a whole without requests in one of the periods. */
  change: Record<"rate" | "error_rate" | "p50" | "p95" | "p99", number | null> | null;
}

export interface RouteComparisonTable {
  since_us: number;
  until_us: number;
  base_since_us: number;
  base_until_us: number;
  routes: RouteComparison[];
}

/** Requests over time, in steps; those without any are left out. */
export interface RouteSeries {
  from_us: number;
  step_us: number;
  /** Step, requests, errors, and percentiles in nanoseconds. */
  series: [step: number, count: number, errors: number, p50_ns: number, p95_ns: number, p99_ns: number][];
}

export interface Heatmap {
  from_us: number;
  step_us: number;
  /** Lower edge of each bucket; the last edge ends the last bucket, or begins one without an end. */
  edges_ns: number[];
  /** Step, bucket, requests, errors. */
  cells: [number, number, number, number][];
}

/** A service; one that only calls others has no percentiles. */
export interface ServiceNode {
  service: string;
  requests: number;
  rate: number;
  errors: number;
  p50_ns: number | null;
  p95_ns: number | null;
  p99_ns: number | null;
}

export interface ServiceEdge {
  from: string;
  to: string;
  calls: number;
  rate: number;
  errors: number;
  p50_ns: number;
  p95_ns: number;
}

export interface ServiceMap {
  since_us: number;
  until_us: number;
  nodes: ServiceNode[];
  edges: ServiceEdge[];
}

/** A request that runs now. */
export interface RunningRequest {
  id: string;
  method: string | null;
  route: string | null;
  path: string | null;
  /** Null where nothing is recorded (trace level `disabled`), and in the background. */
  state: State | null;
  /** How long it has been in this state, or in the background. */
  state_ns: number;
  age_ns: number;
  trace_id: string | null;
  states: States | null;
  client: string | null;
  /** The client has its answer; the handler goes on. */
  background: boolean;
}

export interface RunningServer {
  instance: string;
  service: string;
  pid: number | null;
  /** When the server said this. */
  at_us: number;
  requests: RunningRequest[];
}

export interface Inflight {
  servers: RunningServer[];
}

export interface Status {
  version: string;
  spans: number;
  requests: number;
  logs: number;
  metric_points: number;
  bytes: number;
  /** Why nothing can be stored now, such as a full disk. */
  problem: string | null;
  oldest_us: number | null;
  newest_us: number | null;
  /** Requests a second, lately. */
  rate: number;
  /** Where senders reach the viewer: host and port, or a URL. */
  address: string;
  token_required: boolean;
}

export interface MetricInfo {
  service: string;
  name: string;
  unit: string;
  kind: string;
  description: string;
}

export interface MetricSeries {
  service: string;
  attributes: Attributes;
  /** Unix microseconds and value. */
  points: [number, number][];
}

export interface SqlResult {
  columns: string[];
  rows: Value[][];
  truncated: boolean;
}
