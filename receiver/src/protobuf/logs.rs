//! `opentelemetry/proto/logs/v1/logs.proto`.

use std::borrow::Cow;

use super::values::{read_attribute, read_span_id, read_trace_id, read_value};
use super::walk::walk;
use crate::error::DecodeError;
use crate::model::Log;
use crate::table::{Logs, Sources};
use crate::wire::Reader;

/// `ExportLogsServiceRequest` into the table.
pub(crate) fn read_logs(body: &[u8], sources: &mut Sources, logs: &mut Logs) -> Result<(), DecodeError> {
    walk(body, sources, |source, message| logs.push(source, &read_log(message)?))
}

fn read_log(mut reader: Reader<'_>) -> Result<Log<'_>, DecodeError> {
    let mut log = Log { trace_id: Some(0), span_id: Some(0), ..Log::default() };
    while let Some((number, field)) = reader.next()? {
        match number {
            1 => log.time_ns = field.fixed64()?,
            2 => log.severity = field.varint()?.cast_signed(),
            3 => log.severity_text = Cow::Borrowed(field.text()?),
            5 => log.body = read_value(field.message()?, 0)?,
            6 => read_attribute(field, &mut log.attributes)?,
            9 => log.trace_id = read_trace_id(field)?,
            10 => log.span_id = read_span_id(field)?,
            11 => log.observed_ns = field.fixed64()?,
            _ => {}
        }
    }
    Ok(log)
}
