/** Where the user is: a path that names the page and a query that holds what it shows. Both are signals. */

import { computed, signal } from "@preact/signals";

export type PageName = "live" | "trace" | "routes" | "services" | "inflight" | "unknown";

interface Place {
  path: string;
  search: string;
}

const here = (): Place => ({ path: window.location.pathname, search: window.location.search });

const place = signal<Place>(here());

export const path = computed(() => place.value.path);

/** The query of the page; never change it in place, `navigate` instead. */
export const query = computed(() => new URLSearchParams(place.value.search));

export const page = computed<{ name: PageName; traceId: string }>(() => readPath(path.value));

/** What a path means. The server answers each of these with the same page. */
export function readPath(text: string): { name: PageName; traceId: string } {
  const [first = "", second = ""] = text.split("/").slice(1);
  if (first === "" || first === "live") return { name: "live", traceId: "" };
  if (first === "traces" && second) return { name: "trace", traceId: second };
  if (first === "routes" || first === "services" || first === "inflight") return { name: first, traceId: "" };
  return { name: "unknown", traceId: "" };
}

/** Goes to a path; `query` may be empty. `replace` leaves no entry to go back to. */
export function navigate(to: string, search: URLSearchParams = new URLSearchParams(), replace = false): void {
  const address = addressOf(to, search);
  if (replace) window.history.replaceState(null, "", address);
  else window.history.pushState(null, "", address);
  place.value = here();
}

/** Stays on the page with another query. */
export function setQuery(search: URLSearchParams, replace = false): void {
  navigate(place.value.path, search, replace);
}

export function addressOf(to: string, search: URLSearchParams): string {
  const text = search.toString();
  return text ? `${to}?${text}` : to;
}

/** Follows back and forward, and clicks on links of our own that no modifier sends elsewhere. */
export function startRouter(): void {
  window.addEventListener("popstate", () => {
    place.value = here();
  });
  document.addEventListener("click", (event) => {
    const link = event.target instanceof Element ? event.target.closest("a") : null;
    if (!link || !isOurs(link, event)) return;
    event.preventDefault();
    navigate(link.pathname, new URLSearchParams(link.search));
  });
}

function isOurs(link: HTMLAnchorElement, event: MouseEvent): boolean {
  const isPlain = event.button === 0 && !event.ctrlKey && !event.metaKey && !event.shiftKey && !event.altKey;
  const isHere = link.origin === window.location.origin && !link.hasAttribute("download") && !link.target;
  return isPlain && isHere && readPath(link.pathname).name !== "unknown" && !event.defaultPrevented;
}
