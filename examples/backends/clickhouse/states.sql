-- Where the time of each route goes, for its slowest hundredth of requests.
WITH slowest AS (
    SELECT SpanAttributes['http.route'] AS route, quantile(0.99)(Duration) AS p99
    FROM otel.otel_traces
    WHERE SpanKind = 'Server' AND Timestamp > now() - INTERVAL 1 HOUR
    GROUP BY route
)
SELECT
    route,
    any(p99) / 1e6 AS p99_ms,
    avg(toUInt64OrZero(SpanAttributes['wirespan.state.queue_ns'])) / 1e6 AS queue_ms,
    avg(toUInt64OrZero(SpanAttributes['wirespan.state.run_ns'])) / 1e6 AS run_ms,
    avg(toUInt64OrZero(SpanAttributes['wirespan.state.await_ns'])) / 1e6 AS await_ms
FROM otel.otel_traces
INNER JOIN slowest ON SpanAttributes['http.route'] = slowest.route
WHERE SpanKind = 'Server' AND Timestamp > now() - INTERVAL 1 HOUR AND Duration >= p99
GROUP BY route
ORDER BY p99_ms DESC;
