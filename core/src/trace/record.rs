//! One exchange's stamps, states, sizes and outcome.

use super::event::{BUILT_IN, Event, Level, Status};
use super::outcome::{ConnectionFacts, EndReason, ErrorNote};
use super::states::{State, States};
use super::timeline::Timeline;

/// One recorded event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recorded {
    /// Which event.
    pub event: Event,
    /// Monotonic nanoseconds of the first time.
    pub at_ns: u64,
    /// Of the first time.
    pub status: Status,
    /// Free text of the first time, often empty.
    pub info: String,
    /// How often it was recorded.
    pub count: u32,
}

/// Everything uncommon, so that a plain record stays small.
#[derive(Clone, Debug, Default)]
struct Notes {
    recorded: Vec<Recorded>,
}

/// What is known of one exchange. Times are monotonic nanoseconds, 0 where not recorded.
#[derive(Clone, Debug)]
pub struct Record {
    level: Level,
    closed: bool,
    handler_done_at: u64,
    states: States,
    times: [u64; BUILT_IN],
    notes: Option<Box<Notes>>,
    /// Wall clock minus monotonic clock, taken when the exchange began.
    pub wall_offset_ns: i64,
    /// Facts about the connection.
    pub connection: ConnectionFacts,
    /// Bytes of this request on the wire, chunk framing included.
    pub recv_size: u64,
    /// Bytes of this response accepted by the kernel, chunk framing included.
    pub send_size: u64,
    /// Decoded bytes of the request body.
    pub recv_body_size: u64,
    /// Bytes of the response body before chunk framing.
    pub send_body_size: u64,
    /// The status code that was sent; 0 when none was.
    pub status: u16,
    /// How it ended; `None` while it runs.
    pub end_reason: Option<EndReason>,
    /// What was thrown or went wrong.
    pub error: Option<Box<ErrorNote>>,
    /// Whether `error` is an exception that no error handler dealt with.
    pub panicked: bool,
    /// Handler time after the response was complete: outside the six states.
    pub background_ns: u64,
    /// The route's template.
    pub route: Option<std::sync::Arc<str>>,
}

impl Record {
    /// An empty record.
    #[must_use]
    pub fn new(level: Level) -> Self {
        Self {
            level,
            closed: false,
            handler_done_at: 0,
            states: States::new(),
            times: [0; BUILT_IN],
            notes: None,
            wall_offset_ns: 0,
            connection: ConnectionFacts::default(),
            recv_size: 0,
            send_size: 0,
            recv_body_size: 0,
            send_body_size: 0,
            status: 0,
            end_reason: None,
            error: None,
            panicked: false,
            background_ns: 0,
            route: None,
        }
    }

    /// How much is recorded.
    #[must_use]
    pub const fn level(&self) -> Level {
        self.level
    }

    /// Changes how much is recorded from here on. What was not recorded before stays unknown.
    pub fn set_level(&mut self, level: Level, now: u64) {
        let was_on = self.is_on();
        self.level = level;
        if !was_on && self.is_on() && !self.states.has_begun() {
            self.states.begin(State::Run, now, 0); // it is the handler's code that asks
        }
    }

    /// Whether anything is recorded, so that callers read the clock only if it matters.
    #[must_use]
    pub const fn is_on(&self) -> bool {
        !matches!(self.level, Level::Disabled)
    }

    /// The exchange begins: its first byte is here. Time since the kernel received it was `queue`.
    pub fn begin(&mut self, now: u64, received: Option<u64>) {
        if !self.is_on() {
            return;
        }
        let received = received.map(|at| at.min(now));
        if let Some(received) = received {
            self.times[usize::from(Event::RECEIVED.0)] = received;
        }
        self.times[usize::from(Event::HTTP_START.0)] = now;
        self.states.begin(State::Read, now, now - received.unwrap_or(now));
    }

    /// Records a built-in event without status or text: what the engine does many times a request.
    pub fn mark(&mut self, event: Event, at: u64) {
        let index = usize::from(event.0);
        let level = if index == 0 || index == 9 || index == 10 { Level::Base } else { Level::Detailed };
        if self.level < level || self.closed {
            return;
        }
        if self.times[index] == 0 {
            self.times[index] = at;
        } else {
            self.note(event, self.times[index], Status::Info, "", true);
        }
    }

    /// Records any event. Recorded before: keeps the first time, counts. Returns whether it was recorded.
    pub fn record(&mut self, event: Event, at: u64, status: Status, info: &str) -> bool {
        if !self.is_on() || self.level < event.level() {
            return false;
        }
        let index = usize::from(event.0);
        if index >= BUILT_IN {
            self.note(event, at, status, info, false);
        } else if self.times[index] != 0 {
            self.note(event, self.times[index], status, info, true);
        } else {
            self.times[index] = at;
            if status != Status::Info || !info.is_empty() {
                self.note(event, at, status, info, false);
            }
        }
        true
    }

    /// `again`: the event was marked at `at_ns` before, and without a note.
    fn note(&mut self, event: Event, at_ns: u64, status: Status, info: &str, again: bool) {
        let notes = &mut self.notes.get_or_insert_default().recorded;
        if let Some(known) = notes.iter_mut().find(|r| r.event == event) {
            known.count = known.count.saturating_add(1);
            return;
        }
        let (status, info, count) =
            if again { (Status::Info, String::new(), 2) } else { (status, info.to_owned(), 1) };
        notes.push(Recorded { event, at_ns, status, info, count });
    }

    /// The exchange now waits for something else.
    pub fn enter(&mut self, state: State, at: u64) {
        if !self.is_on() || self.closed {
            return;
        }
        self.states.enter(state, at);
    }

    /// Bytes that the exchange was waiting for in state `read` were in the kernel since `received`: from then on
    /// it waited for the event loop, not for the client.
    pub fn read_arrived(&mut self, received: Option<u64>, now: u64) {
        if !self.is_on() || self.closed || self.state() != State::Read {
            return;
        }
        self.states.charge(State::Read, received.unwrap_or(now).min(now));
        self.states.charge(State::Queue, now);
    }

    /// The state it is in now.
    #[must_use]
    pub const fn state(&self) -> State {
        self.states.current()
    }

    /// Since when it is in this state. While a body arrives: since its last bytes did.
    #[must_use]
    pub const fn state_since(&self) -> u64 {
        self.states.since()
    }

    /// From here on the order of the states is kept too.
    pub fn keep_timeline(&mut self) {
        self.states.keep_timeline();
    }

    /// The states in order of time, up to the last change; `None` where nobody asked for it.
    #[must_use]
    pub fn timeline(&self) -> Option<&Timeline> {
        self.states.timeline()
    }

    /// The exchange is over; only the first call counts. Returns whether this was it.
    pub fn close(&mut self, now: u64, reason: EndReason) -> bool {
        if self.closed {
            return false;
        }
        if self.is_on() {
            self.states.charge(self.state(), now);
            self.times[usize::from(Event::HTTP_FINISH.0)] = self.states.since();
        }
        self.end_reason.get_or_insert(reason);
        self.closed = true;
        true
    }

    /// Whether `close` was called.
    #[must_use]
    pub const fn is_closed(&self) -> bool {
        self.closed
    }

    /// The handler is done. After `close` the time since then was background work.
    pub fn handler_done(&mut self, now: u64) {
        if self.handler_done_at == 0 {
            self.handler_done_at = now;
        }
        if !self.is_on() {
            return;
        }
        if self.closed {
            self.background_ns = now.saturating_sub(self.times[usize::from(Event::HTTP_FINISH.0)]);
            let finish = usize::from(Event::SERVER_HANDLE_FINISH.0);
            if self.level == Level::Detailed && self.times[finish] == 0 {
                self.times[finish] = now;
            }
        } else {
            self.mark(Event::SERVER_HANDLE_FINISH, now);
        }
    }

    /// Nanoseconds in each state so far, in the order of [`State::ALL`].
    #[must_use]
    pub const fn states(&self) -> [u64; 6] {
        self.states.totals()
    }

    /// As [`Record::states`], with the time since the last change added to the state it is in.
    #[must_use]
    pub fn states_at(&self, now: u64) -> [u64; 6] {
        let mut states = self.states();
        if !self.closed && self.states.has_begun() {
            states[self.state() as usize] += now.saturating_sub(self.states.since());
        }
        states
    }

    /// When an event was first recorded, monotonic nanoseconds.
    #[must_use]
    pub fn time(&self, event: Event) -> Option<u64> {
        match self.times.get(usize::from(event.0)) {
            Some(0) => None,
            Some(at) => Some(*at),
            None => self.noted(event).map(|r| r.at_ns),
        }
    }

    fn noted(&self, event: Event) -> Option<&Recorded> {
        self.notes.as_ref()?.recorded.iter().find(|r| r.event == event)
    }

    /// One event with everything known about it.
    #[must_use]
    pub fn get(&self, event: Event) -> Option<Recorded> {
        let at_ns = self.time(event)?;
        Some(self.noted(event).cloned().unwrap_or(Recorded {
            event,
            at_ns,
            status: Status::Info,
            info: String::new(),
            count: 1,
        }))
    }

    /// All recorded events in order of time, in table order where times are equal.
    #[must_use]
    pub fn events(&self) -> Vec<Recorded> {
        let own = (0..BUILT_IN).filter_map(|i| self.get(Event(u16::try_from(i).unwrap_or(u16::MAX))));
        let noted = self.notes.iter().flat_map(|n| n.recorded.iter());
        let mut all: Vec<_> =
            own.chain(noted.filter(|r| usize::from(r.event.0) >= BUILT_IN).cloned()).collect();
        all.sort_by_key(|r| r.at_ns);
        all
    }

    /// Nanoseconds of the whole exchange, from `RECEIVED` (else `HTTP_START`) to `HTTP_FINISH`.
    #[must_use]
    pub fn total_ns(&self) -> u64 {
        let start = self.time(Event::RECEIVED).or(self.time(Event::HTTP_START));
        match (start, self.time(Event::HTTP_FINISH)) {
            (Some(start), Some(finish)) => finish.saturating_sub(start),
            _ => 0,
        }
    }

    /// Wall-clock nanoseconds since 1970 for a monotonic stamp of this record.
    #[must_use]
    pub const fn wall_ns(&self, at: u64) -> u64 {
        at.saturating_add_signed(self.wall_offset_ns)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn begun() -> Record {
        let mut record = Record::new(Level::Detailed);
        record.begin(1_000, Some(400));
        record
    }

    #[test]
    fn states_sum_to_the_total() {
        let mut record = begun();
        record.enter(State::Schedule, 1_100);
        record.enter(State::Run, 1_150);
        record.enter(State::Await, 1_300);
        record.enter(State::Run, 1_200); // a clock that runs backwards adds nothing
        record.enter(State::Write, 1_450);
        assert!(record.close(1_500, EndReason::Completed));
        assert_eq!(record.states(), [600, 100, 50, 300, 0, 50]);
        assert_eq!(record.states().iter().sum::<u64>(), record.total_ns());
    }

    #[test]
    fn late_reads_are_queue_time() {
        let mut record = begun();
        record.read_arrived(Some(3_000), 5_000);
        record.close(5_000, EndReason::Completed);
        assert_eq!(record.states(), [600 + 2_000, 2_000, 0, 0, 0, 0]);
    }

    #[test]
    fn a_clock_that_stands_still_counts_too() {
        let mut record = begun();
        assert!(record.record(Event::WRITE_START, 1_200, Status::Info, ""));
        assert!(record.record(Event::WRITE_START, 1_200, Status::Error, "again"));
        let recorded = record.get(Event::WRITE_START).unwrap();
        assert_eq!((recorded.count, recorded.status, recorded.info.as_str()), (2, Status::Info, ""));
    }

    #[test]
    fn a_second_mark_keeps_the_first_time_and_counts() {
        let mut record = begun();
        record.mark(Event::WRITE_START, 1_200);
        record.mark(Event::WRITE_START, 1_300);
        record.mark(Event::WRITE_START, 1_400);
        let got = record.get(Event::WRITE_START).unwrap();
        assert_eq!((got.at_ns, got.count), (1_200, 3));
    }

    #[test]
    fn closes_once() {
        let mut record = begun();
        assert!(record.close(2_000, EndReason::ReadTimeout));
        assert!(!record.close(3_000, EndReason::Completed));
        assert_eq!(record.end_reason, Some(EndReason::ReadTimeout));
        assert_eq!(record.total_ns(), 1_600);
    }

    #[test]
    fn disabled_records_nothing() {
        let mut record = Record::new(Level::Disabled);
        record.begin(1_000, Some(400));
        record.enter(State::Run, 2_000);
        record.close(3_000, EndReason::Completed);
        assert_eq!((record.states(), record.events().len()), ([0; 6], 0));
    }

    #[test]
    fn background_is_outside_the_states() {
        let mut record = begun();
        record.close(2_000, EndReason::Completed);
        record.handler_done(9_000);
        assert_eq!((record.background_ns, record.total_ns()), (7_000, 1_600));
    }
}
