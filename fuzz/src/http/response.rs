//! Responses of an application that may be wrong in any way.

use std::io::Write;

use bytes::Bytes;
use wirespan_core::config::ServerConfig;
use wirespan_core::error::Fault;
use wirespan_core::h1::{BodyDecoder, BodyFrame, BodySize, ReplyTo, encode_head};
use wirespan_core::message::{BodyLength, ResponseHead, Version};
use wirespan_core::output::Output;

const NAMES: [&[u8]; 8] = [
    b"x-a",
    b"Content-Length",
    b"transfer-encoding",
    b"Connection",
    b"Date",
    b"server",
    b"a b",
    b"keep-alive",
];

/// Everything that `output` would send.
pub(crate) fn sent(output: &mut Output) -> Vec<u8> {
    let mut bytes = Vec::new();
    while !output.is_empty() {
        output.write_with(|slices| bytes.write_vectored(slices)).expect("a vector takes every byte");
    }
    bytes
}

/// Responses: whatever the application says, the bytes are one well-formed message or there is an error that says
/// it is the application's. The data's lines are: two bytes for the status, one for the kind of request, then fields
/// (a byte for the name, the value), an empty line, and the pieces of the body.
///
/// # Panics
/// Where that does not hold.
pub fn response(data: &[u8]) {
    let [high, low, kind, data @ ..] = data else { return };
    let mut head =
        ResponseHead { status: u16::from(*high) << 8 | u16::from(*low), ..ResponseHead::default() };
    let mut lines = data.split(|byte| *byte == b'\n');
    for line in lines.by_ref().take_while(|line| !line.is_empty()) {
        let result = head.fields.add(NAMES[usize::from(line[0]) % NAMES.len()], &line[1..]);
        assert!(result.is_ok() || is_refusable(line));
    }
    let pieces: Vec<Bytes> = lines.map(Bytes::copy_from_slice).collect();
    let total = pieces.iter().map(Bytes::len).sum::<usize>() as u64;
    let to = ReplyTo {
        version: if kind & 1 == 0 { Version::Http11 } else { Version::Http10 },
        is_head: kind & 2 != 0,
        keep_alive: kind & 4 == 0,
        date_line: b"Date: now\r\n",
        server_line: b"Server: us\r\n",
        extra_lines: b"",
    };
    let size = if kind & 8 == 0 { BodySize::Unknown } else { BodySize::Known(total) };
    let mut output = Output::default();
    match encode_head(&mut output, &head, size, &to) {
        Ok((frame, keep)) => {
            let text = sent(&mut output);
            check_head(&text, frame, keep);
            check_body(frame, &pieces);
        }
        Err(error) => {
            assert_eq!(error.fault(), Fault::Handler);
            assert!(output.is_empty());
        }
    }
}

fn is_refusable(line: &[u8]) -> bool {
    matches!(usize::from(line[0]) % NAMES.len(), 1 | 6) || line.iter().any(u8::is_ascii_control)
}

fn check_head(text: &[u8], frame: BodyFrame, keep: bool) {
    let body = text.strip_suffix(b"\r\n\r\n").expect("a blank line ends the head");
    let lines: Vec<_> = String::from_utf8_lossy(body).split("\r\n").map(str::to_ascii_lowercase).collect();
    assert!(lines[0].starts_with("http/1.1 "));
    assert!(lines.iter().all(|line| !line.is_empty() && !line.contains(['\r', '\n', '\0'])));
    let count = |name: &str| lines.iter().filter(|line| line.starts_with(name)).count();
    let (lengths, codings) = (count("content-length:"), count("transfer-encoding:"));
    match frame {
        BodyFrame::Length(_) => assert_eq!((lengths, codings), (1, 0)),
        BodyFrame::Chunked => assert_eq!((lengths, codings), (0, 1)),
        BodyFrame::UntilClose => assert_eq!((lengths, codings, keep), (0, 0, false)),
        BodyFrame::Nothing => assert!(lengths + codings <= 1),
    }
    assert!(count("date:") > 0 && count("server:") > 0);
    assert_eq!(count("connection: close"), usize::from(!keep));
}

fn check_body(frame: BodyFrame, pieces: &[Bytes]) {
    let (mut left, mut output, mut given) = (frame, Output::default(), Vec::new());
    for (i, piece) in pieces.iter().enumerate() {
        let before = output.queued();
        given.extend_from_slice(piece);
        if let Err(error) = left.encode(&mut output, piece.clone(), i + 1 == pieces.len()) {
            assert_eq!((error.fault(), output.queued()), (Fault::Handler, before));
            assert!(
                matches!(frame, BodyFrame::Length(length) if length != given.len() as u64 || i + 1 < pieces.len())
            );
            return;
        }
    }
    let text = sent(&mut output);
    match frame {
        BodyFrame::Nothing => assert!(text.is_empty()),
        BodyFrame::UntilClose => assert_eq!(text, given),
        BodyFrame::Length(length) => {
            assert_eq!(text, given);
            assert!(pieces.is_empty() || length == text.len() as u64);
        }
        BodyFrame::Chunked if pieces.is_empty() => assert!(text.is_empty()),
        BodyFrame::Chunked => assert_eq!(dechunked(&text), given),
    }
}

fn dechunked(text: &[u8]) -> Vec<u8> {
    let mut body = Vec::new();
    let mut decoder =
        BodyDecoder::new(BodyLength::Chunked, &ServerConfig::default()).expect("chunks announce nothing");
    let used =
        decoder.decode(text, usize::MAX, &mut |run| body.extend_from_slice(run)).expect("our own chunks");
    assert!(decoder.is_done() && used == text.len());
    body
}
