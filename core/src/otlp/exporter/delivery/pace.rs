//! When the receiver may be asked, and by how many requests at once.
//!
//! All requests under way count as one towards the receiver. A failure stops new ones for all of them, and those that
//! were sent before it and fail as well are the same failure: they make nobody wait longer, unless the receiver names a
//! time. After it there is one request at a time, and one more for each that is taken: a receiver that was overloaded by
//! many is not met by as many again.

use std::time::{Duration, Instant};

use crate::otlp::exporter::backoff::Backoff;

/// Requests under way at once. 100,000 spans a second to a receiver that takes 200 ms for 512 are 40.
pub(super) const MOST_REQUESTS: usize = 64;

/// What is known of a receiver's wishes.
pub(super) struct Pace {
    backoff: Backoff,
    /// Nothing is sent before.
    retry_at: Option<Instant>,
    /// The receiver named that time: not even a flush comes earlier.
    is_retry_asked: bool,
    /// The receiver has failed since.
    failing_since: Option<Instant>,
    /// How often it began to be waited for. What was sent in an earlier wave tells nothing new about the receiver.
    wave: u64,
    /// Requests that may be under way at once.
    allowed: usize,
}

impl Pace {
    pub(super) const fn new(backoff: Backoff) -> Self {
        Self {
            backoff,
            retry_at: None,
            is_retry_asked: false,
            failing_since: None,
            wave: 0,
            allowed: MOST_REQUESTS,
        }
    }

    /// To be noted with each request that is sent.
    pub(super) const fn wave(&self) -> u64 {
        self.wave
    }

    pub(super) const fn allowed(&self) -> usize {
        self.allowed
    }

    pub(super) const fn is_failing(&self) -> bool {
        self.failing_since.is_some()
    }

    /// Whether it has failed for so long.
    pub(super) fn has_failed_for(&self, time: Duration) -> bool {
        self.failing_since.is_some_and(|since| since.elapsed() >= time)
    }

    /// When the next try may be, if it may not be now.
    pub(super) const fn retry_at(&self) -> Option<Instant> {
        self.retry_at
    }

    pub(super) fn may_try(&self, now: Instant) -> bool {
        self.retry_at.is_none_or(|at| at <= now)
    }

    /// Somebody waits: try now what would be tried later, unless the receiver asked for silence.
    pub(super) const fn hurry(&mut self) {
        if !self.is_retry_asked {
            self.retry_at = None;
        }
    }

    /// A request of this wave was answered and not put off. Returns whether that tells that the receiver works.
    pub(super) fn worked(&mut self, wave: u64) -> bool {
        let is_news = wave == self.wave;
        if is_news {
            self.backoff.reset();
            (self.retry_at, self.is_retry_asked, self.failing_since) = (None, false, None);
            self.allowed = MOST_REQUESTS.min(self.allowed + 1);
        }
        is_news
    }

    /// A request of this wave must be tried again, not before `after` if the receiver said so. Returns whether that
    /// tells that the receiver does not work.
    pub(super) fn failed(&mut self, wave: u64, after: Option<Duration>) -> bool {
        let is_first = wave == self.wave;
        if !is_first && after.is_none() {
            return false;
        }
        let now = Instant::now();
        let wait = if is_first { self.backoff.next(after) } else { after.unwrap_or_default() };
        self.retry_at = self.retry_at.max(Some(now + wait));
        self.is_retry_asked = after.is_some() || (!is_first && self.is_retry_asked);
        self.failing_since.get_or_insert(now);
        self.wave += 1;
        self.allowed = 1;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn pace() -> Pace {
        Pace::new(Backoff::new(SECOND, 60 * SECOND))
    }

    fn wait(pace: &Pace) -> Duration {
        pace.retry_at().map_or(Duration::ZERO, |at| at.saturating_duration_since(Instant::now()))
    }

    #[test]
    fn requests_that_fail_together_are_one_failure() {
        let mut pace = pace();
        assert!(pace.failed(0, None));
        for _ in 0..20 {
            assert!(!pace.failed(0, None));
        }
        assert!(wait(&pace) <= SECOND, "the wait has doubled for each of them");
        assert_eq!(pace.wave(), 1);
    }

    #[test]
    fn one_that_was_sent_before_a_failure_and_arrives_does_not_end_the_wait() {
        let mut pace = pace();
        pace.failed(0, Some(30 * SECOND));
        assert!(!pace.worked(0));
        assert!(pace.is_failing() && !pace.may_try(Instant::now()) && wait(&pace) > 20 * SECOND);
        pace.hurry();
        assert!(!pace.may_try(Instant::now()), "the receiver asked for silence");
        assert!(pace.worked(1) && pace.may_try(Instant::now()) && !pace.is_failing());
    }

    #[test]
    fn the_longest_wait_that_the_receiver_names_counts() {
        let mut pace = pace();
        pace.failed(0, Some(50 * SECOND));
        assert!(pace.failed(0, Some(100 * SECOND)));
        assert!(pace.failed(0, Some(20 * SECOND)));
        assert!(wait(&pace) > 90 * SECOND);
        let mut pace = self::pace();
        pace.failed(0, None);
        assert!(pace.failed(0, Some(100 * SECOND)) && wait(&pace) > 90 * SECOND);
        pace.hurry();
        assert!(!pace.may_try(Instant::now()));
    }

    #[test]
    fn a_receiver_that_failed_gets_one_request_and_then_more() {
        let mut pace = pace();
        assert_eq!(pace.allowed(), MOST_REQUESTS);
        pace.failed(0, None);
        assert_eq!(pace.allowed(), 1);
        (0..3).for_each(|_| _ = pace.worked(1));
        assert_eq!(pace.allowed(), 4);
        (0..100).for_each(|_| _ = pace.worked(1));
        assert_eq!(pace.allowed(), MOST_REQUESTS);
    }
}
