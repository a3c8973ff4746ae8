//! What the two encodings are read into, one record at a time, before it goes into a table.
//!
//! Follows `opentelemetry/proto/{trace,logs,metrics}/v1/*.proto` (OTLP 1.x). An id is `None` where it has the wrong
//! length and 0 where it is missing.

use std::borrow::Cow;

use crate::value::{Attributes, Value};

/// One span.
#[derive(Debug, Default)]
#[expect(clippy::struct_field_names, reason = "the name that OTLP gives it")]
pub(crate) struct Span<'a> {
    pub(crate) trace_id: Option<u128>,
    pub(crate) span_id: Option<u64>,
    pub(crate) parent_id: Option<u64>,
    pub(crate) trace_state: Cow<'a, str>,
    pub(crate) flags: u32,
    pub(crate) name: Cow<'a, str>,
    pub(crate) kind: i64,
    pub(crate) start_ns: u64,
    pub(crate) end_ns: u64,
    pub(crate) attributes: Attributes<'a>,
    pub(crate) events: Vec<Event<'a>>,
    pub(crate) dropped_events: u32,
    pub(crate) links: Vec<Link<'a>>,
    pub(crate) dropped_links: u32,
    pub(crate) status: i64,
    pub(crate) status_message: Cow<'a, str>,
}

/// Something that happened at an instant of a span.
#[derive(Debug, Default)]
pub(crate) struct Event<'a> {
    pub(crate) time_ns: u64,
    pub(crate) name: Cow<'a, str>,
    pub(crate) attributes: Attributes<'a>,
}

/// Another span that this one has to do with.
#[derive(Debug, Default)]
pub(crate) struct Link<'a> {
    pub(crate) trace_id: Option<u128>,
    pub(crate) span_id: Option<u64>,
    pub(crate) trace_state: Cow<'a, str>,
    pub(crate) flags: u32,
    pub(crate) attributes: Attributes<'a>,
}

/// One log record.
#[derive(Debug, Default)]
pub(crate) struct Log<'a> {
    pub(crate) trace_id: Option<u128>,
    pub(crate) span_id: Option<u64>,
    pub(crate) time_ns: u64,
    pub(crate) observed_ns: u64,
    pub(crate) severity: i64,
    pub(crate) severity_text: Cow<'a, str>,
    pub(crate) body: Value<'a>,
    pub(crate) attributes: Attributes<'a>,
}

/// What all data points of a metric share.
#[derive(Debug, Default)]
pub(crate) struct Metric<'a> {
    pub(crate) name: Cow<'a, str>,
    pub(crate) unit: Cow<'a, str>,
    pub(crate) description: Cow<'a, str>,
    pub(crate) kind: &'static str,
    pub(crate) temporality: i64,
    pub(crate) monotonic: Option<bool>,
}

/// One data point, of any kind of metric.
#[derive(Debug, Default)]
pub(crate) struct Point<'a> {
    pub(crate) time_ns: u64,
    pub(crate) start_ns: u64,
    pub(crate) attributes: Attributes<'a>,
    pub(crate) flags: u32,
    pub(crate) value: Option<Number>,
    pub(crate) count: Option<u64>,
    pub(crate) sum: Option<f64>,
    pub(crate) min: Option<f64>,
    pub(crate) max: Option<f64>,
    pub(crate) buckets: Option<Buckets>,
    pub(crate) exponential: Option<Exponential>,
    pub(crate) quantiles: Vec<(f64, f64)>,
    pub(crate) exemplars: Vec<Exemplar<'a>>,
}

/// A measured value: OTLP keeps the two kinds apart.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Number {
    Int(i64),
    Double(f64),
}

impl Number {
    /// For columns that have one type for both.
    #[expect(clippy::cast_precision_loss, reason = "what it was exactly is kept beside it")]
    pub(crate) const fn as_double(self) -> f64 {
        match self {
            Self::Int(value) => value as f64,
            Self::Double(value) => value,
        }
    }
}

/// A histogram's counts between bounds: one more count than bounds.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Buckets {
    pub(crate) bounds: Vec<f64>,
    pub(crate) counts: Vec<u64>,
}

/// The buckets of an exponential histogram, as they are sent.
#[derive(Debug, Default)]
pub(crate) struct Exponential {
    pub(crate) scale: i32,
    pub(crate) zero_count: u64,
    pub(crate) zero_threshold: f64,
    pub(crate) positive: Side,
    pub(crate) negative: Side,
}

/// The positive or negative half of an exponential histogram.
#[derive(Debug, Default)]
pub(crate) struct Side {
    pub(crate) offset: i32,
    pub(crate) counts: Vec<u64>,
}

/// One measurement behind a data point, with the span it was made in.
#[derive(Debug, Default)]
pub(crate) struct Exemplar<'a> {
    pub(crate) time_ns: u64,
    pub(crate) value: Option<Number>,
    pub(crate) trace_id: Option<u128>,
    pub(crate) span_id: Option<u64>,
    pub(crate) attributes: Attributes<'a>,
}

/// What sends: a process, say.
#[derive(Debug, Default)]
pub(crate) struct Resource<'a> {
    pub(crate) attributes: Attributes<'a>,
    pub(crate) schema_url: Cow<'a, str>,
}

/// What made the records inside it: a library, say.
#[derive(Debug, Default)]
pub(crate) struct Scope<'a> {
    pub(crate) name: Cow<'a, str>,
    pub(crate) version: Cow<'a, str>,
    pub(crate) attributes: Attributes<'a>,
    pub(crate) schema_url: Cow<'a, str>,
}

/// Who sent what follows: resource and scope.
#[derive(Clone, Debug, Default)]
pub(crate) struct Source {
    pub(crate) resource_id: u64,
    pub(crate) service: String,
    /// `name@version`, or the name alone.
    pub(crate) scope: String,
    /// Of a scope that has more than that.
    pub(crate) scope_id: Option<u64>,
}

impl Exponential {
    /// The same counts between explicit bounds: bucket `i` covers `(base^i, base^(i+1)]` with
    /// `base = 2^(2^-scale)` (metrics data model, exponential histogram).
    pub(crate) fn to_buckets(&self) -> Buckets {
        let mut buckets = Buckets { bounds: Vec::new(), counts: vec![0] };
        if !self.negative.counts.is_empty() {
            let edges = self.edges(&self.negative);
            buckets.bounds.extend(edges.iter().rev().map(|edge| -edge));
            buckets.counts.extend(self.negative.counts.iter().rev());
        }
        // What lies around zero is between the innermost negative and the innermost positive bound.
        if buckets.bounds.is_empty() {
            buckets.counts[0] = self.zero_count;
        } else {
            buckets.counts.push(self.zero_count);
        }
        if !self.positive.counts.is_empty() {
            buckets.bounds.extend(self.edges(&self.positive));
            buckets.counts.extend(&self.positive.counts);
            buckets.counts.push(0);
        }
        buckets
    }

    fn edges(&self, side: &Side) -> Vec<f64> {
        let step = (-f64::from(self.scale)).exp2();
        let count = u32::try_from(side.counts.len()).unwrap_or(u32::MAX);
        (0..=count).map(|index| ((f64::from(side.offset) + f64::from(index)) * step).exp2()).collect()
    }
}
