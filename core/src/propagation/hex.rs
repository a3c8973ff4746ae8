//! Lower-case hexadecimal digits, as identifiers are written in headers.

/// The value of each byte as a lower-case digit; 0xff: it is none. A table, because a branch for each digit of an
/// identifier costs as much as the rest of parsing it.
static VALUES: [u8; 256] = values();

const fn values() -> [u8; 256] {
    let mut values = [0xff; 256];
    let mut digit = 0;
    while digit < 16 {
        values[DIGITS[digit as usize] as usize] = digit;
        digit += 1;
    }
    values
}

const DIGITS: &[u8; 16] = b"0123456789abcdef";

/// The bytes that exactly `2 * N` lower-case digits stand for.
pub(crate) fn decode<const N: usize>(text: &[u8]) -> Option<[u8; N]> {
    if text.len() != 2 * N {
        return None;
    }
    let mut bytes = [0; N];
    let mut wrong = 0;
    for (byte, pair) in bytes.iter_mut().zip(text.chunks_exact(2)) {
        let (high, low) = (VALUES[usize::from(pair[0])], VALUES[usize::from(pair[1])]);
        wrong |= high | low;
        *byte = high << 4 | low & 0xf;
    }
    // Digits are below 16; the mark for "none" is not.
    (wrong < 16).then_some(bytes)
}

/// As [`decode`] for identifiers, of which none is all zero.
pub(crate) fn decode_id<const N: usize>(text: &[u8]) -> Option<[u8; N]> {
    decode(text).filter(|id| *id != [0; N])
}

/// Writes two digits for each byte; `out` has room for exactly that.
pub(crate) fn encode(bytes: &[u8], out: &mut [u8]) {
    for (byte, pair) in bytes.iter().zip(out.chunks_exact_mut(2)) {
        pair[0] = DIGITS[usize::from(byte >> 4)];
        pair[1] = DIGITS[usize::from(byte & 0xf)];
    }
}

/// The digits as text.
pub(crate) fn text(bytes: &[u8]) -> String {
    let digit = |nibble: u8| char::from(DIGITS[usize::from(nibble)]);
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 0xf)]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_lower_case_digits_of_the_right_number() {
        assert_eq!(decode(b"00ff7a"), Some([0, 255, 0x7a]));
        for wrong in ["00FF7a", "0g0000", "", "0", "00ff7a00", ".0ff7a", "00ff7 ", "00ff\u{e9}"] {
            assert_eq!(decode::<3>(wrong.as_bytes()), None, "{wrong}");
        }
        assert_eq!((decode_id::<1>(b"00"), decode_id::<1>(b"01")), (None, Some([1])));
        assert_eq!(text(&[0, 255, 0x7a]), "00ff7a");
    }
}
