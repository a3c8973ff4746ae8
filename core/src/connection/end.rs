//! How exchanges and connections end: in order, by a deadline, or because the peer has gone.

use std::collections::VecDeque;
use std::sync::Arc;

use super::{Call, Connection, Deadlines, LINGER_NS, Phase, Shared, Step, deadline_from};
use crate::error::Error;
use crate::exchange::{Exchange, Progress};
use crate::trace::{EndReason, Event, Status};

impl Shared {
    /// Queues the last call for an exchange as soon as nothing about it can change any more.
    pub(crate) fn deliver(&mut self, exchange: &Arc<Exchange>, progress: &mut Progress) {
        let body_over = progress.body.ended || progress.body.failed.is_some();
        if progress.delivered || !progress.record.is_closed() || !progress.handler_done || !body_over {
            return;
        }
        progress.delivered = true;
        // Sinks hold exchanges for seconds and in thousands: body bytes that nobody took must not wait with them.
        progress.body.chunks = VecDeque::new();
        progress.reply.staged = None;
        self.inflight.remove(exchange);
        self.calls.push_back(Call::Finish(Arc::clone(exchange)));
    }
}

impl Connection {
    /// The response is encoded and the request read: the connection is free for the next one.
    pub(super) fn end_exchange(&mut self, shared: &mut Shared, exchange: &Arc<Exchange>) {
        self.current = None;
        self.body = None;
        self.phase = Phase::Idle;
        self.keep &= !self.peer_closed || !self.unread().is_empty();
        self.deadlines.handler = 0;
        self.deadlines.read = 0;
        if self.pending.is_empty() {
            self.await_request(shared, shared.clock.now());
        }
        if self.input.is_empty() && self.input.capacity() > 1_024 {
            self.input = Vec::new();
        }
        shared.deliver(exchange, &mut exchange.lock());
    }

    /// The idle time-out counts from the moment at which the client has the last response: a slow reader is not idle.
    pub(super) fn await_request(&mut self, shared: &Shared, now: u64) {
        if self.phase == Phase::Idle && self.pending.is_empty() {
            self.deadlines.read = deadline_from(now, shared.config.timeout_idle_s);
        }
    }

    /// Nothing more will be said: sends what is left, then FIN, and waits for the peer's.
    pub(super) fn begin_linger(&mut self, shared: &mut Shared) -> Step {
        self.flush(shared);
        if self.phase == Phase::Closed || !self.output.is_empty() {
            return Step::Blocked;
        }
        if self.peer_closed || self.requests == 0 {
            return self.close(shared);
        }
        self.stream.shutdown_write();
        self.consume(self.unread().len());
        self.phase = Phase::Linger;
        self.deadlines.read = shared.clock.now() + LINGER_NS;
        Step::Moved
    }

    /// Ends the connection between two exchanges.
    pub(super) fn close(&mut self, shared: &mut Shared) -> Step {
        self.hang_up(shared, EndReason::ClientDisconnected);
        Step::Blocked
    }

    /// Ends the connection at once; exchanges that are not over end for this reason.
    pub(crate) fn hang_up(&mut self, shared: &mut Shared, reason: EndReason) {
        if self.phase == Phase::Closed {
            return;
        }
        let in_head = matches!(self.phase, Phase::Start | Phase::Head);
        self.phase = Phase::Closed;
        let mut pending: Vec<_> = self.pending.drain(..).map(|(_, exchange)| exchange).collect();
        if let Some(current) = self.current.take() {
            if in_head {
                let mut progress = current.lock();
                let now = shared.stamp(&progress.record);
                progress.record.recv_size += self.input[self.at..].len() as u64;
                progress.record.record(Event::READ_HEADER_FINISH, now, Status::Error, "");
                progress.handler_done = true;
            }
            if !pending.iter().any(|p| Arc::ptr_eq(p, &current)) {
                pending.push(current);
            }
        }
        for exchange in pending {
            lose(shared, &exchange, reason);
        }
    }

    /// Whether a deadline has passed.
    pub(crate) fn is_overdue(&self, now: u64) -> bool {
        let Deadlines { read, write, handler } = self.deadlines;
        [read, write, handler].into_iter().any(|at| at != 0 && at <= now)
    }

    /// Ends what is overdue.
    pub(crate) fn end_overdue(&mut self, shared: &mut Shared, now: u64) {
        let Deadlines { read, write, handler } = self.deadlines;
        if write != 0 && write <= now {
            self.hang_up(shared, EndReason::WriteTimeout);
        } else if handler != 0 && handler <= now {
            self.time_out_handler(shared);
        } else if read != 0 && read <= now {
            self.time_out_read(shared);
        }
    }

    /// The handler ran too long: 503 if nothing was sent.
    fn time_out_handler(&mut self, shared: &mut Shared) {
        let Some(exchange) = self.current.clone() else { return };
        self.deadlines.handler = 0;
        let error = Error::timeout(503, EndReason::HandlerTimeout, "the handler took too long");
        self.refuse(shared, &exchange, &error);
        shared.calls.push_back(Call::Cancel(exchange, EndReason::HandlerTimeout));
    }

    /// The client sent nothing for too long, in whatever phase.
    fn time_out_read(&mut self, shared: &mut Shared) {
        self.deadlines.read = 0;
        let what = match self.phase {
            Phase::Start | Phase::Head => "the request head did not arrive in time",
            Phase::Exchange => "the request body did not arrive in time",
            Phase::Idle | Phase::Linger | Phase::Closed => {
                return self.hang_up(shared, EndReason::ReadTimeout);
            }
        };
        let Some(exchange) = self.current.clone() else { return };
        if exchange.lock().reply.complete {
            return self.hang_up(shared, EndReason::ReadTimeout);
        }
        if self.phase == Phase::Head {
            let mut progress = exchange.lock();
            let now = shared.stamp(&progress.record);
            progress.record.recv_size += self.unread().len() as u64;
            progress.record.record(Event::READ_HEADER_FINISH, now, Status::Error, what);
        }
        self.consume(self.unread().len());
        self.refuse(shared, &exchange, &Error::timeout(408, EndReason::ReadTimeout, what));
    }
}

/// The connection under an exchange is gone.
fn lose(shared: &mut Shared, exchange: &Arc<Exchange>, reason: EndReason) {
    let mut progress = exchange.lock();
    let now = shared.stamp(&progress.record);
    progress.gone.get_or_insert(reason);
    if !progress.body.ended {
        progress.body.failed.get_or_insert(reason);
        if progress.record.time(Event::READ_BODY_START).is_some() {
            progress.record.mark(Event::READ_BODY_FINISH, now);
        }
    }
    if !progress.record.is_closed() {
        progress.record.end_reason.get_or_insert(reason);
        if progress.record.time(Event::WRITE_START).is_some() {
            progress.record.record(Event::WRITE_FINISH, now, Status::Error, reason.name());
        }
        if progress.handler_done || progress.reply.complete {
            progress.record.close(now, reason);
        }
    }
    if !progress.handler_done {
        shared.calls.push_back(Call::Wake(Arc::clone(exchange)));
    }
    shared.deliver(exchange, &mut progress);
}
