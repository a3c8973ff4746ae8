/**
 * The feed behind Live: a page of what is stored, then the stream. It outlives the page component, so that a look at a
 * trace and back finds the list as it was.
 *
 * Order of a start: load the newest page (a wrong filter shows here), open the stream, and once it is open load what
 * came in between. The same on each reconnect: nothing is missed, and what comes twice is merged by `seq`.
 */

import { signal } from "@preact/signals";
import { api, ApiError, streamAddress, type Request, type RequestPage } from "../api.ts";
import { refreshStatus } from "../status.ts";
import { RequestBuffer } from "./buffer.ts";
import { RateMeter } from "./rate.ts";

const PAGE = 200;
/** Bounds of the API for one page. */
const GAP_PAGE = 1000;
/** At thousands a second nobody reads faster, and the page stays calm. */
const FLUSH_MS = 100;
const RATE_MS = 1000;
const RETRY_MS = [500, 1000, 2000, 4000] as const;

export type FeedState = "loading" | "live" | "lost" | "refused";

class Feed {
  readonly state = signal<FeedState>("loading");
  readonly error = signal<ApiError | null>(null);
  /** Rises with each change of the buffer: components read it to be drawn again. */
  readonly version = signal(0);
  /** Requests a second that match the filters, over the last seconds; null while that is not known. */
  readonly rate = signal<number | null>(null);
  readonly buffer = new RequestBuffer();

  #filters: string | null = null;
  #source: EventSource | null = null;
  #waiting: Request[] = [];
  #flushTimer = 0;
  #retryTimer = 0;
  #rateTimer = 0;
  #retries = 0;
  #turn = 0;
  #isLoadingOlder = false;
  #clearedUpTo = -1;
  readonly #meter = new RateMeter();

  /** Starts with these filters, or goes on where it was when they are the same. */
  start(filters: URLSearchParams): void {
    const key = filters.toString();
    if (key !== this.#filters) {
      this.#filters = key;
      this.buffer.clear();
      this.#waiting = [];
      this.error.value = null;
      this.state.value = "loading";
      this.version.value++;
    }
    void this.#connect();
  }

  stop(): void {
    this.#turn++;
    this.#source?.close();
    this.#source = null;
    window.clearTimeout(this.#retryTimer);
    window.clearTimeout(this.#flushTimer);
    window.clearInterval(this.#rateTimer);
    this.#flush();
  }

  /** Forgets what is shown. What comes from now on is shown again. */
  clear(): void {
    this.#flush();
    this.#clearedUpTo = Math.max(this.#clearedUpTo, this.buffer.newestSeq);
    this.buffer.clear();
    this.version.value++;
  }

  get isCleared(): boolean {
    return this.#clearedUpTo >= 0;
  }

  /** Shows again what `clear` forgot. */
  async restore(): Promise<void> {
    this.#clearedUpTo = -1;
    await this.#loadNewest(this.#turn);
  }

  /** The next older page, when the user scrolls to the end. */
  async loadOlder(): Promise<void> {
    const { older } = this.buffer;
    if (older === null || this.#isLoadingOlder || this.isCleared) return;
    this.#isLoadingOlder = true;
    try {
      this.#take(await this.#page({ limit: PAGE, before: older }));
    } catch {
      // The next scroll asks again.
    } finally {
      this.#isLoadingOlder = false;
    }
  }

  async #connect(): Promise<void> {
    this.stop();
    const turn = this.#turn;
    try {
      if (this.buffer.items.length) await this.#fillGap(turn);
      else await this.#loadNewest(turn);
      if (turn === this.#turn) this.#open(turn);
    } catch (error) {
      if (turn === this.#turn) this.#failed(error instanceof ApiError ? error : new ApiError(0, String(error)));
    }
  }

  #open(turn: number): void {
    const source = new EventSource(streamAddress(new URLSearchParams(this.#filters ?? "")));
    this.#source = source;
    source.onopen = () => {
      this.#retries = 0;
      this.state.value = "live";
      this.#meter.start(performance.now());
      this.#rateTimer = window.setInterval(() => (this.rate.value = this.#meter.rate(performance.now())), RATE_MS);
      this.error.value = null;
      void this.#fillGap(turn).catch(() => undefined);
    };
    source.onerror = () => {
      if (turn === this.#turn) this.#failed(new ApiError(0, "The stream broke."));
    };
    source.addEventListener("requests", (event) => {
      const { requests } = JSON.parse(String(event.data)) as { requests: Request[] };
      this.#meter.count(requests.length, performance.now());
      this.#waiting.push(...requests);
      this.#flushTimer ||= window.setTimeout(() => requestAnimationFrame(() => this.#flush()), FLUSH_MS);
    });
  }

  #flush(): void {
    this.#flushTimer = 0;
    const batch = this.#waiting.filter(({ seq }) => seq > this.#clearedUpTo);
    this.#waiting = [];
    if (batch.length === 0) return;
    this.buffer.add(batch);
    this.version.value++;
  }

  async #loadNewest(turn: number): Promise<void> {
    const page = await this.#page({ limit: PAGE });
    if (turn === this.#turn) this.#take(page);
  }

  /** What came since the newest one here. More than one page of it: the list starts anew, without a hole. */
  async #fillGap(turn: number): Promise<void> {
    const after = Math.max(this.buffer.newestSeq, this.#clearedUpTo);
    const page = await this.#page(after < 0 ? { limit: PAGE } : { limit: GAP_PAGE, after });
    if (turn !== this.#turn) return;
    if (after >= 0 && page.requests.length >= GAP_PAGE) this.buffer.clear();
    const { older } = this.buffer;
    this.#take(page);
    if (this.buffer.items.length > page.requests.length) this.buffer.older = older;
  }

  #take(page: RequestPage): void {
    this.buffer.add(page.requests.filter(({ seq }) => seq > this.#clearedUpTo));
    this.buffer.older = page.next;
    this.version.value++;
  }

  #page(paging: Record<string, number>): Promise<RequestPage> {
    const query = new URLSearchParams(this.#filters ?? "");
    for (const [name, value] of Object.entries(paging)) query.set(name, String(value));
    return api.requests(query);
  }

  /** A refused filter waits for another one; all else is tried again, ever more slowly. */
  #failed(error: ApiError): void {
    this.stop();
    this.error.value = error;
    if (error.status >= 400 && error.status < 500) {
      this.state.value = "refused";
      return;
    }
    this.state.value = "lost";
    void refreshStatus();
    const wait = RETRY_MS[Math.min(this.#retries++, RETRY_MS.length - 1)];
    this.#retryTimer = window.setTimeout(() => void this.#connect(), wait);
  }
}

export const feed = new Feed();
