/**
 * The requests that Live shows, in order of arrival, and the cursor for more. Batches come from the stream, from the
 * page that fills a gap after a reconnect, and from scrolling to older ones; they may overlap. No more than `MOST`.
 */

import type { Request } from "../contract.ts";

export const MOST = 20_000;

/** Trimmed only when so many are too many: cutting an array of 20,000 for each batch would cost more than it saves. */
const SLACK = 2_000;

export class RequestBuffer {
  /** Oldest first; `seq` rises strictly. */
  items: readonly Request[] = [];
  /** `before` for the next older page; null when all older ones are here. */
  older: number | null = null;

  get newestSeq(): number {
    return this.items.at(-1)?.seq ?? -1;
  }

  /** Takes a batch in any order. The newest push out the oldest. */
  add(batch: readonly Request[]): void {
    if (batch.length === 0) return;
    const rising = [...batch].sort((one, other) => one.seq - other.seq);
    this.items = merge(this.items, rising);
    if (this.items.length > MOST + SLACK) {
      this.items = this.items.slice(-MOST);
      this.older = this.items[0]?.seq ?? null;
    }
  }

  clear(): void {
    this.items = [];
    this.older = null;
  }
}

/** Place of a request counted from the newest, -1 when it is not among these. */
export function indexOf(items: readonly Request[], seq: number): number {
  const at = place(items, seq);
  return items[at]?.seq === seq ? items.length - 1 - at : -1;
}

/** @param index - counted from the newest */
export function fromNewest(items: readonly Request[], index: number): Request | undefined {
  return index < 0 ? undefined : items[items.length - 1 - index];
}

/** Those that had arrived when `seq` was the newest. */
export function upTo(items: readonly Request[], seq: number): readonly Request[] {
  return items.slice(0, place(items, seq + 1));
}

function merge(have: readonly Request[], rising: readonly Request[]): readonly Request[] {
  const first = rising[0]?.seq ?? 0;
  const last = have.at(-1)?.seq ?? -1;
  if (first > last) return [...have, ...withoutRepeats(rising)];
  const at = place(have, first);
  const rest = [...have.slice(at), ...rising].sort((one, other) => one.seq - other.seq);
  return [...have.slice(0, at), ...withoutRepeats(rest)];
}

function withoutRepeats(rising: readonly Request[]): Request[] {
  return rising.filter((request, index) => request.seq !== rising[index - 1]?.seq);
}

/** Index of the first item whose seq is not below this one. */
function place(items: readonly Request[], seq: number): number {
  let [low, high] = [0, items.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((items[middle]?.seq ?? 0) < seq) low = middle + 1;
    else high = middle;
  }
  return low;
}
