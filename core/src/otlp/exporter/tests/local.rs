//! Exporters without a network.

use std::io::{self, Write};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::receiver::{PATIENCE, Receiver, Reply};
use super::{exporter, names, options, push, span};
use crate::otlp::encode::Encoding;
use crate::otlp::exporter::{Exporter, Exporters};
use crate::otlp::options::Options;
use crate::otlp::span::Resource;
use crate::sinks::Sink as _;
use crate::sinks::opentelemetry::tests::{finish, plain};
use crate::sinks::opentelemetry::{OpenTelemetry, Options as Traced, SpanSink};

/// A pipe's other end.
#[derive(Clone, Default)]
struct Screen(Arc<Mutex<Vec<u8>>>);

impl Write for Screen {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn opened(screen: &Screen) -> impl Fn() -> Box<dyn Write + Send> + Send + Sync + 'static {
    let screen = screen.clone();
    move || Box::new(screen.clone())
}

struct Broken;

impl Write for Broken {
    fn write(&mut self, _: &[u8]) -> io::Result<usize> {
        Err(io::ErrorKind::BrokenPipe.into())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn memory_keeps_spans_as_they_are() {
    let (exporter, spans) = Exporter::memory();
    push(&exporter, 0..1_000);
    assert!(exporter.flush(PATIENCE));
    let found: Vec<_> = spans.take().iter().map(|span| span.name.to_string()).collect();
    assert_eq!(found, names(0..1_000));
    assert!(spans.take().is_empty());
    assert_eq!(exporter.status().exported, 1_000);
}

#[test]
fn the_console_has_one_line_of_json_a_batch() {
    let screen = Screen::default();
    let exporter = Exporter::console(opened(&screen), &Resource::default(), Arc::new(|_: &str| ()));
    push(&exporter, 0..3);
    assert!(exporter.shutdown(PATIENCE));
    let text = String::from_utf8(screen.0.lock().unwrap().clone()).unwrap();
    let mut found = Vec::new();
    for line in text.lines() {
        let request: serde_json::Value = serde_json::from_str(line).unwrap();
        let spans = request["resourceSpans"][0]["scopeSpans"][0]["spans"].as_array().unwrap();
        found.extend(spans.iter().map(|span| span["name"].as_str().unwrap().to_owned()));
    }
    assert_eq!(found, names(0..3));
}

#[test]
fn a_console_that_is_gone_is_counted() {
    let exporter = Exporter::console(|| Box::new(Broken), &Resource::default(), Arc::new(|_: &str| ()));
    push(&exporter, 0..3);
    assert!(exporter.shutdown(PATIENCE));
    let status = exporter.status();
    assert_eq!((status.exported, status.dropped.refused), (0, 3));
    assert!(status.last_error.is_some());
}

/// Whoever makes spans asks through the trait; an exporter that does not say it costs twice as much.
#[test]
fn an_otlp_exporter_takes_encoded_spans_and_one_that_looks_at_them_does_not() {
    let takes_encoded = |exporter: Exporter| {
        let sink: Arc<dyn SpanSink> = Arc::new(exporter);
        let mut was_called = false;
        assert_eq!(sink.push_encoded(&mut |_| was_called = true), was_called);
        was_called
    };
    for (encoding, expected) in [(Encoding::Protobuf, true), (Encoding::Json, false)] {
        let options = Options { encoding, ..options("http://127.0.0.1:9") };
        assert_eq!(takes_encoded(exporter(&options).0), expected, "{encoding:?}");
    }
    assert!(!takes_encoded(Exporter::memory().0));
}

#[test]
fn several_exporters_get_the_same_span_of_an_exchange() {
    let ((one, first), (other, second)) = (Exporter::memory(), Exporter::memory());
    let exporters = Exporters::new(vec![Arc::new(one), Arc::new(other)]);
    let sink = OpenTelemetry::new(Traced::default(), exporters.sink());
    let exchange = plain();
    sink.head(&exchange);
    finish(&exchange, |_| {});
    sink.finish(&exchange);
    assert!(exporters.flush(PATIENCE));
    let (first, second) = (first.take(), second.take());
    assert_eq!((first.len(), first[0].name.as_str()), (1, "GET /items/{id}"));
    assert_eq!(first, second);
}

/// Nobody answers at the first one's receiver, and it has all the time there is.
#[test]
fn an_exporter_that_hangs_does_not_hold_up_the_others() {
    let (memory, spans) = Exporter::memory();
    let receiver = Receiver::start([Reply::Hang]);
    let exporters = Exporters::new(vec![Arc::new(exporter(&options(receiver.url())).0), Arc::new(memory)]);
    exporters.sink().push(span(0).into());
    assert!(!exporters.flush(Duration::from_millis(50)), "the first one waits for an answer");
    receiver.next();
    exporters.shutdown(Duration::from_millis(50));
    assert_eq!(spans.take().len(), 1);
}

#[test]
fn the_door_of_a_single_exporter_is_its_own() {
    let otlp = || Arc::new(exporter(&options("http://127.0.0.1:9")).0);
    let takes_encoded = |all| Exporters::new(all).sink().push_encoded(&mut |_| ());
    assert!(takes_encoded(vec![otlp()]));
    assert!(!takes_encoded(vec![otlp(), Arc::new(Exporter::memory().0)]), "the other one wants to see it");
}
