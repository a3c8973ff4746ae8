//! OTLP in protobuf: walks a request and hands each record to its table.
//!
//! Follows the `.proto` files of OTLP 1.x by field number, which stand beside each arm. Unknown fields are skipped.
//! A resource may come after what it describes, so each resource's message is walked twice.

mod logs;
mod metrics;
mod traces;
mod values;
mod walk;

pub(crate) use logs::read_logs;
pub(crate) use metrics::read_metrics;
pub(crate) use traces::read_traces;
