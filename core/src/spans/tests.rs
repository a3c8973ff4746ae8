use super::*;
use crate::otlp::{Event, Link, SpanData, Status, Value};

fn names(count: usize) -> impl Iterator<Item = (crate::otlp::Key, Value)> {
    (0..count).map(|n| (format!("k{n}").into(), Value::Int(1)))
}

#[test]
fn limits_by_the_variables() {
    let variable = |name: &str| {
        let value = match name {
            "OTEL_ATTRIBUTE_COUNT_LIMIT" => "7",
            "OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT" => "9",
            "OTEL_SPAN_EVENT_COUNT_LIMIT" => " ",
            "OTEL_SPAN_LINK_COUNT_LIMIT" => "-1",
            "OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT" => "5",
            _ => return None,
        };
        Some(value.to_owned())
    };
    let (limits, warnings) = Limits::from_env(variable);
    let expected = Limits {
        span_value_length: Some(5),
        value_length: Some(5),
        attributes: 9,
        event_attributes: 7,
        link_attributes: 7,
        ..Limits::default()
    };
    assert_eq!(limits, expected);
    assert_eq!(warnings, ["OTEL_SPAN_LINK_COUNT_LIMIT: `-1` is not a number from 0 on, ignored"]);
    assert_eq!(Limits::from_env(|_| None), (Limits::default(), Vec::new()));
}

#[test]
fn what_goes_beyond_is_counted() {
    let limits = Limits {
        span_value_length: Some(2),
        value_length: Some(1),
        attributes: 2,
        events: 2,
        links: 0,
        event_attributes: 1,
        ..Limits::default()
    };
    let mut draft = Draft::default();
    for (key, _) in names(3) {
        draft.set_attribute(key, vec![Value::from("äöü")].into(), &limits);
    }
    draft.set_attribute("k0".into(), true.into(), &limits);
    for name in ["first", "second", "third"] {
        let attributes = vec![("a".into(), "text".into()), ("b".into(), 1.into())];
        draft.add_event(Event { name: name.into(), attributes, ..Event::default() }, &limits);
    }
    draft.add_link(Link::default(), &limits);
    let span = *draft.into_data();
    assert_eq!(span.attributes[0], ("k0".into(), Value::Bool(true)));
    assert_eq!(span.attributes[1], ("k1".into(), vec![Value::from("äö")].into()));
    assert_eq!((span.attributes.len(), span.dropped_attributes), (2, 1));
    let shown: Vec<_> = span.events.iter().map(|e| (e.name.as_str(), e.dropped_attributes)).collect();
    assert_eq!((shown, span.dropped_events), (vec![("second", 1), ("third", 1)], 1));
    assert_eq!(span.events[0].attributes, [("a".into(), "t".into())]);
    assert_eq!((span.links.len(), span.dropped_links), (0, 1));
}

#[test]
fn ok_is_final_and_nothing_is_taken_back() {
    let error = |text: &'static str| Status::Error(text.into());
    for (judged, expected) in [
        (vec![error("a"), Status::Unset], error("a")),
        (vec![error("a"), error("b")], error("b")),
        (vec![error("a"), Status::Ok], Status::Ok),
        (vec![Status::Ok, error("a")], Status::Ok),
    ] {
        let mut draft = Draft::default();
        for status in judged {
            draft.set_status(status);
        }
        assert_eq!(draft.data().status, expected);
    }
}

#[test]
fn what_the_application_says_wins() {
    let event = |at, name: &'static str| Event { time_unix_ns: at, name: name.into(), ..Event::default() };
    let mut span = SpanData {
        name: "GET /".into(),
        attributes: vec![("http.route".into(), "/".into())],
        events: vec![event(5, "exception")],
        status: Status::Error("mapped".into()),
        ..SpanData::default()
    };
    let unchanged = span.clone();
    put_over(&mut span, SpanData::default(), &Limits::default());
    assert_eq!(span, unchanged);
    let added = SpanData {
        name: "own".into(),
        attributes: vec![("user".into(), 1.into()), ("http.route".into(), "/own".into())],
        events: vec![event(3, "cache")],
        links: vec![Link::default()],
        dropped_links: 2,
        status: Status::Ok,
        ..SpanData::default()
    };
    put_over(&mut span, added, &Limits::default());
    assert_eq!((span.name.as_str(), &span.status), ("own", &Status::Ok));
    assert_eq!(span.attributes, [("http.route".into(), "/own".into()), ("user".into(), 1.into())]);
    assert_eq!(span.events, [event(3, "cache"), event(5, "exception")]);
    assert_eq!((span.links.len(), span.dropped_links), (1, 2));
}

#[test]
fn spans_wait_for_the_verdict_within_a_bound() {
    use family::Taken;
    let span = || Box::new(SpanData::default());
    let family = Family::default();
    for _ in 0..1_000 {
        assert!(matches!(family.take(span(), || false, true), Taken::Waits));
    }
    assert!(matches!(family.take(span(), || false, true), Taken::Full));
    let Taken::Released(all) = family.take(span(), || false, false) else { panic!("they may go") };
    assert_eq!(all.len(), 1_001);
    assert!(matches!(family.take(span(), || false, false), Taken::Waits));
    assert_eq!(family.take_waiting().len(), 1);
    let Taken::Released(late) = family.take(span(), || true, true) else { panic!("it is decided") };
    assert_eq!(late.len(), 1);
}
