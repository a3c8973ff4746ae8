/** Moving through the list with keys: rows are named by `seq`, so that new ones above do not move the selection. */

import type { Request } from "../contract.ts";
import { fromNewest, indexOf } from "./buffer.ts";

/**
 * The row that many steps away, at most the ends of the list.
 *
 * @param step - positive is older, which is further down
 */
export function stepFrom(items: readonly Request[], seq: number | null, step: number): Request | undefined {
  const from = seq === null ? -1 : indexOf(items, seq);
  if (from < 0) return fromNewest(items, 0);
  return fromNewest(items, Math.min(items.length - 1, Math.max(0, from + step)));
}

/** The next older (1) or newer (-1) failed request; undefined when there is none that way. */
export function errorFrom(items: readonly Request[], seq: number | null, direction: 1 | -1): Request | undefined {
  const from = seq === null ? -1 : indexOf(items, seq);
  if (from < 0 && direction < 0) return undefined;
  for (let index = from + direction; index >= 0 && index < items.length; index += direction) {
    const request = fromNewest(items, index);
    if (request?.error) return request;
  }
  return undefined;
}
