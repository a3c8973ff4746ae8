//! What is still to be sent on one connection: small pieces are gathered, large ones kept as they are.

use std::collections::VecDeque;
use std::io::IoSlice;

use bytes::{Bytes, BytesMut};

/// Chunks from this size on are not copied.
const KEEP_FROM: usize = 16 * 1024;
/// Pieces offered to the kernel at once.
const MAX_SLICES: usize = 16;

/// A write queue that knows how many bytes ever went in and out.
#[derive(Debug, Default)]
pub struct Output {
    segments: VecDeque<Bytes>,
    tail: BytesMut,
    /// Bytes of the first segment, or of the tail where there is none, that were sent.
    sent_of_first: usize,
    queued: u64,
    sent: u64,
}

impl Output {
    /// Appends a copy.
    pub fn put(&mut self, bytes: &[u8]) {
        self.tail.extend_from_slice(bytes);
        self.queued += bytes.len() as u64;
    }

    /// Appends a chunk, without a copy where that is cheaper.
    pub fn put_chunk(&mut self, chunk: Bytes) {
        if chunk.len() < KEEP_FROM {
            return self.put(&chunk);
        }
        self.queued += chunk.len() as u64;
        if !self.tail.is_empty() {
            self.segments.push_back(self.tail.split().freeze());
        }
        self.segments.push_back(chunk);
    }

    /// Bytes not yet sent.
    #[must_use]
    #[allow(clippy::cast_possible_truncation, reason = "what is held in memory fits")]
    pub const fn len(&self) -> usize {
        (self.queued - self.sent) as usize
    }

    /// Whether all was sent.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.queued == self.sent
    }

    /// Bytes ever put in: where the next piece begins.
    #[must_use]
    pub const fn queued(&self) -> u64 {
        self.queued
    }

    /// Bytes ever sent.
    #[must_use]
    pub const fn sent(&self) -> u64 {
        self.sent
    }

    /// Offers what is queued to `write`, once. Returns the bytes it took.
    ///
    /// # Errors
    /// What `write` returned.
    pub fn write_with(
        &mut self,
        write: impl FnOnce(&[IoSlice<'_>]) -> std::io::Result<usize>,
    ) -> std::io::Result<usize> {
        let mut slices = [IoSlice::new(&[]); MAX_SLICES];
        let mut used = 0;
        for piece in self.segments.iter().map(AsRef::as_ref).chain([self.tail.as_ref()]).take(MAX_SLICES) {
            let piece: &[u8] = if used == 0 { &piece[self.sent_of_first..] } else { piece };
            slices[used] = IoSlice::new(piece);
            used += 1;
        }
        let n = write(&slices[..used])?;
        self.advance(n);
        Ok(n)
    }

    fn advance(&mut self, n: usize) {
        self.sent += n as u64;
        self.sent_of_first += n;
        while let Some(first) = self.segments.front() {
            if self.sent_of_first < first.len() {
                return;
            }
            self.sent_of_first -= first.len();
            self.segments.pop_front();
        }
        if self.sent_of_first == self.tail.len() {
            self.sent_of_first = 0;
            self.tail.clear();
        }
    }

    /// Gives memory back while the connection is idle.
    pub fn shrink(&mut self) {
        if self.is_empty() && self.tail.capacity() > 1_024 {
            self.tail = BytesMut::new();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drain(output: &mut Output, step: usize) -> Vec<u8> {
        let mut out = Vec::new();
        while !output.is_empty() {
            let taken = output.write_with(|slices| {
                let before = out.len();
                for slice in slices {
                    let left = step - (out.len() - before);
                    out.extend_from_slice(&slice[..left.min(slice.len())]);
                }
                Ok(out.len() - before)
            });
            assert!(taken.unwrap() > 0);
        }
        out
    }

    #[test]
    fn an_idle_connection_keeps_little() {
        let mut output = Output::default();
        output.put(&[b'a'; 5_000]);
        output.shrink();
        assert_eq!(output.len(), 5_000, "nothing unsent is given away");
        drain(&mut output, 5_000);
        output.shrink();
        assert!(output.tail.capacity() <= 1_024);
        output.put(b"again");
        assert_eq!(drain(&mut output, 5), b"again");
    }

    #[test]
    fn order_is_kept_for_any_mix_and_step() {
        for step in [1, 7, 4_096, 1 << 20] {
            let mut output = Output::default();
            let mut expected = Vec::new();
            for (i, size) in [3usize, 20_000, 5, 0, 16_384, 1, 40_000].into_iter().enumerate() {
                let piece = vec![b'a' + u8::try_from(i).unwrap(); size];
                expected.extend_from_slice(&piece);
                if i % 2 == 0 { output.put(&piece) } else { output.put_chunk(Bytes::from(piece)) }
            }
            assert_eq!(drain(&mut output, step), expected);
            assert_eq!(output.sent(), expected.len() as u64);
            output.put(b"again");
            assert_eq!(drain(&mut output, step), b"again");
        }
    }
}
