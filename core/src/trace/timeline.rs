//! The changes of state of one exchange in order of time: what the six totals cannot tell.
//!
//! Invariants: no segment is empty, neighbours differ, and the segments sum to the totals unless it was cut.

use std::fmt::{self, Display};

use super::states::State;

/// Items of a timeline, the mark of the cut among them. A handler that awaits a thousand times is no use to read.
pub const TIMELINE_ITEMS: usize = 64;
/// What stands in the place of the rest.
const CUT: &str = "...";

/// One stay in a state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Segment {
    /// Which state.
    pub state: State,
    /// How long, more than 0.
    pub duration_ns: u64,
}

/// See the module's documentation.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Timeline {
    segments: Vec<Segment>,
    is_cut: bool,
}

impl Timeline {
    /// Time passed in `state`.
    pub(super) fn add(&mut self, state: State, duration_ns: u64) {
        if duration_ns == 0 || self.is_cut {
            return;
        }
        let is_full = self.segments.len() == TIMELINE_ITEMS;
        match self.segments.last_mut() {
            Some(last) if last.state == state => last.duration_ns += duration_ns,
            _ if is_full => {
                self.segments.pop(); // its place is the mark's
                self.is_cut = true;
            }
            _ => self.segments.push(Segment { state, duration_ns }),
        }
    }

    /// In order of time.
    #[must_use]
    pub fn segments(&self) -> &[Segment] {
        &self.segments
    }

    /// Whether more came than is kept: the segments end before the exchange did.
    #[must_use]
    pub const fn is_cut(&self) -> bool {
        self.is_cut
    }
}

/// `queue=1200,read=300,run=41000`: nanoseconds, `...` at the end where it was cut.
impl Display for Timeline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, Segment { state, duration_ns }) in self.segments.iter().enumerate() {
            let comma = if index == 0 { "" } else { "," };
            write!(f, "{comma}{}={duration_ns}", state.name())?;
        }
        if self.is_cut { write!(f, ",{CUT}") } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::trace::{EndReason, Level, Record};

    #[test]
    fn text_has_the_order_of_time() {
        let mut timeline = Timeline::default();
        for (state, ns) in [(State::Queue, 12), (State::Run, 0), (State::Run, 5), (State::Run, 2)] {
            timeline.add(state, ns);
        }
        assert_eq!(timeline.to_string(), "queue=12,run=7");
        assert_eq!(Timeline::default().to_string(), "");
    }

    #[test]
    fn the_cut_is_marked_within_the_bound() {
        let mut timeline = Timeline::default();
        for index in 0..1_000 {
            timeline.add(if index % 2 == 0 { State::Run } else { State::Await }, 1);
        }
        let text = timeline.to_string();
        assert_eq!(text.split(',').count(), TIMELINE_ITEMS);
        assert!(text.ends_with(",run=1,..."));
        assert!(timeline.is_cut());
    }

    #[test]
    fn a_full_timeline_is_not_cut() {
        let mut timeline = Timeline::default();
        for index in 0..TIMELINE_ITEMS {
            timeline.add(State::ALL[index % 6].0, 1);
        }
        assert!(!timeline.is_cut());
        assert_eq!(timeline.segments().len(), TIMELINE_ITEMS);
    }

    /// What protocol code does to a record, with times that may run backwards.
    #[derive(Clone, Debug)]
    enum Step {
        Enter(usize, i64),
        Arrived(i64, i64),
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            (0..6usize, -50..500i64).prop_map(|(state, later)| Step::Enter(state, later)),
            (-50..500i64, -50..500i64).prop_map(|(stamp, later)| Step::Arrived(stamp, later)),
        ]
    }

    fn played(received: Option<u64>, steps: &[Step]) -> Record {
        let mut now = 10_000u64;
        let mut record = Record::new(Level::Base);
        record.keep_timeline();
        record.begin(now, received);
        for step in steps {
            match step {
                Step::Enter(state, later) => {
                    now = now.saturating_add_signed(*later);
                    record.enter(State::ALL[*state].0, now);
                }
                Step::Arrived(stamp, later) => {
                    now = now.saturating_add_signed(*later);
                    record.read_arrived(Some(now.saturating_add_signed(*stamp)), now);
                }
            }
        }
        record.close(now, EndReason::Completed);
        record
    }

    proptest! {
        #[test]
        fn segments_sum_to_the_totals(
            received in prop::option::of(1..20_000u64),
            steps in prop::collection::vec(step(), 0..100),
        ) {
            let record = played(received, &steps);
            let timeline = record.timeline().expect("it was asked for");
            let mut sums = [0; 6];
            for segment in timeline.segments() {
                prop_assert!(segment.duration_ns > 0);
                sums[segment.state as usize] += segment.duration_ns;
            }
            prop_assert!(timeline.segments().windows(2).all(|pair| pair[0].state != pair[1].state));
            prop_assert!(timeline.to_string().split(',').count() <= TIMELINE_ITEMS);
            let (whole, total) = (sums.iter().sum::<u64>(), record.total_ns());
            if timeline.is_cut() {
                prop_assert!(whole < total);
            } else {
                prop_assert_eq!((sums, whole), (record.states(), total));
            }
        }
    }
}
