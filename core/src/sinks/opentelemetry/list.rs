//! Where the attributes of a span go: into a list, for exporters that look at them, or straight into protobuf, which costs
//! a third of building the list, writing it and taking it apart again on another thread.

use std::borrow::Cow;
use std::sync::Arc;

use super::privacy::clip;
use crate::otlp::{Attributes, Key, SpanWriter, Value};

/// Takes attributes one by one.
pub(super) trait Output {
    /// A text that is known here or used often.
    fn shared(&mut self, key: &'static str, text: &Arc<str>);
    /// A text of this span alone.
    fn text(&mut self, key: &'static str, text: &str);
    /// A whole number.
    fn number(&mut self, key: &'static str, number: i64);
    /// Texts under a name that options chose.
    fn values(&mut self, key: &Arc<str>, values: Value);
}

impl Output for Attributes {
    fn shared(&mut self, key: &'static str, text: &Arc<str>) {
        self.push((key.into(), Arc::clone(text).into()));
    }

    fn text(&mut self, key: &'static str, text: &str) {
        self.push((key.into(), Value::Str(Box::<str>::from(text).into())));
    }

    fn number(&mut self, key: &'static str, number: i64) {
        self.push((key.into(), number.into()));
    }

    fn values(&mut self, key: &Arc<str>, values: Value) {
        self.push((Key::Shared(Arc::clone(key)), values));
    }
}

impl Output for SpanWriter<'_> {
    fn shared(&mut self, key: &'static str, text: &Arc<str>) {
        self.attribute_text(key, text);
    }

    fn text(&mut self, key: &'static str, text: &str) {
        self.attribute_text(key, text);
    }

    fn number(&mut self, key: &'static str, number: i64) {
        self.attribute_number(key, number);
    }

    fn values(&mut self, key: &Arc<str>, values: Value) {
        self.attribute(key, &values);
    }
}

/// Attributes under way, each within the limit of characters.
pub(super) struct List<'a, O: Output> {
    pub(super) out: &'a mut O,
    pub(super) limit: Option<usize>,
}

impl<O: Output> List<'_, O> {
    /// A text that is ours or used often; no limit cuts it.
    pub(super) fn shared(&mut self, key: &'static str, text: &Arc<str>) {
        self.out.shared(key, text);
    }

    pub(super) fn text(&mut self, key: &'static str, text: &str) {
        self.out.text(key, clip(text, self.limit));
    }

    /// A client's bytes; what is no UTF-8 becomes U+FFFD.
    pub(super) fn bytes(&mut self, key: &'static str, bytes: &[u8]) {
        self.text(key, &String::from_utf8_lossy(bytes));
    }

    /// Sizes and times; OTLP's numbers have a sign.
    pub(super) fn number(&mut self, key: &'static str, number: impl TryInto<i64>) {
        self.out.number(key, number.try_into().unwrap_or(i64::MAX));
    }

    /// All values of a header, as a list; nothing where there are none.
    pub(super) fn values<'a>(&mut self, key: &Arc<str>, values: impl Iterator<Item = &'a [u8]>) {
        let text = |value: &[u8]| {
            let text: Cow<'_, str> = String::from_utf8_lossy(value);
            Value::Str(Box::<str>::from(clip(&text, self.limit)).into())
        };
        let values: Vec<Value> = values.map(text).collect();
        if !values.is_empty() {
            self.out.values(key, values.into());
        }
    }
}
