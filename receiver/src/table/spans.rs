//! The table of spans: `stored_spans` of the store.

use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_array::builder::{
    BooleanBuilder, Int64Builder, StringBuilder, UInt8Builder, UInt16Builder, UInt32Builder, UInt64Builder,
};
use arrow_schema::ArrowError;

use super::parts::{write_dropped, write_events, write_links};
use super::promoted::Promoted;
use super::{Column, Outcome, assemble};
use crate::error::DecodeError;
use crate::limits::{MAX_NAME_BYTES, MAX_TEXT_BYTES};
use crate::model::{Source, Span};
use crate::value::clip;

const SERVER: i64 = 2;
const CONSUMER: i64 = 5;

/// Builders of all columns. An empty text is null where the store allows it.
#[derive(Default)]
pub(crate) struct Spans {
    pub(crate) outcome: Outcome,
    ids: Ids,
    start_ns: Int64Builder,
    duration_ns: Int64Builder,
    service: StringBuilder,
    name: StringBuilder,
    kind: UInt8Builder,
    status: UInt8Builder,
    status_message: StringBuilder,
    is_request: BooleanBuilder,
    http: Http,
    states: [Int64Builder; 6],
    timeline: StringBuilder,
    resource_id: UInt64Builder,
    scope: StringBuilder,
    scope_id: UInt64Builder,
    attributes: StringBuilder,
    events: StringBuilder,
    links: StringBuilder,
    trace_state: StringBuilder,
    flags: UInt32Builder,
    dropped: StringBuilder,
    json: String,
}

#[derive(Default)]
struct Ids {
    trace_hi: UInt64Builder,
    trace_lo: UInt64Builder,
    span_id: UInt64Builder,
    parent_id: UInt64Builder,
}

#[derive(Default)]
struct Http {
    method: StringBuilder,
    route: StringBuilder,
    path: StringBuilder,
    status: UInt16Builder,
    error_type: StringBuilder,
    end_reason: StringBuilder,
}

impl Spans {
    /// One row, or one rejection.
    pub(crate) fn push(&mut self, source: &Source, span: &Span<'_>) -> Result<(), DecodeError> {
        self.outcome.check("spans")?;
        match Ids::check(span).and_then(|ids| Ok((ids, times(span)?))) {
            Ok((ids, times)) => {
                self.ids.push(ids);
                self.push_span(span, times, ids.2.is_none());
                self.push_source(source);
                self.push_promoted(&Promoted::of(span));
                self.push_parts(span);
                self.outcome.accept();
            }
            Err(mistake) => {
                let name = clip(&span.name, 100);
                self.outcome.reject(|| format!("span {name:?} {mistake}"));
            }
        }
        Ok(())
    }

    fn push_span(&mut self, span: &Span<'_>, (start_ns, duration_ns): (i64, i64), is_root: bool) {
        self.start_ns.append_value(start_ns);
        self.duration_ns.append_value(duration_ns);
        self.name.append_value(clip(&span.name, MAX_NAME_BYTES));
        self.kind.append_value(u8::try_from(span.kind).unwrap_or(0));
        self.status.append_value(u8::try_from(span.status).unwrap_or(0));
        append(&mut self.status_message, Some(&span.status_message), MAX_TEXT_BYTES);
        self.is_request.append_value(is_root || matches!(span.kind, SERVER | CONSUMER));
        append(&mut self.trace_state, Some(&span.trace_state), MAX_NAME_BYTES);
        self.flags.append_value(span.flags);
    }

    fn push_source(&mut self, source: &Source) {
        self.service.append_value(&source.service);
        self.resource_id.append_value(source.resource_id);
        self.scope.append_value(&source.scope);
        self.scope_id.append_option(source.scope_id);
    }

    fn push_promoted(&mut self, promoted: &Promoted<'_>) {
        append(&mut self.http.method, promoted.method, MAX_NAME_BYTES);
        append(&mut self.http.route, promoted.route, MAX_NAME_BYTES);
        append(&mut self.http.path, promoted.path, MAX_TEXT_BYTES);
        self.http.status.append_option(promoted.http_status);
        append(&mut self.http.error_type, promoted.error_type, MAX_NAME_BYTES);
        append(&mut self.http.end_reason, promoted.end_reason, MAX_NAME_BYTES);
        for (column, duration) in self.states.iter_mut().zip(promoted.states) {
            column.append_option(duration);
        }
        append(&mut self.timeline, promoted.timeline, MAX_TEXT_BYTES);
    }

    fn push_parts(&mut self, span: &Span<'_>) {
        self.json.clear();
        span.attributes.write_json(&mut self.json);
        self.attributes.append_value(&self.json);
        self.json.clear();
        if !span.events.is_empty() {
            write_events(&span.events, &mut self.json);
        }
        append(&mut self.events, Some(&self.json), usize::MAX);
        self.json.clear();
        if !span.links.is_empty() {
            write_links(&span.links, &mut self.json);
        }
        append(&mut self.links, Some(&self.json), usize::MAX);
        self.json.clear();
        write_dropped(span, &mut self.json);
        append(&mut self.dropped, Some(&self.json), usize::MAX);
    }

    /// The table.
    pub(crate) fn finish(mut self) -> Result<RecordBatch, ArrowError> {
        let mut columns: Vec<Column> = self.ids.finish();
        columns.extend([
            ("start_ns", Arc::new(self.start_ns.finish()) as _),
            ("duration_ns", Arc::new(self.duration_ns.finish()) as _),
            ("service", Arc::new(self.service.finish()) as _),
            ("name", Arc::new(self.name.finish()) as _),
            ("kind", Arc::new(self.kind.finish()) as _),
            ("status", Arc::new(self.status.finish()) as _),
            ("status_message", Arc::new(self.status_message.finish()) as _),
            ("is_request", Arc::new(self.is_request.finish()) as _),
        ]);
        columns.extend(self.http.finish());
        let names = ["queue_ns", "read_ns", "schedule_ns", "run_ns", "await_ns", "write_ns"];
        for (name, column) in names.into_iter().zip(&mut self.states) {
            columns.push((name, Arc::new(column.finish())));
        }
        columns.extend([
            ("timeline", Arc::new(self.timeline.finish()) as _),
            ("resource_id", Arc::new(self.resource_id.finish()) as _),
            ("scope", Arc::new(self.scope.finish()) as _),
            ("attributes", Arc::new(self.attributes.finish()) as _),
            ("events", Arc::new(self.events.finish()) as _),
            ("links", Arc::new(self.links.finish()) as _),
            ("trace_state", Arc::new(self.trace_state.finish()) as _),
            ("flags", Arc::new(self.flags.finish()) as _),
            ("dropped", Arc::new(self.dropped.finish()) as _),
            ("scope_id", Arc::new(self.scope_id.finish()) as _),
        ]);
        assemble(columns)
    }
}

type CheckedIds = (u128, u64, Option<u64>);

impl Ids {
    fn check(span: &Span<'_>) -> Result<CheckedIds, &'static str> {
        let trace_id =
            span.trace_id.filter(|id| *id != 0).ok_or("has a trace_id that is not 16 bytes, or all zero")?;
        let span_id =
            span.span_id.filter(|id| *id != 0).ok_or("has a span_id that is not 8 bytes, or all zero")?;
        let parent_id = span.parent_id.ok_or("has a parent_span_id that is not 8 bytes")?;
        Ok((trace_id, span_id, Some(parent_id).filter(|id| *id != 0)))
    }

    fn push(&mut self, (trace_id, span_id, parent_id): CheckedIds) {
        let (hi, lo) = halves(trace_id);
        self.trace_hi.append_value(hi);
        self.trace_lo.append_value(lo);
        self.span_id.append_value(span_id);
        self.parent_id.append_option(parent_id);
    }

    fn finish(&mut self) -> Vec<Column> {
        vec![
            ("trace_hi", Arc::new(self.trace_hi.finish())),
            ("trace_lo", Arc::new(self.trace_lo.finish())),
            ("span_id", Arc::new(self.span_id.finish())),
            ("parent_id", Arc::new(self.parent_id.finish())),
        ]
    }
}

impl Http {
    fn finish(&mut self) -> Vec<Column> {
        vec![
            ("method", Arc::new(self.method.finish())),
            ("route", Arc::new(self.route.finish())),
            ("path", Arc::new(self.path.finish())),
            ("http_status", Arc::new(self.status.finish())),
            ("error_type", Arc::new(self.error_type.finish())),
            ("end_reason", Arc::new(self.end_reason.finish())),
        ]
    }
}

/// Start and duration. A span that ended before it began, or has no end, took no time: clocks of machines differ.
fn times(span: &Span<'_>) -> Result<(i64, i64), &'static str> {
    let start_ns = i64::try_from(span.start_ns).map_err(|_| "starts after the year 2262")?;
    if start_ns == 0 {
        return Err("has no start_time_unix_nano");
    }
    let duration_ns = span.end_ns.saturating_sub(span.start_ns);
    Ok((start_ns, i64::try_from(duration_ns).map_err(|_| "ends after the year 2262")?))
}

/// The upper and lower 64 bits of a trace id.
#[expect(clippy::cast_possible_truncation, reason = "both halves are kept")]
pub(crate) const fn halves(trace_id: u128) -> (u64, u64) {
    ((trace_id >> 64) as u64, trace_id as u64)
}

/// A text, or null for none.
pub(crate) fn append(column: &mut StringBuilder, text: Option<&str>, max: usize) {
    match text {
        Some(text) if !text.is_empty() => column.append_value(clip(text, max)),
        _ => column.append_null(),
    }
}
