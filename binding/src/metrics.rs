//! The metrics of `OpenTelemetry(...)`: where they go, and what was counted as Python values.

use std::sync::Arc;
use std::time::Instant;

use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList};
use wirespan_core::metrics::{
    ExemplarFilter, INSTRUMENTS, Kind, Lives, Metrics, Options as MetricsSink, Scale,
};
use wirespan_core::otlp::exporter::Log;
use wirespan_core::otlp::metric::{HistogramPoint, MetricData, NumberPoint, Points};
use wirespan_core::otlp::{Exporter, MetricsExporter, MetricsOptions, Options, Resource, Signal};
use wirespan_core::sinks::opentelemetry::Methods;

use crate::opentelemetry::{
    Arguments, EXPORTERS, Health, attributes, hex, is_disabled, list, named, receiver_name, variable,
    variables,
};

/// What `metrics=` takes.
#[derive(FromPyObject)]
enum Given {
    #[pyo3(transparent, annotation = "bool")]
    Switch(bool),
    #[pyo3(transparent, annotation = "str")]
    Name(String),
}

/// What counts, and what sends that.
pub(crate) struct MetricsPart {
    pub counts: Arc<Lives>,
    exporter: Option<MetricsExporter>,
    /// The receiver without its secrets, or the kind of exporter.
    destination: String,
}

/// What is known when metrics are set up.
pub(crate) struct Setting<'a> {
    /// Where spans go.
    pub spans: &'a str,
    /// How spans get there: metrics go the same way unless a variable of their own says otherwise.
    pub otlp: &'a Options,
    pub exporter: &'a Arc<Exporter>,
    pub resource: &'a Resource,
    pub log: &'a Log,
}

/// The name of the exporter of metrics. By default they go where `exporter=` says that spans go; the variable of spans
/// is about spans alone.
///
/// # Errors
/// `TypeError` or `ValueError` that names the argument.
pub(crate) fn exporter(
    arguments: &Arguments<'_>,
    spans: Option<&str>,
    warnings: &mut Vec<String>,
) -> PyResult<String> {
    let usual = EXPORTERS.into_iter().find(|name| spans == Some(name)).unwrap_or("otlp");
    let given = arguments
        .take::<Given>("metrics")
        .map_err(|_| PyTypeError::new_err("metrics: True, False or one of otlp, console, memory, none"))?;
    if is_disabled() {
        return Ok("none".to_owned());
    }
    match given {
        Some(Given::Switch(false)) => return Ok("none".to_owned()),
        Some(Given::Name(name)) if EXPORTERS.contains(&name.as_str()) => return Ok(name),
        Some(Given::Name(name)) => {
            let known = EXPORTERS.join(", ");
            return Err(PyValueError::new_err(format!("metrics: {name:?} is not known; known are {known}")));
        }
        Some(Given::Switch(true)) | None => {}
    }
    let names = named("OTEL_METRICS_EXPORTER", usual, warnings);
    let (name, others) = (names[0], names[1..].join(","));
    if !others.is_empty() {
        // A report takes out the exemplars: two exporters would get half of them each.
        warnings.push(format!(
            "OTEL_METRICS_EXPORTER: metrics go to one exporter only, {name} is used and {others} is not; name one"
        ));
    }
    Ok(name.to_owned())
}

impl MetricsPart {
    /// `None` where nothing is to be counted.
    ///
    /// # Errors
    /// `ValueError` for variables that cannot be obeyed.
    pub(crate) fn new(
        name: &str,
        setting: &Setting<'_>,
        warnings: &mut Vec<String>,
    ) -> PyResult<Option<Self>> {
        if name == "none" {
            return Ok(None);
        }
        let (options, told) = MetricsOptions::from_env(variables(name == "otlp"))
            .map_err(|error| PyValueError::new_err(error.to_string()))?;
        warnings.extend(told);
        let sink = Metrics::new(MetricsSink {
            methods: Methods::from_names(variable("OTEL_INSTRUMENTATION_HTTP_KNOWN_METHODS").as_deref()),
            exemplars: exemplars(warnings),
        });
        if setting.spans == "otlp" {
            sink.watch(Arc::clone(setting.exporter), setting.otlp.encoding);
        }
        let counts = Arc::new(Lives::new(sink));
        let (exporter, destination) = exporter_of(name, options, &counts, setting, warnings)?;
        Ok(Some(Self { counts, exporter, destination }))
    }

    pub(crate) fn start(&self) {
        if let Some(exporter) = &self.exporter {
            exporter.start();
        }
    }

    /// Sends what was counted so far while `spans` sends what it has. Returns whether both were done in time.
    pub(crate) fn flush(&self, until: Instant, spans: impl FnOnce() -> bool) -> bool {
        let Some(exporter) = &self.exporter else { return spans() };
        let report = exporter.ask();
        let is_done = spans();
        exporter.wait(report, until.saturating_duration_since(Instant::now())) && is_done
    }

    /// As `flush`, and ends the exporter.
    pub(crate) fn close(&self, until: Instant, spans: impl FnOnce() -> bool) -> bool {
        let Some(exporter) = &self.exporter else { return spans() };
        exporter.close(until.saturating_duration_since(Instant::now()));
        let is_done = spans();
        exporter.wait_end(until.saturating_duration_since(Instant::now())) && is_done
    }

    /// What was counted since the start; metrics without a point are left out.
    pub(crate) fn collected<'py>(&self, py: Python<'py>) -> PyResult<Vec<Bound<'py, PyDict>>> {
        let data = py.detach(|| self.counts.current().collect());
        let used = data.metrics.iter().filter(|metric| !metric.points.is_empty());
        used.map(|each| metric(py, each)).collect()
    }
}

impl Health for MetricsPart {
    fn report<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let status = self.exporter.as_ref().map(MetricsExporter::status).unwrap_or_default();
        let all = PyDict::new(py);
        all.set_item("signal", "metrics")?;
        all.set_item("destination", &self.destination)?;
        let dropped = PyDict::new(py);
        dropped.set_item("refused", status.refused)?;
        dropped.set_item("rejected", status.rejected)?;
        all.set_item("queued", status.in_flight)?;
        all.set_item("exported", status.exported)?;
        all.set_item("dropped", dropped)?;
        all.set_item("superseded", status.superseded)?;
        all.set_item("requests", status.requests)?;
        all.set_item("failed_requests", status.failed)?;
        all.set_item("last_error", status.last_error)?;
        all.set_item("receiver", receiver_name(status.receiver))?;
        Ok(all)
    }
}

fn exporter_of(
    name: &str,
    mut options: MetricsOptions,
    counts: &Arc<Lives>,
    setting: &Setting<'_>,
    warnings: &mut Vec<String>,
) -> PyResult<(Option<MetricsExporter>, String)> {
    let (resource, counts, log) = (setting.resource.clone(), Arc::clone(counts), Arc::clone(setting.log));
    match name {
        "otlp" => {
            if !follow(&mut options.otlp, setting.otlp) {
                warnings.push(
                    "metrics are not sent: their path at this endpoint is not known, \
                     set OTEL_EXPORTER_OTLP_METRICS_ENDPOINT"
                        .to_owned(),
                );
                return Ok((None, "none".to_owned()));
            }
            let destination = options.otlp.display_name();
            let made = MetricsExporter::otlp(options, resource, counts, log);
            let made = made.map_err(|error| PyValueError::new_err(error.to_string()))?;
            Ok((Some(made), destination))
        }
        "console" => {
            let open = || Box::new(std::io::stdout()) as Box<dyn std::io::Write + Send>;
            let made = MetricsExporter::console(options, open, resource, counts, log);
            Ok((Some(made), name.to_owned()))
        }
        _ => Ok((None, name.to_owned())),
    }
}

/// Takes over what spans are sent with, unless a variable for metrics says otherwise. Returns whether there is a path for
/// metrics at the receiver of spans.
fn follow(metrics: &mut Options, spans: &Options) -> bool {
    let own = |part: &str| variable(&format!("OTEL_EXPORTER_OTLP_METRICS_{part}")).is_some();
    let defaults = Options::new(Signal::Metrics);
    let (address, query) = match spans.endpoint.find('?') {
        Some(at) => spans.endpoint.split_at(at),
        None => (spans.endpoint.as_str(), ""),
    };
    let endpoint = match address.strip_suffix(Signal::Traces.path()) {
        _ if own("ENDPOINT") => Some(metrics.endpoint.clone()),
        Some(base) => Some(format!("{base}{}{query}", Signal::Metrics.path())),
        // Only the variable for traces has another path: the general one is still good.
        None if variable("OTEL_EXPORTER_OTLP_ENDPOINT").is_some() => Some(metrics.endpoint.clone()),
        None => None,
    };
    let Some(endpoint) = endpoint else { return false };
    *metrics = Options {
        endpoint,
        encoding: if own("PROTOCOL") { metrics.encoding } else { spans.encoding },
        is_gzip: if own("COMPRESSION") { metrics.is_gzip } else { spans.is_gzip },
        headers: if own("HEADERS") { metrics.headers.clone() } else { spans.headers.clone() },
        timeout: if own("TIMEOUT") { metrics.timeout } else { spans.timeout },
        tls: if own("CERTIFICATE") || own("CLIENT_CERTIFICATE") {
            metrics.tls.clone()
        } else {
            spans.tls.clone()
        },
        ..defaults
    };
    true
}

fn exemplars(warnings: &mut Vec<String>) -> ExemplarFilter {
    let name = variable("OTEL_METRICS_EXEMPLAR_FILTER");
    let Some(name) = name else { return ExemplarFilter::default() };
    let known = ExemplarFilter::ALL.into_iter().find(|(_, known)| *known == name);
    let Some((filter, _)) = known else {
        warnings
            .push(format!("OTEL_METRICS_EXEMPLAR_FILTER: `{name}` is not supported, trace_based is used; supported are trace_based, always_on, always_off"));
        return ExemplarFilter::default();
    };
    filter
}

fn metric<'py>(py: Python<'py>, metric: &MetricData) -> PyResult<Bound<'py, PyDict>> {
    let all = PyDict::new(py);
    all.set_item("name", metric.name.as_str())?;
    all.set_item("unit", metric.unit.as_str())?;
    let (kind, points) = match &metric.points {
        Points::Counter(points) => ("counter", list(py, points, number)?),
        Points::UpDownCounter(points) => ("up-down counter", list(py, points, number)?),
        Points::Histogram(points) => {
            let used: Vec<_> = points.iter().filter(|point| point.count > 0).cloned().collect();
            ("histogram", list(py, &used, histogram)?)
        }
    };
    all.set_item("kind", kind)?;
    all.set_item("points", points)?;
    Ok(all)
}

fn number<'py>(py: Python<'py>, point: &NumberPoint) -> PyResult<Bound<'py, PyDict>> {
    let all = PyDict::new(py);
    all.set_item("attributes", attributes(py, &point.attributes)?)?;
    all.set_item("value", point.value)?;
    Ok(all)
}

fn histogram<'py>(py: Python<'py>, point: &HistogramPoint) -> PyResult<Bound<'py, PyDict>> {
    let all = PyDict::new(py);
    all.set_item("attributes", attributes(py, &point.attributes)?)?;
    all.set_item("count", point.count)?;
    all.set_item("sum", point.sum)?;
    all.set_item("min", point.extremes.map(|(least, _)| least))?;
    all.set_item("max", point.extremes.map(|(_, most)| most))?;
    all.set_item("bounds", point.bounds.to_vec())?;
    all.set_item("buckets", &point.buckets)?;
    let exemplars = PyList::empty(py);
    for exemplar in &point.exemplars {
        let shown = PyDict::new(py);
        shown.set_item("value", exemplar.value)?;
        shown.set_item("time_unix_ns", exemplar.time_unix_ns)?;
        shown.set_item("trace_id", exemplar.span.as_ref().map(|(trace_id, _)| hex(trace_id)))?;
        shown.set_item("span_id", exemplar.span.as_ref().map(|(_, span_id)| hex(span_id)))?;
        exemplars.append(shown)?;
    }
    all.set_item("exemplars", exemplars)?;
    Ok(all)
}

/// Name, kind, unit, attributes, description, and the buckets' bounds in that unit.
type Row = (&'static str, &'static str, &'static str, Vec<&'static str>, &'static str, Vec<f64>);

/// Every metric, in the order of the report.
#[pyfunction]
fn metric_table() -> Vec<Row> {
    let bounds = |kind: Kind| match kind {
        Kind::Histogram(scale) => shown_bounds(scale),
        Kind::Counter | Kind::UpDownCounter => Vec::new(),
    };
    INSTRUMENTS
        .iter()
        .map(|i| (i.name, i.kind.name(), i.unit, i.attributes.to_vec(), i.description, bounds(i.kind)))
        .collect()
}

fn shown_bounds(scale: &Scale) -> Vec<f64> {
    scale.bounds.iter().map(|bound| scale.in_unit(*bound)).collect()
}

pub(crate) fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(metric_table, module)?)
}
