-- Percentiles of each state, by route, in milliseconds.
SELECT
    SpanAttributes['http.route'] AS route,
    extract(name, '^wirespan\\.state\\.(\\w+)_ns$') AS state,
    count() AS requests,
    round(quantile(0.5)(toUInt64OrZero(SpanAttributes[name])) / 1e6, 3) AS p50_ms,
    round(quantile(0.99)(toUInt64OrZero(SpanAttributes[name])) / 1e6, 3) AS p99_ms
FROM otel.otel_traces
ARRAY JOIN arrayFilter(name -> match(name, '^wirespan\\.state\\.\\w+_ns$'), mapKeys(SpanAttributes)) AS name
WHERE SpanKind = 'Server' AND Timestamp > now() - INTERVAL 1 HOUR
GROUP BY route, name
ORDER BY route, p99_ms DESC;
