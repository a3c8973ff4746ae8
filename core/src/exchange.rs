//! One HTTP exchange: the request, the reply under way and the record, shared by the engine and the application.
//!
//! The engine's lock is taken before an exchange's, never the other way round, and neither is held while the
//! application is called.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use bytes::Bytes;

use crate::error::Error;
use crate::h1::BodyFrame;
use crate::inflight::Entry;
use crate::message::{Field, Request, ResponseHead};
use crate::propagation::{Origin, Proxies};
use crate::sinks::opentelemetry::EncodedEnds;
use crate::trace::{Clock, EndReason, ErrorNote, Event, Level, Record, State, TraceContext};

/// One end of a TCP connection. Its text is made once a connection: each request shows it.
#[derive(Clone, Debug)]
pub struct Endpoint {
    addr: SocketAddr,
    text: OnceLock<Box<str>>,
}

impl Endpoint {
    /// The address as text follows when it is asked for.
    #[must_use]
    pub const fn new(addr: SocketAddr) -> Self {
        Self { addr, text: OnceLock::new() }
    }

    /// Address and port: `192.0.2.1:80`, `[2001:db8::1]:80`; without a port that is not known.
    #[must_use]
    pub fn text(&self) -> &str {
        let text = || match self.addr.port() {
            0 => self.addr.ip().to_string(),
            _ => self.addr.to_string(),
        };
        self.text.get_or_init(|| text().into())
    }

    /// The address alone, without brackets.
    #[must_use]
    pub fn ip(&self) -> &str {
        let (ip, _) = match self.addr.port() {
            0 => (self.text(), ""),
            _ => self.text().rsplit_once(':').unwrap_or_default(),
        };
        ip.trim_start_matches('[').trim_end_matches(']')
    }

    /// The port; 0 where a proxy did not tell it.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.addr.port()
    }

    /// Both as numbers.
    #[must_use]
    pub const fn addr(&self) -> SocketAddr {
        self.addr
    }
}

/// The two ends of a connection. Unix sockets have no addresses.
#[derive(Clone, Debug, Default)]
pub struct Peer {
    /// The client's end.
    pub client: Option<Endpoint>,
    /// Our end.
    pub server: Option<Endpoint>,
    /// The client is a proxy that is believed, and this says how far.
    pub proxies: Option<Arc<Proxies>>,
    /// What spans tell of this connection, made by the first.
    pub(crate) encoded: OnceLock<Box<EncodedEnds>>,
}

/// Which connection an exchange belongs to. A connection that has gone leaves a place that matches nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub slot: usize,
    pub serial: u64,
}

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
#[derive(Debug)]
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
    /// The state of a handler that is suspended.
    fn suspended_state(&self) -> State {
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
    const fn is_answered_for(&self) -> bool {
        self.gone.is_some() && self.reply.complete
    }

    pub(crate) fn mark_response_start(&mut self, now: u64) {
        if self.record.time(Event::RESPONSE_START).is_none() {
            self.record.mark(Event::RESPONSE_START, now);
        }
    }
}

/// One HTTP exchange.
#[derive(Debug)]
pub struct Exchange {
    pub(crate) place: Place,
    /// Among those that run.
    pub(crate) entry: Entry,
    peer: Arc<Peer>,
    request: OnceLock<Request>,
    /// Asked of every request, told of few.
    origin: OnceLock<Option<Box<Origin>>>,
    context: OnceLock<TraceContext>,
    is_ignored: AtomicBool,
    progress: Mutex<Progress>,
    tag: AtomicUsize,
}

impl Exchange {
    pub(crate) fn new(place: Place, peer: Arc<Peer>, record: Record) -> Self {
        Self {
            place,
            entry: Entry::NOWHERE,
            peer,
            request: OnceLock::new(),
            origin: OnceLock::new(),
            context: OnceLock::new(),
            is_ignored: AtomicBool::new(false),
            progress: Mutex::new(Progress {
                record,
                body: RequestBody::default(),
                reply: Reply {
                    head: None,
                    staged: None,
                    started: false,
                    complete: false,
                    written: false,
                    frame: BodyFrame::Nothing,
                    stalled: false,
                },
                gone: None,
                dispatched: false,
                handler_done: false,
                thread: Thread::None,
                delivered: false,
            }),
            tag: AtomicUsize::new(usize::MAX),
        }
    }

    /// The parsed head; `None` before it is complete, and for good where it never was.
    #[must_use]
    pub fn request(&self) -> Option<&Request> {
        self.request.get()
    }

    pub(crate) fn set_request(&self, request: Request) {
        let first = self.request.set(request);
        debug_assert!(first.is_ok(), "an exchange has one request");
    }

    /// The trace it belongs to; `None` before the head is parsed, and for good where nobody traces.
    #[must_use]
    pub fn context(&self) -> Option<&TraceContext> {
        self.context.get()
    }

    /// Says which trace it belongs to; the first to say so counts.
    pub fn set_context(&self, context: TraceContext) -> &TraceContext {
        self.context.get_or_init(|| context)
    }

    /// Whether no sink is told of it.
    #[must_use]
    pub fn is_ignored(&self) -> bool {
        self.is_ignored.load(Ordering::Relaxed)
    }

    pub(crate) fn ignore(&self) {
        self.is_ignored.store(true, Ordering::Relaxed);
    }

    /// What trusted proxies say of it; `None` where they say nothing, and before the head is parsed.
    #[must_use]
    pub fn origin(&self) -> Option<&Origin> {
        let (proxies, request) = (self.peer.proxies.as_ref()?, self.request()?);
        self.origin.get_or_init(|| Origin::new(request, proxies).map(Box::new)).as_deref()
    }

    /// The client: as trusted proxies say, else who is connected. `None` on Unix sockets.
    #[must_use]
    pub fn client(&self) -> Option<&Endpoint> {
        self.origin().and_then(|origin| origin.client.as_ref()).or(self.peer.client.as_ref())
    }

    /// `http`, or `https` where a trusted proxy says so.
    #[must_use]
    pub fn scheme(&self) -> &'static str {
        self.origin().and_then(|origin| origin.scheme).unwrap_or("http")
    }

    /// The two ends of the connection.
    #[must_use]
    pub fn peer(&self) -> &Peer {
        &self.peer
    }

    /// Everything that changes, under its lock. Do not call the application while holding it.
    pub fn lock(&self) -> MutexGuard<'_, Progress> {
        // A panic while the lock was held is already on its way to the caller; the data is plain and stays usable.
        self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A number that the handler keeps here to find its own data again; `usize::MAX` until set.
    #[must_use]
    pub fn tag(&self) -> usize {
        self.tag.load(Ordering::Relaxed)
    }

    /// See [`Exchange::tag`].
    pub fn set_tag(&self, tag: usize) {
        self.tag.store(tag, Ordering::Relaxed);
    }
}

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
        let state = match progress.thread {
            _ if progress.reply.stalled => State::Write,
            _ if progress.body.wanted => State::Read,
            Thread::Waiting => State::Schedule,
            Thread::Running => State::Run,
            Thread::None => State::Await,
        };
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
