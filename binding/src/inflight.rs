//! Requests in flight: as Python dicts, and the threads that tell others of them.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use pyo3::prelude::*;
use pyo3::types::PyDict;
use wirespan_core::engine::Engine;
use wirespan_core::inflight::{Description, Inspector, Place, Reporter, Running};
use wirespan_core::otlp::exporter::Post;
use wirespan_core::trace::{EndReason, State};

use crate::opentelemetry::OpenTelemetry;

/// Those that tell of one engine's requests. Their threads never enter Python.
pub(crate) struct Tellers {
    description: Description,
    posts: Vec<Arc<Post>>,
    at_work: Mutex<AtWork>,
}

#[derive(Default)]
struct AtWork {
    reporters: Vec<Reporter>,
    inspectors: Vec<Inspector>,
}

impl Tellers {
    /// Spans know the service's name, and where reports go.
    pub(crate) fn new(tracers: &[Bound<'_, PyAny>]) -> Self {
        let spans: Vec<_> = tracers.iter().filter_map(|tracer| tracer.cast::<OpenTelemetry>().ok()).collect();
        let named = || std::env::var("OTEL_SERVICE_NAME").unwrap_or_default();
        let service = spans.first().map_or_else(named, |tracer| tracer.get().service.clone());
        Self {
            description: Description::new(service, String::new()),
            posts: spans.iter().filter_map(|tracer| tracer.get().inflight.clone()).collect(),
            at_work: Mutex::default(),
        }
    }

    /// Starts the reports.
    pub(crate) fn start(&self, engine: &Engine) -> PyResult<()> {
        for post in &self.posts {
            let reporter = Reporter::start(Arc::clone(post), self.description.clone(), engine.view())?;
            self.at_work().reporters.push(reporter);
        }
        Ok(())
    }

    /// Starts an inspector of a server at this URL. Returns where it listens.
    pub(crate) fn inspect(&self, engine: &Engine, place: &Place, url: &str) -> PyResult<Place> {
        let description = Description { url: url.to_owned(), ..self.description.clone() };
        let inspector = Inspector::open(place, description, engine.view())?;
        let place = inspector.place().clone();
        self.at_work().inspectors.push(inspector);
        Ok(place)
    }

    /// Ends all threads soon; files of sockets are gone on return.
    pub(crate) fn stop(&self) {
        let ended = std::mem::take(&mut *self.at_work());
        drop(ended);
    }

    fn at_work(&self) -> MutexGuard<'_, AtWork> {
        self.at_work.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A running request: the same keys as in the inspector's JSON.
pub(crate) fn shown<'py>(py: Python<'py>, running: &Running) -> PyResult<Bound<'py, PyDict>> {
    let states = running.states.map(|states| states_of(py, states)).transpose()?;
    let all = PyDict::new(py);
    all.set_item("id", running.id)?;
    all.set_item("method", &running.method)?;
    all.set_item("route", running.route.as_deref())?;
    all.set_item("path", &running.path)?;
    all.set_item("state", running.state.map(State::name))?;
    all.set_item("state_ns", running.state_ns)?;
    all.set_item("states", states)?;
    all.set_item("age_ns", running.age_ns)?;
    all.set_item("background", running.background)?;
    all.set_item("end_reason", running.end_reason.map(EndReason::name))?;
    all.set_item("trace_id", running.trace_id_text())?;
    all.set_item("client", running.client.as_deref())?;
    Ok(all)
}

/// The six names with their nanoseconds.
pub(crate) fn states_of(py: Python<'_>, states: [u64; 6]) -> PyResult<Bound<'_, PyDict>> {
    let all = PyDict::new(py);
    for ((_, name), ns) in State::ALL.iter().zip(states) {
        all.set_item(*name, ns)?;
    }
    Ok(all)
}
