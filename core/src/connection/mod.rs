//! One connection: read, handle, write, keep or close.
//!
//! Theory of operation. A connection is in one [`Phase`]. `advance` runs it as far as the bytes at hand and the
//! application allow, and is called again whenever either has moved: the socket became ready, the handler took body
//! bytes or gave a piece of the response. Nothing here blocks and nothing here calls the application; calls are
//! queued in [`Shared`] and made by the engine when its lock is free.
//!
//! | phase | holds | leaves when |
//! |---|---|---|
//! | `Idle` | no request | a first byte arrives (`HTTP_START`), or the connection ends |
//! | `Start` | `current`, whose first byte is here and none parsed | tracers were told |
//! | `Head` | `current`, whose head is incomplete | the head is parsed or refused |
//! | `Exchange` | `current`, being handled; its body may still arrive | response encoded and body read |
//! | `Linger` | nothing; our FIN is sent | the peer's FIN, or a bound in time and bytes |
//! | `Closed` | nothing | the engine removes it |
//!
//! Responses that are encoded but not yet taken by the kernel wait in `pending`, each with the output offset at which
//! it ends: that makes sizes and `WRITE_FINISH` exact when several pipelined responses leave in one system call.

mod body;
mod end;
mod receive;
mod send;

pub use send::Sent;
pub(crate) use send::{after_the_end, plain_text};

use std::cell::Cell;
use std::collections::VecDeque;
use std::sync::Arc;

use crate::config::ServerConfig;
use crate::exchange::{Exchange, Peer, Place};
use crate::h1::{BodyDecoder, HeadReader};
use crate::inflight::Registry;
use crate::output::Output;
use crate::propagation::Proxies;
use crate::sinks::Sinks;
use crate::stream::Stream;
use crate::trace::{Clock, EndReason, Level, Record};

/// One system call reads at most this much.
pub(crate) const READ_SIZE: usize = 65_536;
/// How long and how much we listen to a peer that was told we are done (RFC 9112 section 9.6).
pub(crate) const LINGER_NS: u64 = 2_000_000_000;
pub(crate) const LINGER_BYTES: usize = 1 << 20;
/// How long we listen for the request of a connection over the limit, to answer it with 503.
const REFUSED_IDLE_S: f64 = 2.0;

/// A call to the application that waits for the engine's lock to be free.
#[derive(Debug)]
pub(crate) enum Call {
    Start(Arc<Exchange>),
    Request(Arc<Exchange>),
    Wake(Arc<Exchange>),
    Cancel(Arc<Exchange>, EndReason),
    Finish(Arc<Exchange>),
}

/// What all connections of an engine share.
#[derive(Debug)]
pub(crate) struct Shared {
    /// Whom connections are believed who say whom they serve.
    pub proxies: Option<Arc<Proxies>>,
    pub config: Arc<ServerConfig>,
    pub clock: Clock,
    /// Wall clock minus monotonic clock, as of the last turn: a request need not read both.
    pub wall_offset_ns: i64,
    /// What the clock said last, while nothing has run since but our own code; 0: something has.
    pub last_stamp: Cell<u64>,
    pub calls: VecDeque<Call>,
    pub scratch: Box<[u8]>,
    pub control: Vec<u8>,
    pub date_line: Vec<u8>,
    pub server_line: Vec<u8>,
    pub draining: bool,
    pub wants_start: bool,
    /// Those to tell of parsed heads, where any want to know.
    pub early: Option<Arc<Sinks>>,
    /// Whether records keep the order of their states.
    pub timeline: bool,
    /// Exchanges that have begun and whose record is not delivered.
    pub inflight: Registry,
}

impl Shared {
    /// What a connection from this peer may say about whom it serves; `None`: nothing.
    pub(crate) fn proxies_of(&self, peer: &Peer) -> Option<Arc<Proxies>> {
        let client = peer.client.as_ref().map(|end| end.addr().ip());
        self.proxies.clone().filter(|proxies| proxies.networks.contains_peer(client))
    }
}

impl Shared {
    pub(crate) fn stamps(&self) -> bool {
        self.config.trace_level != Level::Disabled
    }

    /// The time, read only if somebody records it.
    pub(crate) fn stamp(&self, record: &Record) -> u64 {
        let now = if record.is_on() { self.clock.now() } else { 0 };
        self.last_stamp.set(now);
        now
    }

    /// As [`Shared::stamp`], for a point that may follow another one at once: then they share one reading.
    pub(crate) fn stamp_again(&self, record: &Record) -> u64 {
        match self.last_stamp.get() {
            0 => self.stamp(record),
            last => last,
        }
    }

    /// Code that is not ours runs, or the kernel: time passes.
    pub(crate) fn let_time_pass(&self) {
        self.last_stamp.set(0);
    }

    /// A point in time `seconds` from now; 0 where the time-out is off.
    pub(crate) fn deadline(&self, seconds: f64) -> u64 {
        if seconds <= 0.0 { 0 } else { self.clock.now() + nanos(seconds) }
    }
}

/// Seconds of the configuration in nanoseconds.
#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "checked: at most a year, never negative"
)]
pub(crate) fn nanos(seconds: f64) -> u64 {
    (seconds * 1e9) as u64
}

/// As [`Shared::deadline`], where the time is known.
pub(crate) fn deadline_from(now: u64, seconds: f64) -> u64 {
    if seconds <= 0.0 { 0 } else { now + nanos(seconds) }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    Idle,
    Start,
    Head,
    Exchange,
    Linger,
    Closed,
}

/// Points in time at which a connection is ended; 0: none is set.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Deadlines {
    /// Idle, head, body or linger, whichever the phase waits for.
    pub read: u64,
    pub write: u64,
    pub handler: u64,
}

/// One accepted connection.
#[derive(Debug)]
pub(crate) struct Connection {
    pub stream: Stream,
    place: Place,
    peer: Arc<Peer>,
    phase: Phase,
    input: Vec<u8>,
    /// Where the unread part of `input` begins.
    at: usize,
    /// When the last read happened, until it was used.
    read_at: Option<u64>,
    /// When the kernel received what was read last, monotonic.
    received: Option<u64>,
    head: HeadReader,
    body: Option<BodyDecoder>,
    current: Option<Arc<Exchange>>,
    output: Output,
    pending: VecDeque<(u64, Arc<Exchange>)>,
    pub deadlines: Deadlines,
    readable: bool,
    writable: bool,
    /// The readiness set saw the peer's FIN, or an error: the socket is to be read until it says so too.
    ending: bool,
    /// The peer's FIN was read.
    peer_closed: bool,
    /// Another request may follow the current one.
    keep: bool,
    /// Accepted over `limit_connections`: told 503 and closed.
    over_limit: bool,
    accepted_at: u64,
    idle_since: u64,
    requests: u64,
    lingered: usize,
    /// How much more of a body that nobody wants is read before the connection is closed instead.
    discard_left: usize,
}

impl Connection {
    pub(crate) fn new(stream: Stream, place: Place, peer: Peer, over_limit: bool, shared: &Shared) -> Self {
        let now = shared.clock.now();
        let mut connection = Self {
            stream,
            place,
            peer: Arc::new(peer),
            phase: Phase::Idle,
            input: Vec::new(),
            at: 0,
            read_at: None,
            received: None,
            head: HeadReader::default(),
            body: None,
            current: None,
            output: Output::default(),
            pending: VecDeque::new(),
            deadlines: Deadlines::default(),
            readable: true,
            writable: true,
            ending: false,
            peer_closed: false,
            keep: true,
            over_limit,
            accepted_at: now,
            idle_since: now,
            requests: 0,
            lingered: 0,
            discard_left: 0,
        };
        // One that is over the limit has no place to be idle in.
        let wait_s = if over_limit { REFUSED_IDLE_S } else { shared.config.timeout_idle_s };
        connection.deadlines.read = shared.deadline(wait_s);
        connection
    }

    pub(crate) const fn serial(&self) -> u64 {
        self.place.serial
    }

    pub(crate) const fn is_over_limit(&self) -> bool {
        self.over_limit
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.phase == Phase::Closed
    }

    pub(crate) fn is_idle(&self) -> bool {
        self.phase == Phase::Idle && self.pending.is_empty()
    }

    /// What the readiness set reported.
    pub(crate) fn note_ready(&mut self, readable: bool, writable: bool, ending: bool) {
        self.ending |= ending;
        self.readable |= readable || ending;
        self.writable |= writable;
    }

    /// Runs the connection as far as it can go now. Returns whether it waits for a call to be made first.
    pub(crate) fn advance(&mut self, shared: &mut Shared) -> bool {
        loop {
            let moved = match self.phase {
                Phase::Idle => self.advance_idle(shared),
                Phase::Start => self.advance_start(shared),
                Phase::Head => self.advance_head(shared),
                Phase::Exchange => self.advance_exchange(shared),
                Phase::Linger => self.advance_linger(shared),
                Phase::Closed => Step::Blocked,
            };
            match moved {
                Step::Moved => {}
                Step::Blocked => break,
                Step::CallFirst => return true,
            }
        }
        self.flush(shared);
        false
    }

    /// The unread input.
    fn unread(&self) -> &[u8] {
        &self.input[self.at..]
    }

    /// Takes `n` bytes off the input.
    fn consume(&mut self, n: usize) {
        self.at += n;
        if self.at == self.input.len() {
            self.input.clear();
            self.at = 0;
        }
    }

    /// Whether anybody who holds this exchange's handle means this connection, now.
    pub(crate) fn is_current(&self, exchange: &Exchange) -> bool {
        exchange.place == self.place
            && self.current.as_ref().is_some_and(|c| std::ptr::eq(&raw const **c, exchange))
    }
}

/// What one step of a phase did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    /// Something changed: go on.
    Moved,
    /// Nothing more can be done now.
    Blocked,
    /// The application must be called before anything else happens.
    CallFirst,
}
