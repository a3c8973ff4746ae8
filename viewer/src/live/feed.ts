/**
 * The feed behind Live: a page of what is stored, then the stream. It outlives the page component, so that a look at a
 * trace and back finds the list as it was.
 *
 * Order of a start: load the newest page (a wrong filter shows here), open the stream, and once it is open load what
 * came in between. The same on each reconnect: nothing is missed, and what comes twice is merged by `seq`.
 *
 * Filters on attributes and text are costly: the API answers after a quarter of a second with what it found by then,
 * which may be nothing, and with where to go on. Such a search goes on by itself until a page is full, the beginning is
 * reached, or the user stops it.
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

/** A search that has not come to its end. */
export interface Search {
  isStopped: boolean;
  /** How far back it has looked, Unix microseconds; null where that is not known yet. */
  backToUs: number | null;
}

export type FeedState = "loading" | "live" | "lost" | "refused";

class Feed {
  readonly state = signal<FeedState>("loading");
  readonly error = signal<ApiError | null>(null);
  /** Rises with each change of the buffer: components read it to be drawn again. */
  readonly version = signal(0);
  /** Requests a second that match the filters, over the last seconds; null while that is not known. */
  readonly rate = signal<number | null>(null);
  readonly buffer = new RequestBuffer();
  /** Null while nothing is searched in parts. */
  readonly search = signal<Search | null>(null);

  #filters: string | null = null;
  #source: EventSource | null = null;
  #waiting: Request[] = [];
  #flushTimer = 0;
  #retryTimer = 0;
  #rateTimer = 0;
  #retries = 0;
  #turn = 0;
  /** The turn in which older requests are being loaded. */
  #loadingTurn = -1;
  /** Whether the first page with these filters is here. */
  #hasBegun = false;
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
      this.search.value = null;
      this.#hasBegun = false;
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
    this.search.value = null;
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

  /** The next older page, when the user scrolls to the end; and where a search is stopped, on with it. */
  async loadOlder(): Promise<void> {
    const { older } = this.buffer;
    const turn = this.#turn;
    if (older === null || this.#loadingTurn === turn || this.isCleared) return;
    this.#loadingTurn = turn;
    try {
      await this.#searchBack(turn, this.buffer.items.length + PAGE, older);
    } catch {
      // The next scroll asks again, or the user does.
      if (turn === this.#turn) this.stopSearch();
    } finally {
      if (this.#loadingTurn === turn) this.#loadingTurn = -1;
    }
  }

  /** Leaves a search where it is. */
  stopSearch(): void {
    this.#changeSearch({ isStopped: true });
  }

  #changeSearch(part: Partial<Search>): void {
    const search = this.search.peek();
    if (search) this.search.value = { ...search, ...part };
  }

  /** Whether an older page is the next one: not when the user went elsewhere, or the list began anew. */
  #fits(turn: number, before: number): boolean {
    return turn === this.#turn && this.buffer.older === before;
  }

  /** Asked after each wait: the page or the user may have gone elsewhere meanwhile. */
  #isStopped(turn: number): boolean {
    return turn !== this.#turn || (this.search.value?.isStopped ?? false);
  }

  /** Page after page until so many are here, the beginning is reached, or the search is stopped. */
  async #searchBack(turn: number, wanted: number, from: number): Promise<void> {
    this.#changeSearch({ isStopped: false });
    for (let before: number | null = from; before !== null; before = this.buffer.older) {
      const page: RequestPage = await this.#page({ limit: PAGE, before });
      if (!this.#fits(turn, before)) return;
      this.#take(page);
      if (!this.#isPartial(page, PAGE) || this.buffer.items.length >= wanted) break;
      await this.#tellSearch(turn, page.next);
      if (this.#isStopped(turn)) return;
    }
    this.search.value = null;
  }

  /** The cursor is a number; the request there, whatever it is, has the time. */
  async #tellSearch(turn: number, cursor: number | null): Promise<void> {
    this.search.value ??= { isStopped: false, backToUs: null };
    if (cursor === null) return;
    const there = await api.requests({ limit: 1, before: cursor + 1 }).catch(() => null);
    const backToUs = there?.requests[0]?.start_us;
    if (turn === this.#turn && backToUs) this.#changeSearch({ backToUs });
  }

  async #connect(): Promise<void> {
    this.stop();
    const turn = this.#turn;
    try {
      if (this.#hasBegun) await this.#fillGap(turn);
      else await this.#loadNewest(turn);
      if (turn !== this.#turn) return;
      this.#open(turn);
      if (this.search.value && !this.search.value.isStopped) void this.loadOlder();
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
    if (turn !== this.#turn) return;
    this.#take(page);
    this.#hasBegun = true;
    if (!this.#isPartial(page, PAGE)) return;
    this.search.value = { isStopped: false, backToUs: null };
    void this.loadOlder();
  }

  /** What came since the newest one here. More than one page of it: the list starts anew, without a hole. */
  async #fillGap(turn: number): Promise<void> {
    const after = Math.max(this.buffer.newestSeq, this.#clearedUpTo);
    const paging: Record<string, number> = after < 0 ? { limit: PAGE } : { limit: GAP_PAGE, after };
    for (let next: number | null = Infinity; next !== null; ) {
      const page: RequestPage = await this.#page(next === Infinity ? paging : { ...paging, before: next });
      if (turn !== this.#turn) return;
      if (after >= 0 && page.requests.length >= GAP_PAGE) {
        this.buffer.clear();
        this.#take(page);
        return;
      }
      this.#add(page);
      next = after >= 0 && this.#isPartial(page, GAP_PAGE) ? page.next : null;
    }
  }

  #take(page: RequestPage): void {
    this.buffer.older = page.next;
    this.#add(page);
  }

  #add({ requests }: RequestPage): void {
    this.buffer.add(requests.filter(({ seq }) => seq > this.#clearedUpTo));
    this.version.value++;
  }

  /** The server's time for a costly search was over before the page was full: there may be more. */
  #isPartial({ requests, next }: RequestPage, limit: number): boolean {
    const asked = new URLSearchParams(this.#filters ?? "");
    return next !== null && requests.length < limit && (asked.has("attr") || asked.has("text"));
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
