//! What changes during an exchange: the request body on its way in, the reply on its way out, and the record.

use std::collections::VecDeque;

use bytes::Bytes;

use crate::h1::BodyFrame;
use crate::message::{Field, ResponseHead};
use crate::trace::{EndReason, Event, Record, State};

/// How far a response is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReplyStage {
    /// The application gave nothing yet.
    Nothing,
    /// Status and fields are given, not sent.
    Begun,
    /// The head is on its way.
    Started,
    /// The last byte is on its way.
    Complete,
}

/// Where a handler that needs a thread is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Thread {
    /// On the event loop.
    #[default]
    None,
    /// Waiting for a free thread.
    Waiting,
    /// Running in one.
    Running,
}

/// The request body on its way to the handler.
#[derive(Debug, Default)]
pub(crate) struct RequestBody {
    pub chunks: VecDeque<Bytes>,
    pub buffered: usize,
    /// The last byte was decoded, or no body is due.
    pub ended: bool,
    /// Why the rest will never come.
    pub failed: Option<EndReason>,
    /// The handler waits for more.
    pub wanted: bool,
    /// `100 Continue` is owed as soon as the handler asks.
    pub owes_continue: bool,
    pub trailers: Vec<Field>,
}

/// The response on its way to the client.
#[derive(Debug, Default)]
pub(crate) struct Reply {
    /// Given by the application, not yet encoded.
    pub head: Option<ResponseHead>,
    /// The whole body of a reply that is sent when the handler is done.
    pub staged: Option<Bytes>,
    /// The head was encoded.
    pub started: bool,
    /// The last body byte was encoded.
    pub complete: bool,
    /// The kernel accepted the last byte.
    pub written: bool,
    pub frame: BodyFrame,
    /// The handler waits until the client takes more.
    pub stalled: bool,
}

/// What changes during an exchange.
#[derive(Debug)]
pub struct Progress {
    /// Stamps, states, sizes and outcome.
    pub record: Record,
    pub(crate) body: RequestBody,
    pub(crate) reply: Reply,
    /// The client is gone, or we gave it up: nothing can be sent any more.
    pub(crate) gone: Option<EndReason>,
    pub(crate) dispatched: bool,
    pub(crate) handler_done: bool,
    pub(crate) thread: Thread,
    pub(crate) delivered: bool,
}

impl Progress {
    pub(super) fn new(record: Record) -> Self {
        Self {
            record,
            body: RequestBody::default(),
            reply: Reply::default(),
            gone: None,
            dispatched: false,
            handler_done: false,
            thread: Thread::None,
            delivered: false,
        }
    }

    /// The state of a handler that is suspended.
    pub(super) fn suspended_state(&self) -> State {
        match self.thread {
            _ if self.reply.stalled => State::Write,
            _ if self.body.wanted => State::Read,
            Thread::Waiting => State::Schedule,
            Thread::Running => State::Run,
            Thread::None => State::Await,
        }
    }

    /// What a suspended handler waits for may have changed without a step of its own: a task that it started reads or
    /// sends, or the client has moved.
    pub(crate) fn reconsider(&mut self, now: u64) {
        let suspended = matches!(self.record.state(), State::Await | State::Read | State::Write);
        if suspended && !self.reply.complete {
            self.record.enter(self.suspended_state(), now);
        }
    }

    /// We gave the exchange up and answered in the handler's place: what it still says is no mistake, and is not sent.
    pub(super) const fn is_answered_for(&self) -> bool {
        self.gone.is_some() && self.reply.complete
    }

    pub(crate) fn mark_response_start(&mut self, now: u64) {
        if self.record.time(Event::RESPONSE_START).is_none() {
            self.record.mark(Event::RESPONSE_START, now);
        }
    }
}
