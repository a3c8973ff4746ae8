/** Why there is no route to show, and what to do. */

import { filterQuery } from "../filters.ts";
import { query, setQuery } from "../router.ts";
import { withRange } from "../timerange.ts";

export function NoRoutes({ isRefused }: { isRefused: boolean }) {
  if (isRefused) return <Note title="This filter cannot be used" text="The field above says why." />;
  const filters = filterQuery(query.value);
  if (filters.size === 0) return <Note title="No requests yet" text="Routes show up here with their first request." />;
  const hasRange = filters.has("since") || filters.has("until");
  return (
    <Note title="No requests match" text="Nothing in this time range passes these filters.">
      {hasRange && (
        <button type="button" class="button" onClick={() => setQuery(withRange(query.peek(), { since: null, until: null }))}>
          Look at all that is stored
        </button>
      )}
      {filters.size > (hasRange ? 1 : 0) && (
        <button type="button" class="button" onClick={() => setQuery(new URLSearchParams())}>
          Remove the filters
        </button>
      )}
    </Note>
  );
}

function Note({ title, text, children }: { title: string; text: string; children?: preact.ComponentChildren }) {
  return (
    <div class="message">
      <h2>{title}</h2>
      <p>{text}</p>
      {children && <div class="message-actions">{children}</div>}
    </div>
  );
}
