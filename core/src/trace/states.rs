//! The six states: what a request waits for, and for how long.

use super::timeline::Timeline;

/// What a request is waiting for. At each instant it is exactly one of these.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum State {
    /// The event loop to read it.
    Queue = 0,
    /// The client to send head or body.
    Read = 1,
    /// Its handler's first step.
    Schedule = 2,
    /// Python: handler code is executing.
    Run = 3,
    /// Something the handler awaits that is not this client.
    Await = 4,
    /// The client to take the response.
    Write = 5,
}

impl State {
    /// The six states in the order of a request's life, with the names used everywhere.
    pub const ALL: [(Self, &'static str); 6] = [
        (Self::Queue, "queue"),
        (Self::Read, "read"),
        (Self::Schedule, "schedule"),
        (Self::Run, "run"),
        (Self::Await, "await"),
        (Self::Write, "write"),
    ];

    /// The name used in Python, docs and sinks.
    #[must_use]
    pub const fn name(self) -> &'static str {
        Self::ALL[self as usize].1
    }
}

/// The state of an exchange and the time spent in each so far. Times are monotonic nanoseconds.
#[derive(Clone, Debug)]
pub(super) struct States {
    current: State,
    /// When it was entered, or last charged; 0: no time counts yet.
    since: u64,
    totals: [u64; 6],
    /// Kept where a sink asked for it.
    timeline: Option<Box<Timeline>>,
}

impl States {
    pub(super) const fn new() -> Self {
        Self { current: State::Queue, since: 0, totals: [0; 6], timeline: None }
    }

    /// From here on the order of the changes is kept too.
    pub(super) fn keep_timeline(&mut self) {
        self.timeline.get_or_insert_default();
    }

    /// Time counts from `now` on, in `state`. What was `queued` before counts as that.
    pub(super) fn begin(&mut self, state: State, now: u64, queued: u64) {
        self.since = now;
        self.current = state;
        self.add(State::Queue, queued);
    }

    pub(super) const fn has_begun(&self) -> bool {
        self.since != 0
    }

    pub(super) const fn current(&self) -> State {
        self.current
    }

    pub(super) const fn since(&self) -> u64 {
        self.since
    }

    pub(super) const fn totals(&self) -> [u64; 6] {
        self.totals
    }

    pub(super) fn timeline(&self) -> Option<&Timeline> {
        self.timeline.as_deref()
    }

    /// The exchange now waits for something else. To stay is no change: `since` tells when the state was entered.
    pub(super) fn enter(&mut self, state: State, at: u64) {
        if state != self.current {
            self.charge(self.current, at);
            self.current = state;
        }
    }

    /// Adds the time since the last change to `state`. Times that run backwards count as none.
    pub(super) fn charge(&mut self, state: State, until: u64) {
        if self.since == 0 {
            self.since = until;
        }
        let until = until.max(self.since);
        self.add(state, until - self.since);
        self.since = until;
    }

    fn add(&mut self, state: State, ns: u64) {
        self.totals[state as usize] += ns;
        if let Some(timeline) = &mut self.timeline {
            timeline.add(state, ns);
        }
    }
}
