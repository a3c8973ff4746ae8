//! One SERVER span for each exchange, for an exporter to send.
//!
//! Theory of operation. As soon as a head is parsed, [`Sink::head`] reads the caller's context, makes the ids and asks the
//! head sampler: handler, access log and response see the trace from there on. When the exchange is over, [`Sink::finish`]
//! decides whether it is kept and writes the span as the receiver will get it, in one pass and without a model in between.
//! Exporters that want to look at spans get the exchange itself and build the span on their thread: nothing about a finished
//! exchange changes any more.

mod ends;
mod extra;
mod item;
mod list;
mod mapping;
mod method;
mod names;
mod outcome;
mod privacy;
#[cfg(test)]
pub(crate) mod tests;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

pub(crate) use ends::EncodedEnds;
pub use ends::server;
pub use extra::Extra;
pub use item::{Item, SpanSink};
pub use mapping::{Mapping, MappingOptions};
pub use method::Methods;
pub(crate) use outcome::failure;
pub use privacy::redact;

use super::Sink;
use crate::exchange::{Exchange, Progress};
use crate::otlp::SpanData;
use crate::propagation::{Baggage, Caller, Propagators, Trust, ids};
use crate::sampling::{
    Facts, HeadSampler, Reweight, TailSampler, Verdict, randomness, threshold, with_threshold,
};
use crate::spans::{Census, Ended, Family, Limits, Origin, Sampling};
use crate::trace::{Event, Flags, Record, ReplyHeaders, SpanContext, TraceContext};

/// The one warning that the specification wants (`TraceIdRatioBased`, compatibility warnings).
const PRESUMED_RANDOMNESS: &str = "the ratio sampler decides about traces whose callers do not mark their ids as random \
    (W3C trace context level 2): services may decide differently about the same trace";

/// What is traced and how.
#[derive(Debug, Default)]
pub struct Options {
    /// The headers that carry context.
    pub propagators: Propagators,
    /// Whose context is continued.
    pub trust: Trust,
    /// The decision at the head.
    pub head: HeadSampler,
    /// The decision at the end; none: what the head sampler said.
    pub tail: Option<TailSampler>,
    /// What clients are told.
    pub reply_headers: ReplyHeaders,
    /// What spans tell.
    pub mapping: MappingOptions,
    /// Nobody takes spans: none is recorded, and a caller's context goes on as if we were not there.
    pub is_idle: bool,
}

/// The sink. See the module's documentation.
pub struct OpenTelemetry {
    propagators: Propagators,
    trust: Trust,
    head: HeadSampler,
    tail: Option<TailSampler>,
    reply_headers: ReplyHeaders,
    mapping: Arc<Mapping>,
    is_idle: bool,
    spans: Arc<dyn SpanSink>,
    census: Arc<Census>,
    kept: AtomicU64,
    dropped: AtomicU64,
    lost_children: AtomicU64,
    presumed_randomness: AtomicBool,
}

impl std::fmt::Debug for OpenTelemetry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("OpenTelemetry")
            .field("head", &self.head)
            .field("tail", &self.tail)
            .finish_non_exhaustive()
    }
}

impl OpenTelemetry {
    /// A sink that hands its spans to an exporter.
    #[must_use]
    pub fn new(options: Options, spans: Arc<dyn SpanSink>) -> Self {
        ids::check_process();
        Self {
            propagators: options.propagators,
            trust: options.trust,
            head: options.head,
            tail: options.tail,
            reply_headers: options.reply_headers,
            mapping: Arc::new(Mapping::new(options.mapping)),
            is_idle: options.is_idle,
            spans,
            census: Arc::default(),
            kept: AtomicU64::new(0),
            dropped: AtomicU64::new(0),
            lost_children: AtomicU64::new(0),
            presumed_randomness: AtomicBool::new(false),
        }
    }

    /// The headers that carry context, for the requests that handlers make.
    #[must_use]
    pub const fn propagators(&self) -> &Propagators {
        &self.propagators
    }

    /// What the caller sent along; nothing where the caller is not trusted.
    #[must_use]
    pub fn baggage(&self, exchange: &Exchange) -> Baggage {
        let is_trusted = exchange.context().is_some_and(|context| context.is_trusted);
        match exchange.request().filter(|_| is_trusted) {
            Some(request) => self.propagators.extract_baggage(request.fields()),
            None => Baggage::default(),
        }
    }

    /// The tail sampler, to count child spans with and to ask for its numbers.
    #[must_use]
    pub const fn tail(&self) -> Option<&TailSampler> {
        self.tail.as_ref()
    }

    /// How much one span may hold.
    #[must_use]
    pub fn limits(&self) -> &Limits {
        self.mapping.limits()
    }

    /// Whether nobody takes spans.
    #[must_use]
    pub(crate) const fn is_idle(&self) -> bool {
        self.is_idle
    }

    /// The decision at the head.
    #[must_use]
    pub(crate) const fn head_sampler(&self) -> &HeadSampler {
        &self.head
    }

    /// Hands over a span that belongs to no exchange.
    pub(crate) fn export(&self, span: Box<SpanData>) {
        self.spans.push(span.into());
    }

    /// Hands over finished spans of an exchange, unless it was dropped. They count in the rate limit.
    pub(crate) fn export_children(&self, context: &TraceContext, spans: Ended) {
        let verdict = context.verdict().unwrap_or_default();
        if spans.is_empty() || !verdict.is_kept() {
            return;
        }
        if let Some(tail) = &self.tail {
            tail.charge(u32::try_from(spans.len()).unwrap_or(u32::MAX));
        }
        let trace_state = (verdict != Verdict::default()).then(|| mapping::trace_state(context));
        for mut span in spans {
            if let Some(trace_state) = &trace_state {
                span.trace_state = trace_state.clone();
            }
            self.export(span);
        }
    }

    /// Counts of all spans: those of exchanges and those of the application.
    #[must_use]
    pub const fn census(&self) -> &Arc<Census> {
        &self.census
    }

    /// Exchanges whose span was handed over.
    #[must_use]
    pub fn kept(&self) -> u64 {
        self.kept.load(Ordering::Relaxed)
    }

    /// A request made more spans than can wait for its verdict.
    pub(crate) fn lose_child(&self) {
        self.lost_children.fetch_add(1, Ordering::Relaxed);
    }

    /// Child spans that were lost so.
    #[must_use]
    pub fn lost_children(&self) -> u64 {
        self.lost_children.load(Ordering::Relaxed)
    }

    /// Exchanges that a sampler dropped.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }

    /// Whether a ratio was applied to a trace whose id is not marked as random. The specification wants one warning about
    /// that: another service may decide differently about the same trace.
    #[must_use]
    pub fn presumed_randomness(&self) -> bool {
        self.presumed_randomness.load(Ordering::Relaxed)
    }

    /// The trace of an exchange: the caller's where that is trusted, else a new one.
    fn begin(&self, exchange: &Exchange) -> TraceContext {
        let told = exchange.request().map(|request| self.propagators.extract(|| request.fields()));
        let is_trusted = self.trust.covers(exchange.peer().client.as_ref().map(|end| end.addr().ip()));
        let (caller, link) = match told.unwrap_or_default() {
            Caller::Known(remote) if !is_trusted => (Caller::Unknown, Some(Box::new(remote.span))),
            _ if !is_trusted => (Caller::Unknown, None),
            caller => (caller, None),
        };
        let (trace_id, flags, parent) = match &caller {
            Caller::Known(remote) => (remote.span.trace_id, remote.span.flags, Some(remote.span.span_id)),
            _ => (ids::trace_id(), Flags::new_trace(false), None),
        };
        let mut decision = self.head.decide(&trace_id, &caller);
        if exchange.is_ignored() {
            decision.is_sampled = false;
            decision.trace_state = with_threshold(&decision.trace_state, None);
        }
        if decision.presumes_randomness && !self.presumed_randomness.swap(true, Ordering::Relaxed) {
            self.spans.tell(PRESUMED_RANDOMNESS);
        }
        let span = SpanContext {
            trace_id,
            // A span that nobody gets is no parent for what others record.
            span_id: parent.filter(|_| self.is_idle).unwrap_or_else(ids::span_id),
            flags: flags.with_sampled(decision.is_sampled),
            trace_state: decision.trace_state,
        };
        let mut context = TraceContext::new(span);
        context.parent = parent;
        context.link = link;
        context.is_trusted = is_trusted;
        let is_wanted = decision.is_sampled || self.tail.is_some();
        context.is_recording = is_wanted && !exchange.is_ignored() && !self.is_idle;
        context.reply_headers = self.reply_headers;
        let origin = if parent.is_some() { Origin::Remote } else { Origin::None };
        self.census.start(Sampling::of(&context.span, context.is_recording), origin);
        context
    }

    /// Hands over an exchange as the exporter wants it. Written here, it costs half a microsecond; handed over, it would
    /// cost the exporter's thread three times that, and both threads the memory that one allocates and the other frees.
    fn push(&self, exchange: &Arc<Exchange>, context: &TraceContext, progress: &Progress) {
        // What an application added is put over the span, so that must be there as data.
        let is_plain = !context.known_family().is_some_and(Family::has_server);
        let mut write = |out: &mut Vec<u8>| self.mapping.encode(context, exchange, progress, out);
        if !(is_plain && self.spans.push_encoded(&mut write)) {
            self.spans.push(Item::exchange(exchange, &self.mapping));
        }
    }

    /// The span of an exchange is over.
    fn end(&self, context: &TraceContext) {
        self.census.end(Sampling::of(&context.span, context.is_recording));
    }

    /// What an exchange that is over is worth.
    fn judge(&self, exchange: &Exchange, context: &TraceContext, record: &Record) -> Verdict {
        if !context.is_recording {
            return Verdict::Drop;
        }
        let Some(now_ns) = record.time(Event::HTTP_FINISH) else { return Verdict::Drop };
        let Some(tail) = &self.tail else { return Verdict::Keep(Reweight::Unchanged) };
        let path = || exchange.request().map_or(&b""[..], |request| request.path());
        let state = &context.span.trace_state;
        tail.decide(&Facts {
            is_sampled: context.span.flags.is_sampled(),
            is_error: outcome::failure(record).is_some()
                || context.known_family().is_some_and(Family::is_error),
            duration_ns: record.total_ns(),
            states_ns: record.states(),
            target: record.route.as_ref().map_or_else(path, |route| route.as_bytes()),
            randomness: randomness(&context.span.trace_id, state),
            threshold: threshold(state),
            now_ns,
        })
    }
}

impl Sink for OpenTelemetry {
    fn wants_head(&self) -> bool {
        true
    }

    fn wants_timeline(&self) -> bool {
        self.mapping.shows_timeline()
    }

    fn head(&self, exchange: &Exchange) {
        exchange.set_context(self.begin(exchange));
    }

    fn skip(&self, exchange: &Exchange) {
        if let Some(context) = exchange.context() {
            self.end(context);
        }
    }

    fn finish(&self, exchange: &Arc<Exchange>) {
        // Without a head there was no call for it; a request that nobody could parse is traced all the same.
        let context = exchange.context().unwrap_or_else(|| exchange.set_context(self.begin(exchange)));
        self.end(context);
        let progress = exchange.lock();
        let verdict = context.decide(|| self.judge(exchange, context, &progress.record));
        if verdict.is_kept() {
            self.kept.fetch_add(1, Ordering::Relaxed);
            self.push(exchange, context, &progress);
        } else {
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
        drop(progress);
        if let Some(family) = context.known_family() {
            self.export_children(context, family.take_waiting());
        }
    }
}
