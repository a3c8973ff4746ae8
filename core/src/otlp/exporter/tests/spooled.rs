//! Receivers that are down, and processes that die, with a spool.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::process::{Command, abort};
use std::sync::{Arc, Mutex, mpsc};
use std::time::{Duration, Instant};

use super::receiver::{PATIENCE, Receiver, Reply, free_addr, reply};
use super::{Folder, Status, exporter, names, options, push, push_batches, sorted, wait_until};
use crate::otlp::exporter::status::{Dropped, Receiver as State};
use crate::otlp::options::Options;

fn spooling(endpoint: String, folder: &Folder) -> Options {
    let spool_dir = Some(folder.0.clone());
    Options { spool_dir, schedule_delay: Duration::from_millis(20), ..options(endpoint) }
}

/// With so little memory that there is room for one request at a time.
fn narrow(endpoint: String, folder: &Folder) -> Options {
    Options { max_queue_size: 30, ..spooling(endpoint, folder) }
}

#[test]
fn nothing_is_lost_or_doubled_while_the_receiver_is_away() {
    let (folder, addr) = (Folder::new(), free_addr());
    let (exporter, lines) = exporter(&narrow(format!("http://{addr}/"), &folder));
    // Far more than memory has room for.
    for from in (0..1_000).step_by(20) {
        push(&exporter, from..from + 20);
        wait_until(&exporter, "spooled", |status| status.queued == 0);
    }
    let status = exporter.status();
    assert_eq!((status.spooled.spans, status.dropped.total(), status.exported), (1_000, 0, 0));
    assert!(status.spooled.batches >= 100 && status.spooled.bytes > 1_000);
    assert!(exporter.flush(PATIENCE), "what is in the spool is safe");
    let receiver = Receiver::start_at(addr, []);
    assert_eq!(receiver.names(1_000), names(0..1_000));
    let status = wait_until(&exporter, "empty", |status| status.spooled.batches == 0);
    assert_eq!((status.exported, status.spooled.bytes, status.dropped.total()), (1_000, 0, 0));
    assert_eq!((lines.count("kept in the spool"), lines.count("is back")), (1, 1));
    // Then directly again.
    push(&exporter, 0..10);
    assert_eq!(receiver.names(10), names(0..10));
    wait_until(&exporter, "exported", |status| status.exported == 1_010);
    assert!(folder.segments().is_empty());
    assert!(exporter.shutdown(PATIENCE));
    assert!(receiver.rest().is_empty());
    assert_eq!(std::fs::read_dir(&folder.0).unwrap().count(), 0, "an empty spool leaves nothing behind");
}

#[test]
fn a_receiver_that_falters_gets_all_in_order() {
    let script = (0..200).map(|at| match at % 4 {
        0 => reply("503 Busy", "", b""),
        1 => Reply::Cut(b"HTTP/1.".to_vec()),
        _ => reply("200 OK", "", b""),
    });
    let (folder, receiver) = (Folder::new(), Receiver::start(script));
    let (exporter, _) = exporter(&narrow(receiver.url(), &folder));
    for from in (0..500).step_by(20) {
        push(&exporter, from..from + 20);
        wait_until(&exporter, "room", |status| status.queued <= 10);
    }
    let is_over = |status: &Status| status.exported == 500 && status.spooled.batches == 0;
    assert_eq!(wait_until(&exporter, "all exported", is_over).dropped.total(), 0);
    // A batch that failed came again before any later one.
    let mut all = receiver.names(1);
    all.extend(receiver.rest().iter().flat_map(super::receiver::Request::names));
    let mut numbers: Vec<usize> = all.iter().map(|name| name.parse().unwrap()).collect();
    let mut highest = 0;
    for &number in &numbers {
        assert!(number <= highest + 1, "{number} came before {}", highest + 1);
        highest = highest.max(number);
    }
    numbers.sort_unstable();
    numbers.dedup();
    assert_eq!(numbers.len(), 500);
}

#[test]
fn refused_batches_leave_the_spool_too() {
    let (folder, addr) = (Folder::new(), free_addr());
    let (exporter, _) = exporter(&spooling(format!("http://{addr}/"), &folder));
    push_batches(&exporter, 3);
    wait_until(&exporter, "spooled", |status| status.spooled.spans == 30);
    let _receiver = Receiver::start_at(addr, [reply("400 Bad", "", b"")]);
    let status = wait_until(&exporter, "empty", |status| status.spooled.batches == 0);
    assert_eq!((status.exported, status.dropped), (20, Dropped { refused: 10, ..Dropped::default() }));
}

#[test]
fn a_large_batch_of_the_spool_leaves_it_once_all_of_it_arrived() {
    let (folder, addr) = (Folder::new(), free_addr());
    let (exporter, _) = exporter(&spooling(format!("http://{addr}/"), &folder));
    push_batches(&exporter, 2);
    wait_until(&exporter, "spooled", |status| status.spooled.spans == 20);
    let large = reply("413 Large", "", b"");
    let script = [large.clone(), reply("200 OK", "", b""), reply("503 Busy", "", b""), large];
    let receiver = Receiver::start_at(addr, script);
    // The second half was put off, then it was too large itself. What had arrived does not come again.
    for range in [0..10, 0..5, 5..10, 5..10, 5..7, 7..10, 10..14] {
        assert_eq!(receiver.next().names(), names(range));
    }
    assert_eq!(receiver.names(6), names(14..20));
    let status = wait_until(&exporter, "empty", |status| status.spooled.batches == 0);
    assert_eq!((status.dropped.total(), status.queued, status.exported), (0, 0, 20));
    assert!(exporter.shutdown(PATIENCE));
    assert!(receiver.rest().is_empty());
}

#[test]
fn the_next_process_sends_only_the_part_of_a_large_batch_that_did_not_arrive() {
    let (folder, addr) = (Folder::new(), free_addr());
    let (exporter, _) = exporter(&spooling(format!("http://{addr}/"), &folder));
    push_batches(&exporter, 2);
    wait_until(&exporter, "spooled", |status| status.spooled.spans == 20);
    let receiver = Receiver::start_at(
        addr,
        [
            reply("413 Large", "", b""),
            reply("200 OK", "", b""),
            reply("503 Busy", "retry-after: 100\r\n", b""),
        ],
    );
    wait_until(&exporter, "put off", |status| status.failed > 2 && status.spooled.spans == 15);
    assert!(exporter.shutdown(PATIENCE));
    drop(exporter);
    let (next, _) = self::exporter(&spooling(receiver.url(), &folder));
    next.start();
    assert_eq!(receiver.names(10 + 5 + 5), names((0..10).chain(0..5).chain(5..10)), "the first process");
    assert_eq!(receiver.names(15), names(5..20), "the next one");
    wait_until(&next, "exported", |status| status.exported == 15 && status.spooled.batches == 0);
    assert!(next.shutdown(PATIENCE));
    assert!(receiver.rest().is_empty());
}

#[test]
fn a_span_of_the_spool_that_is_too_large_alone_is_refused() {
    let (folder, addr) = (Folder::new(), free_addr());
    let (exporter, lines) = exporter(&spooling(format!("http://{addr}/"), &folder));
    push(&exporter, 0..3);
    wait_until(&exporter, "spooled", |status| status.spooled.spans == 3);
    let receiver = Receiver::start_at(addr, std::iter::repeat_n(reply("413 Large", "", b""), 2));
    let status = wait_until(&exporter, "empty", |status| status.spooled.batches == 0);
    assert_eq!((status.exported, status.dropped), (2, Dropped { refused: 1, ..Dropped::default() }));
    let requests: Vec<_> = (0..4).map(|_| receiver.next().names()).collect();
    assert_eq!(requests, [names(0..3), names(0..1), names(1..2), names(2..3)]);
    assert_eq!(lines.count("refuses spans, they are dropped: HTTP 413"), 1);
}

#[test]
fn a_full_spool_drops_its_oldest_and_counts_them() {
    let (folder, addr) = (Folder::new(), free_addr());
    let options = Options { spool_max_bytes: 65_536, ..spooling(format!("http://{addr}/"), &folder) };
    let (exporter, lines) = exporter(&options);
    let total = 6_000;
    for from in (0..total).step_by(50) {
        push(&exporter, from..from + 50);
        wait_until(&exporter, "spooled", |status| status.queued == 0);
    }
    // A batch that lost its place while it was tried is counted once that has failed.
    let are_all_known = |status: &Status| status.dropped.spool_full + status.spooled.spans == total as u64;
    let status = wait_until(&exporter, "counted", are_all_known);
    assert!(status.spooled.bytes <= 65_536, "{status:?}");
    let lost = usize::try_from(status.dropped.spool_full).unwrap();
    assert!(lost > 0);
    let receiver = Receiver::start_at(addr, []);
    assert_eq!(receiver.names(total - lost), names(lost..total));
    wait_until(&exporter, "told", |_| lines.count("the spool is empty again") == 1);
    assert_eq!(lines.count("the spool is full"), 1);
}

#[test]
fn a_batch_larger_than_the_spool_leaves_its_newest_there() {
    let (folder, addr) = (Folder::new(), free_addr());
    let roomy =
        Options { max_queue_size: 10_000, max_batch_size: 5_000, ..options(format!("http://{addr}/")) };
    let small = Options { spool_max_bytes: 65_536, spool_dir: Some(folder.0.clone()), ..roomy };
    let (exporter, lines) = exporter(&small);
    let total = 5_000;
    push(&exporter, 0..total);
    let are_all_known = |status: &Status| status.dropped.spool_full + status.spooled.spans == total as u64;
    let status = wait_until(&exporter, "counted", are_all_known);
    assert!(status.spooled.spans > 0 && status.spooled.bytes <= 65_536, "{status:?}");
    let receiver = Receiver::start_at(addr, []);
    let kept = usize::try_from(status.spooled.spans).unwrap();
    assert_eq!(receiver.names(kept), names(total - kept..total));
    assert_eq!((lines.count("the spool is full"), lines.count("cannot be written")), (1, 0));
}

#[test]
fn a_crowded_queue_goes_to_the_spool_while_the_receiver_hangs() {
    let (folder, receiver) = (Folder::new(), Receiver::start(std::iter::repeat_n(Reply::Hang, 5)));
    let (exporter, _) = exporter(&spooling(receiver.url(), &folder));
    push(&exporter, 0..50);
    // Half of the memory is under way.
    assert_eq!(sorted(receiver.names(50)), names(0..50));
    for from in (50..500).step_by(25) {
        push(&exporter, from..from + 25);
        wait_until(&exporter, "room", |status| status.queued <= 75);
    }
    assert_eq!(exporter.status().dropped.total(), 0);
    // At the end all is on the disk, the batch under way too, and the next process delivers it.
    let begin = Instant::now();
    assert!(exporter.shutdown(Duration::from_millis(400)));
    assert!(begin.elapsed() < Duration::from_millis(900));
    drop(exporter);
    let (next, _) = self::exporter(&spooling(receiver.url(), &folder));
    next.start();
    assert_eq!(receiver.names(500), names(0..500));
    wait_until(&next, "exported", |status| status.exported == 500 && status.spooled.batches == 0);
}

#[test]
fn a_shutdown_with_a_dead_receiver_and_a_spool_is_quick_and_loses_nothing() {
    let (folder, addr) = (Folder::new(), free_addr());
    let options = narrow(format!("http://{addr}/"), &folder);
    let (exporter, _) = exporter(&options);
    push(&exporter, 0..25);
    let begin = Instant::now();
    assert!(exporter.shutdown(Duration::from_secs(30)));
    assert!(begin.elapsed() < Duration::from_secs(5));
    assert_eq!(exporter.status().dropped.total(), 0);
    drop(exporter);
    let receiver = Receiver::start_at(addr, []);
    let (next, _) = self::exporter(&options);
    next.start();
    assert_eq!(receiver.names(25), names(0..25));
}

#[test]
fn a_living_process_keeps_its_own() {
    let (folder, addr) = (Folder::new(), free_addr());
    let options = spooling(format!("http://{addr}/"), &folder);
    let (living, _) = exporter(&options);
    push(&living, 0..20);
    wait_until(&living, "spooled", |status| status.spooled.spans == 20);
    let (other, _) = exporter(&options);
    push(&other, 100..110);
    let status = wait_until(&other, "spooled", |status| status.spooled.spans > 0);
    assert_eq!(status.spooled.spans, 10, "took what is not its own");
    let receiver = Receiver::start_at(addr, []);
    let all = receiver.names(30);
    wait_until(&living, "empty", |status| status.exported == 20);
    wait_until(&other, "empty", |status| status.exported == 10);
    assert!(receiver.rest().is_empty());
    assert_eq!(sorted(all), names((0..20).chain(100..110)));
}

const CRASH: &str = "WIRESPAN_TEST_CRASH_SPOOL";

/// Runs in a child process of the test below: spools some spans and dies without any goodbye.
#[test]
#[ignore = "the child of a_crash_of_our_own_process_loses_nothing_that_was_spooled"]
fn child_that_crashes() {
    let Some(dir) = std::env::var_os(CRASH) else { return };
    let options = Options { spool_dir: Some(dir.into()), ..options("http://127.0.0.1:9/") };
    let (exporter, _) = exporter(&options);
    push_batches(&exporter, 5);
    wait_until(&exporter, "spooled", |status| status.spooled.spans == 50);
    abort();
}

fn crash(folder: &Folder) {
    let child = Command::new(std::env::current_exe().unwrap())
        .args(["--ignored", "--exact", "otlp::exporter::tests::spooled::child_that_crashes"])
        .env(CRASH, &folder.0)
        .output()
        .unwrap();
    assert!(!child.status.success());
    assert_eq!(folder.segments().len(), 1, "{}", String::from_utf8_lossy(&child.stdout));
}

#[test]
fn a_crash_of_our_own_process_loses_nothing_that_was_spooled() {
    let folder = Folder::new();
    crash(&folder);
    // It died while it wrote one more.
    let segment = &folder.segments()[0];
    let torn = std::fs::read(segment).unwrap()[..40].to_vec();
    OpenOptions::new().append(true).open(segment).unwrap().write_all(&torn).unwrap();
    let receiver = Receiver::start([]);
    let (exporter, lines) = exporter(&spooling(receiver.url(), &folder));
    push(&exporter, 100..110);
    let all = receiver.names(60);
    assert_eq!(all, names((0..50).chain(100..110)), "what is older comes first");
    wait_until(&exporter, "exported", |status| status.exported == 60);
    assert_eq!(lines.count("torn end"), 1);
    assert!(exporter.shutdown(PATIENCE));
    assert!(receiver.rest().is_empty());
    assert_eq!(std::fs::read_dir(&folder.0).unwrap().count(), 0);
}

#[test]
fn an_inheritance_does_not_confuse_what_is_under_way() {
    let folder = Folder::new();
    let (open, gate) = mpsc::channel();
    let receiver = Receiver::start([Reply::Gate(Arc::new(Mutex::new(gate)))]);
    let (exporter, _) = exporter(&narrow(receiver.url(), &folder));
    push(&exporter, 100..110);
    receiver.next();
    crash(&folder);
    // Time for the exporter to look for orphans, while the first batch is under way.
    std::thread::sleep(2 * crate::otlp::exporter::delivery::ADOPT_EVERY);
    push(&exporter, 110..130);
    wait_until(&exporter, "spooled", |status| status.queued == 0);
    open.send(()).unwrap();
    assert_eq!(sorted(receiver.names(70)), names((0..50).chain(110..130)));
    wait_until(&exporter, "exported", |status| status.exported == 80);
    assert!(exporter.shutdown(PATIENCE));
    assert!(receiver.rest().is_empty());
}

#[test]
fn of_many_heirs_one_inherits() {
    let folder = Folder::new();
    crash(&folder);
    let receiver = Receiver::start([]);
    let heirs: Vec<_> = (0..4).map(|_| exporter(&spooling(receiver.url(), &folder)).0).collect();
    heirs.iter().for_each(super::Exporter::start);
    assert_eq!(receiver.names(50), names(0..50));
    assert!(heirs.iter().all(|heir| heir.shutdown(PATIENCE)));
    assert_eq!(heirs.iter().map(|heir| heir.status().exported).sum::<u64>(), 50);
    assert!(receiver.rest().is_empty());
}

#[test]
fn batches_delivered_before_a_crash_are_not_sent_again() {
    let folder = Folder::new();
    crash(&folder);
    let receiver = Receiver::start([reply("200 OK", "", b""), reply("200 OK", "", b""), Reply::Hang]);
    let (exporter, _) = exporter(&spooling(receiver.url(), &folder));
    exporter.start();
    let first: Vec<_> = (0..3).flat_map(|_| receiver.next().names()).collect();
    assert_eq!(first, names(0..30));
    assert!(exporter.shutdown(Duration::from_millis(100)));
    drop(exporter);
    let (next, _) = self::exporter(&spooling(receiver.url(), &folder));
    next.start();
    assert_eq!(receiver.names(30), names(20..50), "the one under way comes again, its answer is unknown");
    wait_until(&next, "exported", |status| status.exported == 30 && status.receiver == State::Up);
}

#[test]
fn a_spool_that_cannot_be_made_is_refused() {
    let options = Options { spool_dir: Some("/dev/null/spool".into()), ..options("http://127.0.0.1:9/") };
    let log = Arc::new(|_: &str| ());
    let error = super::Exporter::otlp(&options, &super::Resource::default(), log).unwrap_err();
    assert!(error.to_string().starts_with("cannot use /dev/null/spool as spool_dir"), "{error}");
}

#[test]
fn a_spool_that_breaks_is_counted_and_told() {
    let (folder, addr) = (Folder::new(), free_addr());
    let (exporter, lines) = exporter(&spooling(format!("http://{addr}/"), &folder));
    exporter.start();
    std::fs::remove_dir(&folder.0).unwrap();
    push(&exporter, 0..10);
    wait_until(&exporter, "dropped", |status| status.dropped.spool_failed == 10 && status.queued == 0);
    assert_eq!(lines.count("the spool cannot be written"), 1);
}
