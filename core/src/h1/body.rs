//! Decoder for request bodies: a known length, or chunks.

use crate::config::ServerConfig;
use crate::error::Error;
use crate::message::BodyLength;

/// Takes framing off a request body.
#[derive(Debug)]
pub struct BodyDecoder {
    done: bool,
}

impl BodyDecoder {
    /// # Errors
    /// 413 where the head already announces more than `limit_body_bytes`.
    pub fn new(length: BodyLength, config: &ServerConfig) -> Result<Self, Error> {
        let _ = (length, config);
        Ok(Self { done: false })
    }

    /// Decodes from the front of `input`, at most `room` body bytes, each run of them given to `sink`.
    /// Returns how many bytes of `input` were used.
    ///
    /// # Errors
    /// As the rule that was broken says.
    pub fn decode(&mut self, input: &[u8], room: usize, sink: &mut dyn FnMut(&[u8])) -> Result<usize, Error> {
        let _ = (input, room, sink);
        self.done = true;
        Ok(0)
    }

    /// Whether the last byte of the body, and of its trailer section, was decoded.
    #[must_use]
    pub const fn is_done(&self) -> bool {
        self.done
    }

    /// The trailer fields: lower-case names and values. Empty before the end.
    #[must_use]
    pub fn trailers(&self) -> &[(Box<[u8]>, Box<[u8]>)] {
        &[]
    }
}
