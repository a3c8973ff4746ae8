//! Trace context in headers.

use wirespan_core::propagation::{
    Baggage, Caller, MAX_BAGGAGE_LENGTH, MAX_BAGGAGE_MEMBERS, Networks, Propagator, Propagators, TraceState,
    traceparent,
};

const NAMES: [&[u8]; 8] = [
    b"traceparent",
    b"tracestate",
    b"baggage",
    b"b3",
    b"x-b3-traceid",
    b"x-b3-spanid",
    b"x-b3-sampled",
    b"x-b3-flags",
];

/// Fields, one a line: a byte that chooses the name, then the value. What is read from them can be written, and what was
/// written is read as the same.
///
/// # Panics
/// Where that does not hold.
pub fn propagation(data: &[u8]) {
    let fields: Vec<(&[u8], &[u8])> = data
        .split(|byte| *byte == b'\n')
        .filter_map(<[u8]>::split_first)
        .map(|(name, value)| (NAMES[usize::from(*name) % NAMES.len()], value))
        .collect();
    for (_, value) in &fields {
        check_values(value);
    }
    for names in ["tracecontext,baggage", "b3", "b3multi"] {
        let (propagators, warnings) = Propagators::from_names(Some(names));
        assert!(warnings.is_empty());
        check_round_trip(&propagators, &fields);
    }
}

fn check_values(value: &[u8]) {
    if let Some(span) = traceparent::parse(value) {
        assert!(span.trace_id != [0; 16] && span.span_id != [0; 8]);
        assert_eq!(traceparent::parse(&traceparent::format(&span)), Some(span));
    }
    let state = TraceState::parse([value]);
    assert_eq!(TraceState::parse([state.as_str().as_bytes()]), state);
    assert!(state.members().count() <= 32 && state.as_str().len() <= 2_048);
    if let Some(changed) = state.with("own", "value") {
        assert_eq!((changed.get("own"), changed.members().next()), (Some("value"), Some(("own", "value"))));
        assert_eq!(changed.without("own").get("own"), None);
    }
    let baggage = Baggage::parse([value]);
    assert!(baggage.members().len() <= MAX_BAGGAGE_MEMBERS && baggage.format().len() <= MAX_BAGGAGE_LENGTH);
    assert_eq!(Baggage::parse([baggage.format().as_bytes()]), baggage);
    if let Ok(text) = std::str::from_utf8(value) {
        _ = Propagators::from_names(Some(text));
        _ = Networks::parse(text.split(','));
    }
}

fn check_round_trip(propagators: &Propagators, fields: &[(&[u8], &[u8])]) {
    let baggage = propagators.extract_baggage(fields.iter().copied());
    let Caller::Known(caller) = propagators.extract(|| fields.iter().copied()) else { return };
    let mut written: Vec<(&[u8], Vec<u8>)> = Vec::new();
    propagators.inject(&caller.span, &baggage, |name, value| written.push((name.as_bytes(), value.into())));
    let again = || written.iter().map(|(name, value)| (*name, value.as_slice()));
    let Caller::Known(found) = propagators.extract(again) else { panic!("what was written is not read") };
    assert_eq!(propagators.extract_baggage(again()), baggage);
    assert_eq!((found.span.trace_id, found.span.span_id), (caller.span.trace_id, caller.span.span_id));
    assert_eq!(found.span.flags.is_sampled(), caller.span.flags.is_sampled());
    if propagators.has(Propagator::TraceContext) {
        assert_eq!(found.span, caller.span);
    }
}
