//! OTLP in, Arrow out: what the viewer's receiver does with the body of a request.
//!
//! The path: [`inflate`] undoes gzip, [`decode`] walks the body (`protobuf/` or `json/`), makes one record at a time
//! (`model`), and puts it as a row into builders (`table/`). The tables leave as Arrow record batches, which
//! `DuckDB` reads without a copy. `reply` has the answers that OTLP wants.
//!
//! Follows <https://opentelemetry.io/docs/specs/otlp/> (1.x). Bodies are hostile until proven otherwise: `limits` has
//! all bounds, and no body makes more memory than a small multiple of its size.

mod error;
mod gzip;
mod json;
mod limits;
mod model;
mod protobuf;
mod recent;
pub mod reply;
mod table;
mod value;
mod wire;

use arrow_array::RecordBatch;
use arrow_schema::ArrowError;

pub use error::DecodeError;
pub use gzip::inflate;
pub use recent::Recent;
pub use table::{Outcome, number};

use table::{Logs, Metrics, Sources, Spans};

/// The three kinds of telemetry, each with a path, a message and a table of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    /// Spans: `/v1/traces`.
    Traces,
    /// Data points: `/v1/metrics`.
    Metrics,
    /// Log records: `/v1/logs`.
    Logs,
}

/// How a body is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// `application/x-protobuf`.
    Protobuf,
    /// `application/json`.
    Json,
}

/// The records of one request.
#[derive(Clone, Debug)]
pub struct Decoded {
    /// One row for each accepted record.
    pub records: RecordBatch,
    /// One row for each resource of the request.
    pub resources: RecordBatch,
    /// One row for each scope that says more than its name and version.
    pub scopes: RecordBatch,
    /// The numbers of these resources and scopes.
    pub source_ids: Vec<u64>,
    /// What was accepted and what was not.
    pub outcome: Outcome,
}

/// Reads an `Export*ServiceRequest`.
///
/// # Errors
/// The body is not what it should be, or holds too much. Single bad records are no error: see [`Outcome`].
pub fn decode(signal: Signal, encoding: Encoding, body: &[u8]) -> Result<Decoded, DecodeError> {
    let mut sources = Sources::default();
    let (records, outcome) = match signal {
        Signal::Traces => {
            let mut table = Spans::default();
            match encoding {
                Encoding::Protobuf => protobuf::read_traces(body, &mut sources, &mut table)?,
                Encoding::Json => json::read_traces(body, &mut sources, &mut table)?,
            }
            let outcome = std::mem::take(&mut table.outcome);
            (table.finish(), outcome)
        }
        Signal::Metrics => {
            let mut table = Metrics::default();
            match encoding {
                Encoding::Protobuf => protobuf::read_metrics(body, &mut sources, &mut table)?,
                Encoding::Json => json::read_metrics(body, &mut sources, &mut table)?,
            }
            let outcome = std::mem::take(&mut table.outcome);
            (table.finish(), outcome)
        }
        Signal::Logs => {
            let mut table = Logs::default();
            match encoding {
                Encoding::Protobuf => protobuf::read_logs(body, &mut sources, &mut table)?,
                Encoding::Json => json::read_logs(body, &mut sources, &mut table)?,
            }
            let outcome = std::mem::take(&mut table.outcome);
            (table.finish(), outcome)
        }
    };
    let broken = |error: ArrowError| DecodeError::Malformed(format!("cannot be put into a table: {error}"));
    let source_ids = sources.ids();
    let (resources, scopes) = sources.finish().map_err(broken)?;
    Ok(Decoded { records: records.map_err(broken)?, resources, scopes, source_ids, outcome })
}
