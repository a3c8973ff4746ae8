//! The table of data points: `metrics` of the store.

use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_array::builder::{
    BooleanBuilder, Float64Builder, Int64Builder, ListBuilder, StringBuilder, UInt64Builder,
};
use arrow_schema::ArrowError;

use super::parts::{write_details, write_exemplars, write_quantiles};
use super::spans::append;
use super::{Column, Outcome, assemble};
use crate::error::DecodeError;
use crate::limits::{MAX_BUCKETS, MAX_NAME_BYTES};
use crate::model::{Buckets, Metric, Number, Point, Source};
use crate::value::clip;

/// Builders of all columns.
#[derive(Default)]
pub(crate) struct Metrics {
    pub(crate) outcome: Outcome,
    time_ns: Int64Builder,
    start_ns: Int64Builder,
    service: StringBuilder,
    resource_id: UInt64Builder,
    scope: StringBuilder,
    scope_id: UInt64Builder,
    name: StringBuilder,
    unit: StringBuilder,
    description: StringBuilder,
    kind: StringBuilder,
    temporality: StringBuilder,
    monotonic: BooleanBuilder,
    attributes: StringBuilder,
    numbers: Numbers,
    bounds: ListBuilder<Float64Builder>,
    counts: ListBuilder<UInt64Builder>,
    quantiles: StringBuilder,
    exemplars: StringBuilder,
    details: StringBuilder,
    json: String,
}

#[derive(Default)]
struct Numbers {
    value: Float64Builder,
    count: UInt64Builder,
    sum: Float64Builder,
    min: Float64Builder,
    max: Float64Builder,
}

impl Metrics {
    /// One row, or one rejection.
    pub(crate) fn push(
        &mut self,
        source: &Source,
        metric: &Metric<'_>,
        point: &Point<'_>,
    ) -> Result<(), DecodeError> {
        self.outcome.check("data points")?;
        match checked_time(metric, point) {
            Ok(time_ns) => {
                self.time_ns.append_value(time_ns);
                self.push_metric(source, metric);
                self.push_point(point);
                self.outcome.accept();
            }
            Err(mistake) => {
                let name = clip(&metric.name, 100);
                self.outcome.reject(|| format!("data point of {name:?} {mistake}"));
            }
        }
        Ok(())
    }

    fn push_metric(&mut self, source: &Source, metric: &Metric<'_>) {
        self.service.append_value(&source.service);
        self.resource_id.append_value(source.resource_id);
        self.scope.append_value(&source.scope);
        self.scope_id.append_option(source.scope_id);
        self.name.append_value(clip(&metric.name, MAX_NAME_BYTES));
        append(&mut self.unit, Some(&metric.unit), MAX_NAME_BYTES);
        append(&mut self.description, Some(&metric.description), MAX_NAME_BYTES);
        self.kind.append_value(metric.kind);
        self.temporality.append_option(match metric.temporality {
            1 => Some("delta"),
            2 => Some("cumulative"),
            _ => None,
        });
        self.monotonic.append_option(metric.monotonic);
    }

    fn push_point(&mut self, point: &Point<'_>) {
        self.start_ns.append_option(i64::try_from(point.start_ns).ok().filter(|start| *start != 0));
        self.numbers.push(point);
        push_buckets(point.buckets.as_ref(), &mut self.bounds, &mut self.counts);
        self.json.clear();
        point.attributes.write_json(&mut self.json);
        self.attributes.append_value(&self.json);
        self.json.clear();
        if !point.quantiles.is_empty() {
            write_quantiles(point, &mut self.json);
        }
        append(&mut self.quantiles, Some(&self.json), usize::MAX);
        self.json.clear();
        if !point.exemplars.is_empty() {
            write_exemplars(&point.exemplars, &mut self.json);
        }
        append(&mut self.exemplars, Some(&self.json), usize::MAX);
        self.json.clear();
        write_details(point, &mut self.json);
        append(&mut self.details, Some(&self.json), usize::MAX);
    }

    /// The table.
    pub(crate) fn finish(mut self) -> Result<RecordBatch, ArrowError> {
        let mut columns: Vec<Column> = vec![
            ("time_ns", Arc::new(self.time_ns.finish())),
            ("start_ns", Arc::new(self.start_ns.finish())),
            ("service", Arc::new(self.service.finish())),
            ("resource_id", Arc::new(self.resource_id.finish())),
            ("scope", Arc::new(self.scope.finish())),
            ("name", Arc::new(self.name.finish())),
            ("unit", Arc::new(self.unit.finish())),
            ("description", Arc::new(self.description.finish())),
            ("kind", Arc::new(self.kind.finish())),
            ("temporality", Arc::new(self.temporality.finish())),
            ("monotonic", Arc::new(self.monotonic.finish())),
            ("attributes", Arc::new(self.attributes.finish())),
        ];
        columns.extend(self.numbers.finish());
        columns.extend([
            ("bounds", Arc::new(self.bounds.finish()) as _),
            ("counts", Arc::new(self.counts.finish()) as _),
            ("quantiles", Arc::new(self.quantiles.finish()) as _),
            ("exemplars", Arc::new(self.exemplars.finish()) as _),
            ("details", Arc::new(self.details.finish()) as _),
            ("scope_id", Arc::new(self.scope_id.finish()) as _),
        ]);
        assemble(columns)
    }
}

impl Numbers {
    fn push(&mut self, point: &Point<'_>) {
        self.value.append_option(point.value.map(Number::as_double));
        self.count.append_option(point.count);
        self.sum.append_option(point.sum);
        self.min.append_option(point.min);
        self.max.append_option(point.max);
    }

    fn finish(&mut self) -> Vec<Column> {
        vec![
            ("value", Arc::new(self.value.finish())),
            ("count", Arc::new(self.count.finish())),
            ("sum", Arc::new(self.sum.finish())),
            ("min", Arc::new(self.min.finish())),
            ("max", Arc::new(self.max.finish())),
        ]
    }
}

fn checked_time(metric: &Metric<'_>, point: &Point<'_>) -> Result<i64, &'static str> {
    if metric.name.is_empty() {
        return Err("belongs to a metric without a name");
    }
    if let Some(buckets) = &point.buckets {
        if buckets.counts.len() > MAX_BUCKETS {
            return Err("has too many buckets");
        }
        // A histogram may come without any buckets: count and sum alone (metrics.proto).
        if buckets.counts.len() != buckets.bounds.len() + 1
            && !(buckets.counts.is_empty() && buckets.bounds.is_empty())
        {
            return Err("must have one more bucket_counts than explicit_bounds");
        }
    }
    match i64::try_from(point.time_ns) {
        Ok(0) => Err("has no time_unix_nano"),
        Ok(time_ns) => Ok(time_ns),
        Err(_) => Err("is from after the year 2262"),
    }
}

fn push_buckets(
    buckets: Option<&Buckets>,
    bounds: &mut ListBuilder<Float64Builder>,
    counts: &mut ListBuilder<UInt64Builder>,
) {
    if let Some(buckets) = buckets {
        bounds.values().append_slice(&buckets.bounds);
        counts.values().append_slice(&buckets.counts);
    }
    bounds.append(buckets.is_some());
    counts.append(buckets.is_some());
}
