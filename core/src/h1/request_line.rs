//! The request line: method, target, version (RFC 9112 section 3).

use memchr::memchr;

use super::target::{self, Target};
use crate::error::Error;
use crate::message::{Span, Version, is_token};

/// Longest method; the longest registered one has 17 bytes (`UPDATEREDIRECTREF`).
const LIMIT_METHOD_BYTES: usize = 32;
/// Everything in a request line besides the target: method, two spaces, version.
pub(super) const LIMIT_REST_BYTES: usize = LIMIT_METHOD_BYTES + 2 + 8;

/// A request line whose parts are ranges of its bytes.
#[derive(Debug)]
pub(super) struct RequestLine {
    pub method: Span,
    pub target: Span,
    pub path: Span,
    pub query: Span,
    /// Where the target names one.
    pub authority: Option<Span>,
    pub version: Version,
    /// Of the line, without its CRLF.
    pub len: usize,
}

/// Parses a line without its CRLF. The caller has bounded its length to 32 bits.
///
/// # Errors
/// 400 for a broken line, 501 for a method longer than any, 505 for another major version.
pub(super) fn parse(line: &[u8]) -> Result<RequestLine, Error> {
    let method_end = memchr(b' ', line).ok_or(Error::protocol(400, "the request line has no target"))?;
    let target_start = method_end + 1;
    let target_end = memchr(b' ', &line[target_start..])
        .map(|len| target_start + len)
        .ok_or(Error::protocol(400, "the request line has no version"))?;
    let method = &line[..method_end];
    if !is_token(method) {
        return Err(Error::protocol(400, "the method is not a token"));
    }
    if method.len() > LIMIT_METHOD_BYTES {
        return Err(Error::protocol(501, "unknown method"));
    }
    let version = parse_version(&line[target_end + 1..])?;
    let Target { path, query, authority } = target::parse(method, &line[target_start..target_end])?;
    let in_target =
        |range: std::ops::Range<usize>| span(target_start + range.start, target_start + range.end);
    Ok(RequestLine {
        method: span(0, method_end),
        target: span(target_start, target_end),
        path: in_target(path),
        query: in_target(query),
        authority: authority.map(in_target),
        version,
        len: line.len(),
    })
}

/// A range of a head, whose length `HeadReader` bounds to 32 bits.
#[expect(clippy::cast_possible_truncation, reason = "heads are bounded to 32 bits before they are parsed")]
pub(super) const fn span(start: usize, end: usize) -> Span {
    Span { start: start as u32, end: end as u32 }
}

/// A minor version above 1 is read as 1: it promises to be understood (RFC 9110 section 2.5).
fn parse_version(text: &[u8]) -> Result<Version, Error> {
    match text {
        b"HTTP/1.0" => Ok(Version::Http10),
        [b'H', b'T', b'T', b'P', b'/', b'1', b'.', b'1'..=b'9'] => Ok(Version::Http11),
        [b'H', b'T', b'T', b'P', b'/', major, b'.', minor]
            if major.is_ascii_digit() && minor.is_ascii_digit() =>
        {
            Err(Error::protocol(505, "only HTTP/1.0 and HTTP/1.1 are spoken here"))
        }
        _ => Err(Error::protocol(400, "the request line does not end in an HTTP version")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status(line: &str) -> Result<Version, u16> {
        parse(line.as_bytes()).map(|line| line.version).map_err(|e| e.status().unwrap())
    }

    #[test]
    fn versions() {
        for (version, expected) in [
            ("HTTP/1.1", Ok(Version::Http11)),
            ("HTTP/1.0", Ok(Version::Http10)),
            ("HTTP/1.2", Ok(Version::Http11)),
            ("HTTP/1.9", Ok(Version::Http11)),
            ("HTTP/2.0", Err(505)),
            ("HTTP/0.9", Err(505)),
            ("HTTP/5.6", Err(505)),
            ("HTTP/1", Err(400)),
            ("HTTP/1.10", Err(400)),
            ("HTTP/11", Err(400)),
            ("http/1.1", Err(400)),
            ("HTTP/1.1 ", Err(400)),
            ("HTTP/1.1 x", Err(400)),
            ("RTSP/1.0", Err(400)),
            ("", Err(400)),
        ] {
            assert_eq!(status(&format!("GET / {version}")), expected, "{version}");
        }
    }

    #[test]
    fn broken_lines_are_refused() {
        for line in [
            "",
            "GET",
            "GET ",
            "GET /",
            "GET  / HTTP/1.1",
            "GET /  HTTP/1.1",
            "GET / a HTTP/1.1",
            " GET / HTTP/1.1",
            "G(T / HTTP/1.1",
            "G\u{1}T / HTTP/1.1",
            "GET\t/\tHTTP/1.1",
            "GET  HTTP/1.1",
            "GET x HTTP/1.1",
        ] {
            assert_eq!(status(line), Err(400), "{line:?}");
        }
        assert_eq!(status(&format!("{} / HTTP/1.1", "M".repeat(33))), Err(501));
        assert_eq!(status(&format!("{} / HTTP/1.1", "M".repeat(32))), Ok(Version::Http11));
        assert_eq!(status("PRI * HTTP/2.0"), Err(505), "HTTP/2 with prior knowledge");
    }
}
