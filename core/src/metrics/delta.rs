//! What a backend is told: counts since the start, or since the report before.

use crate::otlp::metric::{HistogramPoint, MetricsData, NumberPoint, Points, Temporality};

/// Makes the reports of one exporter.
#[derive(Debug, Default)]
pub struct Reporter {
    /// The last report that arrived, as it was collected. Nothing where reports are cumulative.
    arrived: Option<MetricsData>,
    temporality: Temporality,
}

impl Reporter {
    /// For an exporter that prefers this.
    #[must_use]
    pub const fn new(temporality: Temporality) -> Self {
        Self { arrived: None, temporality }
    }

    /// What to send of what was collected.
    #[must_use]
    pub fn report(&self, collected: &MetricsData) -> MetricsData {
        let mut report = collected.clone();
        report.temporality = self.temporality;
        if let (Temporality::Delta, Some(arrived)) = (self.temporality, &self.arrived) {
            report.delta_start_unix_ns = arrived.time_unix_ns;
            for (metric, before) in report.metrics.iter_mut().zip(&arrived.metrics) {
                subtract(&mut metric.points, &before.points);
            }
        }
        for metric in &mut report.metrics {
            drop_empty(&mut metric.points, self.temporality);
        }
        report
    }

    /// The report of this collection arrived: the next delta begins there. One that got lost is in the next.
    pub fn arrived(&mut self, collected: MetricsData) {
        if self.temporality == Temporality::Delta {
            self.arrived = Some(collected);
        }
    }
}

/// Points that are new have nothing to subtract.
fn subtract(points: &mut Points, before: &Points) {
    match (points, before) {
        (Points::Counter(points), Points::Counter(before)) => {
            for (at, point) in points.iter_mut().enumerate() {
                let earlier = earlier(before, at, |before| before.attributes == point.attributes);
                point.value -= earlier.map_or(0, |before| before.value);
            }
        }
        (Points::Histogram(points), Points::Histogram(before)) => {
            for (at, point) in points.iter_mut().enumerate() {
                if let Some(before) = earlier(before, at, |before| before.attributes == point.attributes) {
                    subtract_histogram(point, before);
                }
            }
        }
        _ => {}
    }
}

/// The point that is the same: mostly in the same place.
fn earlier<T>(before: &[T], at: usize, is_same: impl Fn(&T) -> bool) -> Option<&T> {
    before.get(at).filter(|point| is_same(point)).or_else(|| before.iter().find(|point| is_same(point)))
}

fn subtract_histogram(point: &mut HistogramPoint, before: &HistogramPoint) {
    point.count -= before.count;
    point.sum -= before.sum;
    for (bucket, before) in point.buckets.iter_mut().zip(&before.buckets) {
        *bucket -= before;
    }
    point.extremes = None;
}

fn drop_empty(points: &mut Points, temporality: Temporality) {
    let is_news = |point: &NumberPoint| temporality == Temporality::Cumulative || point.value != 0;
    match points {
        Points::Counter(points) => points.retain(is_news),
        Points::Histogram(points) => points.retain(|point| point.count > 0),
        Points::UpDownCounter(_) => {}
    }
}
