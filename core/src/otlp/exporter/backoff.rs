//! How long to wait after a failure: exponential, with jitter so that many processes do not come back together.

use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::time::Duration;

/// Counts failures in a row.
#[derive(Debug)]
pub(super) struct Backoff {
    first: Duration,
    most: Duration,
    failures: u32,
}

impl Backoff {
    pub(super) const fn new(first: Duration, most: Duration) -> Self {
        Self { first, most, failures: 0 }
    }

    /// The receiver works again.
    pub(super) const fn reset(&mut self) {
        self.failures = 0;
    }

    /// The wait after one more failure: between half and all of a time that doubles with each. A receiver that asks
    /// for a longer one gets it; one that asks for none does not make us hurry.
    pub(super) fn next(&mut self, asked: Option<Duration>) -> Duration {
        let exponent = if asked.is_some() { 0 } else { self.failures.min(20) };
        let full = self.first.saturating_mul(1 << exponent).min(self.most);
        self.failures = self.failures.saturating_add(1);
        let wait = full.mul_f64(0.5 + random_fraction() / 2.0);
        asked.map_or(wait, |asked| asked.max(wait))
    }
}

/// Between 0 and 1. The keys of the standard library's hash tables are random, which is all the chance we need.
fn random_fraction() -> f64 {
    let bits = RandomState::new().build_hasher().finish();
    f64::from(u32::try_from(bits >> 32).unwrap_or(0)) / f64::from(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn waits_double_up_to_the_longest_with_jitter() {
        let mut backoff = Backoff::new(SECOND, 30 * SECOND);
        for full in [1, 2, 4, 8, 16, 30, 30, 30] {
            let wait = backoff.next(None);
            assert!(wait >= full * SECOND / 2 && wait <= full * SECOND, "{wait:?} of {full}");
        }
        backoff.reset();
        assert!(backoff.next(None) <= SECOND);
        let waits: Vec<_> = (0..10).map(|_| Backoff::new(SECOND, SECOND).next(None)).collect();
        assert!(waits.iter().any(|wait| *wait != waits[0]), "no jitter");
    }

    #[test]
    fn a_receivers_wish_is_kept_but_never_makes_us_hurry() {
        let mut backoff = Backoff::new(SECOND, 30 * SECOND);
        assert_eq!(backoff.next(Some(100 * SECOND)), 100 * SECOND);
        assert!(backoff.next(Some(Duration::ZERO)) >= SECOND / 2);
    }
}
