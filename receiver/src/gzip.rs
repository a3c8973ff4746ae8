//! Undoes `Content-Encoding: gzip` (RFC 1952) with a bound on what comes out: a bomb grows a thousandfold.

use std::io::Read as _;

use flate2::read::MultiGzDecoder;

use crate::error::DecodeError;

/// The inflated body.
///
/// # Errors
/// It is not gzip, or inflates to more than `limit` bytes.
pub fn inflate(body: &[u8], limit: usize) -> Result<Vec<u8>, DecodeError> {
    let mut inflated = Vec::with_capacity(body.len().saturating_mul(4).min(limit));
    let bound = u64::try_from(limit).unwrap_or(u64::MAX).saturating_add(1);
    MultiGzDecoder::new(body)
        .take(bound)
        .read_to_end(&mut inflated)
        .map_err(|error| DecodeError::Malformed(format!("gzip: {error}")))?;
    if inflated.len() > limit {
        return Err(DecodeError::TooLarge { what: "bytes after gzip", allowed: limit });
    }
    Ok(inflated)
}
