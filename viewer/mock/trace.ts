/** Traces for requests of the mock: the tree of calls, logs, events, and each oddity that the Trace page has to show. */

import type { LogRecord, Request, Span, State, States, TimelineItem, Trace, TraceProblem } from "../src/contract.ts";
import { Random } from "./random.ts";
import { ROUTES, splitStates, type RouteShape } from "./traffic.ts";

const STORES: Record<string, { name: string; attributes: Record<string, string> }> = {
  postgresql: {
    name: "SELECT products",
    attributes: {
      "db.system.name": "postgresql",
      "db.query.text": "SELECT id, name, price, stock FROM products WHERE id = $1 AND region = $2",
      "db.namespace": "shop",
      "server.address": "db.internal",
    },
  },
  redis: { name: "HGETALL", attributes: { "db.system.name": "redis", "db.query.text": "HGETALL cart:?", "server.address": "redis.internal" } },
  opensearch: { name: "search products", attributes: { "db.system.name": "opensearch", "server.address": "search.internal" } },
};

const STACK = `Traceback (most recent call last):
  File "/srv/shop/checkout/orders.py", line 88, in create_order
    receipt = await payments.charge(order.total, card=order.card)
              ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
  File "/srv/shop/checkout/payments.py", line 41, in charge
    raise PaymentDeclined(reply.reason)
shop.checkout.payments.PaymentDeclined: card expired`;

/** Collects one trace. Spans are pushed parents first, siblings by time. */
/** Problems without a stretch of time. */
const NOWHERE = { offset_ns: null, duration_ns: null };

class TraceBuilder {
  readonly spans: Span[] = [];
  readonly logs: LogRecord[] = [];
  readonly problems: TraceProblem[] = [];
  readonly services: string[] = [];

  constructor(readonly random: Random) {}

  serviceIndex(name: string): number {
    const at = this.services.indexOf(name);
    return at < 0 ? this.services.push(name) - 1 : at;
  }

  add(part: Partial<Span> & Pick<Span, "service" | "name" | "kind" | "offset_ns" | "duration_ns">): Span {
    const span: Span = {
      span_id: this.random.hex(16),
      parent_id: null,
      depth: 0,
      status: "unset",
      status_message: null,
      error: false,
      skew_ns: 0,
      self_ns: part.duration_ns,
      states: null,
      timeline: null,
      http: null,
      end_reason: null,
      attributes: {},
      resource: this.serviceIndex(part.service),
      scope: "wirespan@0.1.0",
      events: [],
      links: [],
      ...part,
    };
    this.spans.push(span);
    return span;
  }
}

/** The trace whose root is this request. The same request gives the same trace. */
export function makeTrace(request: Request): Trace {
  const builder = new TraceBuilder(new Random(Number.parseInt(request.trace_id.slice(0, 8), 16)));
  const shape = ROUTES.find((route) => route.service === request.service && route.route === request.route);
  const root = serverSpan(builder, request.service, shape, { offset: 0, duration: request.duration_ns, parent: null });
  Object.assign(root, {
    span_id: request.span_id,
    states: request.states,
    timeline: request.states && timelineOf(request.states, builder.random),
    http: { method: request.method, route: request.route, path: request.path, status: request.status },
    end_reason: request.end_reason,
    error: request.error,
    status: request.error ? "error" : "unset",
  });
  calls(builder, root, shape);
  if (request.error) addError(root, request);
  addLogs(builder, root, request);
  addOddities(builder, root);
  return finish(builder, request);
}

/** One trace of `count` spans, three deep, for the page's behaviour under load. */
export function makeLargeTrace(traceId: string, count: number): Trace {
  const builder = new TraceBuilder(new Random(7));
  const duration = count * 400_000;
  const shape = ROUTES[0] as RouteShape;
  const root = serverSpan(builder, "gateway", shape, { offset: 0, duration, parent: null });
  const group = Math.max(1, Math.round(Math.sqrt(count)));
  let parent = root;
  for (let index = 1; index < count; index++) {
    const offset = Math.floor((index / count) * duration);
    if (index % group === 1) {
      const length = Math.min(duration - offset, Math.floor((group / count) * duration));
      parent = serverSpan(builder, builder.random.pick(["catalog", "checkout", "search"]), shape, { offset, duration: length, parent: root });
    } else {
      const call = clientSpan(builder, "postgresql", parent, offset, Math.floor(builder.random.latency(250_000)));
      call.error = builder.random.chance(0.004);
      call.status = call.error ? "error" : "unset";
    }
  }
  return finish(builder, { ...largeRequest(root), trace_id: traceId });
}

function largeRequest(root: Span): Request {
  return {
    seq: 0, trace_id: "", span_id: root.span_id, start_us: Date.now() * 1000, duration_ns: root.duration_ns, service: root.service,
    name: root.name, kind: "server", method: "GET", route: "/page/{number}", path: "/page/7", status: 200, error: false,
    error_type: null, end_reason: "completed", states: root.states,
  };
}

interface Slot {
  offset: number;
  duration: number;
  parent: Span | null;
}

function serverSpan(builder: TraceBuilder, service: string, shape: RouteShape | undefined, slot: Slot): Span {
  const states = shape?.mix ? splitStates(shape.mix, slot.duration, false, builder.random) : null;
  const method = shape?.method ?? "GET";
  const route = shape?.route ?? "/";
  return builder.add({
    service,
    name: `${method} ${route}`,
    kind: "server",
    parent_id: slot.parent?.span_id ?? null,
    depth: slot.parent ? slot.parent.depth + 1 : 0,
    offset_ns: slot.offset,
    duration_ns: slot.duration,
    states,
    timeline: states && timelineOf(states, builder.random),
    end_reason: states && "completed",
    http: { method, route, path: shape?.path(builder.random) ?? route, status: method === "POST" ? 201 : 200 },
    scope: states ? "wirespan@0.1.0" : "opentelemetry.instrumentation.asgi@0.60b0",
    attributes: {
      "http.request.method": method,
      "http.route": route,
      "http.response.status_code": method === "POST" ? 201 : 200,
      "client.address": "10.4.0.17",
      "network.protocol.version": "1.1",
      "user_agent.original": "Mozilla/5.0 (X11; Linux x86_64; rv:142.0)",
      "http.response.body.size": builder.random.whole(200, 60_000),
      "wirespan.connection.request_number": builder.random.whole(1, 90),
    },
  });
}

function clientSpan(builder: TraceBuilder, store: string, parent: Span, offset: number, duration: number): Span {
  const look = STORES[store];
  return builder.add({
    service: parent.service,
    name: look?.name ?? `GET ${store}`,
    kind: "client",
    parent_id: parent.span_id,
    depth: parent.depth + 1,
    offset_ns: offset,
    duration_ns: duration,
    scope: look ? `opentelemetry.instrumentation.${store}@0.60b0` : "opentelemetry.instrumentation.httpx@0.60b0",
    attributes: look?.attributes ?? { "http.request.method": "GET", "server.address": `${store}.internal`, "server.port": 8000 },
  });
}

/** What the handler calls, one after the other in the time it awaits; other services answer with server spans. */
function calls(builder: TraceBuilder, span: Span, shape: RouteShape | undefined): void {
  const targets = shape?.calls ?? [];
  if (!span.states || targets.length === 0) return;
  const begin = span.offset_ns + span.states.queue + span.states.read + span.states.schedule + Math.floor(span.states.run * 0.3);
  const each = Math.floor(span.states.await / targets.length);
  targets.forEach((target, index) => {
    const offset = begin + index * each;
    const call = clientSpan(builder, target, span, offset, Math.floor(each * 0.94));
    const remote = ROUTES.find((route) => route.service === target);
    if (!remote || span.depth > 4) return;
    const inner = { offset: offset + Math.floor(each * 0.06), duration: Math.floor(each * 0.82), parent: call };
    calls(builder, serverSpan(builder, target, remote, inner), remote);
  });
  span.self_ns = span.duration_ns - Math.floor(each * 0.94) * targets.length;
}

/** States in order of time: the handler runs, awaits and runs again. */
function timelineOf(states: States, random: Random): TimelineItem[] {
  const split = random.between(0.2, 0.6);
  const runs = [Math.floor(states.run * split), states.run - Math.floor(states.run * split)];
  const items: [State, number][] = [
    ["queue", states.queue], ["read", states.read], ["schedule", states.schedule], ["run", runs[0] ?? 0],
    ["await", states.await], ["run", runs[1] ?? 0], ["write", states.write],
  ];
  return items.filter(([, ns]) => ns > 0).map(([state, duration_ns]) => ({ state, duration_ns }));
}

function addError(root: Span, request: Request): void {
  root.status_message = request.error_type;
  root.attributes["error.type"] = request.error_type ?? "500";
  if (request.end_reason !== "handler_error") return;
  root.events.push({
    offset_ns: root.offset_ns + Math.floor(root.duration_ns * 0.9),
    name: "exception",
    attributes: {
      "exception.type": "shop.checkout.payments.PaymentDeclined",
      "exception.message": "card expired",
      "exception.stacktrace": STACK,
    },
  });
}

function addLogs(builder: TraceBuilder, root: Span, request: Request): void {
  const log = (share: number, severity: number, text: string, body: string): void => {
    builder.logs.push({
      span_id: root.span_id,
      offset_ns: Math.floor(root.duration_ns * share),
      severity,
      severity_text: text,
      body,
      service: root.service,
      attributes: { "code.file.path": `/srv/shop/${root.service}/handlers.py`, "code.line.number": 42 },
    });
  };
  log(0.12, 9, "INFO", `handling ${request.method ?? ""} ${request.path ?? request.name}`);
  if (request.duration_ns > 2e8) log(0.7, 13, "WARN", "upstream took longer than 200 ms");
  if (request.error) log(0.91, 17, "ERROR", `request failed: ${request.error_type ?? "unknown"}`);
  root.events.push({ offset_ns: Math.floor(root.duration_ns * 0.3), name: "cache_miss", attributes: { "cache.key": "product:17" } });
}

/** A clock that is off, a link to another trace, and a span whose parent never came. */
function addOddities(builder: TraceBuilder, root: Span): void {
  const remote = builder.spans.find((span) => span.kind === "server" && span !== root);
  if (remote) {
    remote.skew_ns = -3_200_000;
    builder.problems.push({ span_id: remote.span_id, ...NOWHERE, kind: "clock_skew", message: `the clock of ${remote.service} was 3.20 ms ahead; corrected` });
    remote.links.push({ trace_id: builder.random.hex(32), span_id: builder.random.hex(16), attributes: { "link.reason": "batch" } });
  }
  if (builder.random.chance(0.3)) {
    const orphan = builder.add({
      service: root.service, name: "send receipt", kind: "producer", parent_id: builder.random.hex(16),
      offset_ns: Math.floor(root.duration_ns * 0.6), duration_ns: Math.floor(root.duration_ns * 0.1),
    });
    builder.problems.push({ span_id: orphan.span_id, ...NOWHERE, kind: "missing_parent", message: `its parent ${orphan.parent_id ?? ""} has not arrived` });
  }
}

function finish(builder: TraceBuilder, request: Request): Trace {
  const root = builder.spans[0];
  const longest = builder.spans.filter((span) => span.parent_id === root?.span_id).sort((one, other) => other.duration_ns - one.duration_ns)[0];
  const path = [root, longest].filter((span) => span !== undefined);
  return {
    trace_id: request.trace_id,
    start_us: request.start_us,
    duration_ns: Math.max(...builder.spans.map((span) => span.offset_ns + span.duration_ns)),
    services: builder.services.map((name) => ({
      name,
      skew_ns: builder.spans.find((span) => span.service === name)?.skew_ns ?? 0,
      resource: {
        "service.name": name,
        "service.version": "2.4.1",
        "host.name": `${name}-7d9f`,
        "process.pid": 4100 + name.length,
        "telemetry.sdk.name": name === "payments" ? "opentelemetry" : "wirespan",
        "telemetry.sdk.language": "python",
      },
    })),
    spans: builder.spans,
    logs: builder.logs,
    critical_path: path.map(({ span_id, offset_ns, duration_ns }) => ({ span_id, offset_ns, duration_ns })),
    problems: builder.problems,
    logs_truncated: false,
  };
}

