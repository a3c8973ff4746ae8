//! Where spans of the application begin, and where they go when they end.

use std::sync::Arc;

use super::family::Taken;
use super::span::{Role, Span};
use super::{Draft, Limits, Origin, Sampling};
use crate::exchange::Exchange;
use crate::otlp::span::{FLAG_HAS_IS_REMOTE, FLAG_IS_REMOTE};
use crate::otlp::{Attributes, Kind, Link, Scope, SpanData, Text};
use crate::propagation::{Caller, Remote, ids};
use crate::sinks::opentelemetry::OpenTelemetry;
use crate::trace::{Clock, Flags, SpanContext};

/// Wall-clock times that never run backwards: a wall clock read once, and the monotonic clock.
#[derive(Clone, Debug)]
pub struct Timeline {
    clock: Clock,
    offset_ns: i64,
}

impl Timeline {
    /// From now on.
    #[must_use]
    pub fn new(clock: Clock) -> Self {
        let offset_ns = clock.wall().cast_signed().wrapping_sub(clock.now().cast_signed());
        Self { clock, offset_ns }
    }

    /// That of an exchange: its children lie within it.
    pub(super) const fn of_exchange(clock: Clock, offset_ns: i64) -> Self {
        Self { clock, offset_ns }
    }

    /// Nanoseconds since 1970.
    #[must_use]
    pub fn now_unix_ns(&self) -> u64 {
        self.clock.now().saturating_add_signed(self.offset_ns)
    }
}

/// What a span belongs under.
#[derive(Debug)]
pub enum Parent<'a> {
    /// Nothing: a new trace.
    None,
    /// A span of this source.
    Own(&'a Span),
    /// A span of somebody else, mostly of another process.
    Foreign(SpanContext, bool),
}

impl Parent<'_> {
    const fn origin(&self) -> Origin {
        match self {
            Self::None => Origin::None,
            Self::Own(_) | Self::Foreign(_, false) => Origin::Local,
            Self::Foreign(_, true) => Origin::Remote,
        }
    }
}

/// What is known when a span starts.
#[derive(Debug)]
pub struct Start<'a> {
    /// Its name.
    pub name: Text,
    /// What it is in its trace.
    pub kind: Kind,
    /// What it belongs under.
    pub parent: Parent<'a>,
    /// Its begin, where that is not now.
    pub start_unix_ns: Option<u64>,
    /// Who makes it.
    pub scope: &'a Arc<Scope>,
}

/// See the module's documentation.
#[derive(Debug)]
pub struct Source {
    sink: Arc<OpenTelemetry>,
}

impl Source {
    /// Spans with the samplers and the exporter of this sink.
    #[must_use]
    pub const fn new(sink: Arc<OpenTelemetry>) -> Self {
        Self { sink }
    }

    /// How much one span may hold.
    #[must_use]
    pub fn limits(&self) -> &Limits {
        self.sink.limits()
    }

    /// The sink that samples and exports.
    #[must_use]
    pub const fn sink(&self) -> &Arc<OpenTelemetry> {
        &self.sink
    }

    /// The SERVER span of an exchange; `None` before its head is parsed.
    #[must_use]
    pub fn server(self: &Arc<Self>, exchange: &Arc<Exchange>, clock: &Clock) -> Option<Span> {
        let trace = exchange.context()?;
        let offset_ns = exchange.lock().record.wall_offset_ns;
        Some(Span {
            source: Arc::clone(self),
            context: trace.span.clone(),
            kind: Kind::Server,
            request: Some(Arc::clone(exchange)),
            timeline: Timeline::of_exchange(clock.clone(), offset_ns),
            role: if trace.is_recording { Role::Server } else { Role::Mute },
        })
    }

    /// Starts a span. Whether it is recorded is known then: attributes of one that is not need not be gathered.
    #[must_use]
    pub fn start(self: &Arc<Self>, start: Start<'_>) -> Span {
        let (context, is_recording) = self.context(&start.parent);
        self.sink.census().start(Sampling::of(&context, is_recording), start.parent.origin());
        let kind = start.kind;
        let (request, timeline) = match start.parent {
            Parent::Own(parent) => (parent.request.clone(), parent.timeline.clone()),
            Parent::None | Parent::Foreign(..) => (None, Timeline::new(Clock::System)),
        };
        let role = if is_recording {
            let at = start.start_unix_ns.unwrap_or_else(|| timeline.now_unix_ns());
            Role::Child(Some(draft(start, &context, at)).into())
        } else {
            Role::Mute
        };
        Span { source: Arc::clone(self), context, kind, request, timeline, role }
    }

    fn context(&self, parent: &Parent<'_>) -> (SpanContext, bool) {
        let span_id = ids::span_id();
        match parent {
            Parent::Own(Span { context, .. }) | Parent::Foreign(context, _) if self.sink.is_idle() => {
                (context.clone(), false)
            }
            Parent::Own(parent) => {
                let is_recording = parent.is_in_recorded_trace();
                (SpanContext { span_id, ..parent.context.clone() }, is_recording)
            }
            Parent::Foreign(span, _) => {
                let caller = Caller::Known(Remote { span: span.clone(), is_deferred: false });
                self.sampled(span.trace_id, span_id, span.flags, &caller)
            }
            Parent::None => self.sampled(ids::trace_id(), span_id, Flags::new_trace(false), &Caller::Unknown),
        }
    }

    fn sampled(
        &self,
        trace_id: [u8; 16],
        span_id: [u8; 8],
        flags: Flags,
        caller: &Caller,
    ) -> (SpanContext, bool) {
        let decision = self.sink.head_sampler().decide(&trace_id, caller);
        let flags = flags.with_sampled(decision.is_sampled);
        let context = SpanContext { trace_id, span_id, flags, trace_state: decision.trace_state };
        (context, decision.is_sampled && !self.sink.is_idle())
    }

    /// A span has ended.
    pub(super) fn deliver(&self, data: Box<SpanData>, request: Option<&Exchange>) {
        let Some(trace) = request.and_then(Exchange::context) else { return self.sink.export(data) };
        let must_wait = self.sink.tail().is_some();
        match trace.family().take(data, || trace.verdict().is_some(), must_wait) {
            Taken::Waits => {}
            Taken::Released(spans) => self.sink.export_children(trace, spans),
            Taken::Full => self.sink.lose_child(),
        }
    }
}

fn draft(start: Start<'_>, context: &SpanContext, at: u64) -> Draft {
    let (parent_span_id, remote) = match &start.parent {
        Parent::None => (None, 0),
        Parent::Own(parent) => (Some(parent.context.span_id), 0),
        Parent::Foreign(span, is_remote) => (Some(span.span_id), if *is_remote { FLAG_IS_REMOTE } else { 0 }),
    };
    Draft::new(Box::new(SpanData {
        trace_id: context.trace_id,
        span_id: context.span_id,
        parent_span_id,
        flags: u32::from(context.flags.bits()) | FLAG_HAS_IS_REMOTE | remote,
        trace_state: context
            .trace_state
            .shared()
            .map_or(Text::default(), |text| Text::Shared(Arc::clone(text))),
        name: start.name,
        kind: start.kind,
        start_unix_ns: at,
        end_unix_ns: 0,
        attributes: Attributes::new(),
        dropped_attributes: 0,
        events: Vec::new(),
        dropped_events: 0,
        links: Vec::<Link>::new(),
        dropped_links: 0,
        status: crate::otlp::Status::Unset,
        scope: Arc::clone(start.scope),
    }))
}
