//! One append-only file of a spool: batches one after another, each with a header of 20 bytes.
//!
//! | bytes | what |
//! |---|---|
//! | 1 | `s` |
//! | 1 | 0 pending, 1 delivered |
//! | 1 | bit 0: JSON, bit 1: gzip |
//! | 1 | 0 |
//! | 4 | length of the body, little endian as all that follows |
//! | 4 | spans in it |
//! | 4 | CRC-32 of form, length, spans and body |
//! | 4 | of the spans, how many are delivered already: the first ones |
//!
//! State and progress are all that is ever written twice. Progress is for batches that are too large for their receiver
//! and go in parts: what it has of one is not sent again, by no process.
//!
//! A process that dies while it writes leaves a torn last batch: reading ends there. The file is not synced, so a
//! crash of the whole machine may lose its end; a crash of our process does not.

use std::collections::VecDeque;
use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use crate::otlp::encode::{Batch, Encoding};
use crate::otlp::exporter::status::Spooled;

const HEADER: usize = 20;
const PROGRESS: usize = 16;
const MAGIC: u8 = b's';
const DELIVERED: u8 = 1;
const JSON: u8 = 1;
const GZIP: u8 = 2;

/// Names a batch of the spool that is with the sender.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::otlp::exporter) struct Ticket(pub(super) u64);

/// A batch in the file that waits.
#[derive(Clone, Copy, Debug)]
pub(super) struct Record {
    offset: u64,
    len: u32,
    spans: u32,
    /// Of the spans, those that need not be sent any more: the first ones.
    settled: u32,
    /// It is with the sender.
    pub(super) ticket: Option<Ticket>,
}

impl Record {
    /// Spans that wait.
    pub(super) fn left(&self) -> u64 {
        self.spans.saturating_sub(self.settled).into()
    }
}

/// One file and what waits in it.
#[derive(Debug)]
pub(super) struct Segment {
    path: PathBuf,
    file: File,
    /// Bytes of whole records.
    len: u64,
    records: VecDeque<Record>,
    spans: u64,
}

/// Bytes that a batch takes in a file.
pub(super) fn size_of(batch: &Batch) -> u64 {
    (HEADER + batch.body.len()) as u64
}

impl Segment {
    /// A new, empty file. Only its owner may read it: URLs are personal data.
    pub(super) fn create(path: PathBuf) -> io::Result<Self> {
        let file = OpenOptions::new().read(true).write(true).create_new(true).mode(0o600).open(&path)?;
        Ok(Self { path, file, len: 0, records: VecDeque::new(), spans: 0 })
    }

    /// A file that another process left. Returns also whether its end is torn.
    pub(super) fn open(path: PathBuf) -> io::Result<(Self, bool)> {
        let file = OpenOptions::new().read(true).write(true).open(&path)?;
        let end = file.metadata()?.len();
        let mut segment = Self { path, file, len: 0, records: VecDeque::new(), spans: 0 };
        while let Some((record, is_pending)) = segment.read_header(segment.len, end) {
            segment.len = record.offset + HEADER as u64 + u64::from(record.len);
            if is_pending {
                segment.spans += record.left();
                segment.records.push_back(record);
            }
        }
        let is_torn = segment.len < end;
        Ok((segment, is_torn))
    }

    /// The header at `offset`, if a whole record may follow it.
    fn read_header(&self, offset: u64, end: u64) -> Option<(Record, bool)> {
        let mut header = [0; HEADER];
        self.file.read_exact_at(&mut header, offset).ok()?;
        let [len, spans, settled] = [4, 8, PROGRESS].map(|at| u32_at(&header, at));
        let record = Record { offset, len, spans, settled, ticket: None };
        let fits = offset + HEADER as u64 + u64::from(record.len) <= end;
        (header[0] == MAGIC && fits).then_some((record, header[1] != DELIVERED))
    }

    /// Appends a batch with one write.
    ///
    /// # Errors
    /// Of the write; then the file is as before.
    pub(super) fn append(&mut self, batch: &Batch) -> io::Result<()> {
        let too_large = |_| io::Error::other("a batch of more than 4 GiB");
        let record = Record {
            offset: self.len,
            len: u32::try_from(batch.body.len()).map_err(too_large)?,
            spans: batch.spans,
            settled: 0,
            ticket: None,
        };
        let form = form_of(batch);
        let body = batch.body.bytes();
        let mut bytes = Vec::with_capacity(HEADER + body.len());
        bytes.extend_from_slice(&[MAGIC, 0, form, 0]);
        bytes.extend_from_slice(&record.len.to_le_bytes());
        bytes.extend_from_slice(&record.spans.to_le_bytes());
        bytes.extend_from_slice(&checksum(form, &record, &body).to_le_bytes());
        bytes.extend_from_slice(&record.settled.to_le_bytes());
        bytes.extend_from_slice(&body);
        if let Err(error) = self.file.write_all_at(&bytes, self.len) {
            _ = self.file.set_len(self.len); // a full disk: what remains would be taken for a torn end, no more
            return Err(error);
        }
        self.len += bytes.len() as u64;
        self.spans += record.left();
        self.records.push_back(record);
        Ok(())
    }

    /// Gives the first batch that nobody has to the sender, or as much of it as `max_spans`. Otherwise: how many spans
    /// are lost with a batch that is damaged, which is then gone. `None` if nothing waits.
    pub(super) fn take_first(&mut self, ticket: Ticket, max_spans: u32) -> Option<Result<Batch, u64>> {
        let at = self.records.iter().position(|record| record.ticket.is_none())?;
        if let Some(batch) = self.read(&self.records[at], max_spans) {
            self.records[at].ticket = Some(ticket);
            return Some(Ok(batch));
        }
        let lost = self.records[at].left();
        self.finish(at);
        Some(Err(lost))
    }

    /// The batch that was appended last is with the sender already.
    pub(super) fn take_last(&mut self, ticket: Ticket) {
        if let Some(record) = self.records.back_mut() {
            record.ticket = Some(ticket);
        }
    }

    /// What waits of a batch, as far as `max_spans`. `None` if it is damaged.
    fn read(&self, record: &Record, max_spans: u32) -> Option<Batch> {
        let mut bytes = vec![0; HEADER + usize::try_from(record.len).ok()?];
        self.file.read_exact_at(&mut bytes, record.offset).ok()?;
        let body = bytes.split_off(HEADER);
        let form = bytes[2];
        let is_whole = checksum(form, record, &body) == u32_at(&bytes, 12);
        let batch = is_whole.then_some(Batch {
            body: body.into(),
            spans: record.spans,
            encoding: if form & JSON == 0 { Encoding::Protobuf } else { Encoding::Json },
            is_gzip: form & GZIP != 0,
        })?;
        let end = record.spans.min(record.settled.saturating_add(max_spans));
        match record.settled {
            0 if end == record.spans => Some(batch),
            begin => batch.part(begin..end),
        }
    }

    /// Whoever has it does not send it now. Returns whether it is in this file.
    pub(super) fn release(&mut self, ticket: Ticket) -> bool {
        let record = self.records.iter_mut().find(|record| record.ticket == Some(ticket));
        record.map(|record| record.ticket = None).is_some()
    }

    /// So many more spans of a batch need not be sent any more, from its first on; what is left waits again. Returns
    /// whether it is in this file.
    pub(super) fn settle(&mut self, ticket: Ticket, spans: u32) -> bool {
        let Some(at) = self.records.iter().position(|record| record.ticket == Some(ticket)) else {
            return false;
        };
        let record = &mut self.records[at];
        if u64::from(spans) >= record.left() {
            self.finish(at);
            return true;
        }
        record.settled += spans;
        record.ticket = None;
        self.spans -= u64::from(spans);
        let place = record.offset + PROGRESS as u64;
        // If this fails these are sent once more after a crash, which OTLP allows.
        _ = self.file.write_all_at(&record.settled.to_le_bytes(), place);
        true
    }

    /// Notes in the file that a batch need not be sent any more.
    fn finish(&mut self, at: usize) {
        if let Some(record) = self.records.remove(at) {
            self.spans -= record.left();
            _ = self.file.write_all_at(&[DELIVERED], record.offset + 1); // the same
        }
    }

    pub(super) fn records(&self) -> impl Iterator<Item = &Record> {
        self.records.iter()
    }

    pub(super) fn is_finished(&self) -> bool {
        self.records.is_empty()
    }

    pub(super) fn totals(&self) -> Spooled {
        Spooled { spans: self.spans, batches: self.records.len() as u64, bytes: self.len }
    }

    /// Deletes the file.
    pub(super) fn remove(&self) {
        // A file that cannot be deleted holds only batches that are marked or counted.
        _ = std::fs::remove_file(&self.path);
    }

    pub(super) fn is_segment(path: &Path) -> bool {
        path.extension().is_some_and(|extension| extension == "batches")
    }
}

fn form_of(batch: &Batch) -> u8 {
    let json = if batch.encoding == Encoding::Json { JSON } else { 0 };
    json | if batch.is_gzip { GZIP } else { 0 }
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
}

fn checksum(form: u8, record: &Record, body: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&[form]);
    hasher.update(&record.len.to_le_bytes());
    hasher.update(&record.spans.to_le_bytes());
    hasher.update(body);
    hasher.finalize()
}
