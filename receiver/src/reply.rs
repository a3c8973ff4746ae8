//! Answers of a receiver, in the encoding of the request.
//!
//! Follows <https://opentelemetry.io/docs/specs/otlp/#otlphttp-response> and the `Export*ServiceResponse` messages,
//! which have the same shape for all signals: field 1 a partial success with the count in its field 1 and the
//! message in its field 2. Errors are `google.rpc.Status`: code in field 1, message in field 2.

use crate::value::write_text;
use crate::{Encoding, Outcome, Signal};

/// What was accepted. A request that was taken whole has an empty answer.
#[must_use]
pub fn success(signal: Signal, encoding: Encoding, outcome: &Outcome) -> Vec<u8> {
    let message = outcome.reason.as_deref().unwrap_or_default();
    match encoding {
        Encoding::Protobuf if outcome.rejected == 0 => Vec::new(),
        Encoding::Json if outcome.rejected == 0 => b"{}".to_vec(),
        Encoding::Protobuf => {
            let mut out = Vec::new();
            write_bytes(1, &number_and_text(outcome.rejected as u64, message), &mut out);
            out
        }
        Encoding::Json => {
            let name = match signal {
                Signal::Traces => "rejectedSpans",
                Signal::Metrics => "rejectedDataPoints",
                Signal::Logs => "rejectedLogRecords",
            };
            // 64-bit integers are texts in protobuf's JSON mapping.
            let mut out =
                format!("{{\"partialSuccess\":{{\"{name}\":\"{}\",\"errorMessage\":", outcome.rejected);
            write_text(message, &mut out);
            out.push_str("}}");
            out.into_bytes()
        }
    }
}

/// Why nothing was accepted.
///
/// `code` is one of gRPC's: 3 for an invalid argument, 8 for exhausted resources, 14 for unavailable.
#[must_use]
pub fn failure(encoding: Encoding, code: u8, message: &str) -> Vec<u8> {
    match encoding {
        Encoding::Protobuf => number_and_text(u64::from(code), message),
        Encoding::Json => {
            let mut out = format!("{{\"code\":{code},\"message\":");
            write_text(message, &mut out);
            out.push('}');
            out.into_bytes()
        }
    }
}

fn number_and_text(number: u64, text: &str) -> Vec<u8> {
    let mut out = vec![1 << 3];
    write_varint(number, &mut out);
    write_bytes(2, text.as_bytes(), &mut out);
    out
}

fn write_bytes(field: u8, bytes: &[u8], out: &mut Vec<u8>) {
    out.push(field << 3 | 2);
    write_varint(bytes.len() as u64, out);
    out.extend_from_slice(bytes);
}

#[expect(clippy::cast_possible_truncation, reason = "seven bits at a time")]
fn write_varint(mut value: u64, out: &mut Vec<u8>) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}
