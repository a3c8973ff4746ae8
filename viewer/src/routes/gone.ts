/** Routes that have requests only in the earlier of two periods. */

import type { RouteComparison, RouteName, RouteRow } from "../contract.ts";
import { withRange } from "../timerange.ts";
import { baseOf } from "./period.ts";
import { routeQuery } from "./routeName.ts";

export const isGone = ({ count }: Pick<RouteRow, "count">): boolean => count === 0;

/** Rows of the table for them, without numbers of now. */
export function goneRows(compared: readonly RouteComparison[]): RouteRow[] {
  return compared
    .filter(({ now, base }) => isGone(now) && base !== null)
    .map(({ service, method, route, now }) => ({ service, method, route, ...now, total_ns: 0, verdict: null }));
}

/** The filters that find a route's requests: those of then, where there are none now. */
export function requestsQuery(filters: URLSearchParams, row: RouteName & Pick<RouteRow, "count">): URLSearchParams {
  const base = isGone(row) ? baseOf(filters) : null;
  const range = base && withRange(filters, { since: base.base_since, until: base.base_until });
  return routeQuery(range ?? filters, row);
}
