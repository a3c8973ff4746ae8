//! Requests under way, and the threads that make them.
//!
//! A thread has one connection. The first one stays; others are started when a request must go beside those under way,
//! and end when nothing was left for them for a while. The free one that was started first goes first, so that those
//! that are not needed are the same ones all the time.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::otlp::encode::Batch;
use crate::otlp::exporter::answer::Response;
use crate::otlp::exporter::http::{Courier, Target};
use crate::otlp::exporter::inbox::Inbox;
use crate::otlp::exporter::spool::Ticket;

/// How long a further connection stays that nobody needs. Tests do not wait for so long.
const LINGER: Duration = if cfg!(test) { Duration::from_millis(100) } else { Duration::from_secs(10) };

/// Where a batch is kept besides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// Nowhere else: its spans count as in memory.
    Memory,
    /// In the spool.
    Spool(Ticket),
    /// It was in the spool and had to go: if it fails it is lost.
    Evicted,
}

/// A batch that was taken up for sending.
#[derive(Clone, Debug)]
pub(super) struct Shipment {
    /// Its place among all; halves have that of their whole.
    pub(super) number: u64,
    pub(super) batch: Arc<Batch>,
    pub(super) place: Place,
    /// When it was sent first.
    pub(super) since: Instant,
}

/// One that is under way.
pub(super) struct Flight {
    pub(super) shipment: Shipment,
    /// When it was sent, as [`super::pace::Pace`] counts.
    pub(super) wave: u64,
}

/// A thread that sends, and what it sends now.
struct Slot {
    courier: Option<Courier>,
    flight: Option<Flight>,
    idle_since: Instant,
}

/// All of them.
pub(super) struct Fleet {
    target: Target,
    inbox: Arc<Inbox>,
    slots: Vec<Slot>,
}

impl Fleet {
    pub(super) const fn new(target: Target, inbox: Arc<Inbox>) -> Self {
        Self { target, inbox, slots: Vec::new() }
    }

    /// What a log may call the receiver.
    pub(super) fn receiver(&self) -> &str {
        self.target.name()
    }

    fn flights(&self) -> impl Iterator<Item = &Flight> {
        self.slots.iter().filter_map(|slot| slot.flight.as_ref())
    }

    pub(super) fn shipments(&self) -> impl Iterator<Item = &Shipment> {
        self.flights().map(|flight| &flight.shipment)
    }

    pub(super) fn shipments_mut(&mut self) -> impl Iterator<Item = &mut Shipment> {
        let flights = self.slots.iter_mut().filter_map(|slot| slot.flight.as_mut());
        flights.map(|flight| &mut flight.shipment)
    }

    /// Requests under way.
    pub(super) fn len(&self) -> usize {
        self.flights().count()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Sends a batch. The answer comes into the inbox, whatever happens.
    pub(super) fn send(&mut self, flight: Flight, timeout: Duration) {
        let free = self.slots.iter().position(|slot| slot.flight.is_none());
        let at = free.unwrap_or(self.slots.len());
        if free.is_none() {
            self.slots.push(Slot { courier: None, flight: None, idle_since: Instant::now() });
        }
        let batch = Arc::clone(&flight.shipment.batch);
        self.slots[at].flight = Some(flight);
        if let Err(why) = self.hand_over(at, batch, timeout) {
            self.inbox.put_answer(at, Response::missing(why, "no_thread"));
        }
    }

    fn hand_over(&mut self, at: usize, batch: Arc<Batch>, timeout: Duration) -> Result<(), String> {
        let slot = &mut self.slots[at];
        let courier = if let Some(courier) = &slot.courier {
            courier
        } else {
            let inbox = Arc::clone(&self.inbox);
            let started = Courier::start(self.target.clone(), move |response| inbox.put_answer(at, response));
            slot.courier.insert(started.map_err(|error| format!("cannot start a thread: {error}"))?)
        };
        if courier.send(batch, timeout) {
            return Ok(());
        }
        slot.courier = None;
        Err("the sending thread is gone".to_owned())
    }

    /// The flight that an answer is for; `None` if nobody waits for it any more.
    pub(super) fn land(&mut self, at: usize) -> Option<Flight> {
        let slot = self.slots.get_mut(at)?;
        slot.idle_since = Instant::now();
        slot.flight.take()
    }

    /// Gives up waiting for all answers. Returns the shipments, oldest first.
    pub(super) fn abandon(&mut self) -> Vec<Shipment> {
        let flights = self.slots.iter_mut().filter_map(|slot| slot.flight.take());
        let mut shipments: Vec<_> = flights.map(|flight| flight.shipment).collect();
        shipments.sort_by_key(|shipment| shipment.number);
        shipments
    }

    /// Ends threads that were not needed for long. The first one stays.
    pub(super) fn retire(&mut self, now: Instant) {
        for slot in self.slots.iter_mut().skip(1) {
            if slot.retires_at().is_some_and(|at| at <= now) {
                slot.courier = None;
            }
        }
    }

    /// When there will be one to be ended.
    pub(super) fn retires_at(&self) -> Option<Instant> {
        self.slots.iter().skip(1).filter_map(Slot::retires_at).min()
    }
}

impl Slot {
    fn retires_at(&self) -> Option<Instant> {
        let is_idle = self.courier.is_some() && self.flight.is_none();
        is_idle.then(|| self.idle_since + LINGER)
    }
}
