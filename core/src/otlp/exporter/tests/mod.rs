//! The exporter over real sockets. Nothing here waits for luck: tests wait for a request or for a condition.

mod concurrent;
mod delivery;
mod local;
pub(super) mod receiver;
mod speed;
mod spooled;
mod tls;

use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use self::receiver::PATIENCE;
use super::{Exporter, Log, Status};
use crate::otlp::options::{Options, Signal};
use crate::otlp::span::{Resource, SpanData};

/// Lines that the exporter logged.
#[derive(Clone, Default)]
pub(super) struct Lines(Arc<Mutex<Vec<String>>>);

impl Lines {
    pub(super) fn log(&self) -> Log {
        let lines = self.clone();
        Arc::new(move |line: &str| lines.0.lock().unwrap().push(line.to_owned()))
    }

    pub(super) fn count(&self, part: &str) -> usize {
        self.0.lock().unwrap().iter().filter(|line| line.contains(part)).count()
    }
}

/// Small batches that go when they are full, short waits after failures.
fn options(endpoint: impl Into<String>) -> Options {
    Options {
        endpoint: endpoint.into(),
        max_queue_size: 100,
        max_batch_size: 10,
        schedule_delay: Duration::from_secs(3_600),
        timeout: Duration::from_secs(10),
        retry_delay: Duration::from_millis(5),
        retry_delay_max: Duration::from_millis(20),
        ..Options::new(Signal::Traces)
    }
}

fn exporter(options: &Options) -> (Exporter, Lines) {
    let lines = Lines::default();
    (Exporter::otlp(options, &Resource::default(), lines.log()).unwrap(), lines)
}

fn span(number: usize) -> SpanData {
    SpanData { name: format!("{number}").into(), ..SpanData::default() }
}

fn push(exporter: &Exporter, numbers: impl IntoIterator<Item = usize>) {
    numbers.into_iter().for_each(|number| exporter.push(span(number)));
}

/// Pushes batches of ten, each when the one before is dealt with: so they are never cut differently.
fn push_batches(exporter: &Exporter, count: usize) {
    for at in 0..count {
        push(exporter, at * 10..at * 10 + 10);
        wait_until(exporter, "dealt with", |status| status.queued == 0);
    }
}

fn names(numbers: impl IntoIterator<Item = usize>) -> Vec<String> {
    numbers.into_iter().map(|number| number.to_string()).collect()
}

/// For batches that were under way together: they come in any order.
fn sorted(mut names: Vec<String>) -> Vec<String> {
    names.sort_by_key(|name| name.parse::<usize>().unwrap());
    names
}

/// Waits for a condition of the status.
fn wait_until(exporter: &Exporter, what: &str, is_so: impl Fn(&Status) -> bool) -> Status {
    let until = Instant::now() + PATIENCE;
    loop {
        let status = exporter.status();
        if is_so(&status) {
            return status;
        }
        assert!(Instant::now() < until, "not {what}: {status:?}");
        thread::sleep(Duration::from_millis(1));
    }
}

/// A folder of its own for each test, gone at its end.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name = format!("wirespan-spool-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir(&path).unwrap();
        Self(path)
    }

    /// Files of batches in it.
    fn segments(&self) -> Vec<PathBuf> {
        let children = |path: PathBuf| std::fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path());
        let files = children(self.0.clone()).filter(|path| path.is_dir()).flat_map(children);
        let mut segments: Vec<_> =
            files.filter(|file| file.extension().is_some_and(|e| e == "batches")).collect();
        segments.sort();
        segments
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        _ = std::fs::remove_dir_all(&self.0);
    }
}
