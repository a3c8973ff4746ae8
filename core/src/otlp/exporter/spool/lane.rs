//! One process's part of a spool: a folder with a locked file, and the batches of that process in order.
//!
//! The lock is the kernel's and goes with the process. A folder whose lock can be taken has no owner any more, and
//! whoever takes it delivers what is in it. Nobody else ever writes there.

use std::collections::VecDeque;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use nix::fcntl::{Flock, FlockArg};

use super::segment::{Segment, size_of};
use crate::otlp::encode::Batch;

const LOCK: &str = "owner.lock";
const PREFIX: &str = "lane-";

/// A folder of ours, made or adopted.
#[derive(Debug)]
pub(super) struct Lane {
    path: PathBuf,
    _lock: Flock<File>,
    /// Oldest first; only the last is written to.
    pub(super) segments: VecDeque<Segment>,
    next_number: u64,
}

impl Lane {
    /// A new folder. Others see it under its name only when it is locked.
    pub(super) fn create(spool: &Path) -> io::Result<Self> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos();
        let name = format!("{now:020}-{}", std::process::id());
        let unfinished = spool.join(format!("new-{name}"));
        DirBuilder::new().mode(0o700).create(&unfinished)?;
        let lock = OpenOptions::new().write(true).create_new(true).mode(0o600).open(unfinished.join(LOCK))?;
        let lock = take(lock)?;
        let path = spool.join(format!("{PREFIX}{name}"));
        fs::rename(&unfinished, &path)?;
        Ok(Self { path, _lock: lock, segments: VecDeque::new(), next_number: 0 })
    }

    /// Takes over a folder whose owner is gone. `None` if it has one. Returns also how many files are torn.
    pub(super) fn adopt(path: PathBuf) -> io::Result<Option<(Self, u64)>> {
        let lock = match OpenOptions::new().write(true).open(path.join(LOCK)) {
            Ok(lock) => lock,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                // Its last owner died between deleting the lock and the folder, which is empty then.
                _ = fs::remove_dir(&path);
                return Ok(None);
            }
            Err(error) => return Err(error),
        };
        let Ok(lock) = take(lock) else { return Ok(None) };
        // If its last owner emptied it while we waited for the lock, there is nothing to list.
        let mut files: Vec<_> = fs::read_dir(&path)?.filter_map(|entry| Some(entry.ok()?.path())).collect();
        files.retain(|file| Segment::is_segment(file));
        files.sort_unstable();
        let (mut segments, mut torn) = (VecDeque::new(), 0);
        for file in files {
            let (segment, is_torn) = Segment::open(file)?;
            torn += u64::from(is_torn);
            if segment.is_finished() {
                segment.remove();
            } else {
                segments.push_back(segment);
            }
        }
        Ok(Some((Self { path, _lock: lock, segments, next_number: 0 }, torn)))
    }

    /// Folders of a spool by age, oldest first, whoever owns them.
    pub(super) fn list(spool: &Path) -> io::Result<Vec<PathBuf>> {
        let paths = fs::read_dir(spool)?.filter_map(|entry| Some(entry.ok()?.path()));
        let mut lanes: Vec<_> = paths.filter(|path| is_lane(path)).collect();
        lanes.sort_unstable();
        Ok(lanes)
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Appends a batch, in a new file once the last has `segment_bytes`.
    pub(super) fn append(&mut self, batch: &Batch, segment_bytes: u64) -> io::Result<()> {
        let has_room = |last: &Segment| last.totals().bytes + size_of(batch) <= segment_bytes;
        if !self.segments.back().is_some_and(has_room) {
            let name = format!("{:012}.batches", self.next_number);
            self.next_number += 1;
            self.segments.push_back(Segment::create(self.path.join(name))?);
        }
        match self.segments.back_mut() {
            Some(last) => last.append(batch),
            None => Ok(()), // one was just made
        }
    }

    /// Deletes files that have nothing that waits.
    pub(super) fn tidy(&mut self) {
        self.segments.retain(|segment| {
            let is_needed = !segment.is_finished();
            if !is_needed {
                segment.remove();
            }
            is_needed
        });
    }

    /// Deletes the folder if it is empty. Dropping the lane afterwards frees the lock.
    pub(super) fn remove_if_empty(&self) {
        if self.segments.is_empty() {
            _ = fs::remove_file(self.path.join(LOCK)); // what stays is adopted, found empty and deleted by the next
            _ = fs::remove_dir(&self.path);
        }
    }
}

fn is_lane(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(PREFIX))
}

fn take(lock: File) -> io::Result<Flock<File>> {
    Flock::lock(lock, FlockArg::LockExclusiveNonblock).map_err(|(_, error)| error.into())
}
