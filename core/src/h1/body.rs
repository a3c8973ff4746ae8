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
        // The two bytes that end the section are not counted, nor is any other LF.
        if byte != b'\r' || !line.is_empty() {
            self.trailer_room =
                self.trailer_room.checked_sub(1).ok_or(Error::limit(431, "the trailers are too long"))?;
        }
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
