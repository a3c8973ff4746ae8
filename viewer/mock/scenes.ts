/** Traces of one shape each, at fixed ids: what the Trace page must show well, and what its browser tests look for. */

import type { CriticalPiece, LogRecord, Span, Trace, TraceProblem } from "../src/contract.ts";

const MS = 1_000_000;

const CHAINED_STACK = `Traceback (most recent call last):
  File "/srv/shop/payments/gateway.py", line 64, in _send
    return await self._client.post("/charge", json=body)
  File "/srv/venv/lib/python3.12/site-packages/httpx/_client.py", line 1859, in post
    return await self.request(
  File "/srv/venv/lib/python3.12/site-packages/httpx/_transports/default.py", line 118, in map_httpcore_exceptions
    raise mapped_exc(message) from exc
httpx.ReadTimeout: the bank did not answer within 2 s

The above exception was the direct cause of the following exception:

Traceback (most recent call last):
  File "/srv/shop/checkout/orders.py", line 88, in create_order
    receipt = await payments.charge(order.total, card=order.card)
              ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
  File "/srv/shop/checkout/payments.py", line 41, in charge
    raise PaymentUnavailable(order.id) from error
shop.checkout.payments.PaymentUnavailable: order 4711 was not charged`;

type Part = Partial<Span> & { name: string; service: string; at: number; ms: number; depth?: number };

class Scene {
  readonly spans: Span[] = [];
  readonly logs: LogRecord[] = [];
  readonly problems: TraceProblem[] = [];

  /** `at` and `ms` are milliseconds. */
  add({ at, ms, depth = 0, ...part }: Part): Span {
    const id = (this.spans.length + 1).toString(16).padStart(16, "0");
    const span: Span = {
      span_id: id,
      parent_id: depth ? this.spans.findLast((other) => other.depth === depth - 1)?.span_id ?? null : null,
      depth,
      kind: "internal",
      status: part.error ? "error" : "unset",
      status_message: null,
      error: false,
      offset_ns: Math.round(at * MS),
      skew_ns: 0,
      duration_ns: Math.round(ms * MS),
      self_ns: Math.round(ms * MS),
      states: null,
      timeline: null,
      http: null,
      end_reason: null,
      attributes: {},
      resource: 0,
      scope: "shop@1.0",
      events: [],
      links: [],
      ...part,
    };
    this.spans.push(span);
    return span;
  }

  server(part: Part & { status?: never; code?: number }, [queue, read, schedule, run, wait, write]: readonly number[] = [2, 1, 1, 20, 72, 4]): Span {
    const { code = 200, ...rest } = part;
    const share = (percent = 0): number => Math.floor((part.ms * MS * percent) / 100);
    const states = { queue: share(queue), read: share(read), schedule: share(schedule), run: share(run), await: share(wait), write: share(write) };
    states.run += Math.round(part.ms * MS) - Object.values(states).reduce((sum, ns) => sum + ns, 0);
    const first = Math.floor(states.run * 0.4);
    return this.add({
      kind: "server",
      states,
      timeline: [
        { state: "queue", duration_ns: states.queue },
        { state: "read", duration_ns: states.read },
        { state: "schedule", duration_ns: states.schedule },
        { state: "run", duration_ns: first },
        { state: "await", duration_ns: states.await },
        { state: "run", duration_ns: states.run - first },
        { state: "write", duration_ns: states.write },
      ],
      http: { method: part.name.split(" ")[0] ?? "GET", route: part.name.split(" ")[1] ?? "/", path: (part.name.split(" ")[1] ?? "/").replace("{number}", "4711"), status: code },
      end_reason: "completed",
      scope: "wirespan@0.1.0",
      attributes: {
        "http.request.method": part.name.split(" ")[0] ?? "GET",
        "http.response.status_code": code,
        "http.route": part.name.split(" ")[1] ?? "/",
        "client.address": "10.4.0.17",
        "network.protocol.version": "1.1",
        "server.address": `${part.service}.internal`,
        "url.scheme": "http",
        "user.id": "u17",
        "user.plan": "pro",
        "user_agent.original": "Mozilla/5.0 (X11; Linux x86_64; rv:142.0)",
      },
      ...rest,
    });
  }

  trace(traceId: string): Trace {
    const names = [...new Set(this.spans.map(({ service }) => service))];
    for (const span of this.spans) span.resource = names.indexOf(span.service);
    return {
      trace_id: traceId,
      start_us: (Date.now() - 3_600_000) * 1000,
      duration_ns: Math.max(...this.spans.map((span) => span.offset_ns + span.duration_ns)),
      services: names.map((name) => ({
        name,
        skew_ns: this.spans.find((span) => span.service === name && span.skew_ns)?.skew_ns ?? 0,
        resource: { "service.name": name, "service.version": "2.4.1", "host.name": `${name}-7d9f`, "process.pid": 4100 },
      })),
      spans: this.spans,
      logs: this.logs,
      critical_path: this.#critical(this.spans.filter(({ depth }) => depth === 0), null, Infinity).reverse(),
      problems: this.problems,
      logs_truncated: false,
    };
  }

  /** Going back from the end, always the child that ended last before the point reached. */
  #critical(children: Span[], span: Span | null, until: number): CriticalPiece[] {
    const found: CriticalPiece[] = [];
    const begin = span?.offset_ns ?? 0;
    let point = Math.min(until, span ? begin + span.duration_ns : Infinity);
    const own = (from: number): void => {
      if (span && point > from) found.push({ span_id: span.span_id, offset_ns: from, duration_ns: point - from });
    };
    for (const child of [...children].sort((one, other) => other.offset_ns + other.duration_ns - one.offset_ns - one.duration_ns)) {
      const end = Math.min(child.offset_ns + child.duration_ns, point);
      if (child.offset_ns >= point || (point !== Infinity && child.offset_ns + child.duration_ns > point && !span)) continue;
      own(end);
      found.push(...this.#critical(this.spans.filter(({ parent_id }) => parent_id === child.span_id), child, end));
      point = child.offset_ns;
    }
    own(begin);
    return found;
  }

  log(span: Span | null, at: number, severity: number, body: string): void {
    const text = severity >= 17 ? "ERROR" : severity >= 13 ? "WARNING" : "INFO";
    const attributes = { "code.file.path": "/srv/shop/orders.py", "code.line.number": 84 };
    this.logs.push({ span_id: span?.span_id ?? null, offset_ns: at * MS, severity, severity_text: text, body, service: span?.service ?? "checkout", attributes });
  }
}

function small(id: string): Trace {
  const scene = new Scene();
  scene.server({ name: "GET /health", service: "gateway", at: 0, ms: 0.42 }, [12, 6, 10, 56, 0, 16]);
  return scene.trace(id);
}

function deep(id: string): Trace {
  const scene = new Scene();
  const levels = 60;
  for (let depth = 0; depth < levels; depth++) {
    const name = depth ? `render section ${depth}` : "GET /page/{number}";
    const slot = { service: depth > 30 ? "templates" : "gateway", at: depth * 4, ms: 600 - depth * 9, depth };
    if (depth) scene.add({ name, ...slot, self_ns: 9 * MS });
    else scene.server({ name, ...slot });
  }
  return scene.trace(id);
}

function wide(id: string): Trace {
  const scene = new Scene();
  const root = scene.server({ name: "GET /products", service: "catalog", at: 0, ms: 900 });
  const count = 240;
  for (let index = 0; index < count; index++) {
    scene.add({
      name: `SELECT price ${index}`, service: "catalog", kind: "client", depth: 1, at: 18 + index * 3.6, ms: 2.2 + (index % 7) * 0.4,
      attributes: { "db.system.name": "postgresql", "db.query.text": "SELECT price FROM prices WHERE product = $1", "db.collection.name": "prices" },
    });
  }
  root.self_ns = 90 * MS;
  return scene.trace(id);
}

function failed(id: string): Trace {
  const scene = new Scene();
  const root = scene.server(
    { name: "POST /orders", service: "checkout", at: 0, ms: 2140, code: 500, error: true, end_reason: "handler_error" },
    [1, 2, 1, 3, 92, 1],
  );
  const stock = scene.add({ name: "UPDATE stock", service: "checkout", kind: "client", depth: 1, at: 74, ms: 21, attributes: { "db.system.name": "postgresql", "db.query.text": "UPDATE stock SET held = held + 1 WHERE product = $1" } });
  scene.add({ name: "POST payments", service: "checkout", kind: "client", depth: 1, at: 98, ms: 2001, error: true, attributes: { "error.type": "ReadTimeout", "server.address": "payments.internal", "http.request.method": "POST" } });
  const charge = scene.server({ name: "POST /charge", service: "payments", depth: 2, at: 101, ms: 1996, code: 504, error: true, end_reason: "handler_timeout" }, [61, 0, 12, 2, 25, 0]);
  scene.add({ name: "POST bank", service: "payments", kind: "client", depth: 3, at: 1560, ms: 530, error: true, status_message: "timed out", attributes: { "server.address": "bank.example", "error.type": "ReadTimeout" } });
  root.self_ns = 118 * MS;
  root.events.push({ offset_ns: 2104 * MS, name: "exception", attributes: { "exception.type": "shop.checkout.payments.PaymentUnavailable", "exception.message": "order 4711 was not charged", "exception.stacktrace": CHAINED_STACK } });
  root.links.push({ trace_id: `5ce${"0".repeat(25)}5a11`, span_id: "0000000000000001", attributes: { "link.reason": "retry of" } });
  charge.events.push({ offset_ns: 1555 * MS, name: "retry", attributes: { attempt: 2, "retry.delay_s": 0.4 } });
  scene.log(root, 76, 9, "order 4711 for u17: 3 items, 248.90 EUR");
  scene.log(charge, 1320, 13, "the queue of the bank's connections is full");
  scene.log(root, 2106, 17, "order 4711 failed: PaymentUnavailable");
  scene.log(null, 2110, 9, "audit: order 4711 failed");
  stock.events.push({ offset_ns: 80 * MS, name: "lock acquired", attributes: { "lock.wait_ms": 4.2 } });
  return scene.trace(id);
}

function skewed(id: string): Trace {
  const scene = new Scene();
  const root = scene.add({ name: "GET /page/{number}", service: "gateway", kind: "server", at: 0, ms: 310, self_ns: 128 * MS, http: { method: "GET", route: "/page/{number}", path: "/page/7", status: 200 } });
  scene.add({ name: "GET search", service: "gateway", kind: "client", depth: 1, at: 12, ms: 96, self_ns: 8 * MS });
  const search = scene.server({ name: "GET /search", service: "search", depth: 2, at: 16, ms: 88, skew_ns: -41.3 * MS }, [3, 1, 2, 71, 20, 3]);
  scene.add({ name: "search products", service: "search", kind: "client", depth: 3, at: 52, ms: 18, skew_ns: -41.3 * MS, attributes: { "db.system.name": "opensearch" } });
  scene.add({ name: "GET recommend", service: "gateway", kind: "client", depth: 1, at: 205, ms: 86, self_ns: 10 * MS });
  const recommend = scene.server({ name: "GET /recommend", service: "recommend", depth: 2, at: 210, ms: 76, skew_ns: 12.8 * MS });
  const after = scene.add({ name: "warm cache", service: "recommend", depth: 3, at: 262, ms: 74, skew_ns: 12.8 * MS });
  const orphan = scene.add({ name: "send receipt", service: "mail", kind: "consumer", at: 240, ms: 44, parent_id: "00000000deadbeef" });
  const problem = (span: Span, kind: TraceProblem["kind"], message: string, at: number | null = null, ms: number | null = null): void => {
    scene.problems.push({ span_id: span.span_id, kind, message, offset_ns: at === null ? null : at * MS, duration_ns: ms === null ? null : ms * MS });
  };
  problem(root, "gap", "97.0 ms from 108 ms on are in none of its children: a span there would show what it did", 108, 97);
  problem(search, "clock_skew", "shown 41.3 ms earlier than its sender says: by that clock it did not happen within its parent");
  problem(recommend, "clock_skew", "shown 12.8 ms later than its sender says: by that clock it did not happen within its parent");
  problem(after, "outlives_parent", "ends 50.0 ms after its parent", 286, 50);
  problem(orphan, "missing_parent", "the parent 00000000deadbeef is not here: it is late, was not sampled, or was never sent");
  return scene.trace(id);
}

/** Thirty services with long names, and an exception that came after its span had ended. */
function crowded(id: string): Trace {
  const scene = new Scene();
  const services = 30;
  for (let depth = 0; depth < services; depth++) {
    const name = depth ? `GET /hop/${depth}` : `GET /${Array.from({ length: 40 }, (_, index) => `segment-${index}`).join("/")}`;
    scene.server({ name, service: `service-${String(depth).padStart(2, "0")}-of-a-long-chain`, at: depth, ms: 90 - depth * 2, depth });
  }
  const late = scene.add({ name: "notify", service: "service-00-of-a-long-chain", depth: 1, at: 40, ms: 10, error: true });
  late.events.push({ offset_ns: 57 * MS, name: "exception", attributes: { "exception.type": "RuntimeError", "exception.message": "the span had ended" } });
  return scene.trace(id);
}

/** Young: a span more with every second that passes after it was first asked for. */
let firstAsked = 0;

function late(id: string): Trace {
  firstAsked ||= Date.now();
  const scene = new Scene();
  scene.server({ name: "POST /orders", service: "checkout", at: 0, ms: 400 });
  const count = Math.min(6, 1 + Math.floor((Date.now() - firstAsked) / 1000));
  for (let index = 1; index < count; index++) scene.add({ name: `late ${index}`, service: "stock", depth: 1, at: index * 40, ms: 60 });
  return { ...scene.trace(id), start_us: firstAsked * 1000 };
}

const SCENES: Record<string, (id: string) => Trace> = { "5a11": small, dee9: deep, "10de": wide, fa11: failed, "5ce3": skewed, "1a7e": late, c40d: crowded };

/** @returns undefined for an id that is no scene's */
export function sceneOf(traceId: string): Trace | undefined {
  const match = /^5ce0{25}(\w{4})$/.exec(traceId);
  return SCENES[match?.[1] ?? ""]?.(traceId);
}
