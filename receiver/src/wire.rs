//! Reads the protobuf wire format in place: fields of a message, one after the other, without copies.
//!
//! Follows <https://protobuf.dev/programming-guides/encoding/>. A generated decoder would build the whole request as
//! objects first; two bytes of an empty message then cost some hundred bytes of memory, which a hostile sender
//! multiplies. Here nothing is kept but what goes into the tables.
//!
//! Invariant: every length is checked against the bytes that are there, so a message can only be walked once.

use crate::error::DecodeError;
use crate::limits::MAX_BUCKETS;

/// Bytes that are read from the front.
#[derive(Clone, Copy)]
pub(crate) struct Reader<'a> {
    rest: &'a [u8],
}

/// The value of one field, by its wire type.
#[derive(Clone, Copy)]
pub(crate) enum Field<'a> {
    Varint(u64),
    Fixed64(u64),
    Fixed32(u32),
    Bytes(&'a [u8]),
}

impl<'a> Reader<'a> {
    /// The fields of this message.
    pub(crate) const fn new(rest: &'a [u8]) -> Self {
        Self { rest }
    }

    /// The next field with its number; `None` at the end.
    pub(crate) fn next(&mut self) -> Result<Option<(u32, Field<'a>)>, DecodeError> {
        if self.rest.is_empty() {
            return Ok(None);
        }
        let tag = self.varint()?;
        let number = u32::try_from(tag >> 3).map_err(|_| broken("a field number is too large"))?;
        if number == 0 {
            return Err(broken("a field has the number 0"));
        }
        let field = match tag & 7 {
            0 => Field::Varint(self.varint()?),
            1 => Field::Fixed64(u64::from_le_bytes(self.array()?)),
            2 => {
                let length = usize::try_from(self.varint()?).map_err(|_| truncated())?;
                Field::Bytes(self.take(length)?)
            }
            5 => Field::Fixed32(u32::from_le_bytes(self.array()?)),
            _ => return Err(broken("a field has a wire type that OTLP does not use")),
        };
        Ok(Some((number, field)))
    }

    /// The varints of a packed field, one more than [`MAX_BUCKETS`] at most.
    pub(crate) fn packed_varints(field: Field<'a>, into: &mut Vec<u64>) -> Result<(), DecodeError> {
        match field {
            Field::Varint(value) => into.push(value),
            Field::Bytes(bytes) => {
                let mut reader = Self::new(bytes);
                while !reader.rest.is_empty() && into.len() <= MAX_BUCKETS {
                    into.push(reader.varint()?);
                }
            }
            _ => return Err(wrong_type()),
        }
        Ok(())
    }

    /// The 64-bit values of a packed field, one more than [`MAX_BUCKETS`] at most.
    pub(crate) fn packed_fixed64(field: Field<'a>, into: &mut Vec<u64>) -> Result<(), DecodeError> {
        match field {
            Field::Fixed64(value) => into.push(value),
            Field::Bytes(bytes) => {
                let (values, rest) = bytes.as_chunks::<8>();
                if !rest.is_empty() {
                    return Err(truncated());
                }
                let room = (MAX_BUCKETS + 1).saturating_sub(into.len());
                into.extend(values.iter().take(room).map(|value| u64::from_le_bytes(*value)));
            }
            _ => return Err(wrong_type()),
        }
        Ok(())
    }

    fn varint(&mut self) -> Result<u64, DecodeError> {
        let mut value = 0u64;
        for (index, byte) in self.rest.iter().take(10).enumerate() {
            value |= u64::from(byte & 0x7f) << (7 * index);
            if byte & 0x80 == 0 {
                self.rest = &self.rest[index + 1..];
                return Ok(value);
            }
        }
        Err(if self.rest.len() < 10 { truncated() } else { broken("a number has more than 10 bytes") })
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], DecodeError> {
        let (value, rest) = self.rest.split_first_chunk::<N>().ok_or_else(truncated)?;
        self.rest = rest;
        Ok(*value)
    }

    fn take(&mut self, length: usize) -> Result<&'a [u8], DecodeError> {
        let (value, rest) = self.rest.split_at_checked(length).ok_or_else(truncated)?;
        self.rest = rest;
        Ok(value)
    }
}

impl<'a> Field<'a> {
    /// The bytes of a `bytes` field or of a message inside this one.
    pub(crate) fn bytes(self) -> Result<&'a [u8], DecodeError> {
        if let Self::Bytes(bytes) = self { Ok(bytes) } else { Err(wrong_type()) }
    }

    /// A message inside this one.
    pub(crate) fn message(self) -> Result<Reader<'a>, DecodeError> {
        self.bytes().map(Reader::new)
    }

    /// A text.
    pub(crate) fn text(self) -> Result<&'a str, DecodeError> {
        std::str::from_utf8(self.bytes()?).map_err(|_| broken("a text is not UTF-8"))
    }

    /// A number that is sent as a varint.
    pub(crate) fn varint(self) -> Result<u64, DecodeError> {
        if let Self::Varint(value) = self { Ok(value) } else { Err(wrong_type()) }
    }

    /// A varint of at most 32 bits; higher bits are dropped, as every protobuf decoder does.
    #[expect(clippy::cast_possible_truncation, reason = "what the wire format says of 32-bit numbers")]
    pub(crate) fn uint32(self) -> Result<u32, DecodeError> {
        self.varint().map(|value| value as u32)
    }

    /// A varint in zigzag, as `sint32` is.
    pub(crate) fn sint32(self) -> Result<i32, DecodeError> {
        let value = self.uint32()?;
        Ok((value >> 1).cast_signed() ^ -(value & 1).cast_signed())
    }

    /// 64 bits as they are.
    pub(crate) fn fixed64(self) -> Result<u64, DecodeError> {
        if let Self::Fixed64(value) = self { Ok(value) } else { Err(wrong_type()) }
    }

    /// 32 bits as they are.
    pub(crate) fn fixed32(self) -> Result<u32, DecodeError> {
        if let Self::Fixed32(value) = self { Ok(value) } else { Err(wrong_type()) }
    }

    /// A floating point number of 64 bits.
    pub(crate) fn double(self) -> Result<f64, DecodeError> {
        self.fixed64().map(f64::from_bits)
    }
}

fn broken(what: &'static str) -> DecodeError {
    DecodeError::Malformed(format!("protobuf: {what}"))
}

fn truncated() -> DecodeError {
    broken("the body ends in the middle of a field")
}

fn wrong_type() -> DecodeError {
    broken("a field has a wire type that OTLP does not give it")
}
