//! The JSON of one server's running requests: what the inspector answers and the viewer takes.

use serde_json::{Map, Value, json};

use super::snapshot::{Running, Snapshot};
use crate::propagation::{hex, ids};
use crate::trace::{Clock, State};

/// Who tells: the same in each answer of one server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Description {
    /// Different for each server, also for those of one process.
    pub instance: String,
    /// The service's name, as in its spans.
    pub service: String,
    /// The process.
    pub pid: u32,
    /// Where clients reach it; empty where it does not say.
    pub url: String,
}

impl Description {
    /// Of a server in this process.
    #[must_use]
    pub fn new(service: String, url: String) -> Self {
        Self { instance: hex::text(&ids::trace_id()), service, pid: std::process::id(), url }
    }

    /// As one JSON object without a line break.
    #[must_use]
    pub fn json(&self, snapshot: &Snapshot) -> String {
        let requests: Vec<Value> = snapshot.requests.iter().map(request).collect();
        json!({
            "instance": self.instance,
            "service": self.service,
            "pid": self.pid,
            "url": self.url,
            "at_us": Clock::System.wall() / 1_000,
            "total": snapshot.total,
            "requests": requests,
        })
        .to_string()
    }
}

fn request(running: &Running) -> Value {
    let states = running.states.map(|states| {
        let named = State::ALL.iter().zip(states).map(|((_, name), ns)| ((*name).to_owned(), ns.into()));
        named.collect::<Map<String, Value>>()
    });
    json!({
        "id": running.id,
        "method": running.method,
        "route": running.route.as_deref(),
        "path": running.path,
        "state": running.state.map(State::name),
        "state_ns": running.state_ns,
        "states": states,
        "age_ns": running.age_ns,
        "background": running.background,
        "end_reason": running.end_reason.map(crate::trace::EndReason::name),
        "trace_id": running.trace_id_text(),
        "client": running.client,
    })
}
