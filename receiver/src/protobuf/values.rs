//! Attributes, their values, and ids: `opentelemetry/proto/common/v1/common.proto`.

use std::borrow::Cow;

use crate::error::DecodeError;
use crate::limits::{MAX_ATTRIBUTES, MAX_DEPTH};
use crate::value::{Attributes, Value};
use crate::wire::{Field, Reader};

/// `KeyValue`: key = 1, value = 2. Goes to the end of `into`.
pub(crate) fn read_attribute<'a>(field: Field<'a>, into: &mut Attributes<'a>) -> Result<(), DecodeError> {
    if into.items.len() >= MAX_ATTRIBUTES {
        into.dropped = into.dropped.saturating_add(1);
        return Ok(());
    }
    let item = read_key_value(field.message()?, 0)?;
    into.items.push(item);
    Ok(())
}

fn read_key_value(mut reader: Reader<'_>, depth: usize) -> Result<(Cow<'_, str>, Value<'_>), DecodeError> {
    let (mut key, mut value) = ("", Value::Null);
    while let Some((number, field)) = reader.next()? {
        match number {
            1 => key = field.text()?,
            2 => value = read_value(field.message()?, depth)?,
            _ => {}
        }
    }
    Ok((Cow::Borrowed(key), value))
}

/// `AnyValue`: of several kinds the last one wins.
pub(crate) fn read_value(mut reader: Reader<'_>, depth: usize) -> Result<Value<'_>, DecodeError> {
    let mut value = Value::Null;
    if depth >= MAX_DEPTH {
        return Ok(value);
    }
    while let Some((number, field)) = reader.next()? {
        value = match number {
            1 => Value::Str(Cow::Borrowed(field.text()?)),
            2 => Value::Bool(field.varint()? != 0),
            3 => Value::Int(field.varint()?.cast_signed()),
            4 => Value::Double(field.double()?),
            5 => Value::Array(read_items(field.message()?, |item| read_value(item, depth + 1))?),
            6 => Value::Map(read_items(field.message()?, |item| read_key_value(item, depth + 1))?),
            7 => Value::Bytes(Cow::Borrowed(field.bytes()?)),
            _ => value,
        };
    }
    Ok(value)
}

/// `ArrayValue` and `KeyValueList`: values = 1. Only the first ones are kept.
fn read_items<'a, T>(
    mut reader: Reader<'a>,
    read: impl Fn(Reader<'a>) -> Result<T, DecodeError>,
) -> Result<Vec<T>, DecodeError> {
    let mut items = Vec::new();
    while let Some((number, field)) = reader.next()? {
        if number == 1 && items.len() < MAX_ATTRIBUTES {
            items.push(read(field.message()?)?);
        }
    }
    Ok(items)
}

/// A trace id: 16 bytes. Nothing is 0, any other length `None`.
pub(crate) fn read_trace_id(field: Field<'_>) -> Result<Option<u128>, DecodeError> {
    let bytes = field.bytes()?;
    Ok(if bytes.is_empty() { Some(0) } else { bytes.try_into().ok().map(u128::from_be_bytes) })
}

/// A span id: 8 bytes. Nothing is 0, any other length `None`.
pub(crate) fn read_span_id(field: Field<'_>) -> Result<Option<u64>, DecodeError> {
    let bytes = field.bytes()?;
    Ok(if bytes.is_empty() { Some(0) } else { bytes.try_into().ok().map(u64::from_be_bytes) })
}
