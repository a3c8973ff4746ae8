/** An HTTP status in the colour of its class; a dash where no response was sent. */

export function StatusCode({ status, error }: { status: number | null; error: boolean }) {
  if (status === null) {
    return (
      <span class={`status-code ${error ? "bad" : "none"}`} title="no response was sent">
        –
      </span>
    );
  }
  return <span class={`status-code ${lookOf(status, error)}`}>{status}</span>;
}

function lookOf(status: number, error: boolean): string {
  if (error || status >= 500) return "bad";
  if (status >= 400) return "warn";
  return status >= 300 ? "moved" : "good";
}
