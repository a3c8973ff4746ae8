//! `AnyValue`, `KeyValue` and lists of them.

use std::borrow::Cow;
use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};
use serde::Deserialize;
use serde::de::{Deserializer, Error, IgnoredAny, MapAccess, Visitor};

use super::scalars::{Double, Int, List, Text};
use crate::limits::MAX_ATTRIBUTES;
use crate::value::{Attributes, Value};

/// Attributes of anything.
pub(super) type AttributeList<'a> = List<KeyValue<'a>, MAX_ATTRIBUTES>;

/// One attribute.
#[derive(Debug, Default, Deserialize)]
#[serde(default, bound = "'de: 'a")]
pub(super) struct KeyValue<'a> {
    key: Text<'a>,
    value: Option<AnyValue<'a>>,
}

/// A value. An object with one name, which says its kind; of several the last one wins.
#[derive(Debug, Default)]
pub(super) struct AnyValue<'a>(pub(super) Value<'a>);

#[derive(Default, Deserialize)]
#[serde(default, bound = "'de: 'a")]
struct ArrayValue<'a> {
    values: List<Option<AnyValue<'a>>, MAX_ATTRIBUTES>,
}

#[derive(Default, Deserialize)]
#[serde(default, bound = "'de: 'a")]
struct KeyValueList<'a> {
    values: AttributeList<'a>,
}

impl<'a> From<AttributeList<'a>> for Attributes<'a> {
    fn from(list: AttributeList<'a>) -> Self {
        Self { dropped: list.dropped, items: pairs(list) }
    }
}

fn pairs(list: AttributeList<'_>) -> Vec<(Cow<'_, str>, Value<'_>)> {
    list.items.into_iter().map(|item| (item.key.0, item.value.unwrap_or_default().0)).collect()
}

impl<'de: 'a, 'a> Deserialize<'de> for AnyValue<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(AnyValueVisitor).map(AnyValue)
    }
}

struct AnyValueVisitor;

impl<'de> Visitor<'de> for AnyValueVisitor {
    type Value = Value<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value such as {\"stringValue\": \"text\"}")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value<'de>, A::Error> {
        let mut value = Value::Null;
        while let Some(kind) = map.next_key::<Text<'de>>()? {
            value = match kind.0.as_ref() {
                "stringValue" => optional(map.next_value()?, |text: Text<'de>| Value::Str(text.0)),
                "boolValue" => optional(map.next_value()?, Value::Bool),
                "intValue" => optional(map.next_value()?, |number: Int| Value::Int(number.0)),
                "doubleValue" => optional(map.next_value()?, |number: Double| Value::Double(number.0)),
                "bytesValue" => Value::Bytes(Cow::Owned(bytes(&map.next_value::<Text<'de>>()?)?)),
                "arrayValue" => optional(map.next_value()?, |array: ArrayValue<'de>| {
                    Value::Array(
                        array.values.items.into_iter().map(|item| item.unwrap_or_default().0).collect(),
                    )
                }),
                "kvlistValue" => {
                    optional(map.next_value()?, |list: KeyValueList<'de>| Value::Map(pairs(list.values)))
                }
                _ => {
                    map.next_value::<IgnoredAny>()?;
                    value
                }
            };
        }
        Ok(value)
    }
}

/// Null is the same as no value.
fn optional<'a, T>(given: Option<T>, convert: impl FnOnce(T) -> Value<'a>) -> Value<'a> {
    given.map_or(Value::Null, convert)
}

/// Base64 of either alphabet (protobuf's JSON mapping).
fn bytes<E: Error>(text: &Text<'_>) -> Result<Vec<u8>, E> {
    let decoded = STANDARD.decode(text.0.as_bytes()).or_else(|_| URL_SAFE.decode(text.0.as_bytes()));
    decoded.map_err(|_| E::custom("bytesValue is not base64"))
}
