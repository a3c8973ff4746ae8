//! Names of attributes, encoded when the program is compiled: a span repeats two dozen of them.

use super::wire::{BYTES, KEY, VALUE};

/// Bytes for a name with what stands around it.
const HEAD: usize = 48;
/// The same, and 16 for a short value. One size for all is copied in a few instructions, and needs one look at the room.
pub(super) const ROOM: usize = HEAD + 16;
/// `Span.attributes`.
pub(super) const ATTRIBUTES: u32 = 9;

/// A name, and the `KeyValue` that begins with it up to its value.
#[derive(Debug)]
pub struct AttributeName {
    text: &'static str,
    head: [u8; ROOM],
    len: usize,
}

impl AttributeName {
    /// Encodes a name.
    ///
    /// # Panics
    /// For a name above 43 bytes: when it is compiled, if the result is a `const` or `static`.
    #[must_use]
    #[allow(clippy::cast_possible_truncation, reason = "43 and 74 are small; `try_from` is not const")]
    pub const fn new(text: &'static str) -> Self {
        let bytes = text.as_bytes();
        assert!(bytes.len() <= HEAD - 5, "the name is too long");
        let mut head = [0; ROOM];
        (head[0], head[2], head[3]) = ((ATTRIBUTES << 3 | BYTES) as u8, KEY, bytes.len() as u8);
        let mut at = 0;
        while at < bytes.len() {
            head[4 + at] = bytes[at];
            at += 1;
        }
        head[4 + at] = VALUE;
        Self { text, head, len: 5 + at }
    }

    /// The name.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        self.text
    }

    /// The start of a `KeyValue`, its length in the second byte missing, and how much of the array counts.
    #[inline]
    pub(super) const fn head(&self) -> (&[u8; ROOM], usize) {
        (&self.head, self.len)
    }
}
