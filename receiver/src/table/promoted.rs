//! Attributes that have a column of their own, so that lists and percentiles need not read JSON.
//!
//! Names: OpenTelemetry's semantic conventions for HTTP spans (stable ones first, then those of before 1.23, which
//! many programs still send), and wirespan's own. All stay in the JSON as well: it is what was sent.

use crate::model::Span;
use crate::value::{Attributes, Value};

/// The six states, in canonical order.
pub(crate) const STATES: [&str; 6] = [
    "wirespan.state.queue_ns",
    "wirespan.state.read_ns",
    "wirespan.state.schedule_ns",
    "wirespan.state.run_ns",
    "wirespan.state.await_ns",
    "wirespan.state.write_ns",
];

/// What a span says in the attributes that have columns.
#[derive(Debug, Default)]
pub(crate) struct Promoted<'s> {
    pub(crate) method: Option<&'s str>,
    pub(crate) route: Option<&'s str>,
    pub(crate) path: Option<&'s str>,
    pub(crate) http_status: Option<u16>,
    pub(crate) error_type: Option<&'s str>,
    pub(crate) end_reason: Option<&'s str>,
    pub(crate) states: [Option<i64>; 6],
    pub(crate) timeline: Option<&'s str>,
}

impl<'s> Promoted<'s> {
    /// One walk over the attributes.
    pub(crate) fn of(span: &'s Span<'_>) -> Self {
        let mut found = Self::default();
        let mut old = Self::default();
        for (key, value) in &span.attributes.items {
            match key.as_ref() {
                "http.request.method" => found.method = value.as_text(),
                "http.method" => old.method = value.as_text(),
                "http.route" => found.route = value.as_text(),
                "url.path" => found.path = value.as_text(),
                "http.target" => old.path = value.as_text().map(without_query),
                "url.full" | "http.url" if old.path.is_none() => old.path = value.as_text().map(path_of),
                "http.response.status_code" => found.http_status = status(value),
                "http.status_code" => old.http_status = status(value),
                "error.type" => found.error_type = value.as_text(),
                "wirespan.end_reason" => found.end_reason = value.as_text(),
                "wirespan.state.timeline" => found.timeline = value.as_text(),
                key if key.starts_with("wirespan.state.") => {
                    if let Some(index) = STATES.iter().position(|name| *name == key) {
                        found.states[index] = value.as_int().filter(|duration| *duration >= 0);
                    }
                }
                _ => {}
            }
        }
        found.method = found.method.or(old.method);
        found.path = found.path.or(old.path);
        found.http_status = found.http_status.or(old.http_status);
        found.error_type = found.error_type.or_else(|| exception_type(span));
        found
    }
}

fn status(value: &Value<'_>) -> Option<u16> {
    value.as_int().and_then(|number| u16::try_from(number).ok())
}

/// SDKs that do not set `error.type` record the exception as an event.
fn exception_type<'s>(span: &'s Span<'_>) -> Option<&'s str> {
    let is_exception = |event: &&crate::model::Event<'_>| event.name == "exception";
    let event = span.events.iter().rev().find(is_exception)?;
    Attributes::text(&event.attributes, "exception.type")
}

fn without_query(target: &str) -> &str {
    target.split(['?', '#']).next().unwrap_or(target)
}

fn path_of(url: &str) -> &str {
    let after_scheme = url.split_once("://").map_or(url, |(_, rest)| rest);
    after_scheme.find('/').map_or("/", |start| without_query(&after_scheme[start..]))
}
