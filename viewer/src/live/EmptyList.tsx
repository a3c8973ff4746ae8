/** What Live says when there is nothing to show, by the reason why. */

import { api } from "../api.ts";
import { Problem } from "../components/Problem.tsx";
import { filterQuery } from "../filters.ts";
import { query, setQuery } from "../router.ts";
import { refreshStatus, status } from "../status.ts";
import { formatCount } from "../units.ts";
import { feed } from "./feed.ts";

export function EmptyList() {
  const [state, error] = [feed.state.value, feed.error.value];
  if (state === "loading") return <Note title="Loading…" />;
  if (state === "refused" && error?.status === 400) return <Note title="This filter cannot be used" text="The field above says why." />;
  return state !== "live" && error ? <Problem error={error} /> : <NoneFound />;
}

function NoneFound() {
  if (feed.isCleared) return <Cleared />;
  if (filterQuery(query.value).size === 0) return <Note title="Waiting for requests" text="They show up here as they finish." />;
  if (feed.search.value) return <Note title="No request found yet" text="Attributes and text are looked for in each stored request, the newest first." />;
  return (
    <Note title="No request matches these filters" text="New ones that match show up here.">
      <button type="button" class="button" onClick={() => setQuery(new URLSearchParams())}>
        Remove the filters
      </button>
    </Note>
  );
}

function Cleared() {
  const stored = status.value?.requests ?? 0;
  const forget = async (): Promise<void> => {
    await api.clear();
    await feed.restore();
    await refreshStatus();
  };
  return (
    <Note title="Cleared" text={`New requests show up here. ${formatCount(stored)} are still stored.`}>
      <button type="button" class="button" onClick={() => void feed.restore()}>
        Show them again
      </button>
      <button type="button" class="button danger" onClick={() => void forget()}>
        Delete all that is stored
      </button>
    </Note>
  );
}

interface NoteProps {
  title: string;
  text?: string | undefined;
  children?: preact.ComponentChildren;
}

function Note({ title, text, children }: NoteProps) {
  return (
    <div class="message">
      <h2>{title}</h2>
      {text && <p>{text}</p>}
      {children && <div class="message-actions">{children}</div>}
    </div>
  );
}
