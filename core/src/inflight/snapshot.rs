//! What is told of a running exchange: a copy, so that nothing is locked while it is shown.

use std::sync::Arc;

use crate::exchange::Exchange;
use crate::message::Request;
use crate::propagation::hex;
use crate::trace::{EndReason, State};

/// Exchanges in one answer: the oldest, which are those that somebody looks for.
pub const SHOWN: usize = 1_000;
/// Characters of a path that are shown.
const PATH_SHOWN: usize = 200;
/// Characters of a method: the longest registered one has 17.
const METHOD_SHOWN: usize = 32;

/// One exchange that has begun and is not over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Running {
    /// Unique in its engine, rising.
    pub id: u64,
    /// Empty before the head is parsed; clipped.
    pub method: String,
    /// The route's template, once it is known.
    pub route: Option<Arc<str>>,
    /// Still percent-encoded, without the query, which may hold secrets; empty before the head is parsed; clipped.
    pub path: String,
    /// What it waits for; `None` where nothing is recorded (level `disabled`), and for background work.
    pub state: Option<State>,
    /// How long it has been in that state, or in the background; 0 where that is not recorded.
    pub state_ns: u64,
    /// Nanoseconds in each state until now, in the order of [`State::ALL`]; `None` where nothing is recorded.
    pub states: Option<[u64; 6]>,
    /// The client has all of the response, and the handler goes on.
    pub background: bool,
    /// Why it is about to end without success: the handler has not noticed yet, or cleans up.
    pub end_reason: Option<EndReason>,
    /// Since its first byte.
    pub age_ns: u64,
    /// Of the trace that it belongs to.
    pub trace_id: Option<[u8; 16]>,
    /// The client's address and port.
    pub client: Option<String>,
}

impl Running {
    /// As it is at `now`.
    pub(crate) fn new(exchange: &Exchange, now: u64) -> Self {
        let request = exchange.request();
        let shown =
            |bytes: Option<&[u8]>, limit| clip(&String::from_utf8_lossy(bytes.unwrap_or_default()), limit);
        let progress = exchange.lock();
        let record = &progress.record;
        Self {
            id: exchange.entry.id,
            method: shown(request.map(Request::method), METHOD_SHOWN),
            route: record.route.clone(),
            path: shown(request.map(Request::path), PATH_SHOWN),
            state: (record.is_on() && !record.is_closed()).then(|| record.state()),
            state_ns: if record.is_on() { now.saturating_sub(record.state_since()) } else { 0 },
            states: record.is_on().then(|| record.states_at(now)),
            background: record.is_closed(),
            end_reason: record.end_reason.filter(|reason| *reason != EndReason::Completed),
            age_ns: now.saturating_sub(exchange.entry.began_at),
            trace_id: exchange.context().map(|context| context.span.trace_id),
            client: exchange.peer().client.as_ref().map(|end| end.text().to_owned()),
        }
    }

    /// The trace's id as headers have it.
    #[must_use]
    pub fn trace_id_text(&self) -> Option<String> {
        self.trace_id.map(|id| hex::text(&id))
    }
}

/// What an engine is at.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Snapshot {
    /// How many exchanges run.
    pub total: usize,
    /// The oldest [`SHOWN`] of them, oldest first.
    pub requests: Vec<Running>,
}

/// At most so many characters; where some are missing, the last one says so.
fn clip(text: &str, limit: usize) -> String {
    if text.chars().nth(limit).is_none() {
        return text.to_owned();
    }
    text.chars().take(limit - 1).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_texts_end_with_a_mark() {
        assert_eq!(clip("/añb", 4), "/añb");
        assert_eq!(clip("/añbc", 4), "/añ…");
        assert_eq!(clip("", 4), "");
    }
}
