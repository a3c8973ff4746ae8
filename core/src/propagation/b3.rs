//! Zipkin's B3 headers, as one (`b3`) and as several (`x-b3-...`), for callers that do not speak W3C.
//!
//! | what the caller decided | one header | several headers | here |
//! |---|---|---|---|
//! | record | `1`, or `d` (debug) | `x-b3-sampled: 1`, or `x-b3-flags: 1` | sampled |
//! | do not record | `0` | `x-b3-sampled: 0` | not sampled |
//! | nothing yet | no third field | neither | deferred: the root sampler decides |
//!
//! Source: openzipkin/b3-propagation. 64-bit trace ids are extended by zeros on the left. The caller's own parent is of
//! no use to us, and we send none.

use super::{Caller, Remote, TraceState, hex};
use crate::trace::{Flags, SpanContext};

/// Looks for either form; the single header wins. `get` gives the first value of a field by its lower-case name.
pub(super) fn extract<'a>(get: impl Fn(&'static [u8]) -> Option<&'a [u8]>) -> Caller {
    match get(b"b3").map(parse_single) {
        None | Some(Caller::Unknown) => parse_multi(get),
        Some(found) => found,
    }
}

fn parse_single(value: &[u8]) -> Caller {
    let value = value.trim_ascii();
    if let Some(sampled) = decision(value) {
        return Caller::Decided(sampled);
    }
    let mut fields = value.splitn(4, |b| *b == b'-');
    let (trace_id, span_id) = (fields.next().unwrap_or_default(), fields.next().unwrap_or_default());
    let sampled = match fields.next() {
        None => None,
        Some(field) => match decision(field) {
            None => return Caller::Unknown,
            decided => decided,
        },
    };
    if fields.next().is_some_and(|parent| hex::decode::<8>(parent).is_none()) {
        return Caller::Unknown;
    }
    remote(trace_id, span_id, sampled)
}

fn parse_multi<'a>(get: impl Fn(&'static [u8]) -> Option<&'a [u8]>) -> Caller {
    let is_debug = get(b"x-b3-flags").is_some_and(|flags| flags.trim_ascii() == b"1");
    // Some senders from before the specification write words.
    let sampled = match get(b"x-b3-sampled").map(<[u8]>::trim_ascii) {
        _ if is_debug => Some(true),
        Some(b"1" | b"true") => Some(true),
        Some(b"0" | b"false") => Some(false),
        _ => None,
    };
    match (get(b"x-b3-traceid"), get(b"x-b3-spanid")) {
        (Some(trace_id), Some(span_id)) => remote(trace_id.trim_ascii(), span_id.trim_ascii(), sampled),
        _ => sampled.map_or(Caller::Unknown, Caller::Decided),
    }
}

fn decision(field: &[u8]) -> Option<bool> {
    match field {
        b"1" | b"d" => Some(true),
        b"0" => Some(false),
        _ => None,
    }
}

fn remote(trace_id: &[u8], span_id: &[u8], sampled: Option<bool>) -> Caller {
    let trace_id = match trace_id.len() {
        16 => hex::decode_id::<8>(trace_id).map(|half| {
            let mut whole = [0; 16];
            whole[8..].copy_from_slice(&half);
            whole
        }),
        _ => hex::decode_id(trace_id),
    };
    let (Some(trace_id), Some(span_id)) = (trace_id, hex::decode_id(span_id)) else { return Caller::Unknown };
    let flags = Flags::default().with_sampled(sampled.unwrap_or_default());
    let span = SpanContext { trace_id, span_id, flags, trace_state: TraceState::default() };
    Caller::Known(Remote { span, is_deferred: sampled.is_none() })
}

/// The value of `b3`.
pub(super) fn format_single(span: &SpanContext) -> String {
    let sampled = u8::from(span.flags.is_sampled());
    format!("{}-{}-{sampled}", hex::text(&span.trace_id), hex::text(&span.span_id))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TRACE: &str = "80f198ee56343ba864fe8b2a57d3eff7";
    const SPAN: &str = "e457b5a2e4d86bd1";

    /// `trace-span-decision`, where the decision is 1, 0 or `?`.
    fn told(caller: &Caller) -> String {
        match caller {
            Caller::Unknown => String::new(),
            Caller::Decided(sampled) => u8::from(*sampled).to_string(),
            Caller::Known(remote) if remote.is_deferred => {
                format!("{}-{}-?", hex::text(&remote.span.trace_id), hex::text(&remote.span.span_id))
            }
            Caller::Known(remote) => format_single(&remote.span),
        }
    }

    fn extracted(fields: &[(&str, &str)]) -> String {
        told(&extract(|name| {
            fields.iter().find(|(n, _)| n.as_bytes() == name).map(|(_, value)| value.as_bytes())
        }))
    }

    #[test]
    fn the_single_header() {
        for (value, expected) in [
            ("0".to_owned(), "0".to_owned()),
            ("1".to_owned(), "1".to_owned()),
            ("d".to_owned(), "1".to_owned()),
            (format!("{TRACE}-{SPAN}"), format!("{TRACE}-{SPAN}-?")),
            (format!(" {TRACE}-{SPAN}-1\t"), format!("{TRACE}-{SPAN}-1")),
            (format!("{TRACE}-{SPAN}-0"), format!("{TRACE}-{SPAN}-0")),
            (format!("{TRACE}-{SPAN}-d"), format!("{TRACE}-{SPAN}-1")),
            (format!("{TRACE}-{SPAN}-1-05e3ac9a4f6e3b90"), format!("{TRACE}-{SPAN}-1")),
            (format!("{}-{SPAN}-1", &TRACE[16..]), format!("0000000000000000{}-{SPAN}-1", &TRACE[16..])),
            (format!("{TRACE}-{SPAN}-2"), String::new()),
            (format!("{TRACE}-{SPAN}-1-"), String::new()),
            (format!("{TRACE}-{SPAN}-1-05e3ac9a4f6e3b90-x"), String::new()),
            (format!("{TRACE}-{}-1", "0".repeat(16)), String::new()),
            (format!("{}-{SPAN}-1", "0".repeat(32)), String::new()),
            (format!("{}-{SPAN}-1", TRACE.to_uppercase()), String::new()),
            (format!("{}-{SPAN}-1", &TRACE[1..]), String::new()),
            (String::new(), String::new()),
            ("-".to_owned(), String::new()),
        ] {
            assert_eq!(extracted(&[("b3", &value)]), expected, "{value}");
        }
    }

    #[test]
    fn several_headers() {
        let ids = [("x-b3-traceid", TRACE), ("x-b3-spanid", SPAN)];
        let with = |more: &[(&'static str, &'static str)]| {
            let fields: Vec<_> = ids.iter().chain(more).copied().collect();
            extracted(&fields)
        };
        assert_eq!(with(&[]), format!("{TRACE}-{SPAN}-?"));
        for (value, decided) in [("1", "1"), ("0", "0"), ("true", "1"), ("false", "0"), ("x", "?")] {
            assert_eq!(with(&[("x-b3-sampled", value)]), format!("{TRACE}-{SPAN}-{decided}"), "{value}");
        }
        assert_eq!(with(&[("x-b3-flags", "1"), ("x-b3-sampled", "0")]), format!("{TRACE}-{SPAN}-1"));
        assert_eq!(with(&[("b3", "0")]), "0", "the single header wins");
        assert_eq!(with(&[("b3", "junk")]), format!("{TRACE}-{SPAN}-?"));
        assert_eq!(extracted(&[("x-b3-sampled", "0")]), "0");
        assert_eq!(extracted(&[("x-b3-traceid", TRACE)]), "");
        assert_eq!(extracted(&[("x-b3-traceid", "x"), ("x-b3-spanid", SPAN)]), "");
    }
}
