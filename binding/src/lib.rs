//! The Python module `wirespan._core`: the only place where Python and Rust meet.
//!
//! Crossings per exchange, all on the event loop's thread with the GIL held unless noted:
//!
//! | crossing | when | copies |
//! |---|---|---|
//! | `Tracer.start` | `HTTP_START`, only with Python tracers | nothing |
//! | `dispatch(ctx)` / `app(scope, receive, send)` | head parsed | ASGI: the scope; native: nothing until read |
//! | `Driver.__next__` | each step of the handler | nothing |
//! | `read` / `receive` | the handler asks for body | each chunk once |
//! | `reply` / `send` | the handler answers | chunks under 16 KiB once, larger ones not at all |
//! | `Future.set_result` | a suspended handler can go on | nothing |
//! | `Tracer.finish` | last byte sent, only with Python tracers | nothing |
//!
//! The viewer's receiver crosses twice a request, on any thread: `decode` takes a body (not copied, the GIL released
//! while it runs) and gives a batch; `stack` gives tables that `DuckDB` reads as Arrow C streams, without copies.
//!
//! Native sinks are called by the engine and never enter Python. `def` handlers use the exchange from a pool thread;
//! everything they reach is behind the exchange's lock.

mod access_log;
mod asgi;
mod call;
mod config;
mod driver;
mod engine;
mod error;
mod exchange;
mod host;
mod inflight;
mod metrics;
mod opentelemetry;
mod operation;
mod receiver;
mod request;
mod stats;
mod tables;
mod tracers;

use pyo3::prelude::*;

#[pymodule]
fn _core(module: &Bound<'_, PyModule>) -> PyResult<()> {
    let py = module.py();
    module.add("__version__", env!("CARGO_PKG_VERSION"))?;
    module.add("current_exchange", call::current_exchange(py)?)?;
    module.add("CoreError", py.get_type::<error::CoreError>())?;
    module.add("Disconnected", py.get_type::<error::Disconnected>())?;
    module.add_class::<engine::PyEngine>()?;
    module.add_class::<engine::ManualClock>()?;
    module.add_class::<exchange::PyExchange>()?;
    module.add_class::<request::Route>()?;
    module.add_class::<stats::Stats>()?;
    module.add_class::<stats::Recorded>()?;
    module.add_class::<access_log::AccessLog>()?;
    opentelemetry::register(module)?;
    metrics::register(module)?;
    receiver::register(module)?;
    tables::register(module)
}
