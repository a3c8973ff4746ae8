//! The resources of a request: each once, under a number that is the hash of what it says.

use std::collections::HashSet;
use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_array::builder::{StringBuilder, UInt64Builder};
use arrow_schema::ArrowError;

use super::assemble;
use crate::error::DecodeError;
use crate::limits::{MAX_SOURCE_BYTES, MAX_SOURCES};
use crate::model::Source;
use crate::value::{Attributes, clip};

/// Table of resources, and the bound on how often resources and scopes change within a request.
#[derive(Default)]
pub(crate) struct Sources {
    known: HashSet<u64>,
    seen: usize,
    resource_id: UInt64Builder,
    service: StringBuilder,
    attributes: StringBuilder,
}

impl Sources {
    /// The source whose records follow.
    pub(crate) fn add(&mut self, resource: &Attributes<'_>) -> Result<Source, DecodeError> {
        self.count()?;
        let mut json = String::new();
        resource.write_json(&mut json);
        let resource_id = fnv1a(json.as_bytes());
        let service =
            clip(resource.text("service.name").unwrap_or("unknown_service"), MAX_SOURCE_BYTES).into_owned();
        if self.known.insert(resource_id) {
            self.resource_id.append_value(resource_id);
            self.service.append_value(&service);
            self.attributes.append_value(&json);
        }
        Ok(Source { resource_id, service, scope: String::new() })
    }

    /// Counts one resource or scope.
    pub(crate) const fn count(&mut self) -> Result<(), DecodeError> {
        self.seen += 1;
        if self.seen > MAX_SOURCES {
            return Err(DecodeError::TooLarge { what: "resources and scopes", allowed: MAX_SOURCES });
        }
        Ok(())
    }

    /// The numbers of the resources.
    pub(crate) fn ids(&self) -> Vec<u64> {
        self.known.iter().copied().collect()
    }

    /// The table.
    pub(crate) fn finish(mut self) -> Result<RecordBatch, ArrowError> {
        assemble(vec![
            ("resource_id", Arc::new(self.resource_id.finish())),
            ("service", Arc::new(self.service.finish())),
            ("attributes", Arc::new(self.attributes.finish())),
        ])
    }
}

/// `name@version`, or the name alone.
pub(crate) fn scope_text(name: &str, version: &str) -> String {
    let text = if version.is_empty() { name.to_owned() } else { format!("{name}@{version}") };
    clip(&text, MAX_SOURCE_BYTES).into_owned()
}

/// FNV-1a with 64 bits: the number is kept in files, so it must be the same in every build.
fn fnv1a(bytes: &[u8]) -> u64 {
    bytes
        .iter()
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}
