//! One error type for the engine. An error says who must act; that decides reply, log level and `end_reason`.

use crate::trace::EndReason;

/// Who must act on an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The person who runs the server: a wrong option, a port in use.
    Operator,
    /// The client sent something wrong.
    Peer,
    /// The network or the kernel.
    Network,
    /// The user's handler or application.
    Handler,
    /// wirespan itself: please report.
    Internal,
}

/// What went wrong, whose fault it is and what the peer is told.
#[derive(Debug, thiserror::Error)]
#[error("{what}")]
pub struct Error {
    fault: Fault,
    what: &'static str,
    status: Option<u16>,
    end_reason: EndReason,
    #[source]
    source: Option<std::io::Error>,
}

impl Error {
    /// The client broke a rule of RFC 9110 or 9112; `status` is what it is told.
    pub(crate) const fn protocol(status: u16, what: &'static str) -> Self {
        Self {
            fault: Fault::Peer,
            what,
            status: Some(status),
            end_reason: EndReason::ProtocolError,
            source: None,
        }
    }

    /// The client went over a bound of the configuration.
    pub(crate) const fn limit(status: u16, what: &'static str) -> Self {
        Self {
            fault: Fault::Peer,
            what,
            status: Some(status),
            end_reason: EndReason::LimitExceeded,
            source: None,
        }
    }

    /// Somebody took too long.
    pub(crate) const fn timeout(status: u16, end_reason: EndReason, what: &'static str) -> Self {
        Self { fault: Fault::Peer, what, status: Some(status), end_reason, source: None }
    }

    /// The application's response breaks a rule (section 7: responses are checked as strictly).
    pub(crate) const fn handler(what: &'static str) -> Self {
        Self {
            fault: Fault::Handler,
            what,
            status: Some(500),
            end_reason: EndReason::HandlerError,
            source: None,
        }
    }

    /// The operator asked for something impossible.
    pub(crate) const fn operator(what: &'static str, source: Option<std::io::Error>) -> Self {
        Self { fault: Fault::Operator, what, status: None, end_reason: EndReason::Shutdown, source }
    }

    /// Who must act.
    #[must_use]
    pub const fn fault(&self) -> Fault {
        self.fault
    }

    /// One sentence, safe to show to the peer: it never holds request data.
    #[must_use]
    pub const fn what(&self) -> &'static str {
        self.what
    }

    /// The status code the peer is told, if there is still a way to tell it.
    #[must_use]
    pub const fn status(&self) -> Option<u16> {
        self.status
    }

    /// How an exchange that met this error ends.
    #[must_use]
    pub const fn end_reason(&self) -> EndReason {
        self.end_reason
    }

    /// The operating system's error, if one caused this.
    #[must_use]
    pub const fn io(&self) -> Option<&std::io::Error> {
        self.source.as_ref()
    }
}
