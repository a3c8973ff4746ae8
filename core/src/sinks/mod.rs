//! Native sinks: what is done with an exchange without entering Python. One file or folder each.

pub mod access_log;
pub mod opentelemetry;

use std::sync::Arc;

use crate::exchange::{Exchange, Thread};
use crate::sampling::{IgnoreList, Verdict};

/// Takes exchanges. Called on the engine's thread: it must return at once and never fail.
pub trait Sink: Send + Sync {
    /// Whether [`Sink::head`] is to be called; asked once, before the first exchange.
    fn wants_head(&self) -> bool {
        false
    }

    /// Whether records are to keep the order of their states; asked once, before the first exchange.
    fn wants_timeline(&self) -> bool {
        false
    }

    /// The head is parsed and nothing was done with it: the handler, and the response, see what this adds.
    fn head(&self, _exchange: &Exchange) {}

    /// The exchange is over; nothing about it changes any more.
    fn finish(&self, exchange: &Arc<Exchange>);

    /// As [`Sink::finish`], for an exchange that nobody wants to hear of.
    fn skip(&self, _exchange: &Exchange) {}

    /// Whether [`Sink::observe`] is to be called; asked once.
    fn wants_observations(&self) -> bool {
        false
    }

    /// Something happened beside exchanges. Called with the engine's lock held, and for threads on any thread.
    fn observe(&self, _what: Observation) {}
}

/// What happens to the server as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Observation {
    /// A connection was accepted; a refused one is only told that there are too many.
    Connected {
        /// Above the limit.
        is_refused: bool,
    },
    /// Connections are gone.
    Disconnected {
        /// How many.
        count: usize,
    },
    /// The loop called the engine's timer later than it was asked to.
    LoopLate {
        /// By how much.
        ns: u64,
    },
    /// A `def` handler moved between the loop, the queue for threads and a thread.
    Thread {
        /// Where it was.
        from: Thread,
        /// Where it is.
        to: Thread,
    },
    /// There may be more threads for `def` handlers, or fewer.
    ThreadLimit {
        /// How many more.
        more: i64,
    },
}

/// The sinks of an engine and the list of requests that none of them is told of.
#[derive(Clone, Default)]
pub struct Sinks {
    all: Vec<Arc<dyn Sink>>,
    early: Vec<Arc<dyn Sink>>,
    observers: Vec<Arc<dyn Sink>>,
    ignored: IgnoreList,
    timeline: bool,
}

impl std::fmt::Debug for Sinks {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sinks")
            .field("all", &self.all.len())
            .field("ignored", &self.ignored)
            .finish_non_exhaustive()
    }
}

impl From<Vec<Arc<dyn Sink>>> for Sinks {
    fn from(all: Vec<Arc<dyn Sink>>) -> Self {
        Self::new(all, IgnoreList::default())
    }
}

impl Sinks {
    /// In the order in which they are told of heads; ends are told in reverse order.
    #[must_use]
    pub fn new(all: Vec<Arc<dyn Sink>>, ignored: IgnoreList) -> Self {
        let early = all.iter().filter(|sink| sink.wants_head()).cloned().collect();
        let observers = all.iter().filter(|sink| sink.wants_observations()).cloned().collect();
        let timeline = all.iter().any(|sink| sink.wants_timeline());
        Self { all, early, observers, ignored, timeline }
    }

    /// Whether [`Sinks::observe`] does anything.
    #[must_use]
    pub fn want_observations(&self) -> bool {
        !self.observers.is_empty()
    }

    /// Tells of what happened beside exchanges.
    pub fn observe(&self, what: Observation) {
        for sink in &self.observers {
            sink.observe(what);
        }
    }

    /// Whether [`Sinks::head`] does anything.
    #[must_use]
    pub fn want_head(&self) -> bool {
        !self.early.is_empty() || !self.ignored.is_empty()
    }

    /// Whether anybody reads [`crate::trace::Record::timeline`].
    #[must_use]
    pub const fn want_timeline(&self) -> bool {
        self.timeline
    }

    /// Somebody besides the sinks reads it.
    #[must_use]
    pub fn with_timeline(mut self) -> Self {
        self.timeline = true;
        self
    }

    /// Tells of a parsed head. Exchanges on the list are marked, and their trace context is set all the same: what they
    /// cause elsewhere should know that nobody wants to hear of it.
    pub fn head(&self, exchange: &Exchange) {
        if exchange.request().is_some_and(|request| self.ignored.matches(request.path())) {
            exchange.ignore();
        }
        for sink in &self.early {
            sink.head(exchange);
        }
    }

    /// Tells of the end, unless path or route are on the list.
    pub fn finish(&self, exchange: &Arc<Exchange>) {
        if self.is_ignored(exchange) {
            if let Some(context) = exchange.context() {
                context.decide(|| Verdict::Drop); // child spans wait for it
            }
            self.all.iter().for_each(|sink| sink.skip(exchange));
            return;
        }
        for sink in self.all.iter().rev() {
            sink.finish(exchange);
        }
    }

    fn is_ignored(&self, exchange: &Exchange) -> bool {
        if self.ignored.is_empty() {
            return false;
        }
        let by_path = || exchange.request().is_some_and(|request| self.ignored.matches(request.path()));
        let by_route = || {
            exchange.lock().record.route.as_ref().is_some_and(|route| self.ignored.matches(route.as_bytes()))
        };
        exchange.is_ignored() || by_path() || by_route()
    }
}
