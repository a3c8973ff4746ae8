//! Request line and header fields from a buffer.

use memchr::{memchr, memchr3};

use super::control::Control;
use super::field;
use super::request_line::{self, LIMIT_REST_BYTES, RequestLine, span};
use crate::config::ServerConfig;
use crate::error::Error;
use crate::message::{BodyLength, Request, Span, Version};

/// A request, and how many bytes its head took.
pub type Head = (Request, usize);

/// Finds the end of a head and parses it, however the bytes arrive.
///
/// Each byte is looked for line ends once. What can never become valid is refused as soon as it is there, and the
/// same verdict is reached for any split of the same bytes. After a head, or an error, the reader is new again.
#[derive(Debug, Default)]
pub struct HeadReader {
    /// Bytes before this hold no line end that was not dealt with.
    scanned: usize,
    line_start: usize,
    /// Where the request line begins: after an empty line, if one was sent.
    start: usize,
    request_line: Option<RequestLine>,
    field_count: usize,
}

impl HeadReader {
    /// `buf` holds all bytes of this request so far. `None`: more are needed.
    ///
    /// # Errors
    /// 400 for anything that breaks the grammar, 414, 431, 417, 501 and 505 as the rule that was broken says.
    pub fn read(&mut self, buf: &[u8], config: &ServerConfig) -> Result<Option<Head>, Error> {
        let mut reader = std::mem::take(self);
        let Some(end) = reader.find_end(buf, config)? else {
            *self = reader;
            return Ok(None);
        };
        Ok(Some((reader.parse(buf, end)?, end)))
    }

    /// Where the head ends, its blank line included.
    fn find_end(&mut self, buf: &[u8], config: &ServerConfig) -> Result<Option<usize>, Error> {
        self.check_first_byte(buf)?;
        while let Some(end) = self.next_line_end(buf, config)? {
            let line = &buf[self.line_start..end];
            self.line_start = end + 2;
            self.scanned = end + 2;
            match (line.is_empty(), &self.request_line) {
                (true, Some(_)) => return Ok(Some(end + 2)),
                (true, None) => self.skip_empty_line(buf)?,
                (false, None) => self.take_request_line(line, config)?,
                (false, Some(_)) => {
                    self.field_count += 1;
                    if self.field_count > config.limit_header_count {
                        return Err(Error::limit(431, "too many headers"));
                    }
                }
            }
        }
        Ok(None)
    }

    /// What does not begin with a method will never be HTTP; a TLS client gets its answer before it has sent a line.
    fn check_first_byte(&self, buf: &[u8]) -> Result<(), Error> {
        match buf.get(self.start) {
            Some(0x16) if self.start == 0 => {
                Err(Error::protocol(400, "this is TLS, and plain HTTP is spoken here"))
            }
            Some(b'\r') | None => Ok(()),
            Some(byte) if field::is_token_byte(*byte) => Ok(()),
            Some(_) => Err(Error::protocol(400, "the request does not begin with a method")),
        }
    }

    /// Some clients send a line end after a body; RFC 9112 section 2.2 asks to ignore at least one.
    fn skip_empty_line(&mut self, buf: &[u8]) -> Result<(), Error> {
        if self.start > 0 {
            return Err(Error::protocol(400, "more than one empty line before a request"));
        }
        self.start = self.line_start;
        self.check_first_byte(buf)
    }

    /// At once and not with the fields, so that another protocol is refused with its first line.
    fn take_request_line(&mut self, line: &[u8], config: &ServerConfig) -> Result<(), Error> {
        let parsed = request_line::parse(line)?;
        if (parsed.target.end - parsed.target.start) as usize > config.limit_target_bytes {
            return Err(target_too_long());
        }
        self.request_line = Some(parsed);
        Ok(())
    }

    /// Where the CR of the next line end is.
    fn next_line_end(&mut self, buf: &[u8], config: &ServerConfig) -> Result<Option<usize>, Error> {
        let rest = buf.get(self.scanned..).unwrap_or_default();
        let found = memchr3(b'\r', b'\n', 0, rest).map(|at| self.scanned + at);
        self.scanned = found.unwrap_or(buf.len());
        // Before the byte that was found is judged: one read or many, the bound is met first.
        self.check_bounds(config)?;
        let Some(at) = found else { return Ok(None) };
        match &buf[at..] {
            [b'\r', b'\n', ..] => Ok(Some(at)),
            [b'\r'] => Ok(None),
            [b'\r', ..] => Err(Error::protocol(400, "a CR without LF in the head")),
            [b'\n', ..] => Err(Error::protocol(400, "an LF without CR in the head")),
            _ => Err(Error::protocol(400, "a NUL in the head")),
        }
    }

    /// At least a line end must still follow what was scanned.
    fn check_bounds(&self, config: &ServerConfig) -> Result<(), Error> {
        let head_end = config.limit_head_bytes.min(u32::MAX as usize).saturating_sub(2);
        let line_end = self.start.saturating_add(config.limit_target_bytes).saturating_add(LIMIT_REST_BYTES);
        if self.request_line.is_none() && line_end < head_end && self.scanned > line_end {
            return Err(target_too_long());
        }
        if self.scanned > head_end {
            return Err(Error::limit(431, "the head is too long"));
        }
        Ok(())
    }

    fn parse(self, buf: &[u8], end: usize) -> Result<Request, Error> {
        let line = self.request_line.ok_or(Error::protocol(400, "the request has no request line"))?;
        let mut bytes: Box<[u8]> = buf[self.start..end].into();
        let mut fields = Vec::with_capacity(self.field_count);
        let mut control = Control::default();
        let mut at = line.len + 2;
        while let Some(len) = memchr(b'\r', &bytes[at..]).filter(|len| *len > 0) {
            let (name_len, value) = field::split(&mut bytes[at..at + len])?;
            let (name, value) = (at..at + name_len, at + value.start..at + value.end);
            control.note(fields.len(), &bytes[name.clone()], &bytes[value.clone()])?;
            fields.push((span(name.start, name.end), span(value.start, value.end)));
            at += len + 2;
        }
        let authority = authority(&line, &control, &mut fields)?;
        let body = control.framing.body_length(line.version)?;
        Ok(Request {
            bytes,
            method: line.method,
            target: line.target,
            path: line.path,
            query: line.query,
            authority,
            fields: fields.into_boxed_slice(),
            version: line.version,
            body,
            keep_alive: control.keep_alive(line.version),
            expects_continue: control.expects_continue(line.version)? && body != BodyLength::Known(0),
            head_len: end,
        })
    }
}

/// Whom the request is for. A target that names it overrides the `Host` field, for everybody who reads that field.
fn authority(line: &RequestLine, control: &Control, fields: &mut [(Span, Span)]) -> Result<Span, Error> {
    match (line.authority, control.host) {
        (_, None) if line.version == Version::Http11 => Err(Error::protocol(400, "Host is missing")),
        (Some(authority), Some(host)) => {
            fields[host].1 = authority;
            Ok(authority)
        }
        (Some(authority), None) => Ok(authority),
        (None, Some(host)) => Ok(fields[host].1),
        (None, None) => Ok(Span::default()),
    }
}

const fn target_too_long() -> Error {
    Error::limit(414, "the request target is too long")
}

#[cfg(test)]
mod tests {
    use super::*;

    const TAIL: &str = " HTTP/1.1\r\nHost: a\r\n\r\n";

    fn feed(input: &[u8], step: usize, config: &ServerConfig) -> Result<Option<Head>, Error> {
        let mut reader = HeadReader::default();
        for end in (step..input.len()).step_by(step).chain([input.len()]) {
            if let Some(head) = reader.read(&input[..end], config)? {
                return Ok(Some(head));
            }
        }
        Ok(None)
    }

    /// Whole and byte by byte; both must agree.
    fn read_with(input: &[u8], config: &ServerConfig) -> Result<Option<Request>, (u16, &'static str)> {
        let results = [input.len().max(1), 1, 2, 7].map(|step| {
            feed(input, step, config)
                .map(|head| head.inspect(|(request, used)| assert_eq!(*used, request.head_len())))
                .map(|head| head.map(|(request, _)| request))
                .map_err(|e| (e.status().unwrap(), e.what()))
        });
        for other in &results[1..] {
            assert_eq!(
                format!("{other:?}"),
                format!("{:?}", results[0]),
                "{:?}",
                String::from_utf8_lossy(input)
            );
        }
        let [whole, ..] = results;
        whole
    }

    fn read(input: &str) -> Result<Option<Request>, u16> {
        read_with(input.as_bytes(), &ServerConfig::default()).map_err(|(status, _)| status)
    }

    fn request(input: &str) -> Request {
        read(input).unwrap().unwrap()
    }

    fn status(input: &str) -> Option<u16> {
        read(input).err()
    }

    #[test]
    fn a_request_is_taken_apart() {
        let request = request(
            "POST /a/b?c=d#e HTTP/1.1\r\nHost: h:80\r\nX-One: 1\r\nx-one:\t2 \r\nEmpty:\r\nContent-Length: 5\r\n\r\nhello",
        );
        assert_eq!(request.method(), b"POST");
        assert_eq!(request.target(), b"/a/b?c=d#e");
        assert_eq!(request.path(), b"/a/b");
        assert_eq!(request.query(), b"c=d");
        assert_eq!(request.authority(), b"h:80");
        assert_eq!(request.version(), Version::Http11);
        assert_eq!(request.body(), BodyLength::Known(5));
        assert!(request.keep_alive() && !request.expects_continue());
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        let fields: Vec<_> = request.fields().map(|(name, value)| text(name) + "=" + &text(value)).collect();
        assert_eq!(fields, ["host=h:80", "x-one=1", "x-one=2", "empty=", "content-length=5"]);
        assert_eq!(request.values(b"x-one").count(), 2);
    }

    #[test]
    fn the_head_ends_at_its_blank_line() {
        let one = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
        assert_eq!(request(one).head_len(), one.len());
        assert_eq!(request(&one.repeat(2)).head_len(), one.len(), "the next request is left alone");
        assert_eq!(
            request(&format!("\r\n{one}")).head_len(),
            one.len() + 2,
            "one empty line before it is skipped"
        );
        assert_eq!(status(&format!("\r\n\r\n{one}")), Some(400));
        for end in 0..one.len() {
            assert!(read(&one[..end]).unwrap().is_none(), "{end}");
        }
    }

    #[test]
    fn the_reader_is_new_after_each_head() {
        let input = b"GET /1 HTTP/1.1\r\nHost: a\r\n\r\n\r\nGET /2 HTTP/1.0\r\n\r\n";
        let (mut reader, config) = (HeadReader::default(), ServerConfig::default());
        let (first, used) = reader.read(input, &config).unwrap().unwrap();
        let (second, rest) = reader.read(&input[used..], &config).unwrap().unwrap();
        assert_eq!((first.target(), second.target()), (&b"/1"[..], &b"/2"[..]));
        assert_eq!(used + rest, input.len());
    }

    #[test]
    fn what_can_never_be_valid_is_refused_at_once() {
        for input in [
            "\x16",
            "\n",
            " ",
            "\0",
            "\r\r",
            "\r\n\n",
            "\r\n ",
            "(",
            "GET / HTTP/1.1\n",
            "GET / HTTP/1.1\rX",
            "GE\0",
            "GET / HTTP/1.1\r\nA: b\n",
            "GET / HTTP/1.1\r\nA: b\rC",
            "GET / HTTP/1.1\r\nA: \0",
            "GET /\r\n",
            "SSH-2.0-x\r\n",
        ] {
            assert_eq!(status(input), Some(400), "{input:?}");
        }
        assert_eq!(status("PRI * HTTP/2.0\r\n"), Some(505));
    }

    #[test]
    fn host_is_there_once_and_valid() {
        for (fields, expected) in [
            ("", Some(400)),
            ("Host: a\r\nHost: a\r\n", Some(400)),
            ("Host: a b\r\n", Some(400)),
            ("Host: a/b\r\n", Some(400)),
            ("Host: a, b\r\n", Some(400)),
            ("Host: a:x\r\n", Some(400)),
            ("Host: u@a\r\n", Some(400)),
            ("Host:\r\n", None),
            ("HOST: a\r\n", None),
            ("Host: [::1]:80\r\n", None),
        ] {
            assert_eq!(status(&format!("GET / HTTP/1.1\r\n{fields}\r\n")), expected, "{fields:?}");
        }
        assert_eq!(request("GET / HTTP/1.0\r\n\r\n").authority(), b"");
        assert_eq!(request("GET / HTTP/1.0\r\nHost: a\r\n\r\n").authority(), b"a");
        assert_eq!(status("GET / HTTP/1.0\r\nHost: a\r\nHost: b\r\n\r\n"), Some(400));
        assert_eq!(status("GET http://a/ HTTP/1.1\r\n\r\n"), Some(400), "also where the target names one");
    }

    #[test]
    fn an_absolute_target_overrides_host() {
        let request = request(&format!("GET http://u@b:8/p?q{TAIL}"));
        assert_eq!((request.path(), request.query()), (&b"/p"[..], &b"q"[..]));
        assert_eq!(request.authority(), b"b:8");
        assert_eq!(request.value(b"host"), Some(&b"b:8"[..]), "nobody downstream may see another host");
    }

    #[test]
    fn connection_decides_by_version() {
        for (version, value, expected) in [
            ("1.1", "", true),
            ("1.1", "close", false),
            ("1.1", "x, CLOSE\t,keep-alive", false),
            ("1.1", "keep-alive", true),
            ("1.1", "closed", true),
            ("1.2", "", true),
            ("1.0", "", false),
            ("1.0", "Keep-Alive", true),
            ("1.0", "keep-alive, close", false),
        ] {
            let request = request(&format!("GET / HTTP/{version}\r\nHost: a\r\nConnection: {value}\r\n\r\n"));
            assert_eq!(request.keep_alive(), expected, "{version} {value}");
        }
    }

    #[test]
    fn expectations() {
        for (version, value, length, expected) in [
            ("1.1", "100-continue", 1, Ok(true)),
            ("1.1", "100-Continue", 1, Ok(true)),
            ("1.1", "100-continue", 0, Ok(false)),
            ("1.1", "", 1, Ok(false)),
            ("1.1", "x", 1, Err(417)),
            ("1.1", "100-continue, x", 1, Err(417)),
            ("1.1", "x, 100-continue", 1, Err(417)),
            ("1.0", "100-continue", 1, Ok(false)),
            ("1.0", "x", 1, Ok(false)),
        ] {
            let head = format!(
                "PUT / HTTP/{version}\r\nHost: a\r\nContent-Length: {length}\r\nExpect: {value}\r\n\r\n"
            );
            assert_eq!(read(&head).map(|r| r.unwrap().expects_continue()), expected, "{version} {value}");
        }
    }

    #[test]
    fn framing_reaches_the_request() {
        let chunked =
            request(&format!("PUT /{}", TAIL.replacen("\r\n", "\r\nTransfer-Encoding: chunked\r\n", 1)));
        assert_eq!(chunked.body(), BodyLength::Chunked);
        assert_eq!(request(&format!("PUT /{TAIL}")).body(), BodyLength::Known(0));
        let both = "\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n";
        assert_eq!(status(&format!("PUT /{}", TAIL.replacen("\r\n", both, 1))), Some(400));
        assert_eq!(status("PUT / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n"), Some(400));
        assert_eq!(
            status(&format!("PUT /{}", TAIL.replacen("\r\n", "\r\nTransfer-Encoding: x\r\n", 1))),
            Some(501)
        );
    }

    #[test]
    fn field_lines_are_strict() {
        for line in
            ["A : b", " A: b", "A\t: b", ": b", "A", "A: b\u{b}", "A: \u{7f}", "A\u{0}: b", "A: b\r C: d"]
        {
            assert_eq!(
                status(&format!("GET / HTTP/1.1\r\nHost: a\r\n{line}\r\n\r\n")),
                Some(400),
                "{line:?}"
            );
        }
        assert_eq!(status("GET / HTTP/1.1\r\nHost: a\r\nA: b\r\n c\r\n\r\n"), Some(400), "folded");
    }

    #[test]
    fn bounds_are_exact_for_any_split() {
        let config = ServerConfig {
            limit_head_bytes: 1_024,
            limit_target_bytes: 100,
            limit_header_count: 3,
            ..ServerConfig::default()
        };
        let status = |input: String| read_with(input.as_bytes(), &config).err().map(|(status, _)| status);
        let target = |len: usize| format!("GET /{}{TAIL}", "t".repeat(len - 1));
        assert_eq!(status(target(100)), None);
        assert_eq!(status(target(101)), Some(414));
        assert_eq!(status("t".repeat(142)), None, "a method and a target could still be in there");
        assert_eq!(status("t".repeat(143)), Some(414), "without a line end");
        assert_eq!(status(format!("{}\0", "t".repeat(143))), Some(414), "whatever follows");
        let head = |len: usize| {
            let start = "GET / HTTP/1.1\r\nHost: a\r\nX: ";
            format!("{start}{}\r\n\r\n", "x".repeat(len - start.len() - 4))
        };
        assert_eq!(status(head(1_024)), None);
        assert_eq!(status(head(1_025)), Some(431));
        assert_eq!(status(head(2_000)[..1_022].to_owned()), None);
        assert_eq!(status(head(2_000)[..1_023].to_owned()), Some(431), "without an end");
        let fields =
            |count: usize| format!("GET / HTTP/1.1\r\nHost: a\r\n{}\r\n", "X: y\r\n".repeat(count - 1));
        assert_eq!(status(fields(3)), None);
        assert_eq!(status(fields(4)), Some(431));
    }

    #[test]
    fn a_head_that_comes_byte_by_byte_costs_its_length() {
        let config = ServerConfig { limit_head_bytes: 1 << 22, ..ServerConfig::default() };
        let input = format!("GET / HTTP/1.1\r\nHost: a\r\nX: {}\r\n\r\n", "x".repeat(1 << 21)).into_bytes();
        let mut reader = HeadReader::default();
        for end in 1..input.len() {
            assert!(reader.read(&input[..end], &config).unwrap().is_none());
            assert!(reader.scanned + 1 >= end, "what was scanned is not scanned again");
        }
        assert!(reader.read(&input, &config).unwrap().is_some());
    }
}
