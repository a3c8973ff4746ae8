//! OpenTelemetry's protocol, natively: from a finished span, or aggregated numbers, to the receiver's answer, without an
//! SDK.

pub mod encode;
pub mod exporter;
pub mod finished;
pub mod metric;
pub mod options;
pub mod span;

pub use encode::{AttributeName, Encoding, SpanHead, SpanTail, SpanWriter};
pub use exporter::metrics::{MetricsExporter, MetricsOptions, MetricsStatus};
pub use exporter::{Exporter, MemorySpans, Status as ExporterStatus};
pub use finished::{Finished, Lot};
pub use options::{OptionError, Options, Signal};
pub use span::{
    Attributes, Event, Key, Kind, Link, Resource, SCHEMA_URL, SERVER_SCOPE, Scope, SpanData, Status, Text,
    Value,
};
