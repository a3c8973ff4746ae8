//! Scalars of protobuf's JSON mapping, as leniently as it wants them: integers may be texts, floating point numbers
//! `"NaN"`, and null is the default.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use serde::de::{Deserialize, Deserializer, Error, IgnoredAny, SeqAccess, Unexpected, Visitor};

use crate::error::DecodeError;

/// A text, borrowed where it has no escapes.
#[derive(Debug, Default)]
pub(super) struct Text<'a>(pub(super) Cow<'a, str>);

/// A signed integer: a number or a text.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Int(pub(super) i64);

/// An unsigned integer: a number or a text.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Uint(pub(super) u64);

/// A floating point number, `"NaN"`, `"Infinity"` or `"-Infinity"`.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Double(pub(super) f64);

/// A list of which at most `MAX` items are kept.
#[derive(Debug)]
pub(super) struct List<T, const MAX: usize> {
    pub(super) items: Vec<T>,
    pub(super) dropped: u32,
}

impl<T, const MAX: usize> Default for List<T, MAX> {
    fn default() -> Self {
        Self { items: Vec::new(), dropped: 0 }
    }
}

impl<T, const MAX: usize> List<T, MAX> {
    /// All items.
    ///
    /// # Errors
    /// There were more than are kept.
    pub(super) fn all(self, what: &'static str) -> Result<Vec<T>, DecodeError> {
        if self.dropped > 0 {
            return Err(DecodeError::TooLarge { what, allowed: MAX });
        }
        Ok(self.items)
    }
}

impl Text<'_> {
    /// The number that the hex digits of an id make. No digits are 0, a wrong count or other characters `None`.
    pub(super) fn id(&self, digits: usize) -> Option<u128> {
        let text = self.0.as_bytes();
        if text.is_empty() {
            return Some(0);
        }
        if text.len() != digits || !text.iter().all(u8::is_ascii_hexdigit) {
            return None;
        }
        u128::from_str_radix(&self.0, 16).ok()
    }

    /// A trace id: 32 digits.
    pub(super) fn trace_id(&self) -> Option<u128> {
        self.id(32)
    }

    /// A span id: 16 digits.
    pub(super) fn span_id(&self) -> Option<u64> {
        self.id(16).and_then(|id| u64::try_from(id).ok())
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Text<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct TextVisitor;
        impl<'de> Visitor<'de> for TextVisitor {
            type Value = Text<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text")
            }

            fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Text<'de>, E> {
                Ok(Text(Cow::Borrowed(text)))
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Text<'de>, E> {
                Ok(Text(Cow::Owned(text.to_owned())))
            }

            fn visit_unit<E: Error>(self) -> Result<Text<'de>, E> {
                Ok(Text::default())
            }
        }
        deserializer.deserialize_any(TextVisitor)
    }
}

struct IntVisitor;

impl Visitor<'_> for IntVisitor {
    type Value = i128;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an integer, as a number or a text")
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<i128, E> {
        Ok(value.into())
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<i128, E> {
        Ok(value.into())
    }

    /// `1e3` and `5.0` are integers, too (protobuf's JSON mapping).
    #[expect(clippy::cast_possible_truncation, reason = "whole, and far inside the range of i128")]
    fn visit_f64<E: Error>(self, value: f64) -> Result<i128, E> {
        if value.fract() == 0.0 && value.abs() < 1e20 {
            return Ok(value as i128);
        }
        Err(E::invalid_value(Unexpected::Float(value), &self))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<i128, E> {
        text.parse().map_err(|_| E::invalid_value(Unexpected::Str(text), &self))
    }

    fn visit_unit<E: Error>(self) -> Result<i128, E> {
        Ok(0)
    }
}

impl<'de> Deserialize<'de> for Int {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = deserializer.deserialize_any(IntVisitor)?;
        i64::try_from(value)
            .map(Self)
            .map_err(|_| D::Error::custom(format!("{value} does not fit into 64 bits")))
    }
}

impl<'de> Deserialize<'de> for Uint {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = deserializer.deserialize_any(IntVisitor)?;
        u64::try_from(value)
            .map(Self)
            .map_err(|_| D::Error::custom(format!("{value} is not an unsigned number of 64 bits")))
    }
}

impl Uint {
    /// The lower 32 bits, as protobuf decoders take them.
    #[expect(clippy::cast_possible_truncation, reason = "what the wire format says of 32-bit numbers")]
    pub(super) const fn as_u32(self) -> u32 {
        self.0 as u32
    }
}

impl<'de> Deserialize<'de> for Double {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct DoubleVisitor;
        impl Visitor<'_> for DoubleVisitor {
            type Value = Double;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a number, \"NaN\", \"Infinity\" or \"-Infinity\"")
            }

            #[expect(
                clippy::cast_precision_loss,
                reason = "JSON has one kind of number; the field is a double"
            )]
            fn visit_i64<E: Error>(self, value: i64) -> Result<Double, E> {
                Ok(Double(value as f64))
            }

            #[expect(clippy::cast_precision_loss, reason = "as above")]
            fn visit_u64<E: Error>(self, value: u64) -> Result<Double, E> {
                Ok(Double(value as f64))
            }

            fn visit_f64<E: Error>(self, value: f64) -> Result<Double, E> {
                Ok(Double(value))
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Double, E> {
                text.parse().map(Double).map_err(|_| E::invalid_value(Unexpected::Str(text), &self))
            }

            fn visit_unit<E: Error>(self) -> Result<Double, E> {
                Ok(Double(0.0))
            }
        }
        deserializer.deserialize_any(DoubleVisitor)
    }
}

impl<'de, T: Deserialize<'de>, const MAX: usize> Deserialize<'de> for List<T, MAX> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ListVisitor<T, const MAX: usize>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>, const MAX: usize> Visitor<'de> for ListVisitor<T, MAX> {
            type Value = List<T, MAX>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an array")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
                let mut list = List::default();
                while list.items.len() < MAX {
                    match seq.next_element()? {
                        Some(item) => list.items.push(item),
                        None => return Ok(list),
                    }
                }
                while seq.next_element::<IgnoredAny>()?.is_some() {
                    list.dropped = list.dropped.saturating_add(1);
                }
                Ok(list)
            }

            fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
                Ok(List::default())
            }
        }
        deserializer.deserialize_any(ListVisitor(PhantomData))
    }
}
