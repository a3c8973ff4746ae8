//! One field line, of a head or a trailer section (RFC 9112 section 5).

use std::ops::Range;

use crate::error::Error;

/// For each byte that may be in a token its lower case, for the others 0.
const LOWER: [u8; 256] = {
    let mut table = [0; 256];
    let others = b"!#$%&'*+-.^_`|~";
    let mut i = 0;
    while i < others.len() {
        table[others[i] as usize] = others[i];
        i += 1;
    }
    let mut byte = 0u8;
    while byte < 128 {
        if byte.is_ascii_alphanumeric() {
            table[byte as usize] = byte.to_ascii_lowercase();
        }
        byte += 1;
    }
    table
};

/// Whether this byte may be in a token (RFC 9110 section 5.6.2).
pub(super) const fn is_token_byte(byte: u8) -> bool {
    LOWER[byte as usize] != 0
}

/// Splits a line without its CRLF, and makes the name lower case. Returns the name's length and where the value is.
///
/// # Errors
/// 400 for a folded line, white space before the colon, a name that is no token, a value with a forbidden byte.
pub(super) fn split(line: &mut [u8]) -> Result<(usize, Range<usize>), Error> {
    let name_len = lower_name(line);
    match line.get(name_len) {
        Some(b':') if name_len > 0 => {}
        Some(b' ' | b'\t') if name_len == 0 => return Err(Error::protocol(400, "a header line is folded")),
        Some(b' ' | b'\t') => return Err(Error::protocol(400, "white space before the colon of a header")),
        _ => return Err(Error::protocol(400, "a header name is not a token")),
    }
    let value = trimmed(line, name_len + 1);
    if has_forbidden(&line[value.clone()]) {
        return Err(Error::protocol(400, "a header value holds a forbidden control byte"));
    }
    Ok((name_len, value))
}

/// Returns where the token at the front ends.
fn lower_name(line: &mut [u8]) -> usize {
    for (i, byte) in line.iter_mut().enumerate() {
        let lower = LOWER[usize::from(*byte)];
        if lower == 0 {
            return i;
        }
        *byte = lower;
    }
    line.len()
}

fn trimmed(line: &[u8], from: usize) -> Range<usize> {
    let is_space = |byte: &u8| matches!(byte, b' ' | b'\t');
    let tail = &line[from..];
    let start = tail.iter().position(|b| !is_space(b)).unwrap_or(tail.len());
    let end = tail.iter().rposition(|b| !is_space(b)).map_or(start, |last| last + 1);
    from + start..from + end
}

/// NUL, LF, VT, FF, CR and DEL. RFC 9110 section 5.5 forbids NUL, CR and LF and leaves the other control bytes to us:
/// VT and FF are white space to some parsers, so `\x0bchunked` would mean two things; the rest occur in old cookies
/// and are kept. No early exit, so that the compiler makes it a vector loop.
fn has_forbidden(value: &[u8]) -> bool {
    value.iter().fold(false, |found, byte| found | matches!(byte, 0 | 10..=13 | 127))
}

/// The members of a comma-separated list, white space taken off (RFC 9110 section 5.6.1).
pub(super) fn members(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    value.split(|byte| *byte == b',').map(|member| &member[trimmed(member, 0)])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(line: &str) -> Result<(String, String), u16> {
        let mut line = line.as_bytes().to_vec();
        let (name_len, value) = split(&mut line).map_err(|e| e.status().unwrap())?;
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        Ok((text(&line[..name_len]), text(&line[value])))
    }

    #[test]
    fn names_become_lower_case_and_values_lose_outer_space() {
        for (line, name, value) in [
            ("Host: a", "host", "a"),
            ("X-A:b", "x-a", "b"),
            ("x:", "x", ""),
            ("x: \t ", "x", ""),
            ("x:\t a  b \t", "x", "a  b"),
            ("x: a:b", "x", "a:b"),
            ("!#$%&'*+-.^_`|~09AZ: D\u{fc}", "!#$%&'*+-.^_`|~09az", "D\u{fc}"),
            ("cookie: a\u{1}b", "cookie", "a\u{1}b"),
        ] {
            assert_eq!(parsed(line), Ok((name.into(), value.into())), "{line:?}");
        }
    }

    #[test]
    fn broken_lines_are_refused() {
        for line in [
            " a: b",
            "\ta: b",
            "a : b",
            "a\t: b",
            ": b",
            "a",
            "a@: b",
            "a b: c",
            "a\u{1}: b",
            "\u{fc}: b",
            "a: \0",
            "a: b\rc",
            "a: b\nc",
            "a: \u{b}b",
            "a: \u{c}",
            "a: \u{7f}",
        ] {
            assert_eq!(parsed(line), Err(400), "{line:?}");
        }
    }

    #[test]
    fn token_bytes_are_those_of_the_message_check() {
        for byte in 0..=255 {
            assert_eq!(is_token_byte(byte), crate::message::is_token(&[byte]), "{byte}");
        }
    }
}
