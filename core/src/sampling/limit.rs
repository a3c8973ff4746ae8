//! How many spans a second are kept at most.

use std::sync::{Mutex, PoisonError};

const SECOND_NS: f64 = 1e9;

/// A token bucket that holds one second's worth, at least one span.
#[derive(Debug)]
pub struct RateLimit {
    per_second: f64,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    tokens: f64,
    at_ns: u64,
}

impl RateLimit {
    /// `None` where the rate is not a positive number.
    #[must_use]
    pub fn new(spans_per_second: f64) -> Option<Self> {
        let is_fine = spans_per_second.is_finite() && spans_per_second > 0.0;
        let state = Mutex::new(State { tokens: spans_per_second.max(1.0), at_ns: 0 });
        is_fine.then_some(Self { per_second: spans_per_second, state })
    }

    /// Whether one more request's span may be kept at this time, in monotonic nanoseconds.
    #[must_use]
    pub fn admit(&self, now_ns: u64) -> bool {
        // Nothing panics while the lock is held, and the data is plain.
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.at_ns == 0 {
            state.at_ns = now_ns;
        }
        #[allow(clippy::cast_precision_loss, reason = "a difference of stamps; half a microsecond in a year")]
        let passed = now_ns.saturating_sub(state.at_ns) as f64 / SECOND_NS;
        state.at_ns = state.at_ns.max(now_ns);
        state.tokens = (state.tokens + passed * self.per_second).min(self.per_second.max(1.0));
        let is_admitted = state.tokens >= 1.0;
        if is_admitted {
            state.tokens -= 1.0;
        }
        is_admitted
    }

    /// Counts the child spans of a request that was admitted. They follow it in any case, so the bucket may run into
    /// debt, by a minute's worth at most.
    pub fn charge(&self, spans: u32) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.tokens = (state.tokens - f64::from(spans)).max(-60.0 * self.per_second);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_of_one_second_and_then_the_rate() {
        let limit = RateLimit::new(10.0).unwrap();
        let at = |ms: u64| 1_000_000_000 + ms * 1_000_000;
        let admitted = |ms| (0..100).filter(|_| limit.admit(at(ms))).count();
        assert_eq!([admitted(0), admitted(100), admitted(150), admitted(400)], [10, 1, 0, 3]);
        assert_eq!(admitted(60_000), 10);
        assert!(!limit.admit(at(0)), "a clock that runs backwards adds nothing");
    }

    #[test]
    fn children_are_counted() {
        let limit = RateLimit::new(10.0).unwrap();
        assert!(limit.admit(1_000_000_000));
        limit.charge(14);
        assert!(!limit.admit(1_500_000_000));
        assert!(limit.admit(1_700_000_000));
    }

    #[test]
    fn slow_rates_keep_one() {
        let limit = RateLimit::new(0.5).unwrap();
        let kept: Vec<bool> = (1..=5).map(|second| limit.admit(second * 1_000_000_000)).collect();
        assert_eq!(kept, [true, false, true, false, true]);
        for wrong in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            assert!(RateLimit::new(wrong).is_none());
        }
    }
}
