//! Tells the viewer what runs: one POST a second while anything does, one more when it is over.
//!
//! A thread of its own; a viewer that is away or hangs holds up nobody else, and nothing is said about it: the spans'
//! exporter, which goes to the same place, does that.

use std::io;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use super::description::Description;
use crate::engine::View;
use crate::otlp::exporter::Post;

/// Where the viewer takes reports.
pub const PATH: &str = "v1/wirespan/inflight";
/// Between two reports.
const PERIOD: Duration = Duration::from_secs(1);
/// Longest time of one report.
const PATIENCE: Duration = Duration::from_secs(2);

#[derive(Debug, Default)]
struct Stop {
    is_set: Mutex<bool>,
    changed: Condvar,
}

impl Stop {
    fn set(&self) {
        *self.is_set.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.changed.notify_all();
    }

    /// Waits a period. Returns whether it is set.
    fn wait(&self) -> bool {
        let is_set = self.is_set.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self.changed.wait_timeout_while(is_set, PERIOD, |is_set| !*is_set);
        *waited.unwrap_or_else(PoisonError::into_inner).0
    }
}

/// The thread that reports; it ends soon after this is dropped, and with its engine.
#[derive(Debug)]
pub struct Reporter {
    stop: Arc<Stop>,
}

impl Reporter {
    /// Starts the thread.
    ///
    /// # Errors
    /// What the system says: no more threads.
    pub fn start(post: Arc<Post>, description: Description, view: View) -> io::Result<Self> {
        let stop = Arc::new(Stop::default());
        let stopped = Arc::clone(&stop);
        let thread = thread::Builder::new().name("wirespan-inflight".to_owned());
        thread.spawn(move || report(&post, &description, &view, &stopped))?;
        Ok(Self { stop })
    }
}

impl Drop for Reporter {
    fn drop(&mut self) {
        self.stop.set();
    }
}

fn report(post: &Post, description: &Description, view: &View, stop: &Stop) {
    let Ok(poster) = post.open() else { return };
    let mut told_some = false;
    while !stop.wait() {
        let Some(snapshot) = view.snapshot() else { return };
        let has_some = snapshot.total > 0;
        if has_some || told_some {
            // One that is lost needs no second try: the next tells all.
            poster.json(description.json(&snapshot), PATIENCE);
        }
        told_some = has_some;
    }
}
