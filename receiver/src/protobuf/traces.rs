//! `opentelemetry/proto/trace/v1/trace.proto`.

use std::borrow::Cow;

use super::values::{read_attribute, read_span_id, read_trace_id};
use super::walk::walk;
use crate::error::DecodeError;
use crate::limits::MAX_PARTS;
use crate::model::{Event, Link, Span};
use crate::table::{Sources, Spans};
use crate::wire::Reader;

/// `ExportTraceServiceRequest` into the table.
pub(crate) fn read_traces(body: &[u8], sources: &mut Sources, spans: &mut Spans) -> Result<(), DecodeError> {
    walk(body, sources, |source, message| spans.push(source, &read_span(message)?))
}

fn read_span(mut reader: Reader<'_>) -> Result<Span<'_>, DecodeError> {
    let mut span = Span { trace_id: Some(0), span_id: Some(0), parent_id: Some(0), ..Span::default() };
    while let Some((number, field)) = reader.next()? {
        match number {
            1 => span.trace_id = read_trace_id(field)?,
            2 => span.span_id = read_span_id(field)?,
            3 => span.trace_state = Cow::Borrowed(field.text()?),
            4 => span.parent_id = read_span_id(field)?,
            5 => span.name = Cow::Borrowed(field.text()?),
            6 => span.kind = field.varint()?.cast_signed(),
            7 => span.start_ns = field.fixed64()?,
            8 => span.end_ns = field.fixed64()?,
            9 => read_attribute(field, &mut span.attributes)?,
            10 => span.attributes.dropped = span.attributes.dropped.saturating_add(field.uint32()?),
            11 if span.events.len() < MAX_PARTS => span.events.push(read_event(field.message()?)?),
            11 => span.dropped_events = span.dropped_events.saturating_add(1),
            12 => span.dropped_events = span.dropped_events.saturating_add(field.uint32()?),
            13 if span.links.len() < MAX_PARTS => span.links.push(read_link(field.message()?)?),
            13 => span.dropped_links = span.dropped_links.saturating_add(1),
            14 => span.dropped_links = span.dropped_links.saturating_add(field.uint32()?),
            15 => read_status(field.message()?, &mut span)?,
            16 => span.flags = field.fixed32()?,
            _ => {}
        }
    }
    Ok(span)
}

fn read_event(mut reader: Reader<'_>) -> Result<Event<'_>, DecodeError> {
    let mut event = Event::default();
    while let Some((number, field)) = reader.next()? {
        match number {
            1 => event.time_ns = field.fixed64()?,
            2 => event.name = Cow::Borrowed(field.text()?),
            3 => read_attribute(field, &mut event.attributes)?,
            _ => {}
        }
    }
    Ok(event)
}

fn read_link(mut reader: Reader<'_>) -> Result<Link<'_>, DecodeError> {
    let mut link = Link::default();
    while let Some((number, field)) = reader.next()? {
        match number {
            1 => link.trace_id = read_trace_id(field)?,
            2 => link.span_id = read_span_id(field)?,
            3 => link.trace_state = Cow::Borrowed(field.text()?),
            4 => read_attribute(field, &mut link.attributes)?,
            6 => link.flags = field.fixed32()?,
            _ => {}
        }
    }
    Ok(link)
}

fn read_status<'a>(mut reader: Reader<'a>, span: &mut Span<'a>) -> Result<(), DecodeError> {
    while let Some((number, field)) = reader.next()? {
        match number {
            2 => span.status_message = Cow::Borrowed(field.text()?),
            3 => span.status = field.varint()?.cast_signed(),
            _ => {}
        }
    }
    Ok(())
}
