//! Several exporters for the same spans, each with a queue, a thread and counts of its own: what holds one up does not
//! hold up the others.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::Exporter;
use crate::otlp::options::LONGEST;
use crate::sinks::opentelemetry::{Item, SpanSink};

/// One exporter, or several that get the same spans.
#[derive(Clone, Debug)]
pub struct Exporters(Vec<Arc<Exporter>>);

impl Exporters {
    /// Those that wait for a receiver come first: they are ended last.
    #[must_use]
    pub const fn new(exporters: Vec<Arc<Exporter>>) -> Self {
        Self(exporters)
    }

    /// Each of them.
    #[must_use]
    pub fn all(&self) -> &[Arc<Exporter>] {
        &self.0
    }

    /// The door for finished spans: that of a single exporter costs nothing more.
    #[must_use]
    pub fn sink(&self) -> Arc<dyn SpanSink> {
        match &self.0[..] {
            [one] => Arc::clone(one) as Arc<dyn SpanSink>,
            _ => Arc::new(self.clone()),
        }
    }

    /// See [`Exporter::start`].
    pub fn start(&self) {
        self.0.iter().for_each(|exporter| exporter.start());
    }

    /// See [`Exporter::flush`]; `timeout` is for all together.
    #[must_use]
    pub fn flush(&self, timeout: Duration) -> bool {
        self.each(timeout, Exporter::flush)
    }

    /// See [`Exporter::shutdown`]; `timeout` is for all together.
    pub fn shutdown(&self, timeout: Duration) -> bool {
        self.each(timeout, Exporter::shutdown)
    }

    /// The last first. Returns whether all were done in time.
    fn each(&self, timeout: Duration, act: fn(&Exporter, Duration) -> bool) -> bool {
        let until = Instant::now() + timeout.min(LONGEST);
        let left = || until.saturating_duration_since(Instant::now());
        let late = self.0.iter().rev().filter(|exporter| !act(exporter, left()));
        late.count() == 0
    }
}

impl SpanSink for Exporters {
    fn push(&self, item: Item) {
        for (exporter, copy) in self.0.iter().zip(item.copies(self.0.len())) {
            exporter.push(copy);
        }
    }

    fn tell(&self, line: &'static str) {
        if let Some(exporter) = self.0.first() {
            exporter.tell(line);
        }
    }
}
