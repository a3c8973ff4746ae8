/** The filters of a list as one field: what is set as chips, what is typed with suggestions. All of it is in the URL. */

import { useRef, useState } from "preact/hooks";
import type { ApiError } from "../api.ts";
import { addTerm, describeTerm, parseTerm, termsOf, typedForm, withTerms, type Term } from "../filters.ts";
import { useKeys } from "../keyboard.ts";
import { query, setQuery } from "../router.ts";
import type { Suggestion } from "../suggestions.ts";
import { Icon } from "./Icon.tsx";
import { SuggestionList, SUGGESTIONS_ID, suggestionId, useSuggestions } from "./SuggestionList.tsx";

interface FilterBarProps {
  /** The answer to the list that the filters are for: a refused filter is shown here. */
  error: ApiError | null;
}

export function FilterBar({ error }: FilterBarProps) {
  const input = useRef<HTMLInputElement>(null);
  const field = useField(input);
  useKeys("Filters", [{ keys: "/", label: "filter", run: () => input.current?.focus() }]);
  const wrong = error?.status === 400 ? error : null;
  const { suggestions, marked } = field;
  return (
    <div class={`filter-bar ${wrong ? "wrong" : ""}`} role="search" aria-label="Filters">
      <Icon name="filter" size={14} />
      <ul class="terms" aria-label="Filters that are set">
        {field.terms.map((term, index) => (
          <Chip
            key={`${term.parameter} ${term.value}`}
            term={term}
            isWrong={wrong?.parameter === term.parameter}
            edit={() => field.edit(index)}
            remove={() => field.remove(index)}
          />
        ))}
      </ul>
      <input
        ref={input}
        type="text"
        role="combobox"
        aria-label="Add a filter"
        aria-expanded={suggestions.length > 0}
        aria-controls={SUGGESTIONS_ID}
        aria-activedescendant={marked >= 0 ? suggestionId(marked) : undefined}
        aria-invalid={wrong !== null}
        aria-describedby={wrong ? "filter-error" : undefined}
        autocomplete="off"
        spellcheck={false}
        placeholder={field.terms.length ? "Add a filter" : "Filter: service, route, status, >100ms, any attribute, text"}
        value={field.typed}
        onInput={(event) => field.type(event.currentTarget.value)}
        onFocus={() => field.open(true)}
        onBlur={() => field.open(false)}
        onKeyDown={field.keyed}
      />
      {!field.isOpen && field.terms.length === 0 && <kbd aria-hidden="true">/</kbd>}
      {field.terms.length > 0 && (
        <button type="button" class="clear-terms" aria-label="Remove all filters" title="Remove all filters" onClick={field.removeAll}>
          <Icon name="close" size={12} />
        </button>
      )}
      <SuggestionList suggestions={suggestions} marked={marked} take={field.take} />
      {wrong && (
        <p class="filter-error" id="filter-error" role="alert">
          {wrong.message}
        </p>
      )}
    </div>
  );
}

interface ChipProps {
  term: Term;
  isWrong: boolean;
  edit: () => void;
  remove: () => void;
}

function Chip({ term, isWrong, edit, remove }: ChipProps) {
  const { name, value } = describeTerm(term);
  return (
    <li class={`chip ${isWrong ? "wrong" : ""}`}>
      <button type="button" class="chip-text" aria-label={`Edit the filter ${name} ${value}`} onClick={edit}>
        <span class="chip-name">{name}</span> <span class="chip-value">{value}</span>
      </button>
      <button type="button" class="chip-remove" aria-label={`Remove the filter ${name} ${value}`} onClick={remove}>
        <Icon name="close" size={10} />
      </button>
    </li>
  );
}

/** What the field does; the terms themselves live in the URL. */
function useField(input: { current: HTMLInputElement | null }) {
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
  const keyed = (event: KeyboardEvent): void => {
    const action = event.isComposing || event.shiftKey ? undefined : actions[event.key];
    if (!action) return;
    event.preventDefault();
    event.stopPropagation();
    action();
  };
  return { typed, isOpen, marked, suggestions, terms, type, take, remove, edit, keyed, open: setOpen, removeAll: () => apply([]) };
}
