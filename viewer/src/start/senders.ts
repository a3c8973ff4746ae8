/** The commands that send something to this viewer, ready to be pasted into a shell. */

export interface Sender {
  name: string;
  steps: { title: string; text: string }[];
}

/**
 * @param address - where the viewer listens, such as `http://127.0.0.1:4318`
 * @param token - what senders must show where the viewer is reachable from elsewhere; null where nothing is needed
 */
export function senders(address: string, token: string | null): Sender[] {
  const header = token === null ? [] : [`export OTEL_EXPORTER_OTLP_HEADERS=${quoted(`Authorization=Bearer%20${encodeURIComponent(token)}`)}`];
  return [
    {
      name: "wirespan",
      steps: [
        { title: "Any ASGI application, and the viewer with it", text: "wirespan serve package.module:app --view" },
        {
          title: "Or to this viewer",
          text: lines(...header, `wirespan serve package.module:app --otlp ${address}`),
        },
        { title: "No application at hand", text: "wirespan demo" },
      ],
    },
    {
      name: "OpenTelemetry SDK",
      steps: [
        {
          title: "Any language: environment variables of the SDK",
          text: lines(
            "export OTEL_SERVICE_NAME=my-service",
            "export OTEL_TRACES_EXPORTER=otlp",
            `export OTEL_EXPORTER_OTLP_ENDPOINT=${address}`,
            "export OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf",
            ...header,
          ),
        },
        {
          title: "Python, without a change to the code",
          text: lines(
            "pip install opentelemetry-distro opentelemetry-exporter-otlp-proto-http",
            "opentelemetry-bootstrap -a install",
            "opentelemetry-instrument uvicorn package.module:app",
          ),
        },
      ],
    },
    { name: "curl", steps: [{ title: "One request of 120 ms, as OTLP JSON", text: curl(address, token) }] },
  ];
}

/** One word of a shell, whatever it holds. */
const quoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;

const lines = (...all: string[]) => all.join("\n");

/** Ends now: `date` makes the times when the command runs, so that it may be sent again. */
function curl(address: string, token: string | null): string {
  const span = [
    '"traceId": "\'$(od -An -N16 -tx1 /dev/urandom | tr -d " \\n")\'"',
    '"spanId": "\'$(od -An -N8 -tx1 /dev/urandom | tr -d " \\n")\'"',
    '"name": "GET /hello", "kind": 2',
    '"startTimeUnixNano": "\'$(($(date +%s) - 1))\'880000000"',
    '"endTimeUnixNano": "\'$(date +%s)\'000000000"',
    lines(
      '"attributes": [',
      '        {"key": "http.request.method", "value": {"stringValue": "GET"}},',
      '        {"key": "http.route", "value": {"stringValue": "/hello"}},',
      '        {"key": "http.response.status_code", "value": {"intValue": "200"}}]',
    ),
  ];
  return lines(
    `curl ${address}/v1/traces -H 'Content-Type: application/json' \\`,
    ...(token === null ? [] : [`  -H ${quoted(`Authorization: Bearer ${token}`)} \\`]),
    `  -d '{"resourceSpans": [{`,
    `    "resource": {"attributes": [{"key": "service.name", "value": {"stringValue": "curl"}}]},`,
    `    "scopeSpans": [{"spans": [{`,
    `      ${span.join(",\n      ")}`,
    `    }]}]`,
    `  }]}'`,
  );
}
