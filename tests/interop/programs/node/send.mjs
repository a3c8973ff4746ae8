// The official SDK of JavaScript: one span in another, a count and a line of a log, sent as the environment says.
import { metrics, SpanKind, SpanStatusCode, trace } from "@opentelemetry/api";
import { logs, SeverityNumber } from "@opentelemetry/api-logs";
import { NodeSDK } from "@opentelemetry/sdk-node";

const sdk = new NodeSDK();
sdk.start();
const tracer = trace.getTracer("sender");
tracer.startActiveSpan("GET /items/{id}", { kind: SpanKind.SERVER }, (request) => {
  request.setAttributes({
    "http.request.method": "GET",
    "http.route": "/items/{id}",
    "http.response.status_code": 500,
  });
  tracer.startActiveSpan("query", { kind: SpanKind.CLIENT }, (query) => {
    query.recordException(new Error("no such shelf"));
    query.setAttribute("db.tables", ["items", "shelves"]);
    query.end();
  });
  logs.getLogger("sender").emit({ body: "the shelf is empty", severityNumber: SeverityNumber.WARN });
  request.setStatus({ code: SpanStatusCode.ERROR, message: "no such shelf" });
  request.end();
  process.stdout.write(request.spanContext().traceId);
});
metrics.getMeter("sender").createCounter("store.sold", { unit: "{item}" }).add(3);
await sdk.shutdown();
