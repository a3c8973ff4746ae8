//! What runs now, for any thread: the engine's lock is held for the copy of a bounded list, no longer.

use std::sync::{Arc, Mutex, PoisonError, Weak};

use super::{Engine, Inner};
use crate::inflight::{Running, SHOWN, Snapshot};
use crate::trace::Clock;

/// A look at an engine that does not keep it alive.
#[derive(Clone)]
pub struct View {
    inner: Weak<Mutex<Inner>>,
    clock: Clock,
}

impl std::fmt::Debug for View {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("View").field("clock", &self.clock).finish_non_exhaustive()
    }
}

impl View {
    /// The exchanges that run now, also while the application keeps the event loop from running; `None` when the
    /// engine is gone.
    #[must_use]
    pub fn snapshot(&self) -> Option<Snapshot> {
        let inner = self.inner.upgrade()?;
        let (total, oldest) = {
            let inner = inner.lock().unwrap_or_else(PoisonError::into_inner);
            let registry = &inner.shared.inflight;
            (registry.len(), registry.oldest().take(SHOWN).map(Arc::clone).collect::<Vec<_>>())
        };
        let now = self.clock.now();
        let requests = oldest.iter().map(|exchange| Running::new(exchange, now)).collect();
        Some(Snapshot { total, requests })
    }
}

impl Engine {
    /// A look at what runs, for other threads.
    #[must_use]
    pub fn view(&self) -> View {
        View { inner: Arc::downgrade(&self.inner), clock: self.clock.clone() }
    }
}
