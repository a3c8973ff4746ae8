//! What the application does with an exchange: it replies, runs and waits.

use std::sync::Arc;

use bytes::Bytes;

use super::{Exchange, ReplyStage, Thread};
use crate::error::Error;
use crate::message::{Field, ResponseHead};
use crate::trace::{Clock, ErrorNote, Event, Level, State};

impl Exchange {
    /// The application supplied status and fields; they are sent with the first piece of the body.
    ///
    /// # Errors
    /// `Fault::Handler` where a response was begun already.
    pub fn begin_reply(&self, head: ResponseHead, now: u64) -> Result<(), Error> {
        let mut progress = self.lock();
        if progress.is_answered_for() {
            return Ok(());
        }
        if progress.reply.started || progress.reply.head.is_some() {
            return Err(Error::handler("the response has been started already"));
        }
        progress.reply.head = Some(head);
        progress.mark_response_start(now);
        Ok(())
    }

    /// The body of a whole reply, sent when the handler is done; replaces an earlier one.
    ///
    /// # Errors
    /// `Fault::Handler` where the head was sent already.
    pub fn stage(&self, body: Bytes, now: u64) -> Result<(), Error> {
        let mut progress = self.lock();
        if progress.is_answered_for() {
            return Ok(());
        }
        if progress.reply.started {
            return Err(Error::handler("the response has been started already"));
        }
        progress.reply.staged = Some(body);
        progress.mark_response_start(now);
        Ok(())
    }

    /// The router decided.
    pub fn match_route(&self, template: Arc<str>, now: u64) {
        let mut progress = self.lock();
        progress.record.route = Some(template);
        progress.record.mark(Event::ROUTE_MATCHED, now);
    }

    /// The trailer fields of the request; empty before the end of its body.
    #[must_use]
    pub fn trailers(&self) -> Vec<Field> {
        self.lock().body.trailers.clone()
    }

    /// The handler's code starts or goes on. With a thread pool in between it is the thread that runs, not this.
    pub fn resumed(&self, now: u64) {
        let mut progress = self.lock();
        if progress.reply.complete || progress.thread != Thread::None {
            return;
        }
        if progress.record.time(Event::SERVER_HANDLE_START).is_none() {
            progress.record.mark(Event::SERVER_HANDLE_START, now);
        }
        progress.record.enter(State::Run, now);
    }

    /// The handler is suspended: on the client, where it reads or sends, else on something of its own.
    pub fn suspended(&self, now: u64) {
        let mut progress = self.lock();
        if progress.reply.complete {
            return;
        }
        let state = progress.suspended_state();
        progress.record.enter(state, now);
    }

    /// A `def` handler moves between the loop and the thread pool. Returns where it was.
    pub fn in_thread(&self, thread: Thread, now: u64) -> Thread {
        let mut progress = self.lock();
        let before = std::mem::replace(&mut progress.thread, thread);
        match thread {
            Thread::Waiting => progress.record.mark(Event::DISPATCHED, now),
            Thread::Running => {
                if progress.record.time(Event::SERVER_HANDLE_START).is_none() {
                    progress.record.mark(Event::SERVER_HANDLE_START, now);
                }
                progress.record.enter(State::Run, now);
            }
            Thread::None => progress.record.enter(State::Await, now),
        }
        before
    }

    /// Changes how much is recorded. A record that is switched on before anything was parsed begins here.
    pub fn set_level(&self, level: Level, clock: &Clock) {
        let mut progress = self.lock();
        let now = clock.now();
        let begins = !progress.record.is_on() && self.request().is_none();
        progress.record.set_level(level, now);
        if begins {
            progress.record.wall_offset_ns = clock.wall().cast_signed().wrapping_sub(now.cast_signed());
            progress.record.begin(now, None);
        }
    }

    /// Whoever waited for the body was told to stop waiting.
    pub fn stop_wanting(&self, now: u64) {
        let mut progress = self.lock();
        progress.body.wanted = false;
        progress.reconsider(now);
    }

    /// Whether status and fields are still to come.
    #[must_use]
    pub fn needs_head(&self) -> bool {
        let reply = &self.lock().reply;
        reply.head.is_none() && !reply.started
    }

    /// What went wrong so far, as a sentence; `None` where nothing did.
    #[must_use]
    pub fn error_message(&self) -> Option<String> {
        self.lock().record.error.as_ref().map(|note| note.message.clone())
    }

    /// Whether its span is made, unless a sampler drops it at the end.
    #[must_use]
    pub fn is_recording(&self) -> bool {
        self.context().is_some_and(|context| context.is_recording)
    }

    /// Notes an exception that the application dealt with: the exchange goes on.
    pub fn note_exception(&self, note: ErrorNote) {
        self.lock().record.error.get_or_insert(Box::new(note));
    }

    /// How far the response is.
    #[must_use]
    pub fn reply_stage(&self) -> ReplyStage {
        let reply = &self.lock().reply;
        match (reply.head.is_some() || reply.staged.is_some(), reply.started, reply.complete) {
            (_, _, true) => ReplyStage::Complete,
            (_, true, _) => ReplyStage::Started,
            (true, ..) => ReplyStage::Begun,
            _ => ReplyStage::Nothing,
        }
    }

    /// Whether the handler must not send more before it is woken.
    #[must_use]
    pub fn is_stalled(&self) -> bool {
        let progress = self.lock();
        progress.reply.stalled && progress.gone.is_none()
    }

    /// Whether we answered in the handler's place.
    #[must_use]
    pub fn is_answered_for(&self) -> bool {
        self.lock().is_answered_for()
    }

    /// Whether the client has gone, as far as we know.
    #[must_use]
    pub fn is_gone(&self) -> bool {
        self.lock().gone.is_some()
    }
}
