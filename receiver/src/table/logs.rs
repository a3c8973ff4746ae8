//! The table of log records: `logs` of the store.

use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_array::builder::{Int64Builder, StringBuilder, UInt8Builder, UInt64Builder};
use arrow_schema::ArrowError;

use super::spans::{append, halves};
use super::{Outcome, assemble};
use crate::error::DecodeError;
use crate::limits::{MAX_NAME_BYTES, MAX_TEXT_BYTES};
use crate::model::{Log, Source};
use crate::value::Value;

/// Builders of all columns.
#[derive(Default)]
pub(crate) struct Logs {
    pub(crate) outcome: Outcome,
    trace_hi: UInt64Builder,
    trace_lo: UInt64Builder,
    span_id: UInt64Builder,
    time_ns: Int64Builder,
    severity: UInt8Builder,
    severity_text: StringBuilder,
    body: StringBuilder,
    service: StringBuilder,
    resource_id: UInt64Builder,
    scope: StringBuilder,
    scope_id: UInt64Builder,
    attributes: StringBuilder,
    json: String,
}

impl Logs {
    /// One row, or one rejection.
    pub(crate) fn push(&mut self, source: &Source, log: &Log<'_>) -> Result<(), DecodeError> {
        self.outcome.check("log records")?;
        // The time it happened is optional; the SDK's own time is then the best there is (logs.proto).
        let time_ns = if log.time_ns == 0 { log.observed_ns } else { log.time_ns };
        let mistake = match (log.trace_id, log.span_id, i64::try_from(time_ns)) {
            (None, _, _) => "has a trace_id that is not 16 bytes",
            (_, None, _) => "has a span_id that is not 8 bytes",
            (_, _, Err(_)) => "is from after the year 2262",
            (Some(_), Some(_), Ok(0)) => "has neither time_unix_nano nor observed_time_unix_nano",
            (Some(trace_id), Some(span_id), Ok(time_ns)) => {
                self.push_log(log, trace_id, span_id, time_ns);
                self.service.append_value(&source.service);
                self.resource_id.append_value(source.resource_id);
                self.scope.append_value(&source.scope);
                self.scope_id.append_option(source.scope_id);
                self.outcome.accept();
                return Ok(());
            }
        };
        self.outcome.reject(|| format!("log record {mistake}"));
        Ok(())
    }

    fn push_log(&mut self, log: &Log<'_>, trace_id: u128, span_id: u64, time_ns: i64) {
        let (hi, lo) = halves(trace_id);
        let traced = trace_id != 0;
        self.trace_hi.append_option(traced.then_some(hi));
        self.trace_lo.append_option(traced.then_some(lo));
        self.span_id.append_option((traced && span_id != 0).then_some(span_id));
        self.time_ns.append_value(time_ns);
        self.severity.append_value(u8::try_from(log.severity).unwrap_or(0));
        append(&mut self.severity_text, Some(&log.severity_text), MAX_NAME_BYTES);
        self.json.clear();
        match &log.body {
            Value::Null => {}
            Value::Str(text) => self.json.push_str(text),
            other => other.write_json(&mut self.json),
        }
        append(&mut self.body, Some(&self.json), MAX_TEXT_BYTES);
        self.json.clear();
        log.attributes.write_json(&mut self.json);
        self.attributes.append_value(&self.json);
    }

    /// The table.
    pub(crate) fn finish(mut self) -> Result<RecordBatch, ArrowError> {
        assemble(vec![
            ("trace_hi", Arc::new(self.trace_hi.finish())),
            ("trace_lo", Arc::new(self.trace_lo.finish())),
            ("span_id", Arc::new(self.span_id.finish())),
            ("time_ns", Arc::new(self.time_ns.finish())),
            ("severity", Arc::new(self.severity.finish())),
            ("severity_text", Arc::new(self.severity_text.finish())),
            ("body", Arc::new(self.body.finish())),
            ("service", Arc::new(self.service.finish())),
            ("resource_id", Arc::new(self.resource_id.finish())),
            ("scope", Arc::new(self.scope.finish())),
            ("attributes", Arc::new(self.attributes.finish())),
            ("scope_id", Arc::new(self.scope_id.finish())),
        ])
    }
}
