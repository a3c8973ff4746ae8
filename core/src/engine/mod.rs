//! The engine: one readiness set for all its sockets, served one `poll` per batch on the caller's thread.
//!
//! It lives inside somebody else's event loop: the loop watches [`Engine::as_raw_fd`] and calls [`Engine::poll`] when it
//! becomes readable. The engine's lock is held while bytes are moved and released while the application is called.

mod application;
mod inflight;
mod sockets;

use std::cell::Cell;
use std::collections::VecDeque;
use std::os::fd::{AsRawFd, RawFd};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use mio::{Events, Interest, Poll, Token};
use slab::Slab;

use crate::config::ServerConfig;
use crate::connection::{Call, Connection, READ_SIZE, Shared};
use crate::error::Error;
use crate::exchange::Place;
use crate::handler::Handler;
use crate::inflight::Registry;
use crate::listener::Listener;
use crate::sinks::{Observation, Sinks};
use crate::trace::{Clock, EndReason};

pub use crate::connection::Sent;
pub use application::{Outcome, Read};
pub use inflight::View;

/// Tokens from here on are listeners.
const LISTENERS: usize = 1 << 32;
/// Calls made in one turn before the event loop gets its thread back.
const CALLS_PER_TURN: usize = 512;

struct Inner {
    poll: Poll,
    events: Option<Events>,
    listeners: Vec<Listener>,
    connections: Slab<Connection>,
    shared: Shared,
    runnable: VecDeque<usize>,
    serial: u64,
    /// `run` is under way further up the stack.
    running: bool,
    /// Accepting stopped because too many connections are open.
    paused: bool,
    /// Open connections that are only told that there are too many.
    refused: usize,
    second: u64,
    /// Threads that the application has for `def` handlers.
    threads: i64,
    sinks: Arc<Sinks>,
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.sinks.observe(Observation::Disconnected { count: self.connections.len() });
        self.sinks.observe(Observation::ThreadLimit { more: -self.threads });
    }
}

/// See the module's documentation.
pub struct Engine {
    inner: Arc<Mutex<Inner>>,
    sinks: Arc<Sinks>,
    config: Arc<ServerConfig>,
    clock: Clock,
    fd: RawFd,
    /// When the timer is due that the loop was asked for; 0: never asked.
    tick_at: AtomicU64,
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Engine").field("fd", &self.fd).finish_non_exhaustive()
    }
}

impl AsRawFd for Engine {
    fn as_raw_fd(&self) -> RawFd {
        self.fd
    }
}

impl Engine {
    /// An engine that listens to nothing yet. `wants_start`: the handler wants to know of first bytes.
    ///
    /// # Errors
    /// `Fault::Operator`: a wrong option, or no descriptors left.
    pub fn new(
        config: ServerConfig,
        clock: Clock,
        sinks: impl Into<Sinks>,
        wants_start: bool,
    ) -> Result<Self, Error> {
        config.check()?;
        let sinks = Arc::new(sinks.into());
        // Whoever forked a worker may have made ids before.
        crate::propagation::ids::check_process();
        let poll = Poll::new().map_err(|e| Error::operator("cannot create a readiness set", Some(e)))?;
        let config = Arc::new(config);
        let fd = poll.as_raw_fd();
        let server_line = match config.server_header.as_str() {
            "" => Vec::new(),
            name => format!("server: {name}\r\n").into_bytes(),
        };
        let shared = Shared {
            proxies: config.proxies()?,
            config: Arc::clone(&config),
            clock: clock.clone(),
            wall_offset_ns: 0,
            last_stamp: Cell::new(0),
            calls: VecDeque::new(),
            scratch: vec![0; READ_SIZE].into_boxed_slice(),
            control: nix::cmsg_space!([nix::sys::time::TimeSpec; 3]),
            date_line: Vec::new(),
            server_line,
            draining: false,
            wants_start,
            early: sinks.want_head().then(|| Arc::clone(&sinks)),
            timeline: sinks.want_timeline(),
            inflight: Registry::default(),
        };
        let inner = Inner {
            poll,
            events: Some(Events::with_capacity(1_024)),
            listeners: Vec::new(),
            connections: Slab::new(),
            shared,
            runnable: VecDeque::new(),
            serial: 0,
            running: false,
            paused: false,
            refused: 0,
            second: 0,
            threads: 0,
            sinks: Arc::clone(&sinks),
        };
        let (inner, tick_at) = (Arc::new(Mutex::new(inner)), AtomicU64::new(0));
        let engine = Self { inner, sinks, config, clock, fd, tick_at };
        engine.lock().refresh_wall();
        Ok(engine)
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        // A panic under the lock is on its way to the caller; the next call works on what is there.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Where this engine's stamps come from.
    #[must_use]
    pub const fn clock(&self) -> &Clock {
        &self.clock
    }

    /// The options.
    #[must_use]
    pub fn config(&self) -> &ServerConfig {
        &self.config
    }

    /// Open connections.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.lock().connections.len()
    }

    /// Exchanges that have begun and are not over.
    #[must_use]
    pub fn active(&self) -> usize {
        self.lock().shared.inflight.len()
    }

    /// Serves everything that is ready.
    ///
    /// # Errors
    /// What the readiness set reports; nothing was lost, call again.
    pub fn poll(&self, handler: &impl Handler) -> std::io::Result<()> {
        self.lock().collect()?;
        self.run(handler);
        Ok(())
    }

    /// Makes calls and runs connections until nothing moves any more.
    fn run(&self, handler: &impl Handler) {
        {
            let mut inner = self.lock();
            if std::mem::replace(&mut inner.running, true) {
                inner.shared.let_time_pass();
                return; // further up the stack it goes on when we return
            }
        }
        // However this ends, also by a panic of the handler, the next call must be able to run.
        let _reset = Reset(self);
        for _ in 0..CALLS_PER_TURN {
            let Some(call) = self.lock().next_call() else { return };
            self.make(handler, call);
        }
        handler.again();
    }

    fn make(&self, handler: &impl Handler, call: Call) {
        match call {
            Call::Start(exchange) => handler.start(&exchange),
            Call::Request(exchange) => handler.request(&exchange),
            Call::Wake(exchange) => handler.wake(&exchange),
            Call::Cancel(exchange, why) => handler.cancel(&exchange, why),
            Call::Finish(exchange) => {
                handler.finish(&exchange);
                self.sinks.finish(&exchange);
            }
        }
    }

    /// Ends what is overdue. Returns how long until this should be called again.
    pub fn tick(&self, handler: &impl Handler) -> Duration {
        let due = self.tick_at.load(Ordering::Relaxed);
        if due != 0 {
            self.sinks.observe(Observation::LoopLate { ns: self.clock.now().saturating_sub(due) });
        }
        self.lock().end_overdue();
        self.run(handler);
        let interval = self.tick_interval();
        if self.sinks.want_observations() {
            let interval = u64::try_from(interval.as_nanos()).unwrap_or(u64::MAX);
            self.tick_at.store(self.clock.now().saturating_add(interval), Ordering::Relaxed);
        }
        interval
    }

    /// How many threads the application has for `def` handlers, for the sinks to know.
    pub fn set_threads(&self, count: u32) {
        let more = i64::from(count) - std::mem::replace(&mut self.lock().threads, i64::from(count));
        self.sinks.observe(Observation::ThreadLimit { more });
    }

    /// Tells the sinks what the application knows better.
    pub fn observe(&self, what: Observation) {
        self.sinks.observe(what);
    }

    /// A fraction of the shortest time-out, so that none is late by much.
    fn tick_interval(&self) -> Duration {
        let c = &self.config;
        let all =
            [c.timeout_header_s, c.timeout_body_s, c.timeout_write_s, c.timeout_idle_s, c.timeout_handler_s];
        let shortest = all.into_iter().filter(|t| *t > 0.0).fold(2.0, f64::min);
        Duration::from_secs_f64((shortest / 8.0).clamp(0.005, 0.25))
    }
}

struct Reset<'a>(&'a Engine);

impl Drop for Reset<'_> {
    fn drop(&mut self) {
        self.0.lock().running = false;
    }
}

impl Inner {
    /// Asks the kernel what is ready.
    fn collect(&mut self) -> std::io::Result<()> {
        self.refresh_wall();
        let Some(mut events) = self.events.take() else { return Ok(()) };
        let polled = self.poll.poll(&mut events, Some(Duration::ZERO));
        for event in &events {
            let token = event.token().0;
            if token >= LISTENERS {
                self.accept(token - LISTENERS);
            } else if let Some(connection) = self.connections.get_mut(token) {
                let ending = event.is_read_closed() || event.is_error();
                connection.note_ready(event.is_readable(), event.is_writable(), ending);
                self.runnable.push_back(token);
            }
        }
        self.events = Some(events);
        match polled {
            Err(e) if e.kind() != std::io::ErrorKind::Interrupted => Err(e),
            _ => Ok(()),
        }
    }

    /// The next call to make. Runs connections until there is one; `None` when nothing moves any more. Either way it is
    /// not our code that runs next.
    fn next_call(&mut self) -> Option<Call> {
        while self.shared.calls.is_empty()
            && let Some(slot) = self.runnable.pop_front()
        {
            self.advance(slot);
        }
        self.shared.let_time_pass();
        self.shared.calls.pop_front()
    }

    fn advance(&mut self, slot: usize) {
        let Some(connection) = self.connections.get_mut(slot) else { return };
        if connection.advance(&mut self.shared) {
            self.runnable.push_front(slot); // goes on when the call was made
        }
        self.remove_if_closed(slot);
    }

    fn remove_if_closed(&mut self, slot: usize) {
        if !self.connections.get(slot).is_some_and(Connection::is_closed) {
            return;
        }
        let mut connection = self.connections.remove(slot);
        self.refused -= usize::from(connection.is_over_limit());
        self.sinks.observe(Observation::Disconnected { count: 1 });
        // Closing the descriptor removes it anyway; an error here changes nothing.
        _ = self.poll.registry().deregister(connection.stream.source());
        self.resume_accepting();
    }

    /// Accepting stopped for want of room or of descriptors: try again.
    fn resume_accepting(&mut self) {
        if std::mem::take(&mut self.paused) {
            for index in 0..self.listeners.len() {
                self.accept(index);
            }
        }
    }

    fn connection_at(&mut self, place: Place) -> Option<&mut Connection> {
        self.connections.get_mut(place.slot).filter(|c| c.serial() == place.serial && !c.is_closed())
    }

    fn end_overdue(&mut self) {
        self.refresh_wall();
        let now = self.shared.clock.now();
        let slots: Vec<usize> =
            self.connections.iter().filter(|(_, c)| c.is_overdue(now)).map(|(slot, _)| slot).collect();
        for slot in slots {
            self.connections[slot].end_overdue(&mut self.shared, now);
            self.advance(slot);
        }
        self.resume_accepting();
    }

    /// Reads both clocks, one right after the other. Once a second it steers the clock and writes the `Date` line anew.
    fn refresh_wall(&mut self) {
        let (wall, now) = (self.shared.clock.wall(), self.shared.clock.now());
        self.shared.wall_offset_ns = wall.cast_signed().wrapping_sub(now.cast_signed());
        let second = wall / 1_000_000_000;
        if second == self.second {
            return;
        }
        self.second = second;
        self.shared.clock.steer();
        if !self.shared.config.date_header {
            return;
        }
        let at: SystemTime = UNIX_EPOCH + Duration::from_secs(second);
        self.shared.date_line = format!("date: {}\r\n", httpdate::fmt_http_date(at)).into_bytes();
    }

    fn register(&mut self, slot: usize) -> std::io::Result<()> {
        let source = self.connections[slot].stream.source();
        self.poll.registry().register(source, Token(slot), Interest::READABLE | Interest::WRITABLE)
    }

    fn end_all(&mut self, reason: EndReason, wanted: impl Fn(&Connection) -> bool) {
        let slots: Vec<usize> =
            self.connections.iter().filter(|(_, c)| wanted(c)).map(|(slot, _)| slot).collect();
        for slot in slots {
            self.connections[slot].hang_up(&mut self.shared, reason);
            self.remove_if_closed(slot);
        }
    }
}
