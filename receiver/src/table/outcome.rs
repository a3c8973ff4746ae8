//! What became of the records of one request: how many were taken, and why others were not.

use crate::error::DecodeError;
use crate::limits::MAX_RECORDS;

/// Counts of one request. The reason is the first one: a sender mostly makes one mistake many times.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// Records that are in the table.
    pub accepted: usize,
    /// Records that were refused.
    pub rejected: usize,
    /// Why the first of them was.
    pub reason: Option<String>,
}

impl Outcome {
    /// Counts a record that is in the table.
    pub(crate) const fn accept(&mut self) {
        self.accepted += 1;
    }

    /// Counts a record that is not.
    pub(crate) fn reject(&mut self, why: impl FnOnce() -> String) {
        self.rejected += 1;
        if self.reason.is_none() {
            self.reason = Some(why());
        }
    }

    /// # Errors
    /// The request holds as many records as it may.
    pub(crate) fn check(&self, what: &'static str) -> Result<(), DecodeError> {
        if self.accepted + self.rejected >= MAX_RECORDS {
            return Err(DecodeError::TooLarge { what, allowed: MAX_RECORDS });
        }
        Ok(())
    }
}
