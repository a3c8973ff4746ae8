//! Consistent probability: the `ot` entry of `tracestate` (OpenTelemetry, "`TraceState`: Probability Sampling").
//!
//! All that decide about a trace compare one random number of 56 bits with a threshold of their own: what a smaller
//! probability keeps, a larger one keeps too. The number is `rv` where somebody set it, else the right-most 7 bytes of
//! the trace id. The threshold is written as `th`, so that whoever counts spans knows how many each stands for.

use std::fmt;

use crate::propagation::TraceState;

const BITS: u32 = 56;
/// One more than the largest random number.
const RANGE: u64 = 1 << BITS;
/// Hexadecimal digits of a whole number.
const DIGITS: usize = 14;
/// Digits of a threshold made from a probability, as the specification recommends.
const PRECISION: i64 = 4;
/// The key of OpenTelemetry's entry, and the longest value it may have.
const KEY: &str = "ot";
const MAX_ENTRY: usize = 256;

/// How many of 2^56 random numbers are rejected; ordered by how much is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Threshold(u64);

impl Threshold {
    /// Keeps everything.
    pub const ALWAYS: Self = Self(0);
    /// Keeps nothing. It has no `th`: never is no probability.
    pub const NEVER: Self = Self(RANGE);

    /// At most 2^56.
    pub(super) const fn bits(self) -> u64 {
        self.0
    }

    /// From [`Threshold::bits`].
    pub(super) const fn from_bits(bits: u64) -> Self {
        Self(bits)
    }

    /// For a probability from 0 to 1, with four significant digits; `None` for other numbers.
    #[must_use]
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "powers of two up to 2^56, and a number between 0 and 16^12"
    )]
    pub fn from_probability(probability: f64) -> Option<Self> {
        if !(0.0..=1.0).contains(&probability) {
            return None;
        }
        if probability < 1.0 / RANGE as f64 {
            return Some(Self::NEVER);
        }
        // The exponent of frexp: leading f digits of the threshold do not count as precision.
        let exponent = i64::try_from(probability.to_bits() >> 52).unwrap_or_default() - 1_022;
        let digits = (PRECISION + (-exponent) / 4).clamp(1, 12) as u32;
        let scale = 16_u64.pow(digits);
        let rejected = ((1.0 - probability) * scale as f64).round() as u64;
        Some(Self(rejected.min(scale - 1) << (BITS - 4 * digits)))
    }

    /// Whether a trace with this random number is kept.
    #[must_use]
    pub const fn keeps(self, randomness: u64) -> bool {
        randomness >= self.0
    }

    /// From `th`: up to 14 digits, zeros at the end left out.
    fn parse(text: &str) -> Option<Self> {
        (text.len() <= DIGITS).then(|| parse_digits(text)).flatten().map(|number| {
            let missing = DIGITS - text.len();
            Self(number << (4 * missing))
        })
    }
}

impl fmt::Display for Threshold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = format!("{:014x}", self.0);
        let short = digits.trim_end_matches('0');
        f.write_str(if short.is_empty() { "0" } else { short })
    }
}

fn parse_digits(text: &str) -> Option<u64> {
    let is_fine = !text.is_empty() && text.bytes().all(|b| b.is_ascii_hexdigit());
    is_fine.then(|| u64::from_str_radix(text, 16).ok()).flatten()
}

/// The value of one sub-key of the `ot` entry.
fn sub_value<'a>(state: &'a TraceState, key: &str) -> Option<&'a str> {
    let entry = state.get(KEY)?;
    entry.split(';').filter_map(|pair| pair.split_once(':')).find(|(k, _)| *k == key).map(|(_, value)| value)
}

/// The threshold that was applied so far.
#[must_use]
pub fn threshold(state: &TraceState) -> Option<Threshold> {
    Threshold::parse(sub_value(state, "th")?)
}

/// The random number of a trace.
#[must_use]
pub fn randomness(trace_id: &[u8; 16], state: &TraceState) -> u64 {
    explicit_randomness(state).unwrap_or_else(|| {
        let mut last = [0; 8];
        last[1..].copy_from_slice(&trace_id[9..]);
        u64::from_be_bytes(last)
    })
}

/// The random number that somebody set for the trace.
#[must_use]
pub fn explicit_randomness(state: &TraceState) -> Option<u64> {
    sub_value(state, "rv").filter(|rv| rv.len() == DIGITS).and_then(parse_digits)
}

/// The list with this threshold, or without any; what else `ot` holds stays. Where the entry would become too long, the
/// threshold is left out.
#[must_use]
pub fn with_threshold(state: &TraceState, threshold: Option<Threshold>) -> TraceState {
    let known = sub_value(state, "th");
    let wanted = threshold.map(|th| th.to_string());
    if known == wanted.as_deref() {
        return state.clone();
    }
    let rest = state.get(KEY).into_iter().flat_map(|entry| entry.split(';'));
    let rest = rest.filter(|pair| !pair.is_empty() && !pair.starts_with("th:"));
    let own = wanted.map(|th| format!("th:{th}"));
    let entry = own.iter().map(String::as_str).chain(rest.clone()).collect::<Vec<_>>().join(";");
    if entry.is_empty() {
        return state.without(KEY);
    }
    let kept = if entry.len() <= MAX_ENTRY { entry } else { rest.collect::<Vec<_>>().join(";") };
    state.with(KEY, &kept).unwrap_or_else(|| state.clone())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn state(text: &str) -> TraceState {
        TraceState::parse([text.as_bytes()])
    }

    #[test]
    fn probabilities_as_in_the_specification() {
        for (probability, expected) in [
            (1.0, "0"),
            (0.5, "8"),
            (1.0 / 3.0, "aaab"),
            (0.25, "c"),
            (0.2, "cccd"),
            (0.125, "e"),
            (0.1, "e666"),
            (0.0625, "f"),
            (0.01, "fd70a"),
            (0.001, "ffbe77"),
            (0.000_1, "fff9724"),
            (0.000_01, "ffff583a"),
            (0.000_001, "ffffef39"),
        ] {
            assert_eq!(
                Threshold::from_probability(probability).unwrap().to_string(),
                expected,
                "{probability}"
            );
        }
        assert_eq!(Threshold::from_probability(0.0), Some(Threshold::NEVER));
        assert_eq!(Threshold::from_probability(1e-30), Some(Threshold::NEVER));
        assert!(!Threshold::NEVER.keeps(RANGE - 1) && Threshold::ALWAYS.keeps(0));
        for wrong in [-0.1, 1.1, f64::NAN, f64::INFINITY] {
            assert_eq!(Threshold::from_probability(wrong), None);
        }
    }

    #[test]
    fn entries_are_read() {
        for (text, th, rv) in [
            ("ot=th:0", Some(0), None),
            ("ot=th:8", Some(8 << 52), None),
            ("ot=rv:0123456789abcd;th:C", Some(12 << 52), Some(0x0001_2345_6789_abcd)),
            ("ot=th:123456789abcdef", None, None),
            ("ot=th:", None, None),
            ("ot=th:+1;rv:1", None, None),
            ("ot=th:g", None, None),
            ("ot=p:8;r:62", None, None),
            ("other=th:8", None, None),
        ] {
            let state = state(text);
            assert_eq!((threshold(&state), explicit_randomness(&state)), (th.map(Threshold), rv), "{text}");
        }
        let id = [0xff, 0, 0, 0, 0, 0, 0, 0, 0xff, 1, 2, 3, 4, 5, 6, 7];
        assert_eq!(randomness(&id, &TraceState::default()), 0x0001_0203_0405_0607);
        assert_eq!(randomness(&id, &state("ot=rv:00000000000009")), 9);
    }

    #[test]
    fn entries_are_changed() {
        let half = Threshold::from_probability(0.5);
        for (before, th, after) in [
            ("", half, "ot=th:8"),
            ("a=1", half, "ot=th:8,a=1"),
            ("a=1,ot=th:c;rv:00000000000009", half, "ot=th:8;rv:00000000000009,a=1"),
            ("a=1,ot=x:1;th:8", half, "a=1,ot=x:1;th:8"),
            ("a=1,ot=th:c", None, "a=1"),
            ("a=1,ot=th:c;x:1", None, "ot=x:1,a=1"),
            ("a=1", None, "a=1"),
        ] {
            assert_eq!(with_threshold(&state(before), th).as_str(), after, "{before}");
        }
        let full = format!("ot=x:{}", "y".repeat(253));
        assert_eq!(with_threshold(&state(&full), half).as_str(), full);
    }

    proptest! {
        #[test]
        fn thresholds_come_back(number in 0..RANGE) {
            prop_assert_eq!(Threshold::parse(&Threshold(number).to_string()), Some(Threshold(number)));
        }

        #[test]
        fn any_entry_is_read(entry in "[ -~]{0,300}") {
            let state = state(&format!("ot={entry}"));
            _ = (threshold(&state), explicit_randomness(&state), with_threshold(&state, Some(Threshold::ALWAYS)));
        }

        #[test]
        fn probabilities_are_met_within_their_digits(probability in 1e-9..1.0_f64) {
            let Threshold(rejected) = Threshold::from_probability(probability).unwrap();
            #[allow(clippy::cast_precision_loss, reason = "powers of two and 13 digits")]
            let kept = 1.0 - rejected as f64 / RANGE as f64;
            prop_assert!((kept / probability - 1.0).abs() < 0.001, "{} {}", kept, probability);
        }
    }
}
