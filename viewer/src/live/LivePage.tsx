/** Live: requests as they finish, newest first. The list is held still while someone reads it. */

import { useEffect, useRef, useState } from "preact/hooks";
import { FilterBar } from "../components/FilterBar.tsx";
import { Icon } from "../components/Icon.tsx";
import { Page } from "../components/Page.tsx";
import { TimeRangePicker } from "../components/TimeRangePicker.tsx";
import { VirtualList } from "../components/VirtualList.tsx";
import type { Request } from "../contract.ts";
import { filterQuery } from "../filters.ts";
import { useKeys } from "../keyboard.ts";
import { navigate, query } from "../router.ts";
import { FirstRun } from "../start/FirstRun.tsx";
import { isReachable, status } from "../status.ts";
import { formatCount, formatRate } from "../units.ts";
import { Activity } from "./Activity.tsx";
import { fromNewest, indexOf, upTo } from "./buffer.ts";
import { EmptyList } from "./EmptyList.tsx";
import { feed } from "./feed.ts";
import { SearchState } from "./SearchState.tsx";
import { RequestRow, ROW_HEIGHT, RowHead, rowId } from "./RequestRow.tsx";
import { errorFrom, stepFrom } from "./selection.ts";

export function LivePage() {
  const filters = filterQuery(query.value).toString();
  useEffect(() => {
    // A page that nobody sees gives its connection back: browsers allow six to a server, over all tabs.
    const follow = (): void => {
      if (document.hidden) feed.stop();
      else feed.start(new URLSearchParams(filters));
    };
    follow();
    document.addEventListener("visibilitychange", follow);
    return () => {
      document.removeEventListener("visibilitychange", follow);
      feed.stop();
    };
  }, [filters]);
  const list = useList();
  const isFirstRun = status.value?.spans === 0 && list.items.length === 0 && feed.state.value !== "refused";
  return (
    <Page title="Live" bar={<FilterBar error={feed.error.value} />} actions={<Actions list={list} />}>
      {isFirstRun ? (
        <FirstRun />
      ) : (
        <>
          {list.items.length > 0 && <Activity />}
          <RequestList list={list} />
          <SearchState found={list.items.length} />
        </>
      )}
      <ListState list={list} />
    </Page>
  );
}

/** Survives a look at a trace, so that coming back finds the row. */
const remembered = { selected: null as number | null, scrollTop: 0 };

type List = ReturnType<typeof useList>;

/** What is shown of the feed: all of it, or up to where it is held by pause, a selection or scrolling down. */
function useList() {
  const [isPaused, setPaused] = useState(false);
  const [isScrolled, setScrolled] = useState(false);
  const [selected, setSelected] = useState(remembered.selected);
  const held = useRef<number | null>(null);
  const box = useRef<HTMLDivElement | null>(null);
  remembered.selected = selected;
  const version = feed.version.value;
  const isHeld = isPaused || isScrolled || selected !== null;
  if (!isHeld) held.current = null;
  else held.current ??= feed.buffer.newestSeq;
  const all = feed.buffer.items;
  const items = held.current === null || all.length === 0 ? all : upTo(all, held.current);
  const release = (): void => {
    setPaused(false);
    setSelected(null);
    setScrolled(false);
    if (box.current) box.current.scrollTop = 0;
  };
  return { items, version, waiting: all.length - items.length, isPaused, setPaused, setScrolled, selected, setSelected, release, box };
}

function openTrace(request: Request | undefined): void {
  if (request) navigate(`/traces/${request.trace_id}`, new URLSearchParams({ span: request.span_id }));
}

function RequestList({ list }: { list: List }) {
  const { items, selected, setSelected, box } = list;
  useListKeys(list);
  useEffect(() => {
    if (box.current && remembered.selected !== null) box.current.scrollTop = remembered.scrollTop;
  }, []);
  if (items.length === 0) return <EmptyList />;
  const at = selected === null ? null : indexOf(items, selected);
  const scrolled = (top: number): void => {
    remembered.scrollTop = top;
    list.setScrolled(top > ROW_HEIGHT / 2);
    if (box.current && top > box.current.scrollHeight - 3 * box.current.clientHeight) void feed.loadOlder();
  };
  return (
    <VirtualList
      class="live"
      label="Requests, newest first"
      count={items.length}
      rowHeight={ROW_HEIGHT}
      selected={at === -1 ? null : at}
      selectedId={selected === null ? undefined : rowId(selected)}
      boxRef={box}
      head={<RowHead />}
      onScrolled={scrolled}
      row={(index) => {
        const request = fromNewest(items, index);
        if (!request) return null;
        return (
          <RequestRow
            key={request.seq}
            request={request}
            index={index}
            isSelected={request.seq === selected}
            select={setSelected}
            open={openTrace}
          />
        );
      }}
    />
  );
}

function useListKeys(list: List): void {
  const { items, selected, setSelected } = list;
  const go = (request: Request | undefined): void => {
    if (!request) return;
    setSelected(request.seq);
    // So that screen readers tell the row, by aria-activedescendant.
    list.box.current?.focus({ preventScroll: true });
  };
  useKeys("Live", [
    { keys: "j", label: "next request", run: () => go(stepFrom(items, selected, 1)) },
    { keys: "k", label: "previous request", run: () => go(stepFrom(items, selected, -1)) },
    { keys: "ArrowDown", label: "", run: () => go(stepFrom(items, selected, 1)) },
    { keys: "ArrowUp", label: "", run: () => go(stepFrom(items, selected, -1)) },
    { keys: "n", label: "next error", run: () => go(errorFrom(items, selected, 1)) },
    { keys: "p", label: "previous error", run: () => go(errorFrom(items, selected, -1)) },
    { keys: "Enter", label: "open the trace", run: () => openTrace(items.find(({ seq }) => seq === selected)) },
    { keys: "Space", label: "pause or go on", run: () => list.setPaused(!list.isPaused) },
    { keys: "x", label: "clear the list", run: () => clear(list) },
    { keys: "Escape", label: "back to the newest", run: list.release },
  ]);
}

function clear(list: List): void {
  list.release();
  feed.clear();
}

function Actions({ list }: { list: List }) {
  const { isPaused } = list;
  return (
    <>
      <span class="live-rate" title="requests a second that match">
        {feed.state.value === "live" && feed.rate.value !== null ? formatRate(feed.rate.value) : ""}
      </span>
      <TimeRangePicker />
      <button
        type="button"
        class="button pause"
        aria-pressed={isPaused}
        title={`${isPaused ? "Go on" : "Pause"} (Space)`}
        onClick={() => list.setPaused(!isPaused)}
      >
        <Icon name={isPaused ? "play" : "pause"} size={14} />
        <span>{isPaused ? "Paused" : "Pause"}</span>
      </button>
      <button type="button" class="icon-button" aria-label="Clear the list" title="Clear the list (x)" onClick={() => clear(list)}>
        <Icon name="clear" />
      </button>
    </>
  );
}

/** Floats over the list: how many wait above it, or that the connection is lost. */
function ListState({ list }: { list: List }) {
  const isLost = feed.state.value === "lost" && list.items.length > 0;
  const isSilent = feed.error.value?.isUnreachable !== false && !isReachable.value;
  return (
    <div class="list-state" role="status">
      {isLost && (
        <p class="pill bad">
          <Icon name="warning" size={14} />
          {isSilent ? "The viewer does not answer. Trying again…" : "The stream of new requests broke. Trying again…"}
        </p>
      )}
      {!isLost && list.waiting > 0 && (
        <button type="button" class="pill" onClick={list.release}>
          <Icon name="up" size={14} />
          {formatCount(list.waiting)} new
        </button>
      )}
    </div>
  );
}
