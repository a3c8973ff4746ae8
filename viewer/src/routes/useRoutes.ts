/** The data of the page: routes of the chosen time range, and where two periods are compared, both. */

import { api, type ApiError, type RouteComparison, type RouteRow } from "../api.ts";
import { filterQuery } from "../filters.ts";
import { useLoad } from "../load.ts";
import { query } from "../router.ts";
import { baseOf } from "./period.ts";
import { routeKey } from "./routeName.ts";

export const EVERY_MS = 5000;
const MOST = "1000";

export interface RouteData {
  rows: RouteRow[];
  /** By key; null where nothing is compared. */
  compared: Map<string, RouteComparison> | null;
  sinceUs: number;
  untilUs: number;
  error: ApiError | null;
  isLoading: boolean;
  reload: () => void;
}

/** A range with an end does not change any more: it is asked for once. */
export const refreshMs = (asked: URLSearchParams): number => (asked.has("until") ? 0 : EVERY_MS);

export function useRoutes(): RouteData {
  const asked = filterQuery(query.value);
  asked.set("limit", MOST);
  const base = baseOf(query.value);
  const both = new URLSearchParams(asked);
  if (base) for (const [name, value] of Object.entries(base)) both.set(name, value as string);
  const routes = useLoad(asked.toString(), (signal) => api.routes(asked, signal), refreshMs(asked));
  const comparison = useLoad(
    base ? `two ${both.toString()}` : "one",
    (signal) => (base ? api.compareRoutes(both, signal) : Promise.resolve(null)),
    base ? refreshMs(asked) : 0,
  );
  const compared = base && comparison.data ? new Map(comparison.data.routes.map((row) => [routeKey(row), row])) : null;
  return {
    rows: routes.data?.routes ?? [],
    compared,
    sinceUs: routes.data?.since_us ?? 0,
    untilUs: routes.data?.until_us ?? 0,
    error: routes.error ?? (base ? comparison.error : null),
    isLoading: routes.isLoading,
    reload: routes.reload,
  };
}
