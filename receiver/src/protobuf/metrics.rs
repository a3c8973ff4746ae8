//! `opentelemetry/proto/metrics/v1/metrics.proto`.

use std::borrow::Cow;

use super::values::{read_attribute, read_span_id, read_trace_id};
use super::walk::walk;
use crate::error::DecodeError;
use crate::limits::MAX_PARTS;
use crate::model::{Buckets, Exemplar, Exponential, Metric, Number, Point, Side, Source};
use crate::table::{Metrics, Sources};
use crate::wire::{Field, Reader};

/// `ExportMetricsServiceRequest` into the table.
pub(crate) fn read_metrics(
    body: &[u8],
    sources: &mut Sources,
    metrics: &mut Metrics,
) -> Result<(), DecodeError> {
    walk(body, sources, |source, message| read_metric(message, source, metrics))
}

/// `Metric`: its data may come before its name, so the data is kept aside.
fn read_metric(mut reader: Reader<'_>, source: &Source, metrics: &mut Metrics) -> Result<(), DecodeError> {
    let mut metric = Metric::default();
    let mut data = None;
    while let Some((number, field)) = reader.next()? {
        match number {
            1 => metric.name = Cow::Borrowed(field.text()?),
            2 => metric.description = Cow::Borrowed(field.text()?),
            3 => metric.unit = Cow::Borrowed(field.text()?),
            5 | 7 | 9..=11 => data = Some((number, field.message()?)),
            _ => {}
        }
    }
    let Some((number, data)) = data else { return Ok(()) };
    let (kind, read): (_, PointReader) = match number {
        5 => ("gauge", read_number),
        7 => ("sum", read_number),
        9 => ("histogram", read_histogram),
        10 => ("exponential_histogram", read_exponential),
        _ => ("summary", read_summary),
    };
    metric.kind = kind;
    read_shape(data, &mut metric)?;
    let mut points = data;
    while let Some((number, field)) = points.next()? {
        if number == 1 {
            metrics.push(source, &metric, &read(field.message()?)?)?;
        }
    }
    Ok(())
}

type PointReader = for<'a> fn(Reader<'a>) -> Result<Point<'a>, DecodeError>;

/// `Sum`, `Histogram` and the others: field 2 is the temporality, field 3 of sums whether it is monotonic.
fn read_shape(mut data: Reader<'_>, metric: &mut Metric<'_>) -> Result<(), DecodeError> {
    if metric.kind == "sum" {
        metric.monotonic = Some(false);
    }
    while let Some((number, field)) = data.next()? {
        match number {
            2 => metric.temporality = field.varint()?.cast_signed(),
            3 if metric.kind == "sum" => metric.monotonic = Some(field.varint()? != 0),
            _ => {}
        }
    }
    Ok(())
}

fn read_double(field: Field<'_>) -> Result<Option<Number>, DecodeError> {
    field.double().map(|value| Some(Number::Double(value)))
}

fn read_integer(field: Field<'_>) -> Result<Option<Number>, DecodeError> {
    field.fixed64().map(|value| Some(Number::Int(value.cast_signed())))
}

fn read_number(mut reader: Reader<'_>) -> Result<Point<'_>, DecodeError> {
    let mut point = Point::default();
    while let Some((number, field)) = reader.next()? {
        match number {
            2 => point.start_ns = field.fixed64()?,
            3 => point.time_ns = field.fixed64()?,
            4 => point.value = read_double(field)?,
            5 => push_exemplar(field, &mut point)?,
            6 => point.value = read_integer(field)?,
            7 => read_attribute(field, &mut point.attributes)?,
            8 => point.flags = field.uint32()?,
            _ => {}
        }
    }
    Ok(point)
}

fn read_histogram(mut reader: Reader<'_>) -> Result<Point<'_>, DecodeError> {
    let mut point = Point { count: Some(0), ..Point::default() };
    let (mut bounds, mut counts) = (Vec::new(), Vec::new());
    while let Some((number, field)) = reader.next()? {
        match number {
            2 => point.start_ns = field.fixed64()?,
            3 => point.time_ns = field.fixed64()?,
            4 => point.count = Some(field.fixed64()?),
            5 => point.sum = Some(field.double()?),
            6 => Reader::packed_fixed64(field, &mut counts)?,
            7 => Reader::packed_fixed64(field, &mut bounds)?,
            8 => push_exemplar(field, &mut point)?,
            9 => read_attribute(field, &mut point.attributes)?,
            10 => point.flags = field.uint32()?,
            11 => point.min = Some(field.double()?),
            12 => point.max = Some(field.double()?),
            _ => {}
        }
    }
    point.buckets = Some(Buckets { bounds: bounds.into_iter().map(f64::from_bits).collect(), counts });
    Ok(point)
}

fn read_exponential(mut reader: Reader<'_>) -> Result<Point<'_>, DecodeError> {
    let mut point = Point { count: Some(0), ..Point::default() };
    let mut buckets = Exponential::default();
    while let Some((number, field)) = reader.next()? {
        match number {
            1 => read_attribute(field, &mut point.attributes)?,
            2 => point.start_ns = field.fixed64()?,
            3 => point.time_ns = field.fixed64()?,
            4 => point.count = Some(field.fixed64()?),
            5 => point.sum = Some(field.double()?),
            6 => buckets.scale = field.sint32()?,
            7 => buckets.zero_count = field.fixed64()?,
            8 => buckets.positive = read_side(field.message()?)?,
            9 => buckets.negative = read_side(field.message()?)?,
            10 => point.flags = field.uint32()?,
            11 => push_exemplar(field, &mut point)?,
            12 => point.min = Some(field.double()?),
            13 => point.max = Some(field.double()?),
            14 => buckets.zero_threshold = field.double()?,
            _ => {}
        }
    }
    point.buckets = Some(buckets.to_buckets());
    point.exponential = Some(buckets);
    Ok(point)
}

fn read_side(mut reader: Reader<'_>) -> Result<Side, DecodeError> {
    let mut side = Side::default();
    while let Some((number, field)) = reader.next()? {
        match number {
            1 => side.offset = field.sint32()?,
            2 => Reader::packed_varints(field, &mut side.counts)?,
            _ => {}
        }
    }
    Ok(side)
}

fn read_summary(mut reader: Reader<'_>) -> Result<Point<'_>, DecodeError> {
    let mut point = Point { count: Some(0), sum: Some(0.0), ..Point::default() };
    while let Some((number, field)) = reader.next()? {
        match number {
            2 => point.start_ns = field.fixed64()?,
            3 => point.time_ns = field.fixed64()?,
            4 => point.count = Some(field.fixed64()?),
            5 => point.sum = Some(field.double()?),
            6 if point.quantiles.len() < MAX_PARTS => point.quantiles.push(read_quantile(field.message()?)?),
            7 => read_attribute(field, &mut point.attributes)?,
            8 => point.flags = field.uint32()?,
            _ => {}
        }
    }
    Ok(point)
}

fn read_quantile(mut reader: Reader<'_>) -> Result<(f64, f64), DecodeError> {
    let mut pair = (0.0, 0.0);
    while let Some((number, field)) = reader.next()? {
        match number {
            1 => pair.0 = field.double()?,
            2 => pair.1 = field.double()?,
            _ => {}
        }
    }
    Ok(pair)
}

fn push_exemplar<'a>(field: Field<'a>, point: &mut Point<'a>) -> Result<(), DecodeError> {
    if point.exemplars.len() >= MAX_PARTS {
        return Ok(());
    }
    let mut reader = field.message()?;
    let mut exemplar = Exemplar::default();
    while let Some((number, field)) = reader.next()? {
        match number {
            2 => exemplar.time_ns = field.fixed64()?,
            3 => exemplar.value = read_double(field)?,
            4 => exemplar.span_id = read_span_id(field)?,
            5 => exemplar.trace_id = read_trace_id(field)?,
            6 => exemplar.value = read_integer(field)?,
            7 => read_attribute(field, &mut exemplar.attributes)?,
            _ => {}
        }
    }
    point.exemplars.push(exemplar);
    Ok(())
}
