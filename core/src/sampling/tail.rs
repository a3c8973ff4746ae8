//! Sampling at the end of a request, when everything about it is known.
//!
//! In this order: the rules keep what is interesting, whatever the head sampler said. Of the rest, what the head sampler
//! dropped is dropped, and what it took is kept by the ratio, consistently for all that share the trace. The rate limit
//! comes last and stops even errors: it is there to protect the receiver.
//!
//! The kept span's `th` stays honest: 0 (each counts for itself) where a rule kept it, the larger of both thresholds where
//! the ratio did, and none where a rate limit makes the probability unknown.

use std::sync::atomic::{AtomicU64, Ordering};

use super::limit::RateLimit;
use super::pattern::Pattern;
use super::threshold::Threshold;
use super::verdict::{Reweight, Verdict};

/// The rules. Times in nanoseconds.
#[derive(Clone, Debug)]
pub struct TailOptions {
    /// Keep what ended in an error.
    pub errors: bool,
    /// Keep what took at least this long.
    pub slower_than_ns: Option<u64>,
    /// As `slower_than_ns` for some routes (or paths, where no route matched); the first that matches counts alone.
    pub slower_routes: Vec<(Pattern, u64)>,
    /// Keep what was at least this long in one state, in the order of [`crate::trace::State::ALL`].
    pub states_ns: [Option<u64>; 6],
    /// The share, from 0 to 1, that is kept of the rest.
    pub ratio: f64,
    /// Most spans a second.
    pub spans_per_second: Option<f64>,
}

impl Default for TailOptions {
    /// Keeps errors and everything else.
    fn default() -> Self {
        Self {
            errors: true,
            slower_than_ns: None,
            slower_routes: Vec::new(),
            states_ns: [None; 6],
            ratio: 1.0,
            spans_per_second: None,
        }
    }
}

/// Options that make no sense.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TailError {
    /// The ratio is no share.
    #[error("the tail sampler's ratio must be between 0 and 1")]
    Ratio,
    /// The limit is no rate.
    #[error("the tail sampler's spans per second must be more than 0")]
    Rate,
}

/// What is known of a request at its end.
#[derive(Clone, Copy, Debug)]
pub struct Facts<'a> {
    /// What the head sampler said.
    pub is_sampled: bool,
    /// The span's status will be an error.
    pub is_error: bool,
    /// From the first byte to the last.
    pub duration_ns: u64,
    /// Its parts, in the order of [`crate::trace::State::ALL`].
    pub states_ns: [u64; 6],
    /// The route's template, or the path where none matched.
    pub target: &'a [u8],
    /// The trace's random number.
    pub randomness: u64,
    /// The threshold that was applied so far.
    pub threshold: Option<Threshold>,
    /// Now, monotonic.
    pub now_ns: u64,
}

/// A tail sampler.
#[derive(Debug)]
pub struct TailSampler {
    options: TailOptions,
    rest: Threshold,
    limit: Option<RateLimit>,
    limited: AtomicU64,
}

impl TailSampler {
    /// Checks the options.
    ///
    /// # Errors
    /// A ratio outside 0 to 1, a rate that is not positive.
    pub fn new(options: TailOptions) -> Result<Self, TailError> {
        let rest = Threshold::from_probability(options.ratio).ok_or(TailError::Ratio)?;
        let limit = match options.spans_per_second {
            Some(rate) => Some(RateLimit::new(rate).ok_or(TailError::Rate)?),
            None => None,
        };
        Ok(Self { options, rest, limit, limited: AtomicU64::new(0) })
    }

    /// Decides. Call it once for a request: it takes from the rate limit.
    #[must_use]
    pub fn decide(&self, facts: &Facts<'_>) -> Verdict {
        let kept = if self.is_interesting(facts) {
            self.reweight_interesting(facts)
        } else if facts.is_sampled && self.rest.keeps(facts.randomness) {
            self.reweight_rest(facts)
        } else {
            return Verdict::Drop;
        };
        match &self.limit {
            None => Verdict::Keep(kept),
            Some(limit) if limit.admit(facts.now_ns) => Verdict::Keep(Reweight::Unknown),
            Some(_) => {
                self.limited.fetch_add(1, Ordering::Relaxed);
                Verdict::Drop
            }
        }
    }

    fn is_interesting(&self, facts: &Facts<'_>) -> bool {
        let own = self.options.slower_routes.iter().find(|(route, _)| route.matches(facts.target));
        let slower_than = own.map(|(_, ns)| *ns).or(self.options.slower_than_ns);
        let mut states = facts.states_ns.iter().zip(&self.options.states_ns);
        (self.options.errors && facts.is_error)
            || slower_than.is_some_and(|ns| facts.duration_ns >= ns)
            || states.any(|(spent, bound)| bound.is_some_and(|bound| *spent >= bound))
    }

    /// Nobody counts by `th` where none was ever written: nothing to correct then.
    fn reweight_interesting(&self, facts: &Facts<'_>) -> Reweight {
        match facts.threshold {
            None if self.rest == Threshold::ALWAYS => Reweight::Unchanged,
            _ => Reweight::Threshold(Threshold::ALWAYS),
        }
    }

    fn reweight_rest(&self, facts: &Facts<'_>) -> Reweight {
        if self.rest == Threshold::ALWAYS {
            return Reweight::Unchanged;
        }
        Reweight::Threshold(facts.threshold.map_or(self.rest, |th| th.max(self.rest)))
    }

    /// Counts child spans that were kept with their request.
    pub fn charge(&self, spans: u32) {
        if let Some(limit) = &self.limit {
            limit.charge(spans);
        }
    }

    /// Requests that only the rate limit dropped.
    #[must_use]
    pub fn limited(&self) -> u64 {
        self.limited.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: u64 = 1_000_000;

    fn facts(randomness: u64) -> Facts<'static> {
        Facts {
            is_sampled: true,
            is_error: false,
            duration_ns: 10 * MS,
            states_ns: [MS; 6],
            target: b"/items/{id}",
            randomness,
            threshold: None,
            now_ns: 1_000 * MS,
        }
    }

    fn sampler(ratio: f64) -> TailSampler {
        let options = TailOptions {
            slower_than_ns: Some(100 * MS),
            slower_routes: vec![
                (Pattern::new("/fast*").unwrap(), 5 * MS),
                (Pattern::new("/slow").unwrap(), 5_000 * MS),
            ],
            states_ns: [Some(20 * MS), None, None, None, None, None],
            ratio,
            ..TailOptions::default()
        };
        TailSampler::new(options).unwrap()
    }

    #[test]
    fn rules_keep_what_is_interesting_and_the_ratio_some_of_the_rest() {
        let boring = facts(0);
        let half = sampler(0.5);
        for (facts, expected, what) in [
            (boring, false, "the rest, by its random number"),
            (facts(u64::MAX >> 8), true, "the rest, by its random number"),
            (Facts { is_sampled: false, ..facts(u64::MAX >> 8) }, false, "the head said no"),
            (Facts { is_error: true, ..boring }, true, "an error"),
            (Facts { is_error: true, is_sampled: false, ..boring }, true, "an error that the head dropped"),
            (Facts { duration_ns: 100 * MS, ..boring }, true, "slow"),
            (Facts { target: b"/fast/x", ..boring }, true, "slow for its route"),
            (Facts { target: b"/slow", duration_ns: 200 * MS, ..boring }, false, "not slow for its route"),
            (Facts { states_ns: [20 * MS, 0, 0, 0, 0, 0], ..boring }, true, "long in the queue"),
            (Facts { states_ns: [0, 90 * MS, 0, 0, 0, 0], ..boring }, false, "long in a state without bound"),
        ] {
            assert_eq!(half.decide(&facts).is_kept(), expected, "{what}");
        }
    }

    #[test]
    fn thresholds_stay_honest() {
        use Reweight::{Threshold as To, Unchanged};
        let th = |p: f64| Threshold::from_probability(p).unwrap();
        for (ratio, applied, is_error, expected) in [
            (1.0, None, false, Unchanged),
            (1.0, Some(th(0.25)), false, Unchanged),
            (0.5, None, false, To(th(0.5))),
            (0.5, Some(th(0.25)), false, To(th(0.25))),
            (0.5, Some(th(1.0)), false, To(th(0.5))),
            (0.5, Some(th(0.25)), true, To(Threshold::ALWAYS)),
            (0.5, None, true, To(Threshold::ALWAYS)),
            (1.0, None, true, Unchanged),
        ] {
            let facts = Facts { threshold: applied, is_error, ..facts(u64::MAX >> 8) };
            assert_eq!(
                sampler(ratio).decide(&facts),
                Verdict::Keep(expected),
                "{ratio} {applied:?} {is_error}"
            );
        }
    }

    #[test]
    fn the_limit_comes_last_and_is_counted() {
        let options = TailOptions { spans_per_second: Some(2.0), ..TailOptions::default() };
        let sampler = TailSampler::new(options).unwrap();
        let error = Facts { is_error: true, ..facts(0) };
        let kept: Vec<_> = (0..3).map(|_| sampler.decide(&error)).collect();
        let admitted = Verdict::Keep(Reweight::Unknown);
        assert_eq!((kept, sampler.limited()), (vec![admitted, admitted, Verdict::Drop], 1));
    }

    #[test]
    fn wrong_options_are_refused() {
        let ratio = TailOptions { ratio: 1.5, ..TailOptions::default() };
        let rate = TailOptions { spans_per_second: Some(0.0), ..TailOptions::default() };
        assert_eq!(TailSampler::new(ratio).err(), Some(TailError::Ratio));
        assert_eq!(TailSampler::new(rate).err(), Some(TailError::Rate));
    }
}
