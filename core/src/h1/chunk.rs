//! The line before each chunk: its size and extensions (RFC 9112 section 7.1).
//!
//! One byte at a time, so that any split gives the same result. Extensions are checked against their grammar and
//! thrown away: a parser that skips to the line end reads past what a stricter one refuses, and that difference has
//! been used to smuggle requests.
//!
//! | state | byte | next |
//! |---|---|---|
//! | `Size` | hex digit / CR / `;` / space | `Size` / `LineFeed` / `NameStart` / `Semicolon` |
//! | `Semicolon` (space before it) | space / `;` | `Semicolon` / `NameStart` |
//! | `NameStart` | space / token | `NameStart` / `Name` |
//! | `Name` | token / `=` / space / `;` / CR | `Name` / `ValueStart` / `NameEnd` / `NameStart` / `LineFeed` |
//! | `NameEnd` (space after a name) | space / `=` / `;` | `NameEnd` / `ValueStart` / `NameStart` |
//! | `ValueStart` | space / token / quote | `ValueStart` / `Value` / `Quoted` |
//! | `Value` | token / `;` / space / CR | `Value` / `NameStart` / `Semicolon` / `LineFeed` |
//! | `Quoted` | quote / backslash / text | `QuoteEnd` / `Escaped` / `Quoted` |
//! | `Escaped` | text | `Quoted` |
//! | `QuoteEnd` | `;` / space / CR | `NameStart` / `Semicolon` / `LineFeed` |
//! | `LineFeed` | LF | end of line |
//!
//! "Space" is space or tab. Anything else is refused.

use super::field::is_token_byte;
use crate::error::Error;

/// 64 bits in hexadecimal.
const MAX_DIGITS: u8 = 16;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    #[default]
    Size,
    Semicolon,
    NameStart,
    Name,
    NameEnd,
    ValueStart,
    Value,
    Quoted,
    Escaped,
    QuoteEnd,
    LineFeed,
}

/// Parser of one line.
#[derive(Debug, Default)]
pub(super) struct ChunkLine {
    state: State,
    digits: u8,
    size: u64,
    /// Bytes of extensions, what separates them included.
    pub extension_bytes: usize,
}

impl ChunkLine {
    /// Takes the next byte. The chunk's size once the line is complete.
    ///
    /// # Errors
    /// 400 where the byte is not allowed here.
    pub fn take(&mut self, byte: u8) -> Result<Option<u64>, Error> {
        if self.state == State::LineFeed {
            return if byte == b'\n' { Ok(Some(self.size)) } else { Err(refused()) };
        }
        if self.state == State::Size && byte.is_ascii_hexdigit() {
            self.add_digit(byte)?;
            return Ok(None);
        }
        if self.digits == 0 {
            return Err(Error::protocol(400, "a chunk has no size"));
        }
        self.state = self.state.after(byte).ok_or_else(refused)?;
        self.extension_bytes += usize::from(self.state != State::LineFeed);
        Ok(None)
    }

    fn add_digit(&mut self, byte: u8) -> Result<(), Error> {
        if self.digits == MAX_DIGITS {
            return Err(Error::protocol(400, "a chunk size has too many digits"));
        }
        self.digits += 1;
        let digit = if byte.is_ascii_digit() { byte - b'0' } else { (byte | 0x20) - b'a' + 10 };
        self.size = self.size << 4 | u64::from(digit);
        Ok(())
    }
}

impl State {
    /// The table above.
    fn after(self, byte: u8) -> Option<Self> {
        let is_space = matches!(byte, b' ' | b'\t');
        match self {
            Self::Quoted | Self::Escaped => self.after_quoted(byte),
            Self::Semicolon | Self::NameStart | Self::NameEnd | Self::ValueStart if is_space => Some(self),
            Self::Name if is_space => Some(Self::NameEnd),
            Self::Size | Self::Value | Self::QuoteEnd if is_space => Some(Self::Semicolon),
            Self::NameStart | Self::Name if is_token_byte(byte) => Some(Self::Name),
            Self::ValueStart | Self::Value if is_token_byte(byte) => Some(Self::Value),
            Self::ValueStart => (byte == b'"').then_some(Self::Quoted),
            Self::Name | Self::NameEnd if byte == b'=' => Some(Self::ValueStart),
            Self::Size | Self::Name | Self::Value | Self::QuoteEnd if byte == b'\r' => Some(Self::LineFeed),
            Self::NameStart | Self::LineFeed => None,
            _ => (byte == b';').then_some(Self::NameStart),
        }
    }

    /// RFC 9110 section 5.6.4.
    const fn after_quoted(self, byte: u8) -> Option<Self> {
        match (self, byte) {
            (_, 0..=8 | 10..=31 | 127) => None,
            (Self::Quoted, b'"') => Some(Self::QuoteEnd),
            (Self::Quoted, b'\\') => Some(Self::Escaped),
            _ => Some(Self::Quoted),
        }
    }
}

const fn refused() -> Error {
    Error::protocol(400, "a chunk size line is broken")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn size(line: &str) -> Result<Option<u64>, u16> {
        let mut parser = ChunkLine::default();
        for (i, byte) in line.bytes().enumerate() {
            if let Some(size) = parser.take(byte).map_err(|e| e.status().unwrap())? {
                assert_eq!(i + 1, line.len(), "ended early: {line:?}");
                return Ok(Some(size));
            }
        }
        Ok(None)
    }

    #[test]
    fn sizes_and_extensions() {
        for (line, expected) in [
            ("0\r\n", 0),
            ("5\r\n", 5),
            ("a\r\n", 10),
            ("aF\r\n", 0xaf),
            ("000\r\n", 0),
            ("ffffffffffffffff\r\n", u64::MAX),
            ("0000000000000001\r\n", 1),
            ("5;a\r\n", 5),
            ("5;a=b\r\n", 5),
            ("5;a=b;c\r\n", 5),
            ("5 ; a = b ; c\r\n", 5),
            ("5\t;\ta\t=\tb\r\n", 5),
            ("5;a=\"b\"\r\n", 5),
            ("5;a=\"\"\r\n", 5),
            ("5;a=\"b \\\" \\\\ \u{e9};\"; c=d\r\n", 5),
            ("5;a=\"b\" ;c\r\n", 5),
        ] {
            assert_eq!(size(line), Ok(Some(expected)), "{line:?}");
        }
    }

    #[test]
    fn broken_lines_are_refused() {
        for line in [
            "\r\n",
            "\n",
            ";a\r\n",
            " 5\r\n",
            "5 \r\n",
            "5\t\r\n",
            "5 x\r\n",
            "0x5\r\n",
            "+5\r\n",
            "-5\r\n",
            "g\r\n",
            "5_0\r\n",
            "5,0\r\n",
            "00000000000000001\r\n",
            "10000000000000000\r\n",
            "5\n",
            "5\r\r\n",
            "5\rx",
            "5;\r\n",
            "5;;a\r\n",
            "5; \r\n",
            "5;=b\r\n",
            "5;a=\r\n",
            "5;a= \r\n",
            "5;a \r\n",
            "5;a=b \r\n",
            "5;a=b c\r\n",
            "5;a b\r\n",
            "5;a\n",
            "5;a=\"b\r\n",
            "5;a=\"b\nc\"\r\n",
            "5;a=\"b\"c\r\n",
            "5;a=\"b\" \r\n",
            "5;a=b\"c\"\r\n",
            "5;a=\"\\\r\n",
            "5;a=\"\0\"\r\n",
            "5;a\0\r\n",
            "5;\u{e9}\r\n",
            "5;a=\u{7f}\r\n",
            "5;a==b\r\n",
        ] {
            assert_eq!(size(line), Err(400), "{line:?}");
        }
    }

    #[test]
    fn extension_bytes_are_counted() {
        for (line, expected) in [("5\r\n", 0), ("5;a\r\n", 2), ("5 ;a=\"b\"\r\n", 7)] {
            let mut parser = ChunkLine::default();
            for byte in line.bytes() {
                parser.take(byte).unwrap();
            }
            assert_eq!(parser.extension_bytes, expected, "{line:?}");
        }
    }
}
