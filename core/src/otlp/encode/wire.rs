//! Protocol Buffers on the wire: the five shapes OTLP needs, appended to a byte vector, and a reader for the
//! receiver's small answers. Source: protobuf.dev, "Encoding".
//!
//! A nested message comes after its length, which is known only once it is written. We leave room for the length
//! that is likely, write, and move the message by a byte or two where the guess was wrong. That keeps one pass
//! and the shortest encoding.

use super::name::{AttributeName, ROOM};

const VARINT: u32 = 0;
const FIXED64: u32 = 1;
pub(super) const BYTES: u32 = 2;
const FIXED32: u32 = 5;

/// Tags of `KeyValue` and `AnyValue`, which are small enough to be bytes.
pub(super) const KEY: u8 = 1 << 3 | 2;
pub(super) const VALUE: u8 = 2 << 3 | 2;
const STRING_VALUE: u8 = 1 << 3 | 2;
const INT_VALUE: u8 = 3 << 3;

/// Appends fields to a message.
#[derive(Debug)]
pub(super) struct Writer<'a>(pub(super) &'a mut Vec<u8>);

impl Writer<'_> {
    #[inline]
    fn varint(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.0.push(low_seven(value) | 0x80);
            value >>= 7;
        }
        self.0.push(low_seven(value));
    }

    #[inline]
    fn tag(&mut self, field: u32, shape: u32) {
        self.varint(u64::from(field << 3 | shape));
    }

    /// A number of variable length, written also when it is zero.
    #[inline]
    pub(super) fn number(&mut self, field: u32, value: u64) {
        self.tag(field, VARINT);
        self.varint(value);
    }

    /// A count, which is left out when it is zero as proto3 asks.
    #[inline]
    pub(super) fn count(&mut self, field: u32, value: u32) {
        if value != 0 {
            self.number(field, u64::from(value));
        }
    }

    /// Four bytes, left out when zero.
    #[inline]
    pub(super) fn fixed32(&mut self, field: u32, value: u32) {
        if value != 0 {
            self.tag(field, FIXED32);
            self.0.extend_from_slice(&value.to_le_bytes());
        }
    }

    /// Eight bytes.
    #[inline]
    pub(super) fn fixed64(&mut self, field: u32, bytes: [u8; 8]) {
        self.tag(field, FIXED64);
        self.0.extend_from_slice(&bytes);
    }

    /// Bytes or a text, written also when empty.
    #[inline]
    pub(super) fn bytes(&mut self, field: u32, bytes: &[u8]) {
        self.tag(field, BYTES);
        self.varint(bytes.len() as u64);
        self.0.extend_from_slice(bytes);
    }

    /// A text, left out when empty.
    #[inline]
    pub(super) fn text(&mut self, field: u32, text: &str) {
        if !text.is_empty() {
            self.bytes(field, text.as_bytes());
        }
    }

    /// A text in parts, left out when empty.
    #[inline]
    pub(super) fn texts<const N: usize>(&mut self, field: u32, parts: [&str; N]) {
        let len: usize = parts.iter().map(|part| part.len()).sum();
        if len > 0 {
            self.tag(field, BYTES);
            self.varint(len as u64);
            for part in parts {
                self.0.extend_from_slice(part.as_bytes());
            }
        }
    }

    /// A message within this one. `room` is the likely size of its length: 1 below 128 bytes, 2 below 16,384.
    #[inline]
    pub(super) fn message(&mut self, field: u32, room: usize, write: impl FnOnce(&mut Writer<'_>)) {
        self.message_before(field, room, 0, write);
    }

    /// The begin of a message that `follow_len` bytes will follow.
    #[inline]
    pub(super) fn message_before(
        &mut self,
        field: u32,
        room: usize,
        follow_len: usize,
        write: impl FnOnce(&mut Writer<'_>),
    ) {
        self.tag(field, BYTES);
        let start = self.0.len();
        self.0.resize(start + room, 0);
        write(&mut Writer(self.0));
        let len = self.0.len() - start - room + follow_len;
        let size = varint_len(len as u64);
        if size != room {
            self.move_message(start + room, start + size);
        }
        put_varint(&mut self.0[start..start + size], len as u64);
    }

    /// A `KeyValue` of a span with a text: nearly all are short, and their lengths are known before they are written.
    /// False, and nothing written, where a length needs more than a byte.
    #[inline]
    pub(super) fn short_text(&mut self, name: &AttributeName, text: &str) -> bool {
        let (head, head_len) = name.head();
        // The value: its length, and a tag and a length for the text in it. The head's first two bytes do not count.
        let whole = head_len + 1 + text.len();
        if whole >= 0x80 {
            return false;
        }
        let start = self.0.len();
        self.0.extend_from_slice(head);
        let room = &mut self.0[start..start + ROOM];
        room[1] = one_byte(whole);
        let value = [one_byte(2 + text.len()), STRING_VALUE, one_byte(text.len())];
        room[head_len..head_len + value.len()].copy_from_slice(&value);
        self.0.truncate(start + head_len + value.len());
        self.0.extend_from_slice(text.as_bytes());
        true
    }

    /// `KeyValue`s of a span with whole numbers. False, and nothing written, where one of them takes more than 56 bits.
    #[inline]
    pub(super) fn short_numbers(&mut self, rows: &[(&AttributeName, u64)]) -> bool {
        if rows.iter().fold(0, |bits, (_, number)| bits | number) >= 1 << 56 {
            return false;
        }
        // More room than is needed, cut to what is: so each row is written without a look at the room.
        let start = self.0.len();
        self.0.resize(start + rows.len() * ROOM, 0);
        let mut end = start;
        for (name, number) in rows {
            if let Some(room) = self.0[end..].first_chunk_mut() {
                end += put_number(room, name, *number);
            }
        }
        self.0.truncate(end);
        true
    }

    /// Moves what was written from `from` on to `to`.
    #[cold]
    fn move_message(&mut self, from: usize, to: usize) {
        let end = self.0.len();
        self.0.resize(end + to.saturating_sub(from), 0);
        self.0.copy_within(from..end, to);
        self.0.truncate(end - from + to);
    }
}

/// Writes a `KeyValue` with a number below 2^56. Returns how much of the room it takes.
#[inline]
fn put_number(room: &mut [u8; ROOM], name: &AttributeName, number: u64) -> usize {
    // Copies of a known size are an instruction or two.
    let (head, head_len) = name.head();
    *room = *head;
    let len = varint_len(number);
    room[1] = one_byte(head_len + len);
    let tags = u64::from(u16::from_le_bytes([one_byte(1 + len), INT_VALUE]));
    let value = &mut room[head_len..];
    if number < 1 << 28 {
        let all = tags | u64::from(spread_short(number, len)) << 16;
        value[..size_of::<u64>()].copy_from_slice(&all.to_le_bytes());
    } else {
        let all = u128::from(tags) | u128::from(spread(number, len)) << 16;
        value[..size_of::<u128>()].copy_from_slice(&all.to_le_bytes());
    }
    head_len + 2 + len
}

/// The seven bits that the next byte of a varint carries.
#[inline]
const fn low_seven(value: u64) -> u8 {
    (value & 0x7f) as u8
}

/// A varint below 128.
#[inline]
const fn one_byte(value: usize) -> u8 {
    low_seven(value as u64)
}

/// Bytes that a varint takes.
#[inline]
fn varint_len(value: u64) -> usize {
    // A division by 7 that is exact for the 64 numbers of bits there are.
    (((value | 1).ilog2() * 9 + 73) / 64) as usize
}

/// A varint of `len` bytes, at most 4, in the order of memory.
#[inline]
#[allow(clippy::cast_possible_truncation, reason = "four groups of seven bits are asked for")]
const fn spread_short(value: u64, len: usize) -> u32 {
    let value = value as u32;
    let bytes = value & 0x7f | value << 1 & 0x7f00 | value << 2 & 0x7f_0000 | value << 3 & 0x7f00_0000;
    bytes | 0x0080_8080 & ((1 << (8 * (len - 1))) - 1)
}

/// A varint of `len` bytes, at most 8, in the order of memory: the groups of seven bits move apart in three steps.
#[inline]
const fn spread(value: u64, len: usize) -> u64 {
    let halves = value & 0x0fff_ffff | (value & 0x00ff_ffff_f000_0000) << 4;
    let quarters = halves & 0x0000_3fff_0000_3fff | (halves & 0x0fff_c000_0fff_c000) << 2;
    let bytes = quarters & 0x007f_007f_007f_007f | (quarters & 0x3f80_3f80_3f80_3f80) << 1;
    let more = 0x8080_8080_8080_8080 & ((1 << (8 * (len - 1))) - 1);
    bytes | more
}

/// Writes a varint that takes exactly `out`.
#[inline]
fn put_varint(out: &mut [u8], mut value: u64) {
    let last = out.len() - 1;
    for byte in &mut out[..last] {
        *byte = low_seven(value) | 0x80;
        value >>= 7;
    }
    out[last] = low_seven(value);
}

/// A field of a message that was received.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Field<'a> {
    /// A varint.
    Number(u64),
    /// A text, bytes or a message.
    Bytes(&'a [u8]),
    /// Four or eight bytes; no answer that we read has them.
    Fixed,
}

/// Reads the fields of a message from the network. Ends at the first thing that is wrong, see [`Reader::is_ok`].
#[derive(Debug)]
pub(crate) struct Reader<'a> {
    rest: &'a [u8],
    is_ok: bool,
}

impl<'a> Reader<'a> {
    pub(crate) const fn new(message: &'a [u8]) -> Self {
        Self { rest: message, is_ok: true }
    }

    /// Whether all that was read so far was a message.
    pub(crate) const fn is_ok(&self) -> bool {
        self.is_ok
    }

    fn take(&mut self, len: u64) -> Option<&'a [u8]> {
        let (taken, rest) = self.rest.split_at_checked(usize::try_from(len).ok()?)?;
        self.rest = rest;
        Some(taken)
    }

    fn varint(&mut self) -> Option<u64> {
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let (&byte, rest) = self.rest.split_first()?;
            self.rest = rest;
            value |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Some(value);
            }
        }
        None
    }

    fn field(&mut self) -> Option<(u64, Field<'a>)> {
        let tag = self.varint()?;
        let field = match u32::try_from(tag & 7).ok()? {
            VARINT => Field::Number(self.varint()?),
            FIXED64 => self.take(8).map(|_| Field::Fixed)?,
            FIXED32 => self.take(4).map(|_| Field::Fixed)?,
            BYTES => {
                let len = self.varint()?;
                Field::Bytes(self.take(len)?)
            }
            _ => return None,
        };
        (tag >> 3 != 0).then_some((tag >> 3, field))
    }
}

impl<'a> Iterator for Reader<'a> {
    type Item = (u64, Field<'a>);

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() || !self.is_ok {
            return None;
        }
        let field = self.field();
        self.is_ok = field.is_some();
        field
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_of_any_length_is_read_back_whatever_the_room() {
        for len in [0, 1, 127, 128, 129, 16_383, 16_384, 3_000_000] {
            for room in 1..=3 {
                let body = vec![7; len];
                let mut out = Vec::new();
                Writer(&mut out).message(9, room, |message| message.0.extend_from_slice(&body));
                let fields: Vec<_> = Reader::new(&out).collect();
                assert_eq!(fields, [(9, Field::Bytes(&body))], "{len} {room}");
            }
        }
    }

    #[test]
    fn numbers_keep_their_bits() {
        for number in [0, 1, 127, 128, u64::from(u32::MAX), u64::MAX] {
            let mut out = Vec::new();
            Writer(&mut out).number(3, number);
            assert_eq!(Reader::new(&out).collect::<Vec<_>>(), [(3, Field::Number(number))]);
        }
    }

    #[test]
    fn spread_numbers_are_varints() {
        for bits in 0..56 {
            for number in [1 << bits, (1 << bits) - 1, 0x00aa_55aa_55aa_55aa >> (55 - bits)] {
                let len = varint_len(number);
                let mut out = vec![0; len];
                put_varint(&mut out, number);
                assert_eq!(spread(number, len).to_le_bytes()[..len], out, "{number:x}");
                if len <= 4 {
                    assert_eq!(spread_short(number, len).to_le_bytes()[..len], out, "{number:x}");
                }
            }
        }
    }

    #[test]
    fn garbage_ends_the_reading() {
        for garbage in [&b"\xff"[..], b"\x0a\x05ab", b"\x00\x00", b"\x0b", b"<html>", &[0xff; 20]] {
            let mut reader = Reader::new(garbage);
            while reader.next().is_some() {}
            assert!(!reader.is_ok(), "{garbage:?}");
        }
    }
}
