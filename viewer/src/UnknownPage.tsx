import { Page } from "./components/Page.tsx";
import { path } from "./router.ts";

export function UnknownPage() {
  return (
    <Page title="Not found">
      <div class="message">
        <h2>
          There is no page at <code>{path}</code>
        </h2>
        <p>
          <a class="link" href="/live">
            Go to Live
          </a>
        </p>
      </div>
    </Page>
  );
}
