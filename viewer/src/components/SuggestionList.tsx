/** The list under the filter field. Focus stays in the field; `marked` is what Enter takes. */

import { useEffect, useState } from "preact/hooks";
import { suggest, type Suggestion } from "../suggestions.ts";

export const SUGGESTIONS_ID = "filter-suggestions";
export const suggestionId = (index: number) => `${SUGGESTIONS_ID}-${index}`;

/** Waits for a pause in typing before it asks. */
const PAUSE_MS = 90;

/** Suggestions for what is typed; none while the field is closed. */
export function useSuggestions(typed: string, isOpen: boolean): Suggestion[] {
  const [suggestions, setSuggestions] = useState<Suggestion[]>([]);
  useEffect(() => {
    if (!isOpen) {
      setSuggestions([]);
      return;
    }
    const abort = new AbortController();
    const timer = window.setTimeout(() => {
      void suggest(typed, abort.signal).then((found) => {
        if (!abort.signal.aborted) setSuggestions(found);
      });
    }, PAUSE_MS);
    return () => {
      abort.abort();
      window.clearTimeout(timer);
    };
  }, [typed, isOpen]);
  return suggestions;
}

interface SuggestionListProps {
  suggestions: Suggestion[];
  marked: number;
  take: (suggestion: Suggestion) => void;
}

export function SuggestionList({ suggestions, marked, take }: SuggestionListProps) {
  return (
    <ul id={SUGGESTIONS_ID} class="suggestions" role="listbox" aria-label="Suggestions" hidden={suggestions.length === 0}>
      {suggestions.map((suggestion, index) => (
        <li
          key={suggestion.typed}
          id={suggestionId(index)}
          role="option"
          aria-selected={index === marked}
          // Before the field loses focus, which would close the list.
          onPointerDown={(event) => {
            event.preventDefault();
            take(suggestion);
          }}
        >
          <span class="mono">{suggestion.typed}</span>
          <span class="hint">{suggestion.hint}</span>
        </li>
      ))}
    </ul>
  );
}
