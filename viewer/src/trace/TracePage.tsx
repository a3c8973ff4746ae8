import { Page } from "../components/Page.tsx";

export function TracePage({ traceId }: { traceId: string }) {
  return <Page title="Trace">{traceId}</Page>;
}
