//! How an exchange ended, and on what kind of connection.

/// How an exchange ended. Kept apart from the status code, which is never faked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum EndReason {
    /// The whole response was accepted by the kernel.
    Completed = 0,
    /// The client went away before that.
    ClientDisconnected,
    /// The client was silent for too long while head or body was due.
    ReadTimeout,
    /// The client took none of the response for too long.
    WriteTimeout,
    /// The handler raised, or its response broke a rule.
    HandlerError,
    /// The handler ran longer than `timeout_handler_s`.
    HandlerTimeout,
    /// The request broke a rule of RFC 9110 or 9112.
    ProtocolError,
    /// The request went over a bound.
    LimitExceeded,
    /// The server stopped before the exchange was over.
    Shutdown,
    /// The connection became something else.
    Upgraded,
}

impl EndReason {
    /// All reasons with the names used everywhere.
    pub const ALL: [(Self, &'static str); 10] = [
        (Self::Completed, "completed"),
        (Self::ClientDisconnected, "client_disconnected"),
        (Self::ReadTimeout, "read_timeout"),
        (Self::WriteTimeout, "write_timeout"),
        (Self::HandlerError, "handler_error"),
        (Self::HandlerTimeout, "handler_timeout"),
        (Self::ProtocolError, "protocol_error"),
        (Self::LimitExceeded, "limit_exceeded"),
        (Self::Shutdown, "shutdown"),
        (Self::Upgraded, "upgraded"),
    ];

    /// The name used in Python, docs and sinks.
    #[must_use]
    pub const fn name(self) -> &'static str {
        Self::ALL[self as usize].1
    }
}

/// What was thrown, as text: sinks outlive the exception object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ErrorNote {
    /// The exception's type with its module, builtins without; or the end reason's name.
    pub kind: String,
    /// Its text, as it is.
    pub message: String,
    /// Where it was raised; empty where no span tells of it, and for what is no exception.
    pub stack: String,
}

impl ErrorNote {
    /// Without a stack.
    #[must_use]
    pub fn new(kind: impl Into<String>, message: impl Into<String>) -> Self {
        Self { kind: kind.into(), message: message.into(), stack: String::new() }
    }
}

/// Facts about the connection, never part of a request's time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ConnectionFacts {
    /// 1 for the first request.
    pub request_number: u64,
    /// From the end of the previous response (or accept) to this request's first byte.
    pub idle_ns: u64,
    /// From accept to this request's first byte.
    pub age_ns: u64,
}
