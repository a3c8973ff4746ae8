//! Receivers that work, refuse, stall and lie; no spool.

use std::time::{Duration, Instant};

use super::receiver::{PATIENCE, Receiver, Reply, free_addr, reply};
use super::{exporter, names, options, push, push_batches, sorted, wait_until};
use crate::otlp::encode::Encoding;
use crate::otlp::exporter::status::{Dropped, Receiver as State};
use crate::otlp::options::Options;

#[test]
fn spans_arrive_in_order_in_full_batches() {
    let receiver = Receiver::start([]);
    let mut options = options(receiver.url());
    assert!(options.headers.push("api-key", "secret"));
    let (exporter, lines) = exporter(&options);
    push(&exporter, 0..10);
    let request = receiver.next();
    assert_eq!(request.names(), names(0..10));
    assert_eq!(request.head[0], "POST /v1/traces HTTP/1.1");
    assert_eq!(request.header("content-type"), Some("application/x-protobuf"));
    assert_eq!(request.header("content-encoding"), None);
    assert_eq!(request.header("api-key"), Some("secret"));
    assert!(request.header("user-agent").unwrap().starts_with("wirespan-OTLP-Exporter/"));
    push(&exporter, 10..20);
    assert_eq!(receiver.names(10), names(10..20));
    push(&exporter, 20..25);
    assert!(exporter.flush(PATIENCE));
    assert_eq!(receiver.names(5), names(20..25));
    let status = exporter.status();
    assert_eq!((status.exported, status.queued, status.capacity), (25, 0, 100));
    assert_eq!((status.dropped.total(), status.failed, status.last_error), (0, 0, None));
    assert_eq!(status.receiver, State::Up);
    assert_eq!(lines.count(""), 0);
}

#[test]
fn a_connection_that_the_receiver_ended_meanwhile_is_no_failure() {
    let Reply::Bytes(success) = reply("200 OK", "", b"") else { unreachable!() };
    let receiver = Receiver::start([Reply::Cut(success)]);
    let (exporter, lines) = exporter(&options(receiver.url()));
    push_batches(&exporter, 1);
    wait_until(&exporter, "cut", |_| receiver.connections() == 0);
    push_batches(&exporter, 1);
    let status = exporter.status();
    assert_eq!((status.requests, status.failed, status.exported), (2, 0, 20));
    assert_eq!(lines.count(""), 0);
}

#[test]
fn a_lonely_span_goes_after_its_delay() {
    let receiver = Receiver::start([]);
    let options = Options { schedule_delay: Duration::from_millis(20), ..options(receiver.url()) };
    let (exporter, _) = exporter(&options);
    let begin = Instant::now();
    push(&exporter, [1]);
    assert_eq!(receiver.next().names(), ["1"]);
    assert!(begin.elapsed() >= Duration::from_millis(20));
}

#[test]
fn json_and_gzip_are_said_in_the_headers() {
    let receiver = Receiver::start([]);
    let options = Options { encoding: Encoding::Json, is_gzip: true, ..options(receiver.url()) };
    let (exporter, _) = exporter(&options);
    push(&exporter, 0..3);
    assert!(exporter.shutdown(PATIENCE));
    let request = receiver.next();
    assert_eq!(request.header("content-type"), Some("application/json"));
    assert_eq!(request.header("content-encoding"), Some("gzip"));
    assert_eq!(request.names(), names(0..3));
}

#[test]
fn every_failure_that_passes_is_tried_again_with_the_same_batch() {
    let cuts = [&b""[..], b"HTTP/1.1 20", b"HTTP/1.1 200 OK\r\ncontent-le", b"\x00\xff\r\n\r\n"];
    let replies = ["429 Slow", "502 Bad", "503 Busy", "504 Late"].map(|status| reply(status, "", b""));
    let script = replies.into_iter().chain(cuts.map(|cut| Reply::Cut(cut.to_vec())));
    let receiver = Receiver::start(script);
    let (exporter, lines) = exporter(&options(receiver.url()));
    push(&exporter, 0..10);
    let first = receiver.next();
    for _ in 0..8 {
        assert_eq!(receiver.next().body, first.body);
    }
    let status = wait_until(&exporter, "exported", |status| status.exported == 10);
    assert_eq!((status.requests, status.failed, status.dropped.total()), (9, 8, 0));
    assert_eq!((lines.count("is down, spans are kept in memory"), lines.count("is back")), (1, 1));
    assert_eq!(status.receiver, State::Up);
    assert!(exporter.shutdown(PATIENCE));
    assert!(receiver.rest().is_empty(), "sent more than once");
}

#[test]
fn retry_after_is_honoured_also_by_a_flush() {
    let receiver = Receiver::start([reply("429 Too Many", "retry-after: 1\r\n", b"")]);
    let (exporter, _) = exporter(&options(receiver.url()));
    push(&exporter, 0..10);
    receiver.next();
    let begin = Instant::now();
    wait_until(&exporter, "down", |status| status.receiver == State::Down);
    assert!(exporter.flush(PATIENCE));
    assert!(begin.elapsed() >= Duration::from_millis(950), "{:?}", begin.elapsed());
    assert_eq!(receiver.next().names(), names(0..10));
}

#[test]
fn a_shutdown_does_not_wait_for_a_retry_after_its_deadline() {
    let receiver = Receiver::start([reply("503 Busy", "retry-after: 100\r\n", b"")]);
    let (exporter, lines) = exporter(&options(receiver.url()));
    push(&exporter, 0..10);
    wait_until(&exporter, "down", |status| status.receiver == State::Down);
    let begin = Instant::now();
    assert!(exporter.shutdown(Duration::from_secs(10)));
    assert!(begin.elapsed() < Duration::from_secs(5));
    assert_eq!(exporter.status().dropped, Dropped { shutdown: 10, ..Dropped::default() });
    assert_eq!(lines.count("spans were lost at the end: 10;"), 1);
}

#[test]
fn what_is_refused_is_dropped_counted_and_told_once() {
    let bad = reply("400 Bad Request", "", b"\x08\x03\x12\x04what");
    let receiver = Receiver::start([bad.clone(), bad, reply("401 No", "", b"")]);
    let (exporter, lines) = exporter(&options(receiver.url()));
    push_batches(&exporter, 4);
    let status = exporter.status();
    assert_eq!(status.dropped, Dropped { refused: 30, ..Dropped::default() });
    assert_eq!((status.exported, status.requests, status.failed), (10, 4, 3));
    assert_eq!(status.receiver, State::Up);
    assert!(status.last_error.unwrap().contains("HTTP 401"));
    assert_eq!(lines.count("refuses spans, they are dropped: HTTP 400: what"), 1);
    assert_eq!(lines.count("spans are no longer refused; 30 were"), 1);
    assert_eq!(lines.count(""), 2);
}

#[test]
fn a_batch_that_is_too_large_is_halved_until_it_fits() {
    let large = || reply("413 Content Too Large", "", b"");
    let receiver = Receiver::start([large(), reply("200 OK", "", b""), large(), reply("503 Busy", "", b"")]);
    let (exporter, lines) = exporter(&options(receiver.url()));
    push(&exporter, 0..10);
    let expected = [0..10, 0..5, 5..10, 5..7, 5..7, 7..10]; // the fourth request was put off and came again
    for range in expected {
        assert_eq!(receiver.next().names(), names(range));
    }
    let status = wait_until(&exporter, "exported", |status| status.exported == 10);
    assert_eq!((status.dropped.total(), status.queued, status.receiver), (0, 0, State::Up));
    assert_eq!(lines.count("refuses"), 0);
    assert!(exporter.shutdown(PATIENCE));
    assert!(receiver.rest().is_empty());
}

#[test]
fn a_span_that_is_too_large_alone_is_refused() {
    let receiver = Receiver::start(std::iter::repeat_n(reply("413 Large", "", b""), 4));
    let (exporter, lines) = exporter(&options(receiver.url()));
    push(&exporter, 0..3);
    assert!(exporter.shutdown(PATIENCE));
    // 0,1,2 then 0, then 1,2, then 1; 2 fits.
    assert_eq!(exporter.status().dropped, Dropped { refused: 2, ..Dropped::default() });
    assert_eq!(
        (exporter.status().exported, lines.count("refuses spans, they are dropped: HTTP 413")),
        (1, 1)
    );
}

#[test]
fn what_is_left_of_a_large_batch_at_the_end_is_counted() {
    let receiver = Receiver::start([reply("413 Large", "", b""), Reply::Hang]);
    let (exporter, _) = exporter(&options(receiver.url()));
    push(&exporter, 0..10);
    assert_eq!((receiver.next().names().len(), receiver.next().names().len()), (10, 5));
    assert!(exporter.shutdown(Duration::from_millis(100)));
    let status = exporter.status();
    assert_eq!((status.dropped, status.queued), (Dropped { shutdown: 10, ..Dropped::default() }, 0));
}

#[test]
fn a_redirect_is_refused() {
    let other = Receiver::start([]);
    let receiver =
        Receiver::start(["301", "302", "307", "308"].map(|status| {
            reply(&format!("{status} Elsewhere"), &format!("location: {}\r\n", other.url()), b"")
        }));
    let (exporter, lines) = exporter(&options(receiver.url()));
    push_batches(&exporter, 4);
    assert_eq!(exporter.status().dropped, Dropped { refused: 40, ..Dropped::default() });
    assert_eq!(lines.count("redirects are not followed"), 1);
    assert!(other.rest().is_empty());
}

#[test]
fn a_partial_success_counts_what_was_rejected_and_is_not_repeated() {
    // partial_success { rejected_spans: 3, error_message: "old" }
    let receiver = Receiver::start([reply("200 OK", "", b"\x0a\x07\x08\x03\x12\x03old")]);
    let (exporter, lines) = exporter(&options(receiver.url()));
    push(&exporter, 0..10);
    assert!(exporter.shutdown(PATIENCE));
    let status = exporter.status();
    assert_eq!((status.exported, status.dropped), (7, Dropped { rejected: 3, ..Dropped::default() }));
    assert_eq!(lines.count("rejected 3 spans: old"), 1);
    receiver.next();
    assert!(receiver.rest().is_empty());
}

#[test]
fn a_lying_receiver_gets_each_batch_once() {
    let cut = Reply::Cut(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf".to_vec());
    let many = reply("200 OK", "", b"\x0a\x0a\x08\xff\xff\xff\xff\xff\xff\xff\xff\x7f");
    let receiver = Receiver::start([reply("200 OK", "", b"<html>hi</html>"), cut, many]);
    let (exporter, lines) = exporter(&options(receiver.url()));
    push_batches(&exporter, 3);
    assert_eq!(receiver.names(30), names(0..30));
    assert!(receiver.rest().is_empty());
    let status = exporter.status();
    assert_eq!((status.exported, status.dropped.rejected), (20, 10));
    assert_eq!(lines.count("is the endpoint an OTLP receiver?"), 1);
}

#[test]
fn an_answer_without_end_is_a_success_that_nobody_reads() {
    let receiver = Receiver::start([Reply::Flood]);
    let (exporter, lines) = exporter(&options(receiver.url()));
    push_batches(&exporter, 2);
    assert_eq!(receiver.names(20), names(0..20));
    assert_eq!((exporter.status().exported, exporter.status().dropped.total()), (20, 0));
    assert_eq!(lines.count("the rest of the answer did not come"), 1);
}

#[test]
fn batches_after_one_that_was_too_large_are_smaller_and_grow_again() {
    let receiver = Receiver::start([reply("413 Large", "", b"")]);
    let (exporter, _) = exporter(&options(receiver.url()));
    push_batches(&exporter, 2);
    for range in [0..10, 0..5, 5..10, 10..16, 16..20] {
        assert_eq!(receiver.next().names(), names(range));
    }
}

#[test]
fn a_hanging_receiver_delays_neither_a_push_nor_the_end() {
    for stall in [Reply::Hang, Reply::Drip] {
        let receiver = Receiver::start(std::iter::repeat_n(stall, 20));
        let (exporter, _) = exporter(&options(receiver.url()));
        push(&exporter, 0..10);
        receiver.next();
        let begin = Instant::now();
        push(&exporter, 10..200);
        assert!(!exporter.flush(Duration::from_millis(100)));
        assert!(exporter.shutdown(Duration::from_millis(400)), "the thread missed its own deadline");
        let took = begin.elapsed();
        assert!(took >= Duration::from_millis(300) && took < Duration::from_millis(900), "{took:?}");
        push(&exporter, [0]);
        let status = exporter.status();
        assert_eq!(
            status.dropped,
            Dropped { queue_full: 100, shutdown: 100, already_shutdown: 1, ..Dropped::default() }
        );
        assert_eq!(status.queued, 0);
    }
}

#[test]
fn a_hanging_receiver_is_tried_again_after_the_timeout() {
    let receiver = Receiver::start([Reply::Hang]);
    let options = Options { timeout: Duration::from_millis(100), ..options(receiver.url()) };
    let (exporter, lines) = exporter(&options);
    push(&exporter, 0..10);
    let first = receiver.next();
    assert_eq!(receiver.next().body, first.body);
    wait_until(&exporter, "exported", |status| status.exported == 10);
    assert_eq!(lines.count("no answer within 100ms"), 1);
}

#[test]
fn spans_wait_in_memory_for_a_receiver_that_is_down() {
    let addr = free_addr();
    let endpoint = format!("http://{addr}/v1/traces");
    // The delay is also how long it must be calm.
    let (exporter, lines) =
        exporter(&Options { schedule_delay: Duration::from_millis(20), ..options(endpoint) });
    push(&exporter, 0..10);
    wait_until(&exporter, "down", |status| status.receiver == State::Down && status.failed > 2);
    push(&exporter, 10..150);
    let status = exporter.status();
    assert_eq!((status.queued, status.dropped.queue_full, status.exported), (100, 50, 0));
    let receiver = Receiver::start_at(addr, []);
    assert_eq!(sorted(receiver.names(100)), names(0..100));
    wait_until(&exporter, "calm", |_| lines.count("spans are no longer dropped; 50 were") == 1);
    assert_eq!(lines.count("spans are dropped: the export queue is full"), 1);
    assert_eq!((lines.count("is down"), lines.count("is back")), (1, 1));
    // The next time is told again.
    drop(receiver);
    push(&exporter, 0..101);
    wait_until(&exporter, "dropping again", |_| lines.count("spans are dropped") == 2);
}

#[test]
fn a_batch_that_fails_for_long_makes_room() {
    let addr = free_addr();
    let options = Options { export_timeout: Duration::from_millis(50), ..options(format!("http://{addr}/")) };
    let (exporter, _) = exporter(&options);
    push(&exporter, 0..100);
    let status = wait_until(&exporter, "given up", |status| status.dropped.given_up >= 10);
    assert!(status.dropped.given_up < 100, "only as much as is needed: {status:?}");
    let begin = Instant::now();
    assert!(exporter.shutdown(Duration::from_secs(10)));
    assert!(begin.elapsed() < Duration::from_secs(5), "nobody listens: one try is enough");
    let status = exporter.status();
    assert_eq!(status.dropped.given_up + status.dropped.shutdown, 100);
}

#[test]
fn a_shutdown_sends_what_is_left() {
    let receiver = Receiver::start([reply("503 Busy", "", b"")]);
    let (exporter, _) = exporter(&options(receiver.url()));
    push(&exporter, 0..5);
    assert!(exporter.shutdown(PATIENCE));
    assert_eq!(receiver.names(10), [names(0..5), names(0..5)].concat());
    assert_eq!(exporter.status().exported, 5);
}

#[test]
fn an_exporter_without_spans_ends_at_once() {
    let (exporter, _) = exporter(&options("http://127.0.0.1:9/"));
    assert!(exporter.flush(PATIENCE) && exporter.shutdown(PATIENCE));
    exporter.start();
    assert!(exporter.shutdown(Duration::MAX));
}

#[test]
fn receivers_are_named_without_their_secrets() {
    let addr = free_addr();
    let (exporter, lines) = exporter(&options(format!("http://user:pass@{addr}/v1/traces?key=secret")));
    push(&exporter, 0..10);
    wait_until(&exporter, "down", |status| status.receiver == State::Down);
    assert_eq!(lines.count(&format!("receiver http://{addr}/v1/traces is down")), 1);
    assert_eq!(lines.count("pass") + lines.count("secret"), 0);
}
