/** What is shown in place of routes or services: why there are none, and what to do. */

import type { ApiError } from "../api.ts";
import { Problem } from "../components/Problem.tsx";
import { filterQuery } from "../filters.ts";
import { query, setQuery } from "../router.ts";
import { FirstRun } from "../start/FirstRun.tsx";
import { status } from "../status.ts";
import { withRange } from "../timerange.ts";

interface NothingProps {
  error: ApiError | null;
  isLoading: boolean;
  reload: () => void;
}

export function Nothing({ error, isLoading, reload }: NothingProps) {
  if (error && error.status !== 400) return <Problem error={error} retry={reload} />;
  if (status.value?.spans === 0) return <FirstRun />;
  if (isLoading) {
    return (
      <div class="message" role="status">
        <h2>Loading…</h2>
      </div>
    );
  }
  return <NoRequests isRefused={error !== null} />;
}

export function NoRequests({ isRefused }: { isRefused: boolean }) {
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
