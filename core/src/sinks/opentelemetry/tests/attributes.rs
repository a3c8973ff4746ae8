//! One row for each attribute of the conventions, and for each of ours.

use std::sync::Arc;

use super::{BEGIN_NS, PARENT, begun, begun_by, peer, plain, traced};
use crate::exchange::{Exchange, Peer};
use crate::message::ResponseHead;
use crate::otlp::{Kind, SpanData, Status, Value};
use crate::propagation::{Networks, Proxies, ProxyHeaders, Trust};
use crate::sinks::opentelemetry::{Extra, MappingOptions, Methods, Options};
use crate::spans::Limits;
use crate::trace::{EndReason, ErrorNote, Event, Level, Record, Status as EventStatus, define_event};

fn shown(value: &Value) -> String {
    match value {
        Value::Str(text) => text.to_string(),
        Value::Bool(value) => value.to_string(),
        Value::Int(value) => value.to_string(),
        Value::Double(value) => value.to_string(),
        Value::Array(values) => format!("{:?}", values.iter().map(shown).collect::<Vec<_>>()),
    }
}

/// The value as text; `-` where the attribute is not set.
fn attribute(span: &SpanData, key: &str) -> String {
    let mut found = span.attributes.iter().filter(|(known, _)| known.as_str() == key);
    let value = found.next().map_or("-".to_owned(), |(_, value)| shown(value));
    assert!(found.next().is_none(), "{key} is set once");
    value
}

fn mapped(mapping: MappingOptions) -> Options {
    Options { mapping, ..Options::default() }
}

#[test]
fn a_plain_request() {
    let span = traced(Options::default(), &plain(), |_| {});
    for (key, expected) in [
        ("http.request.method", "GET"),
        ("http.request.method_original", "-"),
        ("url.path", "/items/7"),
        ("url.query", "q=1"),
        ("url.scheme", "http"),
        ("http.route", "/items/{id}"),
        ("http.response.status_code", "200"),
        ("error.type", "-"),
        ("network.protocol.name", "-"),
        ("network.protocol.version", "1.1"),
        ("network.peer.address", "198.51.100.9"),
        ("network.peer.port", "50312"),
        ("client.address", "198.51.100.9"),
        ("server.address", "example.com"),
        ("server.port", "8080"),
        ("user_agent.original", "curl/8"),
        ("wirespan.end_reason", "completed"),
        ("wirespan.state.queue_ns", "1000000"),
        ("wirespan.state.read_ns", "0"),
        ("wirespan.state.schedule_ns", "500000"),
        ("wirespan.state.run_ns", "2000000"),
        ("wirespan.state.await_ns", "6000000"),
        ("wirespan.state.write_ns", "500000"),
        ("wirespan.recv_size", "120"),
        ("wirespan.send_size", "345"),
        ("wirespan.recv_body_size", "20"),
        ("wirespan.send_body_size", "200"),
        ("wirespan.connection.request_number", "3"),
        ("wirespan.connection.idle_ns", "5000"),
        ("wirespan.connection.age_ns", "70000"),
        ("wirespan.background_ns", "-"),
    ] {
        assert_eq!(attribute(&span, key), expected, "{key}");
    }
    assert_eq!(
        (span.name.as_str(), span.kind, &span.status),
        ("GET /items/{id}", Kind::Server, &Status::Unset)
    );
    assert_eq!((span.start_unix_ns, span.end_unix_ns), (BEGIN_NS, BEGIN_NS + 10_000_000));
    assert_eq!((span.events.len(), span.links.len(), span.parent_span_id), (0, 0, None));
    assert_eq!(
        (span.scope.name.as_str(), span.scope.version.as_str()),
        ("wirespan", env!("CARGO_PKG_VERSION"))
    );
    assert!(span.scope.schema_url.ends_with("/1.44.0"));
}

#[test]
fn without_a_kernel_stamp_it_starts_at_http_start() {
    let exchange = plain();
    let mut record = Record::new(Level::Base);
    record.wall_offset_ns = BEGIN_NS.cast_signed() - 1_000_000;
    record.begin(2_000_000, None);
    exchange.lock().record = record;
    assert_eq!(traced(Options::default(), &exchange, |_| {}).start_unix_ns, BEGIN_NS + 1_000_000);
}

#[test]
fn names_and_methods() {
    let replaced =
        || MappingOptions { methods: Methods::from_names(Some("PURGE")), ..MappingOptions::default() };
    for (mapping, line, route, name, method, original) in [
        (MappingOptions::default(), "POST /", Some("/a"), "POST /a", "POST", "-"),
        (MappingOptions::default(), "POST /", None, "POST", "POST", "-"),
        (MappingOptions::default(), "get /", Some("/a"), "HTTP /a", "_OTHER", "get"),
        (MappingOptions::default(), "PURGE /", None, "HTTP", "_OTHER", "PURGE"),
        (replaced(), "PURGE /", None, "PURGE", "PURGE", "-"),
        (replaced(), "GET /", None, "HTTP", "_OTHER", "GET"),
    ] {
        let exchange = begun(Some(line), &[], None);
        let span = traced(mapped(mapping), &exchange, |record| record.route = route.map(Into::into));
        let methods =
            ["http.request.method", "http.request.method_original"].map(|key| attribute(&span, key));
        assert_eq!((span.name.as_str(), methods), (name, [method, original].map(str::to_owned)), "{line}");
    }
}

#[test]
fn what_is_unknown_is_left_out() {
    let span = traced(Options::default(), &begun(Some("GET /"), &[], None), |record| {
        record.route = None;
        record.status = 0;
    });
    for key in [
        "url.query",
        "http.route",
        "http.response.status_code",
        "client.address",
        "network.peer.address",
        "network.peer.port",
        "user_agent.original",
    ] {
        assert_eq!(attribute(&span, key), "-", "{key}");
    }
}

#[test]
fn secrets_of_the_query_are_not_told() {
    let span = traced(Options::default(), &begun(Some("GET /a?x=1&sig=s3cret"), &[], None), |_| {});
    assert_eq!(attribute(&span, "url.query"), "x=1&sig=REDACTED");
}

#[test]
fn errors() {
    let note = |kind: &str| Some(Box::new(ErrorNote::new(kind, "why")));
    let error = |text: &'static str| Status::Error(text.into());
    let set = |record: &mut Record, reason, status, kind: &str, panicked| {
        record.end_reason = Some(reason);
        record.status = status;
        record.error = if kind.is_empty() { None } else { note(kind) };
        record.panicked = panicked;
    };
    for (reason, status, kind, panicked, kind_told, code, told) in [
        (EndReason::HandlerError, 500, "app.Broken", true, "app.Broken", "500", error("why")),
        (EndReason::Completed, 503, "", false, "503", "503", error("")),
        (EndReason::Completed, 404, "http.NotFound", false, "-", "404", Status::Unset),
        (EndReason::ClientDisconnected, 201, "", false, "client_disconnected", "201", error("")),
        (EndReason::ReadTimeout, 408, "read_timeout", false, "read_timeout", "408", error("why")),
        (EndReason::ProtocolError, 400, "protocol_error", false, "-", "400", Status::Unset),
    ] {
        let span = traced(Options::default(), &plain(), |record| set(record, reason, status, kind, panicked));
        let shown = (
            attribute(&span, "error.type"),
            attribute(&span, "http.response.status_code"),
            span.status.clone(),
        );
        assert_eq!(shown, (kind_told.to_owned(), code.to_owned(), told), "{reason:?} {status}");
        assert_eq!(attribute(&span, "wirespan.end_reason"), reason.name());
        assert_eq!(span.events.len(), usize::from(kind == "app.Broken"), "an exception is told as an event");
    }
}

#[test]
fn background_work_is_told() {
    let exchange = plain();
    let (sink, kept) = super::sink(Options::default());
    crate::sinks::Sink::head(&sink, &exchange);
    super::finish(&exchange, |_| {});
    exchange.lock().record.handler_done(15_000_000);
    crate::sinks::Sink::finish(&sink, &exchange);
    assert_eq!(attribute(&kept.spans()[0], "wirespan.background_ns"), "4000000");
}

#[test]
fn proxies_are_believed_where_they_are_trusted() {
    let forwarded = "for=203.0.113.5;proto=https;host=shop.example, for=10.0.0.7";
    for (fields, client, expected) in [
        (&[][..], "10.0.0.1:1", ["10.0.0.1", "http", "example.com", "8080"]),
        (&[("forwarded", forwarded)], "10.0.0.1:1", ["203.0.113.5", "https", "shop.example", "443"]),
        (&[("forwarded", forwarded)], "192.0.2.8:1", ["192.0.2.8", "http", "example.com", "8080"]),
        (
            &[("forwarded", "For=\"[2001:db8::1]:4711\";Host=\"[2001:db8::9]:81\"")],
            "10.0.0.1:1",
            ["2001:db8::1", "http", "2001:db8::9", "81"],
        ),
        (
            &[("forwarded", "for=unknown;proto=https, for=10.0.0.7")],
            "10.0.0.1:1",
            ["10.0.0.7", "https", "example.com", "8080"],
        ),
        (
            &[("forwarded", "for=evil, for=203.0.113.5;proto=https")],
            "10.0.0.1:1",
            ["203.0.113.5", "https", "example.com", "8080"],
        ),
        (&[("forwarded", "proto=gopher;for")], "10.0.0.1:1", ["10.0.0.1", "http", "example.com", "8080"]),
        (
            &[
                ("x-forwarded-for", "6.6.6.6, 203.0.113.5"),
                ("x-forwarded-for", "10.0.0.7"),
                ("x-forwarded-proto", "https"),
            ],
            "10.0.0.1:1",
            ["203.0.113.5", "https", "example.com", "8080"],
        ),
        (
            &[
                ("x-forwarded-for", "203.0.113.5:99, 10.0.0.7"),
                ("x-forwarded-proto", "https, http"),
                ("x-forwarded-host", "A.example:8443"),
            ],
            "10.0.0.1:1",
            ["203.0.113.5", "https", "a.example", "8443"],
        ),
        (
            &[("x-forwarded-for", "10.0.0.9, 10.0.0.7")],
            "10.0.0.1:1",
            ["10.0.0.9", "http", "example.com", "8080"],
        ),
        (&[("x-forwarded-proto", "https")], "10.0.0.1:1", ["10.0.0.1", "https", "example.com", "8080"]),
        (
            &[("x-forwarded-for", "203.0.113.5")],
            "[::ffff:10.0.0.1]:1",
            ["203.0.113.5", "http", "example.com", "8080"],
        ),
    ] {
        let is_old = fields.iter().all(|(name, _)| name.starts_with("x-"));
        let headers = if is_old { ProxyHeaders::XForwarded } else { ProxyHeaders::Forwarded };
        let span = traced(Options::default(), &proxied(fields, client, headers), |_| {});
        let keys = ["client.address", "url.scheme", "server.address", "server.port"];
        assert_eq!(keys.map(|key| attribute(&span, key)), expected.map(str::to_owned), "{fields:?}");
        let peer = client.parse::<std::net::SocketAddr>().unwrap().ip().to_canonical().to_string();
        assert_eq!(attribute(&span, "network.peer.address"), peer);
    }
}

/// What is remembered of a connection is told of no request that is different.
#[test]
fn one_connection_may_call_us_by_several_names() {
    let believed = Proxies { networks: Networks::parse(["10.0.0.0/8"]).unwrap(), ..Proxies::default() };
    let peer = Arc::new(Peer { proxies: Some(Arc::new(believed)), ..peer(Some("10.0.0.7:50312")) });
    for (line, fields, expected) in [
        ("GET /", &[][..], "example.com"),
        ("GET http://b.example/", &[], "b.example"),
        ("GET /", &[("x-forwarded-host", "c.example")], "c.example"),
        ("GET /", &[], "example.com"),
    ] {
        let exchange = begun_by(Arc::clone(&peer), Some(line), fields);
        assert_eq!(attribute(&traced(Options::default(), &exchange, |_| {}), "server.address"), expected);
    }
}

/// A request from a connection of which the engine decides whether it is believed.
fn proxied(fields: &[(&str, &str)], client: &str, headers: ProxyHeaders) -> Arc<Exchange> {
    let networks = Networks::parse(["10.0.0.0/8"]).unwrap();
    let mut peer = peer(Some(client));
    let is_believed = networks.contains(peer.client.as_ref().unwrap().addr().ip());
    peer.proxies = is_believed.then(|| Arc::new(Proxies { networks, headers }));
    begun_by(peer, Some("GET /"), fields)
}

#[test]
fn fields_that_the_proxies_do_not_write_are_not_read() {
    let fields = [("forwarded", "for=6.6.6.6;proto=https"), ("x-forwarded-for", "203.0.113.5")];
    for (headers, expected) in
        [(ProxyHeaders::XForwarded, ["203.0.113.5", "http"]), (ProxyHeaders::Forwarded, ["6.6.6.6", "https"])]
    {
        let span = traced(Options::default(), &proxied(&fields, "10.0.0.1:1", headers), |_| {});
        assert_eq!(["client.address", "url.scheme"].map(|key| attribute(&span, key)), expected);
    }
}

#[test]
fn opt_in_attributes_come_when_asked_for() {
    let all = || Extra::ALL.map(|(extra, _)| extra).to_vec();
    let fields = [("user-agent", "Googlebot/2.1")];
    let names = Extra::ALL.map(|(_, name)| name);
    let direct = begun(Some("GET /"), &fields, Some("198.51.100.9:50312"));
    let span = traced(Options::default(), &direct, |_| {});
    assert_eq!(names.map(|name| attribute(&span, name)), names.map(|_| "-".to_owned()));
    let local = begun_by(Peer::default(), Some("GET /"), &[]);
    let behind = proxied(&[("x-forwarded-for", "203.0.113.5")], "10.0.0.1:1", ProxyHeaders::XForwarded);
    for (exchange, expected) in [
        (direct, ["50312", "192.0.2.1", "8888", "tcp", "120", "345", "20", "200", "bot"]),
        (behind, ["-", "192.0.2.1", "8888", "tcp", "120", "345", "20", "200", "-"]),
        (local, ["-", "-", "-", "unix", "120", "345", "20", "200", "-"]),
    ] {
        let options = mapped(MappingOptions { extras: all(), ..MappingOptions::default() });
        exchange.lock().record = begun(None, &[], None).lock().record.clone();
        let span = traced(options, &exchange, |_| {});
        assert_eq!(names.map(|name| attribute(&span, name)), expected);
    }
}

#[test]
fn a_span_holds_what_its_limits_allow_and_counts_the_rest() {
    let limits = Limits { attributes: 3, events: 1, links: 0, event_attributes: 1, ..Limits::default() };
    let mapping = MappingOptions { limits, events: true, ..MappingOptions::default() };
    let options = Options { trust: Trust::Never, ..mapped(mapping) };
    let exchange = begun(Some("GET /"), &[("traceparent", PARENT)], None);
    let span = traced(options, &exchange, |record| {
        record.panicked = true;
        record.error = Some(Box::new(ErrorNote::new("ValueError", "no")));
    });
    assert_eq!(span.attributes.len(), 3);
    assert!(span.dropped_attributes > 10);
    assert_eq!(span.attributes[0].0.as_str(), "http.request.method");
    let [event] = &span.events[..] else { panic!("one event") };
    assert_eq!((event.name.as_str(), event.attributes.len()), ("exception", 1));
    assert_eq!(event.dropped_attributes, 1);
    assert!(span.dropped_events > 0);
    assert_eq!((span.links.len(), span.dropped_links), (0, 1));
}

#[test]
fn headers_are_told_only_by_list() {
    let fields = [("x-tag", "a"), ("X-Tag", "b, c"), ("cookie", "secret")];
    let exchange = begun(Some("GET /"), &fields, None);
    let mut head = ResponseHead { status: 200, ..ResponseHead::default() };
    for (name, value) in [("X-Out", "1"), ("x-other", "2"), ("x-out", "3")] {
        head.fields.add(name.as_bytes(), value.as_bytes()).unwrap();
    }
    let start = |exchange: &Exchange| {
        let mut progress = exchange.lock();
        progress.reply.head = Some(head);
        progress.reply.started = true;
    };
    start(&exchange);
    let options = mapped(MappingOptions {
        request_headers: vec!["X-Tag".to_owned(), "x-missing".to_owned()],
        response_headers: vec!["x-out".to_owned()],
        ..MappingOptions::default()
    });
    let span = traced(options, &exchange, |_| {});
    for (key, expected) in [
        ("http.request.header.x-tag", "[\"a\", \"b, c\"]"),
        ("http.request.header.x-missing", "-"),
        ("http.request.header.cookie", "-"),
        ("http.response.header.x-out", "[\"1\", \"3\"]"),
        ("http.response.header.x-other", "-"),
    ] {
        assert_eq!(attribute(&span, key), expected, "{key}");
    }
}

#[test]
fn events_are_told_only_by_option_and_in_order_of_time() {
    let cache = define_event("opentelemetry_test_cache", Level::Detailed).unwrap();
    let change = |record: &mut Record| {
        record.record(cache, 3_000_000, EventStatus::Warn, "miss");
        record.record(cache, 3_100_000, EventStatus::Info, "");
        record.end_reason = Some(EndReason::HandlerError);
        record.error = Some(Box::new(ErrorNote::new("E", "m")));
        record.mark(Event::SERVER_HANDLE_FINISH, 10_400_000);
    };
    let span = traced(mapped(MappingOptions { events: true, ..MappingOptions::default() }), &plain(), change);
    let names: Vec<_> = span.events.iter().map(|event| event.name.as_str()).collect();
    let expected = [
        "RECEIVED",
        "HTTP_START",
        "opentelemetry_test_cache",
        "SERVER_HANDLE_FINISH",
        "exception",
        "WRITE_START",
        "HTTP_FINISH",
    ];
    assert_eq!(names, expected);
    let details: Vec<_> = span.events[2]
        .attributes
        .iter()
        .map(|(key, value)| format!("{}={}", key.as_str(), shown(value)))
        .collect();
    assert_eq!(details, ["wirespan.event.status=WARN", "wirespan.event.info=miss", "wirespan.event.count=2"]);
    assert_eq!(span.events[2].time_unix_ns, BEGIN_NS + 2_000_000);
    assert_eq!(traced(Options::default(), &plain(), change).events.len(), 1);
}

#[test]
fn texts_are_clipped_by_option() {
    let options = mapped(MappingOptions {
        limits: Limits { span_value_length: Some(4), ..Limits::default() },
        ..MappingOptions::default()
    });
    let span = traced(options, &plain(), |_| {});
    assert_eq!(
        (attribute(&span, "url.path"), attribute(&span, "user_agent.original")),
        ("/ite".into(), "curl".into())
    );
}

#[test]
fn bytes_that_are_no_text_are_replaced() {
    let exchange = begun(Some("GET /"), &[("user-agent", "a\u{e9}"), ("traceparent", PARENT)], None);
    assert_eq!(attribute(&traced(Options::default(), &exchange, |_| {}), "user_agent.original"), "a\u{e9}");
}

#[test]
fn the_order_of_the_states_is_told_where_it_is_asked_for() {
    let told = |timeline| {
        let mapping = MappingOptions { timeline, ..MappingOptions::default() };
        let exchange = plain();
        exchange.lock().record.keep_timeline();
        let span = traced(Options { mapping, ..Options::default() }, &exchange, |_| {});
        attribute(&span, "wirespan.state.timeline")
    };
    assert_eq!(told(false), "-");
    // What was before the order was kept, `queue` here, is not in it.
    assert_eq!(told(true), "schedule=500000,run=2000000,await=6000000,write=500000");
}
