/** Search, what has rows, and how deep the tree is open. */

import type { Ref } from "preact";
import { Icon, type IconName } from "../components/Icon.tsx";
import { formatCount } from "../units.ts";
import * as act from "./useTraceView.ts";
import type { TraceView } from "./useTraceView.ts";

export function TraceToolbar({ view, search }: { view: TraceView; search: Ref<HTMLInputElement> }) {
  const { place, change } = view;
  const levels = act.openLevels(view);
  return (
    <div class="trace-toolbar" role="toolbar" aria-label="Waterfall">
      <SearchBox view={view} search={search} />
      <Toggle label="Critical path" hint="Only what the duration depends on (c)" isOn={place.isCritical} act={() => change({ isCritical: !place.isCritical })} />
      <Toggle label="Logs and events" hint="Rows for logs and events (l)" isOn={view.hasNotes} act={() => change({ hasNotes: !view.hasNotes })} />
      <div class="trace-levels" role="group" aria-label="Levels">
        <Small icon="left" label="One level less (-)" isOff={levels <= 1} act={() => act.foldTo(view, levels - 1)} />
        <span role="status">
          {levels} of {view.model.levels} {view.model.levels === 1 ? "level" : "levels"}
        </span>
        <Small icon="right" label="One level more (+)" isOff={levels >= view.model.levels} act={() => act.foldTo(view, levels + 1)} />
      </div>
      <button type="button" class="button small" title="Fold all (_)" disabled={levels <= 1} onClick={() => act.foldTo(view, 1)}>
        Fold all
      </button>
      <button type="button" class="button small" title="Unfold all (*)" disabled={!view.folded.size} onClick={() => act.foldTo(view, Infinity)}>
        Unfold all
      </button>
      {place.range && (
        <button type="button" class="button small trace-reset" title="The whole trace (0)" onClick={() => act.zoomTo(view, null)}>
          Reset zoom
        </button>
      )}
    </div>
  );
}

function SearchBox({ view, search }: { view: TraceView; search: Ref<HTMLInputElement> }) {
  const { place, matches, selected, change } = view;
  const at = matches.findIndex((node) => node === act.nodeOfRow(selected)) + 1;
  const keyed = (event: KeyboardEvent): void => {
    if (event.key === "Enter") act.goToMatch(view, event.shiftKey ? -1 : 1);
    else if (event.key === "Escape") (event.currentTarget as HTMLElement).blur();
    else return;
    event.preventDefault();
    event.stopPropagation();
  };
  return (
    <div class="trace-search" role="search">
      <Icon name="search" size={14} />
      <input
        ref={search}
        type="search"
        aria-label="Search in this trace"
        placeholder="Search names, services, attributes   /"
        value={place.find}
        onInput={(event) => change({ find: event.currentTarget.value })}
        onKeyDown={keyed}
      />
      {place.find.trim() && (
        <>
          <span class={`trace-found ${matches.length ? "" : "bad"}`} role="status">
            {matches.length ? `${at ? `${formatCount(at)} of ` : ""}${formatCount(matches.length)}` : "none"}
          </span>
          <Small icon="up" label="Previous match (p)" isOff={!matches.length} act={() => act.goToMatch(view, -1)} />
          <Small icon="down" label="Next match (n)" isOff={!matches.length} act={() => act.goToMatch(view, 1)} />
        </>
      )}
    </div>
  );
}

function Toggle({ label, hint, isOn, act: toggle }: { label: string; hint: string; isOn: boolean; act: () => void }) {
  return (
    <button type="button" class="button small" aria-pressed={isOn} title={hint} onClick={toggle}>
      {label}
    </button>
  );
}

function Small({ icon, label, isOff, act: press }: { icon: IconName; label: string; isOff: boolean; act: () => void }) {
  return (
    <button type="button" class="icon-button small" aria-label={label} title={label} disabled={isOff} onClick={press}>
      <Icon name={icon} size={12} />
    </button>
  );
}
