//! Finished spans as exporters hold them: as data, or as the bytes that will be sent.

use std::sync::Arc;

use bytes::{Bytes, BytesMut};

use super::span::{Scope, SpanData};

/// Bytes of a [`Chunk`]: some eighty spans.
const CHUNK: usize = 64 * 1024;

/// Memory for spans that one thread makes and another lets go: in large pieces, since an allocator that small ones come
/// back to from elsewhere takes longer than to write a span.
#[derive(Debug, Default)]
pub struct Chunk(BytesMut);

impl Chunk {
    /// Copies a span into it.
    #[must_use]
    pub fn keep(&mut self, span: &[u8]) -> Bytes {
        if self.0.capacity() < span.len() {
            self.0 = BytesMut::with_capacity(CHUNK.max(span.len()));
        }
        self.0.extend_from_slice(span);
        self.0.split().freeze()
    }
}

/// A span in protobuf, written where it ended.
#[derive(Clone, Debug)]
pub struct EncodedSpan {
    scope: &'static Arc<Scope>,
    bytes: Bytes,
}

impl EncodedSpan {
    /// From what a [`super::SpanWriter`] wrote.
    #[must_use]
    pub const fn new(scope: &'static Arc<Scope>, bytes: Bytes) -> Self {
        Self { scope, bytes }
    }

    /// The message `Span`, without tag and length.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }
}

/// A finished span.
#[derive(Clone, Debug)]
pub enum Finished {
    /// As data.
    Span(Box<SpanData>),
    /// As bytes, for a receiver that takes protobuf.
    Encoded(EncodedSpan),
}

impl Finished {
    /// Who made it.
    #[must_use]
    pub fn scope(&self) -> &Arc<Scope> {
        match self {
            Self::Span(span) => &span.scope,
            Self::Encoded(span) => span.scope,
        }
    }

    /// As [`Finished::data`], to keep.
    #[must_use]
    pub fn into_data(self) -> Option<SpanData> {
        match self {
            Self::Span(span) => Some(*span),
            Self::Encoded(_) => None,
        }
    }

    /// The data; `None` where only bytes are left, which happens in exporters alone that asked for them.
    #[must_use]
    pub fn data(&self) -> Option<&SpanData> {
        match self {
            Self::Span(span) => Some(span),
            Self::Encoded(_) => None,
        }
    }
}

impl From<SpanData> for Finished {
    fn from(span: SpanData) -> Self {
        Self::Span(Box::new(span))
    }
}
