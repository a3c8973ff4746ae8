//! What an answer changes: counts, the state of the receiver, and where its batch goes.

use std::sync::Arc;
use std::time::Instant;

use super::{Delivery, Place};
use crate::otlp::encode::Batch;
use crate::otlp::exporter::answer::Answer;
use crate::otlp::exporter::status::Receiver;

/// What went wrong last, to say each thing once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Trouble {
    None,
    Refused,
    Rejected,
    Noted,
}

impl Delivery {
    pub(super) fn resolve(&mut self, answer: Answer, is_closing: bool) {
        let Some((batch, place)) = self.under_way.take() else { return };
        self.ledger.update(|status| {
            status.requests += 1;
            status.failed += u64::from(!matches!(answer, Answer::Accepted { .. }));
        });
        match answer {
            Answer::Accepted { rejected, note } => {
                self.set_up();
                self.accept(&batch, rejected, note);
                self.finish(&batch, place);
            }
            Answer::TooLarge { why } => {
                self.set_up();
                self.pieces_at = place;
                // The next ones need not be sent twice.
                self.batch_size = self.batch_size.min((batch.spans / 2).max(1) as usize);
                match batch.halves() {
                    Some(halves) => self.pieces.extend(halves.map(Arc::new).into_iter().rev()),
                    None => self.refuse(&batch, place, &why),
                }
            }
            Answer::Refused { why } => {
                self.set_up();
                self.refuse(&batch, place, &why);
            }
            Answer::Retry { after, is_alive, why } => {
                self.set_down(why);
                self.put_back(batch, place);
                let retry_at = Instant::now() + self.backoff.next(after);
                (self.retry_at, self.is_retry_asked) = (Some(retry_at), after.is_some());
                self.is_ending |= is_closing && !is_alive;
            }
        }
    }

    fn refuse(&mut self, batch: &Batch, place: Place, why: &str) {
        self.drop_spans(batch.spans.into(), |dropped| &mut dropped.refused);
        self.tell(Trouble::Refused, &format!("refuses spans, they are dropped: {why}"));
        self.finish(batch, place);
    }

    fn accept(&mut self, batch: &Batch, rejected: u64, note: Option<String>) {
        if batch.spans as usize == self.batch_size {
            self.batch_size = self.max_batch_size.min(self.batch_size + 1);
        }
        let rejected = rejected.min(batch.spans.into());
        self.ledger.update(|status| status.exported += u64::from(batch.spans) - rejected);
        self.drop_spans(rejected, |dropped| &mut dropped.rejected);
        let note = note.unwrap_or_default();
        match rejected {
            0 if note.is_empty() => self.calm(),
            0 => self.tell(Trouble::Noted, &format!("says: {note}")),
            _ => self.tell(Trouble::Rejected, &format!("rejected {rejected} spans: {note}")),
        }
    }

    /// All of a batch was taken, without a word.
    fn calm(&mut self) {
        let before = std::mem::replace(&mut self.trouble, Trouble::None);
        if matches!(before, Trouble::Refused | Trouble::Rejected) {
            let lost = self.ledger.update(|status| status.dropped.refused + status.dropped.rejected);
            self.ledger.log(&format!("spans are no longer refused; {lost} were, since the start"));
        }
    }

    /// Notes what went wrong; the log has it once until something else happens.
    fn tell(&mut self, trouble: Trouble, what: &str) {
        let line = format!("the OTLP receiver {} {what}", self.target.name());
        if std::mem::replace(&mut self.trouble, trouble) != trouble {
            self.ledger.log(&line);
        }
        self.ledger.update(|status| status.last_error = Some(line));
    }

    fn set_up(&mut self) {
        self.backoff.reset();
        (self.retry_at, self.failing_since) = (None, None);
        let was_down = self.ledger.update(|status| {
            let was_down = status.receiver == Receiver::Down;
            status.set_receiver(Receiver::Up);
            was_down
        });
        if was_down {
            self.ledger.log(&format!("the OTLP receiver {} is back", self.target.name()));
        }
    }

    fn set_down(&mut self, why: String) {
        self.failing_since.get_or_insert_with(Instant::now);
        let kept = if self.spool.is_some() { "the spool" } else { "memory" };
        let name = self.target.name();
        let line = format!("the OTLP receiver {name} is down, spans are kept in {kept}: {why}");
        let is_new = self.ledger.update(|status| {
            status.last_error = Some(why);
            status.set_receiver(Receiver::Down)
        });
        if is_new {
            self.ledger.log(&line);
        }
    }
}
