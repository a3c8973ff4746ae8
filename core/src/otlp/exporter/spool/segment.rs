//! One append-only file of a spool: batches one after another, each with a header of 16 bytes.
//!
//! | bytes | what |
//! |---|---|
//! | 1 | `w` |
//! | 1 | 0 pending, 1 delivered: the only byte that is ever written twice |
//! | 1 | bit 0: JSON, bit 1: gzip |
//! | 1 | 0 |
//! | 4 | length of the body, little endian as all that follows |
//! | 4 | spans in it |
//! | 4 | CRC-32 of form, length, spans and body |
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

const HEADER: usize = 16;
const MAGIC: u8 = b'w';
const DELIVERED: u8 = 1;
const JSON: u8 = 1;
const GZIP: u8 = 2;

/// A batch in the file that waits.
#[derive(Clone, Copy, Debug)]
pub(super) struct Record {
    offset: u64,
    len: u32,
    pub(super) spans: u32,
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
                segment.spans += u64::from(record.spans);
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
        let record = Record { offset, len: u32_at(&header, 4), spans: u32_at(&header, 8) };
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
        };
        let form = form_of(batch);
        let mut bytes = Vec::with_capacity(HEADER + batch.body.len());
        bytes.extend_from_slice(&[MAGIC, 0, form, 0]);
        bytes.extend_from_slice(&record.len.to_le_bytes());
        bytes.extend_from_slice(&record.spans.to_le_bytes());
        bytes.extend_from_slice(&checksum(form, &record, &batch.body).to_le_bytes());
        bytes.extend_from_slice(&batch.body);
        if let Err(error) = self.file.write_all_at(&bytes, self.len) {
            _ = self.file.set_len(self.len); // a full disk: what remains would be taken for a torn end, no more
            return Err(error);
        }
        self.len += bytes.len() as u64;
        self.spans += u64::from(record.spans);
        self.records.push_back(record);
        Ok(())
    }

    /// The first batch that waits. `None` if it is damaged.
    pub(super) fn read_first(&self) -> Option<Batch> {
        let record = self.records.front()?;
        let mut bytes = vec![0; HEADER + usize::try_from(record.len).ok()?];
        self.file.read_exact_at(&mut bytes, record.offset).ok()?;
        let body = bytes.split_off(HEADER);
        let form = bytes[2];
        (checksum(form, record, &body) == u32_at(&bytes, 12)).then_some(Batch {
            body,
            spans: record.spans,
            encoding: if form & JSON == 0 { Encoding::Protobuf } else { Encoding::Json },
            is_gzip: form & GZIP != 0,
        })
    }

    /// Notes in the file that the first batch need not be sent any more.
    pub(super) fn finish_first(&mut self) -> Option<Record> {
        let record = self.records.pop_front()?;
        self.spans -= u64::from(record.spans);
        // If this fails the batch is sent once more after a crash, which OTLP allows.
        _ = self.file.write_all_at(&[DELIVERED], record.offset + 1);
        Some(record)
    }

    pub(super) fn is_finished(&self) -> bool {
        self.records.is_empty()
    }

    pub(super) fn totals(&self) -> Spooled {
        Spooled { spans: self.spans, batches: self.records.len() as u64, bytes: self.len }
    }

    /// Deletes the file.
    pub(super) fn remove(self) {
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
