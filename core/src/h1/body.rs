//! Decoder for request bodies: a known length, or chunks (RFC 9112 sections 6 and 7).

use super::chunk::ChunkLine;
use super::field;
use crate::config::ServerConfig;
use crate::error::Error;
use crate::message::{BodyLength, Field};

/// Fields that a trailer section must not hold, because they frame, route or steer what was already acted upon
/// (RFC 9110 section 6.5.1). They are refused and not dropped: whoever sends them hopes that somebody acts on them.
const FORBIDDEN_TRAILERS: [&[u8]; 8] = [
    b"content-length",
    b"transfer-encoding",
    b"host",
    b"connection",
    b"expect",
    b"te",
    b"trailer",
    b"upgrade",
];

/// Takes a run of body bytes.
pub type Sink<'a> = dyn FnMut(&[u8]) + 'a;

#[derive(Debug)]
enum State {
    /// This many bytes of a body whose length is known.
    Known(u64),
    ChunkLine(ChunkLine),
    /// This many bytes of a chunk.
    ChunkData(u64),
    ChunkCr,
    ChunkLf,
    /// The bytes of a trailer line so far, its CR included.
    Trailer(Vec<u8>),
    Done,
}

/// Takes framing off a request body.
#[derive(Debug)]
pub struct BodyDecoder {
    state: State,
    /// How much more the body may have.
    body_room: u64,
    /// How many more bytes extensions may have, then trailers.
    extension_room: usize,
    trailer_room: usize,
    limit_trailers: usize,
    trailers: Vec<Field>,
}

impl BodyDecoder {
    /// # Errors
    /// 413 where the head already announces more than `limit_body_bytes`.
    pub fn new(length: BodyLength, config: &ServerConfig) -> Result<Self, Error> {
        let state = match length {
            BodyLength::Known(0) => State::Done,
            BodyLength::Known(bytes) if bytes > config.limit_body_bytes => return Err(body_too_long()),
            BodyLength::Known(bytes) => State::Known(bytes),
            BodyLength::Chunked => State::ChunkLine(ChunkLine::default()),
        };
        Ok(Self {
            state,
            body_room: config.limit_body_bytes,
            extension_room: config.limit_trailer_bytes,
            trailer_room: config.limit_trailer_bytes,
            limit_trailers: config.limit_header_count,
            trailers: Vec::new(),
        })
    }

    /// Decodes from the front of `input`, at most `room` body bytes, each run of them given to `sink`.
    /// Returns how many bytes of `input` were used. Framing is taken off even where there is no room.
    ///
    /// # Errors
    /// 400 for broken framing, 413 for too long a body or extensions, 431 for too many or too long trailers.
    /// What was given to `sink` before is part of the body all the same.
    pub fn decode(&mut self, input: &[u8], room: usize, sink: &mut Sink<'_>) -> Result<usize, Error> {
        let mut used = 0;
        let mut room = room;
        while used < input.len() {
            let rest = &input[used..];
            match &mut self.state {
                State::Done => break,
                State::Known(left) | State::ChunkData(left) => {
                    let taken = take_data(left, rest, room, sink);
                    if taken == 0 {
                        break;
                    }
                    used += taken;
                    room -= taken;
                    self.end_data();
                }
                _ => {
                    self.take_framing(rest[0])?;
                    used += 1;
                }
            }
        }
        Ok(used)
    }

    /// Leaves a run of data whose last byte was taken.
    fn end_data(&mut self) {
        match self.state {
            State::Known(0) => self.state = State::Done,
            State::ChunkData(0) => self.state = State::ChunkCr,
            _ => {}
        }
    }

    fn take_framing(&mut self, byte: u8) -> Result<(), Error> {
        match &mut self.state {
            State::ChunkLine(line) => {
                let before = line.extension_bytes;
                let size = line.take(byte)?;
                let added = line.extension_bytes - before;
                self.extension_room = self
                    .extension_room
                    .checked_sub(added)
                    .ok_or(Error::limit(413, "the chunk extensions are too long"))?;
                if let Some(size) = size {
                    self.begin_chunk(size)?;
                }
            }
            State::ChunkCr if byte == b'\r' => self.state = State::ChunkLf,
            State::ChunkLf if byte == b'\n' => self.state = State::ChunkLine(ChunkLine::default()),
            State::ChunkCr | State::ChunkLf => {
                return Err(Error::protocol(400, "a chunk does not end where its size says"));
            }
            State::Trailer(_) => self.take_trailer(byte)?,
            State::Known(_) | State::ChunkData(_) | State::Done => {}
        }
        Ok(())
    }

    fn begin_chunk(&mut self, size: u64) -> Result<(), Error> {
        self.body_room = self.body_room.checked_sub(size).ok_or_else(body_too_long)?;
        self.state = if size == 0 { State::Trailer(Vec::new()) } else { State::ChunkData(size) };
        Ok(())
    }

    fn take_trailer(&mut self, byte: u8) -> Result<(), Error> {
        let State::Trailer(line) = &mut self.state else { return Ok(()) };
        match (line.last(), byte) {
            (Some(b'\r'), b'\n') => {
                line.pop();
                let line = std::mem::take(line);
                return self.end_trailer(line);
            }
            (Some(b'\r'), _) | (_, b'\n') => {
                return Err(Error::protocol(400, "a CR without LF, or an LF without CR, in the trailers"));
            }
            _ => {}
        }
        // Line ends are not counted: the bound must leave room for the end of an empty section.
        let counted = usize::from(byte != b'\r');
        self.trailer_room =
            self.trailer_room.checked_sub(counted).ok_or(Error::limit(431, "the trailers are too long"))?;
        line.push(byte);
        Ok(())
    }

    fn end_trailer(&mut self, mut line: Vec<u8>) -> Result<(), Error> {
        if line.is_empty() {
            self.state = State::Done;
            return Ok(());
        }
        if self.trailers.len() == self.limit_trailers {
            return Err(Error::limit(431, "too many trailers"));
        }
        let (name_len, value) = field::split(&mut line)?;
        let name = &line[..name_len];
        if FORBIDDEN_TRAILERS.contains(&name) {
            return Err(Error::protocol(400, "a trailer that may only be a header"));
        }
        self.trailers.push((name.into(), line[value].into()));
        Ok(())
    }

    /// Whether the last byte of the body, and of its trailer section, was decoded.
    #[must_use]
    pub const fn is_done(&self) -> bool {
        matches!(self.state, State::Done)
    }

    /// The trailer fields: lower-case names and values. Empty before the end.
    #[must_use]
    pub fn trailers(&self) -> &[Field] {
        if self.is_done() { &self.trailers } else { &[] }
    }
}

/// Hands over what there is of `left` bytes. Returns how many those were.
fn take_data(left: &mut u64, input: &[u8], room: usize, sink: &mut Sink<'_>) -> usize {
    let taken = input.len().min(room).min(usize::try_from(*left).unwrap_or(usize::MAX));
    if taken > 0 {
        sink(&input[..taken]);
        *left -= taken as u64;
    }
    taken
}

const fn body_too_long() -> Error {
    Error::limit(413, "the request body is too long")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, PartialEq)]
    struct Decoded {
        body: String,
        /// How much of the input belonged to the body, or where it was refused.
        used: usize,
        end: Result<bool, u16>,
        trailers: Vec<String>,
    }

    fn feed(length: BodyLength, input: &[u8], step: usize, room: usize, config: &ServerConfig) -> Decoded {
        let mut decoder = BodyDecoder::new(length, config).unwrap();
        let (mut body, mut used, mut end) = (Vec::new(), 0, 0);
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        loop {
            let before = body.len();
            match decoder.decode(&input[used..end], room, &mut |run| body.extend_from_slice(run)) {
                Ok(n) => used += n,
                Err(e) => {
                    return Decoded {
                        body: text(&body),
                        used: 0,
                        end: Err(e.status().unwrap()),
                        trailers: vec![],
                    };
                }
            }
            assert!(body.len() - before <= room);
            if body.len() - before < room && (end == input.len() || decoder.is_done()) {
                break;
            }
            end = (end + step).min(input.len());
        }
        let trailers = decoder.trailers().iter().map(|(n, v)| format!("{}={}", text(n), text(v))).collect();
        Decoded { body: text(&body), used, end: Ok(decoder.is_done()), trailers }
    }

    fn decode_with(length: BodyLength, input: &str, config: &ServerConfig) -> Decoded {
        let whole = feed(length, input.as_bytes(), input.len().max(1), usize::MAX, config);
        for (step, room) in [(1, usize::MAX), (2, 1), (3, 2), (input.len().max(1), 1)] {
            assert_eq!(
                feed(length, input.as_bytes(), step, room, config),
                whole,
                "{input:?} by {step}, room {room}"
            );
        }
        whole
    }

    fn chunked(input: &str) -> Decoded {
        decode_with(BodyLength::Chunked, input, &ServerConfig::default())
    }

    #[test]
    fn a_known_length_is_taken_exactly() {
        for (length, input, body, done) in [
            (0, "GET", "", true),
            (3, "abcdef", "abc", true),
            (3, "abc", "abc", true),
            (3, "ab", "ab", false),
        ] {
            let decoded = decode_with(BodyLength::Known(length), input, &ServerConfig::default());
            assert_eq!(
                (decoded.body.as_str(), decoded.used, decoded.end),
                (body, body.len(), Ok(done)),
                "{input}"
            );
        }
    }

    #[test]
    fn chunks_lose_their_frames() {
        for (input, body, rest) in [
            ("0\r\n\r\n", "", ""),
            ("5\r\nhello\r\n0\r\n\r\n", "hello", ""),
            ("5\r\nhello\r\n6\r\n world\r\n000\r\n\r\nGET", "hello world", "GET"),
            ("A;a=\"\\\"\";b\r\n0123456789\r\n0;c\r\n\r\n\r\n", "0123456789", "\r\n"),
            ("2\r\n\r\n\r\n0\r\n\r\n", "\r\n", ""),
        ] {
            let expected = Decoded {
                body: body.into(),
                used: input.len() - rest.len(),
                end: Ok(true),
                trailers: vec![],
            };
            assert_eq!(chunked(input), expected, "{input:?}");
            for end in 0..input.len() - rest.len() {
                assert_eq!(chunked(&input[..end]).end, Ok(false), "{:?}", &input[..end]);
            }
        }
    }

    #[test]
    fn broken_frames_are_refused() {
        for input in [
            "\r\n",
            "x",
            "-1\r\n",
            "5\n",
            "5\r\nhelloX",
            "5\r\nhello\n",
            "5\r\nhello\r\r",
            "5\r\nhello0\r\n",
            "3\r\nfoo\r\n\r\n",
            "11111111111111111",
            "0\r\n\n",
            "0\r\n\rX",
            "0\r\nA: b\n",
            "0\r\nA: b\rC",
            "0\r\n A: b\r\n",
            "0\r\nA : b\r\n",
            "0\r\nA\r\n",
            "0\r\nA: \0\r\n",
            "0\r\nA: \u{b}\r\n",
        ] {
            assert_eq!(chunked(input).end, Err(400), "{input:?}");
        }
    }

    #[test]
    fn trailers_are_fields_that_frame_nothing() {
        let decoded = chunked("1\r\na\r\n0\r\nVary: *\r\nX-Sum:\t1 \r\nX-Sum: 2\r\n\r\nrest");
        assert_eq!(decoded.trailers, ["vary=*", "x-sum=1", "x-sum=2"]);
        assert_eq!(decoded.end, Ok(true));
        assert!(chunked("0\r\nVary: *\r\n\r").trailers.is_empty(), "none before the end");
        for name in FORBIDDEN_TRAILERS {
            let name = String::from_utf8(name.to_ascii_uppercase()).unwrap();
            assert_eq!(chunked(&format!("0\r\n{name}: 1\r\n\r\n")).end, Err(400), "{name}");
        }
    }

    #[test]
    fn bounds() {
        let config = ServerConfig {
            limit_body_bytes: 10,
            limit_trailer_bytes: 16,
            limit_header_count: 2,
            ..ServerConfig::default()
        };
        let end = |input: &str| decode_with(BodyLength::Chunked, input, &config).end;
        assert_eq!(BodyDecoder::new(BodyLength::Known(11), &config).unwrap_err().status(), Some(413));
        assert!(BodyDecoder::new(BodyLength::Known(10), &config).is_ok());
        assert_eq!(end("a\r\n0123456789\r\n0\r\n\r\n"), Ok(true));
        assert_eq!(end("b\r\n"), Err(413), "before any of it is decoded");
        assert_eq!(end("5\r\n01234\r\n6\r\n"), Err(413));
        assert_eq!(end("ffffffffffffffff\r\n"), Err(413));
        assert_eq!(end("1;234567\r\na\r\n1;234567\r\nb\r\n0\r\n\r\n"), Ok(true), "2 x 7 bytes");
        assert_eq!(end("1;2345678\r\na\r\n1;2345678\r\nb\r\n0;"), Err(413), "all extensions count");
        assert_eq!(end("0\r\nA: 4567890123456"), Ok(false));
        assert_eq!(end("0\r\nA: 45678901234567"), Err(431));
        assert_eq!(end("0\r\nA: 45678\r\nB: 45678\r\n\r\n"), Ok(true));
        assert_eq!(end("0\r\nA: 45678\r\nB: 456789\r\n\r\n"), Err(431), "all trailers count");
        assert_eq!(end("0\r\nA:\r\nB:\r\n\r\n"), Ok(true));
        assert_eq!(end("0\r\nA:\r\nB:\r\nC:\r\n"), Err(431));
    }

    #[test]
    fn framing_is_taken_off_without_room() {
        let mut decoder = BodyDecoder::new(BodyLength::Chunked, &ServerConfig::default()).unwrap();
        let input = b"1\r\na\r\n0\r\n\r\n";
        assert_eq!(decoder.decode(input, 0, &mut |_| panic!("no room")).unwrap(), 3);
        let mut runs = 0;
        assert_eq!(decoder.decode(&input[3..], 1, &mut |_| runs += 1).unwrap(), input.len() - 3);
        assert!(decoder.is_done() && runs == 1);
    }
}
