/** The filter bar's field: what is typed, which suggestion is marked, and what each key does. */

import { useState } from "preact/hooks";
import { addTerm, parseTerm, termsOf, typedForm, withTerms, type Term } from "../filters.ts";
import { query, setQuery } from "../router.ts";
import type { Suggestion } from "../suggestions.ts";
import { useSuggestions } from "./SuggestionList.tsx";

export interface FilterField {
  terms: Term[];
  typed: string;
  isOpen: boolean;
  suggestions: Suggestion[];
  /** Index of the suggestion that Enter takes, -1 for none. */
  marked: number;
  type: (text: string) => void;
  take: (suggestion: Suggestion) => void;
  /** Puts a term back into the field. */
  edit: (index: number) => void;
  remove: (index: number) => void;
  removeAll: () => void;
  open: (isOpen: boolean) => void;
  keyed: (event: KeyboardEvent) => void;
}

/** What the field holds and does; the terms themselves live in the URL. */
export function useFilterField(input: { current: HTMLInputElement | null }): FilterField {
  const [typed, setTyped] = useState("");
  const [isOpen, setOpen] = useState(false);
  const [marked, setMarked] = useState(-1);
  const suggestions = useSuggestions(typed, isOpen);
  const terms = termsOf(query.value);
  const apply = (next: Term[]): void => setQuery(withTerms(query.peek(), next));
  const type = (text: string): void => {
    setTyped(text);
    setMarked(-1);
    setOpen(true);
  };
  const add = (text: string): void => {
    const term = parseTerm(text);
    if (term) apply(addTerm(termsOf(query.peek()), term));
    type("");
  };
  const take = (suggestion: Suggestion): void => {
    if (suggestion.isWhole) add(suggestion.typed);
    else type(suggestion.typed);
    input.current?.focus();
  };
  const remove = (index: number): void => apply(terms.filter((_, at) => at !== index));
  const edit = (index: number): void => {
    const term = terms[index];
    if (!term) return;
    remove(index);
    type(typedForm(term));
    input.current?.focus();
  };
  const enter = (): void => {
    const suggestion = suggestions[marked];
    if (suggestion) take(suggestion);
    else if (!/^\w+:$/.test(typed.trim())) add(typed);
  };
  const leave = (): void => {
    if (typed || marked >= 0) type("");
    else input.current?.blur();
  };
  const move = (step: number): void => {
    const size = suggestions.length + 1;
    setMarked(((marked + 1 + step + size) % size) - 1);
  };
  const completed = marked >= 0 ? suggestions[marked] : typed ? suggestions[0] : undefined;
  const actions: Record<string, (() => void) | undefined> = {
    ArrowDown: () => move(1),
    ArrowUp: () => move(-1),
    Enter: enter,
    Escape: leave,
    Tab: completed && (() => take(completed)),
    Backspace: typed || terms.length === 0 ? undefined : () => edit(terms.length - 1),
  };
  const keyed = (event: KeyboardEvent): void => runAction(actions, event);
  return { typed, isOpen, marked, suggestions, terms, type, take, remove, edit, keyed, open: setOpen, removeAll: () => apply([]) };
}

/** A key that the field has a use for is not the page's any more. */
function runAction(actions: Record<string, (() => void) | undefined>, event: KeyboardEvent): void {
  const action = event.isComposing || event.shiftKey ? undefined : actions[event.key];
  if (!action) return;
  event.preventDefault();
  event.stopPropagation();
  action();
}
