//! What of an exporter belongs to one process: its queue, its counts, its thread.
//!
//! A fork copies all of it except the thread. So the child starts again with what the [`Recipe`] makes, and nobody there
//! touches the parent's locks.

use std::sync::{Arc, OnceLock};
use std::thread;
use std::time::Duration;

use super::inbox::Inbox;
use super::worker::{self, Destination, Ledger, Log};
use crate::propagation::ids;

/// Makes a destination for the spans of one queue.
pub(super) type Maker = dyn Fn(Arc<Inbox>, Arc<Ledger>) -> Box<dyn Destination> + Send + Sync;

/// How the parts of an exporter are made.
pub(super) struct Recipe {
    /// Spans in memory.
    pub(super) capacity: usize,
    /// Spans of a batch.
    pub(super) batch: usize,
    /// How long a span waits for others; and how long none must be dropped before we say that it is over.
    pub(super) delay: Duration,
    pub(super) log: Log,
    /// Called when the thread starts, in the process that serves.
    pub(super) destination: Box<Maker>,
}

/// An exporter's life in one process.
pub(super) struct Life {
    pub(super) inbox: Arc<Inbox>,
    pub(super) ledger: Arc<Ledger>,
    /// Tells processes apart.
    epoch: u32,
    /// In a child of this process.
    next: OnceLock<Box<Life>>,
}

impl Life {
    pub(super) fn new(recipe: &Recipe) -> Self {
        Self {
            inbox: Arc::new(Inbox::new(recipe.capacity, recipe.batch, recipe.delay)),
            ledger: Arc::new(Ledger::new(Arc::clone(&recipe.log))),
            epoch: ids::epoch(),
            next: OnceLock::new(),
        }
    }

    /// This one, or after a fork a new one.
    pub(super) fn of_this_process(&self, recipe: &Recipe) -> &Self {
        let epoch = ids::epoch();
        let mut life = self;
        while life.epoch != epoch {
            life = life.next.get_or_init(|| Box::new(Self::new(recipe)));
        }
        life
    }

    /// Starts the thread, if it does not run.
    pub(super) fn start(&self, recipe: &Recipe) {
        if !self.inbox.claim_start() {
            return;
        }
        let (inbox, ledger, calm) = (Arc::clone(&self.inbox), Arc::clone(&self.ledger), recipe.delay);
        let destination = (recipe.destination)(Arc::clone(&inbox), Arc::clone(&ledger));
        let thread = thread::Builder::new().name("wirespan-otlp".to_owned());
        let spawned = thread.spawn(move || worker::run(&inbox, destination, &ledger, calm));
        if let Err(error) = spawned {
            self.inbox.set_ended();
            self.ledger.log(&format!("cannot start the export thread, spans are dropped: {error}"));
        }
    }
}
