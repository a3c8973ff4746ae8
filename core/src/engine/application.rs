//! What the application may ask of the engine: read the body, send the response, say that the handler is done.

use std::sync::Arc;

use bytes::Bytes;

use super::{Engine, Inner};
use crate::connection::Sent;
use crate::connection::{after_the_end, plain_text};
use crate::error::Error;
use crate::exchange::{Exchange, Progress};
use crate::handler::Handler;
use crate::message::ResponseHead;
use crate::trace::{EndReason, ErrorNote};

/// The next piece of a request body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Read {
    /// Some bytes, and whether they are the last ones.
    Chunk(Bytes, bool),
    /// There are no more.
    End,
    /// None yet: [`Handler::wake`] will say when.
    Wait,
    /// The rest will never come, and why.
    Failed(EndReason),
}

/// How a handler ended.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// It returned. Status and fields for its reply, where it has not given them before.
    Done(Option<ResponseHead>),
    /// It raised, or broke the rules of its interface.
    Failed {
        /// As text, for sinks.
        note: ErrorNote,
        /// What the client may see; empty: the standard sentence.
        shown: String,
        /// The status, where nothing was sent yet.
        status: u16,
    },
    /// It was cancelled, by us or by itself.
    Cancelled,
}

impl Engine {
    /// Takes the next piece of the request body.
    pub fn read(&self, handler: &impl Handler, exchange: &Arc<Exchange>) -> Read {
        let read = {
            let mut inner = self.lock();
            let first = take(&mut exchange.lock());
            match first {
                Read::Wait => inner.read_more(exchange),
                taken => {
                    inner.resume_reading(exchange);
                    taken
                }
            }
        };
        self.run(handler);
        read
    }

    /// Sends a piece of the response, with the head before it if that was not sent.
    ///
    /// # Errors
    /// `Fault::Handler` where the response breaks a rule; the exchange ends with it.
    pub fn send(
        &self,
        handler: &impl Handler,
        exchange: &Arc<Exchange>,
        chunk: Bytes,
        last: bool,
    ) -> Result<Sent, Error> {
        let result = self.lock().send(exchange, chunk, last);
        self.run(handler);
        result
    }

    /// The handler has ended. Sends what it staged, or an error where it failed; ends the record if nothing is left.
    pub fn handler_done(&self, handler: &impl Handler, exchange: &Arc<Exchange>, outcome: Outcome) {
        self.lock().handler_done(exchange, outcome);
        self.run(handler);
    }
}

fn take(progress: &mut Progress) -> Read {
    if let Some(chunk) = progress.body.chunks.pop_front() {
        progress.body.buffered -= chunk.len();
        let last = progress.body.ended && progress.body.chunks.is_empty();
        return Read::Chunk(chunk, last);
    }
    match progress.body.failed.or(progress.gone.filter(|_| !progress.body.ended)) {
        Some(reason) => Read::Failed(reason),
        None if progress.body.ended => Read::End,
        None => Read::Wait,
    }
}

impl Inner {
    /// Nothing is buffered: say `100 Continue` if that is owed, try the socket, and wait if it has nothing.
    fn read_more(&mut self, exchange: &Arc<Exchange>) -> Read {
        let (place, shared) = (exchange.place, &mut self.shared);
        let connection = self.connections.get_mut(place.slot).filter(|c| c.is_current(exchange));
        if let Some(connection) = connection {
            connection.send_continue(shared, exchange);
            self.advance(place.slot);
        }
        let mut progress = exchange.lock();
        let read = take(&mut progress);
        progress.body.wanted = read == Read::Wait;
        if progress.body.wanted {
            let now = self.shared.stamp(&progress.record);
            progress.reconsider(now);
        }
        read
    }

    /// Room was made: the connection may have stopped reading for want of it.
    fn resume_reading(&mut self, exchange: &Exchange) {
        if !exchange.lock().body.ended {
            self.runnable.push_back(exchange.place.slot);
        }
    }

    fn send(&mut self, exchange: &Arc<Exchange>, chunk: Bytes, last: bool) -> Result<Sent, Error> {
        let (place, shared) = (exchange.place, &mut self.shared);
        let connection = self.connections.get_mut(place.slot).filter(|c| c.is_current(exchange));
        let Some(connection) = connection else {
            let progress = exchange.lock();
            let is_over = progress.reply.complete && progress.gone.is_none();
            return if is_over { after_the_end(&chunk) } else { Ok(Sent::Gone) };
        };
        let result = connection.send(shared, exchange, chunk, last);
        self.runnable.push_back(place.slot);
        result
    }

    fn handler_done(&mut self, exchange: &Arc<Exchange>, outcome: Outcome) {
        let (now, complete) = {
            let mut progress = exchange.lock();
            if progress.handler_done {
                return;
            }
            let now = self.shared.stamp(&progress.record);
            progress.handler_done = true;
            progress.record.handler_done(now);
            (now, progress.reply.complete)
        };
        let here = self.connection_at(exchange.place).is_some_and(|c| c.is_current(exchange));
        match outcome {
            Outcome::Done(head) if here && !complete => return self.finish_reply(exchange, head, now),
            Outcome::Failed { note, shown, status } => {
                exchange.lock().record.panicked = true;
                self.fail(exchange, note, &shown, status, here && !complete);
            }
            Outcome::Cancelled if here && !complete => {
                let note = ErrorNote::new("CancelledError", "the handler was cancelled");
                self.fail(exchange, note, "", 500, true);
            }
            Outcome::Done(_) | Outcome::Cancelled => {}
        }
        self.settle(exchange);
    }

    /// Sends what the handler staged, or ends what it streamed.
    fn finish_reply(&mut self, exchange: &Arc<Exchange>, head: Option<ResponseHead>, now: u64) {
        let (body, abandoned) = {
            let mut progress = exchange.lock();
            let reply = &progress.reply;
            let given = reply.started || reply.head.is_some() || reply.staged.is_some();
            let abandoned = progress.gone.filter(|_| !given);
            if abandoned.is_none() && !reply.started && reply.head.is_none() {
                progress.reply.head = head;
                progress.mark_response_start(now);
            }
            (progress.reply.staged.take().unwrap_or_default(), abandoned)
        };
        if let Some(reason) = abandoned {
            return self.hang_up(exchange, reason); // nobody gave an answer, so there is no status to tell
        }
        match self.send(exchange, body, true) {
            Ok(Sent::Gone) => self.hang_up(exchange, EndReason::ClientDisconnected),
            Ok(Sent::Taken | Sent::Wait) => {}
            Err(error) => {
                let note = ErrorNote::new("ResponseError", error.what());
                self.fail(exchange, note, "", 500, true);
            }
        }
    }

    /// Answers for a handler that failed: an error where nothing was sent, an unfinished message otherwise.
    fn fail(&mut self, exchange: &Arc<Exchange>, note: ErrorNote, shown: &str, status: u16, answer: bool) {
        let started = {
            let mut progress = exchange.lock();
            let reason = progress.gone.unwrap_or(EndReason::HandlerError);
            if !progress.record.is_closed() {
                progress.record.end_reason.get_or_insert(reason);
            }
            progress.record.error = Some(Box::new(note));
            progress.reply.head = None;
            progress.reply.started
        };
        if !answer {
            return;
        }
        if started {
            return self.hang_up(exchange, EndReason::HandlerError);
        }
        exchange.lock().reply.head = Some(plain_text(status));
        let text = if shown.is_empty() { "Internal Server Error\n" } else { shown };
        let sent = self.send(exchange, Bytes::copy_from_slice(text.as_bytes()), true);
        debug_assert!(sent.is_ok(), "our own error responses are valid");
    }

    /// Ends the connection of an exchange that cannot be completed.
    fn hang_up(&mut self, exchange: &Exchange, reason: EndReason) {
        let slot = exchange.place.slot;
        if let Some(connection) = self.connections.get_mut(slot) {
            connection.flush(&mut self.shared);
            connection.hang_up(&mut self.shared, reason);
        }
        self.remove_if_closed(slot);
    }

    /// Closes the record of an exchange whose connection is gone, and delivers it where all is said.
    fn settle(&mut self, exchange: &Arc<Exchange>) {
        let here = self.connection_at(exchange.place).is_some();
        let mut progress = exchange.lock();
        if !here {
            let now = self.shared.stamp(&progress.record);
            let reason = progress.gone.unwrap_or(EndReason::Shutdown);
            progress.record.close(now, reason);
            progress.body.failed.get_or_insert(reason);
        }
        self.shared.deliver(exchange, &mut progress);
    }
}
