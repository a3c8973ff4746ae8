import { execFileSync } from "node:child_process";
import { expect, test } from "vitest";
import { senders } from "./senders.ts";

const ADDRESS = "http://127.0.0.1:4318";

interface Sent {
  resourceSpans: [{ scopeSpans: [{ spans: [Record<string, string>] }] }];
}

/** Runs the command in a shell in which `curl` prints the body that it was to send, and reads the span in it. */
function spanOf(command: string): Record<string, string> {
  const curl = 'curl() { while [ $# -gt 0 ]; do if [ "$1" = -d ]; then printf %s "$2"; fi; shift; done; }';
  const body = JSON.parse(execFileSync("sh", ["-c", `${curl}\n${command}`], { encoding: "utf8" })) as Sent;
  return body.resourceSpans[0].scopeSpans[0].spans[0];
}

test("the curl example sends a span of 120 ms that ends now, with new ids each time", () => {
  const command = senders(ADDRESS, null).at(-1)?.steps[0]?.text ?? "";
  expect(command).toContain(`${ADDRESS}/v1/traces`);
  const [one, other] = [spanOf(command), spanOf(command)];
  expect(`${one.traceId} ${one.spanId}`).toMatch(/^[0-9a-f]{32} [0-9a-f]{16}$/);
  expect(one.traceId).not.toBe(other.traceId);
  expect(BigInt(one.endTimeUnixNano ?? 0) - BigInt(one.startTimeUnixNano ?? 0)).toBe(120_000_000n);
});

test("every way names this viewer's address and its token, whatever characters that has", () => {
  const token = "it's/a+token";
  for (const { name, steps } of senders("http://10.0.0.5:4318", token)) {
    const text = steps.map((step) => step.text).join("\n");
    expect(text, name).toContain("http://10.0.0.5:4318");
    expect(text, name).toMatch(/Bearer(%20| )it/);
  }
  const said = (command: string): string => execFileSync("sh", ["-c", command], { encoding: "utf8" });
  const [wirespan, , curl] = senders(ADDRESS, token).map(({ steps }) => steps.map(({ text }) => text));
  const header = wirespan?.[1]?.split("\n")[0] ?? "";
  expect(decodeURIComponent(said(`${header}; printf %s "$OTEL_EXPORTER_OTLP_HEADERS"`))).toBe(`Authorization=Bearer ${token}`);
  expect(said(`curl() { printf '%s\\n' "$@"; }; ${curl?.[0] ?? ""}`)).toContain(`\nAuthorization: Bearer ${token}\n`);
});
