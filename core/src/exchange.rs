//! One HTTP exchange: the request, the reply under way and the record, shared by the engine and the application.
//!
//! The engine's lock is taken before an exchange's, never the other way round, and neither is held while the
//! application is called.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use bytes::Bytes;

use crate::h1::BodyFrame;
use crate::message::{Request, ResponseHead};
use crate::trace::{EndReason, Record};

/// The two ends of a connection. Unix sockets have no addresses.
#[derive(Clone, Debug, Default)]
pub struct Peer {
    /// The client's end.
    pub client: Option<SocketAddr>,
    /// Our end.
    pub server: Option<SocketAddr>,
}

/// Which connection an exchange belongs to. A connection that has gone leaves a place that matches nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub slot: usize,
    pub serial: u64,
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
    pub trailers: Vec<(Box<[u8]>, Box<[u8]>)>,
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
    pub(crate) handler_done: bool,
    pub(crate) delivered: bool,
}

/// One HTTP exchange.
#[derive(Debug)]
pub struct Exchange {
    pub(crate) place: Place,
    peer: Arc<Peer>,
    request: OnceLock<Request>,
    progress: Mutex<Progress>,
    tag: AtomicUsize,
}

impl Exchange {
    pub(crate) fn new(place: Place, peer: Arc<Peer>, record: Record) -> Self {
        Self {
            place,
            peer,
            request: OnceLock::new(),
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
                handler_done: false,
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
