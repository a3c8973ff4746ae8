/** The mock of the viewer's HTTP API: the whole contract, over invented traffic that goes on. */

import type { IncomingMessage, ServerResponse } from "node:http";
import type { Request, Status } from "../src/contract.ts";
import { attributesOf, filterOf, instantOf, WrongFilter } from "./filter.ts";
import { inflightNow } from "./inflight.ts";
import { METRICS, metricSeries } from "./metrics.ts";
import { Random } from "./random.ts";
import { sceneOf } from "./scenes.ts";
import { comparisons, heatmap, routeRows, routeSeries, serviceMap } from "./summary.ts";
import { makeLargeTrace, makeTrace } from "./trace.ts";
import { makeRequest } from "./traffic.ts";

export interface MockOptions {
  /** Requests in the past hour when it starts; 0 for the first run. */
  history: number;
  /** New requests a second. */
  rate: number;
}

/** Trace ids of all zeros and a number are traces of so many spans. */
const LARGE_TRACE = /^0{20}(\d{12})$/;
const HOUR_US = 3_600_000_000;
const TICK_MS = 100;

type Answer = (query: URLSearchParams, path: string) => unknown;

export class MockApi {
  readonly requests: Request[] = [];
  /** While true, every request is cut off, as when the viewer was stopped. */
  isDown = false;
  rate: number;
  /** How many requests one answer looks through for an attribute or a text: real ones look for a quarter of a second. */
  searched = Infinity;
  /** While set, every answer is a 503 with this message, as while the viewer starts or its disk is full. */
  refusal: string | null = null;
  /** What senders must know; null where none is needed. */
  token: string | null = null;

  readonly #random = new Random(20261122);
  readonly #streams = new Set<{ response: ServerResponse; test: (request: Request) => boolean }>();
  readonly #timer: NodeJS.Timeout;
  readonly #inflightTimer: NodeJS.Timeout;
  #owed = 0;

  constructor({ history = 4000, rate = 6 }: Partial<MockOptions> = {}) {
    this.rate = rate;
    const now = Date.now() * 1000;
    for (let index = 0; index < history; index++) this.#append(now - HOUR_US + HOUR_US * unevenly(index / history));
    this.#timer = setInterval(() => this.#tick(), TICK_MS).unref();
    this.#inflightTimer = setInterval(() => this.#sendAll("inflight", inflightNow()), 1000).unref();
  }

  close(): void {
    clearInterval(this.#timer);
    clearInterval(this.#inflightTimer);
    for (const { response } of this.#streams) response.destroy();
  }

  /** Adds requests now and tells the streams, as a batch from an exporter would. */
  add(count: number, change: Partial<Request> = {}): Request[] {
    const added = Array.from({ length: count }, () => this.#append(Date.now() * 1000, change));
    this.#publish(added);
    return added;
  }

  /** @returns false for an address that is not the API's. */
  handle(request: IncomingMessage, response: ServerResponse): boolean {
    const address = new URL(request.url ?? "/", "http://mock");
    if (!address.pathname.startsWith("/api/")) return false;
    if (this.isDown) {
      request.socket.destroy();
      return true;
    }
    if (this.refusal !== null) {
      json(response, 503, { error: { message: this.refusal, parameter: null } });
      return true;
    }
    try {
      if (address.pathname === "/api/requests/stream") this.#stream(request, response, address.searchParams);
      else this.#answer(request, response, address);
    } catch (error) {
      if (!(error instanceof WrongFilter)) throw error;
      json(response, 400, { error: { message: error.message, parameter: error.parameter } });
    }
    return true;
  }

  #answer(request: IncomingMessage, response: ServerResponse, address: URL): void {
    if (request.method === "DELETE" && address.pathname === "/api/data") {
      this.requests.length = 0;
      response.writeHead(204).end();
      return;
    }
    const answer = this.#answers.find(([pattern]) => pattern.test(address.pathname))?.[1];
    const body = answer?.(address.searchParams, address.pathname);
    if (body === undefined) json(response, 404, { error: { message: `There is no ${address.pathname} here.`, parameter: null } });
    else json(response, 200, body);
  }

  readonly #answers: readonly [RegExp, Answer][] = [
    [/^\/api\/requests$/, (query) => this.#page(query)],
    [/^\/api\/traces\/[0-9a-f]+$/, (_query, path) => this.#trace(path.split("/")[3] ?? "")],
    [/^\/api\/traces\/[0-9a-f]+\/export$/, (_query, path) => this.#trace(path.split("/")[3] ?? "")],
    [/^\/api\/routes$/, (query) => this.#routes(query)],
    [/^\/api\/routes\/compare$/, (query) => this.#compare(query)],
    [/^\/api\/routes\/series$/, (query) => this.#series(query)],
    [/^\/api\/token$/, () => ({ token: this.token ?? "" })],
    [/^\/api\/heatmap$/, (query) => this.#heatmap(query)],
    [/^\/api\/services$/, (query) => this.#services(query)],
    [/^\/api\/inflight$/, () => (this.requests.length ? inflightNow() : { servers: [] })],
    [/^\/api\/status$/, () => this.#status()],
    [/^\/api\/attributes$/, (query) => this.#attributes(query)],
    [/^\/api\/metrics$/, () => ({ metrics: this.requests.length ? METRICS : [] })],
    [/^\/api\/metrics\/series$/, (query) => ({ series: metricSeries(query.get("name") ?? "", query.get("service") ?? "") })],
    [/^\/api\/sql$/, () => ({ columns: ["requests"], rows: [[this.requests.length]], truncated: false })],
  ];

  #page(query: URLSearchParams): unknown {
    const limit = Number(query.get("limit") ?? 100);
    const before = Number(query.get("before") ?? Infinity);
    const after = Number(query.get("after") ?? -1);
    const isCostly = query.has("attr") || query.has("text");
    const older = this.requests.filter(({ seq }) => seq < before && seq > after);
    const looked = isCostly ? older.slice(-this.searched) : older;
    const found = looked.filter(filterOf(query));
    const page = found.slice(-limit).reverse();
    const rest = looked.length < older.length ? looked[0]?.seq ?? null : null;
    return { requests: page, next: found.length > limit ? page.at(-1)?.seq ?? null : rest };
  }

  #trace(id: string): unknown {
    const scene = sceneOf(id);
    if (scene) return scene;
    const large = LARGE_TRACE.exec(id);
    if (large) return makeLargeTrace(id, Number(large[1]));
    const request = this.requests.find((one) => one.trace_id === id);
    return request && makeTrace(request);
  }

  #routes(query: URLSearchParams): unknown {
    const { since, until, seconds } = this.#period(query);
    return { since_us: since, until_us: until, routes: routeRows(this.#select(query), seconds) };
  }

  #compare(query: URLSearchParams): unknown {
    const base = new URLSearchParams(query);
    base.set("since", query.get("base_since") ?? "-2h");
    base.set("until", query.get("base_until") ?? "-30m");
    const [now, before] = [this.#period(query), this.#period(base)];
    return {
      since_us: now.since,
      until_us: now.until,
      base_since_us: before.since,
      base_until_us: before.until,
      routes: comparisons({ requests: this.#select(query), seconds: now.seconds }, { requests: this.#select(base), seconds: before.seconds }),
    };
  }

  #services(query: URLSearchParams): unknown {
    const { since, until } = this.#period(query);
    return serviceMap(this.#select(query), since, until);
  }

  #heatmap(query: URLSearchParams): unknown {
    const { since, until } = this.#period(query);
    return heatmap(this.#select(query), since, until, Number(query.get("steps") ?? 60));
  }

  #series(query: URLSearchParams): unknown {
    const { since, until } = this.#period(query);
    return routeSeries(this.#select(query), since, until, Number(query.get("steps") ?? 60));
  }

  #period(query: URLSearchParams): { since: number; until: number; seconds: number } {
    const oldest = this.requests[0]?.start_us ?? Date.now() * 1000;
    const since = query.get("since") ? instantOf("since", query.get("since") ?? "") : oldest;
    const until = query.get("until") ? instantOf("until", query.get("until") ?? "") : Date.now() * 1000;
    return { since, until, seconds: Math.max(1, (until - since) / 1e6) };
  }

  #select(query: URLSearchParams): Request[] {
    return this.requests.filter(filterOf(query));
  }

  #status(): Status {
    const count = this.requests.length;
    return {
      version: "0.1.0",
      spans: count * 4,
      requests: count,
      logs: count * 2,
      metric_points: count ? 1200 : 0,
      bytes: count * 1400,
      problem: null,
      oldest_us: this.requests[0]?.start_us ?? null,
      newest_us: this.requests.at(-1)?.start_us ?? null,
      rate: this.rate,
      address: "127.0.0.1:4318",
      token_required: this.token !== null,
    };
  }

  #attributes(query: URLSearchParams): unknown {
    const newest = this.requests.slice(-500).map(attributesOf);
    const key = query.get("key");
    if (key) return { values: [...new Set(newest.map((attributes) => attributes[key]).filter(Boolean))].sort() };
    const prefix = query.get("prefix") ?? "";
    return { keys: [...new Set(newest.flatMap((attributes) => Object.keys(attributes)))].filter((name) => name.startsWith(prefix)).sort() };
  }

  #stream(request: IncomingMessage, response: ServerResponse, query: URLSearchParams): void {
    const stream = { response, test: filterOf(query) };
    response.writeHead(200, { "content-type": "text/event-stream", "cache-control": "no-store" });
    const last = Number(request.headers["last-event-id"] ?? query.get("after") ?? NaN);
    const missed = this.requests.filter((one) => one.seq > last && stream.test(one)).slice(-1000);
    if (missed.length) response.write(requestsEvent(missed));
    response.write(event("inflight", this.requests.length ? inflightNow() : { servers: [] }));
    this.#streams.add(stream);
    response.on("close", () => this.#streams.delete(stream));
  }

  #tick(): void {
    this.#owed += (this.rate * TICK_MS) / 1000;
    const count = Math.floor(this.#owed);
    this.#owed -= count;
    if (count && !this.isDown) this.add(count);
    if (this.isDown) for (const { response } of this.#streams) response.destroy();
  }

  #append(endUs: number, change: Partial<Request> = {}): Request {
    const request = { ...makeRequest((this.requests.at(-1)?.seq ?? 0) + 1, endUs, this.#random), ...change };
    this.requests.push(request);
    return request;
  }

  #publish(requests: Request[]): void {
    for (const { response, test } of this.#streams) {
      const wanted = requests.filter(test);
      if (wanted.length) response.write(requestsEvent(wanted));
    }
  }

  #sendAll(name: string, body: unknown): void {
    if (this.requests.length) for (const { response } of this.#streams) response.write(event(name, body));
  }
}

/** Busy and quiet times: a rising share of the hour for a rising share of the requests. */
function unevenly(share: number): number {
  const swing = (at: number) => 0.02 * Math.sin(at * 21) + 0.007 * Math.sin(at * 47);
  return share + swing(share) - swing(1) * share;
}

function requestsEvent(requests: Request[]): string {
  return `id: ${requests.at(-1)?.seq ?? 0}\n${event("requests", { requests })}`;
}

function event(name: string, body: unknown): string {
  return `event: ${name}\ndata: ${JSON.stringify(body)}\n\n`;
}

function json(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
}
