//! The behaviours that the official suite (w3c/trace-context `test/test.py`) demands of a service, one row each: what
//! comes in, and whether the trace and which list go out.

use proptest::prelude::*;

use super::*;
use crate::trace::Flags;

const TRACE: &str = "12345678901234567890123456789012";
const PARENT: &str = "00-12345678901234567890123456789012-1234567890123456-01";

/// Serves a request with these fields and sends one on: whether the trace is the same, and the list that goes out.
fn served(fields: &[(&str, &str)]) -> (bool, String) {
    let lower: Vec<(String, &str)> = fields.iter().map(|(n, v)| (n.to_ascii_lowercase(), *v)).collect();
    let caller = Propagators::default().extract(|| lower.iter().map(|(n, v)| (n.as_bytes(), v.as_bytes())));
    let span = match caller {
        Caller::Known(remote) => SpanContext { span_id: ids::span_id(), ..remote.span },
        _ => SpanContext { trace_id: ids::trace_id(), span_id: ids::span_id(), ..SpanContext::default() },
    };
    let (mut parent, mut state) = (String::new(), String::new());
    Propagators::default().inject(&span, &Baggage::default(), |name, value| match name {
        "traceparent" => value.clone_into(&mut parent),
        _ => value.clone_into(&mut state),
    });
    assert!(traceparent::parse(parent.as_bytes()).is_some(), "what goes out is valid: {parent}");
    assert!(!parent.contains("1234567890123456-"), "the span is a new one: {parent}");
    (&parent[3..35] == TRACE, state)
}

fn continues(value: &str) -> bool {
    served(&[("traceparent", value)]).0
}

#[test]
fn a_trace_goes_on_or_starts_anew() {
    let rest = "1234567890123456-01";
    for (value, expected) in [
        (PARENT.to_owned(), true),
        (format!(" {PARENT}"), true),
        (format!("\t{PARENT}"), true),
        (format!("{PARENT} "), true),
        (format!("{PARENT}\t"), true),
        (format!("\t {PARENT} \t"), true),
        (format!("cc-{TRACE}-{rest}"), true),
        (format!("cc-{TRACE}-{rest}-what-the-future-will-be-like"), true),
        (format!("fe-{TRACE}-{rest}-"), true),
        (format!("cc-{TRACE}-{rest}.what-the-future-will-be-like"), false),
        (format!("cc-{TRACE}-1234567890123456-0"), false),
        (format!("{PARENT}."), false),
        (format!("{PARENT}-what-the-future-will-be-like"), false),
        (format!("ff-{TRACE}-{rest}"), false),
        (format!("ff-{TRACE}-{rest}-more"), false),
        (format!(".0-{TRACE}-{rest}"), false),
        (format!("0.-{TRACE}-{rest}"), false),
        (format!("CC-{TRACE}-{rest}"), false),
        (format!("000-{TRACE}-{rest}"), false),
        (format!("0000-{TRACE}-{rest}"), false),
        (format!("0-{TRACE}-{rest}"), false),
        (format!("00-{}-{rest}", "0".repeat(32)), false),
        (format!("00-.{}-{rest}", &TRACE[1..]), false),
        (format!("00-{}.-{rest}", &TRACE[1..]), false),
        (format!("00-{TRACE}3-{rest}"), false),
        (format!("00-{}-{rest}", &TRACE[1..]), false),
        (format!("00-{TRACE}-0000000000000000-01"), false),
        (format!("00-{TRACE}-.234567890123456-01"), false),
        (format!("00-{TRACE}-123456789012345.-01"), false),
        (format!("00-{TRACE}-12345678901234567-01"), false),
        (format!("00-{TRACE}-123456789012345-01"), false),
        (format!("00-{TRACE}-1234567890123456-.0"), false),
        (format!("00-{TRACE}-1234567890123456-0."), false),
        (format!("00-{TRACE}-1234567890123456-001"), false),
        (format!("00-{TRACE}-1234567890123456-1"), false),
        (format!("00_{TRACE}-1234567890123456-01"), false),
        (format!("00-{TRACE}_1234567890123456-01"), false),
        (format!("00-{TRACE}-1234567890123456_01"), false),
        (format!("{PARENT},{PARENT}"), false),
        (String::new(), false),
    ] {
        assert_eq!(continues(&value), expected, "{value:?}");
    }
}

#[test]
fn upper_case_ids_are_invalid_and_ids_of_digits_alone_are_not() {
    assert!(traceparent::parse(b"00-ABCDEF78901234567890123456789012-1234567890123456-01").is_none());
    assert!(traceparent::parse(b"00-abcdef78901234567890123456789012-123456789012345A-01").is_none());
    assert!(traceparent::parse(PARENT.as_bytes()).is_some());
}

#[test]
fn names_are_found_in_any_case_and_only_in_full() {
    for (name, expected) in [
        ("TraceParent", true),
        ("TrAcEpArEnT", true),
        ("TRACEPARENT", true),
        ("trace-parent", false),
        ("trace.parent", false),
    ] {
        assert_eq!(served(&[(name, PARENT)]).0, expected, "{name}");
    }
    for (name, expected) in
        [("TraceState", "foo=1"), ("TRACESTATE", "foo=1"), ("trace-state", ""), ("trace.state", "")]
    {
        assert_eq!(
            served(&[("traceparent", PARENT), (name, "foo=1")]),
            (true, expected.to_owned()),
            "{name}"
        );
    }
}

#[test]
fn two_traceparents_are_none() {
    let other = "00-12345678901234567890123456789011-1234567890123456-01";
    assert!(!served(&[("traceparent", other), ("traceparent", PARENT)]).0);
    assert!(!served(&[("traceparent", PARENT), ("traceparent", PARENT)]).0);
}

#[test]
fn neither_header_spoils_more_than_it_must() {
    for (fields, expected) in [
        (&[][..], (false, "")),
        (&[("tracestate", "foo=1")], (false, "")),
        (&[("tracestate", "foo=1,bar=2")], (false, "")),
        (&[("traceparent", "junk"), ("tracestate", "foo=1")], (false, "")),
        (&[("traceparent", PARENT)], (true, "")),
        (&[("traceparent", PARENT), ("tracestate", "foo=1,bar=2")], (true, "foo=1,bar=2")),
        (&[("traceparent", PARENT), ("tracestate", "FOO=1")], (true, "")),
        (&[("traceparent", PARENT), ("tracestate", "foo=1"), ("tracestate", "foo=2")], (true, "")),
        (&[("traceparent", PARENT), ("tracestate", ""), ("tracestate", "foo=1")], (true, "foo=1")),
        (&[("tracestate", "a=1"), ("traceparent", PARENT), ("tracestate", "b=2")], (true, "a=1,b=2")),
    ] {
        assert_eq!(served(fields), (expected.0, expected.1.to_owned()), "{fields:?}");
    }
}

#[test]
fn flags_are_bits() {
    for (sent, kept) in [("00", 0), ("01", 1), ("02", 2), ("03", 3), ("08", 0), ("09", 1), ("ff", 3)] {
        let value = format!("00-{TRACE}-1234567890123456-{sent}");
        let span = traceparent::parse(value.as_bytes()).unwrap();
        assert_eq!((span.flags.bits(), traceparent::format(&span)[54]), (kept, b'0' + kept), "{sent}");
    }
}

#[test]
fn several_requests_of_one_trace_have_spans_of_their_own() {
    let spans: std::collections::HashSet<_> = (0..3).map(|_| ids::span_id()).collect();
    assert_eq!(spans.len(), 3);
}

#[test]
fn propagators_by_name() {
    for (names, expected, warnings) in [
        (None, &["tracecontext", "baggage"][..], 0),
        (Some(""), &["tracecontext", "baggage"], 0),
        (Some("none"), &[], 0),
        (Some("b3, tracecontext ,b3"), &["b3", "tracecontext"], 0),
        (Some("tracecontext,jaeger,xray"), &["tracecontext"], 2),
        (Some("b3multi"), &["b3multi"], 0),
    ] {
        let (found, warned) = Propagators::from_names(names);
        let expected: Vec<_> = expected
            .iter()
            .map(|name| Propagator::ALL.iter().find(|(_, known)| known == name).unwrap().0)
            .collect();
        assert_eq!((found.0, warned.len()), (expected, warnings), "{names:?}");
    }
}

#[test]
fn the_last_propagator_that_finds_something_counts() {
    let b3 = "80f198ee56343ba864fe8b2a57d3eff7-e457b5a2e4d86bd1-1";
    let fields = [("traceparent", PARENT), ("b3", b3)];
    for (names, expected) in [
        ("tracecontext,b3", "80f1"),
        ("b3,tracecontext", "1234"),
        ("b3multi,baggage", "80f1"),
        ("tracecontext", "1234"),
        ("baggage", ""),
    ] {
        let (propagators, _) = Propagators::from_names(Some(names));
        let found = propagators.extract(|| fields.iter().map(|(n, v)| (n.as_bytes(), v.as_bytes())));
        let trace = match found {
            Caller::Known(remote) => hex::text(&remote.span.trace_id[..2]),
            _ => String::new(),
        };
        assert_eq!(trace, expected, "{names}");
    }
}

#[test]
fn all_headers_are_written() {
    let (propagators, _) = Propagators::from_names(Some("tracecontext,baggage,b3,b3multi"));
    let mut span = traceparent::parse(PARENT.as_bytes()).unwrap();
    span.trace_state = TraceState::parse([&b"a=1"[..]]);
    let baggage = Baggage::parse([&b"k=v%20w"[..]]);
    let mut lines = Vec::new();
    propagators.inject(&span, &baggage, |name, value| lines.push(format!("{name}: {value}")));
    let expected = [
        &format!("traceparent: {PARENT}"),
        "tracestate: a=1",
        "baggage: k=v%20w",
        &format!("b3: {TRACE}-1234567890123456-1"),
        &format!("x-b3-traceid: {TRACE}"),
        "x-b3-spanid: 1234567890123456",
        "x-b3-sampled: 1",
    ];
    assert_eq!(lines, expected);
}

#[test]
fn whose_context_counts() {
    let (inside, outside) = (Some([10, 1, 1, 1].into()), Some([11, 1, 1, 1].into()));
    let networks = Trust::Networks(Networks::parse(["10.0.0.0/8"]).unwrap());
    for (trust, expected) in
        [(Trust::Always, [true; 3]), (Trust::Never, [false; 3]), (networks, [true, false, true])]
    {
        assert_eq!([inside, outside, None].map(|peer| trust.covers(peer)), expected, "{trust:?}");
    }
}

proptest! {
    #[test]
    fn any_bytes_are_parsed(value: Vec<u8>) {
        _ = traceparent::parse(&value);
        let all: Vec<_> = Propagator::ALL.iter().map(|(propagator, _)| *propagator).collect();
        for name in ["traceparent", "tracestate", "b3", "x-b3-traceid", "baggage"] {
            _ = Propagators(all.clone()).extract(|| [(name.as_bytes(), value.as_slice())].into_iter());
        }
    }

    #[test]
    fn what_was_formatted_is_parsed(trace_id: [u8; 16], span_id: [u8; 8], flags in 0_u8..4) {
        prop_assume!(trace_id != [0; 16] && span_id != [0; 8]);
        let span = SpanContext { trace_id, span_id, flags: Flags::from_bits(flags), trace_state: TraceState::default() };
        prop_assert_eq!(traceparent::parse(&traceparent::format(&span)), Some(span.clone()));
        let b3 = Propagators(vec![Propagator::B3]);
        let mut fields = Vec::new();
        b3.inject(&span, &Baggage::default(), |name, value| fields.push((name, value.to_owned())));
        let found = b3.extract(|| fields.iter().map(|(n, v)| (n.as_bytes(), v.as_bytes())));
        let expected = SpanContext { flags: Flags::from_bits(flags & 1), ..span };
        prop_assert_eq!(found, Caller::Known(Remote { span: expected, is_deferred: false }));
    }
}
