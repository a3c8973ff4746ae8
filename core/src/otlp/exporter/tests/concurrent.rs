//! Receivers that take their time, and get several requests at once.

use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

use super::receiver::{PATIENCE, Receiver, Reply, reply};
use super::{Folder, exporter, names, options, push, sorted, wait_until};
use crate::otlp::exporter::status::{Dropped, Receiver as State};
use crate::otlp::options::Options;

/// Replies that come when they are asked for, one for each message.
fn gates(count: usize) -> (mpsc::Sender<()>, Vec<Reply>) {
    let (open, gate) = mpsc::channel();
    (open, vec![Reply::Gate(Arc::new(Mutex::new(gate))); count])
}

#[test]
fn full_batches_do_not_wait_for_answers() {
    let (open, script) = gates(8);
    let receiver = Receiver::start(script);
    let (exporter, _) = exporter(&options(receiver.url()));
    push(&exporter, 0..80);
    assert_eq!(sorted(receiver.names(80)), names(0..80), "before there was any answer");
    let status = exporter.status();
    assert_eq!((status.in_flight, status.queued, status.exported), (80, 80, 0), "it is all in memory still");
    (0..8).for_each(|_| open.send(()).unwrap());
    let status = wait_until(&exporter, "exported", |status| status.exported == 80);
    assert_eq!((status.requests, status.failed, status.dropped.total()), (8, 0, 0));
    assert!(exporter.shutdown(PATIENCE));
    assert!(receiver.rest().is_empty());
}

#[test]
fn what_is_under_way_counts_as_in_memory() {
    let (_open, script) = gates(20);
    let receiver = Receiver::start(script);
    let (exporter, _) = exporter(&options(receiver.url()));
    push(&exporter, 0..150);
    assert_eq!(sorted(receiver.names(100)), names(0..100));
    let status = exporter.status();
    assert_eq!((status.queued, status.dropped), (100, Dropped { queue_full: 50, ..Dropped::default() }));
    drop(exporter);
}

#[test]
fn less_than_a_full_batch_waits_for_the_answer() {
    let (open, script) = gates(1);
    let receiver = Receiver::start(script);
    let options = Options { schedule_delay: Duration::from_millis(1), ..options(receiver.url()) };
    let (exporter, _) = exporter(&options);
    push(&exporter, 0..10);
    assert_eq!(receiver.next().names(), names(0..10));
    push(&exporter, 10..19);
    assert!(!exporter.flush(Duration::from_millis(100)));
    assert!(receiver.rest().is_empty());
    assert_eq!(receiver.connections(), 1);
    open.send(()).unwrap();
    assert_eq!(receiver.next().names(), names(10..19));
    assert_eq!(receiver.connections(), 1);
}

#[test]
fn one_connection_stays_when_the_others_are_not_needed() {
    let (open, script) = gates(5);
    let receiver = Receiver::start(script);
    let (exporter, _) = exporter(&options(receiver.url()));
    push(&exporter, 0..50);
    assert_eq!(receiver.names(50).len(), 50);
    assert_eq!(receiver.connections(), 5);
    (0..5).for_each(|_| open.send(()).unwrap());
    wait_until(&exporter, "calm", |status| status.exported == 50 && receiver.connections() == 1);
    push(&exporter, 50..60);
    assert_eq!(receiver.names(10), names(50..60));
    assert_eq!(receiver.connections(), 1);
}

#[test]
fn a_slow_receiver_gets_all_of_a_provider_that_is_faster() {
    for latency in [20, 200] {
        let receiver = Receiver::start(vec![Reply::Slow(Duration::from_millis(latency)); 1_000]);
        let (exporter, _) = exporter(&options(receiver.url()));
        let total = if latency == 20 { 2_000 } else { 500 };
        let mut most = 0;
        for from in (0..total).step_by(10) {
            wait_until(&exporter, "room", |status| status.queued <= 90);
            push(&exporter, from..from + 10);
            most = most.max(exporter.status().in_flight);
        }
        assert!(exporter.shutdown(PATIENCE));
        assert_eq!(sorted(receiver.names(total)), names(0..total));
        assert_eq!((exporter.status().exported, exporter.status().dropped.total()), (total as u64, 0));
        assert!(most > 10, "one at a time: {most}");
    }
}

#[test]
fn a_failure_stops_all_of_them_and_the_receiver_gets_one_request_first() {
    let (open, mut script) = gates(3);
    let (fail, gate) = mpsc::channel();
    let busy = Box::new(reply("503 Busy", "retry-after: 1\r\n", b""));
    script.extend(vec![Reply::GateTo(Arc::new(Mutex::new(gate)), busy); 3]);
    let (probe, gate) = gates(1);
    script.extend(gate);
    let receiver = Receiver::start(script);
    let (exporter, lines) = exporter(&options(receiver.url()));
    // Three that wait for their answer and three that are refused for now.
    for from in (0..60).step_by(10) {
        push(&exporter, from..from + 10);
        receiver.next();
    }
    (0..3).for_each(|_| fail.send(()).unwrap());
    let status = wait_until(&exporter, "down", |status| status.failed == 3);
    assert_eq!((status.receiver, status.in_flight), (State::Down, 60));
    (0..3).for_each(|_| open.send(()).unwrap());
    let status = wait_until(&exporter, "exported", |status| status.exported == 30);
    assert_eq!(status.receiver, State::Down, "they were sent before it failed");
    push(&exporter, 60..100);
    assert!(!exporter.flush(Duration::from_millis(200)));
    assert!(receiver.rest().is_empty(), "the receiver asked for a second");
    assert_eq!(receiver.next().names(), names(30..40), "the oldest first");
    assert!(!exporter.flush(Duration::from_millis(100)));
    assert!(receiver.rest().is_empty(), "the first try goes alone");
    probe.send(()).unwrap();
    assert_eq!(sorted(receiver.names(60)), names(40..100));
    assert!(exporter.shutdown(PATIENCE));
    let status = exporter.status();
    assert_eq!((status.exported, status.dropped.total()), (100, 0));
    assert_eq!((lines.count("is down"), lines.count("is back")), (1, 1));
    assert!(receiver.rest().is_empty());
}

#[test]
fn several_that_fail_at_once_go_to_the_spool_in_order_and_come_back_so() {
    let (open, gate) = mpsc::channel();
    let gate = Arc::new(Mutex::new(gate));
    let (failing, folder) = (Reply::GateTo(gate, Box::new(reply("503 Busy", "", b""))), Folder::new());
    let receiver = Receiver::start(vec![failing; 5]);
    let spool_dir = Some(folder.0.clone());
    let (exporter, _) = exporter(&Options { spool_dir, ..options(receiver.url()) });
    push(&exporter, 0..50);
    assert_eq!(sorted(receiver.names(50)), names(0..50));
    // One of them fails: all are on the disk now, and what comes next goes behind them.
    open.send(()).unwrap();
    wait_until(&exporter, "spooled", |status| status.spooled.spans == 50 && status.queued == 0);
    push(&exporter, 50..60);
    wait_until(&exporter, "spooled", |status| status.spooled.spans == 60);
    (0..4).for_each(|_| open.send(()).unwrap());
    assert_eq!(receiver.names(60), names(0..60));
    let status = wait_until(&exporter, "empty", |status| status.spooled.batches == 0);
    assert_eq!((status.exported, status.failed, status.dropped.total()), (60, 5, 0));
}

#[test]
fn what_arrives_after_all_leaves_the_spool() {
    let (open, mut script) = gates(4);
    script.push(reply("503 Busy", "", b""));
    let (receiver, folder) = (Receiver::start(script), Folder::new());
    let spool_dir = Some(folder.0.clone());
    let (exporter, _) = exporter(&Options { spool_dir, ..options(receiver.url()) });
    for from in (0..50).step_by(10) {
        push(&exporter, from..from + 10);
        assert_eq!(receiver.next().names(), names(from..from + 10));
    }
    wait_until(&exporter, "spooled", |status| status.spooled.spans == 50 && status.queued == 0);
    (0..4).for_each(|_| open.send(()).unwrap());
    assert_eq!(receiver.next().names(), names(40..50), "the others have arrived");
    let status = wait_until(&exporter, "empty", |status| status.spooled.batches == 0);
    assert_eq!((status.exported, status.dropped.total()), (50, 0));
    assert!(exporter.shutdown(PATIENCE));
    assert!(receiver.rest().is_empty());
}

#[test]
fn batches_that_were_too_large_together_go_in_parts_together() {
    let receiver = Receiver::start(vec![reply("413 Large", "", b""); 6]);
    let (exporter, _) = exporter(&options(receiver.url()));
    push(&exporter, 0..60);
    assert!(exporter.shutdown(PATIENCE));
    let status = exporter.status();
    assert_eq!((status.exported, status.dropped.total(), status.queued), (60, 0, 0));
}

#[test]
fn operations_are_counted_from_their_first_try_to_their_end() {
    let busy = || reply("503 Busy", "", b"");
    let receiver = Receiver::start([busy(), busy(), reply("200 OK", "", b""), reply("400 Bad", "", b"")]);
    let (exporter, _) = exporter(&options(receiver.url()));
    super::push_batches(&exporter, 3);
    let mut operations = exporter.operations();
    let found: Vec<_> = operations.endings().map(|(ending, _)| (ending.status(), ending.error())).collect();
    assert_eq!(found, [(Some(200), None), (Some(400), Some("400".to_owned()))]);
    let counts: Vec<_> = operations
        .endings()
        .map(|(_, histogram)| histogram.point(&Arc::default(), &Arc::from([])).count)
        .collect();
    assert_eq!(counts, [2, 1], "two tries of one batch are one operation");
}

#[test]
fn operations_end_in_the_spool() {
    let folder = Folder::new();
    let options = Options { spool_dir: Some(folder.0.clone()), ..options("http://127.0.0.1:9/") };
    let (exporter, _) = exporter(&options);
    push(&exporter, 0..10);
    wait_until(&exporter, "spooled", |status| status.spooled.spans == 10 && status.failed > 0);
    let mut operations = exporter.operations();
    let (ending, _) = operations.endings().next().unwrap();
    assert_eq!((ending.status(), ending.error().as_deref()), (None, Some("unreachable")));
}

#[test]
fn several_that_hang_do_not_hold_up_the_end() {
    let receiver = Receiver::start(vec![Reply::Hang; 10]);
    let (exporter, _) = exporter(&options(receiver.url()));
    push(&exporter, 0..100);
    assert_eq!(receiver.names(100).len(), 100);
    assert!(exporter.shutdown(Duration::from_millis(400)));
    let status = exporter.status();
    assert_eq!((status.dropped, status.in_flight), (Dropped { shutdown: 100, ..Dropped::default() }, 0));
}
