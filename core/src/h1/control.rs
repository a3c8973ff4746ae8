//! The fields of a request that steer the connection itself: Host, Connection, Expect and the framing.

use super::field::members;
use super::framing::Framing;
use super::target::is_authority;
use crate::error::Error;
use crate::message::Version;

/// What the fields seen so far ask for.
#[derive(Debug, Default)]
pub(super) struct Control {
    pub framing: Framing,
    /// Which field is `Host`.
    pub host: Option<usize>,
    closes: bool,
    keeps: bool,
    expectation: Expectation,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Expectation {
    #[default]
    None,
    Continue,
    Unknown,
}

impl Control {
    /// Looks at field number `index`; `name` is lower case.
    ///
    /// # Errors
    /// 400 for a second or invalid Host and for a wrong Content-Length.
    pub fn note(&mut self, index: usize, name: &[u8], value: &[u8]) -> Result<(), Error> {
        match name {
            b"host" => self.note_host(index, value)?,
            b"connection" => {
                for option in members(value) {
                    self.closes |= option.eq_ignore_ascii_case(b"close");
                    self.keeps |= option.eq_ignore_ascii_case(b"keep-alive");
                }
            }
            b"content-length" => self.framing.content_length(value)?,
            b"transfer-encoding" => self.framing.transfer_encoding(value),
            b"expect" => {
                for member in members(value).filter(|member| !member.is_empty()) {
                    self.expectation = match self.expectation {
                        Expectation::Unknown => Expectation::Unknown,
                        _ if member.eq_ignore_ascii_case(b"100-continue") => Expectation::Continue,
                        _ => Expectation::Unknown,
                    };
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// RFC 9112 section 3.2. An empty value is right where the target has no authority.
    fn note_host(&mut self, index: usize, value: &[u8]) -> Result<(), Error> {
        if self.host.replace(index).is_some() {
            return Err(Error::protocol(400, "more than one Host"));
        }
        if !value.is_empty() && !is_authority(value) {
            return Err(Error::protocol(400, "Host is not a host with an optional port"));
        }
        Ok(())
    }

    /// RFC 9112 section 9.3.
    pub const fn keep_alive(&self, version: Version) -> bool {
        match version {
            Version::Http11 => !self.closes,
            Version::Http10 => self.keeps && !self.closes,
        }
    }

    /// RFC 9110 section 10.1.1. HTTP/1.0 knows no expectations: they must be ignored there.
    ///
    /// # Errors
    /// 417 for any but `100-continue`.
    pub const fn expects_continue(&self, version: Version) -> Result<bool, Error> {
        match (version, self.expectation) {
            (Version::Http10, _) | (_, Expectation::None) => Ok(false),
            (Version::Http11, Expectation::Continue) => Ok(true),
            (Version::Http11, Expectation::Unknown) => Err(Error::protocol(417, "unknown expectation")),
        }
    }
}
