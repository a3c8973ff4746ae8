//! What keeps one request one line: nothing that a client sent can end a line, a string or reach a terminal.

/// Bytes that every format may copy as they are: visible ASCII and space, without `"` and `\`.
static SAFE: [bool; 256] = safe_bytes();

const fn safe_bytes() -> [bool; 256] {
    let mut table = [false; 256];
    let mut byte = b' ';
    while byte < 0x7f {
        table[byte as usize] = byte != b'"' && byte != b'\\';
        byte += 1;
    }
    table
}

const LOWER: &[u8; 16] = b"0123456789abcdef";
const UPPER: &[u8; 16] = b"0123456789ABCDEF";

fn push_hex(out: &mut Vec<u8>, byte: u8, digits: &[u8; 16]) {
    out.extend_from_slice(&[digits[usize::from(byte >> 4)], digits[usize::from(byte & 15)]]);
}

/// Lower-case hexadecimal, as trace ids are written.
pub(super) fn hex(bytes: &[u8], out: &mut Vec<u8>) {
    for byte in bytes {
        push_hex(out, *byte, LOWER);
    }
}

/// Copies the safe bytes at the start of `rest` and returns what follows them.
fn copy_safe<'a>(rest: &'a [u8], out: &mut Vec<u8>) -> &'a [u8] {
    let end = rest.iter().position(|b| !SAFE[usize::from(*b)]).unwrap_or(rest.len());
    out.extend_from_slice(&rest[..end]);
    &rest[end..]
}

/// As nginx writes variables to its logs: `\xHH` for `"`, `\`, control bytes and everything beyond ASCII.
pub(super) fn text(bytes: &[u8], out: &mut Vec<u8>) {
    let mut rest = copy_safe(bytes, out);
    while let Some((byte, after)) = rest.split_first() {
        push_text_byte(*byte, out);
        rest = copy_safe(after, out);
    }
}

/// As [`text`], with spaces escaped too: for values in columns that have no quotes around them.
pub(super) fn word(bytes: &[u8], out: &mut Vec<u8>) {
    for (i, part) in bytes.split(|b| *b == b' ').enumerate() {
        if i > 0 {
            push_text_byte(b' ', out);
        }
        text(part, out);
    }
}

fn push_text_byte(byte: u8, out: &mut Vec<u8>) {
    out.extend_from_slice(b"\\x");
    push_hex(out, byte, UPPER);
}

/// A JSON string (RFC 8259 section 7) with its quotes, always valid UTF-8 and safe to print.
///
/// Bytes that are not UTF-8 become the four characters `\xHH`: JSON has no way to say them, and replacing
/// them by U+FFFD would make different requests look the same.
pub(super) fn json(bytes: &[u8], out: &mut Vec<u8>) {
    out.push(b'"');
    let mut rest = copy_safe(bytes, out);
    while !rest.is_empty() {
        rest = copy_safe(json_char(rest, out), out);
    }
    out.push(b'"');
}

/// Writes the first character of `rest`, which is not a safe one, and returns what follows it.
fn json_char<'a>(rest: &'a [u8], out: &mut Vec<u8>) -> &'a [u8] {
    match rest[0] {
        byte @ (b'"' | b'\\') => out.extend_from_slice(&[b'\\', byte]),
        byte if byte.is_ascii() => push_json_escape(u16::from(byte), out),
        byte => return json_beyond_ascii(byte, rest, out),
    }
    &rest[1..]
}

fn json_beyond_ascii<'a>(first: u8, rest: &'a [u8], out: &mut Vec<u8>) -> &'a [u8] {
    let len = match first {
        0xc2..=0xdf => 2,
        0xe0..=0xef => 3,
        _ => 4,
    };
    let Some(text) = rest.get(..len).and_then(|bytes| std::str::from_utf8(bytes).ok()) else {
        out.extend_from_slice(b"\\\\x");
        push_hex(out, first, UPPER);
        return &rest[1..];
    };
    match text.chars().next().filter(|c| is_invisible(*c)).map(|c| u16::try_from(u32::from(c))) {
        Some(Ok(unit)) => push_json_escape(unit, out),
        _ => out.extend_from_slice(text.as_bytes()),
    }
    &rest[len..]
}

/// Characters that change how the text around them is shown: C1 controls (some terminals obey them), line and
/// paragraph separators, and the marks that reverse the direction of writing (CVE-2021-42574).
const fn is_invisible(c: char) -> bool {
    matches!(c, '\u{80}'..='\u{9f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

fn push_json_escape(unit: u16, out: &mut Vec<u8>) {
    let [high, low] = unit.to_be_bytes();
    out.extend_from_slice(b"\\u");
    push_hex(out, high, LOWER);
    push_hex(out, low, LOWER);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(escape: fn(&[u8], &mut Vec<u8>), bytes: &[u8]) -> String {
        let mut out = Vec::new();
        escape(bytes, &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn text_is_escaped_as_nginx_does() {
        for (bytes, expected) in [
            (b"/plain?x=1".as_slice(), "/plain?x=1"),
            (b"a\"b\\c", r"a\x22b\x5Cc"),
            (b"\r\n\x1b[31m\x7f", r"\x0D\x0A\x1B[31m\x7F"),
            ("é".as_bytes(), r"\xC3\xA9"),
            (b"", ""),
        ] {
            assert_eq!(with(text, bytes), expected);
        }
        assert_eq!(with(word, b" a  b"), r"\x20a\x20\x20b");
    }

    #[test]
    fn json_keeps_what_it_can_and_names_what_it_cannot() {
        for (bytes, expected) in [
            ("/grüße/日本/🦀".as_bytes(), r#""/grüße/日本/🦀""#),
            (b"a\"b\\c\n\t\0", r#""a\"b\\c\u000a\u0009\u0000""#),
            (
                "\u{7f}\u{85}\u{9b}2J\u{2028}\u{2029}\u{202e}".as_bytes(),
                r#""\u007f\u0085\u009b2J\u2028\u2029\u202e""#,
            ),
            (b"\xff\xc3(\xed\xa0\x80\xe2\x82", r#""\\xFF\\xC3(\\xED\\xA0\\x80\\xE2\\x82""#),
        ] {
            assert_eq!(with(json, bytes), expected);
        }
    }
}
