//! The value of an attribute, and its form in JSON.
//!
//! Follows `AnyValue` in `opentelemetry/proto/common/v1/common.proto`. In the store all attributes of a record are
//! one JSON object: bytes are base64, `NaN` and the infinities are texts, as in protobuf's JSON mapping.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::limits::{MAX_NAME_BYTES, MAX_TEXT_BYTES};

/// The value of an attribute. Texts are borrowed from the body where they can be.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) enum Value<'a> {
    #[default]
    Null,
    Str(Cow<'a, str>),
    Bool(bool),
    Int(i64),
    Double(f64),
    Bytes(Cow<'a, [u8]>),
    Array(Vec<Value<'a>>),
    Map(Vec<(Cow<'a, str>, Value<'a>)>),
}

/// Attributes in the order in which they came, and how many are missing.
#[derive(Debug, Default)]
pub(crate) struct Attributes<'a> {
    pub(crate) items: Vec<(Cow<'a, str>, Value<'a>)>,
    /// Dropped by the sender or by us.
    pub(crate) dropped: u32,
}

impl Attributes<'_> {
    /// The value of a key.
    pub(crate) fn get(&self, key: &str) -> Option<&Value<'_>> {
        self.items.iter().find(|(name, _)| name == key).map(|(_, value)| value)
    }

    /// The text of a key.
    pub(crate) fn text(&self, key: &str) -> Option<&str> {
        self.get(key).and_then(Value::as_text)
    }

    /// One JSON object.
    pub(crate) fn write_json(&self, out: &mut String) {
        write_map(&self.items, out);
    }
}

impl Value<'_> {
    /// A text that is not empty.
    pub(crate) fn as_text(&self) -> Option<&str> {
        if let Self::Str(text) = self { Some(text.as_ref()).filter(|text| !text.is_empty()) } else { None }
    }

    /// A whole number, also one that was sent as a text or with a point.
    #[expect(
        clippy::cast_possible_truncation,
        reason = "out of range saturates, which is as wrong as the number"
    )]
    pub(crate) fn as_int(&self) -> Option<i64> {
        match self {
            Self::Int(value) => Some(*value),
            Self::Double(value) if value.is_finite() => Some(*value as i64),
            Self::Str(text) => text.parse().ok(),
            _ => None,
        }
    }

    /// The value as JSON.
    pub(crate) fn write_json(&self, out: &mut String) {
        match self {
            Self::Null => out.push_str("null"),
            Self::Str(text) => write_text(clip(text, MAX_TEXT_BYTES).as_ref(), out),
            Self::Bool(value) => out.push_str(if *value { "true" } else { "false" }),
            Self::Int(value) => out.push_str(itoa::Buffer::new().format(*value)),
            Self::Double(value) => write_double(*value, out),
            Self::Bytes(bytes) => {
                let kept = &bytes[..bytes.len().min(MAX_TEXT_BYTES)];
                out.push('"');
                STANDARD.encode_string(kept, out);
                out.push('"');
            }
            Self::Array(values) => {
                out.push('[');
                for (index, value) in values.iter().enumerate() {
                    if index > 0 {
                        out.push(',');
                    }
                    value.write_json(out);
                }
                out.push(']');
            }
            Self::Map(items) => write_map(items, out),
        }
    }
}

fn write_map(items: &[(Cow<'_, str>, Value<'_>)], out: &mut String) {
    out.push('{');
    for (index, (key, value)) in items.iter().enumerate() {
        if index > 0 {
            out.push(',');
        }
        write_text(clip(key, MAX_NAME_BYTES).as_ref(), out);
        out.push(':');
        value.write_json(out);
    }
    out.push('}');
}

/// A JSON number, or a text for what JSON has no number for.
pub(crate) fn write_double(value: f64, out: &mut String) {
    use std::fmt::Write as _;
    let written = if value.is_nan() {
        out.write_str("\"NaN\"")
    } else if value.is_infinite() {
        out.write_str(if value > 0.0 { "\"Infinity\"" } else { "\"-Infinity\"" })
    } else {
        write!(out, "{value:?}") // with a point or exponent: a whole double stays apart from an integer
    };
    _ = written; // a String takes everything
}

/// A JSON text. Runs without special characters, nearly all there are, are copied at once.
pub(crate) fn write_text(text: &str, out: &mut String) {
    out.push('"');
    let mut start = 0;
    for (index, byte) in text.bytes().enumerate() {
        if byte >= 0x20 && byte != b'"' && byte != b'\\' {
            continue;
        }
        out.push_str(&text[start..index]);
        start = index + 1;
        match byte {
            b'"' => out.push_str("\\\""),
            b'\\' => out.push_str("\\\\"),
            b'\n' => out.push_str("\\n"),
            b'\r' => out.push_str("\\r"),
            b'\t' => out.push_str("\\t"),
            _ => {
                out.push_str("\\u00");
                out.push(char::from(HEX[usize::from(byte >> 4)]));
                out.push(char::from(HEX[usize::from(byte & 15)]));
            }
        }
    }
    out.push_str(&text[start..]);
    out.push('"');
}

const HEX: &[u8; 16] = b"0123456789abcdef";

/// Lower-case hex digits of an id, quoted.
pub(crate) fn write_hex(bytes: &[u8], out: &mut String) {
    out.push('"');
    for byte in bytes {
        out.push(char::from(HEX[usize::from(byte >> 4)]));
        out.push(char::from(HEX[usize::from(byte & 15)]));
    }
    out.push('"');
}

/// A text of at most `max` bytes; a longer one is cut at a character and ends with `…`.
pub(crate) fn clip(text: &str, max: usize) -> Cow<'_, str> {
    if text.len() <= max {
        return Cow::Borrowed(text);
    }
    let mut end = max - '…'.len_utf8();
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    Cow::Owned(format!("{}…", &text[..end]))
}
