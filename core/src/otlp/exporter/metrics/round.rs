//! The exporter's thread: makes a report when one is due, sends it, and tries again as OTLP asks.

use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

use super::destination::Destination;
use super::{MetricsOptions, MetricsStatus, Shared};
use crate::metrics::delta::Reporter;
use crate::metrics::{Metrics, POINTS_EXPORTED, POINTS_IN_FLIGHT, ends};
use crate::otlp::encode::Batch;
use crate::otlp::encode::metrics::MetricsEncoder;
use crate::otlp::exporter::answer::{Answer, Response};
use crate::otlp::exporter::{Ending, Log, Receiver};
use crate::otlp::metric::MetricsData;

/// A report on its way, or waiting for its next try.
struct Report {
    /// As it was collected, for the next delta.
    collected: MetricsData,
    batch: Arc<Batch>,
    points: u64,
    /// How many had been asked for when it was made.
    asked: u64,
    give_up_at: Instant,
    /// When it was first tried, and how the last try ended.
    since: Option<Instant>,
    ending: Option<Ending>,
}

/// What the thread finds when it wakes.
struct Round {
    response: Option<Response>,
    asked: u64,
    is_asked: bool,
    closing: Option<Instant>,
}

pub(super) struct Worker {
    shared: Arc<Shared>,
    metrics: Arc<Metrics>,
    encoder: MetricsEncoder,
    destination: Destination,
    reporter: Reporter,
    interval: Duration,
    timeout: Duration,
    due_at: Instant,
    report: Option<Report>,
    is_under_way: bool,
    retry_at: Option<Instant>,
    /// The receiver named that time: not even a flush comes earlier.
    is_retry_asked: bool,
    /// That the receiver takes no metrics was said.
    is_refusal_told: bool,
    /// The last report before the end was made.
    is_last: bool,
    log: Log,
}

impl Worker {
    pub(super) fn new(
        options: &MetricsOptions,
        parts: (Arc<Shared>, Arc<Metrics>, MetricsEncoder, Destination),
        log: Log,
    ) -> Self {
        let (shared, metrics, encoder, destination) = parts;
        Self {
            shared,
            metrics,
            encoder,
            destination,
            reporter: Reporter::new(options.temporality),
            interval: options.interval,
            timeout: options.timeout,
            due_at: Instant::now(),
            report: None,
            is_under_way: false,
            retry_at: None,
            is_retry_asked: false,
            is_refusal_told: false,
            is_last: false,
            log,
        }
    }

    pub(super) fn run(mut self) {
        let shared = Arc::clone(&self.shared);
        let _presence = Presence(&shared);
        self.due_at = Instant::now() + self.interval;
        loop {
            let round = self.wait();
            if let Some(Response { answer, ending }) = round.response {
                if let Some(report) = &mut self.report {
                    report.ending = Some(ending);
                }
                self.resolve(answer);
            }
            let is_over = round.closing.is_some_and(|at| Instant::now() >= at);
            if is_over || self.is_done() {
                return;
            }
            self.advance(round.asked, round.is_asked, round.closing);
            let in_flight = self.report.as_ref().map_or(0, |report| report.points);
            self.shared.lock().status.in_flight = in_flight;
        }
    }

    /// Whether the last report was made, and arrived or never will.
    const fn is_done(&self) -> bool {
        self.is_last && self.report.is_none()
    }

    /// Waits until there is something to do.
    fn wait(&self) -> Round {
        let mut store = self.shared.lock();
        loop {
            let now = Instant::now();
            let is_asked =
                store.asked > store.tried && self.report.as_ref().is_none_or(|r| r.asked < store.asked);
            let is_ending = store.closing.is_some() && !self.is_last;
            // While a request is under way nothing else can be done but wait for its answer, or for the end of time.
            let wake_at = match self.is_under_way {
                true => store.closing,
                false if is_asked || is_ending || self.is_done() => Some(now),
                false => [self.retry_at, Some(self.due_at), store.closing].into_iter().flatten().min(),
            };
            if store.response.is_some() || wake_at.is_some_and(|at| at <= now) {
                let (response, asked) = (store.response.take(), store.asked);
                return Round { response, asked, is_asked, closing: store.closing };
            }
            let left = wake_at.map_or(self.interval, |at| at - now);
            store = self.shared.ready.wait_timeout(store, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Makes a report if one is due, and sends what is to be sent.
    fn advance(&mut self, asked: u64, is_asked: bool, closing: Option<Instant>) {
        if self.is_under_way {
            return;
        }
        let now = Instant::now();
        let is_due = now >= self.due_at;
        if is_due || is_asked || (closing.is_some() && !self.is_last) {
            self.is_last = closing.is_some();
            self.renew(asked, now);
        }
        if self.retry_at.is_some_and(|at| at > now) {
            // What will not be heard before the end is lost.
            if let Some(report) = self.report.take_if(|_| self.is_last) {
                self.supersede(&report);
            }
            return self.set_tried(asked);
        }
        self.retry_at = None;
        let Some(report) = &mut self.report else { return };
        report.since.get_or_insert(now);
        let batch = Arc::clone(&report.batch);
        match &mut self.destination {
            Destination::Otlp(sending) => {
                self.is_under_way = true;
                sending.send(batch, closing.map(|at| at.saturating_duration_since(now)), &self.shared);
            }
            Destination::Console(out) => {
                let mut line = batch.body.bytes().into_owned();
                line.push(b'\n');
                let written = out.write_all(&line).and_then(|()| out.flush());
                self.resolve(match written {
                    Ok(()) => Answer::Accepted { rejected: 0, note: None },
                    Err(error) => Answer::Refused { why: error.to_string() },
                });
            }
        }
    }

    /// A new report takes the place of one that has not arrived: it contains it.
    fn renew(&mut self, asked: u64, now: Instant) {
        if let Some(old) = self.report.take() {
            self.supersede(&old);
        }
        while self.due_at <= now {
            self.due_at += self.interval;
        }
        let begin = Instant::now();
        let mut collected = self.metrics.collect();
        self.metrics.note_collection(begin.elapsed());
        if let Some(component) = self.destination.component() {
            let status = self.shared.lock().status.clone();
            let counts = [
                (None, status.exported),
                (Some("refused"), status.refused),
                (Some("rejected"), status.rejected),
                (Some("superseded"), status.superseded),
            ];
            collected.metrics.push(ends(&POINTS_IN_FLIGHT, component, &[(None, status.in_flight)]));
            collected.metrics.push(ends(&POINTS_EXPORTED, component, &counts));
        }
        let report = self.reporter.report(&collected);
        let points = report.points() as u64;
        let batch = Arc::new(self.encoder.encode(&report));
        let give_up_at = now + self.timeout;
        let (since, ending) = (None, None);
        self.report = Some(Report { collected, batch, points, asked, give_up_at, since, ending });
        self.retry_at = self.retry_at.filter(|_| self.is_retry_asked);
    }

    fn resolve(&mut self, answer: Answer) {
        self.is_under_way = false;
        let Some(report) = self.report.take() else { return };
        if !matches!(answer, Answer::Retry { .. }) {
            self.count_operation(&report);
        }
        let (asked, points) = (report.asked, report.points);
        self.count(|status| {
            status.requests += 1;
            status.failed += u64::from(!matches!(answer, Answer::Accepted { .. }));
        });
        match answer {
            Answer::Accepted { rejected, note } => {
                self.set_receiver(Receiver::Up, None);
                let rejected = rejected.min(points);
                self.count(|status| {
                    status.exported += points - rejected;
                    status.rejected += rejected;
                });
                self.tell_refusal(
                    (rejected > 0)
                        .then(|| format!("rejected {rejected} points: {}", note.unwrap_or_default())),
                );
                self.reporter.arrived(report.collected);
            }
            Answer::Refused { why } | Answer::TooLarge { why } => {
                self.set_receiver(Receiver::Up, None);
                self.count(|status| status.refused += points);
                self.tell_refusal(Some(format!(
                    "takes no metrics: {why}. If it is for traces only, set OTEL_METRICS_EXPORTER=none"
                )));
            }
            Answer::Retry { after, why, .. } => {
                self.set_receiver(Receiver::Down, Some(why));
                self.put_off(report, after);
            }
        }
        self.set_tried(asked);
    }

    /// Tries a report again later, unless its time is over or nobody will be there. A receiver that asks for silence gets
    /// it from the next report, too.
    fn put_off(&mut self, report: Report, after: Option<Duration>) {
        let Destination::Otlp(sending) = &mut self.destination else { return };
        let retry_at = Instant::now() + sending.backoff.next(after);
        self.is_retry_asked = after.is_some();
        if self.is_last || retry_at >= report.give_up_at {
            self.retry_at = after.map(|_| retry_at);
            self.supersede(&report);
            return;
        }
        (self.retry_at, self.report) = (Some(retry_at), Some(report));
    }

    /// A report will not arrive; what it counted is in the next one.
    fn supersede(&self, report: &Report) {
        self.count(|status| status.superseded += report.points);
        self.count_operation(report);
    }

    /// Notes how long a report was under way. One that was never tried was not.
    fn count_operation(&self, report: &Report) {
        let Report { since: Some(since), ending: Some(ending), .. } = report else { return };
        if let Some(component) = self.destination.component() {
            self.metrics.note_report(component, *ending, *since);
        }
    }

    fn count(&self, change: impl FnOnce(&mut MetricsStatus)) {
        change(&mut self.shared.lock().status);
    }

    fn set_tried(&self, asked: u64) {
        let mut store = self.shared.lock();
        store.tried = store.tried.max(asked);
        drop(store);
        self.shared.progress.notify_all();
    }

    /// Notes whether the receiver works, and says so when that changes.
    fn set_receiver(&mut self, receiver: Receiver, why: Option<String>) {
        let line = why.map(|why| format!("{} is not taking metrics: {why}", self.destination.name()));
        let before = {
            let mut store = self.shared.lock();
            let before = std::mem::replace(&mut store.status.receiver, receiver);
            if line.is_some() {
                store.status.last_error.clone_from(&line);
            }
            before
        };
        if receiver == Receiver::Up
            && let Destination::Otlp(sending) = &mut self.destination
        {
            sending.backoff.reset();
        }
        match (line, before) {
            (Some(line), Receiver::Unknown | Receiver::Up) => (self.log)(&line),
            (None, Receiver::Down) => (self.log)(&format!("{} takes metrics again", self.destination.name())),
            _ => {}
        }
    }

    /// Says once that the receiver does not want what it gets.
    fn tell_refusal(&mut self, what: Option<String>) {
        let Some(what) = what else {
            self.is_refusal_told = false;
            return;
        };
        let line = format!("{} {what}", self.destination.name());
        self.shared.lock().status.last_error = Some(line.clone());
        if !std::mem::replace(&mut self.is_refusal_told, true) {
            (self.log)(&line);
        }
    }
}

/// Says that the thread is gone also when it panicked: nobody then waits for it in vain.
struct Presence<'a>(&'a Shared);

impl Drop for Presence<'_> {
    fn drop(&mut self) {
        let mut store = self.0.lock();
        (store.is_running, store.status.in_flight) = (false, 0);
        drop(store);
        self.0.progress.notify_all();
    }
}
