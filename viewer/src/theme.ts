/**
 * Dark or light: the system's, until the user chooses. `data-theme` on the document always says which one is shown;
 * `public/theme.js` sets it before the first paint.
 */

import { signal } from "@preact/signals";

export type Theme = "system" | "dark" | "light";

const KEY = "wirespan.theme";
const darkSystem = window.matchMedia("(prefers-color-scheme: dark)");

export const theme = signal<Theme>(remembered());

/** What is shown now, whoever chose it. Charts that draw on a canvas redraw when it changes. */
export const isDark = signal(document.documentElement.dataset.theme !== "light");

darkSystem.addEventListener("change", show);

export function chooseTheme(next: Theme): void {
  theme.value = next;
  try {
    if (next === "system") localStorage.removeItem(KEY);
    else localStorage.setItem(KEY, next);
  } catch {
    // Storage is off: the choice holds until the page is closed.
  }
  show();
}

/** A colour of `tokens.css` as the browser resolved it, for canvas. @param name - such as `--state-run` */
export function color(name: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

function show(): void {
  const dark = theme.value === "system" ? darkSystem.matches : theme.value === "dark";
  document.documentElement.dataset.theme = dark ? "dark" : "light";
  isDark.value = dark;
}

function remembered(): Theme {
  try {
    const chosen = localStorage.getItem(KEY);
    return chosen === "dark" || chosen === "light" ? chosen : "system";
  } catch {
    return "system";
  }
}
