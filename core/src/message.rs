//! Request and response heads as plain data: what crosses from the protocol to the application and back.

use crate::error::Error;

/// HTTP versions that share the HTTP/1 framing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Version {
    /// HTTP/1.0
    Http10,
    /// HTTP/1.1
    Http11,
}

impl Version {
    /// As in the access log: `1.0`.
    #[must_use]
    pub const fn number(self) -> &'static str {
        match self {
            Self::Http10 => "1.0",
            Self::Http11 => "1.1",
        }
    }
}

/// Length of a request body, fixed once the head is read. Bytes are counted after chunk decoding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BodyLength {
    /// Exactly this many bytes; 0: no body.
    Known(u64),
    /// As the chunks say.
    Chunked,
}

/// A field that owns its lower-case name and its value.
pub type Field = (Box<[u8]>, Box<[u8]>);

/// A range of [`Request`]'s bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Span {
    /// First byte.
    pub start: u32,
    /// One past the last byte.
    pub end: u32,
}

/// A parsed and validated request head. Owns one copy of the head's bytes; names are lower case.
#[derive(Clone, Debug)]
pub struct Request {
    pub(crate) bytes: Box<[u8]>,
    pub(crate) method: Span,
    pub(crate) target: Span,
    /// Of an absolute-form target, the part from its path on; `/` where that is empty.
    pub(crate) path: Span,
    pub(crate) query: Span,
    pub(crate) authority: Span,
    pub(crate) fields: Box<[(Span, Span)]>,
    pub(crate) version: Version,
    pub(crate) body: BodyLength,
    pub(crate) keep_alive: bool,
    pub(crate) expects_continue: bool,
    pub(crate) head_len: usize,
}

impl Request {
    fn slice(&self, span: Span) -> &[u8] {
        &self.bytes[span.start as usize..span.end as usize]
    }

    /// The method as sent, case kept.
    #[must_use]
    pub fn method(&self) -> &[u8] {
        self.slice(self.method)
    }

    /// The request target as sent.
    #[must_use]
    pub fn target(&self) -> &[u8] {
        self.slice(self.target)
    }

    /// The path as sent, still percent-encoded; `*` for asterisk-form, the authority for CONNECT.
    #[must_use]
    pub fn path(&self) -> &[u8] {
        self.slice(self.path)
    }

    /// What follows the first `?`, without it, up to a `#`.
    #[must_use]
    pub fn query(&self) -> &[u8] {
        self.slice(self.query)
    }

    /// Host and port that the request is for, without user information: of the target where it names them, else of
    /// the `Host` field (RFC 9112 section 3.3). Empty where neither does.
    #[must_use]
    pub fn authority(&self) -> &[u8] {
        self.slice(self.authority)
    }

    /// The version of the request line.
    #[must_use]
    pub const fn version(&self) -> Version {
        self.version
    }

    /// Lower-case names and values without surrounding white space, in the order sent. Where the target is in
    /// absolute form, `host` holds the target's authority: the value sent must be ignored (RFC 9112 section 3.2.2).
    #[must_use]
    pub fn fields(&self) -> impl ExactSizeIterator<Item = (&[u8], &[u8])> {
        self.fields.iter().map(|(name, value)| (self.slice(*name), self.slice(*value)))
    }

    /// The values of all fields with this lower-case name.
    pub fn values<'a>(&'a self, name: &'a [u8]) -> impl Iterator<Item = &'a [u8]> {
        self.fields().filter(move |(n, _)| *n == name).map(|(_, value)| value)
    }

    /// The value of the first field with this lower-case name.
    #[must_use]
    pub fn value(&self, name: &[u8]) -> Option<&[u8]> {
        self.fields().find(|(n, _)| *n == name).map(|(_, value)| value)
    }

    /// How long the body is.
    #[must_use]
    pub const fn body(&self) -> BodyLength {
        self.body
    }

    /// Whether the client wants the connection kept.
    #[must_use]
    pub const fn keep_alive(&self) -> bool {
        self.keep_alive
    }

    /// Whether the client waits for `100 Continue` before it sends the body.
    #[must_use]
    pub const fn expects_continue(&self) -> bool {
        self.expects_continue
    }

    /// Bytes of the head on the wire, with the blank lines that were skipped before it.
    #[must_use]
    pub const fn head_len(&self) -> usize {
        self.head_len
    }
}

/// Whether these bytes may be a field name (RFC 9110 section 5.6.2, `token`).
#[must_use]
pub fn is_token(bytes: &[u8]) -> bool {
    !bytes.is_empty() && bytes.iter().all(|b| TOKEN[usize::from(*b)])
}

/// Which bytes a token may hold.
const TOKEN: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = 0u8;
    while byte < 128 {
        table[byte as usize] = byte.is_ascii_alphanumeric();
        byte += 1;
    }
    let marks = b"!#$%&'*+-.^_`|~";
    let mut index = 0;
    while index < marks.len() {
        table[marks[index] as usize] = true;
        index += 1;
    }
    table
};

/// Whether these bytes may be a field value: no control bytes but tab (RFC 9110 section 5.5).
#[must_use]
pub fn is_field_value(bytes: &[u8]) -> bool {
    bytes.iter().all(|b| *b == b'\t' || (*b >= b' ' && *b != 0x7f))
}

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

/// A length as RFC 9110 section 8.6 writes it: digits alone, no sign, no space; `None` also over 64 bits.
#[must_use]
pub fn parse_length(value: &[u8]) -> Option<u64> {
    if value.is_empty() || value.len() > 20 {
        return None;
    }
    value.iter().try_fold(0u64, |sum, digit| {
        digit.is_ascii_digit().then_some(())?;
        sum.checked_mul(10)?.checked_add(u64::from(digit - b'0'))
    })
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

    #[test]
    fn lengths_are_digits_alone() {
        for (text, expected) in [
            ("0", Some(0)),
            ("007", Some(7)),
            ("18446744073709551615", Some(u64::MAX)),
            ("18446744073709551616", None),
            ("99999999999999999999", None),
            ("000000000000000000001", None),
            ("", None),
            ("+1", None),
            ("1 ", None),
            ("\u{661}", None),
        ] {
            assert_eq!(parse_length(text.as_bytes()), expected, "{text:?}");
        }
    }
}
