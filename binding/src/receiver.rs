//! What the viewer's receiver calls: bodies in, tables that `DuckDB` reads out.
//!
//! `_core.decode` makes a `Batch` of one request; `_core.stack` puts the batches of a transaction behind each other
//! and gives their records numbers. A `Table` hands out Arrow C streams (the Arrow `PyCapsule` interface), a fresh one at
//! each call: `DuckDB` asks once for the schema and once for the rows.

use std::sync::{Mutex, MutexGuard, PoisonError};

use arrow_array::ffi_stream::FFI_ArrowArrayStream;
use arrow_array::{RecordBatch, RecordBatchIterator};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyCapsule};
use wirespan_receiver::{DecodeError, Decoded, Encoding, Recent, Signal, decode, inflate, number, reply};

use crate::error::{CoreError, with_facts};

/// The records of one request.
#[pyclass(frozen, module = "wirespan._core")]
pub(crate) struct Batch {
    signal: Signal,
    encoding: Encoding,
    decoded: Decoded,
}

#[pymethods]
impl Batch {
    #[getter]
    fn signal(&self) -> &'static str {
        signal_name(self.signal)
    }

    #[getter]
    fn accepted(&self) -> usize {
        self.decoded.outcome.accepted
    }

    #[getter]
    fn rejected(&self) -> usize {
        self.decoded.outcome.rejected
    }

    #[getter]
    fn reason(&self) -> Option<&str> {
        self.decoded.outcome.reason.as_deref()
    }

    #[getter]
    fn source_ids(&self) -> Vec<u64> {
        self.decoded.source_ids.clone()
    }

    #[getter]
    fn memory_bytes(&self) -> usize {
        let Decoded { records, resources, scopes, .. } = &self.decoded;
        [records, resources, scopes].into_iter().map(RecordBatch::get_array_memory_size).sum()
    }

    fn reply<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, &reply::success(self.signal, self.encoding, &self.decoded.outcome))
    }
}

/// Rows for `DuckDB`.
#[pyclass(frozen, module = "wirespan._core")]
pub(crate) struct Table {
    parts: Vec<RecordBatch>,
}

#[pymethods]
impl Table {
    fn __len__(&self) -> usize {
        self.parts.iter().map(RecordBatch::num_rows).sum()
    }

    #[pyo3(signature = (requested_schema = None))]
    fn __arrow_c_stream__<'py>(
        &self,
        py: Python<'py>,
        requested_schema: Option<Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyCapsule>> {
        drop(requested_schema); // a wish that the interface lets us ignore
        let Some(first) = self.parts.first() else {
            return Err(PyValueError::new_err("a table of no batches has no schema"));
        };
        let schema = first.schema();
        let parts = self.parts.clone().into_iter().map(Ok);
        let stream = FFI_ArrowArrayStream::new(Box::new(RecordBatchIterator::new(parts, schema)));
        PyCapsule::new_with_value(py, stream, c"arrow_array_stream")
    }
}

/// Reads a request's body. At most `limit_bytes` come out of gzip.
#[pyfunction]
#[pyo3(name = "decode", signature = (signal, encoding, body, *, gzip = false, limit_bytes = 67_108_864))]
fn decode_body(
    py: Python<'_>,
    signal: &str,
    encoding: &str,
    body: &Bound<'_, PyBytes>,
    gzip: bool,
    limit_bytes: usize,
) -> PyResult<Batch> {
    let (signal, encoding) = (signal_of(signal)?, encoding_of(encoding)?);
    let bytes = body.as_bytes(); // immutable, and kept alive by `body`
    let decoded = py.detach(|| {
        if gzip {
            decode(signal, encoding, &inflate(bytes, limit_bytes)?)
        } else {
            decode(signal, encoding, bytes)
        }
    });
    match decoded {
        Ok(decoded) => Ok(Batch { signal, encoding, decoded }),
        Err(error) => Err(refused(py, &error)),
    }
}

/// The spans that came lately: see `wirespan_receiver::Recent`.
#[pyclass(frozen, module = "wirespan._core")]
pub(crate) struct RecentSpans(Mutex<Recent>);

#[pymethods]
impl RecentSpans {
    #[new]
    fn new() -> Self {
        Self(Mutex::default())
    }

    fn keep(&self, now_ns: i64) {
        self.lock().keep(now_ns);
    }

    fn begin(&self, now_ns: i64) {
        self.lock().begin(now_ns);
    }

    fn doubtful(&self, py: Python<'_>, batches: Vec<Py<Batch>>) -> PyResult<Table> {
        let recent = self.lock();
        let mut parts = Vec::new();
        for batch in batches {
            let part = recent.doubtful(&batch.bind(py).get().decoded.records);
            parts.push(part.map_err(|e| PyValueError::new_err(e.to_string()))?);
        }
        parts.retain(|part| part.num_rows() > 0);
        Ok(Table { parts })
    }

    fn forget(&self) {
        self.lock().forget();
    }

    fn clear(&self) {
        self.lock().clear();
    }

    fn remember(&self, trace_lo: u64, span_id: u64, start_ns: i64) {
        self.lock().remember(trace_lo, span_id, start_ns);
    }
}

impl RecentSpans {
    fn lock(&self) -> MutexGuard<'_, Recent> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Batches of one signal as one table of records, numbered from `first_seq`, one of resources and one of scopes. Of spans,
/// only those that did not come before.
#[pyfunction]
fn stack(
    py: Python<'_>,
    batches: Vec<Py<Batch>>,
    first_seq: i64,
    recent: &Bound<'_, RecentSpans>,
) -> PyResult<(Table, Table, Table)> {
    let (mut records, mut resources, mut scopes) = (Vec::new(), Vec::new(), Vec::new());
    let mut seq = first_seq;
    for batch in batches {
        let batch = batch.bind(py).get();
        resources.push(batch.decoded.resources.clone());
        scopes.push(batch.decoded.scopes.clone());
        for part in fresh(batch, recent.get()) {
            let numbered = number(&part, seq).map_err(|e| PyValueError::new_err(e.to_string()))?;
            seq += i64::try_from(numbered.num_rows()).unwrap_or(0);
            records.push(numbered);
        }
    }
    Ok((Table { parts: records }, Table { parts: resources }, Table { parts: scopes }))
}

fn fresh(batch: &Batch, recent: &RecentSpans) -> Vec<RecordBatch> {
    let records = &batch.decoded.records;
    if batch.signal != Signal::Traces {
        return vec![records.clone()];
    }
    let ranges = recent.lock().fresh(records);
    ranges.into_iter().map(|range| records.slice(range.start, range.len())).collect()
}

/// The body of an answer that says why nothing was taken: `google.rpc.Status`.
#[pyfunction]
fn failure_reply<'py>(
    py: Python<'py>,
    encoding: &str,
    code: u8,
    message: &str,
) -> PyResult<Bound<'py, PyBytes>> {
    Ok(PyBytes::new(py, &reply::failure(encoding_of(encoding)?, code, message)))
}

/// Adds all of it to the module.
pub(crate) fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<Batch>()?;
    module.add_class::<Table>()?;
    module.add_class::<RecentSpans>()?;
    module.add_function(wrap_pyfunction!(decode_body, module)?)?;
    module.add_function(wrap_pyfunction!(stack, module)?)?;
    module.add_function(wrap_pyfunction!(failure_reply, module)?)
}

fn refused(py: Python<'_>, error: &DecodeError) -> PyErr {
    let status = match error {
        DecodeError::Malformed(_) => 400,
        DecodeError::TooLarge { .. } => 413,
    };
    with_facts(py, CoreError::new_err(error.to_string()), "peer", Some(status))
}

fn signal_of(name: &str) -> PyResult<Signal> {
    match name {
        "traces" => Ok(Signal::Traces),
        "metrics" => Ok(Signal::Metrics),
        "logs" => Ok(Signal::Logs),
        _ => {
            Err(PyValueError::new_err(format!("signal is \"traces\", \"metrics\" or \"logs\", not {name:?}")))
        }
    }
}

const fn signal_name(signal: Signal) -> &'static str {
    match signal {
        Signal::Traces => "traces",
        Signal::Metrics => "metrics",
        Signal::Logs => "logs",
    }
}

fn encoding_of(name: &str) -> PyResult<Encoding> {
    match name {
        "protobuf" => Ok(Encoding::Protobuf),
        "json" => Ok(Encoding::Json),
        _ => Err(PyValueError::new_err(format!("encoding is \"protobuf\" or \"json\", not {name:?}"))),
    }
}
