//! From the counts to a report.

use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};

use super::health::{READER, health, operation_points};
use super::instrument::{self, Instrument, Kind};
use super::series::{Series, scheme};
use super::{Histogram, Metrics, Spans};
use crate::otlp::metric::{HistogramPoint, MetricData, MetricsData, NumberPoint, Points, Temporality};
use crate::spans::{Origin, Sampling};
use crate::trace::Clock;

impl Metrics {
    /// All numbers since the start. Metrics keep their places from one report to the next, points mostly do.
    #[must_use]
    pub fn collect(&self) -> MetricsData {
        let mut metrics = self.requests();
        let lag = self
            .lag
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .point(&Arc::default(), &bounds(&instrument::LOOP_LAG));
        metrics.push(histogram(&instrument::LOOP_LAG, vec![lag]));
        metrics.extend(self.server_numbers());
        metrics.extend(self.spans.get().into_iter().flat_map(span_counts));
        let mut collections = self.collections.lock().unwrap_or_else(PoisonError::into_inner);
        let collection = collections.point(&READER.attributes(None), &bounds(&instrument::COLLECTION));
        drop(collections);
        metrics.push(histogram(&instrument::COLLECTION, vec![collection]));
        metrics.extend(self.health.get().into_iter().flat_map(health));
        metrics.push(self.operations());
        MetricsData {
            start_unix_ns: self.start_unix_ns,
            delta_start_unix_ns: self.start_unix_ns,
            time_unix_ns: Clock::System.wall(),
            temporality: Temporality::Cumulative,
            metrics,
        }
    }

    /// One lock for all of them: a report counts each request in all of them or in none.
    fn requests(&self) -> Vec<MetricData> {
        let active = self.active();
        let mut series = self.series();
        let duration = of_requests(&instrument::DURATION, &mut series.requests, |s| &mut s.duration);
        let request_body =
            of_requests(&instrument::REQUEST_BODY, &mut series.requests, |s| &mut s.request_body);
        let response_body =
            of_requests(&instrument::RESPONSE_BODY, &mut series.requests, |s| &mut s.response_body);
        let fine = bounds(&instrument::STATE);
        let states = series.states.iter_mut().flat_map(|series| &mut series.all);
        let states = states.map(|(attributes, histogram)| histogram.point(attributes, &fine)).collect();
        vec![duration, active, request_body, response_body, histogram(&instrument::STATE, states)]
    }

    /// How long exports of spans and of reports took: one metric for both.
    fn operations(&self) -> MetricData {
        let spans = self.health.get().map(|health| (health.component(), health.exporter.operations()));
        let reports = self.reports.lock().unwrap_or_else(PoisonError::into_inner).clone();
        histogram(
            &instrument::OPERATION,
            spans.into_iter().chain(reports).flat_map(operation_points).collect(),
        )
    }

    fn active(&self) -> MetricData {
        let others: Arc<str> = "_OTHER".into();
        let names = self.methods.names().iter().chain([&others]);
        let places = names.flat_map(|name| [(name, false), (name, true)]);
        let points = places.zip(&self.active).filter(|(_, active)| active.is_used.load(Ordering::Relaxed));
        let point = |((name, is_https), active): ((&Arc<str>, bool), &super::Active)| NumberPoint {
            attributes: Arc::new(vec![
                ("http.request.method".into(), Arc::clone(name).into()),
                ("url.scheme".into(), scheme(is_https).into()),
            ]),
            value: active.count.load(Ordering::Relaxed),
        };
        numbers(&instrument::ACTIVE, points.map(point).collect())
    }

    fn server_numbers(&self) -> [MetricData; 6] {
        let server = &self.server;
        let signed = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
        [
            (&instrument::CONNECTIONS, server.connections.load(Ordering::Relaxed)),
            (&instrument::ACCEPTED, signed(server.accepted.load(Ordering::Relaxed))),
            (&instrument::REFUSED, signed(server.refused.load(Ordering::Relaxed))),
            (&instrument::THREADS_BUSY, server.threads_busy.load(Ordering::Relaxed)),
            (&instrument::THREADS_QUEUED, server.threads_queued.load(Ordering::Relaxed)),
            (&instrument::THREADS_LIMIT, server.threads_limit.load(Ordering::Relaxed)),
        ]
        .map(|(instrument, value)| {
            numbers(instrument, vec![NumberPoint { attributes: Arc::default(), value }])
        })
    }
}

pub(super) fn bounds(instrument: &Instrument) -> Arc<[f64]> {
    match instrument.kind {
        Kind::Histogram(scale) => scale.bounds.iter().map(|bound| scale.in_unit(*bound)).collect(),
        Kind::Counter | Kind::UpDownCounter => Arc::from([]),
    }
}

fn of_requests(
    instrument: &Instrument,
    series: &mut [Series],
    part: fn(&mut Series) -> &mut Histogram,
) -> MetricData {
    let bounds = bounds(instrument);
    let point = |series: &mut Series| {
        let attributes = Arc::clone(&series.attributes);
        part(series).point(&attributes, &bounds)
    };
    histogram(instrument, series.iter_mut().map(point).collect())
}

fn histogram(instrument: &Instrument, points: Vec<HistogramPoint>) -> MetricData {
    metric(instrument, Points::Histogram(points))
}

/// Numbers of a counter or an up-down counter.
pub(super) fn numbers(instrument: &Instrument, points: Vec<NumberPoint>) -> MetricData {
    let points = match instrument.kind {
        Kind::Counter => Points::Counter(points),
        Kind::UpDownCounter | Kind::Histogram(_) => Points::UpDownCounter(points),
    };
    metric(instrument, points)
}

fn metric(instrument: &Instrument, points: Points) -> MetricData {
    MetricData {
        name: instrument.name.into(),
        description: instrument.description.into(),
        unit: instrument.unit.into(),
        points,
    }
}

/// Spans that began and those that are not over.
fn span_counts(spans: &Spans) -> [MetricData; 2] {
    const SAMPLING: &str = "otel.span.sampling_result";
    let counted = spans.census.counted().since(&spans.before);
    let mut kinds = spans.kinds.lock().unwrap_or_else(PoisonError::into_inner);
    let all = Sampling::ALL.into_iter().flat_map(|sampling| Origin::ALL.map(|origin| (sampling, origin)));
    for kind in all {
        if counted.started(kind.0, kind.1) > 0 && !kinds.contains(&kind) {
            kinds.push(kind);
        }
    }
    let signed = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
    let started = kinds.iter().map(|(sampling, origin)| NumberPoint {
        attributes: Arc::new(vec![
            (SAMPLING.into(), sampling.name().into()),
            ("otel.span.parent.origin".into(), origin.name().into()),
        ]),
        value: signed(counted.started(*sampling, *origin)),
    });
    let recorded = [Sampling::RecordAndSample, Sampling::RecordOnly];
    let recorded = recorded.into_iter().filter(|sampling| kinds.iter().any(|(known, _)| known == sampling));
    let live = recorded.map(|sampling| NumberPoint {
        attributes: Arc::new(vec![(SAMPLING.into(), sampling.name().into())]),
        value: signed(counted.live(sampling)),
    });
    [numbers(&instrument::SPANS_STARTED, started.collect()), numbers(&instrument::SPANS_LIVE, live.collect())]
}
