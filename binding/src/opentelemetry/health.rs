//! The health of every exporter of this process, for `wirespan.opentelemetry.status`.

use std::sync::{Arc, Mutex, PoisonError, Weak};

use pyo3::prelude::*;
use pyo3::types::PyDict;
use wirespan_core::otlp::exporter::Exporters;
use wirespan_core::otlp::{Exporter, Options};
use wirespan_core::sampling::TailSampler;
use wirespan_core::sinks::opentelemetry::OpenTelemetry;

use super::shown;

/// Something that exports and can say how that goes.
pub(crate) trait Health: Send + Sync {
    /// A dict that begins with `signal` and `destination`.
    fn report<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>>;
}

/// Those that are alive, in the order in which they were made. Locked only while the GIL is held and for as long as a
/// vector takes: so a fork never copies it locked.
static ALL: Mutex<Vec<Weak<dyn Health>>> = Mutex::new(Vec::new());

/// Puts an exporter on the list, until it is dropped.
pub(crate) fn enlist<T: Health + 'static>(exporter: &Arc<T>) {
    let weak: Weak<T> = Arc::downgrade(exporter);
    let mut all = ALL.lock().unwrap_or_else(PoisonError::into_inner);
    all.retain(|known| known.strong_count() > 0);
    all.push(weak);
}

/// What all say.
#[pyfunction]
pub(crate) fn exporter_status(py: Python<'_>) -> PyResult<Vec<Bound<'_, PyDict>>> {
    let living: Vec<_> =
        ALL.lock().unwrap_or_else(PoisonError::into_inner).iter().filter_map(Weak::upgrade).collect();
    living.iter().map(|exporter| exporter.report(py)).collect()
}

/// The spans of one `OpenTelemetry`, on their way to one exporter.
pub(super) struct SpanHealth {
    spans: Arc<OpenTelemetry>,
    exporter: Arc<Exporter>,
    /// The receiver without its secrets, or the kind of exporter.
    destination: String,
}

impl SpanHealth {
    /// One for each exporter.
    pub(super) fn of_all(
        spans: &Arc<OpenTelemetry>,
        exporters: &Exporters,
        names: &[&str],
        otlp: &Options,
    ) -> Vec<Arc<Self>> {
        let of_one = |(exporter, name): (&Arc<Exporter>, &&str)| {
            let destination = if *name == "otlp" { otlp.display_name() } else { (*name).to_owned() };
            Arc::new(Self { spans: Arc::clone(spans), exporter: Arc::clone(exporter), destination })
        };
        exporters.all().iter().zip(names).map(of_one).collect()
    }
}

impl Health for SpanHealth {
    fn report<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let all = PyDict::new(py);
        all.set_item("signal", "traces")?;
        all.set_item("destination", &self.destination)?;
        let counted = self.spans.census().counted();
        all.set_item("started", counted.all_started())?;
        all.set_item("live", counted.all_live())?;
        all.set_item("kept", self.spans.kept())?;
        all.set_item("sampled_out", self.spans.dropped())?;
        all.set_item("lost_children", self.spans.lost_children())?;
        all.set_item("rate_limited", self.spans.tail().map_or(0, TailSampler::limited))?;
        shown::put_status(&all, &self.exporter.status())?;
        Ok(all)
    }
}
