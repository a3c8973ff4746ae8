//! A response head, checked as it is made.

use super::{is_field_value, is_token, parse_length};
use crate::error::Error;

/// Most response heads fit in this many bytes.
const USUAL_HEAD: usize = 192;

/// The response fields, kept as the lines that will be sent. Every line is checked when it is added.
#[derive(Clone, Debug, Default)]
pub struct ResponseFields {
    lines: Vec<u8>,
    content_length: Option<u64>,
    closes: bool,
    has_date: bool,
    has_server: bool,
}

impl ResponseFields {
    /// Adds one field.
    ///
    /// # Errors
    /// `Fault::Handler` where name or value would break the message: not a token, CR, LF or NUL in the value, a
    /// length that is not a number or contradicts an earlier one. `Transfer-Encoding` is ours to decide: it is
    /// dropped, as are the connection fields besides `Connection: close`.
    pub fn add(&mut self, name: &[u8], value: &[u8]) -> Result<(), Error> {
        if !is_token(name) {
            return Err(Error::handler("a response header name is not a token"));
        }
        if !is_field_value(value) {
            return Err(Error::handler("a response header value holds CR, LF, NUL or another control byte"));
        }
        let value = value.trim_ascii();
        if !self.admit(name, value)? {
            return Ok(());
        }
        if self.lines.is_empty() {
            self.lines.reserve(USUAL_HEAD); // once, not as it grows
        }
        self.lines.extend_from_slice(name);
        self.lines.extend_from_slice(b": ");
        self.lines.extend_from_slice(value);
        self.lines.extend_from_slice(b"\r\n");
        Ok(())
    }

    /// Notes what the framing must know; false: the field is not sent as a line.
    fn admit(&mut self, name: &[u8], value: &[u8]) -> Result<bool, Error> {
        match name.len() {
            4 if name.eq_ignore_ascii_case(b"date") => self.has_date = true,
            6 if name.eq_ignore_ascii_case(b"server") => self.has_server = true,
            10 if name.eq_ignore_ascii_case(b"connection") => {
                self.closes |=
                    value.split(|b| *b == b',').any(|t| t.trim_ascii().eq_ignore_ascii_case(b"close"));
                return Ok(false);
            }
            10 if name.eq_ignore_ascii_case(b"keep-alive") => return Ok(false),
            17 if name.eq_ignore_ascii_case(b"transfer-encoding") => return Ok(false),
            14 if name.eq_ignore_ascii_case(b"content-length") => {
                let length = parse_length(value)
                    .ok_or(Error::handler("the response's Content-Length is not a number"))?;
                if self.content_length.is_some_and(|known| known != length) {
                    return Err(Error::handler("the response has two different Content-Length values"));
                }
                self.content_length = Some(length);
                return Ok(false);
            }
            _ => {}
        }
        Ok(true)
    }

    /// Replaces all fields of this name by one.
    ///
    /// # Errors
    /// As [`ResponseFields::add`].
    pub fn set(&mut self, name: &[u8], value: &[u8]) -> Result<(), Error> {
        self.remove(name);
        self.add(name, value)
    }

    /// Removes all fields of this name.
    pub fn remove(&mut self, name: &[u8]) {
        match name.len() {
            4 if name.eq_ignore_ascii_case(b"date") => self.has_date = false,
            6 if name.eq_ignore_ascii_case(b"server") => self.has_server = false,
            10 if name.eq_ignore_ascii_case(b"connection") => self.closes = false,
            14 if name.eq_ignore_ascii_case(b"content-length") => self.content_length = None,
            _ => {}
        }
        if !self.lines.split_inclusive(|b| *b == b'\n').any(|line| line_has_name(line, name)) {
            return;
        }
        let kept: Vec<u8> = self
            .lines
            .split_inclusive(|b| *b == b'\n')
            .filter(|line| !line_has_name(line, name))
            .flatten()
            .copied()
            .collect();
        self.lines = kept;
    }

    /// The value of the first field of this name.
    #[must_use]
    pub fn get(&self, name: &[u8]) -> Option<&[u8]> {
        let line = self.lines.split_inclusive(|b| *b == b'\n').find(|line| line_has_name(line, name))?;
        Some(&line[name.len() + 2..line.len() - 2])
    }

    /// The lines as they are sent, without those that the engine adds.
    #[must_use]
    pub fn lines(&self) -> &[u8] {
        &self.lines
    }

    /// The `Content-Length` that the application gave.
    #[must_use]
    pub const fn content_length(&self) -> Option<u64> {
        self.content_length
    }

    /// Whether the application said `Connection: close`.
    #[must_use]
    pub const fn closes(&self) -> bool {
        self.closes
    }

    /// Whether the application gave a `Date`.
    #[must_use]
    pub const fn has_date(&self) -> bool {
        self.has_date
    }

    /// Whether the application gave a `Server`.
    #[must_use]
    pub const fn has_server(&self) -> bool {
        self.has_server
    }
}

fn line_has_name(line: &[u8], name: &[u8]) -> bool {
    line.len() > name.len() && line[name.len()] == b':' && line[..name.len()].eq_ignore_ascii_case(name)
}

/// Status and fields of a response.
#[derive(Clone, Debug, Default)]
pub struct ResponseHead {
    /// 200 to 999; the engine sends 1xx itself.
    pub status: u16,
    /// The fields.
    pub fields: ResponseFields,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Fault;

    fn fields(pairs: &[(&str, &str)]) -> Result<ResponseFields, Fault> {
        let mut fields = ResponseFields::default();
        for (name, value) in pairs {
            fields.add(name.as_bytes(), value.as_bytes()).map_err(|e| e.fault())?;
        }
        Ok(fields)
    }

    #[test]
    fn lines_are_sent_as_added() {
        let fields = fields(&[("X-A", " b\t"), ("x-a", "c"), ("Empty", ""), ("u", "\u{fc}")]).unwrap();
        assert_eq!(fields.lines(), "X-A: b\r\nx-a: c\r\nEmpty: \r\nu: \u{fc}\r\n".as_bytes());
        assert_eq!(fields.get(b"X-a"), Some(&b"b"[..]));
        assert_eq!(fields.get(b"x"), None);
        assert_eq!(fields.get(b"empty"), Some(&b""[..]));
    }

    #[test]
    fn what_would_break_the_message_is_refused() {
        for (name, value) in [
            ("", "a"),
            ("a b", "a"),
            ("a:", "a"),
            ("a\r\n", "a"),
            ("\u{e9}", "a"),
            ("a", "b\rc"),
            ("a", "b\nc"),
            ("a", "b\r\nc: d"),
            ("a", "b\r\n"),
            ("a", "\nb"),
            ("a", "b\0c"),
            ("a", "b\u{1b}[0m"),
            ("a", "\u{7f}"),
            ("content-length", ""),
            ("content-length", "-1"),
            ("content-length", "1 2"),
            ("content-length", "1, 1"),
            ("content-length", "18446744073709551616"),
        ] {
            assert_eq!(fields(&[(name, value)]).err(), Some(Fault::Handler), "{name:?} {value:?}");
        }
    }

    #[test]
    fn the_framing_is_noted_and_not_sent() {
        let fields = fields(&[
            ("Content-Length", "5"),
            ("content-length", "5"),
            ("Transfer-Encoding", "chunked"),
            ("Connection", "x, Close"),
            ("Keep-Alive", "timeout=5"),
        ]);
        let fields = fields.unwrap();
        assert!(fields.lines().is_empty());
        assert_eq!(fields.content_length(), Some(5));
        assert!(fields.closes());
    }

    #[test]
    fn two_lengths_must_agree() {
        assert_eq!(fields(&[("content-length", "5"), ("content-length", "6")]).err(), Some(Fault::Handler));
    }

    #[test]
    fn set_replaces_and_remove_forgets() {
        let mut fields =
            fields(&[("a", "1"), ("Date", "x"), ("A", "2"), ("server", "y"), ("ab", "3")]).unwrap();
        fields.set(b"A", b"4").unwrap();
        assert_eq!(fields.lines(), b"Date: x\r\nserver: y\r\nab: 3\r\nA: 4\r\n");
        assert!(fields.has_date() && fields.has_server());
        fields.add(b"content-length", b"7").unwrap();
        fields.add(b"connection", b"close").unwrap();
        for name in [&b"DATE"[..], b"Server", b"Content-Length", b"Connection", b"ab", b"a"] {
            fields.remove(name);
        }
        assert!(!fields.has_date() && !fields.has_server() && !fields.closes());
        assert_eq!((fields.content_length(), fields.lines()), (None, &b""[..]));
    }
}
