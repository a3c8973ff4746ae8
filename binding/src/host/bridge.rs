//! The host behind the core's `Handler`: what the engine asks of the application.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use pyo3::exceptions::PyException;
use pyo3::prelude::*;
use wirespan_core::engine::Outcome;
use wirespan_core::exchange::Exchange;
use wirespan_core::handler::Handler;
use wirespan_core::trace::{EndReason, ErrorNote};

use super::Host;

/// The host during one call into the core: it knows that the thread is attached to Python.
pub(crate) struct Bridge<'a, 'py> {
    pub(super) host: &'a Arc<Host>,
    pub(super) py: Python<'py>,
}

impl Handler for Bridge<'_, '_> {
    fn wants_start(&self) -> bool {
        !self.host.tracers.is_empty()
    }

    fn start(&self, exchange: &Arc<Exchange>) {
        let started =
            self.host.object(self.py, exchange).map(|object| self.host.tracers.start(self.host, &object));
        if let Err(error) = started {
            self.host.log(self.py, "a request object could not be made", Some(&error));
        }
    }

    fn request(&self, exchange: &Arc<Exchange>) {
        if let Err(error) = self.host.run_handler(self.py, exchange) {
            if error.is_instance_of::<PyException>(self.py) {
                self.host.log(self.py, "a request could not be started", Some(&error));
            } else {
                self.host.raise_in_loop(self.py, &error);
            }
            let note = ErrorNote::new("InternalError", error.to_string());
            let outcome = Outcome::Failed { note, shown: String::new(), status: 500 };
            self.host.engine.handler_done(self, exchange, outcome);
        }
    }

    fn wake(&self, exchange: &Arc<Exchange>) {
        let Some(object) = self.host.live().get(exchange.tag()).map(|o| o.clone_ref(self.py)) else { return };
        if let Err(error) = object.get().wake(self.py) {
            self.host.log(self.py, "a waiter could not be resolved", Some(&error));
        }
    }

    fn cancel(&self, exchange: &Arc<Exchange>, _why: EndReason) {
        let object = self.host.live().get(exchange.tag()).map(|o| o.clone_ref(self.py));
        if let Some(object) = object {
            self.host.cancel(self.py, object.get());
        }
    }

    fn finish(&self, exchange: &Arc<Exchange>) {
        let object = self.host.live().try_remove(exchange.tag());
        exchange.set_tag(usize::MAX);
        if let Some(object) = object {
            let object = object.into_bound(self.py);
            self.host.tracers.finish(self.host, &object);
            let mut local = object.get().local();
            let gone = (local.task.take(), local.context.take(), local.scope.take());
            drop(local);
            drop(gone);
        }
        self.host.tell_idle(self.py);
    }

    fn again(&self) {
        if self.host.poll_is_due.swap(true, Ordering::Relaxed) {
            return;
        }
        let Some(poll) = self.host.poll.get() else { return };
        if let Err(error) = self.host.call_soon.bind(self.py).call1((poll,)) {
            self.host.log(self.py, "the loop takes no calls", Some(&error));
        }
    }
}
