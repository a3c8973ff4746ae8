//! Response heads and body framing out.

use bytes::Bytes;

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
}

/// How the body's bytes go on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BodyFrame {
    /// None are sent (HEAD, 204, 304). What the application sends is counted against nothing and dropped.
    Nothing,
    /// This many more.
    Length(u64),
    /// In chunks.
    Chunked,
    /// Until the connection closes.
    UntilClose,
}

/// Encodes a head. Returns how the body goes, and whether the connection is kept after it.
///
/// # Errors
/// `Fault::Handler`: a status outside 200 to 999, a body where none is allowed, a wrong length.
pub fn encode_head(
    out: &mut Output,
    head: &ResponseHead,
    size: BodySize,
    to: &ReplyTo<'_>,
) -> Result<(BodyFrame, bool), Error> {
    let _ = (out, head, size, to);
    Err(Error::handler("not yet"))
}

impl BodyFrame {
    /// Encodes one piece of the body; `last` ends it.
    ///
    /// # Errors
    /// `Fault::Handler`: more or fewer bytes than the length that was sent.
    pub fn encode(&mut self, out: &mut Output, chunk: Bytes, last: bool) -> Result<(), Error> {
        let _ = (out, chunk, last);
        Ok(())
    }
}
