import { Page } from "../components/Page.tsx";

export function InflightPage() {
  return <Page title="In flight">in flight</Page>;
}
