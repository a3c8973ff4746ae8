//! Which trace an exchange belongs to, and whether its span is kept.

use super::{PARENT, begun, finish, plain, sink, traced};
use crate::otlp::span::{FLAG_HAS_IS_REMOTE, FLAG_IS_REMOTE};
use crate::propagation::{Networks, Trust};
use crate::sampling::{HeadSampler, IgnoreList, TailOptions, TailSampler};
use crate::sinks::opentelemetry::Options;
use crate::sinks::{Sink, Sinks};
use crate::trace::EndReason;

use std::sync::Arc;

const TRACE: [u8; 16] =
    [0x12, 0x34, 0x56, 0x78, 0x90, 0x12, 0x34, 0x56, 0x78, 0x90, 0x12, 0x34, 0x56, 0x78, 0x90, 0x12];

fn named(name: &str, argument: &str) -> HeadSampler {
    HeadSampler::from_names(Some(name), Some(argument)).0
}

#[test]
fn a_callers_trace_goes_on() {
    let fields = [("traceparent", PARENT), ("tracestate", "a=1"), ("tracestate", "b=2")];
    let exchange = begun(Some("GET /"), &fields, None);
    let span = traced(Options::default(), &exchange, |_| {});
    assert_eq!(
        (span.trace_id, span.parent_span_id),
        (TRACE, Some([0x12, 0x34, 0x56, 0x78, 0x90, 0x12, 0x34, 0x56]))
    );
    assert_eq!((span.trace_state.as_str(), span.flags), ("a=1,b=2", 1 | FLAG_HAS_IS_REMOTE | FLAG_IS_REMOTE));
    assert_ne!(Some(span.span_id), span.parent_span_id);
    let own = &exchange.context().unwrap().span;
    assert_eq!((own.trace_id, own.span_id), (TRACE, span.span_id));
}

#[test]
fn a_new_trace_is_random_and_has_no_parent() {
    let spans = [plain(), plain()].map(|exchange| traced(Options::default(), &exchange, |_| {}));
    assert_ne!(spans[0].trace_id, spans[1].trace_id);
    for span in spans {
        assert_eq!(
            (span.parent_span_id, span.flags, span.trace_state.as_str()),
            (None, 3 | FLAG_HAS_IS_REMOTE, "")
        );
        assert!(span.trace_id != [0; 16] && span.span_id != [0; 8]);
    }
}

#[test]
fn strangers_are_linked() {
    let networks = || Trust::Networks(Networks::parse(["10.0.0.0/8"]).unwrap());
    for (trust, client, goes_on) in [
        (Trust::Always, Some("192.0.2.1:1"), true),
        (Trust::Never, Some("10.0.0.1:1"), false),
        (networks(), Some("10.0.0.1:1"), true),
        (networks(), Some("192.0.2.1:1"), false),
        (networks(), None, true),
    ] {
        let fields = [("traceparent", PARENT), ("tracestate", "a=1"), ("baggage", "k=v")];
        let exchange = begun(Some("GET /"), &fields, client);
        let what = format!("{trust:?} {client:?}");
        let (sink, kept) = sink(Options { trust, ..Options::default() });
        sink.head(&exchange);
        finish(&exchange, |_| {});
        sink.finish(&exchange);
        let span = kept.spans().pop().unwrap();
        assert_eq!(sink.baggage(&exchange).get("k"), goes_on.then_some("v"), "{what}");
        assert_eq!((span.trace_id == TRACE, span.parent_span_id.is_some()), (goes_on, goes_on), "{what}");
        assert_eq!(exchange.context().unwrap().is_trusted, goes_on, "{what}");
        let links: Vec<_> = span.links.iter().map(|l| (l.trace_id, l.trace_state.as_str())).collect();
        assert_eq!(links, if goes_on { vec![] } else { vec![(TRACE, "a=1")] }, "{what}");
        assert_eq!(span.trace_state.as_str(), if goes_on { "a=1" } else { "" }, "{what}");
    }
}

#[test]
fn a_stranger_cannot_switch_sampling() {
    for (flags, head, expected) in [("01", "parentbased_always_off", 0), ("00", "parentbased_always_on", 1)] {
        let (sink, _kept) =
            sink(Options { trust: Trust::Never, head: named(head, ""), ..Options::default() });
        let parent = PARENT.replace("-01", &format!("-{flags}"));
        let exchange = begun(Some("GET /"), &[("traceparent", &parent)], None);
        sink.head(&exchange);
        finish(&exchange, |_| {});
        sink.finish(&exchange);
        assert_eq!(sink.kept(), expected, "{head}");
    }
}

#[test]
fn what_is_not_sampled_is_not_handed_over() {
    let (sink, kept) = sink(Options { head: named("always_off", ""), ..Options::default() });
    let exchange = plain();
    sink.head(&exchange);
    finish(&exchange, |_| {});
    sink.finish(&exchange);
    assert_eq!((kept.spans().len(), sink.kept(), sink.dropped()), (0, 0, 1));
    let context = exchange.context().unwrap();
    assert!(!context.is_recording && !context.span.flags.is_sampled() && context.span.flags.is_random());
}

#[test]
fn the_tail_rescues_and_drops() {
    for (head, ratio, is_error, expected) in [
        ("always_off", 1.0, true, true),
        ("always_off", 1.0, false, false),
        ("always_on", 0.0, true, true),
        ("always_on", 0.0, false, false),
        ("always_on", 1.0, false, true),
    ] {
        let tail = TailSampler::new(TailOptions { ratio, ..TailOptions::default() }).unwrap();
        let (sink, kept) = sink(Options { head: named(head, ""), tail: Some(tail), ..Options::default() });
        let exchange = plain();
        sink.head(&exchange);
        let context = exchange.context().unwrap();
        assert!(context.is_recording && context.verdict().is_none(), "children wait");
        finish(&exchange, |record| {
            record.end_reason = is_error.then_some(EndReason::ClientDisconnected);
        });
        sink.finish(&exchange);
        assert_eq!(
            (kept.spans().len() == 1, context.verdict().unwrap().is_kept()),
            (expected, expected),
            "{head}"
        );
    }
}

#[test]
fn a_ratio_is_told_to_those_who_count() {
    let tail = TailSampler::new(TailOptions { ratio: 1e-9, ..TailOptions::default() }).unwrap();
    let options = Options { head: named("traceidratio", "1"), tail: Some(tail), ..Options::default() };
    let span = traced(options, &plain(), |record| record.status = 500);
    assert_eq!(span.trace_state.as_str(), "ot=th:0");
    let span = traced(Options { head: named("traceidratio", "1"), ..Options::default() }, &plain(), |_| {});
    assert_eq!(span.trace_state.as_str(), "ot=th:0");
}

#[test]
fn a_head_that_was_never_complete_is_traced_all_the_same() {
    let (sink, kept) = sink(Options::default());
    let exchange = begun(None, &[], Some("192.0.2.9:5"));
    finish(&exchange, |record| {
        record.end_reason = Some(EndReason::ProtocolError);
        (record.status, record.route) = (400, None);
    });
    sink.finish(&exchange);
    let span = kept.spans().pop().unwrap();
    assert_eq!(span.name.as_str(), "HTTP");
    assert_eq!(span.trace_id, exchange.context().unwrap().span.trace_id);
}

#[test]
fn a_record_without_times_has_no_span() {
    let (sink, kept) = sink(Options::default());
    let exchange = plain();
    exchange.lock().record = crate::trace::Record::new(crate::trace::Level::Disabled);
    sink.head(&exchange);
    exchange.lock().record.close(9, EndReason::Completed);
    sink.finish(&exchange);
    assert_eq!((kept.spans().len(), sink.dropped()), (0, 1));
}

#[test]
fn ignored_requests_reach_no_sink_and_their_children_are_dropped() {
    for (pattern, kept_spans, is_recording) in
        [("/items/7", 0, false), ("/items/{id}", 0, true), ("/other", 1, true), ("/items/*", 0, false)]
    {
        let (sink, kept) = sink(Options::default());
        let sinks = Sinks::new(vec![Arc::new(sink)], IgnoreList::new([pattern]).unwrap());
        let exchange = begun(Some("GET /items/7"), &[("traceparent", PARENT)], None);
        sinks.head(&exchange);
        let context = exchange.context().unwrap();
        assert_eq!(
            (context.is_recording, context.span.flags.is_sampled()),
            (is_recording, is_recording),
            "{pattern}"
        );
        assert_eq!(context.span.trace_id, TRACE, "the trace goes on, unsampled");
        finish(&exchange, |_| {});
        sinks.finish(&exchange);
        assert_eq!(kept.spans().len(), kept_spans, "{pattern}");
        assert_eq!(
            context.verdict().map(crate::sampling::Verdict::is_kept),
            Some(kept_spans == 1),
            "{pattern}"
        );
    }
}

#[test]
fn presumed_randomness_is_noted() {
    let (sink, _kept) = sink(Options { head: named("traceidratio", "0.5"), ..Options::default() });
    sink.head(&plain());
    assert!(!sink.presumed_randomness());
    sink.head(&begun(Some("GET /"), &[("traceparent", PARENT)], None));
    assert!(sink.presumed_randomness());
}
