//! Through a real engine and socket: the handler sees its trace, the client is told, errors of our own included.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::sync::{Arc, Mutex};

use bytes::Bytes;

use super::{Kept, PARENT, sink};
use crate::config::ServerConfig;
use crate::engine::{Engine, Outcome};
use crate::exchange::Exchange;
use crate::handler::Handler;
use crate::message::ResponseHead;
use crate::otlp::Exporter;
use crate::propagation::hex;
use crate::sampling::{HeadSampler, IgnoreList};
use crate::sinks::opentelemetry::{OpenTelemetry, Options};
use crate::sinks::{Sink, Sinks};
use crate::trace::{Clock, EndReason, Level, ReplyHeaders};

struct Application {
    engine: Arc<Engine>,
    /// The ids that handlers saw.
    seen: Mutex<Vec<String>>,
}

impl Handler for Application {
    fn wants_start(&self) -> bool {
        false
    }

    fn start(&self, _: &Arc<Exchange>) {}

    fn request(&self, exchange: &Arc<Exchange>) {
        let own = exchange.context().map(|context| hex::text(&context.span.span_id));
        self.seen.lock().unwrap().push(own.unwrap_or_default());
        let mut head = ResponseHead { status: 200, ..ResponseHead::default() };
        if exchange.request().is_some_and(|request| request.path() == b"/own") {
            head.fields.add(b"traceresponse", b"mine").unwrap();
        }
        exchange.begin_reply(head, 1).unwrap();
        exchange.stage(Bytes::from_static(b"hello"), 1).unwrap();
        self.engine.handler_done(self, exchange, Outcome::Done(None));
    }

    fn wake(&self, _: &Arc<Exchange>) {}

    fn cancel(&self, _: &Arc<Exchange>, _: EndReason) {}

    fn finish(&self, _: &Arc<Exchange>) {}

    fn again(&self) {}
}

/// Sends bytes to a server with these sinks; returns what it answered and what handlers saw.
fn serve(sinks: Sinks, bytes: &[u8]) -> (String, Vec<String>) {
    let config = ServerConfig { trace_level: Level::Detailed, ..ServerConfig::default() };
    let engine = Arc::new(Engine::new(config, Clock::System, sinks, false).unwrap());
    let address = engine.listen_tcp(SocketAddr::from(([127, 0, 0, 1], 0)), false).unwrap();
    let application = Application { engine: Arc::clone(&engine), seen: Mutex::default() };
    let mut client = TcpStream::connect(address).unwrap();
    client.write_all(bytes).unwrap();
    client.shutdown(Shutdown::Write).unwrap();
    client.set_nonblocking(true).unwrap();
    let mut answer = Vec::new();
    for _ in 0..2_000 {
        engine.poll(&application).unwrap();
        let mut some = [0; 4_096];
        match client.read(&mut some) {
            Ok(0) => break,
            Ok(n) => answer.extend_from_slice(&some[..n]),
            Err(_) => std::thread::sleep(std::time::Duration::from_millis(1)),
        }
    }
    engine.poll(&application).unwrap();
    (String::from_utf8(answer).unwrap(), application.seen.into_inner().unwrap())
}

fn told() -> Options {
    let reply_headers = ReplyHeaders { traceresponse: true, server_timing: true };
    Options { reply_headers, ..Options::default() }
}

fn with(options: Options) -> (Sinks, Arc<Kept>) {
    let (sink, kept) = sink(options);
    (Sinks::from(vec![Arc::new(sink) as Arc<dyn Sink>]), kept)
}

#[test]
fn handler_client_and_exporter_agree() {
    let (sinks, kept) = with(told());
    let request = format!("GET /a HTTP/1.1\r\nhost: h\r\nTraceParent: {PARENT}\r\n\r\n");
    let (answer, seen) = serve(sinks, request.as_bytes());
    let span = kept.spans().pop().unwrap();
    let own = hex::text(&span.span_id);
    assert_eq!(seen.as_slice(), std::slice::from_ref(&own));
    let value = format!("00-12345678901234567890123456789012-{own}-01");
    assert!(answer.contains(&format!("\r\ntraceresponse: {value}\r\n")), "{answer}");
    assert!(answer.contains(&format!("\r\nserver-timing: trace;desc={value}\r\n")), "{answer}");
    assert!(answer.ends_with("\r\n\r\nhello"), "{answer}");
}

#[test]
fn an_exporter_takes_exchanges() {
    let (exporter, spans) = Exporter::memory();
    let exporter = Arc::new(exporter);
    let sink: Arc<dyn Sink> = Arc::new(OpenTelemetry::new(told(), exporter.clone()));
    let (answer, _) = serve(Sinks::from(vec![sink]), b"GET /a?x=1 HTTP/1.1\r\nhost: h\r\n\r\n");
    assert!(exporter.flush(std::time::Duration::from_secs(10)));
    let [span] = spans.take().try_into().expect("one span");
    let span: crate::otlp::SpanData = span;
    assert!(answer.contains(&hex::text(&span.span_id)), "{answer}");
    assert_eq!(span.name.as_str(), "GET");
    assert!(span.start_unix_ns < span.end_unix_ns);
}

#[test]
fn pipelined_requests_have_spans_of_their_own() {
    let (sinks, kept) = with(told());
    let request = "GET /a HTTP/1.1\r\nhost: h\r\n\r\n".repeat(3);
    let (_, seen) = serve(sinks, request.as_bytes());
    let spans: Vec<_> = kept.spans().iter().map(|span| hex::text(&span.span_id)).collect();
    assert_eq!((spans.len(), &seen), (3, &spans));
    assert!(spans[0] != spans[1] && spans[1] != spans[2]);
}

#[test]
fn the_applications_traceresponse_wins() {
    let (answer, _) = serve(with(told()).0, b"GET /own HTTP/1.1\r\nhost: h\r\n\r\n");
    assert_eq!(answer.matches("traceresponse:").count(), 1);
    assert!(answer.contains("traceresponse: mine\r\n"), "{answer}");
}

#[test]
fn nothing_is_told_without_the_option() {
    let (answer, _) = serve(with(Options::default()).0, b"GET /a HTTP/1.1\r\nhost: h\r\n\r\n");
    assert!(!answer.contains("trace"), "{answer}");
}

#[test]
fn our_own_refusals_are_traced() {
    for (request, told_to_client, status) in
        [("CONNECT h:1 HTTP/1.1\r\nhost: h:1\r\n\r\n", true, 501), ("GET /\0 HTTP/1.1\r\n\r\n", false, 400)]
    {
        let (sinks, kept) = with(told());
        let (answer, seen) = serve(sinks, request.as_bytes());
        assert!(answer.starts_with(&format!("HTTP/1.1 {status}")) && seen.is_empty(), "{answer}");
        assert_eq!(answer.contains("traceresponse"), told_to_client, "{answer}");
        assert_eq!(kept.spans().len(), 1);
    }
}

#[test]
fn unsampled_and_ignored_requests_are_told_so() {
    let head = HeadSampler::from_names(Some("always_off"), None).0;
    let (sinks, kept) = with(Options { head, ..told() });
    let (answer, _) = serve(sinks, b"GET /a HTTP/1.1\r\nhost: h\r\n\r\n");
    assert!(answer.contains("-02\r\n") && kept.spans().is_empty(), "{answer}");
    let (sink, kept) = sink(told());
    let sinks = Sinks::new(vec![Arc::new(sink)], IgnoreList::new(["/health*"]).unwrap());
    let (answer, _) = serve(sinks, b"GET /healthz HTTP/1.1\r\nhost: h\r\n\r\n");
    assert!(answer.contains("-02\r\n") && kept.spans().is_empty(), "{answer}");
}

#[test]
fn a_server_without_tracing_has_no_contexts() {
    let (answer, seen) = serve(Sinks::default(), b"GET /a HTTP/1.1\r\nhost: h\r\n\r\n");
    assert!(answer.ends_with("hello"));
    assert_eq!(seen, [""]);
}
