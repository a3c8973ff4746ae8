//! `_core.OpenTelemetry`: server spans and their exporter as an object that goes into a list of tracers.

mod arguments;
mod health;
mod otlp;
mod resource;
mod settings;
mod shown;
mod tail;

use std::sync::{Arc, Weak};
use std::time::Duration;

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyCFunction, PyDict, PyTuple};
use wirespan_core::otlp::exporter::{Log, Post};
use wirespan_core::otlp::{Exporter, MemorySpans};
use wirespan_core::propagation::ids;
use wirespan_core::sinks::opentelemetry::{OpenTelemetry as Spans, SpanSink};

pub(crate) use self::shown::hex;

use self::arguments::Arguments;
use self::health::{Health as _, SpanHealth};
use crate::access_log::seconds;
use crate::provider::SourceCell;

/// How long the end of the process may be put off to send what was not sent yet.
const FAREWELL: Duration = Duration::from_secs(1);
/// How long a look at finished spans waits for those on their way.
const SETTLING: Duration = Duration::from_secs(5);

/// See `wirespan.tracers.OpenTelemetry`.
#[pyclass(frozen, module = "wirespan._core")]
pub(crate) struct OpenTelemetry {
    pub spans: Arc<Spans>,
    /// Patterns of requests that no sink of the engine is told of.
    pub ignored: Vec<String>,
    /// Filled when a provider is made for it.
    pub source: SourceCell,
    /// As in its resource.
    pub service: String,
    /// Where running requests are reported.
    pub inflight: Option<Arc<Post>>,
    exporter: Arc<Exporter>,
    memory: Option<MemorySpans>,
    health: Arc<SpanHealth>,
}

impl OpenTelemetry {
    /// Sends what an earlier process left in the spool. For the process that serves: it starts the thread.
    pub(crate) fn start(&self) {
        self.exporter.start();
    }
}

#[pymethods]
impl OpenTelemetry {
    #[new]
    #[pyo3(signature = (**given))]
    fn new(py: Python<'_>, given: Option<&Bound<'_, PyDict>>) -> PyResult<Self> {
        let arguments = Arguments::new(py, given)?;
        let mut warnings = Vec::new();
        let name = settings::exporter(&arguments, &mut warnings)?;
        let resource = resource::resource(py, &arguments, &mut warnings)?;
        let otlp = otlp::options(&arguments, &mut warnings)?;
        let inflight = otlp::inflight(&arguments, &otlp)?.filter(|_| name == "otlp");
        let service = resource::service(&resource);
        let options = settings::sink(&arguments, name != "none", &mut warnings)?;
        let ignored = settings::ignored(&arguments)?;
        arguments.check_empty()?;
        let log: Log = Arc::new(warn);
        let (exporter, memory) = match name.as_str() {
            "otlp" => {
                let made = Exporter::otlp(&otlp, &resource, log);
                (made.map_err(|error| PyValueError::new_err(error.to_string()))?, None)
            }
            "console" => (Exporter::console(|| Box::new(std::io::stdout()), &resource, log), None),
            _ => {
                let (exporter, spans) = Exporter::memory();
                (exporter, Some(spans))
            }
        };
        for warning in &warnings {
            warn(warning);
        }
        let exporter = Arc::new(exporter);
        close_at_exit(py, Arc::downgrade(&exporter))?;
        let spans = Arc::new(Spans::new(options, Arc::clone(&exporter) as Arc<dyn SpanSink>));
        let health = Arc::new(SpanHealth {
            spans: Arc::clone(&spans),
            exporter: Arc::clone(&exporter),
            destination: if name == "otlp" { otlp.display_name() } else { name },
        });
        health::enlist(&health);
        let source = SourceCell::default();
        Ok(Self { spans, ignored, source, service, inflight, exporter, memory, health })
    }

    fn status<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        self.health.report(py)
    }

    fn finished_spans<'py>(&self, py: Python<'py>) -> PyResult<Vec<Bound<'py, PyDict>>> {
        let Some(memory) = &self.memory else {
            return Err(PyValueError::new_err("only the exporter \"memory\" keeps finished spans"));
        };
        py.detach(|| self.exporter.flush(SETTLING));
        memory.take().iter().map(|span| shown::span(py, span)).collect()
    }

    #[pyo3(signature = (timeout_s = 5.0))]
    fn flush(&self, py: Python<'_>, timeout_s: f64) -> PyResult<bool> {
        let timeout = seconds(timeout_s)?;
        Ok(py.detach(|| self.exporter.flush(timeout)))
    }

    #[pyo3(signature = (timeout_s = 5.0))]
    fn close(&self, py: Python<'_>, timeout_s: f64) -> PyResult<bool> {
        let timeout = seconds(timeout_s)?;
        Ok(py.detach(|| self.exporter.shutdown(timeout)))
    }
}

/// To the logger `wirespan`. Called on the exporter's thread, which holds no lock then; while Python is going down there
/// is nobody to tell.
fn warn(text: &str) {
    _ = Python::try_attach(|py| {
        let logger = py.import("logging")?.getattr("getLogger")?.call1(("wirespan",))?;
        logger.call_method1("warning", ("%s", text)).map(drop)
    });
}

/// A process that ends without closing its sinks still sends, or puts into the spool, what it has.
fn close_at_exit(py: Python<'_>, exporter: Weak<Exporter>) -> PyResult<()> {
    let close = move |arguments: &Bound<'_, PyTuple>, _: Option<&Bound<'_, PyDict>>| {
        if let Some(exporter) = exporter.upgrade() {
            arguments.py().detach(|| exporter.shutdown(FAREWELL));
        }
    };
    py.import("atexit")?.getattr("register")?.call1((PyCFunction::new_closure(py, None, None, close)?,))?;
    Ok(())
}

/// The child of a fork makes ids of its own.
#[pyfunction]
fn after_fork() {
    ids::after_fork();
}

pub(crate) fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<OpenTelemetry>()?;
    module.add_function(wrap_pyfunction!(health::exporter_status, module)?)?;
    let py = module.py();
    let hooks = PyDict::new(py);
    hooks.set_item("after_in_child", wrap_pyfunction!(after_fork, py)?)?;
    py.import("os")?.getattr("register_at_fork")?.call((), Some(&hooks))?;
    Ok(())
}
