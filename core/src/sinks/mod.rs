//! Native sinks: what is done with a finished exchange without entering Python. One file each.

pub mod access_log;

use std::sync::Arc;

use crate::exchange::Exchange;

/// Takes finished exchanges. Called on the engine's thread: it must return at once and never fail.
pub trait Sink: Send + Sync {
    /// The exchange is over; nothing about it changes any more.
    fn finish(&self, exchange: &Arc<Exchange>);
}
