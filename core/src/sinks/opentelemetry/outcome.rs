//! Whether an exchange failed, in the words of the HTTP conventions.
//!
//! | it ended | and | the span |
//! |---|---|---|
//! | in order | status below 500 | is no error, 4xx included: that is the client's affair |
//! | in order | status from 500 | error; type: the exception that was dealt with, else the status |
//! | in order | the handler raised afterwards, in the background | error; type: the exception |
//! | by an exception of the handler | | error; type: the exception |
//! | by a rule or bound that the request broke | status 4xx sent | is no error |
//! | otherwise before its time | | error; type: the end reason. The status code stays what was sent |

use std::borrow::Cow;

use crate::trace::{EndReason, ErrorNote, Record};

/// Why a span is an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Failure<'a> {
    Exception(&'a ErrorNote),
    Reason(EndReason),
    Status(u16),
}

impl Failure<'_> {
    /// The value of `error.type`.
    pub(crate) fn kind(&self) -> Cow<'_, str> {
        match self {
            Self::Exception(note) => Cow::Borrowed(&note.kind),
            Self::Reason(reason) => Cow::Borrowed(reason.name()),
            Self::Status(status) => Cow::Owned(status.to_string()),
        }
    }
}

/// `None`: the span is no error.
pub(crate) fn failure(record: &Record) -> Option<Failure<'_>> {
    let note = record.error.as_deref();
    let exception = note.map(Failure::Exception);
    match record.end_reason.unwrap_or(EndReason::Completed) {
        EndReason::Completed | EndReason::Upgraded => match record.status {
            500.. => Some(exception.unwrap_or(Failure::Status(record.status))),
            _ => exception.filter(|_| record.panicked),
        },
        EndReason::HandlerError => Some(exception.unwrap_or(Failure::Reason(EndReason::HandlerError))),
        reason @ (EndReason::ProtocolError | EndReason::LimitExceeded) => {
            (!(400..500).contains(&record.status)).then_some(Failure::Reason(reason))
        }
        reason => Some(Failure::Reason(reason)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::Level;

    #[test]
    fn rules() {
        use EndReason::{
            ClientDisconnected, Completed, HandlerError, HandlerTimeout, LimitExceeded, ProtocolError,
            ReadTimeout, Shutdown, Upgraded, WriteTimeout,
        };
        let note = ErrorNote::new("ValueError", "m");
        let exception = Some(Failure::Exception(&note));
        for (reason, status, has_note, panicked, expected) in [
            (Completed, 200, false, false, None),
            (Completed, 404, false, false, None),
            (Completed, 404, true, false, None),
            (Completed, 500, false, false, Some(Failure::Status(500))),
            (Completed, 503, true, false, exception),
            (Completed, 200, true, true, exception),
            (Upgraded, 101, false, false, None),
            (HandlerError, 500, true, true, exception),
            (HandlerError, 200, true, true, exception),
            (HandlerError, 500, false, false, Some(Failure::Reason(HandlerError))),
            (ProtocolError, 400, true, false, None),
            (ProtocolError, 501, true, false, Some(Failure::Reason(ProtocolError))),
            (ProtocolError, 0, true, false, Some(Failure::Reason(ProtocolError))),
            (LimitExceeded, 413, true, false, None),
            (LimitExceeded, 503, true, false, Some(Failure::Reason(LimitExceeded))),
            (ReadTimeout, 408, true, false, Some(Failure::Reason(ReadTimeout))),
            (ClientDisconnected, 201, false, false, Some(Failure::Reason(ClientDisconnected))),
            (ClientDisconnected, 0, true, true, Some(Failure::Reason(ClientDisconnected))),
            (WriteTimeout, 200, false, false, Some(Failure::Reason(WriteTimeout))),
            (HandlerTimeout, 503, true, false, Some(Failure::Reason(HandlerTimeout))),
            (Shutdown, 0, false, false, Some(Failure::Reason(Shutdown))),
        ] {
            let mut record = Record::new(Level::Detailed);
            record.end_reason = Some(reason);
            record.status = status;
            record.error = has_note.then(|| Box::new(note.clone()));
            record.panicked = panicked;
            assert_eq!(failure(&record), expected, "{reason:?} {status} {has_note} {panicked}");
        }
    }
}
