/** The shell: navigation beside the page that the address names, the keys that work everywhere, and the tooltip. */

import { KeysDialog, showKeys } from "./components/KeysDialog.tsx";
import { TooltipHost } from "./components/Tooltip.tsx";
import { InflightPage } from "./inflight/InflightPage.tsx";
import { useKeys } from "./keyboard.ts";
import { LivePage } from "./live/LivePage.tsx";
import { Navigation, goTo } from "./Navigation.tsx";
import { page } from "./router.ts";
import { RoutesPage } from "./routes/RoutesPage.tsx";
import { ServicesPage } from "./services/ServicesPage.tsx";
import { TracePage } from "./trace/TracePage.tsx";
import { UnknownPage } from "./UnknownPage.tsx";

export function App() {
  useKeys("Everywhere", [
    { keys: "?", label: "these keys", run: showKeys },
    { keys: "g l", label: "go to Live", run: () => goTo("/live") },
    { keys: "g r", label: "go to Routes", run: () => goTo("/routes") },
    { keys: "g s", label: "go to Services", run: () => goTo("/services") },
    { keys: "g i", label: "go to In flight", run: () => goTo("/inflight") },
  ]);
  return (
    <div class="shell">
      <Navigation />
      <CurrentPage />
      <KeysDialog />
      <TooltipHost />
    </div>
  );
}

function CurrentPage() {
  const { name, traceId } = page.value;
  switch (name) {
    case "live":
      return <LivePage />;
    case "trace":
      return <TracePage traceId={traceId} />;
    case "routes":
      return <RoutesPage />;
    case "services":
      return <ServicesPage />;
    case "inflight":
      return <InflightPage />;
    case "unknown":
      return <UnknownPage />;
  }
}
