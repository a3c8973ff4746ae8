//! Full buffers, slow and broken targets, rotation, the end.

use std::fs;
use std::io::Read as _;
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::super::{AccessLog, Options, SetupError, Target};
use super::{exchange, plain_request, record};
use crate::exchange::Exchange;
use crate::sinks::Sink as _;

const LONG: Duration = Duration::from_secs(20);

fn sample() -> Arc<Exchange> {
    exchange(Some(plain_request()), record())
}

/// A path of this test's own, without a file.
fn fresh_path(name: &str) -> PathBuf {
    let path = std::env::temp_dir().join(format!("wirespan-log-{}-{name}", std::process::id()));
    _ = fs::remove_file(&path);
    path
}

fn log_to(target: Target, format: &str, capacity: usize) -> AccessLog {
    AccessLog::new(Options { format: format.into(), target, capacity, ..Options::default() }).unwrap()
}

fn lines_of(path: &PathBuf) -> usize {
    fs::read_to_string(path).unwrap().lines().count()
}

#[test]
fn close_writes_all_and_counts_what_comes_later() {
    let path = fresh_path("close");
    let log = log_to(Target::Path(path.clone()), "json", 4_096);
    for _ in 0..1_000 {
        log.finish(&sample());
    }
    assert!(log.close(LONG));
    assert_eq!((lines_of(&path), log.written(), log.dropped()), (1_000, 1_000, 0));
    log.finish(&sample());
    assert!(log.close(LONG));
    assert_eq!((log.written(), log.dropped()), (1_000, 1));
    fs::remove_file(path).unwrap();
}

#[test]
fn flush_writes_what_was_finished_before() {
    let path = fresh_path("flush");
    let log = log_to(Target::Path(path.clone()), "combined", 64);
    assert!(log.flush(LONG), "nothing to do");
    for n in 1..=5 {
        log.finish(&sample());
        assert!(log.flush(LONG));
        assert_eq!(lines_of(&path), n);
    }
    drop(log);
    fs::remove_file(path).unwrap();
}

#[test]
fn dropping_the_log_closes_it() {
    let path = fresh_path("drop");
    let log = log_to(Target::Path(path.clone()), "pretty", 64);
    log.finish(&sample());
    drop(log);
    assert_eq!(lines_of(&path), 1);
    fs::remove_file(path).unwrap();
}

#[test]
fn reopen_after_a_rename_loses_nothing() {
    let path = fresh_path("rotate");
    let rotated = path.with_extension("1");
    let log = log_to(Target::Path(path.clone()), "json", 4_096);
    for round in 0..10 {
        for _ in 0..50 {
            log.finish(&sample());
        }
        if round == 5 {
            assert!(log.flush(LONG));
            fs::rename(&path, &rotated).unwrap();
            log.reopen().unwrap();
        }
    }
    assert!(log.close(LONG));
    assert_eq!((lines_of(&rotated), lines_of(&path)), (300, 200));
    assert_eq!((log.written(), log.dropped()), (500, 0));
    fs::remove_file(path).unwrap();
    fs::remove_file(rotated).unwrap();
}

/// A reader that takes nothing until it is told to: drops are counted and the log says how many.
fn overload(nonblocking: bool) {
    let (mut reader, writer) = std::io::pipe().unwrap();
    if nonblocking {
        use nix::fcntl::{FcntlArg, OFlag, fcntl};
        fcntl(&writer, FcntlArg::F_SETFL(OFlag::O_NONBLOCK)).unwrap();
    }
    let log = log_to(Target::Fd(OwnedFd::from(writer)), "json", 100);
    let sample = sample();
    let mut finished = 0;
    let mut finish = |count| {
        (0..count).for_each(|_| log.finish(&sample));
        finished += count;
    };
    finish(100);
    while log.flush(Duration::from_millis(100)) {
        finish(100); // until the pipe is full and nobody reads
    }
    finish(300);
    let reading = std::thread::spawn(move || {
        let mut text = String::new();
        reader.read_to_string(&mut text).unwrap();
        text
    });
    assert!(log.close(LONG));
    assert_eq!(log.written() + log.dropped(), finished);
    let (written, dropped) = (log.written(), log.dropped());
    assert!(dropped > 0);
    drop(log);
    let text = reading.join().unwrap();
    let mut told = 0;
    let mut lines = 0;
    for line in text.lines() {
        let value: serde_json::Value = serde_json::from_str(line).unwrap();
        match value["dropped"].as_u64() {
            Some(count) => told += count,
            None => lines += 1,
        }
    }
    assert_eq!((lines, told), (written, dropped));
}

#[test]
fn a_slow_reader_costs_lines_and_never_the_server() {
    overload(false);
}

#[test]
fn a_slow_reader_of_a_nonblocking_pipe_too() {
    overload(true);
}

#[test]
fn close_gives_up_on_a_reader_that_takes_nothing() {
    let (reader, writer) = std::io::pipe().unwrap();
    let log = log_to(Target::Fd(OwnedFd::from(writer)), "json", 4_096);
    for _ in 0..4_000 {
        log.finish(&sample());
    }
    assert!(!log.close(Duration::from_millis(50)));
    drop(reader);
}

#[test]
fn a_closed_pipe_does_not_end_the_log() {
    let (reader, writer) = std::io::pipe().unwrap();
    let log = log_to(Target::Fd(OwnedFd::from(writer)), "json", 64);
    log.finish(&sample());
    assert!(log.flush(LONG));
    drop(reader);
    for n in 1..=3 {
        log.finish(&sample());
        assert!(!log.flush(LONG), "the line is lost");
        assert_eq!((log.written(), log.dropped()), (1, n));
    }
    log.finish(&sample());
    assert!(!log.close(LONG));
    assert_eq!(log.dropped(), 4);
}

#[test]
fn lines_come_back_when_the_disk_does() {
    let path = fresh_path("full");
    let link = fresh_path("full-link");
    std::os::unix::fs::symlink("/dev/full", &link).unwrap();
    let log = log_to(Target::Path(link.clone()), "json", 64);
    log.finish(&sample());
    assert!(!log.flush(LONG));
    fs::remove_file(&link).unwrap();
    std::os::unix::fs::symlink(&path, &link).unwrap();
    log.reopen().unwrap();
    log.finish(&sample());
    assert!(log.close(LONG));
    let text = fs::read_to_string(&path).unwrap();
    let mut lines = text.lines();
    assert!(lines.next().unwrap().ends_with("\"dropped\":1}"), "{text}");
    assert!(lines.next().unwrap().contains("/orders/17"));
    assert_eq!((lines.next(), log.written(), log.dropped()), (None, 1, 1));
    fs::remove_file(path).unwrap();
    fs::remove_file(link).unwrap();
}

#[test]
fn text_formats_tell_of_drops_as_a_comment() {
    let path = fresh_path("comment");
    let log = log_to(Target::Path(path.clone()), "combined", 2);
    let sample = sample();
    for _ in 0..50 {
        log.finish(&sample);
    }
    assert!(log.close(LONG));
    let text = fs::read_to_string(&path).unwrap();
    let missing = format!("# wirespan: {} requests are missing here", log.dropped());
    assert!(log.dropped() == 0 || text.lines().any(|l| l == missing), "{text}");
    fs::remove_file(path).unwrap();
}

#[test]
fn wrong_options_say_what_is_wrong() {
    let new = |format: &str, target, capacity| {
        AccessLog::new(Options { format: format.into(), target, capacity, ..Options::default() }).unwrap_err()
    };
    for (error, expected) in [
        (new("jsn", Target::Stdout, 1), "unknown access log format `jsn`: write json, combined, pretty or"),
        (
            new("%(h)s %(z)s", Target::Stdout, 1),
            "access log format, character 7: unknown atom `z`; there are h l u",
        ),
        (new("json", Target::Stdout, 0), "the access log's capacity must be at least 1"),
        (
            new("json", Target::Path("/nowhere/a.log".into()), 1),
            "cannot open the access log /nowhere/a.log: No such",
        ),
    ] {
        assert!(error.to_string().starts_with(expected), "{error}");
    }
    assert!(matches!(new("json", Target::Stdout, 0), SetupError::Capacity));
}
