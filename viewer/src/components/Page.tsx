/** The frame of each page: a bar with its name, its filters and actions, and the content under it. */

import type { ComponentChildren } from "preact";
import { useEffect } from "preact/hooks";

interface PageProps {
  title: string;
  /** Beside the title: filters. */
  bar?: ComponentChildren;
  /** At the right end of the bar. */
  actions?: ComponentChildren;
  children: ComponentChildren;
}

export function Page({ title, bar, actions, children }: PageProps) {
  useEffect(() => {
    document.title = `${title} · wirespan`;
  }, [title]);
  return (
    <main class="page" aria-label={title}>
      <header class="page-bar">
        <h1 title={title}>{title}</h1>
        <div class="page-bar-middle">{bar}</div>
        <div class="page-actions">{actions}</div>
      </header>
      <div class="page-content">{children}</div>
    </main>
  );
}
