/** Finds routes in the table by words in their method, route or service; the text is in the URL. */

import { useRef } from "preact/hooks";
import { Icon } from "../components/Icon.tsx";
import { useKeys } from "../keyboard.ts";
import { query, setQuery } from "../router.ts";
import { formatCount } from "../units.ts";

interface RouteFindProps {
  find: string;
  found: number;
  all: number;
}

export function RouteFind({ find, found, all }: RouteFindProps) {
  const input = useRef<HTMLInputElement>(null);
  useKeys("Routes", [{ keys: "f", label: "find a route", run: () => input.current?.select() }]);
  const keyed = (event: KeyboardEvent): void => {
    if (event.key !== "Escape") return;
    event.stopPropagation();
    if (find) change("");
    else input.current?.blur();
  };
  return (
    <div class="route-find" role="search" aria-label="Find in the table">
      <Icon name="search" size={14} />
      <input
        ref={input}
        type="search"
        aria-label="Find a route"
        placeholder="Find a route   f"
        value={find}
        onInput={(event) => change(event.currentTarget.value)}
        onKeyDown={keyed}
      />
      <span role="status" class={found ? "dim" : "none-found"}>
        {find.trim() && (found ? `${formatCount(found)} of ${formatCount(all)}` : "no route has these words")}
      </span>
    </div>
  );
}

function change(text: string): void {
  const next = new URLSearchParams(query.peek());
  if (text) next.set("find", text);
  else next.delete("find");
  setQuery(next, true);
}
