//! How many spans were started, and how many are not over: what the conventions call the SDK's own metrics of spans.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::trace::SpanContext;

/// What the samplers said when a span began. The tail sampler may yet drop what is recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sampling {
    /// Neither recorded nor sampled.
    Drop,
    /// Recorded, for the tail sampler may keep it.
    RecordOnly,
    /// Recorded and sampled.
    RecordAndSample,
}

impl Sampling {
    /// All, in the order of [`Census`].
    pub(crate) const ALL: [Self; 3] = [Self::Drop, Self::RecordOnly, Self::RecordAndSample];

    /// For a span of this context.
    #[must_use]
    pub const fn of(span: &SpanContext, is_recording: bool) -> Self {
        match (is_recording, span.flags.is_sampled()) {
            (false, _) => Self::Drop,
            (true, false) => Self::RecordOnly,
            (true, true) => Self::RecordAndSample,
        }
    }

    /// As the conventions write it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Drop => "DROP",
            Self::RecordOnly => "RECORD_ONLY",
            Self::RecordAndSample => "RECORD_AND_SAMPLE",
        }
    }
}

/// Where the parent of a span is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// There is none.
    None,
    /// In this process.
    Local,
    /// In another.
    Remote,
}

impl Origin {
    /// All, in the order of [`Census`].
    pub(crate) const ALL: [Self; 3] = [Self::None, Self::Local, Self::Remote];

    /// As the conventions write it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Local => "local",
            Self::Remote => "remote",
        }
    }
}

/// Counts of one sink. Each span costs one addition when it starts, and one more at its end if it was recorded.
#[derive(Debug, Default)]
pub struct Census {
    started: [[AtomicU64; 3]; 3],
    ended: [AtomicU64; 3],
}

/// What a [`Census`] had counted at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counted {
    started: [[u64; 3]; 3],
    ended: [u64; 3],
}

impl Census {
    /// A span begins.
    #[inline]
    pub(crate) fn start(&self, sampling: Sampling, origin: Origin) {
        self.started[sampling as usize][origin as usize].fetch_add(1, Ordering::Relaxed);
    }

    /// A span that began so is over.
    #[inline]
    pub(crate) fn end(&self, sampling: Sampling) {
        if sampling != Sampling::Drop {
            self.ended[sampling as usize].fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Everything so far. Ends are read first, so that no span has ended that has not begun.
    #[must_use]
    pub fn counted(&self) -> Counted {
        let ended = self.ended.each_ref().map(|count| count.load(Ordering::Acquire));
        let started =
            self.started.each_ref().map(|row| row.each_ref().map(|count| count.load(Ordering::Relaxed)));
        Counted { started, ended }
    }
}

impl Counted {
    /// What came after `earlier`: spans that were live then are nobody's.
    #[must_use]
    pub fn since(&self, earlier: &Self) -> Self {
        let mut counted = *self;
        for sampling in Sampling::ALL.map(|sampling| sampling as usize) {
            for origin in Origin::ALL.map(|origin| origin as usize) {
                counted.started[sampling][origin] -= earlier.started[sampling][origin];
            }
            counted.ended[sampling] -= earlier.ended[sampling];
        }
        counted
    }

    /// Spans that began so.
    #[must_use]
    pub const fn started(&self, sampling: Sampling, origin: Origin) -> u64 {
        self.started[sampling as usize][origin as usize]
    }

    /// Spans that began so and are not over.
    #[must_use]
    pub fn live(&self, sampling: Sampling) -> u64 {
        let started: u64 = self.started[sampling as usize].iter().sum();
        started.saturating_sub(self.ended[sampling as usize])
    }

    /// All recorded spans that are not over.
    #[must_use]
    pub fn all_live(&self) -> u64 {
        self.live(Sampling::RecordOnly) + self.live(Sampling::RecordAndSample)
    }

    /// All spans that began.
    #[must_use]
    pub fn all_started(&self) -> u64 {
        self.started.iter().flatten().sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_live_from_their_start_to_their_end_if_they_are_recorded() {
        let census = Census::default();
        for sampling in Sampling::ALL {
            (0..3).for_each(|_| census.start(sampling, Origin::Remote));
            census.end(sampling);
        }
        let counted = census.counted();
        assert_eq!(Sampling::ALL.map(|sampling| counted.started(sampling, Origin::Remote)), [3, 3, 3]);
        assert_eq!(counted.started(Sampling::Drop, Origin::Local), 0);
        assert_eq!([Sampling::RecordOnly, Sampling::RecordAndSample].map(|s| counted.live(s)), [2, 2]);
        assert_eq!((counted.all_started(), counted.all_live()), (9, 4));
    }

    #[test]
    fn the_child_of_a_fork_begins_with_nothing() {
        let census = Census::default();
        (0..3).for_each(|_| census.start(Sampling::RecordAndSample, Origin::None));
        let earlier = census.counted();
        assert_eq!(census.counted().since(&earlier), Counted::default());
        // One that was live at the fork ends here: not below nothing.
        census.end(Sampling::RecordAndSample);
        assert_eq!(census.counted().since(&earlier).all_live(), 0);
    }
}
