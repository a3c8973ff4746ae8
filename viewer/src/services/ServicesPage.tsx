import { Page } from "../components/Page.tsx";

export function ServicesPage() {
  return <Page title="Services"><p class="dim">Services</p></Page>;
}
