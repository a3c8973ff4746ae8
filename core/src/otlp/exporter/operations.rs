//! How long exports took, by how they ended: `otel.sdk.exporter.operation.duration`.
//!
//! An operation is one batch from its first try to its end: it arrived, was refused, or went to the spool. Tries that are
//! followed by another one are not told apart.

use std::time::Instant;

use crate::metrics::{FINE, Histogram};

/// Ways to end that are told apart: a receiver must not fill our memory with made-up status codes.
const MOST_ENDINGS: usize = 20;

/// How an operation ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    /// All of it arrived.
    Done(Option<u16>),
    /// With this status, which is no success.
    Status(u16),
    /// With a status, and for a reason of its own.
    Failed(Option<u16>, &'static str),
    /// One of many.
    Other,
}

impl Ending {
    /// The status code of the last answer.
    pub(crate) const fn status(self) -> Option<u16> {
        match self {
            Self::Status(status) => Some(status),
            Self::Done(status) | Self::Failed(status, _) => status,
            Self::Other => None,
        }
    }

    /// What went wrong, in the conventions' words.
    pub(crate) fn error(self) -> Option<String> {
        match self {
            Self::Done(_) => None,
            Self::Status(status) => Some(status.to_string()),
            Self::Failed(_, reason) => Some(reason.to_owned()),
            Self::Other => Some("_OTHER".to_owned()),
        }
    }
}

/// Where operations go to, and how long they took. Endings keep their places.
#[derive(Clone, Debug, Default)]
pub(crate) struct Operations {
    endings: Vec<(Ending, Histogram)>,
}

impl Operations {
    pub(crate) fn record(&mut self, ending: Ending, since: Instant) {
        let ns = u64::try_from(since.elapsed().as_nanos()).unwrap_or(u64::MAX);
        let is_known = self.endings.iter().any(|(known, _)| *known == ending);
        let ending = if is_known || self.endings.len() < MOST_ENDINGS { ending } else { Ending::Other };
        if let Some((_, histogram)) = self.endings.iter_mut().find(|(known, _)| *known == ending) {
            return histogram.record(ns, None);
        }
        let mut histogram = Histogram::new(&FINE);
        histogram.record(ns, None);
        self.endings.push((ending, histogram));
    }

    pub(crate) fn endings(&mut self) -> impl Iterator<Item = (Ending, &mut Histogram)> {
        self.endings.iter_mut().map(|(ending, histogram)| (*ending, histogram))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endings_are_told_apart_up_to_a_bound() {
        let mut operations = Operations::default();
        let now = Instant::now();
        for status in 400..500 {
            operations.record(Ending::Status(status), now);
        }
        operations.record(Ending::Status(400), now);
        let endings: Vec<_> = operations.endings().map(|(ending, _)| ending).collect();
        assert_eq!(endings.len(), MOST_ENDINGS + 1);
        assert_eq!((endings[0].error().as_deref(), endings[0].status()), (Some("400"), Some(400)));
        assert_eq!(endings[MOST_ENDINGS].error().as_deref(), Some("_OTHER"));
    }
}
