//! `_core.OpenTelemetry`: server spans and their exporter as an object that goes into a list of tracers.

mod arguments;
mod exporters;
mod health;
mod otlp;
mod resource;
mod settings;
mod shown;
mod tail;

use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyCFunction, PyDict, PyTuple};
use wirespan_core::otlp::MemorySpans;
use wirespan_core::otlp::exporter::{Exporters, Log, Post};
use wirespan_core::propagation::ids;
use wirespan_core::sinks::opentelemetry::OpenTelemetry as Spans;

pub(crate) use self::arguments::{Arguments, variable, variables};
pub(crate) use self::exporters::{EXPORTERS, named};
pub(crate) use self::health::Health;
pub(crate) use self::settings::is_disabled;
pub(crate) use self::shown::{attributes, hex, list, receiver_name};

use self::health::SpanHealth;
use crate::access_log::seconds;
use crate::metrics::{self, MetricsPart, Setting};
use crate::provider::SourceCell;

/// How long the end of the process may be put off to send what was not sent yet.
const FAREWELL: Duration = Duration::from_secs(1);
/// How long a look at finished spans waits for those on their way.
const SETTLING: Duration = Duration::from_secs(5);
/// No wait is longer: far from where sums of times overflow.
const LONGEST: Duration = Duration::from_secs(86_400);

/// See `wirespan.tracers.OpenTelemetry`.
#[pyclass(frozen, module = "wirespan._core")]
pub(crate) struct OpenTelemetry {
    pub spans: Arc<Spans>,
    /// Patterns of requests that no sink of the engine is told of.
    pub ignored: Vec<String>,
    /// What is counted; `None`: nothing is.
    pub metrics: Option<Arc<MetricsPart>>,
    /// Filled when a provider is made for it.
    pub source: SourceCell,
    /// As in its resource.
    pub service: String,
    /// Where running requests are reported.
    pub inflight: Option<Arc<Post>>,
    exporters: Exporters,
    memory: Option<MemorySpans>,
    /// One for each exporter.
    health: Vec<Arc<SpanHealth>>,
}

impl OpenTelemetry {
    /// Sends what an earlier process left in the spool. For the process that serves: it starts the thread.
    pub(crate) fn start(&self) {
        self.exporters.start();
        if let Some(metrics) = &self.metrics {
            metrics.start();
        }
    }
}

#[pymethods]
impl OpenTelemetry {
    #[new]
    #[pyo3(signature = (**given))]
    fn new(py: Python<'_>, given: Option<&Bound<'_, PyDict>>) -> PyResult<Self> {
        let arguments = Arguments::new(py, given)?;
        let mut warnings = Vec::new();
        let given = settings::given_exporter(&arguments)?;
        let names = settings::exporters(given.as_deref(), &mut warnings);
        let has_receiver = names.contains(&"otlp");
        let resource = resource::resource(py, &arguments, &mut warnings)?;
        let otlp = otlp::options(&arguments, has_receiver, &mut warnings)?;
        let inflight = otlp::inflight(&arguments, &otlp)?.filter(|_| has_receiver);
        let service = resource::service(&resource);
        let options = settings::sink(&arguments, names != ["none"], &mut warnings)?;
        let ignored = settings::ignored(&arguments)?;
        let metrics_name = metrics::exporter(&arguments, given.as_deref(), &mut warnings)?;
        arguments.check_empty()?;
        let log: Log = Arc::new(warn);
        let (exporters, memory) = exporters::make(&names, &otlp, &resource, &log)?;
        let (spans, exporter) = (names[0], &exporters.all()[0]);
        let setting = Setting { spans, otlp: &otlp, exporter, resource: &resource, log: &log };
        let metrics = MetricsPart::new(&metrics_name, &setting, &mut warnings)?.map(Arc::new);
        for (at, warning) in warnings.iter().enumerate() {
            // General variables are read for spans and for metrics.
            if !warnings[..at].contains(warning) {
                warn(warning);
            }
        }
        close_at_exit(py, &exporters, metrics.as_ref().map(Arc::downgrade))?;
        let spans = Arc::new(Spans::new(options, exporters.sink()));
        if let Some(metrics) = &metrics {
            metrics.counts.current().count_spans(Arc::clone(spans.census()));
        }
        let health = SpanHealth::of_all(&spans, &exporters, &names, &otlp);
        health.iter().for_each(health::enlist);
        metrics.iter().for_each(health::enlist);
        let source = SourceCell::default();
        Ok(Self { spans, ignored, metrics, source, service, inflight, exporters, memory, health })
    }

    fn status<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let all = self.health[0].report(py)?;
        if let Some(metrics) = &self.metrics {
            all.set_item("metrics", metrics.report(py)?)?;
        }
        Ok(all)
    }

    fn collected_metrics<'py>(&self, py: Python<'py>) -> PyResult<Vec<Bound<'py, PyDict>>> {
        self.metrics.as_ref().map_or_else(|| Ok(Vec::new()), |metrics| metrics.collected(py))
    }

    fn finished_spans<'py>(&self, py: Python<'py>) -> PyResult<Vec<Bound<'py, PyDict>>> {
        let Some(memory) = &self.memory else {
            return Err(PyValueError::new_err("only the exporter \"memory\" keeps finished spans"));
        };
        // The one in memory is the last; a receiver that hangs is nobody's affair here.
        py.detach(|| self.exporters.all().last().map(|memory| memory.flush(SETTLING)));
        memory.take().iter().map(|span| shown::span(py, span)).collect()
    }

    #[pyo3(signature = (timeout_s = 5.0))]
    fn flush(&self, py: Python<'_>, timeout_s: f64) -> PyResult<bool> {
        let timeout = seconds(timeout_s)?;
        let spans = || self.exporters.flush(timeout);
        Ok(py.detach(|| match &self.metrics {
            Some(metrics) => metrics.flush(Instant::now() + timeout.min(LONGEST), spans),
            None => spans(),
        }))
    }

    #[pyo3(signature = (timeout_s = 5.0))]
    fn close(&self, py: Python<'_>, timeout_s: f64) -> PyResult<bool> {
        let timeout = seconds(timeout_s)?;
        let spans = || self.exporters.shutdown(timeout);
        Ok(py.detach(|| match &self.metrics {
            Some(metrics) => metrics.close(Instant::now() + timeout.min(LONGEST), spans),
            None => spans(),
        }))
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
fn close_at_exit(py: Python<'_>, exporters: &Exporters, metrics: Option<Weak<MetricsPart>>) -> PyResult<()> {
    let exporters: Vec<_> = exporters.all().iter().map(Arc::downgrade).collect();
    let close = move |arguments: &Bound<'_, PyTuple>, _: Option<&Bound<'_, PyDict>>| {
        let living = Exporters::new(exporters.iter().filter_map(Weak::upgrade).collect());
        let spans = || living.shutdown(FAREWELL);
        let metrics = metrics.as_ref().and_then(Weak::upgrade);
        arguments.py().detach(|| match metrics {
            Some(metrics) => metrics.close(Instant::now() + FAREWELL, spans),
            None => spans(),
        });
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
    module.add_function(wrap_pyfunction!(resource::service_name, module)?)?;
    let py = module.py();
    let hooks = PyDict::new(py);
    hooks.set_item("after_in_child", wrap_pyfunction!(after_fork, py)?)?;
    py.import("os")?.getattr("register_at_fork")?.call((), Some(&hooks))?;
    Ok(())
}
