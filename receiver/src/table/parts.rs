//! Parts of a record that are stored as JSON: events, links, exemplars, quantiles, and what has no column.

use crate::limits::MAX_NAME_BYTES;
use crate::model::{Event, Exemplar, Exponential, Link, Number, Point, Side, Span};
use crate::value::{clip, write_double, write_hex, write_text};

/// `[{"time_ns","name","attributes"}]`.
pub(crate) fn write_events(events: &[Event<'_>], out: &mut String) {
    write_array(events, out, |event, out| {
        out.push_str("{\"time_ns\":");
        out.push_str(itoa::Buffer::new().format(event.time_ns));
        out.push_str(",\"name\":");
        write_text(&event.name, out);
        out.push_str(",\"attributes\":");
        event.attributes.write_json(out);
        out.push('}');
    });
}

/// `[{"trace_id","span_id","attributes"}]`, ids in hex; `trace_state` and `flags` where there are any.
pub(crate) fn write_links(links: &[Link<'_>], out: &mut String) {
    write_array(links, out, |link, out| {
        out.push('{');
        write_ids(link.trace_id, link.span_id, out);
        if !link.trace_state.is_empty() {
            out.push_str(",\"trace_state\":");
            write_text(&clip(&link.trace_state, MAX_NAME_BYTES), out);
        }
        if link.flags != 0 {
            out.push_str(",\"flags\":");
            out.push_str(itoa::Buffer::new().format(link.flags));
        }
        out.push_str(",\"attributes\":");
        link.attributes.write_json(out);
        out.push('}');
    });
}

/// `[{"trace_id","span_id","time_ns","value","attributes"}]`.
pub(crate) fn write_exemplars(exemplars: &[Exemplar<'_>], out: &mut String) {
    write_array(exemplars, out, |exemplar, out| {
        out.push('{');
        write_ids(exemplar.trace_id, exemplar.span_id, out);
        out.push_str(",\"time_ns\":");
        out.push_str(itoa::Buffer::new().format(exemplar.time_ns));
        out.push_str(",\"value\":");
        match exemplar.value {
            Some(Number::Double(value)) => write_double(value, out),
            Some(Number::Int(value)) => out.push_str(itoa::Buffer::new().format(value)),
            None => out.push_str("null"),
        }
        out.push_str(",\"attributes\":");
        exemplar.attributes.write_json(out);
        out.push('}');
    });
}

/// `[{"quantile","value"}]`.
pub(crate) fn write_quantiles(point: &Point<'_>, out: &mut String) {
    write_array(&point.quantiles, out, |(quantile, value), out| {
        out.push_str("{\"quantile\":");
        write_double(*quantile, out);
        out.push_str(",\"value\":");
        write_double(*value, out);
        out.push('}');
    });
}

/// What a data point says that no column holds, as OTLP's JSON has it: that its value is an integer, its flags, the
/// buckets of an exponential histogram. Nothing where there is nothing.
pub(crate) fn write_details(point: &Point<'_>, out: &mut String) {
    let name = |name: &str, out: &mut String| {
        out.push(if out.is_empty() { '{' } else { ',' });
        write_text(name, out);
        out.push(':');
    };
    if let Some(Number::Int(value)) = point.value {
        name("asInt", out);
        write_text(itoa::Buffer::new().format(value), out);
    }
    if point.flags != 0 {
        name("flags", out);
        out.push_str(itoa::Buffer::new().format(point.flags));
    }
    if let Some(Exponential { scale, zero_count, zero_threshold, positive, negative }) = &point.exponential {
        name("scale", out);
        out.push_str(itoa::Buffer::new().format(*scale));
        name("zeroCount", out);
        write_text(itoa::Buffer::new().format(*zero_count), out);
        name("zeroThreshold", out);
        write_double(*zero_threshold, out);
        for (side, key) in [(positive, "positive"), (negative, "negative")] {
            name(key, out);
            write_side(side, out);
        }
    }
    if !out.is_empty() {
        out.push('}');
    }
}

fn write_side(side: &Side, out: &mut String) {
    out.push_str("{\"offset\":");
    out.push_str(itoa::Buffer::new().format(side.offset));
    out.push_str(",\"bucketCounts\":");
    write_array(&side.counts, out, |count, out| write_text(itoa::Buffer::new().format(*count), out));
    out.push('}');
}

/// How many attributes, events and links are missing, `{"attributes":1}`; nothing when none are.
pub(crate) fn write_dropped(span: &Span<'_>, out: &mut String) {
    let counts = [
        ("attributes", span.attributes.dropped),
        ("events", span.dropped_events),
        ("links", span.dropped_links),
    ];
    for (name, count) in counts.into_iter().filter(|(_, count)| *count > 0) {
        out.push(if out.is_empty() { '{' } else { ',' });
        write_text(name, out);
        out.push(':');
        out.push_str(itoa::Buffer::new().format(count));
    }
    if !out.is_empty() {
        out.push('}');
    }
}

fn write_ids(trace_id: Option<u128>, span_id: Option<u64>, out: &mut String) {
    out.push_str("\"trace_id\":");
    write_hex(&trace_id.unwrap_or(0).to_be_bytes(), out);
    out.push_str(",\"span_id\":");
    write_hex(&span_id.unwrap_or(0).to_be_bytes(), out);
}

fn write_array<T>(items: &[T], out: &mut String, write: impl Fn(&T, &mut String)) {
    out.push('[');
    for (index, item) in items.iter().enumerate() {
        if index > 0 {
            out.push(',');
        }
        write(item, out);
    }
    out.push(']');
}
