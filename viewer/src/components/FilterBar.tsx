/** The filters of a list as one field: what is set as chips, what is typed with suggestions. All of it is in the URL. */

import { useRef } from "preact/hooks";
import type { ApiError } from "../api.ts";
import { describeTerm, type Term } from "../filters.ts";
import { useKeys } from "../keyboard.ts";
import { Icon } from "./Icon.tsx";
import { SuggestionList, SUGGESTIONS_ID, suggestionId } from "./SuggestionList.tsx";
import { useFilterField, type FilterField } from "./filterField.ts";

interface FilterBarProps {
  /** The answer to the list that the filters are for: a refused filter is shown here. */
  error: ApiError | null;
}

export function FilterBar({ error }: FilterBarProps) {
  const input = useRef<HTMLInputElement>(null);
  const field = useFilterField(input);
  useKeys("Filters", [{ keys: "/", label: "filter", run: () => input.current?.focus() }]);
  const wrong = error?.status === 400 ? error : null;
  const hasTerms = field.terms.length > 0;
  return (
    <div class={`filter-bar ${wrong ? "wrong" : ""}`} role="search" aria-label="Filters">
      <Icon name="filter" size={14} />
      <Chips field={field} wrong={wrong?.parameter ?? null} />
      <Field field={field} input={input} isWrong={wrong !== null} />
      {!field.isOpen && !hasTerms && <kbd aria-hidden="true">/</kbd>}
      {hasTerms && (
        <button type="button" class="clear-terms" aria-label="Remove all filters" title="Remove all filters" onClick={field.removeAll}>
          <Icon name="close" size={12} />
        </button>
      )}
      <SuggestionList suggestions={field.suggestions} marked={field.marked} take={field.take} />
      {wrong && (
        <p class="filter-error" id={ERROR_ID} role="alert">
          {wrong.message}
        </p>
      )}
    </div>
  );
}

const ERROR_ID = "filter-error";

interface FieldProps {
  field: FilterField;
  input: { current: HTMLInputElement | null };
  isWrong: boolean;
}

function Field({ field, input, isWrong }: FieldProps) {
  return (
    <input
      ref={input}
      type="text"
      role="combobox"
      aria-label="Add a filter"
      aria-expanded={field.suggestions.length > 0}
      aria-controls={SUGGESTIONS_ID}
      aria-activedescendant={field.marked >= 0 ? suggestionId(field.marked) : undefined}
      aria-invalid={isWrong}
      aria-describedby={isWrong ? ERROR_ID : undefined}
      autocomplete="off"
      spellcheck={false}
      placeholder={field.terms.length ? "Add a filter" : "Filter: service, route, status, >100ms, any attribute, text"}
      value={field.typed}
      onInput={(event) => field.type(event.currentTarget.value)}
      onFocus={() => field.open(true)}
      onBlur={() => field.open(false)}
      onKeyDown={field.keyed}
    />
  );
}

function Chips({ field, wrong }: { field: FilterField; wrong: string | null }) {
  return (
    <ul class="terms" aria-label="Filters that are set">
      {field.terms.map((term, index) => (
        <Chip
          key={`${term.parameter} ${term.value}`}
          term={term}
          isWrong={wrong === term.parameter}
          edit={() => field.edit(index)}
          remove={() => field.remove(index)}
        />
      ))}
    </ul>
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
