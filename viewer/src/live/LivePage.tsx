import { Page } from "../components/Page.tsx";

export function LivePage() {
  return <Page title="Live">live</Page>;
}
