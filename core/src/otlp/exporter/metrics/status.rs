//! What an exporter of metrics tells about itself.

use crate::otlp::exporter::Receiver;

/// The state of an exporter at one moment. Counts since its start.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MetricsStatus {
    /// Points on their way to the receiver, the wait between two tries included.
    pub in_flight: u64,
    /// Points that the receiver has.
    pub exported: u64,
    /// Points of reports that it refused, for good.
    pub refused: u64,
    /// Points that it rejected of reports that it took.
    pub rejected: u64,
    /// Points of reports that did not arrive; what they counted is in the next report.
    pub superseded: u64,
    /// Requests that came back.
    pub requests: u64,
    /// Requests among them that failed, tried again or not.
    pub failed: u64,
    /// The last thing that went wrong.
    pub last_error: Option<String>,
    /// Whether the receiver works.
    pub receiver: Receiver,
}
