//! `HTTPStats` over a record, and recorded events.

use pyo3::exceptions::PyValueError;
use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList};
use wirespan_core::trace::{BUILT_IN, Event, Record, Status};

use crate::exchange::PyExchange;
use crate::inflight::states_of;
use crate::tables::level_of;

/// One recorded event.
#[pyclass(frozen, module = "wirespan._core")]
pub(crate) struct Recorded {
    #[pyo3(get)]
    number: u16,
    #[pyo3(get)]
    name: String,
    #[pyo3(get)]
    status: u8,
    #[pyo3(get)]
    info: String,
    #[pyo3(get)]
    count: u32,
    #[pyo3(get)]
    time_ns: u64,
    wall_ns: u64,
}

impl Recorded {
    fn new(record: &Record, recorded: wirespan_core::trace::Recorded) -> Self {
        Self {
            number: recorded.event.0,
            name: recorded.event.definition().name.into_owned(),
            status: recorded.status as u8,
            info: recorded.info,
            count: recorded.count,
            time_ns: recorded.at_ns,
            wall_ns: record.wall_ns(recorded.at_ns),
        }
    }
}

#[pymethods]
impl Recorded {
    /// Wall clock, aware, in UTC.
    #[getter]
    fn time<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let datetime = py.import("datetime")?;
        let utc = datetime.getattr("timezone")?.getattr("utc")?;
        let epoch = datetime.getattr("datetime")?.call1((1970, 1, 1, 0, 0, 0, 0, utc))?;
        epoch.add(datetime.getattr("timedelta")?.call1((0, 0, self.wall_ns / 1_000))?)
    }

    fn __repr__(&self) -> String {
        format!("<{} at {} ns>", self.name, self.time_ns)
    }
}

/// The stats of one exchange. See `wirespan.trace`.
#[pyclass(frozen, module = "wirespan._core")]
pub(crate) struct Stats {
    object: Py<PyExchange>,
}

impl Stats {
    pub(crate) const fn new(object: Py<PyExchange>) -> Self {
        Self { object }
    }

    /// Empty for an object that a user made.
    fn read<T>(&self, read: impl FnOnce(&Record) -> T) -> T {
        match self.object.get().bound() {
            Ok(tie) => read(&tie.exchange.lock().record),
            Err(_) => read(&Record::new(wirespan_core::trace::Level::Disabled)),
        }
    }
}

fn known(number: u16) -> PyResult<Event> {
    let event = Event(number);
    if usize::from(number) < BUILT_IN || event.is_defined() {
        return Ok(event);
    }
    Err(PyValueError::new_err(format!("no event has the number {number}: use define_event")))
}

#[pymethods]
impl Stats {
    /// A cycle through this object is garbage like any other: an exception's traceback may hold it.
    #[allow(clippy::needless_pass_by_value, reason = "the signature that the macro expects")]
    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.object)
    }

    #[pyo3(signature = (event, status = 0, info = ""))]
    fn record(&self, event: u16, status: u8, info: &str) -> PyResult<bool> {
        let event = known(event)?;
        let status = [Status::Info, Status::Warn, Status::Error].get(usize::from(status)).copied();
        let status = status.ok_or_else(|| PyValueError::new_err("a status is 0, 1 or 2"))?;
        let tie = self.object.get().bound()?;
        let now = tie.host.now();
        let mut progress = tie.exchange.lock();
        Ok(progress.record.record(event, now, status, info))
    }

    fn get_event(&self, event: u16) -> PyResult<Option<Recorded>> {
        let event = known(event)?;
        Ok(self.read(|record| record.get(event).map(|recorded| Recorded::new(record, recorded))))
    }

    fn events<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        let all: Vec<_> =
            self.read(|record| record.events().into_iter().map(|r| Recorded::new(record, r)).collect());
        let objects: Vec<_> = all.into_iter().map(|r| Py::new(py, r)).collect::<PyResult<_>>()?;
        PyList::new(py, objects)
    }

    fn elapsed_ns(&self, start: u16, finish: u16) -> PyResult<Option<u64>> {
        let (start, finish) = (known(start)?, known(finish)?);
        Ok(self.read(|record| Some(record.time(finish)?.saturating_sub(record.time(start)?))))
    }

    fn states<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let now = self.object.get().bound().map_or(0, |tie| tie.host.now());
        let states = self.read(|record| record.states_at(now));
        states_of(py, states)
    }

    /// Empty where nobody asked for it.
    fn timeline(&self) -> Vec<(&'static str, u64)> {
        self.read(|record| {
            let segments = record.timeline().map_or(&[][..], |timeline| timeline.segments());
            segments.iter().map(|segment| (segment.state.name(), segment.duration_ns)).collect()
        })
    }

    fn total_ns(&self) -> u64 {
        self.read(Record::total_ns)
    }

    #[getter]
    fn level(&self) -> u8 {
        self.read(|record| record.level() as u8)
    }

    #[setter]
    fn set_level(&self, level: u8) -> PyResult<()> {
        let level = level_of(level)?;
        let tie = self.object.get().bound()?;
        tie.exchange.set_level(level, tie.host.engine.clock());
        Ok(())
    }

    #[getter]
    fn recv_size(&self) -> u64 {
        self.read(|record| record.recv_size)
    }

    #[getter]
    fn send_size(&self) -> u64 {
        self.read(|record| record.send_size)
    }

    #[getter]
    fn recv_body_size(&self) -> u64 {
        self.read(|record| record.recv_body_size)
    }

    #[getter]
    fn send_body_size(&self) -> u64 {
        self.read(|record| record.send_body_size)
    }

    #[getter]
    fn status_code(&self) -> Option<u16> {
        self.read(|record| (record.status != 0).then_some(record.status))
    }

    #[getter]
    fn end_reason(&self) -> Option<&'static str> {
        self.read(|record| record.end_reason.map(wirespan_core::trace::EndReason::name))
    }

    /// The exception, or an exception made of the reason where there was none.
    #[getter]
    fn error(&self, py: Python<'_>) -> Option<Py<PyAny>> {
        let raised = self.object.get().local().error.as_ref().map(|e| e.clone_ref(py));
        raised.or_else(|| {
            let note = self.read(|record| record.error.clone())?;
            let error = crate::error::CoreError::new_err(format!("{}: {}", note.kind, note.message));
            Some(error.value(py).clone().into_any().unbind())
        })
    }

    fn panicked(&self, py: Python<'_>) -> Option<Py<PyAny>> {
        let local = self.object.get().local();
        local.error.as_ref().filter(|_| local.panicked).map(|e| e.clone_ref(py))
    }

    #[getter]
    fn background_ns(&self) -> u64 {
        self.read(|record| record.background_ns)
    }

    #[getter]
    fn route(&self) -> Option<String> {
        self.read(|record| record.route.as_ref().map(ToString::to_string))
    }

    #[getter]
    fn connection(&self) -> (u64, u64, u64) {
        let facts = self.read(|record| record.connection);
        (facts.request_number, facts.idle_ns, facts.age_ns)
    }
}
