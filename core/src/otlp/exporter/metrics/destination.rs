//! Where reports go: an OTLP receiver over HTTP, or a console.

use std::io::Write;
use std::sync::Arc;
use std::time::Duration;

use super::Shared;
use crate::metrics::Component;
use crate::otlp::encode::Batch;
use crate::otlp::exporter::answer::Response;
use crate::otlp::exporter::backoff::Backoff;
use crate::otlp::exporter::http::{Courier, Target};
use crate::otlp::options::Options;

/// Where reports go.
pub(super) enum Destination {
    Console(Box<dyn Write + Send>),
    Otlp(Box<Sending>),
}

/// A receiver and what is known of it.
pub(super) struct Sending {
    target: Target,
    courier: Option<Courier>,
    timeout: Duration,
    pub(super) backoff: Backoff,
    component: Component,
}

impl Destination {
    /// What its own metrics call it; `None`: it has none.
    pub(super) const fn component(&self) -> Option<&Component> {
        match self {
            Self::Otlp(sending) => Some(&sending.component),
            Self::Console(_) => None,
        }
    }

    /// What a log calls it.
    pub(super) fn name(&self) -> String {
        match self {
            Self::Otlp(sending) => format!("the OTLP receiver {}", sending.target.name()),
            Self::Console(_) => "standard output".to_owned(),
        }
    }

    pub(super) fn otlp(options: &Options, target: Target) -> Self {
        Self::Otlp(Box::new(Sending {
            target,
            courier: None,
            timeout: options.timeout,
            backoff: Backoff::new(options.retry_delay, options.retry_delay_max),
            component: Component::of_metrics(options.encoding, options.host()),
        }))
    }
}

impl Sending {
    /// The answer comes into `shared`.
    pub(super) fn send(&mut self, batch: Arc<Batch>, left: Option<Duration>, shared: &Arc<Shared>) {
        let timeout = left.map_or(self.timeout, |left| self.timeout.min(left)).max(Duration::from_millis(1));
        if let Err(why) = self.hand_over(batch, timeout, shared) {
            shared.put_response(Response::missing(why, "no_thread"));
        }
    }

    fn hand_over(
        &mut self,
        batch: Arc<Batch>,
        timeout: Duration,
        shared: &Arc<Shared>,
    ) -> Result<(), String> {
        let courier = if let Some(courier) = &self.courier {
            courier
        } else {
            let shared = Arc::clone(shared);
            let started = Courier::start(self.target.clone(), move |response| shared.put_response(response));
            self.courier.insert(started.map_err(|error| format!("cannot start a thread: {error}"))?)
        };
        if courier.send(batch, timeout) {
            return Ok(());
        }
        self.courier = None;
        Err("the sending thread is gone".to_owned())
    }
}
