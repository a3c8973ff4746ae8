//! What becomes of the spans of a request: decided once, asked by all that share it.

use std::sync::atomic::{AtomicU64, Ordering};

use super::threshold::Threshold;

/// What the span of a request is worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is exported with this change of `th`, and so are its children.
    Keep(Reweight),
    /// It is not, nor are they.
    Drop,
}

impl Default for Verdict {
    fn default() -> Self {
        Self::Keep(Reweight::Unchanged)
    }
}

impl Verdict {
    /// Whether the span is exported.
    #[must_use]
    pub const fn is_kept(self) -> bool {
        matches!(self, Self::Keep(_))
    }
}

/// What the tail decision does to the span's `th`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reweight {
    /// Nothing.
    Unchanged,
    /// It becomes this.
    Threshold(Threshold),
    /// The probability is unknown: it is erased.
    Unknown,
}

impl Verdict {
    /// As a number: below [`FIRST_THRESHOLD`] or that and a threshold, which has 57 bits.
    const fn bits(self) -> u64 {
        match self {
            Self::Drop => 1,
            Self::Keep(Reweight::Unchanged) => 2,
            Self::Keep(Reweight::Unknown) => 3,
            Self::Keep(Reweight::Threshold(threshold)) => FIRST_THRESHOLD + threshold.bits(),
        }
    }

    /// `None` for [`UNDECIDED`].
    const fn from_bits(bits: u64) -> Option<Self> {
        Some(match bits {
            UNDECIDED => return None,
            1 => Self::Drop,
            2 => Self::Keep(Reweight::Unchanged),
            3 => Self::Keep(Reweight::Unknown),
            _ => Self::Keep(Reweight::Threshold(Threshold::from_bits(bits - FIRST_THRESHOLD))),
        })
    }
}

const UNDECIDED: u64 = 0;
const FIRST_THRESHOLD: u64 = 4;

/// The place of a verdict that is yet to come. A number instead of a `OnceLock`: every traced request decides once.
#[derive(Debug, Default)]
pub(crate) struct Decision(AtomicU64);

impl Decision {
    /// The verdict, once there is one.
    pub(crate) fn get(&self) -> Option<Verdict> {
        Verdict::from_bits(self.0.load(Ordering::Acquire))
    }

    /// The first verdict counts and is returned.
    pub(crate) fn decide(&self, verdict: impl FnOnce() -> Verdict) -> Verdict {
        if let Some(known) = self.get() {
            return known;
        }
        let verdict = verdict();
        let set = self.0.compare_exchange(UNDECIDED, verdict.bits(), Ordering::AcqRel, Ordering::Acquire);
        set.err().and_then(Verdict::from_bits).unwrap_or(verdict)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_verdict_is_kept_as_it_is() {
        let thresholds = [Threshold::ALWAYS, Threshold::NEVER].map(Reweight::Threshold);
        let reweights = [Reweight::Unchanged, Reweight::Unknown].into_iter().chain(thresholds);
        for verdict in reweights.map(Verdict::Keep).chain([Verdict::Drop]) {
            let decision = Decision::default();
            assert_eq!(decision.get(), None);
            assert_eq!(decision.decide(|| verdict), verdict);
            assert_eq!(decision.decide(|| unreachable!("it is decided")), verdict);
            assert_eq!(decision.get(), Some(verdict));
        }
    }
}
