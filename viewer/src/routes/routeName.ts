/** A route's identity: as a key in the URL, as a title, and as filters that find its requests. */

import type { RouteName } from "../contract.ts";
import { filterQuery } from "../filters.ts";

/** `checkout POST /orders`; `-` stands for what is not there. */
export function routeKey({ service, method, route }: RouteName): string {
  return [service, method ?? "-", route ?? "-"].join(" ");
}

/** `POST /orders`, or the name of a span that is not HTTP. */
export function routeTitle({ method, route }: RouteName): string {
  return [method, route ?? (method ? "(no route)" : "(no name)")].filter(Boolean).join(" ");
}

/** Whether its method, route and service have all words of a text, whatever their case. */
export function isFound(route: RouteName, find: string): boolean {
  const text = `${routeTitle(route)} ${route.service}`.toLowerCase();
  return find.toLowerCase().split(/\s+/).every((word) => text.includes(word));
}

/** The filters with those that only this route's requests pass. An empty value asks for requests that have none. */
export function routeQuery(filters: URLSearchParams, { service, method, route }: RouteName): URLSearchParams {
  const narrowed = filterQuery(filters);
  narrowed.set("service", service);
  narrowed.set("method", method ?? "");
  narrowed.set("route", route ?? "");
  return narrowed;
}
