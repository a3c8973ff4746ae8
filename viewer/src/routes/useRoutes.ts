/** The data of the page: routes of the chosen time range, and where two periods are compared, both. */

import { api, type ApiError, type RouteComparison, type RouteRow } from "../api.ts";
import { filterQuery } from "../filters.ts";
import { useLoad } from "../load.ts";
import { query } from "../router.ts";
import { baseOf, type Base } from "./period.ts";
import { goneRows } from "./gone.ts";
import { routeKey } from "./routeName.ts";

export const EVERY_MS = 5000;
const MOST = "1000";

export interface RouteData {
  /** Those that are gone come last. */
  rows: RouteRow[];
  /** By key; null where nothing is compared. */
  compared: Map<string, RouteComparison> | null;
  /** When the routes came, Unix microseconds. */
  loadedUs: number;
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
  const routes = useLoad(asked.toString(), (signal) => api.routes(asked, signal), refreshMs(asked));
  const comparison = useComparison(asked, base);
  return {
    rows: [...(routes.data?.routes ?? []), ...goneRows(comparison.data?.routes ?? [])],
    compared: comparison.data && new Map(comparison.data.routes.map((row) => [routeKey(row), row])),
    loadedUs: routes.loadedUs,
    error: routes.error ?? comparison.error,
    isLoading: routes.isLoading,
    reload: routes.reload,
  };
}

/** Asks nothing where nothing is compared. */
function useComparison(asked: URLSearchParams, base: Base | null) {
  const both = new URLSearchParams([...asked, ...Object.entries(base ?? {})] as [string, string][]);
  return useLoad(
    base ? both.toString() : "",
    (signal) => (base ? api.compareRoutes(both, signal) : Promise.resolve(null)),
    base ? refreshMs(asked) : 0,
  );
}
