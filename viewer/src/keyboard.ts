/**
 * The keyboard: one listener, bindings that pages add while they are shown, and the list that `?` shows.
 * A binding is one key (`j`, `Enter`, `Escape`, `?`) or two in a row (`g l`). The one added last wins.
 */

import { signal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";

export interface Binding {
  keys: string;
  /** What it does, for the list; bindings without one are not listed. */
  label: string;
  group: string;
  run: (event: KeyboardEvent) => void;
  /** Also while the user types in a field. */
  inFields?: boolean;
}

/** How long the second key of a pair may take. */
const PAIR_MS = 1200;

export const bindings = signal<readonly Binding[]>([]);

let first: { key: string; at: number } | null = null;

/** Adds bindings while the component is shown. They may close over its newest state. */
export function useKeys(group: string, keys: Omit<Binding, "group">[]): void {
  const newest = useRef(keys);
  newest.current = keys;
  const names = keys.map((key) => key.keys).join(",");
  useEffect(() => {
    const added = newest.current.map((key, index): Binding => ({
      ...key,
      group,
      run: (event) => newest.current[index]?.run(event),
    }));
    bindings.value = [...bindings.peek(), ...added];
    return () => {
      bindings.value = bindings.peek().filter((binding) => !added.includes(binding));
    };
  }, [group, names]);
}

export function startKeyboard(): void {
  window.addEventListener("keydown", (event) => press(event));
}

/** Finds the binding of a key event and runs it. Browser shortcuts, and an open dialog's keys, are left alone. */
export function press(event: KeyboardEvent): void {
  if (isForOthers(event) || document.querySelector("dialog[open]")) return;
  const binding = find(event.key, event.timeStamp, isField(event.target));
  if (!binding || (isPressable(event.target) && (event.key === "Enter" || event.key === " "))) return;
  event.preventDefault();
  binding.run(event);
}

function find(key: string, at: number, typing: boolean): Binding | undefined {
  const pair = first && at - first.at < PAIR_MS ? `${first.key} ${key}` : null;
  first = null;
  const usable = bindings.peek().filter((binding) => !typing || binding.inFields);
  const found =
    usable.findLast((binding) => binding.keys === pair) ?? usable.findLast((binding) => binding.keys === nameOf(key));
  if (!found && usable.some((binding) => binding.keys.startsWith(`${key} `))) first = { key, at };
  return found;
}

const isForOthers = (event: KeyboardEvent) =>
  event.ctrlKey || event.metaKey || event.altKey || event.isComposing || event.defaultPrevented;

const nameOf = (key: string) => (key === " " ? "Space" : key);

function isField(target: EventTarget | null): boolean {
  return (
    target instanceof HTMLTextAreaElement ||
    target instanceof HTMLSelectElement ||
    (target instanceof HTMLInputElement && target.type !== "checkbox")
  );
}

/** Enter and Space belong to a focused button or link. */
function isPressable(target: EventTarget | null): boolean {
  return target instanceof Element && target.closest("button, a[href], summary") !== null;
}
