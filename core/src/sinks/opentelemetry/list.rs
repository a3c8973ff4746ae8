//! Attributes under way, and what limits leave of them.

use std::sync::Arc;

use super::privacy::clip;
use crate::otlp::{Attributes, Key, Value};

/// The first of a list, and how many were left out.
pub(super) fn first<T>(mut all: Vec<T>, limit: usize) -> (Vec<T>, u32) {
    let dropped = all.len().saturating_sub(limit);
    all.truncate(limit);
    (all, count(dropped))
}

pub(super) fn count(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

/// Attributes under way.
pub(super) struct List {
    pub(super) attributes: Attributes,
    /// Longest text, in characters.
    pub(super) limit: Option<usize>,
}

impl List {
    pub(super) fn put(&mut self, key: &'static str, value: impl Into<Value>) {
        self.attributes.push((key.into(), value.into()));
    }

    pub(super) fn text(&mut self, key: &'static str, text: String) {
        self.put(key, clip(text, self.limit));
    }

    /// A client's bytes; what is no UTF-8 becomes U+FFFD.
    pub(super) fn bytes(&mut self, key: &'static str, bytes: &[u8]) {
        self.text(key, String::from_utf8_lossy(bytes).into_owned());
    }

    /// Sizes and times; OTLP's numbers have a sign.
    pub(super) fn number(&mut self, key: &'static str, number: u64) {
        self.put(key, i64::try_from(number).unwrap_or(i64::MAX));
    }

    /// All values of a header, as a list; nothing where there are none.
    pub(super) fn values<'a>(&mut self, key: &Arc<str>, values: impl Iterator<Item = &'a [u8]>) {
        let text = |value: &[u8]| Value::from(clip(String::from_utf8_lossy(value).into_owned(), self.limit));
        let values: Vec<Value> = values.map(text).collect();
        if !values.is_empty() {
            self.attributes.push((Key::Shared(Arc::clone(key)), values.into()));
        }
    }
}
