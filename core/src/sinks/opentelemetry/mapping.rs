//! From a finished exchange to its SERVER span, by the stable HTTP conventions (v1.44.0): as bytes on the engine's thread,
//! as data on the exporter's.

use std::array::from_fn;
use std::borrow::Cow;
use std::sync::Arc;

use super::ends::put_ends;
use super::extra::Extra;
use super::list::{List, Output, count, first};
use super::method::Methods;
use super::names;
use super::outcome::{Failure, failure};
use super::privacy::{clip, redact};
use crate::exchange::{Exchange, Progress};
use crate::message::{Request, ResponseFields};
use crate::otlp::span::{FLAG_HAS_IS_REMOTE, FLAG_IS_REMOTE};
use crate::otlp::{
    Attributes, Event as SpanEvent, Kind, Link, SERVER_SCOPE, SpanData, SpanHead, SpanTail, SpanWriter,
    Status, Text,
};
use crate::propagation::TraceState;
use crate::sampling::{Reweight, Verdict, with_threshold};
use crate::spans::Limits;
use crate::trace::{Event, Record, SpanContext, Status as EventStatus, TraceContext};

/// Attributes of a span without captured headers.
const USUAL: usize = 36;

/// What spans tell.
#[derive(Clone, Debug, Default)]
pub struct MappingOptions {
    /// The record's events become span events.
    pub events: bool,
    /// The states in order of time become `wirespan.state.timeline`.
    pub timeline: bool,
    /// Request fields that become `http.request.header.<name>`.
    pub request_headers: Vec<String>,
    /// Response fields that become `http.response.header.<name>`; those that the engine adds itself are not among them.
    pub response_headers: Vec<String>,
    /// Opt-in attributes of the conventions.
    pub extras: Vec<Extra>,
    /// Methods that are named.
    pub methods: Methods,
    /// How much a span may hold.
    pub limits: Limits,
}

/// A field that is captured: its name in lower case, and its attribute.
type Captured = (Box<[u8]>, Arc<str>);

/// How exchanges become spans: the options, made ready.
#[derive(Debug)]
pub struct Mapping {
    events: bool,
    timeline: bool,
    request_headers: Vec<Captured>,
    response_headers: Vec<Captured>,
    extras: Vec<Extra>,
    methods: Methods,
    limits: Limits,
}

impl Mapping {
    /// Makes the options ready.
    #[must_use]
    pub fn new(options: MappingOptions) -> Self {
        let capture = |names: Vec<String>, prefix: &str| {
            let lower = names.into_iter().map(|name| name.trim().to_ascii_lowercase());
            lower.map(|name| (Box::from(name.as_bytes()), format!("{prefix}{name}").into())).collect()
        };
        Self {
            events: options.events,
            timeline: options.timeline,
            request_headers: capture(options.request_headers, "http.request.header."),
            response_headers: capture(options.response_headers, "http.response.header."),
            extras: options.extras,
            methods: options.methods,
            limits: options.limits,
        }
    }

    /// How much a span may hold.
    #[must_use]
    pub(super) const fn limits(&self) -> &Limits {
        &self.limits
    }

    /// Whether spans tell of the order of the states.
    #[must_use]
    pub(super) const fn shows_timeline(&self) -> bool {
        self.timeline
    }

    /// The span of an exchange that is over; `None` where its trace or its times were never recorded.
    #[must_use]
    pub fn span(&self, exchange: &Exchange) -> Option<SpanData> {
        let progress = exchange.lock();
        let context = exchange.context()?;
        let head = self.head(context, exchange, &progress.record, "")?;
        let SpanTail { events, dropped_events, links, dropped_links, status } =
            self.tail(context, &progress.record);
        let mut attributes = Attributes::with_capacity(USUAL);
        let dropped_attributes = self.put_attributes(&mut attributes, exchange, &progress);
        Some(SpanData {
            trace_id: head.trace_id,
            span_id: head.span_id,
            parent_span_id: head.parent_span_id,
            flags: head.flags,
            trace_state: trace_state(context),
            name: head.name.concat().into(),
            kind: head.kind,
            start_unix_ns: head.start_unix_ns,
            end_unix_ns: head.end_unix_ns,
            attributes,
            dropped_attributes,
            events,
            dropped_events,
            links,
            dropped_links,
            status,
            scope: Arc::clone(&SERVER_SCOPE),
        })
    }

    /// The same span as protobuf, appended to `out`; nothing where its times were never recorded.
    pub(super) fn encode(
        &self,
        context: &TraceContext,
        exchange: &Exchange,
        progress: &Progress,
        out: &mut Vec<u8>,
    ) {
        let record = &progress.record;
        let state = reweighted(context);
        let Some(head) = self.head(context, exchange, record, state.as_str()) else { return };
        SpanWriter::span(out, &head, |writer| {
            let dropped = self.put_attributes(writer, exchange, progress);
            writer.dropped_attributes(dropped);
            if self.events || context.link.is_some() || failure(record).is_some() {
                writer.tail(&self.tail(context, record));
            }
        });
    }

    /// What every span has. `trace_state` is whatever the caller made of the context's.
    fn head<'a>(
        &'a self,
        context: &TraceContext,
        exchange: &'a Exchange,
        record: &'a Record,
        trace_state: &'a str,
    ) -> Option<SpanHead<'a>> {
        let start = record.time(Event::RECEIVED).or(record.time(Event::HTTP_START))?;
        let end = record.time(Event::HTTP_FINISH)?;
        let remote = if context.parent.is_some() { FLAG_IS_REMOTE } else { 0 };
        Some(SpanHead {
            trace_id: context.span.trace_id,
            span_id: context.span.span_id,
            parent_span_id: context.parent,
            flags: u32::from(context.span.flags.bits()) | FLAG_HAS_IS_REMOTE | remote,
            trace_state,
            name: self.name(exchange.request(), record),
            kind: Kind::Server,
            start_unix_ns: record.wall_ns(start),
            end_unix_ns: record.wall_ns(end),
        })
    }

    /// What few spans have.
    fn tail(&self, context: &TraceContext, record: &Record) -> SpanTail {
        let failure = failure(record);
        let (events, dropped_events) = self.span_events(record, failure);
        let (links, dropped_links) =
            first(context.link.iter().map(|span| link(span)).collect(), self.limits.links);
        let status =
            failure.map_or(Status::Unset, |failure| Status::Error(self.description(record, failure)));
        SpanTail { events, dropped_events, links, dropped_links, status }
    }

    /// `{method} {route}`, `{method}` without a route; the method is `HTTP` where it is not known.
    fn name<'a>(&'a self, request: Option<&Request>, record: &'a Record) -> [&'a str; 3] {
        let known = request.and_then(|request| self.methods.find(request.method()));
        let method = known.map_or("HTTP", |known| known);
        record.route.as_ref().map_or([method, "", ""], |route| [method, " ", route])
    }

    /// Returns how many found no room.
    fn put_attributes(&self, out: &mut impl Output, exchange: &Exchange, progress: &Progress) -> u32 {
        let (request, record) = (exchange.request(), &progress.record);
        let mut list = List::new(out, self.limits.attributes, self.limits.span_value_length);
        self.put_request(&mut list, request);
        put_ends(&mut list, exchange);
        put_outcome(&mut list, record, failure(record));
        put_record(&mut list, record);
        if let Some(timeline) = record.timeline().filter(|_| self.timeline) {
            list.whole_text(&names::WIRESPAN_STATE_TIMELINE, &timeline.to_string());
        }
        for extra in &self.extras {
            extra.put(&mut list, exchange, record);
        }
        for (name, key) in &self.request_headers {
            list.values(key, request.into_iter().flat_map(|request| request.values(name)));
        }
        if let Some(head) = progress.reply.head.as_ref().filter(|_| progress.reply.started) {
            for (name, key) in &self.response_headers {
                list.values(key, response_values(&head.fields, name));
            }
        }
        list.dropped()
    }

    fn put_request(&self, list: &mut List<'_, impl Output>, request: Option<&Request>) {
        let Some(request) = request else {
            // Required even though there is none: the head was never complete.
            return list.text(&names::HTTP_REQUEST_METHOD, "_OTHER");
        };
        if let Some(known) = self.methods.find(request.method()) {
            list.shared(&names::HTTP_REQUEST_METHOD, known);
        } else {
            list.text(&names::HTTP_REQUEST_METHOD, "_OTHER");
            list.bytes(&names::HTTP_REQUEST_METHOD_ORIGINAL, request.method());
        }
        list.bytes(&names::URL_PATH, request.path());
        if !request.query().is_empty() {
            list.text(&names::URL_QUERY, &redact(&String::from_utf8_lossy(request.query())));
        }
        if let Some(agent) = request.value(b"user-agent") {
            list.bytes(&names::USER_AGENT_ORIGINAL, agent);
        }
        list.text(&names::NETWORK_PROTOCOL_VERSION, request.version().number());
    }

    fn span_events(&self, record: &Record, failure: Option<Failure<'_>>) -> (Vec<SpanEvent>, u32) {
        let mut events = if self.events { recorded(record) } else { Vec::new() };
        if let Some(Failure::Exception(note)) = failure {
            let at = record.time(Event::SERVER_HANDLE_FINISH).or(record.time(Event::HTTP_FINISH));
            let mut attributes = Attributes::new();
            let mut list = List::new(&mut attributes, self.limits.event_attributes, self.limits.value_length);
            list.text(&names::EXCEPTION_TYPE, &note.kind);
            list.text(&names::EXCEPTION_MESSAGE, &note.message);
            if !note.stack.is_empty() {
                list.text(&names::EXCEPTION_STACKTRACE, &note.stack);
            }
            events.push(SpanEvent {
                time_unix_ns: record.wall_ns(at.unwrap_or_default()),
                name: "exception".into(),
                dropped_attributes: list.dropped(),
                attributes,
            });
            events.sort_by_key(|event| event.time_unix_ns);
        }
        let dropped = events.len().saturating_sub(self.limits.events);
        events.drain(..dropped);
        for event in &mut events {
            let given = std::mem::take(&mut event.attributes);
            let (kept, dropped) = first(given, self.limits.event_attributes);
            event.attributes = kept;
            event.dropped_attributes += dropped;
        }
        (events, count(dropped))
    }

    /// What the status code does not say already.
    fn description(&self, record: &Record, failure: Failure<'_>) -> Text {
        match failure {
            Failure::Status(_) => Text::default(),
            Failure::Exception(note) => {
                Box::<str>::from(clip(&note.message, self.limits.span_value_length)).into()
            }
            Failure::Reason(_) => {
                let message = record.error.as_ref().map_or("", |note| &note.message);
                Box::<str>::from(clip(message, self.limits.span_value_length)).into()
            }
        }
    }
}

fn put_outcome(list: &mut List<'_, impl Output>, record: &Record, failure: Option<Failure<'_>>) {
    if let Some(route) = &record.route {
        list.shared(&names::HTTP_ROUTE, route);
    }
    if record.status != 0 {
        list.number(&names::HTTP_RESPONSE_STATUS_CODE, record.status);
    }
    match failure {
        None => {}
        Some(Failure::Exception(note)) => list.text(&names::ERROR_TYPE, &note.kind),
        Some(Failure::Reason(reason)) => list.text(&names::ERROR_TYPE, reason.name()),
        Some(Failure::Status(status)) => list.text(&names::ERROR_TYPE, &status.to_string()),
    }
    if let Some(reason) = record.end_reason {
        list.text(&names::WIRESPAN_END_REASON, reason.name());
    }
}

/// What only the server knows, under our own names: there is no convention for it.
fn put_record(list: &mut List<'_, impl Output>, record: &Record) {
    let states = record.states();
    list.numbers::<6>(&from_fn(|state| (&names::STATES[state], states[state])));
    list.numbers(&[
        (&names::WIRESPAN_RECV_SIZE, record.recv_size),
        (&names::WIRESPAN_SEND_SIZE, record.send_size),
        (&names::WIRESPAN_RECV_BODY_SIZE, record.recv_body_size),
        (&names::WIRESPAN_SEND_BODY_SIZE, record.send_body_size),
        (&names::WIRESPAN_CONNECTION_REQUEST_NUMBER, record.connection.request_number),
        (&names::WIRESPAN_CONNECTION_IDLE_NS, record.connection.idle_ns),
        (&names::WIRESPAN_CONNECTION_AGE_NS, record.connection.age_ns),
    ]);
    if record.background_ns > 0 {
        list.number(&names::WIRESPAN_BACKGROUND_NS, record.background_ns);
    }
}

/// The record's events, which are in order of time.
fn recorded(record: &Record) -> Vec<SpanEvent> {
    let event = |recorded: crate::trace::Recorded| {
        let mut attributes = Attributes::new();
        let status = match recorded.status {
            EventStatus::Info => None,
            EventStatus::Warn => Some("WARN"),
            EventStatus::Error => Some("ERROR"),
        };
        if let Some(status) = status {
            attributes.push(("wirespan.event.status".into(), status.into()));
        }
        if !recorded.info.is_empty() {
            attributes.push(("wirespan.event.info".into(), recorded.info.into()));
        }
        if recorded.count > 1 {
            attributes.push(("wirespan.event.count".into(), i64::from(recorded.count).into()));
        }
        SpanEvent {
            time_unix_ns: record.wall_ns(recorded.at_ns),
            name: match recorded.event.definition().name {
                Cow::Borrowed(name) => name.into(),
                Cow::Owned(name) => name.into(),
            },
            attributes,
            dropped_attributes: 0,
        }
    };
    record.events().into_iter().map(event).collect()
}

/// The values of all response fields of this lower-case name.
fn response_values<'a>(fields: &'a ResponseFields, name: &'a [u8]) -> impl Iterator<Item = &'a [u8]> {
    fields.lines().split(|b| *b == b'\n').filter_map(move |line| {
        let (own, value) = line.split_at_checked(name.len())?;
        let value = value.strip_prefix(b":")?;
        own.eq_ignore_ascii_case(name).then(|| value.trim_ascii())
    })
}

/// The `tracestate` after the last decision.
fn reweighted(context: &TraceContext) -> Cow<'_, TraceState> {
    let state = &context.span.trace_state;
    match context.verdict() {
        Some(Verdict::Keep(Reweight::Threshold(th))) => Cow::Owned(with_threshold(state, Some(th))),
        Some(Verdict::Keep(Reweight::Unknown)) => Cow::Owned(with_threshold(state, None)),
        _ => Cow::Borrowed(state),
    }
}

/// The same, as spans have it.
pub(super) fn trace_state(context: &TraceContext) -> Text {
    text_of(&reweighted(context))
}

fn text_of(state: &TraceState) -> Text {
    state.shared().map_or(Text::default(), |text| Text::Shared(Arc::clone(text)))
}

/// To the span of a caller whom we do not trust with our trace.
fn link(span: &SpanContext) -> Link {
    Link {
        trace_id: span.trace_id,
        span_id: span.span_id,
        flags: u32::from(span.flags.bits()) | FLAG_HAS_IS_REMOTE | FLAG_IS_REMOTE,
        trace_state: text_of(&span.trace_state),
        ..Link::default()
    }
}
