//! Response heads and body framing out.
//!
//! | the response | its framing | what is sent of the body |
//! |---|---|---|
//! | 204 | none | nothing |
//! | 304 | the application's length, if any | nothing |
//! | 205 | a length of 0 | nothing, and it may have none |
//! | to HEAD | as to GET | nothing |
//! | all of it at hand | its length | all |
//! | in pieces, length given | that length | exactly so much |
//! | in pieces to HTTP/1.1 | chunked | each piece that is not empty |
//! | in pieces to HTTP/1.0 | the close of the connection | all |

use bytes::Bytes;

use super::status::reason;
use crate::error::Error;
use crate::message::{ResponseHead, Version};
use crate::output::Output;

/// What is known of the response body when the head is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BodySize {
    /// All of it is at hand: this many bytes.
    Known(u64),
    /// It comes in pieces.
    Unknown,
}

/// What a response head depends on besides itself.
#[derive(Clone, Copy, Debug)]
pub struct ReplyTo<'a> {
    /// Of the request; HTTP/1.0 clients get no chunks.
    pub version: Version,
    /// No body bytes are sent, but the head is the same.
    pub is_head: bool,
    /// Whether the connection can be kept as far as the engine knows.
    pub keep_alive: bool,
    /// `Date: ...\r\n` and `Server: ...\r\n` as the configuration says, each empty where it is not wanted.
    pub date_line: &'a [u8],
    /// See `date_line`.
    pub server_line: &'a [u8],
    /// More lines of the engine's own, each with its end.
    pub extra_lines: &'a [u8],
}

/// How the body's bytes go on the wire.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum BodyFrame {
    /// None are sent (HEAD, 204, 304). What the application sends is counted against nothing and dropped.
    #[default]
    Nothing,
    /// This many more.
    Length(u64),
    /// In chunks.
    Chunked,
    /// Until the connection closes.
    UntilClose,
}

/// Encodes a head. Returns how the body goes, and whether the connection is kept after it. Nothing is put out on error.
///
/// # Errors
/// `Fault::Handler`: a status outside 200 to 999, a body where none is allowed, a wrong length.
pub fn encode_head(
    out: &mut Output,
    head: &ResponseHead,
    size: BodySize,
    to: &ReplyTo<'_>,
) -> Result<(BodyFrame, bool), Error> {
    if !(200..=999).contains(&head.status) {
        return Err(Error::handler("the response status is not between 200 and 999"));
    }
    let framing = choose_framing(head, size, to)?;
    let frame = if to.is_head || matches!(head.status, 204 | 304) { BodyFrame::Nothing } else { framing };
    let keep = to.keep_alive && !head.fields.closes() && frame != BodyFrame::UntilClose;
    put_status_line(out, head.status);
    out.put(head.fields.lines());
    put_framing(out, framing);
    if !head.fields.has_date() {
        out.put(to.date_line);
    }
    if !head.fields.has_server() {
        out.put(to.server_line);
    }
    if !to.extra_lines.is_empty() {
        out.put(to.extra_lines);
    }
    out.put(match (keep, to.version) {
        (false, _) => b"connection: close\r\n\r\n",
        (true, Version::Http10) => b"connection: keep-alive\r\n\r\n",
        (true, Version::Http11) => b"\r\n",
    });
    Ok((frame, keep))
}

/// The framing that the head announces (RFC 9112 section 6.3, RFC 9110 section 8.6).
fn choose_framing(head: &ResponseHead, size: BodySize, to: &ReplyTo<'_>) -> Result<BodyFrame, Error> {
    let given = head.fields.content_length();
    if matches!(head.status, 204 | 205 | 304) {
        return bodiless(head.status, given, size);
    }
    match (given, size) {
        // The body that would have come with GET may not even exist here.
        (Some(length), _) if to.is_head => Ok(BodyFrame::Length(length)),
        (Some(length), BodySize::Known(known)) if length != known => {
            Err(Error::handler("the response's Content-Length is not the length of its body"))
        }
        (Some(length), _) | (None, BodySize::Known(length)) => Ok(BodyFrame::Length(length)),
        (None, BodySize::Unknown) if to.version == Version::Http10 => Ok(BodyFrame::UntilClose),
        (None, BodySize::Unknown) => Ok(BodyFrame::Chunked),
    }
}

/// 204, 205 and 304 (RFC 9110 sections 15.3.5, 15.3.6 and 15.4.5).
fn bodiless(status: u16, given: Option<u64>, size: BodySize) -> Result<BodyFrame, Error> {
    if matches!(size, BodySize::Known(1..)) {
        return Err(Error::handler("a response with this status has no body"));
    }
    match (status, given) {
        (304, Some(length)) => Ok(BodyFrame::Length(length)),
        (205, Some(1..)) => Err(Error::handler("a response with this status has no body")),
        (205, _) => Ok(BodyFrame::Length(0)),
        _ => Ok(BodyFrame::Nothing),
    }
}

fn put_status_line(out: &mut Output, status: u16) {
    if status == 200 {
        return out.put(b"HTTP/1.1 200 OK\r\n");
    }
    out.put(b"HTTP/1.1 ");
    out.put(itoa::Buffer::new().format(status).as_bytes());
    out.put(b" ");
    out.put(reason(status).as_bytes());
    out.put(b"\r\n");
}

fn put_framing(out: &mut Output, framing: BodyFrame) {
    match framing {
        BodyFrame::Length(length) => {
            out.put(b"content-length: ");
            out.put(itoa::Buffer::new().format(length).as_bytes());
            out.put(b"\r\n");
        }
        BodyFrame::Chunked => out.put(b"transfer-encoding: chunked\r\n"),
        BodyFrame::Nothing | BodyFrame::UntilClose => {}
    }
}

impl BodyFrame {
    /// Encodes one piece of the body; `last` ends it. Nothing is put out on error.
    ///
    /// # Errors
    /// `Fault::Handler`: more or fewer bytes than the length that was sent.
    pub fn encode(&mut self, out: &mut Output, chunk: Bytes, last: bool) -> Result<(), Error> {
        match self {
            Self::Nothing => {}
            Self::Length(left) => {
                let rest = left
                    .checked_sub(chunk.len() as u64)
                    .ok_or(Error::handler("the response body is longer than its Content-Length"))?;
                if last && rest > 0 {
                    return Err(Error::handler("the response body is shorter than its Content-Length"));
                }
                *left = rest;
                out.put_chunk(chunk);
            }
            Self::Chunked => put_chunked(out, chunk, last),
            Self::UntilClose => out.put_chunk(chunk),
        }
        Ok(())
    }
}

/// An empty piece must not become a chunk: a size of 0 would end the body.
fn put_chunked(out: &mut Output, chunk: Bytes, last: bool) {
    if !chunk.is_empty() {
        put_chunk_line(out, chunk.len());
        out.put_chunk(chunk);
        out.put(b"\r\n");
    }
    if last {
        out.put(b"0\r\n\r\n");
    }
}

fn put_chunk_line(out: &mut Output, size: usize) {
    let digits = (usize::BITS - size.leading_zeros()).div_ceil(4).max(1);
    let mut line = [0; 18];
    let mut len = 0;
    for place in (0..digits).rev() {
        line[len] = b"0123456789abcdef"[(size >> (place * 4)) & 0xf];
        len += 1;
    }
    line[len] = b'\r';
    line[len + 1] = b'\n';
    out.put(&line[..len + 2]);
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;
    use crate::error::Fault;

    const TO: ReplyTo<'static> = ReplyTo {
        version: Version::Http11,
        is_head: false,
        keep_alive: true,
        date_line: b"Date: D\r\n",
        server_line: b"Server: S\r\n",
        extra_lines: b"",
    };
    const OLD: ReplyTo<'static> = ReplyTo { version: Version::Http10, ..TO };
    const HEAD: ReplyTo<'static> = ReplyTo { is_head: true, ..TO };

    fn sent(output: &mut Output) -> String {
        let mut bytes = Vec::new();
        while !output.is_empty() {
            output.write_with(|slices| bytes.write_vectored(slices)).unwrap();
        }
        String::from_utf8(bytes).unwrap()
    }

    fn head(status: u16, fields: &[(&str, &str)]) -> ResponseHead {
        let mut head = ResponseHead { status, ..ResponseHead::default() };
        for (name, value) in fields {
            head.fields.add(name.as_bytes(), value.as_bytes()).unwrap();
        }
        head
    }

    type Encoded = Result<(String, BodyFrame, bool), Fault>;

    fn encode(head: &ResponseHead, size: BodySize, to: &ReplyTo<'_>) -> Encoded {
        let mut output = Output::default();
        let result = encode_head(&mut output, head, size, to);
        let text = sent(&mut output);
        assert_eq!(text.is_empty(), result.is_err());
        result.map(|(frame, keep)| (text, frame, keep)).map_err(|e| e.fault())
    }

    #[test]
    fn a_whole_head() {
        let head = head(200, &[("content-type", "text/plain"), ("X", "y")]);
        let expected = "HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\nX: y\r\ncontent-length: 5\r\nDate: D\r\nServer: S\r\n\r\n";
        assert_eq!(
            encode(&head, BodySize::Known(5), &TO),
            Ok((expected.to_owned(), BodyFrame::Length(5), true))
        );
    }

    #[test]
    fn status_lines() {
        for (status, line) in
            [(404, "404 Not Found"), (299, "299 "), (999, "999 "), (500, "500 Internal Server Error")]
        {
            let (text, ..) = encode(&head(status, &[]), BodySize::Known(0), &TO).unwrap();
            assert_eq!(text.split("\r\n").next(), Some(format!("HTTP/1.1 {line}").as_str()));
        }
        for status in [0, 100, 101, 199, 1_000] {
            assert_eq!(encode(&head(status, &[]), BodySize::Known(0), &TO), Err(Fault::Handler), "{status}");
        }
    }

    #[test]
    fn extra_lines_come_last() {
        let to = ReplyTo { extra_lines: b"x-trace: 1\r\n", keep_alive: false, ..TO };
        let (text, ..) = encode(&head(200, &[]), BodySize::Known(0), &to).unwrap();
        assert!(text.ends_with("Server: S\r\nx-trace: 1\r\nconnection: close\r\n\r\n"), "{text}");
    }

    /// What stands between the application's lines and `Date`, and the frame.
    fn framing(
        status: u16,
        length: Option<&str>,
        size: BodySize,
        to: &ReplyTo<'_>,
    ) -> Result<(String, BodyFrame), Fault> {
        let fields: Vec<_> = length.iter().map(|length| ("content-length", *length)).collect();
        let (text, frame, _) = encode(&head(status, &fields), size, to)?;
        let (start, _) = text.split_once("Date").unwrap();
        Ok((start.split_once("\r\n").unwrap().1.trim_end().to_owned(), frame))
    }

    #[test]
    fn framing_by_status_and_size() {
        use BodyFrame::{Chunked, Length, Nothing, UntilClose};
        use BodySize::{Known, Unknown};
        for (status, length, size, to, expected) in [
            (200, None, Known(0), TO, Ok(("content-length: 0", Length(0)))),
            (200, Some("5"), Known(5), TO, Ok(("content-length: 5", Length(5)))),
            (200, Some("5"), Known(4), TO, Err(Fault::Handler)),
            (200, Some("5"), Unknown, TO, Ok(("content-length: 5", Length(5)))),
            (200, None, Unknown, TO, Ok(("transfer-encoding: chunked", Chunked))),
            (200, None, Unknown, OLD, Ok(("", UntilClose))),
            (200, None, Known(5), HEAD, Ok(("content-length: 5", Nothing))),
            (200, Some("9"), Known(0), HEAD, Ok(("content-length: 9", Nothing))),
            (200, None, Unknown, HEAD, Ok(("transfer-encoding: chunked", Nothing))),
            (204, None, Known(0), TO, Ok(("", Nothing))),
            (204, Some("0"), Unknown, TO, Ok(("", Nothing))),
            (204, None, Known(1), TO, Err(Fault::Handler)),
            (204, None, Known(0), HEAD, Ok(("", Nothing))),
            (205, None, Unknown, TO, Ok(("content-length: 0", Length(0)))),
            (205, Some("1"), Unknown, TO, Err(Fault::Handler)),
            (304, None, Known(0), TO, Ok(("", Nothing))),
            (304, Some("7"), Known(0), TO, Ok(("content-length: 7", Nothing))),
            (304, None, Known(7), TO, Err(Fault::Handler)),
        ] {
            let expected = expected.map(|(line, frame): (&str, _)| (line.to_owned(), frame));
            assert_eq!(framing(status, length, size, &to), expected, "{status} {length:?} {size:?} {to:?}");
        }
    }

    #[test]
    fn connection_lines() {
        for (to, fields, size, line, kept) in [
            (TO, &[][..], BodySize::Known(0), "", true),
            (TO, &[("connection", "close")], BodySize::Known(0), "connection: close", false),
            (ReplyTo { keep_alive: false, ..TO }, &[], BodySize::Known(0), "connection: close", false),
            (OLD, &[], BodySize::Known(0), "connection: keep-alive", true),
            (OLD, &[], BodySize::Unknown, "connection: close", false),
            (ReplyTo { is_head: true, ..OLD }, &[], BodySize::Unknown, "connection: keep-alive", true),
        ] {
            let (text, _, keep) = encode(&head(200, fields), size, &to).unwrap();
            assert_eq!(
                (text.split_once("Server: S\r\n").unwrap().1.trim_end(), keep),
                (line, kept),
                "{to:?}"
            );
        }
    }

    #[test]
    fn the_applications_date_and_server_win() {
        let (text, ..) =
            encode(&head(200, &[("date", "x"), ("SERVER", "y")]), BodySize::Known(0), &TO).unwrap();
        assert!(text.contains("date: x\r\n") && text.contains("SERVER: y\r\n"));
        assert!(!text.contains("Date: D") && !text.contains("Server: S"));
    }

    fn pieces(mut frame: BodyFrame, pieces: &[&'static str]) -> Result<String, (usize, Fault)> {
        let mut output = Output::default();
        for (i, piece) in pieces.iter().enumerate() {
            let last = i + 1 == pieces.len();
            let before = output.queued();
            if let Err(e) = frame.encode(&mut output, Bytes::from_static(piece.as_bytes()), last) {
                assert_eq!(output.queued(), before, "nothing of a refused piece is sent");
                return Err((i, e.fault()));
            }
        }
        Ok(sent(&mut output))
    }

    #[test]
    fn body_pieces() {
        use BodyFrame::{Chunked, Length, Nothing, UntilClose};
        let long = "0123456789abcdef";
        for (frame, input, expected) in [
            (Nothing, &["a", "b"][..], Ok("")),
            (Length(3), &["ab", "", "c"], Ok("abc")),
            (Length(0), &[""], Ok("")),
            (Length(3), &["ab", "cd"], Err((1, Fault::Handler))),
            (Length(3), &["ab", ""], Err((1, Fault::Handler))),
            (Chunked, &["ab", "", "c"], Ok("2\r\nab\r\n1\r\nc\r\n0\r\n\r\n")),
            (Chunked, &["ab", ""], Ok("2\r\nab\r\n0\r\n\r\n")),
            (Chunked, &[""], Ok("0\r\n\r\n")),
            (Chunked, &[long], Ok("10\r\n0123456789abcdef\r\n0\r\n\r\n")),
            (UntilClose, &["a", "", "b"], Ok("ab")),
        ] {
            assert_eq!(pieces(frame, input), expected.map(str::to_owned), "{frame:?} {input:?}");
        }
    }
}
