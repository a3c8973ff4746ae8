//! Aggregated numbers of a process: requests, states, connections, threads, and how its exporters fare.
//!
//! Theory of operation. [`Metrics`] is a sink like any other: it is told of heads and ends on the engine's thread and
//! counts there, under one lock that nobody else holds but whoever collects, once a minute. Nothing is kept of a request
//! but its numbers, and for each bucket the ids of one span in it (an exemplar). All counts are since the start;
//! [`delta`] makes differences of two reports where a backend wants those, so that a report that got lost is in the next.
//!
//! Bounds: sets of attributes are limited for each metric ([`series`]). Routes are templates, methods come from a list,
//! and no other attribute can be chosen by a client.

mod collect;
pub mod delta;
mod health;
mod histogram;
mod instrument;
mod lives;
mod scale;
mod series;
#[cfg(test)]
mod tests;

use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use self::health::Health;
pub(crate) use self::health::{Component, ends};
pub(crate) use self::histogram::Histogram;
use self::histogram::Sample;
pub use self::instrument::{INSTRUMENTS, Instrument, Kind, POINTS_EXPORTED, POINTS_IN_FLIGHT};
pub use self::lives::Lives;
pub(crate) use self::scale::FINE;
pub use self::scale::Scale;
use self::series::{AllSeries, Measured, Traits};
use crate::exchange::{Exchange, Progress, Thread};
use crate::otlp::exporter::{Ending, Operations};
use crate::otlp::{Encoding, Exporter};
use crate::sinks::opentelemetry::{Methods, failure};
use crate::sinks::{Observation, Sink};
use crate::spans::{Census, Counted, Origin, Sampling};
use crate::trace::{Clock, Event, Record, TraceContext};

/// Which measurements may become exemplars (`OTEL_METRICS_EXEMPLAR_FILTER`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ExemplarFilter {
    /// Those whose span is exported.
    #[default]
    TraceBased,
    /// All.
    AlwaysOn,
    /// None.
    AlwaysOff,
}

impl ExemplarFilter {
    /// All filters with the names of the specification.
    pub const ALL: [(Self, &'static str); 3] =
        [(Self::TraceBased, "trace_based"), (Self::AlwaysOn, "always_on"), (Self::AlwaysOff, "always_off")];
}

/// What is counted and how.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Methods that are named; others are `_OTHER`.
    pub methods: Methods,
    /// Which measurements may become exemplars.
    pub exemplars: ExemplarFilter,
}

/// Requests under way with one method and scheme.
#[derive(Debug, Default)]
struct Active {
    count: AtomicI64,
    /// One that was never used is not reported.
    is_used: AtomicBool,
}

/// Numbers about the server as a whole.
#[derive(Debug, Default)]
struct Server {
    connections: AtomicI64,
    accepted: AtomicU64,
    refused: AtomicU64,
    threads_busy: AtomicI64,
    threads_queued: AtomicI64,
    threads_limit: AtomicI64,
}

/// The spans that are counted.
#[derive(Debug)]
struct Spans {
    census: Arc<Census>,
    /// What it had counted before: the parent of this process did.
    before: Counted,
    /// Which kinds have begun: their points keep their places.
    kinds: Mutex<Vec<(Sampling, Origin)>>,
}

/// The sink. See the module's documentation.
///
/// Give it to the engine before the sink that makes spans: ends are told in reverse order, and whether a span is exported
/// is then known.
#[derive(Debug)]
pub struct Metrics {
    methods: Methods,
    exemplars: ExemplarFilter,
    /// For each method, and for the unknown ones, one without and one with TLS.
    active: Vec<Active>,
    series: Mutex<AllSeries>,
    lag: Mutex<Histogram>,
    server: Server,
    health: OnceLock<Health>,
    spans: OnceLock<Spans>,
    collections: Mutex<Histogram>,
    /// How long exports of reports took, and who exports them.
    reports: Mutex<Option<(Component, Operations)>>,
    start_unix_ns: u64,
}

impl Metrics {
    /// Begins to count.
    #[must_use]
    pub fn new(options: Options) -> Self {
        let mut names = options.methods.names().to_vec();
        names.push("_OTHER".into());
        Self {
            active: std::iter::repeat_with(Active::default).take(2 * names.len()).collect(),
            series: Mutex::new(AllSeries::new(names)),
            methods: options.methods,
            exemplars: options.exemplars,
            lag: Mutex::new(Histogram::new(&FINE)),
            server: Server::default(),
            health: OnceLock::new(),
            spans: OnceLock::new(),
            collections: Mutex::new(Histogram::new(&FINE)),
            reports: Mutex::default(),
            start_unix_ns: Clock::System.wall(),
        }
    }

    /// The same with nothing counted.
    fn fresh(&self) -> Self {
        let fresh = Self::new(Options { methods: self.methods.clone(), exemplars: self.exemplars });
        if let Some(Health { exporter, encoding }) = self.health.get() {
            fresh.watch(Arc::clone(exporter), *encoding);
        }
        if let Some(Spans { census, .. }) = self.spans.get() {
            fresh.count_spans(Arc::clone(census));
        }
        fresh
    }

    /// Reports also how this exporter of spans fares. The first one counts.
    pub fn watch(&self, exporter: Arc<Exporter>, encoding: Encoding) {
        self.health.get_or_init(|| Health { exporter, encoding });
    }

    /// Reports also how many spans begin from now on, and how many are not over. The first one counts.
    pub fn count_spans(&self, census: Arc<Census>) {
        self.spans.get_or_init(|| Spans { before: census.counted(), census, kinds: Mutex::default() });
    }

    /// A report was made, in this time.
    pub(crate) fn note_collection(&self, took: Duration) {
        let ns = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX);
        self.collections.lock().unwrap_or_else(PoisonError::into_inner).record(ns, None);
    }

    /// A report that this exporter first tried to send at `since` is done with.
    pub(crate) fn note_report(&self, exporter: &Component, ending: Ending, since: Instant) {
        let mut reports = self.reports.lock().unwrap_or_else(PoisonError::into_inner);
        let (_, operations) = reports.get_or_insert_with(|| (exporter.clone(), Operations::default()));
        operations.record(ending, since);
    }

    fn series(&self) -> MutexGuard<'_, AllSeries> {
        // Numbers only: whatever panicked, they are still right.
        self.series.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn method(&self, exchange: &Exchange) -> usize {
        let known = exchange.request().and_then(|request| self.methods.position(request.method()));
        known.unwrap_or_else(|| self.methods.names().len())
    }

    /// Adds to the requests under way.
    fn move_active(&self, method: usize, is_https: bool, by: i64) {
        if let Some(active) = self.active.get(2 * method + usize::from(is_https)) {
            active.is_used.store(true, Ordering::Relaxed);
            active.count.fetch_add(by, Ordering::Relaxed);
        }
    }

    /// A request that was counted at its head, which is where others are not, is over.
    fn leave(&self, exchange: &Exchange, method: usize, is_https: bool) {
        if exchange.request().is_some() && !exchange.is_ignored() {
            self.move_active(method, is_https, -1);
        }
    }

    /// A `def` handler that was cancelled before it got a thread never gets one.
    fn leave_queue(&self, progress: &mut Progress) {
        if progress.thread == Thread::Waiting {
            progress.thread = Thread::None;
            self.server.threads_queued.fetch_sub(1, Ordering::Relaxed);
        }
    }

    fn count(&self, exchange: &Exchange, record: &Record, method: usize, is_https: bool) {
        let Some(finish) = record.time(Event::HTTP_FINISH) else { return };
        let traits = Traits {
            method: u8::try_from(method).unwrap_or(u8::MAX),
            is_https,
            version: exchange.request().map_or("", |request| request.version().number()),
            status: record.status,
        };
        let measured = Measured {
            duration_ns: record.total_ns(),
            states_ns: record.states(),
            request_body: record.recv_body_size,
            response_body: record.send_body_size,
        };
        let sample = self.sample(exchange.context(), || record.wall_ns(finish));
        let error = failure(record);
        let error = error.as_ref().map(|failure| failure.kind());
        self.series().record(traits, record.route.as_ref(), error.as_deref(), &measured, sample.as_ref());
    }

    fn sample(&self, context: Option<&TraceContext>, now: impl FnOnce() -> u64) -> Option<Sample> {
        let exported =
            context.filter(|context| context.verdict().is_some_and(crate::sampling::Verdict::is_kept));
        let is_wanted = match self.exemplars {
            ExemplarFilter::TraceBased => exported.is_some(),
            ExemplarFilter::AlwaysOn => true,
            ExemplarFilter::AlwaysOff => false,
        };
        is_wanted.then(|| Sample {
            time_unix_ns: now(),
            span: context.map(|context| (context.span.trace_id, context.span.span_id)),
        })
    }

    fn move_thread(&self, thread: Thread, by: i64) {
        match thread {
            Thread::Waiting => _ = self.server.threads_queued.fetch_add(by, Ordering::Relaxed),
            Thread::Running => _ = self.server.threads_busy.fetch_add(by, Ordering::Relaxed),
            Thread::None => {}
        }
    }
}

fn is_https(exchange: &Exchange) -> bool {
    exchange.scheme() == "https"
}

impl Sink for Metrics {
    fn wants_head(&self) -> bool {
        true
    }

    fn head(&self, exchange: &Exchange) {
        if !exchange.is_ignored() {
            self.move_active(self.method(exchange), is_https(exchange), 1);
        }
    }

    fn finish(&self, exchange: &Arc<Exchange>) {
        let (method, is_https) = (self.method(exchange), is_https(exchange));
        self.leave(exchange, method, is_https);
        let mut progress = exchange.lock();
        self.leave_queue(&mut progress);
        self.count(exchange, &progress.record, method, is_https);
    }

    fn skip(&self, exchange: &Exchange) {
        self.leave(exchange, self.method(exchange), is_https(exchange));
        self.leave_queue(&mut exchange.lock());
    }

    fn wants_observations(&self) -> bool {
        true
    }

    fn observe(&self, what: Observation) {
        let server = &self.server;
        match what {
            Observation::Connected { is_refused } => {
                server.connections.fetch_add(1, Ordering::Relaxed);
                server.accepted.fetch_add(1, Ordering::Relaxed);
                server.refused.fetch_add(u64::from(is_refused), Ordering::Relaxed);
            }
            Observation::Disconnected { count } => {
                let count = i64::try_from(count).unwrap_or(i64::MAX);
                server.connections.fetch_sub(count, Ordering::Relaxed);
            }
            Observation::LoopLate { ns } => {
                self.lag.lock().unwrap_or_else(PoisonError::into_inner).record(ns, None);
            }
            Observation::Thread { from, to } => {
                self.move_thread(from, -1);
                self.move_thread(to, 1);
            }
            Observation::ThreadLimit { more } => {
                server.threads_limit.fetch_add(more, Ordering::Relaxed);
            }
        }
    }
}
