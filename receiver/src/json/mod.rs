//! OTLP in JSON.

use crate::error::DecodeError;
use crate::table::{Logs, Metrics, Sources, Spans};

pub(crate) fn read_traces(_: &[u8], _: &mut Sources, _: &mut Spans) -> Result<(), DecodeError> {
    Err(DecodeError::Malformed("JSON".into()))
}
pub(crate) fn read_logs(_: &[u8], _: &mut Sources, _: &mut Logs) -> Result<(), DecodeError> {
    Err(DecodeError::Malformed("JSON".into()))
}
pub(crate) fn read_metrics(_: &[u8], _: &mut Sources, _: &mut Metrics) -> Result<(), DecodeError> {
    Err(DecodeError::Malformed("JSON".into()))
}
