//! Bytes out: response heads and bodies into the output, the output into the kernel.

use std::io::ErrorKind;
use std::sync::Arc;

use bytes::Bytes;

use super::{Call, Connection, Phase, Shared};
use crate::error::Error;
use crate::exchange::{Exchange, Progress};
use crate::h1::{BodyFrame, BodySize, ReplyTo, encode_head};
use crate::message::{BodyLength, ResponseHead, Version};
use crate::trace::{EndReason, ErrorNote, Event, State};

/// What became of a piece of the response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sent {
    /// Taken; more may follow at once.
    Taken,
    /// Taken, but the client reads slowly: send no more before [`crate::handler::Handler::wake`].
    Wait,
    /// Nobody is there to take it.
    Gone,
}

impl Connection {
    /// Encodes the head, if it was not, and a piece of the body; `last` completes the response.
    pub(crate) fn send(
        &mut self,
        shared: &mut Shared,
        exchange: &Arc<Exchange>,
        chunk: Bytes,
        last: bool,
    ) -> Result<Sent, Error> {
        let mut progress = exchange.lock();
        if progress.gone.is_some() && (progress.reply.started || progress.body.failed.is_some()) {
            return Ok(Sent::Gone); // the client left, or we answered in the handler's place
        }
        if progress.reply.complete {
            return after_the_end(&chunk);
        }
        let size = if last { BodySize::Known(chunk.len() as u64) } else { BodySize::Unknown };
        self.start_reply(shared, exchange, &mut progress, size)?;
        if progress.reply.frame != BodyFrame::Nothing {
            progress.record.send_body_size += chunk.len() as u64;
        }
        progress.reply.frame.encode(&mut self.output, chunk, last)?;
        let is_whole = progress.reply.frame == BodyFrame::Length(0);
        if last || is_whole {
            self.complete_reply(shared, exchange, &mut progress);
            if !last {
                // The client has all that the head announced and may leave before an empty last piece comes.
                shared.calls.push_back(Call::Wake(Arc::clone(exchange)));
            }
            return Ok(Sent::Taken);
        }
        drop(progress);
        self.flush(shared);
        if self.output.len() > shared.config.limit_write_buffer_bytes {
            let mut progress = exchange.lock();
            progress.reply.stalled = true;
            let now = shared.stamp(&progress.record);
            progress.reconsider(now);
            return Ok(Sent::Wait);
        }
        Ok(Sent::Taken)
    }

    fn start_reply(
        &mut self,
        shared: &Shared,
        exchange: &Exchange,
        progress: &mut Progress,
        size: BodySize,
    ) -> Result<(), Error> {
        if progress.reply.started {
            return Ok(());
        }
        let mut head = progress.reply.head.take().unwrap_or_default();
        if head.status == 0 {
            head.status = 200;
        }
        let request = exchange.request();
        let traced = exchange.context().and_then(|context| context.reply_lines(&head.fields));
        let to = ReplyTo {
            version: request.map_or(Version::Http11, crate::message::Request::version),
            is_head: request.is_some_and(|r| r.method() == b"HEAD"),
            keep_alive: self.keep && !shared.draining && !self.will_abandon_body(shared, exchange, progress),
            date_line: &shared.date_line,
            server_line: &shared.server_line,
            extra_lines: traced.as_ref().map_or(b"", |lines| lines.as_bytes()),
        };
        let (frame, keep) = encode_head(&mut self.output, &head, size, &to)?;
        self.keep = keep;
        progress.reply.frame = frame;
        progress.reply.started = true;
        progress.record.status = head.status;
        progress.reply.head = Some(head); // sinks may ask for response headers
        Ok(())
    }

    /// Whether so much of the request body is missing that we will close instead of reading it to its end.
    fn will_abandon_body(&self, shared: &Shared, exchange: &Exchange, progress: &Progress) -> bool {
        if self.body_is_over() {
            return false;
        }
        let bound = shared.config.limit_body_buffer_bytes as u64;
        progress.body.owes_continue
            || match exchange.request().map(crate::message::Request::body) {
                Some(BodyLength::Known(length)) => {
                    length - progress.record.recv_body_size.min(length) > bound
                }
                _ => false,
            }
    }

    /// The last byte is encoded: from here on only the client's reading and the kernel matter.
    fn complete_reply(&mut self, shared: &Shared, exchange: &Arc<Exchange>, progress: &mut Progress) {
        if self.will_abandon_body(shared, exchange, progress) {
            self.keep = false;
            progress.body.failed = Some(EndReason::Completed);
        }
        self.discard_left = shared.config.limit_body_buffer_bytes;
        progress.body.chunks.clear();
        progress.body.buffered = 0;
        progress.reply.complete = true;
        progress.reply.stalled = false;
        self.deadlines.handler = 0;
        let now = shared.stamp_again(&progress.record);
        progress.record.enter(State::Write, now);
        self.pending.push_back((self.output.queued(), Arc::clone(exchange)));
    }

    /// Answers with an error of our own and closes; where a response has begun, only closes.
    pub(crate) fn refuse(&mut self, shared: &mut Shared, exchange: &Arc<Exchange>, error: &Error) {
        let mut progress = exchange.lock();
        let reason = error.end_reason();
        progress.note_error(reason, error.what());
        if progress.record.time(Event::READ_BODY_START).is_some() && !progress.body.ended {
            let now = shared.stamp(&progress.record);
            progress.record.mark(Event::READ_BODY_FINISH, now);
        }
        progress.body.failed = Some(reason);
        progress.gone = Some(reason);
        self.keep = false;
        self.phase = Phase::Exchange;
        self.body = None;
        let wake = progress.dispatched && !progress.handler_done;
        progress.handler_done |= !progress.dispatched;
        let Some(status) = error.status().filter(|_| !progress.reply.started) else {
            drop(progress);
            return self.hang_up(shared, reason);
        };
        progress.reply.head = Some(plain_text(status));
        let body = Bytes::from(format!("{}\n", error.what()));
        let sent = self.start_reply(shared, exchange, &mut progress, BodySize::Known(body.len() as u64));
        let sent = sent.and_then(|()| {
            progress.record.send_body_size += body.len() as u64;
            progress.reply.frame.encode(&mut self.output, body, true)
        });
        debug_assert!(sent.is_ok(), "our own error responses are valid");
        self.complete_reply(shared, exchange, &mut progress);
        drop(progress);
        if wake {
            shared.calls.push_back(Call::Wake(Arc::clone(exchange)));
        }
    }

    /// `100 Continue`, owed since the head and asked for now (RFC 9110 section 10.1.1).
    pub(crate) fn send_continue(&mut self, shared: &mut Shared, exchange: &Exchange) {
        {
            let mut progress = exchange.lock();
            if !std::mem::take(&mut progress.body.owes_continue) || progress.reply.started {
                return;
            }
        }
        self.output.put(b"HTTP/1.1 100 Continue\r\n\r\n");
        self.flush(shared);
    }

    /// Offers the output to the kernel until it is empty or the kernel takes no more.
    pub(crate) fn flush(&mut self, shared: &mut Shared) {
        if self.output.is_empty() {
            // The end of a response may need no bytes: the last piece was empty, or all of it is already sent.
            if !self.pending.is_empty() {
                self.account(shared, self.output.sent());
            }
            return;
        }
        if !self.writable || self.phase == Phase::Closed {
            return;
        }
        self.mark_write_start(shared);
        while !self.output.is_empty() {
            let before = self.output.sent();
            let written = self.output.write_with(|pieces| self.stream.send(pieces));
            shared.let_time_pass();
            match written {
                Ok(0) => return self.hang_up(shared, EndReason::ClientDisconnected),
                Ok(_) => {
                    self.deadlines.write = 0;
                    self.account(shared, before);
                }
                Err(e) if e.kind() == ErrorKind::Interrupted => {}
                Err(e) if e.kind() == ErrorKind::WouldBlock => {
                    self.writable = false;
                    if self.deadlines.write == 0 {
                        self.deadlines.write = shared.deadline(shared.config.timeout_write_s);
                    }
                    break;
                }
                Err(_) => return self.hang_up(shared, EndReason::ClientDisconnected),
            }
        }
        if self.phase == Phase::Idle {
            self.output.shrink();
        }
        self.wake_stalled(shared);
    }

    fn mark_write_start(&self, shared: &Shared) {
        let waiting = self.pending.iter().map(|(_, exchange)| exchange).chain(&self.current);
        for exchange in waiting {
            let mut progress = exchange.lock();
            if progress.reply.started
                && progress.record.is_on()
                && progress.record.time(Event::WRITE_START).is_none()
            {
                let now = shared.stamp_again(&progress.record);
                progress.record.mark(Event::WRITE_START, now);
            }
        }
    }

    /// Credits the bytes sent since offset `from` to the responses that they belong to.
    fn account(&mut self, shared: &mut Shared, mut from: u64) {
        let sent = self.output.sent();
        while let Some((end, exchange)) = self.pending.front() {
            let upto = sent.min(*end);
            let (whole, exchange) = (sent >= *end, Arc::clone(exchange));
            let mut progress = exchange.lock();
            progress.record.send_size += upto - from;
            from = upto;
            if !whole {
                return;
            }
            self.pending.pop_front();
            self.reply_written(shared, &exchange, &mut progress);
        }
        if let Some(exchange) = &self.current {
            exchange.lock().record.send_size += sent - from;
        }
    }

    /// The kernel has the whole response.
    fn reply_written(&mut self, shared: &mut Shared, exchange: &Arc<Exchange>, progress: &mut Progress) {
        let now = shared.clock.now();
        progress.reply.written = true;
        progress.record.mark(Event::WRITE_FINISH, now);
        let reason = progress.gone.unwrap_or(EndReason::Completed);
        progress.record.close(now, reason);
        self.idle_since = now;
        self.await_request(shared, now);
        shared.deliver(exchange, progress);
    }

    /// Lets a handler that waits for the client go on once half of the bound is free.
    fn wake_stalled(&self, shared: &mut Shared) {
        let Some(exchange) = &self.current else { return };
        if self.output.len() > shared.config.limit_write_buffer_bytes / 2 {
            return;
        }
        let mut progress = exchange.lock();
        if std::mem::take(&mut progress.reply.stalled) {
            let now = shared.stamp(&progress.record);
            progress.reconsider(now);
            shared.calls.push_back(Call::Wake(Arc::clone(exchange)));
        }
    }
}

/// A piece that comes when the response is complete: the empty one that only says so is welcome.
///
/// # Errors
/// `Fault::Handler` for any other.
pub(crate) fn after_the_end(chunk: &Bytes) -> Result<Sent, Error> {
    if chunk.is_empty() { Ok(Sent::Taken) } else { Err(Error::handler("the response is complete already")) }
}

impl Progress {
    /// Notes why the exchange failed; the first cause counts.
    pub(crate) fn note_error(&mut self, reason: EndReason, message: &str) {
        self.record.end_reason.get_or_insert(reason);
        self.record.error.get_or_insert_with(|| Box::new(ErrorNote::new(reason.name(), message)));
    }
}

/// The head of a response of our own.
pub(crate) fn plain_text(status: u16) -> ResponseHead {
    let mut head = ResponseHead { status, ..ResponseHead::default() };
    let added = head.fields.add(b"content-type", b"text/plain; charset=utf-8");
    debug_assert!(added.is_ok(), "a constant field is valid");
    head
}
