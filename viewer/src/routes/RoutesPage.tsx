import { Page } from "../components/Page.tsx";

export function RoutesPage() {
  return <Page title="Routes"><p class="dim">Routes</p></Page>;
}
