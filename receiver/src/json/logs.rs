//! Log records.

use serde::Deserialize;

use super::scalars::{Int, Text, Uint};
use super::values::{AnyValue, AttributeList};
use super::{parse, walk};
use crate::error::DecodeError;
use crate::model::Log;
use crate::table::{Logs, Sources};

/// `ExportLogsServiceRequest` into the table.
pub(crate) fn read_logs(body: &[u8], sources: &mut Sources, logs: &mut Logs) -> Result<(), DecodeError> {
    walk(
        body,
        |request| request.logs,
        sources,
        |source, text| logs.push(source, &parse::<JsonLog<'_>>(text)?.into()),
    )
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase", bound = "'de: 'a")]
struct JsonLog<'a> {
    time_unix_nano: Uint,
    observed_time_unix_nano: Uint,
    severity_number: Int,
    severity_text: Text<'a>,
    body: Option<AnyValue<'a>>,
    attributes: AttributeList<'a>,
    trace_id: Text<'a>,
    span_id: Text<'a>,
}

impl<'a> From<JsonLog<'a>> for Log<'a> {
    fn from(json: JsonLog<'a>) -> Self {
        Self {
            trace_id: json.trace_id.trace_id(),
            span_id: json.span_id.span_id(),
            time_ns: json.time_unix_nano.0,
            observed_ns: json.observed_time_unix_nano.0,
            severity: json.severity_number.0,
            severity_text: json.severity_text.0,
            body: json.body.unwrap_or_default().0,
            attributes: json.attributes.into(),
        }
    }
}
