//! Counts that begin anew in the child of a fork.

use std::sync::{Arc, OnceLock};

use super::Metrics;
use crate::propagation::ids;

/// The [`Metrics`] of whichever process asks. What the parent counted is in the parent's reports; a child that went on
/// from there would have it counted twice. Its locks may be held by threads that the child does not have.
#[derive(Debug)]
pub struct Lives {
    metrics: Arc<Metrics>,
    /// Tells processes apart.
    epoch: u32,
    /// In a child of this process.
    next: OnceLock<Box<Self>>,
}

impl Lives {
    /// These are the counts of this process.
    #[must_use]
    pub fn new(metrics: Metrics) -> Self {
        Self { metrics: Arc::new(metrics), epoch: ids::epoch(), next: OnceLock::new() }
    }

    /// The counts of this process.
    #[must_use]
    pub fn current(&self) -> &Arc<Metrics> {
        let epoch = ids::epoch();
        let mut life = self;
        while life.epoch != epoch {
            life = life.next.get_or_init(|| Box::new(Self::new(life.metrics.fresh())));
        }
        &life.metrics
    }
}
