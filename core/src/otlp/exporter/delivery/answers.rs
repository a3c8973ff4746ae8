//! What an answer changes: counts, the state of the receiver, and where its batch goes.

use std::sync::Arc;
use std::time::Instant;

use super::fleet::{Place, Shipment};
use super::{Delivery, Flight};
use crate::otlp::encode::Batch;
use crate::otlp::exporter::answer::{Answer, Response};
use crate::otlp::exporter::operations::Ending;
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
    pub(super) fn resolve(&mut self, slot: usize, response: Response, is_closing: bool) {
        let Some(Flight { shipment, wave }) = self.fleet.land(slot) else { return };
        let Response { answer, ending } = response;
        self.count(&shipment, &answer, ending);
        self.ledger.update(|status| {
            status.requests += 1;
            status.failed += u64::from(!matches!(answer, Answer::Accepted { .. }));
        });
        if !matches!(answer, Answer::Retry { .. }) && self.pace.worked(wave) {
            self.set_up();
        }
        match answer {
            Answer::Accepted { rejected, note } => {
                self.accept(&shipment.batch, rejected, note);
                self.finish(&shipment);
            }
            Answer::TooLarge { why } => self.split(shipment, &why),
            Answer::Refused { why } => self.refuse(&shipment, &why),
            Answer::Retry { after, is_alive, why } => {
                if self.pace.failed(wave, after) {
                    self.set_down(why);
                }
                self.put_back(shipment);
                self.is_ending |= is_closing && !is_alive;
            }
        }
    }

    /// Notes how long it took, if this was its end. In memory it is tried again; in the spool it begins anew.
    fn count(&self, shipment: &Shipment, answer: &Answer, ending: Ending) {
        let is_kept = shipment.place == Place::Memory && self.spool.is_none();
        if !(is_kept && matches!(answer, Answer::Retry { .. })) {
            self.ledger.count_operation(ending, shipment.since);
        }
    }

    /// A batch that was too large goes in parts.
    fn split(&mut self, shipment: Shipment, why: &str) {
        let batch = &shipment.batch;
        // The next ones need not be sent twice.
        self.batch_size = self.batch_size.min((batch.spans / 2).max(1) as usize);
        match shipment.place {
            _ if batch.spans == 1 => self.refuse(&shipment, why),
            Place::Memory => match batch.halves() {
                Some([left, right]) => {
                    let now = Instant::now();
                    self.add_piece(shipment.number, Arc::new(right), now);
                    self.add_piece(shipment.number, Arc::new(left), now);
                }
                None => self.refuse(&shipment, why),
            },
            // Where it waits it is read again, no more than fits.
            Place::Spool(_) | Place::Evicted => self.put_back(shipment),
        }
    }

    fn refuse(&mut self, shipment: &Shipment, why: &str) {
        self.drop_spans(shipment.batch.spans.into(), |dropped| &mut dropped.refused);
        self.tell(Trouble::Refused, &format!("refuses spans, they are dropped: {why}"));
        self.finish(shipment);
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
        let line = format!("the OTLP receiver {} {what}", self.fleet.receiver());
        if std::mem::replace(&mut self.trouble, trouble) != trouble {
            self.ledger.log(&line);
        }
        self.ledger.update(|status| status.last_error = Some(line));
    }

    fn set_up(&self) {
        let was_down = self.ledger.update(|status| {
            let was_down = status.receiver == Receiver::Down;
            status.set_receiver(Receiver::Up);
            was_down
        });
        if was_down {
            self.ledger.log(&format!("the OTLP receiver {} is back", self.fleet.receiver()));
        }
    }

    fn set_down(&self, why: String) {
        let kept = if self.spool.is_some() { "the spool" } else { "memory" };
        let name = self.fleet.receiver();
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
