//! Finished spans to the body of one `POST /v1/traces`.
//!
//! The resource never changes and scopes are few: both are encoded once and copied. Spans are written in one pass,
//! without messages of their own in between: that is what structs made from the `.proto` files would cost
//! (`cargo test --release -p wirespan-core encode::tests::speed -- --ignored --nocapture`).

mod body;
mod json;
pub(crate) mod metrics;
mod name;
mod protobuf;
mod split;
#[cfg(test)]
pub(crate) mod tests;
pub(crate) mod wire;

use std::io::Write as _;
use std::iter;
use std::sync::Arc;

use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;

pub(crate) use self::body::Body;
pub use self::name::AttributeName;
pub use self::protobuf::{SpanHead, SpanTail, SpanWriter};
use super::finished::Finished;
use super::span::{Resource, SERVER_SCOPE, Scope, SpanData};

/// Scopes kept encoded. An application has a handful; beyond this they are encoded anew each time.
const SCOPES: usize = 64;

/// How requests and answers are written: `OTEL_EXPORTER_OTLP_PROTOCOL`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Encoding {
    /// `http/protobuf`.
    #[default]
    Protobuf,
    /// `http/json`.
    Json,
}

impl Encoding {
    /// The media type of a request and of its answer.
    #[must_use]
    pub const fn content_type(self) -> &'static str {
        match self {
            Self::Protobuf => "application/x-protobuf",
            Self::Json => "application/json",
        }
    }
}

/// Spans ready to be sent or spooled.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Batch {
    /// The body as it goes over the network.
    pub(crate) body: Body,
    /// Spans, or points of metrics, in it.
    pub(crate) spans: u32,
    /// How the body is written.
    pub(crate) encoding: Encoding,
    /// The body is compressed.
    pub(crate) is_gzip: bool,
}

/// Makes batches for one resource.
#[derive(Debug)]
pub(crate) struct Encoder {
    encoding: Encoding,
    is_gzip: bool,
    resource: Vec<u8>,
    schema_url: String,
    scopes: Vec<(Arc<Scope>, Vec<u8>)>,
    /// Bytes that the largest request so far took: a vector that grows would be copied again and again.
    expected: usize,
}

impl Encoder {
    pub(crate) fn new(resource: &Resource, encoding: Encoding, is_gzip: bool) -> Self {
        let head = match encoding {
            Encoding::Protobuf => protobuf::resource(resource),
            Encoding::Json => json::resource(resource),
        };
        let schema_url = resource.schema_url.as_str().to_owned();
        Self { encoding, is_gzip, resource: head, schema_url, scopes: Vec::new(), expected: 0 }
    }

    /// One request with these spans, grouped by scope and otherwise in order. In JSON without those that are bytes.
    pub(crate) fn encode(&mut self, spans: &Finished) -> Batch {
        let body = match self.encoding {
            Encoding::Protobuf => self.protobuf(spans),
            Encoding::Json => self.json(spans),
        };
        let body = if self.is_gzip { gzip(&body.bytes()).into() } else { body };
        let spans = u32::try_from(spans.len()).unwrap_or(u32::MAX);
        Batch { body, spans, encoding: self.encoding, is_gzip: self.is_gzip }
    }

    fn json(&mut self, spans: &Finished) -> Body {
        let groups: Vec<_> = scopes_of(spans).into_iter().map(|scope| (scope, self.head(scope))).collect();
        let mut out = Vec::with_capacity(self.expected);
        json::request(&mut out, &self.resource, &self.schema_url, |writer| {
            for (scope, head) in &groups {
                json::scope_spans(writer, head, &scope.schema_url, of_scope(spans, scope));
            }
        });
        self.expected = self.expected.max(out.len());
        out.into()
    }

    /// What is bytes already follows all that is written here: the scope that has it comes last.
    fn protobuf(&mut self, spans: &Finished) -> Body {
        let encoded_len = spans.encoded().map(Bytes::len).sum();
        let mut scopes = scopes_of(spans);
        if encoded_len > 0 {
            scopes.retain(|scope| !is_same(scope, &SERVER_SCOPE));
            scopes.push(&SERVER_SCOPE);
        }
        let groups: Vec<_> = scopes.into_iter().map(|scope| (scope, self.head(scope))).collect();
        let mut out = Vec::with_capacity(self.expected);
        protobuf::request(&mut out, &self.resource, &self.schema_url, encoded_len, |writer| {
            for (scope, head) in &groups {
                let follow_len = if is_same(scope, &SERVER_SCOPE) { encoded_len } else { 0 };
                protobuf::scope_spans(writer, head, &scope.schema_url, of_scope(spans, scope), follow_len);
            }
        });
        self.expected = self.expected.max(out.len());
        iter::once(out.into()).chain(spans.encoded().cloned()).collect()
    }

    /// The encoded scope. A clone of some fifty bytes, once per batch.
    fn head(&mut self, scope: &Arc<Scope>) -> Vec<u8> {
        if let Some((_, head)) = self.scopes.iter().find(|(known, _)| is_same(known, scope)) {
            return head.clone();
        }
        let head = match self.encoding {
            Encoding::Protobuf => protobuf::scope(scope),
            Encoding::Json => json::scope(scope),
        };
        if self.scopes.len() < SCOPES {
            self.scopes.push((Arc::clone(scope), head.clone()));
        }
        head
    }
}

fn is_same(one: &Arc<Scope>, other: &Arc<Scope>) -> bool {
    Arc::ptr_eq(one, other) || **one == **other
}

/// The scopes of the spans that are data, each once, in order of appearance.
fn scopes_of(spans: &Finished) -> Vec<&Arc<Scope>> {
    let mut scopes: Vec<&Arc<Scope>> = Vec::new();
    for span in spans.data() {
        if !scopes.iter().any(|known| is_same(known, &span.scope)) {
            scopes.push(&span.scope);
        }
    }
    scopes
}

fn of_scope<'a>(spans: &'a Finished, scope: &'a Arc<Scope>) -> impl Iterator<Item = &'a SpanData> {
    spans.data().filter(|span| is_same(&span.scope, scope))
}

/// Level 1 takes a third of the default level's time for a tenth more bytes: the receiver is mostly near.
fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::with_capacity(bytes.len() / 4), Compression::fast());
    // Writing into a vector cannot fail.
    _ = encoder.write_all(bytes);
    encoder.finish().unwrap_or_default()
}
