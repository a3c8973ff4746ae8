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
mod tests;
