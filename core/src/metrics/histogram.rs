//! One histogram: whole numbers into buckets, with one exemplar each.

use std::sync::Arc;

use super::scale::Scale;
use crate::otlp::metric::{Exemplar, HistogramPoint};
use crate::otlp::span::Attributes;
use crate::propagation::ids::random;

/// When and in which span something was measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Sample {
    pub time_unix_ns: u64,
    pub span: Option<([u8; 16], [u8; 8])>,
}

/// Measurements of a range of values. The exemplar among them is one measurement, each as likely as any other.
#[derive(Clone, Debug, Default)]
struct Bucket {
    count: u64,
    /// Since the last report, of those that may be exemplars.
    seen: u64,
    /// Which one of these is the next exemplar.
    next: u64,
}

impl Bucket {
    /// The n-th measurement must be kept with the chance 1/n. To draw the number of the next one that is kept instead
    /// (Vitter, "Random Sampling with a Reservoir", 1985, section 3) costs most measurements no more than to be counted.
    #[inline]
    fn is_exemplar(&mut self) -> bool {
        self.seen += 1;
        let is_next = self.seen >= self.next;
        if is_next {
            self.next = after(self.seen, random());
        }
        is_next
    }
}

/// Which measurement replaces the `seen`-th: one beyond `m` with the chance `seen / m`. `random` is any number.
fn after(seen: u64, random: u64) -> u64 {
    let quotient = (u128::from(seen) << 64) / (u128::from(random) + 1);
    u64::try_from(quotient).map_or(u64::MAX, |quotient| quotient.saturating_add(1))
}

#[derive(Clone, Debug)]
pub(crate) struct Histogram {
    scale: &'static Scale,
    sum: u64,
    least: u64,
    most: u64,
    buckets: Box<[Bucket]>,
    /// Where the last value fell: mostly the next one does, too.
    last: usize,
    /// The smallest value of that bucket, and how many there are above.
    last_least: u64,
    last_width: u64,
    /// For each bucket: what the specification calls an aligned histogram bucket reservoir, sampled uniformly as it
    /// recommends. Empty without samples: most processes that do not sample need none.
    exemplars: Vec<Option<(Sample, u64)>>,
}

impl Histogram {
    pub(crate) fn new(scale: &'static Scale) -> Self {
        Self {
            scale,
            sum: 0,
            least: u64::MAX,
            most: 0,
            buckets: vec![Bucket::default(); scale.bounds.len() + 1].into(),
            last: 0,
            last_least: 0,
            last_width: scale.bounds.first().copied().unwrap_or(u64::MAX),
            exemplars: Vec::new(),
        }
    }

    #[inline]
    pub(crate) fn record(&mut self, value: u64, sample: Option<&Sample>) {
        if value.wrapping_sub(self.last_least) > self.last_width {
            self.find(value);
        }
        self.sum = self.sum.saturating_add(value);
        self.least = self.least.min(value);
        self.most = self.most.max(value);
        let Some(bucket) = self.buckets.get_mut(self.last) else { return };
        bucket.count += 1;
        if let Some(sample) = sample
            && bucket.is_exemplar()
        {
            self.keep(*sample, value);
        }
    }

    /// Moves on to the bucket of a value.
    #[inline(never)]
    fn find(&mut self, value: u64) {
        let bounds = self.scale.bounds;
        self.last = bounds.partition_point(|bound| *bound < value);
        self.last_least = self.last.checked_sub(1).map_or(0, |below| bounds[below] + 1);
        self.last_width = bounds.get(self.last).unwrap_or(&u64::MAX) - self.last_least;
    }

    /// Makes a measurement the exemplar of its bucket, which is the last one.
    #[cold]
    fn keep(&mut self, sample: Sample, value: u64) {
        self.exemplars.resize(self.buckets.len(), None);
        self.exemplars[self.last] = Some((sample, value));
    }

    /// What was recorded since the start. Exemplars are taken out: the next report has newer ones.
    pub(crate) fn point(&mut self, attributes: &Arc<Attributes>, bounds: &Arc<[f64]>) -> HistogramPoint {
        let scale = self.scale;
        let count = self.buckets.iter().map(|bucket| bucket.count).sum();
        let buckets = self.buckets.iter().map(|bucket| bucket.count).collect();
        for bucket in &mut self.buckets {
            (bucket.seen, bucket.next) = (0, 0);
        }
        let exemplar = |(sample, value): (Sample, u64)| Exemplar {
            time_unix_ns: sample.time_unix_ns,
            value: scale.in_unit(value),
            span: sample.span,
        };
        HistogramPoint {
            attributes: Arc::clone(attributes),
            count,
            sum: scale.in_unit(self.sum),
            extremes: (count > 0).then(|| (scale.in_unit(self.least), scale.in_unit(self.most))),
            bounds: Arc::clone(bounds),
            buckets,
            exemplars: self.exemplars.drain(..).flatten().map(exemplar).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    static SCALE: Scale = Scale { bounds: &[10, 20], per_unit: 10.0 };

    fn point(histogram: &mut Histogram) -> HistogramPoint {
        histogram.point(&Arc::default(), &Arc::from([1.0, 2.0]))
    }

    #[test]
    fn upper_bounds_are_included() {
        let mut histogram = Histogram::new(&SCALE);
        let values = [0, 10, 11, 20, 21, u64::MAX];
        // Each after each: where one falls must not depend on the one before.
        for value in values.into_iter().flat_map(|one| values.map(|other| [one, other])).flatten() {
            histogram.record(value, None);
        }
        let point = point(&mut histogram);
        assert_eq!((point.count, &point.buckets[..]), (72, &[24, 24, 24][..]));
        assert!(point.exemplars.is_empty());
    }

    #[test]
    fn an_empty_one_has_no_extremes() {
        let mut histogram = Histogram::new(&SCALE);
        assert_eq!(point(&mut histogram).extremes, None);
        histogram.record(5, None);
        histogram.record(15, None);
        let point = point(&mut histogram);
        assert_eq!((point.sum, point.extremes), (2.0, Some((0.5, 1.5))));
    }

    fn sample(time_unix_ns: u64) -> Sample {
        Sample { time_unix_ns, span: Some(([1; 16], [2; 8])) }
    }

    #[test]
    fn each_bucket_keeps_one_sample_until_it_is_reported() {
        let mut histogram = Histogram::new(&SCALE);
        for (value, time) in [(1, 1), (15, 3)] {
            histogram.record(value, Some(&sample(time)));
        }
        let shown: Vec<_> =
            point(&mut histogram).exemplars.iter().map(|e| (e.time_unix_ns, e.value)).collect();
        assert_eq!(shown, [(1, 0.1), (3, 1.5)]);
        assert!(point(&mut histogram).exemplars.is_empty());
        histogram.record(2, Some(&sample(4)));
        let point = point(&mut histogram);
        assert_eq!((point.count, point.exemplars[0].time_unix_ns), (3, 4), "the first of a report is kept");
    }

    #[test]
    fn each_measurement_of_a_bucket_is_as_likely_to_be_its_sample() {
        const OF_EACH: usize = 1_000;
        let mut kept = [0; 8];
        for _ in 0..kept.len() * OF_EACH {
            let mut histogram = Histogram::new(&SCALE);
            (0..8).for_each(|time| histogram.record(5, Some(&sample(time))));
            kept[usize::try_from(point(&mut histogram).exemplars[0].time_unix_ns).unwrap()] += 1;
        }
        // Nine standard deviations.
        assert!(kept.iter().all(|count| (730..1_270).contains(count)), "{kept:?}");
    }

    #[test]
    fn the_next_sample_is_always_a_later_one() {
        assert_eq!((after(1, u64::MAX), after(7, u64::MAX)), (2, 8));
        assert_eq!((after(1, 0), after(u64::MAX, 0)), (u64::MAX, u64::MAX));
    }
}
