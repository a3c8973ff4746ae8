/** The side bar: pages, what is stored, and the theme. Links carry the filters from page to page. */

import { Icon, type IconName } from "./components/Icon.tsx";
import { showKeys } from "./components/KeysDialog.tsx";
import { Legend } from "./components/Legend.tsx";
import { filterQuery } from "./filters.ts";
import { addressOf, navigate, page, query, type PageName } from "./router.ts";
import { StoreStatus } from "./StoreStatus.tsx";
import { chooseTheme, theme, type Theme } from "./theme.ts";

const PAGES: readonly { name: PageName; path: string; label: string; icon: IconName; keys: string }[] = [
  { name: "live", path: "/live", label: "Live", icon: "live", keys: "g l" },
  { name: "routes", path: "/routes", label: "Routes", icon: "routes", keys: "g r" },
  { name: "services", path: "/services", label: "Services", icon: "services", keys: "g s" },
  { name: "inflight", path: "/inflight", label: "In flight", icon: "inflight", keys: "g i" },
];

const THEMES: readonly { name: Theme; label: string; icon: IconName }[] = [
  { name: "system", label: "Theme of the system", icon: "system" },
  { name: "dark", label: "Dark theme", icon: "moon" },
  { name: "light", label: "Light theme", icon: "sun" },
];

/** Goes to a page with the filters that are set. */
export function goTo(path: string): void {
  navigate(path, filterQuery(query.peek()));
}

export function Navigation() {
  const current = page.value.name;
  return (
    <nav class="navigation" aria-label="Pages">
      <a class="brand" href="/live">
        <img src="/favicon.svg" alt="" width="22" height="22" />
        <span>wirespan</span>
      </a>
      <ul class="pages">
        {PAGES.map(({ name, path, label, icon, keys }) => (
          <li key={name}>
            <a
              href={addressOf(path, filterQuery(query.value))}
              aria-current={isCurrent(name, current) ? "page" : undefined}
              title={`${label} (${keys})`}
            >
              <Icon name={icon} />
              <span class="label">{label}</span>
            </a>
          </li>
        ))}
      </ul>
      <Legend />
      <StoreStatus />
      <div class="navigation-foot">
        <div class="themes" role="group" aria-label="Theme">
          {THEMES.map(({ name, label, icon }) => (
            <button
              key={name}
              type="button"
              aria-label={label}
              title={label}
              aria-pressed={theme.value === name}
              onClick={() => chooseTheme(name)}
            >
              <Icon name={icon} size={14} />
            </button>
          ))}
        </div>
        <button type="button" class="icon-button" aria-label="Keys" title="Keys (?)" onClick={showKeys}>
          <Icon name="keyboard" />
        </button>
      </div>
    </nav>
  );
}

/** A trace is reached from Live, so Live stays marked. */
const isCurrent = (name: PageName, current: PageName) => name === current || (name === "live" && current === "trace");
