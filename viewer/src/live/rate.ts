/** How many a second, over a window of some seconds that slides. */

const WINDOW_MS = 5000;
/** Just begun, a batch would look like a flood. */
const LEAST_MS = 1000;

export class RateMeter {
  #batches: { at: number; count: number }[] = [];
  #startedAt = 0;

  /** Forgets what was counted. @param at - milliseconds on any clock that rises, here and below */
  start(at: number): void {
    this.#batches = [];
    this.#startedAt = at;
  }

  count(count: number, at: number): void {
    this.#batches.push({ at, count });
  }

  /** Null until something came, or as long as nothing may still mean that the sender collects its first batch. */
  rate(now: number): number | null {
    this.#batches = this.#batches.filter(({ at }) => now - at <= WINDOW_MS);
    const ms = Math.min(WINDOW_MS, Math.max(LEAST_MS, now - this.#startedAt));
    if (this.#batches.length === 0 && ms < WINDOW_MS) return null;
    return (this.#batches.reduce((sum, { count }) => sum + count, 0) / ms) * 1000;
  }
}
