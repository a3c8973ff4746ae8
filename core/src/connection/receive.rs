//! Bytes in: the first byte and the head.

use std::io::ErrorKind;
use std::sync::Arc;

use super::{Call, Connection, LINGER_BYTES, Phase, READ_SIZE, Shared, Step};
use crate::error::Error;
use crate::exchange::Exchange;
use crate::h1::HeadReader;
use crate::message::Request;
use crate::trace::{ConnectionFacts, EndReason, Event, Record, State};

/// What a read from the socket brought.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fill {
    Data,
    Nothing,
    Closed,
}

impl Connection {
    /// Reads once into `input`.
    pub(super) fn fill(&mut self, shared: &mut Shared) -> Fill {
        if self.peer_closed {
            return Fill::Closed;
        }
        let bound = shared.config.limit_head_bytes.max(READ_SIZE);
        if !self.readable || self.unread().len() >= bound {
            return Fill::Nothing;
        }
        let stamped = shared.stamps();
        let result = if stamped {
            self.stream.recv_stamped(&mut shared.scratch, &mut shared.control)
        } else {
            self.stream.recv(&mut shared.scratch)
        };
        shared.let_time_pass();
        match result {
            Ok(got) if got.len == 0 => {
                self.peer_closed = true;
                Fill::Closed
            }
            Ok(got) => {
                // A short read emptied the socket: the readiness set reports the next arrival (epoll(7), "edge-
                // triggered"). This saves one system call per request.
                self.readable = got.len == READ_SIZE || self.ending;
                self.accept_bytes(shared, got.len, got.wall_ns);
                Fill::Data
            }
            Err(e) if e.kind() == ErrorKind::WouldBlock => {
                self.readable = false;
                Fill::Nothing
            }
            Err(e) if e.kind() == ErrorKind::Interrupted => Fill::Nothing,
            Err(_) => {
                self.peer_closed = true;
                self.writable = false;
                self.hang_up(shared, EndReason::ClientDisconnected);
                Fill::Closed
            }
        }
    }

    fn accept_bytes(&mut self, shared: &Shared, len: usize, wall_ns: Option<u64>) {
        if self.at > 0 {
            self.input.drain(..self.at);
            self.at = 0;
        }
        self.input.extend_from_slice(&shared.scratch[..len]);
        if self.phase == Phase::Exchange {
            self.deadlines.read = 0; // the body's deadline counts silence
        }
        self.read_at = shared.stamps().then(|| shared.clock.now());
        self.received = self.read_at.zip(wall_ns).map(|(now, stamp)| {
            let at = stamp.cast_signed().wrapping_sub(shared.wall_offset_ns).cast_unsigned();
            at.min(now)
        });
    }

    pub(super) fn advance_idle(&mut self, shared: &mut Shared) -> Step {
        if !self.keep {
            return self.begin_linger(shared);
        }
        // An empty line after a body is no request yet (RFC 9112 section 2.2).
        if matches!(self.unread(), b"" | b"\r" | b"\r\n") {
            if shared.draining {
                return self.begin_linger(shared);
            }
            return match self.fill(shared) {
                Fill::Data => Step::Moved,
                Fill::Closed if self.pending.is_empty() => self.close(shared),
                Fill::Nothing | Fill::Closed => Step::Blocked,
            };
        }
        if self.output.len() > shared.config.limit_write_buffer_bytes {
            return Step::Blocked; // a client that pipelines and does not read
        }
        self.begin_exchange(shared)
    }

    /// `HTTP_START`: the first byte is here and nothing is parsed.
    fn begin_exchange(&mut self, shared: &mut Shared) -> Step {
        if shared.wants_start {
            self.flush(shared); // tracers see one pipelined request end before the next one starts
            if self.phase == Phase::Closed {
                return Step::Blocked;
            }
        }
        let mut record = Record::new(shared.config.trace_level);
        // The read that brought the first byte was just now, unless another request came with the same one.
        let now = self.read_at.take().unwrap_or_else(|| shared.clock.now());
        self.deadlines.read = 0;
        let mut began_at = now;
        if shared.timeline {
            record.keep_timeline();
        }
        if record.is_on() {
            record.wall_offset_ns = shared.wall_offset_ns;
            let first_byte = self.received.unwrap_or(now);
            record.connection = ConnectionFacts {
                request_number: self.requests + 1,
                idle_ns: first_byte.saturating_sub(self.idle_since),
                age_ns: first_byte.saturating_sub(self.accepted_at),
            };
            began_at = first_byte;
            record.begin(now, self.received);
            if !shared.wants_start {
                record.mark(Event::READ_HEADER_START, now);
            }
        }
        self.requests += 1;
        let mut exchange = Arc::new(Exchange::new(self.place, Arc::clone(&self.peer), record));
        shared.inflight.admit(&mut exchange, began_at);
        self.current = Some(Arc::clone(&exchange));
        self.head = HeadReader::default();
        self.phase = if shared.wants_start { Phase::Start } else { Phase::Head };
        if shared.wants_start {
            shared.calls.push_back(Call::Start(exchange));
            return Step::CallFirst;
        }
        Step::Moved
    }

    pub(super) fn advance_start(&mut self, shared: &Shared) -> Step {
        if let Some(exchange) = &self.current {
            let mut progress = exchange.lock();
            let now = shared.stamp(&progress.record);
            progress.record.mark(Event::READ_HEADER_START, now);
        }
        self.phase = Phase::Head;
        Step::Moved
    }

    pub(super) fn advance_head(&mut self, shared: &mut Shared) -> Step {
        match self.head.read(&self.input[self.at..], &shared.config) {
            Ok(Some((request, used))) => self.begin_handling(shared, request, used),
            Err(error) => {
                self.refuse_head(shared, &error);
                Step::Moved
            }
            Ok(None) => match self.fill(shared) {
                Fill::Data => {
                    self.note_arrival();
                    Step::Moved
                }
                Fill::Nothing => {
                    // Most heads come whole and need no deadline.
                    if self.deadlines.read == 0 {
                        self.deadlines.read = shared.deadline(shared.config.timeout_header_s);
                    }
                    Step::Blocked
                }
                Fill::Closed => {
                    self.hang_up(shared, EndReason::ClientDisconnected);
                    Step::Moved
                }
            },
        }
    }

    /// Splits the wait for bytes that just arrived into the client's part and ours.
    pub(super) fn note_arrival(&mut self) {
        let (Some(exchange), Some(now)) = (&self.current, self.read_at.take()) else { return };
        exchange.lock().record.read_arrived(self.received, now);
    }

    fn refuse_head(&mut self, shared: &mut Shared, error: &Error) {
        let Some(exchange) = self.current.clone() else { return };
        {
            let mut progress = exchange.lock();
            let now = shared.stamp(&progress.record);
            progress.record.mark(Event::READ_HEADER_FINISH, now);
            progress.record.recv_size += self.unread().len() as u64;
        }
        self.consume(self.unread().len());
        self.refuse(shared, &exchange, error);
    }

    /// The head is done: set up the body and hand the request over.
    fn begin_handling(&mut self, shared: &mut Shared, request: Request, used: usize) -> Step {
        self.consume(used);
        self.keep = request.keep_alive() && !shared.draining && !self.over_limit;
        let (length, expects) = (request.body(), request.expects_continue());
        let refusal = self.refusal(&request);
        let Some(exchange) = self.current.clone() else { return Step::Blocked };
        exchange.set_request(request);
        if let Some(sinks) = &shared.early {
            sinks.head(&exchange);
        }
        self.phase = Phase::Exchange;
        self.deadlines.read = 0;
        let (now, begun) = {
            let mut progress = exchange.lock();
            let now = shared.stamp(&progress.record);
            progress.record.mark(Event::READ_HEADER_FINISH, now);
            progress.record.recv_size += used as u64;
            let begun = match refusal {
                Some(error) => Err(error),
                None => self.begin_body(shared, &mut progress, length, expects, now),
            };
            (now, begun)
        };
        if let Err(error) = begun {
            self.refuse(shared, &exchange, &error);
            return Step::Moved;
        }
        if self.body.is_none() {
            self.dispatch(shared, exchange, now); // nothing ran since the head was done
            // With nothing left to read only the handler can move this connection.
            return if self.readable { Step::CallFirst } else { Step::Blocked };
        }
        self.pump_body(shared, &exchange, false);
        if !exchange.lock().reply.complete {
            let now = shared.stamp(&exchange.lock().record);
            self.dispatch(shared, exchange, now);
        }
        Step::CallFirst
    }

    /// Why a valid request is not served all the same.
    fn refusal(&self, request: &Request) -> Option<Error> {
        if self.over_limit {
            return Some(Error::limit(503, "the server has too many connections"));
        }
        // What follows a 2xx to CONNECT is a tunnel (RFC 9110 section 9.3.6), and we are no proxy.
        let is_connect = request.method() == b"CONNECT";
        is_connect.then(|| Error::protocol(501, "this server is no proxy: CONNECT is not supported"))
    }

    fn dispatch(&mut self, shared: &mut Shared, exchange: Arc<Exchange>, now: u64) {
        self.deadlines.handler = shared.deadline(shared.config.timeout_handler_s);
        {
            let mut progress = exchange.lock();
            progress.dispatched = true;
            progress.record.mark(Event::DISPATCHED, now);
            progress.record.enter(State::Schedule, now);
        }
        shared.calls.push_back(Call::Request(exchange));
    }

    pub(super) fn advance_linger(&mut self, shared: &mut Shared) -> Step {
        match self.fill(shared) {
            Fill::Data => {
                self.lingered += self.unread().len();
                self.consume(self.unread().len());
                if self.lingered > LINGER_BYTES { self.close(shared) } else { Step::Moved }
            }
            Fill::Nothing => Step::Blocked,
            Fill::Closed => self.close(shared),
        }
    }
}
