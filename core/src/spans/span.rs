//! One span as the application holds it.

use std::sync::{Arc, Mutex, PoisonError};

use super::{Draft, Limits, Parent, Sampling, Source, Timeline};
use crate::exchange::Exchange;
use crate::otlp::Kind;
use crate::trace::SpanContext;

/// What a span is to us.
#[derive(Debug)]
pub(super) enum Role {
    /// That of a request, which ends when the request does.
    Server,
    /// Any other that is recorded; nothing is left of it once it has ended.
    Child(Mutex<Option<Draft>>),
    /// It only carries its trace on.
    Mute,
}

/// See the module's documentation. Any thread may use it.
#[derive(Debug)]
pub struct Span {
    pub(super) source: Arc<Source>,
    pub(super) context: SpanContext,
    pub(super) kind: Kind,
    pub(super) request: Option<Arc<Exchange>>,
    pub(super) timeline: Timeline,
    pub(super) role: Role,
}

impl Span {
    /// What is propagated of it.
    #[must_use]
    pub const fn context(&self) -> &SpanContext {
        &self.context
    }

    /// The clock of its times.
    #[must_use]
    pub const fn timeline(&self) -> &Timeline {
        &self.timeline
    }

    /// What it is in its trace.
    #[must_use]
    pub const fn kind(&self) -> Kind {
        self.kind
    }

    /// For the span of a request: whether a SERVER span under this parent would be one more for the same request. Frameworks that trace themselves
    /// read the request's headers and know nothing of the span that the server made.
    #[must_use]
    pub fn stands_for(&self, parent: &Parent<'_>) -> bool {
        let Some(trace) = self.request.as_ref().and_then(|exchange| exchange.context()) else { return false };
        let is_caller = |span: &SpanContext| {
            let is_followed = trace.parent == Some(span.span_id) && trace.span.trace_id == span.trace_id;
            let is_linked =
                |link: &SpanContext| link.span_id == span.span_id && link.trace_id == span.trace_id;
            is_followed || trace.link.as_deref().is_some_and(is_linked)
        };
        match parent {
            Parent::None => true,
            Parent::Own(_) => false,
            Parent::Foreign(span, _) => is_caller(span),
        }
    }

    /// Whether it is one that never records, so that there is nothing to say about changes that are lost.
    #[must_use]
    pub const fn is_mute(&self) -> bool {
        matches!(self.role, Role::Mute)
    }

    /// Whether changes still count.
    #[must_use]
    pub fn is_recording(&self) -> bool {
        match &self.role {
            Role::Server => !self.is_over(),
            Role::Child(draft) => draft.lock().unwrap_or_else(PoisonError::into_inner).is_some(),
            Role::Mute => false,
        }
    }

    /// Whether children are worth recording; also after its own end.
    pub(super) const fn is_in_recorded_trace(&self) -> bool {
        !self.is_mute()
    }

    /// Whether its request has ended.
    #[must_use]
    pub fn is_over(&self) -> bool {
        let trace = self.request.as_ref().and_then(|exchange| exchange.context());
        trace.is_none_or(|trace| trace.verdict().is_some())
    }

    /// Changes it. Returns whether that counts: it is recorded and has not ended.
    pub fn edit(&self, change: impl FnOnce(&mut Draft, &Limits)) -> bool {
        let limits = self.source.limits();
        match &self.role {
            Role::Mute => false,
            Role::Child(draft) => {
                let mut draft = draft.lock().unwrap_or_else(PoisonError::into_inner);
                draft.as_mut().map(|draft| change(draft, limits)).is_some()
            }
            Role::Server => {
                let trace = self.request.as_ref().and_then(|exchange| exchange.context());
                let trace = trace.filter(|trace| trace.verdict().is_none());
                trace.map(|trace| trace.family().edit(|draft| change(draft, limits))).is_some()
            }
        }
    }

    /// Ends it now, or at a time in nanoseconds since 1970. Returns whether that counts; the span of a request is ended
    /// by the server alone.
    pub fn end(&self, end_unix_ns: Option<u64>) -> bool {
        let Role::Child(draft) = &self.role else { return self.is_recording() };
        let taken = draft.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(draft) = taken else { return false };
        self.source.sink().census().end(Sampling::of(&self.context, true));
        let mut data = draft.into_data();
        let end = end_unix_ns.unwrap_or_else(|| self.timeline.now_unix_ns());
        data.end_unix_ns = end.max(data.start_unix_ns);
        self.source.deliver(data, self.request.as_deref());
        true
    }
}
