//! Batches on the disk while the receiver is down: delivered in order when it is back, also by another process
//! after ours died.
//!
//! `spool_dir / lane-<time>-<pid> / 000000000000.batches`. Each process has a lane of its own, see [`lane`], made
//! when it first needs one. The bytes of all lanes of a process are bounded: above, whole files go, oldest first.

mod lane;
mod segment;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::fs::DirBuilder;
use std::io;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use self::lane::Lane;
pub(super) use self::segment::Ticket;
use self::segment::{Record, Segment, size_of};
use super::status::Spooled;
use crate::otlp::encode::Batch;

/// A file is an eighth of the whole spool, so that dropping the oldest one keeps most, but not above this.
const SEGMENT_MAX: u64 = 8 << 20;

/// All lanes of this process.
#[derive(Debug)]
pub(super) struct Spool {
    dir: PathBuf,
    max_bytes: u64,
    /// Adopted ones first, oldest first; then our own.
    lanes: VecDeque<Lane>,
    own: Option<Lane>,
    /// Tickets that were given out.
    tickets: u64,
    /// Spans that could not be read back, since this was last asked.
    unreadable: u64,
}

/// What an append pushed out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Evicted {
    /// Spans that are lost.
    pub(super) spans: u64,
    /// Batches that are with the sender and lost their place: they are in memory only.
    pub(super) taken: Vec<Ticket>,
}

impl Spool {
    /// Makes the folder if needed.
    ///
    /// # Errors
    /// If it cannot be made or listed.
    pub(super) fn open(dir: &Path, max_bytes: u64) -> io::Result<Self> {
        DirBuilder::new().recursive(true).mode(0o700).create(dir)?;
        Lane::list(dir)?;
        Ok(Self {
            dir: dir.to_owned(),
            max_bytes,
            lanes: VecDeque::new(),
            own: None,
            tickets: 0,
            unreadable: 0,
        })
    }

    /// Takes over what dead processes left. Returns how many files had a torn end.
    pub(super) fn adopt(&mut self) -> io::Result<u64> {
        let mut torn = 0;
        for path in Lane::list(&self.dir)? {
            // A lock does not keep out its own process: each `open` is another owner, but we would wait for ourselves.
            if self.own.iter().chain(&self.lanes).any(|lane| lane.path() == path) {
                continue;
            }
            // One that fails must not keep the others; it is tried again the next time.
            let Ok(Some((lane, count))) = Lane::adopt(path) else { continue };
            torn += count;
            if lane.segments.is_empty() {
                lane.remove_if_empty();
            } else {
                self.lanes.push_back(lane);
            }
        }
        Ok(torn)
    }

    fn all(&self) -> impl Iterator<Item = &Lane> {
        self.lanes.iter().chain(&self.own)
    }

    /// What waits.
    pub(super) fn totals(&self) -> Spooled {
        let mut sum = Spooled::default();
        for totals in self.all().flat_map(|lane| &lane.segments).map(Segment::totals) {
            sum.spans += totals.spans;
            sum.batches += totals.batches;
            sum.bytes += totals.bytes;
        }
        sum
    }

    pub(super) fn is_empty(&self) -> bool {
        self.all().all(|lane| lane.segments.is_empty())
    }

    /// Whether it is large enough for this batch alone.
    pub(super) fn has_room(&self, batch: &Batch) -> bool {
        size_of(batch) <= self.max_bytes
    }

    /// Appends a batch. What has to go for it is returned.
    ///
    /// # Errors
    /// If the batch cannot be written; it is not in the spool then. What went for it is gone nevertheless.
    pub(super) fn append(&mut self, batch: &Batch, evicted: &mut Evicted) -> io::Result<()> {
        let size = size_of(batch);
        if !self.has_room(batch) {
            return Err(io::Error::other("the batch is larger than spool_max_bytes"));
        }
        while self.totals().bytes + size > self.max_bytes {
            let Some(segment) = self.pop_oldest() else { break };
            let lost = segment.records().filter(|record| record.ticket.is_none());
            evicted.spans += lost.map(Record::left).sum::<u64>();
            evicted.taken.extend(segment.records().filter_map(|record| record.ticket));
            segment.remove();
        }
        let segment_bytes = (self.max_bytes / 8).min(SEGMENT_MAX);
        if self.own.is_none() {
            self.own = Some(Lane::create(&self.dir)?);
        }
        self.own.as_mut().map_or(Ok(()), |own| own.append(batch, segment_bytes))
    }

    /// The batch that was appended last is with the sender already.
    pub(super) fn take_last(&mut self) -> Ticket {
        let ticket = self.next_ticket();
        if let Some(last) = self.own.as_mut().and_then(|own| own.segments.back_mut()) {
            last.take_last(ticket);
        }
        ticket
    }

    const fn next_ticket(&mut self) -> Ticket {
        self.tickets += 1;
        Ticket(self.tickets)
    }

    /// The oldest file, for dropping.
    fn pop_oldest(&mut self) -> Option<Segment> {
        let mut lanes = self.lanes.iter_mut().chain(&mut self.own);
        let segment = lanes.find(|lane| !lane.segments.is_empty())?.segments.pop_front();
        self.tidy();
        segment
    }

    /// Gives the oldest batch that nobody has to the sender, or as much of it as `max_spans`. It stays until
    /// [`Spool::settle`]. Batches that are damaged are passed over.
    pub(super) fn take(&mut self, max_spans: u32) -> Option<(Ticket, Batch)> {
        let ticket = self.next_ticket();
        loop {
            let taken = self.segments_mut().find_map(|segment| segment.take_first(ticket, max_spans));
            match taken? {
                Ok(batch) => return Some((ticket, batch)),
                Err(lost) => self.unreadable += lost,
            }
            self.tidy();
        }
    }

    fn segments_mut(&mut self) -> impl Iterator<Item = &mut Segment> {
        self.lanes.iter_mut().chain(&mut self.own).flat_map(|lane| &mut lane.segments)
    }

    /// Whoever has a batch does not send it now: it waits again, in its place.
    pub(super) fn release(&mut self, ticket: Ticket) {
        self.segments_mut().any(|segment| segment.release(ticket));
    }

    /// So many spans of a batch need not be sent any more: those that [`Spool::take`] gave. If it has more, they wait
    /// again.
    pub(super) fn settle(&mut self, ticket: Ticket, spans: u32) {
        self.segments_mut().any(|segment| segment.settle(ticket, spans));
        self.tidy();
    }

    /// Deletes files with nothing that waits, and adopted lanes that are empty.
    fn tidy(&mut self) {
        self.lanes.iter_mut().chain(&mut self.own).for_each(Lane::tidy);
        self.lanes.retain(|lane| {
            lane.remove_if_empty();
            !lane.segments.is_empty()
        });
    }

    /// Spans that could not be read back since the last call.
    pub(super) const fn take_unreadable(&mut self) -> u64 {
        std::mem::replace(&mut self.unreadable, 0)
    }
}

impl Drop for Spool {
    fn drop(&mut self) {
        self.all().for_each(Lane::remove_if_empty);
    }
}
