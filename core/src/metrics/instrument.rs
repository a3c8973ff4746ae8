//! THE table of metrics: names, units, attributes and [`Scale`]s. Documentation and tests are made from it.
//!
//! Names and attributes: OpenTelemetry's HTTP conventions (v1.44.0) and its conventions for the SDK's own metrics, the
//! latter in development. What there is no convention for has names of our own.

use super::scale::{BODY, FINE, REQUEST, Scale};

/// What a metric's numbers do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// They only grow.
    Counter,
    /// They grow and shrink.
    UpDownCounter,
    /// They are spread over buckets.
    Histogram(&'static Scale),
}

impl Kind {
    /// As the specification calls it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::UpDownCounter => "up-down counter",
            Self::Histogram(_) => "histogram",
        }
    }
}

/// One metric.
#[derive(Debug)]
pub struct Instrument {
    /// Its name.
    pub name: &'static str,
    /// What its numbers do.
    pub kind: Kind,
    /// In the code of UCUM.
    pub unit: &'static str,
    /// Attributes of its points; those without a value are left out.
    pub attributes: &'static [&'static str],
    /// What it says.
    pub description: &'static str,
}

const OF_REQUEST: &[&str] = &[
    "http.request.method",
    "url.scheme",
    "http.route",
    "http.response.status_code",
    "error.type",
    "network.protocol.version",
];
const COMPONENT: &[&str] = &["otel.component.type", "otel.component.name"];
const PROCESSOR_ENDS: &[&str] = &["otel.component.type", "otel.component.name", "error.type"];
const EXPORTER: &[&str] = &["otel.component.type", "otel.component.name", "server.address", "server.port"];
const EXPORTER_ENDS: &[&str] =
    &["otel.component.type", "otel.component.name", "server.address", "server.port", "error.type"];

/// Duration of a request, equal to that of its span.
pub static DURATION: Instrument = Instrument {
    name: "http.server.request.duration",
    kind: Kind::Histogram(&REQUEST),
    unit: "s",
    attributes: OF_REQUEST,
    description: "Duration of HTTP server requests.",
};

/// Requests under way.
pub static ACTIVE: Instrument = Instrument {
    name: "http.server.active_requests",
    kind: Kind::UpDownCounter,
    unit: "{request}",
    attributes: &["http.request.method", "url.scheme"],
    description: "Number of active HTTP server requests.",
};

/// Body bytes received.
pub static REQUEST_BODY: Instrument = Instrument {
    name: "http.server.request.body.size",
    kind: Kind::Histogram(&BODY),
    unit: "By",
    attributes: OF_REQUEST,
    description: "Size of HTTP server request bodies.",
};

/// Body bytes sent.
pub static RESPONSE_BODY: Instrument = Instrument {
    name: "http.server.response.body.size",
    kind: Kind::Histogram(&BODY),
    unit: "By",
    attributes: OF_REQUEST,
    description: "Size of HTTP server response bodies.",
};

/// Time in each state.
pub static STATE: Instrument = Instrument {
    name: "wirespan.server.state.duration",
    kind: Kind::Histogram(&FINE),
    unit: "s",
    attributes: &["http.request.method", "http.route", "wirespan.state"],
    description: "Time that requests spent in each of the six states; the states of a request add up to its duration.",
};

/// How late the loop is.
pub static LOOP_LAG: Instrument = Instrument {
    name: "wirespan.server.loop.lag",
    kind: Kind::Histogram(&FINE),
    unit: "s",
    attributes: &[],
    description: "How late the event loop ran the engine's timer, which is due at least four times a second.",
};

/// Open connections.
pub static CONNECTIONS: Instrument = Instrument {
    name: "wirespan.server.active_connections",
    kind: Kind::UpDownCounter,
    unit: "{connection}",
    attributes: &[],
    description: "Open connections, idle ones included.",
};

/// Accepted connections.
pub static ACCEPTED: Instrument = Instrument {
    name: "wirespan.server.accepted_connections",
    kind: Kind::Counter,
    unit: "{connection}",
    attributes: &[],
    description: "Connections that were accepted.",
};

/// Refused connections.
pub static REFUSED: Instrument = Instrument {
    name: "wirespan.server.refused_connections",
    kind: Kind::Counter,
    unit: "{connection}",
    attributes: &[],
    description: "Accepted connections above limit_connections, which are answered with 503.",
};

/// Threads at work.
pub static THREADS_BUSY: Instrument = Instrument {
    name: "wirespan.server.threads.busy",
    kind: Kind::UpDownCounter,
    unit: "{thread}",
    attributes: &[],
    description: "Threads that run a `def` handler.",
};

/// Waiting for a thread.
pub static THREADS_QUEUED: Instrument = Instrument {
    name: "wirespan.server.threads.queued",
    kind: Kind::UpDownCounter,
    unit: "{request}",
    attributes: &[],
    description: "Requests whose `def` handler waits for a free thread.",
};

/// Threads there may be.
pub static THREADS_LIMIT: Instrument = Instrument {
    name: "wirespan.server.threads.limit",
    kind: Kind::UpDownCounter,
    unit: "{thread}",
    attributes: &[],
    description: "Most threads that run `def` handlers.",
};

/// Spans that began.
pub static SPANS_STARTED: Instrument = Instrument {
    name: "otel.sdk.span.started",
    kind: Kind::Counter,
    unit: "{span}",
    attributes: &["otel.span.sampling_result", "otel.span.parent.origin"],
    description: "Spans that began, those of requests and those that code and libraries make, recorded or not.",
};

/// Spans that are not over.
pub static SPANS_LIVE: Instrument = Instrument {
    name: "otel.sdk.span.live",
    kind: Kind::UpDownCounter,
    unit: "{span}",
    attributes: &["otel.span.sampling_result"],
    description: "Recorded spans that have not ended.",
};

/// Spans in memory.
pub static QUEUE_SIZE: Instrument = Instrument {
    name: "otel.sdk.processor.span.queue.size",
    kind: Kind::UpDownCounter,
    unit: "{span}",
    attributes: COMPONENT,
    description: "Spans in memory that wait to be exported.",
};

/// Room for spans in memory.
pub static QUEUE_CAPACITY: Instrument = Instrument {
    name: "otel.sdk.processor.span.queue.capacity",
    kind: Kind::UpDownCounter,
    unit: "{span}",
    attributes: COMPONENT,
    description: "Most spans in memory.",
};

/// Spans that left the queue.
pub static PROCESSED: Instrument = Instrument {
    name: "otel.sdk.processor.span.processed",
    kind: Kind::Counter,
    unit: "{span}",
    attributes: PROCESSOR_ENDS,
    description: "Spans that left the queue; with error.type those that found no room in it, or ended after the shutdown.",
};

/// Spans on their way.
pub static IN_FLIGHT: Instrument = Instrument {
    name: "otel.sdk.exporter.span.inflight",
    kind: Kind::UpDownCounter,
    unit: "{span}",
    attributes: EXPORTER,
    description: "Spans on their way to the receiver, all tries included.",
};

/// Spans that arrived, or never will.
pub static EXPORTED: Instrument = Instrument {
    name: "otel.sdk.exporter.span.exported",
    kind: Kind::Counter,
    unit: "{span}",
    attributes: EXPORTER_ENDS,
    description: "Spans that the receiver has; with error.type those that are lost.",
};

/// Time of a batch or a report on its way.
pub static OPERATION: Instrument = Instrument {
    name: "otel.sdk.exporter.operation.duration",
    kind: Kind::Histogram(&FINE),
    unit: "s",
    attributes: &[
        "otel.component.type",
        "otel.component.name",
        "server.address",
        "server.port",
        "http.response.status_code",
        "error.type",
    ],
    description: "Time from the first try to send a batch of spans or a report of metrics to its end, the waits between \
                  tries included; with error.type those that ended in a failure, or in the spool.",
};

/// Points on their way.
pub static POINTS_IN_FLIGHT: Instrument = Instrument {
    name: "otel.sdk.exporter.metric_data_point.inflight",
    kind: Kind::UpDownCounter,
    unit: "{data_point}",
    attributes: EXPORTER,
    description: "Points of metrics on their way to the receiver, all tries included.",
};

/// Points that arrived, or never will.
pub static POINTS_EXPORTED: Instrument = Instrument {
    name: "otel.sdk.exporter.metric_data_point.exported",
    kind: Kind::Counter,
    unit: "{data_point}",
    attributes: EXPORTER_ENDS,
    description: "Points of metrics that the receiver has; with error.type those that are lost.",
};

/// Time to make a report.
pub static COLLECTION: Instrument = Instrument {
    name: "otel.sdk.metric_reader.collection.duration",
    kind: Kind::Histogram(&FINE),
    unit: "s",
    attributes: COMPONENT,
    description: "Time that it took to collect the metrics of earlier reports.",
};

/// All metrics, in the order in which they are reported.
pub static INSTRUMENTS: [&Instrument; 23] = [
    &DURATION,
    &ACTIVE,
    &REQUEST_BODY,
    &RESPONSE_BODY,
    &STATE,
    &LOOP_LAG,
    &CONNECTIONS,
    &ACCEPTED,
    &REFUSED,
    &THREADS_BUSY,
    &THREADS_QUEUED,
    &THREADS_LIMIT,
    &SPANS_STARTED,
    &SPANS_LIVE,
    &COLLECTION,
    &QUEUE_SIZE,
    &QUEUE_CAPACITY,
    &PROCESSED,
    &IN_FLIGHT,
    &EXPORTED,
    &OPERATION,
    &POINTS_IN_FLIGHT,
    &POINTS_EXPORTED,
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_grow() {
        for instrument in INSTRUMENTS {
            let Kind::Histogram(scale) = instrument.kind else { continue };
            assert!(scale.bounds.is_sorted_by(|one, other| one < other), "{}", instrument.name);
        }
    }

    #[test]
    fn names_are_unique() {
        let mut names: Vec<_> = INSTRUMENTS.iter().map(|instrument| instrument.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), INSTRUMENTS.len());
    }
}
