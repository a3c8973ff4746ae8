-- Requests of the last hour that waited over 100 ms for the event loop, the longest first.
SELECT
    Timestamp,
    TraceId,
    SpanAttributes['http.route'] AS route,
    toUInt64OrZero(SpanAttributes['wirespan.state.queue_ns']) / 1e6 AS queue_ms,
    Duration / 1e6 AS duration_ms
FROM otel.otel_traces
WHERE SpanKind = 'Server' AND Timestamp > now() - INTERVAL 1 HOUR AND queue_ms > 100
ORDER BY queue_ms DESC
LIMIT 50;
