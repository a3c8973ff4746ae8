//! Bytes in: the body, and what happens while a handler runs.

use std::sync::Arc;

use bytes::Bytes;

use super::receive::Fill;
use super::{Call, Connection, Shared, Step};
use crate::error::Error;
use crate::exchange::{Exchange, Progress};
use crate::h1::BodyDecoder;
use crate::message::BodyLength;
use crate::trace::{EndReason, Event};

impl Connection {
    pub(super) fn begin_body(
        &mut self,
        shared: &Shared,
        progress: &mut Progress,
        length: BodyLength,
        expects: bool,
        now: u64,
    ) -> Result<(), Error> {
        if length == BodyLength::Known(0) {
            progress.body.ended = true;
            return Ok(());
        }
        self.body = Some(BodyDecoder::new(length, &shared.config)?);
        progress.record.mark(Event::READ_BODY_START, now);
        progress.body.owes_continue = expects && self.unread().is_empty();
        Ok(())
    }

    pub(super) fn advance_exchange(&mut self, shared: &mut Shared) -> Step {
        let Some(exchange) = self.current.clone() else { return Step::Blocked };
        self.pump_body(shared, &exchange, true);
        if self.current.is_none() {
            return Step::Moved; // ended meanwhile
        }
        let (complete, ended) = {
            let progress = exchange.lock();
            (progress.reply.complete, progress.body.ended || progress.body.failed.is_some())
        };
        if complete && ended {
            self.end_exchange(shared, &exchange);
            return Step::Moved;
        }
        if ended && self.body_is_over() {
            self.watch_for_disconnect(shared, &exchange);
        }
        Step::Blocked
    }

    pub(super) fn body_is_over(&self) -> bool {
        self.body.as_ref().is_none_or(BodyDecoder::is_done)
    }

    /// While a handler runs, the client can only pipeline or go away.
    fn watch_for_disconnect(&mut self, shared: &mut Shared, exchange: &Arc<Exchange>) {
        while self.fill(shared) == Fill::Data {}
        if !self.peer_closed || self.current.is_none() {
            return;
        }
        let mut progress = exchange.lock();
        if progress.gone.is_none() && !progress.reply.complete {
            self.keep = false;
            progress.gone = Some(EndReason::ClientDisconnected);
            drop(progress);
            shared.calls.push_back(Call::Wake(Arc::clone(exchange)));
        }
    }

    /// Moves body bytes from the socket to the handler, as far as its buffer has room.
    pub(super) fn pump_body(&mut self, shared: &mut Shared, exchange: &Arc<Exchange>, may_read: bool) {
        while let Some(decoder) = self.body.as_mut().filter(|d| !d.is_done()) {
            let (used, room, wake) = {
                let mut progress = exchange.lock();
                let discard = progress.reply.complete;
                let room = if discard {
                    self.discard_left
                } else {
                    shared.config.limit_body_buffer_bytes.saturating_sub(progress.body.buffered)
                };
                let input = &self.input[self.at..];
                let before = progress.body.buffered;
                let result = decoder.decode(input, room, &mut |bytes: &[u8]| {
                    take_body(&mut progress, bytes, discard);
                });
                match result {
                    Ok(used) => {
                        if discard {
                            self.discard_left = self.discard_left.saturating_sub(used);
                        }
                        progress.record.recv_size += used as u64;
                        if decoder.is_done() {
                            let now = shared.stamp(&progress.record);
                            finish_body(&mut progress, decoder, now);
                        }
                        let news = progress.body.buffered > before || progress.body.ended;
                        (used, room, news && progress.body.wanted)
                    }
                    Err(error) => {
                        drop(progress);
                        return self.fail_body(shared, exchange, &error);
                    }
                }
            };
            self.consume(used);
            if wake {
                let mut progress = exchange.lock();
                progress.body.wanted = false;
                let now = shared.stamp(&progress.record);
                progress.reconsider(now);
                drop(progress);
                shared.calls.push_back(Call::Wake(Arc::clone(exchange)));
            }
            if self.body_is_over() {
                self.deadlines.read = 0;
                return;
            }
            if used > 0 {
                continue;
            }
            if room == 0 {
                return self.stop_reading(exchange);
            }
            if !may_read {
                self.deadlines.read = shared.deadline(shared.config.timeout_body_s);
                return;
            }
            if !self.fill_body(shared, exchange) {
                return;
            }
        }
    }

    /// Reads more of the body. Returns whether there is something new to decode.
    fn fill_body(&mut self, shared: &mut Shared, exchange: &Arc<Exchange>) -> bool {
        match self.fill(shared) {
            Fill::Data => {
                self.note_arrival();
                true
            }
            Fill::Nothing => {
                if self.deadlines.read == 0 {
                    self.deadlines.read = shared.deadline(shared.config.timeout_body_s);
                }
                false
            }
            Fill::Closed => {
                if self.current.as_ref().is_some_and(|c| Arc::ptr_eq(c, exchange)) {
                    self.hang_up(shared, EndReason::ClientDisconnected);
                }
                false
            }
        }
    }

    /// There is no room for more: the handler must read first, or nobody ever will.
    fn stop_reading(&mut self, exchange: &Exchange) {
        self.deadlines.read = 0;
        let mut progress = exchange.lock();
        if progress.reply.complete {
            self.keep = false;
            self.body = None;
            progress.body.failed.get_or_insert(EndReason::Completed);
        }
    }

    /// The body broke a rule or a bound: the peer is told at once if it still can be.
    fn fail_body(&mut self, shared: &mut Shared, exchange: &Arc<Exchange>, error: &Error) {
        self.consume(self.unread().len());
        self.refuse(shared, exchange, error);
    }
}

fn take_body(progress: &mut Progress, bytes: &[u8], discard: bool) {
    progress.record.recv_body_size += bytes.len() as u64;
    if !discard {
        progress.body.buffered += bytes.len();
        progress.body.chunks.push_back(Bytes::copy_from_slice(bytes));
    }
}

fn finish_body(progress: &mut Progress, decoder: &BodyDecoder, now: u64) {
    progress.body.ended = true;
    progress.body.trailers = decoder.trailers().to_vec();
    progress.record.mark(Event::READ_BODY_FINISH, now);
}
