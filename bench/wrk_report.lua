-- wrk's own summary is for people and rounds to three digits: this prints the same numbers as one line of JSON.
-- No `request` or `response` function is defined, so wrk stays on its fast path (one prebuilt request).

function init(args)
    local path = args[1]
    if path then
        local file = assert(io.open(path, "rb"))
        wrk.method = "POST"
        wrk.body = file:read("*a")
        file:close()
    end
end

function done(summary, latency)
    local errors = summary.errors
    io.write(string.format(
        '\nwrk_json {"requests":%d,"duration_us":%d,"p50_us":%d,"p99_us":%d,"max_us":%d,' ..
        '"failed":%d,"refused":%d,"timed_out":%d}\n',
        summary.requests, summary.duration, latency:percentile(50), latency:percentile(99), latency.max,
        errors.status, errors.connect + errors.read + errors.write, errors.timeout))
end
