//! A batch that is too large for its receiver, as two of half the size.
//!
//! From the bytes, not from the spans: those are gone once they are encoded, and what comes from the spool never had any.

use std::borrow::Cow;
use std::io::Read as _;
use std::ops::Range;

use flate2::read::GzDecoder;

use super::wire::{Field, Reader, Writer};
use super::{Batch, Encoding, gzip};

impl Batch {
    /// Two batches with the same spans in the same order; `None` for a single span.
    pub(crate) fn halves(&self) -> Option<[Self; 2]> {
        let middle = self.spans / 2;
        Some([self.part(0..middle)?, self.part(middle..self.spans)?])
    }

    /// The spans at these places; `None` if there are none.
    pub(crate) fn part(&self, range: Range<u32>) -> Option<Self> {
        let plain = self.plain()?;
        let spans = range.len().try_into().ok()?;
        let body = match self.encoding {
            Encoding::Protobuf => protobuf_part(&plain, &range),
            Encoding::Json => json_part(&plain, &range),
        }?;
        let body = if self.is_gzip { gzip(&body) } else { body }.into();
        (spans > 0).then_some(Self { body, spans, ..*self })
    }

    /// The body without its compression.
    fn plain(&self) -> Option<Cow<'_, [u8]>> {
        if !self.is_gzip {
            return Some(self.body.bytes());
        }
        let mut plain = Vec::new();
        GzDecoder::new(&*self.body.bytes()).read_to_end(&mut plain).ok()?;
        Some(plain.into())
    }
}

/// The spans at these places, counted through all scopes, with all that stands around them.
fn protobuf_part(body: &[u8], range: &Range<u32>) -> Option<Vec<u8>> {
    let (mut out, mut at) = (Vec::with_capacity(body.len() / 2), 0);
    let mut request = Reader::new(body);
    for field in request.by_ref() {
        let (1, Field::Bytes(resource)) = field else { return None };
        Writer(&mut out).message(1, 3, |out| {
            for field in Reader::new(resource) {
                match field {
                    (2, Field::Bytes(scope)) => {
                        out.message(2, 3, |out| scope_part(out, scope, range, &mut at));
                    }
                    field => copy(out, field),
                }
            }
        });
    }
    request.is_ok().then_some(out)
}

fn scope_part(out: &mut Writer<'_>, scope: &[u8], range: &Range<u32>, at: &mut u32) {
    for field in Reader::new(scope) {
        let is_span = field.0 == 2;
        if !is_span || range.contains(at) {
            copy(out, field);
        }
        *at += u32::from(is_span);
    }
}

/// All fields around spans are messages or texts.
fn copy(out: &mut Writer<'_>, (number, value): (u64, Field<'_>)) {
    if let (Ok(number), Field::Bytes(bytes)) = (u32::try_from(number), value) {
        out.bytes(number, bytes);
    }
}

fn json_part(body: &[u8], range: &Range<u32>) -> Option<Vec<u8>> {
    let mut request: serde_json::Value = serde_json::from_slice(body).ok()?;
    let mut at = 0;
    for resource in request["resourceSpans"].as_array_mut()? {
        for scope in resource["scopeSpans"].as_array_mut()? {
            scope["spans"].as_array_mut()?.retain(|_| {
                at += 1;
                range.contains(&(at - 1))
            });
        }
    }
    serde_json::to_vec(&request).ok()
}

#[cfg(test)]
mod tests {
    use super::super::tests::{decode, every_span};
    use super::super::{Batch, Encoder, Encoding};
    use crate::otlp::finished::Finished;
    use crate::otlp::span::Resource;

    fn names(batch: &Batch) -> Vec<String> {
        let request = decode(batch);
        let scopes = request.resource_spans.into_iter().flat_map(|resource| resource.scope_spans);
        scopes.flat_map(|scope| scope.spans).map(|span| span.name).collect()
    }

    #[test]
    fn halves_have_all_that_the_whole_has() {
        for (encoding, is_gzip) in
            [Encoding::Protobuf, Encoding::Json].into_iter().flat_map(|e| [(e, false), (e, true)])
        {
            let resource =
                Resource { attributes: vec![("service.name".into(), "shop".into())], ..Resource::default() };
            let mut encoder = Encoder::new(&resource, encoding, is_gzip);
            for count in [2, 3, 8] {
                let spans: Finished = every_span(count);
                let whole = encoder.encode(&spans);
                let [left, right] = whole.halves().unwrap();
                assert_eq!((left.spans as usize, right.spans as usize), (count / 2, count - count / 2));
                assert_eq!([names(&left), names(&right)].concat(), names(&whole), "{encoding:?} {is_gzip}");
                for half in [&left, &right] {
                    let request = decode(half);
                    assert_eq!(request.resource_spans[0].resource, decode(&whole).resource_spans[0].resource);
                }
            }
        }
    }

    #[test]
    fn one_span_has_no_halves() {
        let mut encoder = Encoder::new(&Resource::default(), Encoding::Protobuf, false);
        assert_eq!(encoder.encode(&every_span(1)).halves(), None);
        let broken = Batch { body: b"<html>".to_vec().into(), spans: 4, ..Batch::default() };
        assert_eq!(broken.halves(), None);
    }
}
