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
use self::segment::{Segment, size_of};
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
    /// The first batch is with the sender: if it is dropped meanwhile, it is not lost yet.
    is_head_taken: bool,
    /// Spans that could not be read back, since this was last asked.
    unreadable: u64,
}

/// What an append pushed out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Evicted {
    /// Spans that are lost.
    pub(super) spans: u64,
    /// The batch that is with the sender lost its place: it is in memory only.
    pub(super) has_head: bool,
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
            is_head_taken: false,
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

    /// Appends a batch. What has to go for it is returned.
    ///
    /// # Errors
    /// If the batch cannot be written; it is not in the spool then. What went for it is gone nevertheless.
    pub(super) fn append(&mut self, batch: &Batch, evicted: &mut Evicted) -> io::Result<()> {
        let size = size_of(batch);
        if size > self.max_bytes {
            return Err(io::Error::other("the batch is larger than spool_max_bytes"));
        }
        while self.totals().bytes + size > self.max_bytes {
            let Some((segment, has_head)) = self.pop_oldest() else { break };
            evicted.spans += segment.totals().spans;
            evicted.has_head |= has_head;
            segment.remove();
        }
        let segment_bytes = (self.max_bytes / 8).min(SEGMENT_MAX);
        if self.own.is_none() {
            self.own = Some(Lane::create(&self.dir)?);
        }
        self.own.as_mut().map_or(Ok(()), |own| own.append(batch, segment_bytes))
    }

    /// The oldest file, for dropping, and whether the batch that is with the sender was in it; that is not counted.
    fn pop_oldest(&mut self) -> Option<(Segment, bool)> {
        let mut segment = self.oldest_lane()?.segments.pop_front()?;
        let has_head = std::mem::take(&mut self.is_head_taken);
        if has_head {
            segment.finish_first();
        }
        self.tidy();
        Some((segment, has_head))
    }

    fn oldest_lane(&mut self) -> Option<&mut Lane> {
        self.lanes.iter_mut().chain(&mut self.own).find(|lane| !lane.segments.is_empty())
    }

    /// The oldest batch. It stays until [`Spool::finish_head`]. Batches that are damaged are passed over.
    pub(super) fn head(&mut self) -> Option<Batch> {
        loop {
            let batch = self.oldest_lane()?.segments.front()?.read_first();
            if batch.is_some() {
                self.is_head_taken = true;
                return batch;
            }
            self.unreadable += self.finish_head();
        }
    }

    /// The oldest batch is the one that is with the sender already.
    pub(super) const fn take_head(&mut self) {
        self.is_head_taken = true;
    }

    /// The head went back on the list: it is tried again later.
    pub(super) const fn release_head(&mut self) {
        self.is_head_taken = false;
    }

    /// The oldest batch need not be sent any more. Returns its spans.
    pub(super) fn finish_head(&mut self) -> u64 {
        self.is_head_taken = false;
        let Some(lane) = self.oldest_lane() else { return 0 };
        let Some(segment) = lane.segments.front_mut() else { return 0 };
        let spans = segment.finish_first().map_or(0, |record| u64::from(record.spans));
        if segment.is_finished()
            && let Some(segment) = lane.segments.pop_front()
        {
            segment.remove();
        }
        self.tidy();
        spans
    }

    /// Deletes adopted lanes that are empty.
    fn tidy(&mut self) {
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
