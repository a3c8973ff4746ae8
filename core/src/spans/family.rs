//! The spans of one request: what is added to its SERVER span, and its finished children while they wait for the verdict.

use std::sync::{Mutex, MutexGuard, PoisonError};

use super::Draft;
use crate::otlp::{SpanData, Status};

/// Ended spans of a request that wait for its end.
const MAX_WAITING: usize = 1_000;

/// Spans on their way to the exporter.
#[allow(
    clippy::vec_box,
    reason = "they are in boxes from their start to the exporter's thread, never copied"
)]
pub(crate) type Ended = Vec<Box<SpanData>>;

/// See the module's documentation. Its lock is a leaf.
#[derive(Debug, Default)]
pub struct Family(Mutex<Inner>);

#[derive(Debug, Default)]
struct Inner {
    server: Option<Draft>,
    waiting: Ended,
}

/// What becomes of a finished span.
#[derive(Debug)]
pub(super) enum Taken {
    /// It waits.
    Waits,
    /// The verdict is known, or nothing can overturn it: these are to be handed on.
    Released(Ended),
    /// There was no room for it.
    Full,
}

impl Family {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        // Nothing panics while the lock is held, and the data is plain.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes the SERVER span.
    pub fn edit(&self, change: impl FnOnce(&mut Draft)) {
        change(self.lock().server.get_or_insert_default());
    }

    /// Whether the application says that the request failed.
    #[must_use]
    pub fn is_error(&self) -> bool {
        self.lock().server.as_ref().is_some_and(|draft| matches!(draft.data().status, Status::Error(_)))
    }

    /// Whether the application added anything to the SERVER span.
    #[must_use]
    pub fn has_server(&self) -> bool {
        self.lock().server.is_some()
    }

    /// Takes what is added to the SERVER span. `has_route`: the server knows the route.
    #[must_use]
    pub fn take_server(&self, has_route: bool) -> Option<Box<SpanData>> {
        let draft = self.lock().server.take();
        draft.map(|draft| draft.into_added(has_route))
    }

    /// Takes the children that waited; once the verdict is known none comes after them.
    #[must_use]
    pub(crate) fn take_waiting(&self) -> Ended {
        std::mem::take(&mut self.lock().waiting)
    }

    /// A child has ended. `is_decided` is asked under the lock, so none is left behind. `must_wait`: the verdict may
    /// still be either.
    pub(super) fn take(
        &self,
        span: Box<SpanData>,
        is_decided: impl FnOnce() -> bool,
        must_wait: bool,
    ) -> Taken {
        let mut inner = self.lock();
        if is_decided() {
            return Taken::Released(vec![span]);
        }
        if inner.waiting.len() < MAX_WAITING {
            inner.waiting.push(span);
            return Taken::Waits;
        }
        if must_wait {
            return Taken::Full;
        }
        inner.waiting.push(span);
        Taken::Released(std::mem::take(&mut inner.waiting))
    }
}
