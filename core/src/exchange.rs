//! One HTTP exchange: the request, the reply under way and the record, shared by the engine and the application.
//!
//! The engine's lock is taken before an exchange's, never the other way round, and neither is held while the
//! application is called.

mod application;
mod peer;
mod progress;

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

pub use self::peer::{Endpoint, Peer};
pub use self::progress::{Progress, ReplyStage, Thread};
use crate::inflight::Entry;
use crate::message::Request;
use crate::propagation::Origin;
use crate::trace::{Record, TraceContext};

/// Which connection an exchange belongs to. A connection that has gone leaves a place that matches nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub slot: usize,
    pub serial: u64,
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
            progress: Mutex::new(Progress::new(record)),
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
