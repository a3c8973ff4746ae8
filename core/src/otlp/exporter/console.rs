//! Spans as lines of OTLP JSON, the form that OpenTelemetry's "OTLP File Exporter" writes: one request a line.

use std::io::Write;
use std::sync::Arc;

use super::inbox::{Appetite, Round};
use super::worker::{Destination, Ledger, Step};
use crate::otlp::encode::Encoder;
use crate::otlp::finished::Finished;

/// Writes to a terminal, a file, a pipe.
pub(super) struct Console {
    pub(super) encoder: Encoder,
    pub(super) out: Box<dyn Write + Send>,
    pub(super) ledger: Arc<Ledger>,
}

impl Destination for Console {
    fn appetite(&self, _held: usize) -> Appetite {
        Appetite::Due
    }

    fn step(&mut self, held: &mut Finished, _round: Round) -> Step {
        let count = held.len() as u64;
        if count > 0 {
            let mut line = self.encoder.encode(&held.take_all()).body.bytes().into_owned();
            line.push(b'\n');
            let result = self.out.write_all(&line).and_then(|()| self.out.flush());
            self.ledger.update(|status| match result {
                Ok(()) => status.exported += count,
                Err(error) => {
                    status.dropped.refused += count;
                    status.last_error = Some(error.to_string());
                }
            });
        }
        Step { settled: count, wake_at: None, is_done: true }
    }
}
