//! How the pipeline of spans and metrics itself fares, in the words of the conventions ("SDK metrics").

use std::sync::Arc;

use super::Histogram;
use super::collect::{bounds, numbers};
use super::instrument::{self, Instrument};
use crate::otlp::exporter::{Ending, Operations};
use crate::otlp::metric::{HistogramPoint, MetricData, NumberPoint};
use crate::otlp::span::{Attributes, Text, Value};
use crate::otlp::{Encoding, Exporter, ExporterStatus};

/// A part of the pipeline.
#[derive(Clone, Debug)]
pub(crate) struct Component {
    kind: &'static str,
    /// Host and port of the receiver, for an exporter that has one.
    server: Option<(Text, u16)>,
}

/// Whoever makes reports.
pub(super) static READER: Component = Component { kind: "periodic_metric_reader", server: None };
/// Whoever queues spans.
static PROCESSOR: Component = Component { kind: "batching_span_processor", server: None };

impl Component {
    /// An exporter of spans over OTLP.
    pub(crate) const fn of_spans(encoding: Encoding, server: Option<(Text, u16)>) -> Self {
        let kind = match encoding {
            Encoding::Protobuf => "otlp_http_span_exporter",
            Encoding::Json => "otlp_http_json_span_exporter",
        };
        Self { kind, server }
    }

    /// An exporter of metrics over OTLP.
    pub(crate) const fn of_metrics(encoding: Encoding, server: Option<(Text, u16)>) -> Self {
        let kind = match encoding {
            Encoding::Protobuf => "otlp_http_metric_exporter",
            Encoding::Json => "otlp_http_json_metric_exporter",
        };
        Self { kind, server }
    }

    /// What every number of it has, and what only this one has.
    pub(super) fn attributes(&self, own: impl IntoIterator<Item = (&'static str, Value)>) -> Arc<Attributes> {
        let Self { kind, server } = self;
        let mut all: Attributes = vec![
            ("otel.component.type".into(), (*kind).into()),
            ("otel.component.name".into(), format!("{kind}/0").into()),
        ];
        if let Some((address, port)) = server {
            all.push(("server.address".into(), address.clone().into()));
            all.push(("server.port".into(), i64::from(*port).into()));
        }
        all.extend(own.into_iter().map(|(key, value)| (key.into(), value)));
        Arc::new(all)
    }
}

/// The exporter of spans whose health is reported.
#[derive(Debug)]
pub(super) struct Health {
    pub(super) exporter: Arc<Exporter>,
    pub(super) encoding: Encoding,
}

impl Health {
    pub(super) fn component(&self) -> Component {
        Component::of_spans(self.encoding, self.exporter.receiver())
    }
}

/// Counts of one component by the way in which they ended; `None`: well.
pub(crate) fn ends(
    instrument: &Instrument,
    component: &Component,
    counts: &[(Option<&'static str>, u64)],
) -> MetricData {
    let point = |(error, count): &(Option<&'static str>, u64)| NumberPoint {
        attributes: component.attributes(error.map(|error| ("error.type", error.into()))),
        value: i64::try_from(*count).unwrap_or(i64::MAX),
    };
    numbers(instrument, counts.iter().map(point).collect())
}

/// How long the exports of one component took.
pub(super) fn operation_points((component, mut operations): (Component, Operations)) -> Vec<HistogramPoint> {
    let bounds = bounds(&instrument::OPERATION);
    let point = |(ending, histogram): (Ending, &mut Histogram)| {
        let status = ending.status().map(|status| ("http.response.status_code", i64::from(status).into()));
        let error = ending.error().map(|error| ("error.type", error.into()));
        histogram.point(&component.attributes(status.into_iter().chain(error)), &bounds)
    };
    operations.endings().map(point).collect()
}

/// The queue of spans and their exporter.
pub(super) fn health(health: &Health) -> [MetricData; 5] {
    let status = health.exporter.status();
    let ExporterStatus { waiting, capacity, processed, exported, in_flight, dropped, .. } = &status;
    let processed = [
        (None, *processed),
        (Some("queue_full"), dropped.queue_full),
        (Some("already_shutdown"), dropped.already_shutdown),
    ];
    let outcomes = [
        (None, *exported),
        (Some("refused"), dropped.refused),
        (Some("rejected"), dropped.rejected),
        (Some("given_up"), dropped.given_up),
        (Some("spool_full"), dropped.spool_full),
        (Some("spool_failed"), dropped.spool_failed),
        (Some("shutdown"), dropped.shutdown),
    ];
    let exporter = health.component();
    [
        ends(&instrument::QUEUE_SIZE, &PROCESSOR, &[(None, *waiting)]),
        ends(&instrument::QUEUE_CAPACITY, &PROCESSOR, &[(None, *capacity)]),
        ends(&instrument::PROCESSED, &PROCESSOR, &processed),
        ends(&instrument::IN_FLIGHT, &exporter, &[(None, *in_flight)]),
        ends(&instrument::EXPORTED, &exporter, &outcomes),
    ]
}
