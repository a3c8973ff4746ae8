//! Aggregated numbers as plain data: what metrics hand to their exporter.
//!
//! Follows `opentelemetry/proto/metrics/v1/metrics.proto` (OTLP 1.x), the parts of it that we have numbers for.

use std::sync::Arc;

use super::span::{Attributes, Text};

/// What a count is the count of. The numbers are OTLP's `AggregationTemporality`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Temporality {
    /// Since the previous report.
    Delta = 1,
    /// Since the start.
    #[default]
    Cumulative = 2,
}

/// One measurement that stands for others, with the span it was made in.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Exemplar {
    /// When, in nanoseconds since 1970 (UTC).
    pub time_unix_ns: u64,
    /// What was measured, in the unit of the metric.
    pub value: f64,
    /// Trace and span; `None` outside of one.
    pub span: Option<([u8; 16], [u8; 8])>,
}

/// One number.
#[derive(Clone, Debug, PartialEq)]
pub struct NumberPoint {
    /// What it is about.
    pub attributes: Arc<Attributes>,
    /// It.
    pub value: i64,
}

/// How values are spread over buckets.
#[derive(Clone, Debug, PartialEq)]
pub struct HistogramPoint {
    /// What it is about.
    pub attributes: Arc<Attributes>,
    /// Values.
    pub count: u64,
    /// Their sum.
    pub sum: f64,
    /// The smallest and the largest; `None` where that is not known of the time since the last report.
    pub extremes: Option<(f64, f64)>,
    /// Upper bounds of the buckets, each included; the last bucket has none.
    pub bounds: Arc<[f64]>,
    /// Values in each bucket: one more than `bounds`.
    pub buckets: Vec<u64>,
    /// At most one for each bucket.
    pub exemplars: Vec<Exemplar>,
}

/// The points of a metric, by its kind.
#[derive(Clone, Debug, PartialEq)]
pub enum Points {
    /// A count that only grows.
    Counter(Vec<NumberPoint>),
    /// A number that grows and shrinks, and may be added up over processes. Always cumulative.
    UpDownCounter(Vec<NumberPoint>),
    /// A spread.
    Histogram(Vec<HistogramPoint>),
}

impl Points {
    /// How many.
    #[must_use]
    pub const fn len(&self) -> usize {
        match self {
            Self::Counter(points) | Self::UpDownCounter(points) => points.len(),
            Self::Histogram(points) => points.len(),
        }
    }

    /// Whether there are none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// One metric with all its points.
#[derive(Clone, Debug, PartialEq)]
pub struct MetricData {
    /// Its name.
    pub name: Text,
    /// What it says.
    pub description: Text,
    /// Its unit, in the code of UCUM.
    pub unit: Text,
    /// Its numbers.
    pub points: Points,
}

/// All metrics of a process at one moment.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct MetricsData {
    /// When what is cumulative began, in nanoseconds since 1970 (UTC).
    pub start_unix_ns: u64,
    /// When what is a delta began.
    pub delta_start_unix_ns: u64,
    /// When the numbers were taken.
    pub time_unix_ns: u64,
    /// Of counters and histograms.
    pub temporality: Temporality,
    /// The metrics; those without a point are not sent.
    pub metrics: Vec<MetricData>,
}

impl MetricsData {
    /// How many points they have together.
    #[must_use]
    pub fn points(&self) -> usize {
        self.metrics.iter().map(|metric| metric.points.len()).sum()
    }

    /// The temporality of a metric, and the begin of its numbers.
    #[must_use]
    pub const fn period(&self, points: &Points) -> (Temporality, u64) {
        match (points, self.temporality) {
            (Points::UpDownCounter(_), _) | (_, Temporality::Cumulative) => {
                (Temporality::Cumulative, self.start_unix_ns)
            }
            (_, Temporality::Delta) => (Temporality::Delta, self.delta_start_unix_ns),
        }
    }
}
