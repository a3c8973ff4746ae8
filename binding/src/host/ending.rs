//! How handlers end: what they returned or raised, and what the core is told of it.

use std::sync::Arc;

use pyo3::exceptions::PyException;
use pyo3::prelude::*;
use wirespan_core::engine::Outcome;
use wirespan_core::exchange::{Exchange, ReplyStage};
use wirespan_core::trace::ErrorNote;

use super::{Application, Host};
use crate::error::{CoreError, Disconnected, error_note, exception, traceback_text};
use crate::exchange::PyExchange;

impl Host {
    /// The handler's coroutine returned.
    pub(crate) fn handler_returned(
        self: &Arc<Self>,
        py: Python<'_>,
        exchange: &Arc<Exchange>,
        object: &Py<PyExchange>,
    ) {
        let outcome = match &self.application {
            Application::Native(_) => Outcome::Done(Some(std::mem::take(&mut object.get().local().head))),
            Application::Asgi(asgi) => {
                asgi.note_route(py, self, exchange, object.get());
                self.asgi_outcome(py, exchange)
            }
        };
        self.handler_done(py, exchange, object, outcome);
    }

    /// An ASGI application may not return before its response is complete.
    fn asgi_outcome(&self, py: Python<'_>, exchange: &Arc<Exchange>) -> Outcome {
        let what = match exchange.reply_stage() {
            ReplyStage::Complete => return Outcome::Done(None),
            _ if exchange.is_gone() => return Outcome::Done(None),
            ReplyStage::Nothing => "the ASGI application returned without sending a response",
            _ => "the ASGI application returned without completing its response",
        };
        self.log(py, what, None);
        let note = ErrorNote::new("ASGIError", what);
        Outcome::Failed {
            note,
            shown: if self.debug { format!("{what}\n") } else { String::new() },
            status: 500,
        }
    }

    /// The handler's coroutine raised. Returns what the task must see.
    pub(crate) fn handler_raised(
        self: &Arc<Self>,
        py: Python<'_>,
        exchange: &Arc<Exchange>,
        object: &Py<PyExchange>,
        error: PyErr,
    ) -> Option<PyErr> {
        if error.matches(py, self.abort_type.bind(py)).unwrap_or(false) {
            self.handler_returned(py, exchange, object);
            return None;
        }
        if error.matches(py, self.cancelled_type.bind(py)).unwrap_or(false) {
            self.handler_done(py, exchange, object, Outcome::Cancelled);
            return Some(error);
        }
        let client_left = exchange.is_gone() && is_disconnect(py, &error);
        let outcome = if client_left { Outcome::Done(None) } else { self.failure(py, object, &error) };
        if let Application::Asgi(asgi) = &self.application {
            asgi.note_route(py, self, exchange, object.get());
        }
        self.handler_done(py, exchange, object, outcome);
        (!error.is_instance_of::<PyException>(py)).then_some(error)
    }

    /// The task was thrown away before the handler ended.
    pub(crate) fn handler_closed(
        self: &Arc<Self>,
        py: Python<'_>,
        exchange: &Arc<Exchange>,
        object: &Py<PyExchange>,
    ) {
        self.handler_done(py, exchange, object, Outcome::Cancelled);
    }

    fn handler_done(
        self: &Arc<Self>,
        py: Python<'_>,
        exchange: &Arc<Exchange>,
        object: &Py<PyExchange>,
        outcome: Outcome,
    ) {
        self.engine.handler_done(&self.bridge(py), exchange, outcome);
        if let Err(error) = object.get().wake(py) {
            self.log(py, "a waiter could not be resolved", Some(&error));
        }
    }

    fn failure(&self, py: Python<'_>, object: &Py<PyExchange>, error: &PyErr) -> Outcome {
        let value = exception(py, error);
        let before = {
            let mut local = object.get().local();
            local.panicked = true;
            local.error.replace(value.clone().into_any().unbind())
        };
        drop(before); // without the lock: the end of its frames may run code of the user's
        let exchange = object.get().bound().map(|tie| &tie.exchange).ok();
        if let Some(exchange) = exchange {
            exchange.lock().record.panicked = true;
        }
        let request = exchange.and_then(|exchange| exchange.request());
        let place = request.map_or_else(String::new, |request| {
            format!("{} {}: ", request.method().escape_ascii(), request.path().escape_ascii())
        });
        self.log(py, &format!("{place}the handler raised"), Some(error));
        let shown = if self.debug { traceback_text(&value) } else { String::new() };
        let note = error_note(&value, exchange.is_some_and(|exchange| exchange.is_recording()));
        Outcome::Failed { note, shown, status: 500 }
    }
}

fn is_disconnect(py: Python<'_>, error: &PyErr) -> bool {
    error.is_instance_of::<Disconnected>(py)
        || error.get_type(py).name().is_ok_and(|name| name == "ClientDisconnect")
        || error.is_instance_of::<CoreError>(py)
}
