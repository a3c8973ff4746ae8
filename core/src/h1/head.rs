//! Request line and header fields from a buffer.

use crate::config::ServerConfig;
use crate::error::Error;
use crate::message::Request;

/// Finds the end of a head and parses it, however the bytes arrive.
#[derive(Debug, Default)]
pub struct HeadReader {
    scanned: usize,
}

impl HeadReader {
    /// `buf` holds all bytes of this request so far. `None`: more are needed.
    ///
    /// # Errors
    /// As the rule that was broken says.
    pub fn read(&mut self, buf: &[u8], config: &ServerConfig) -> Result<Option<(Request, usize)>, Error> {
        let _ = (buf, config, self.scanned);
        Err(Error::protocol(400, "not yet"))
    }
}
