//! The `traceparent` header, W3C trace context level 2 section 3.2.
//!
//! | version | length | rule |
//! |---|---|---|
//! | `00` | exactly 55 | all four fields |
//! | `01` to `fe` | 55, or more with a `-` after the flags | the four fields of version 00; the rest is not looked at |
//! | `ff` | any | invalid |
//!
//! Anything else, upper-case digits and identifiers of zeros included, is invalid: the trace starts anew and
//! `tracestate` is not looked at.

use super::hex;
use crate::trace::{Flags, SpanContext};

/// Length of version 00.
pub const LENGTH: usize = 55;

/// The span that a header value names, without its `tracestate`. White space around the value is fine.
#[must_use]
pub fn parse(value: &[u8]) -> Option<SpanContext> {
    let value = value.trim_ascii();
    let fields = value.get(..LENGTH)?;
    if fields[2] != b'-' || fields[35] != b'-' || fields[52] != b'-' {
        return None;
    }
    let [version] = hex::decode(&fields[..2])?;
    let has_right_length = match value.get(LENGTH) {
        None => true,
        Some(next) => version != 0 && *next == b'-',
    };
    if version == 0xff || !has_right_length {
        return None;
    }
    let [flags] = hex::decode(&fields[53..])?;
    Some(SpanContext {
        trace_id: hex::decode_id(&fields[3..35])?,
        span_id: hex::decode_id(&fields[36..52])?,
        flags: Flags::from_bits(flags),
        trace_state: super::TraceState::default(),
    })
}

/// The value for `traceparent` and `traceresponse`, always version 00.
#[must_use]
pub fn format(context: &SpanContext) -> [u8; LENGTH] {
    let mut out = *b"00-00000000000000000000000000000000-0000000000000000-00";
    hex::encode(&context.trace_id, &mut out[3..35]);
    hex::encode(&context.span_id, &mut out[36..52]);
    hex::encode(&[context.flags.bits()], &mut out[53..]);
    out
}
