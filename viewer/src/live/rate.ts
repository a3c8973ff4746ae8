/** How many a second, over a window of some seconds that slides. */

const WINDOW_MS = 5000;

export class RateMeter {
  #batches: { at: number; count: number }[] = [];

  /** @param at - milliseconds on any clock that rises */
  count(count: number, at: number): void {
    this.#batches.push({ at, count });
  }

  rate(now: number): number {
    this.#batches = this.#batches.filter(({ at }) => now - at <= WINDOW_MS);
    return this.#batches.reduce((sum, { count }) => sum + count, 0) / (WINDOW_MS / 1000);
  }

  clear(): void {
    this.#batches = [];
  }
}
