//! Body framing: which bytes after the head belong to this request (RFC 9112 section 6.3).
//!
//! | Transfer-Encoding | Content-Length | the body |
//! |---|---|---|
//! | any | any | 400: two framings, and a proxy in front may have chosen the other (section 11.2) |
//! | on HTTP/1.0 | - | 400: that version has none (section 6.1) |
//! | `chunked` once and last | - | as the chunks say |
//! | `chunked` not last, twice, or missing; an empty member | - | 400 |
//! | an unknown coding | - | 501 |
//! | - | one number | exactly so long |
//! | - | several, or not a number | 400; also where they agree, which section 6.3 leaves to us |
//! | - | - | none |
//!
//! Codings of the body below `chunked` (`gzip, chunked`) are known by name but not taken off: the application gets the
//! coded bytes and sees the field.

use super::field::members;
use crate::error::Error;
use crate::message::{BodyLength, Version, parse_length};

/// The registered codings besides `chunked` (RFC 9112 section 7.2).
const COMPRESSIONS: [&[u8]; 5] = [b"gzip", b"deflate", b"compress", b"x-gzip", b"x-compress"];

/// Collects the framing fields of one head; judged together at its end.
#[derive(Debug, Default)]
pub(super) struct Framing {
    length: Option<u64>,
    is_coded: bool,
    ends_chunked: bool,
    /// The first fault in the codings. Kept, because two framings are the graver fault.
    refusal: Option<(u16, &'static str)>,
}

impl Framing {
    /// # Errors
    /// 400 where it is no number or not the first one.
    pub fn content_length(&mut self, value: &[u8]) -> Result<(), Error> {
        if self.length.is_some() {
            return Err(Error::protocol(400, "more than one Content-Length"));
        }
        self.length =
            Some(parse_length(value).ok_or(Error::protocol(400, "Content-Length is not a number"))?);
        Ok(())
    }

    pub fn transfer_encoding(&mut self, value: &[u8]) {
        self.is_coded = true;
        for coding in members(value) {
            if self.ends_chunked {
                self.refuse(400, "chunked must be the last transfer coding, and only once");
            } else if coding.eq_ignore_ascii_case(b"chunked") {
                self.ends_chunked = true;
            } else if coding.is_empty() {
                self.refuse(400, "Transfer-Encoding has an empty member");
            } else if !COMPRESSIONS.iter().any(|known| coding.eq_ignore_ascii_case(known)) {
                self.refuse(501, "unknown transfer coding");
            }
        }
    }

    fn refuse(&mut self, status: u16, what: &'static str) {
        self.refusal.get_or_insert((status, what));
    }

    /// # Errors
    /// As the table of this module says.
    pub fn body_length(&self, version: Version) -> Result<BodyLength, Error> {
        if !self.is_coded {
            return Ok(BodyLength::Known(self.length.unwrap_or(0)));
        }
        if self.length.is_some() {
            return Err(Error::protocol(400, "both Content-Length and Transfer-Encoding"));
        }
        if version == Version::Http10 {
            return Err(Error::protocol(400, "Transfer-Encoding on HTTP/1.0"));
        }
        if let Some((status, what)) = self.refusal {
            return Err(Error::protocol(status, what));
        }
        if !self.ends_chunked {
            return Err(Error::protocol(400, "chunked is not the last transfer coding"));
        }
        Ok(BodyLength::Chunked)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn framed(version: Version, fields: &[(&str, &str)]) -> Result<BodyLength, u16> {
        let mut framing = Framing::default();
        for (name, value) in fields {
            match *name {
                "cl" => framing.content_length(value.as_bytes()).map_err(|e| e.status().unwrap())?,
                _ => framing.transfer_encoding(value.as_bytes()),
            }
        }
        framing.body_length(version).map_err(|e| e.status().unwrap())
    }

    #[test]
    fn the_table_holds() {
        use BodyLength::{Chunked, Known};
        for (fields, expected) in [
            (&[][..], Ok(Known(0))),
            (&[("cl", "0")], Ok(Known(0))),
            (&[("cl", "003")], Ok(Known(3))),
            (&[("cl", "18446744073709551615")], Ok(Known(u64::MAX))),
            (&[("cl", "18446744073709551616")], Err(400)),
            (&[("cl", "1000000000000000000000")], Err(400)),
            (&[("cl", "")], Err(400)),
            (&[("cl", "+1")], Err(400)),
            (&[("cl", "-1")], Err(400)),
            (&[("cl", "1 2")], Err(400)),
            (&[("cl", "0x1")], Err(400)),
            (&[("cl", "1_0")], Err(400)),
            (&[("cl", "1.0")], Err(400)),
            (&[("cl", "5, 5")], Err(400)),
            (&[("cl", "5"), ("cl", "5")], Err(400)),
            (&[("cl", "5"), ("cl", "6")], Err(400)),
            (&[("te", "chunked")], Ok(Chunked)),
            (&[("te", "Chunked")], Ok(Chunked)),
            (&[("te", "gzip, chunked")], Ok(Chunked)),
            (&[("te", "deflate"), ("te", "chunked")], Ok(Chunked)),
            (&[("te", "chunked, chunked")], Err(400)),
            (&[("te", "chunked"), ("te", "chunked")], Err(400)),
            (&[("te", "chunked, gzip")], Err(400)),
            (&[("te", "chunked, identity")], Err(400)),
            (&[("te", "gzip")], Err(400)),
            (&[("te", "")], Err(400)),
            (&[("te", ", chunked")], Err(400)),
            (&[("te", "chunked,")], Err(400)),
            (&[("te", "identity")], Err(501)),
            (&[("te", "pigeons")], Err(501)),
            (&[("te", "pigeons, chunked")], Err(501)),
            (&[("te", "chunkedchunked")], Err(501)),
            (&[("te", "\"chunked\"")], Err(501)),
            (&[("te", "chunked;a=b")], Err(501)),
            (&[("te", "xchunked")], Err(501)),
            (&[("te", "chunked"), ("cl", "5")], Err(400)),
            (&[("cl", "5"), ("te", "identity")], Err(400)),
        ] {
            assert_eq!(framed(Version::Http11, fields), expected, "{fields:?}");
        }
    }

    #[test]
    fn http_10_has_no_codings() {
        for coding in ["chunked", "gzip", "pigeons"] {
            assert_eq!(framed(Version::Http10, &[("te", coding)]), Err(400));
        }
        assert_eq!(framed(Version::Http10, &[("cl", "5")]), Ok(BodyLength::Known(5)));
    }
}
