//! THE event table: name, level and the exact moment of every event. Docs and the CLI are generated from it.
//!
//! The first ten are Hertz's, with its names (`pkg/common/tracer/stats/event.go`). User-defined events get the
//! numbers after the table; unlike Hertz they can be defined at any time.

use std::sync::{LazyLock, RwLock};

/// How much is recorded. An event whose level is above the record's level is not recorded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Level {
    /// Nothing is recorded and no clock is read.
    #[default]
    Disabled = 0,
    /// Start, finish, sizes and the six states.
    Base = 1,
    /// Every event.
    Detailed = 2,
}

impl Level {
    /// All levels, lowest first, with the names users write.
    pub const ALL: [(Self, &'static str); 3] =
        [(Self::Disabled, "disabled"), (Self::Base, "base"), (Self::Detailed, "detailed")];
}

/// Whether what an event stands for went well.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(u8)]
pub enum Status {
    /// As expected.
    #[default]
    Info = 0,
    /// Odd, but the exchange went on.
    Warn = 1,
    /// It failed.
    Error = 2,
}

/// An event's number: an index into the table, or beyond it for user-defined events.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Event(pub u16);

/// One row of the table.
#[derive(Clone, Debug)]
pub struct EventDef {
    /// The name in Python, docs and sinks.
    pub name: std::borrow::Cow<'static, str>,
    /// The lowest level that records it.
    pub level: Level,
    /// When exactly it is recorded.
    pub when: &'static str,
}

const fn row(name: &'static str, level: Level, when: &'static str) -> EventDef {
    EventDef { name: std::borrow::Cow::Borrowed(name), level, when }
}

/// The events that the engine records, in the order of [`Event`]'s constants.
pub static TABLE: [EventDef; BUILT_IN] = [
    row(
        "HTTP_START",
        Level::Base,
        "the engine holds the first byte of this request and has parsed none of it",
    ),
    row("READ_HEADER_START", Level::Detailed, "parsing of the head begins"),
    row("READ_HEADER_FINISH", Level::Detailed, "the head's blank line was parsed, or parsing failed"),
    row("READ_BODY_START", Level::Detailed, "the head is done and a body is due"),
    row("READ_BODY_FINISH", Level::Detailed, "the last byte of the body was decoded, or reading it failed"),
    row("SERVER_HANDLE_START", Level::Detailed, "the first instruction of the handler chain runs"),
    row("SERVER_HANDLE_FINISH", Level::Detailed, "the handler chain returned or raised"),
    row("WRITE_START", Level::Detailed, "the first response byte is offered to the kernel"),
    row("WRITE_FINISH", Level::Detailed, "the kernel accepted the last response byte, or writing failed"),
    row(
        "HTTP_FINISH",
        Level::Base,
        "the response is written and the handler done with it, or the exchange ended otherwise",
    ),
    row("RECEIVED", Level::Base, "kernel receive time of the read that brought the first byte (Linux only)"),
    row("DISPATCHED", Level::Detailed, "the handler was handed to the event loop or the thread pool"),
    row("ROUTE_MATCHED", Level::Detailed, "the router decided; for ASGI apps, when the route becomes known"),
    row("RESPONSE_START", Level::Detailed, "the application supplied status and headers"),
];

/// How many events the engine itself records.
pub const BUILT_IN: usize = 14;

#[allow(missing_docs, reason = "the table above says what each one is; a test keeps the two in step")]
impl Event {
    pub const HTTP_START: Self = Self(0);
    pub const READ_HEADER_START: Self = Self(1);
    pub const READ_HEADER_FINISH: Self = Self(2);
    pub const READ_BODY_START: Self = Self(3);
    pub const READ_BODY_FINISH: Self = Self(4);
    pub const SERVER_HANDLE_START: Self = Self(5);
    pub const SERVER_HANDLE_FINISH: Self = Self(6);
    pub const WRITE_START: Self = Self(7);
    pub const WRITE_FINISH: Self = Self(8);
    pub const HTTP_FINISH: Self = Self(9);
    pub const RECEIVED: Self = Self(10);
    pub const DISPATCHED: Self = Self(11);
    pub const ROUTE_MATCHED: Self = Self(12);
    pub const RESPONSE_START: Self = Self(13);

    /// The row for this event, a copy for user-defined ones.
    #[must_use]
    pub fn definition(self) -> EventDef {
        let index = usize::from(self.0);
        if index < BUILT_IN { TABLE[index].clone() } else { user_events()[index - BUILT_IN].clone() }
    }

    /// Whether there is an event with this number.
    #[must_use]
    pub fn is_defined(self) -> bool {
        usize::from(self.0) < BUILT_IN + user_events().len()
    }

    /// The lowest level that records this event.
    #[must_use]
    pub fn level(self) -> Level {
        let index = usize::from(self.0);
        if index < BUILT_IN { TABLE[index].level } else { user_events()[index - BUILT_IN].level }
    }
}

static USER_EVENTS: LazyLock<RwLock<Vec<EventDef>>> = LazyLock::new(RwLock::default);

fn user_events() -> std::sync::RwLockReadGuard<'static, Vec<EventDef>> {
    USER_EVENTS.read().unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// Adds a user-defined event for the whole process.
///
/// # Errors
/// The event that already has this name, or `None` when the 65,536 numbers are used up.
pub fn define_event(name: &str, level: Level) -> Result<Event, Option<EventDef>> {
    let mut events = USER_EVENTS.write().unwrap_or_else(std::sync::PoisonError::into_inner);
    if let Some(taken) = TABLE.iter().chain(events.iter()).find(|e| e.name == name) {
        return Err(Some(taken.clone()));
    }
    let number = u16::try_from(BUILT_IN + events.len()).map_err(|_| None)?;
    events.push(EventDef { name: name.to_owned().into(), level, when: "defined by the application" });
    Ok(Event(number))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn constants_point_at_their_rows() {
        assert_eq!(Event::HTTP_START.definition().name, "HTTP_START");
        assert_eq!(Event::HTTP_FINISH.definition().name, "HTTP_FINISH");
        assert_eq!(Event::RECEIVED.definition().name, "RECEIVED");
        assert_eq!(Event::RESPONSE_START.definition().name, "RESPONSE_START");
    }

    #[test]
    fn a_name_is_given_once() {
        let event = define_event("core_test_event", Level::Base).unwrap();
        assert_eq!(event.level(), Level::Base);
        let taken = define_event("core_test_event", Level::Detailed).unwrap_err().unwrap();
        assert_eq!(taken.level, Level::Base);
        assert!(define_event("HTTP_START", Level::Base).is_err());
    }
}
