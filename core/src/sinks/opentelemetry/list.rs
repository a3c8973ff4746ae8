//! Where the attributes of a span go: into a list, for exporters that look at them, or straight into protobuf, which costs
//! a third of building the list, writing it and taking it apart again on another thread.

use std::borrow::Cow;
use std::sync::Arc;

use super::privacy::clip;
use crate::otlp::{AttributeName, Attributes, Key, SpanWriter, Value};

/// A size or a time with its name. OTLP's numbers have a sign, which none of ours comes near.
pub(super) type Number = (&'static AttributeName, u64);

/// Takes attributes one by one.
pub(super) trait Output {
    /// A text that is known here or used often.
    fn shared(&mut self, key: &'static AttributeName, text: &Arc<str>);
    /// A text of this span alone.
    fn text(&mut self, key: &'static AttributeName, text: &str);
    /// Whole numbers.
    fn numbers(&mut self, rows: &[Number]);
    /// Texts under a name that options chose.
    fn values(&mut self, key: &Arc<str>, values: Value);
    /// Whether it is protobuf, so that attributes may come as that.
    const IS_PROTOBUF: bool;
    /// Attributes that were written before.
    fn encoded(&mut self, attributes: &[u8]);
}

/// The first of a list, and how many were left out.
pub(super) fn first<T>(mut all: Vec<T>, limit: usize) -> (Vec<T>, u32) {
    let dropped = all.len().saturating_sub(limit);
    all.truncate(limit);
    (all, count(dropped))
}

pub(super) fn count(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

impl Output for Attributes {
    fn shared(&mut self, key: &'static AttributeName, text: &Arc<str>) {
        self.push((key.as_str().into(), Arc::clone(text).into()));
    }

    fn text(&mut self, key: &'static AttributeName, text: &str) {
        self.push((key.as_str().into(), Value::Str(Box::<str>::from(text).into())));
    }

    fn numbers(&mut self, rows: &[Number]) {
        self.extend(rows.iter().map(|(key, number)| (key.as_str().into(), number.cast_signed().into())));
    }

    fn values(&mut self, key: &Arc<str>, values: Value) {
        self.push((Key::Shared(Arc::clone(key)), values));
    }

    const IS_PROTOBUF: bool = false;

    fn encoded(&mut self, _attributes: &[u8]) {}
}

impl Output for SpanWriter<'_> {
    fn shared(&mut self, key: &'static AttributeName, text: &Arc<str>) {
        self.attribute_text(key, text);
    }

    fn text(&mut self, key: &'static AttributeName, text: &str) {
        self.attribute_text(key, text);
    }

    fn numbers(&mut self, rows: &[Number]) {
        self.attribute_numbers(rows);
    }

    fn values(&mut self, key: &Arc<str>, values: Value) {
        self.attribute(key, &values);
    }

    const IS_PROTOBUF: bool = true;

    fn encoded(&mut self, attributes: &[u8]) {
        SpanWriter::encoded(self, attributes);
    }
}

/// Attributes under way, within the limits of their number and of the characters of each.
pub(super) struct List<'a, O: Output> {
    out: &'a mut O,
    value_length: Option<usize>,
    /// How many more there may be.
    room: usize,
    dropped: u32,
}

impl<'a, O: Output> List<'a, O> {
    pub(super) const fn new(out: &'a mut O, room: usize, value_length: Option<usize>) -> Self {
        Self { out, value_length, room, dropped: 0 }
    }

    /// How many found no room.
    pub(super) const fn dropped(&self) -> u32 {
        self.dropped
    }

    /// Whether [`List::encoded`] may be called with so many.
    pub(super) const fn takes_encoded(&self, count: usize) -> bool {
        O::IS_PROTOBUF && self.value_length.is_none() && self.room >= count
    }

    /// Attributes in protobuf that this list's limits would not change.
    pub(super) fn encoded(&mut self, count: usize, attributes: &[u8]) {
        self.room -= count;
        self.out.encoded(attributes);
    }

    /// How many more there may be.
    pub(super) const fn room(&self) -> usize {
        self.room
    }

    /// Whether there is room for one more.
    const fn takes(&mut self) -> bool {
        let takes = self.room > 0;
        self.room -= takes as usize;
        self.dropped += !takes as u32;
        takes
    }

    /// A text that the limit of characters does not cut: it is bounded, and half of it is no use.
    pub(super) fn whole_text(&mut self, key: &'static AttributeName, text: &str) {
        if self.takes() {
            self.out.text(key, text);
        }
    }

    /// A text that is ours or used often; no limit cuts it.
    pub(super) fn shared(&mut self, key: &'static AttributeName, text: &Arc<str>) {
        if self.takes() {
            self.out.shared(key, text);
        }
    }

    pub(super) fn text(&mut self, key: &'static AttributeName, text: &str) {
        self.whole_text(key, clip(text, self.value_length));
    }

    /// A client's bytes; what is no UTF-8 becomes U+FFFD.
    pub(super) fn bytes(&mut self, key: &'static AttributeName, bytes: &[u8]) {
        // Asked twice, since most are, and the first question is the cheaper one.
        match std::str::from_utf8(bytes) {
            Ok(text) => self.text(key, text),
            Err(_) => self.text(key, &String::from_utf8_lossy(bytes)),
        }
    }

    pub(super) fn number(&mut self, key: &'static AttributeName, number: impl Into<u64>) {
        self.numbers(&[(key, number.into())]);
    }

    /// Several, which costs less than one by one.
    #[inline]
    pub(super) fn numbers<const N: usize>(&mut self, rows: &[Number; N]) {
        let taken = N.min(self.room);
        self.room -= taken;
        self.dropped += count(N - taken);
        self.out.numbers(&rows[..taken]);
    }

    /// All values of a header, as a list; nothing where there are none.
    pub(super) fn values<'b>(&mut self, key: &Arc<str>, values: impl Iterator<Item = &'b [u8]>) {
        let text = |value: &[u8]| {
            let text: Cow<'_, str> = String::from_utf8_lossy(value);
            Value::Str(Box::<str>::from(clip(&text, self.value_length)).into())
        };
        let values: Vec<Value> = values.map(text).collect();
        if !values.is_empty() && self.takes() {
            self.out.values(key, values.into());
        }
    }
}
