//! The resources and scopes of a request: each once, under a number that is the hash of what it says.

use std::collections::HashSet;
use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_array::builder::{StringBuilder, UInt32Builder, UInt64Builder};
use arrow_schema::ArrowError;

use super::spans::append;
use super::{Column, assemble};
use crate::error::DecodeError;
use crate::limits::{MAX_NAME_BYTES, MAX_SOURCE_BYTES, MAX_SOURCES};
use crate::model::{Resource, Scope, Source};
use crate::value::{Attributes, clip};

/// Tables of resources and of scopes, and the bound on how often they change within a request.
#[derive(Default)]
pub(crate) struct Sources {
    known: HashSet<u64>,
    seen: usize,
    service: StringBuilder,
    resources: Described,
    scopes: Described,
}

/// What both have.
#[derive(Default)]
struct Described {
    id: UInt64Builder,
    attributes: StringBuilder,
    schema_url: StringBuilder,
    dropped: UInt32Builder,
}

impl Sources {
    /// The source whose records follow.
    pub(crate) fn add(&mut self, resource: &Resource<'_>) -> Result<Source, DecodeError> {
        self.count()?;
        let json = json_of(&resource.attributes);
        let resource_id = identity(&json, &resource.schema_url, resource.attributes.dropped);
        let named = resource.attributes.text("service.name").unwrap_or("unknown_service");
        let service = clip(named, MAX_SOURCE_BYTES).into_owned();
        if self.known.insert(resource_id) {
            self.service.append_value(&service);
            self.resources.push(resource_id, &json, &resource.schema_url, resource.attributes.dropped);
        }
        Ok(Source { resource_id, service, ..Source::default() })
    }

    /// The records that follow are from this scope. Most have a name and a version alone, which each row repeats.
    pub(crate) fn enter(&mut self, source: &mut Source, scope: &Scope<'_>) -> Result<(), DecodeError> {
        self.count()?;
        source.scope = scope_text(&scope.name, &scope.version);
        let dropped = scope.attributes.dropped;
        if scope.attributes.items.is_empty() && scope.schema_url.is_empty() && dropped == 0 {
            source.scope_id = None;
            return Ok(());
        }
        let json = json_of(&scope.attributes);
        // No resource has this number: its text begins with a brace.
        let scope_id = identity(&format!("scope {json}"), &scope.schema_url, dropped);
        if self.known.insert(scope_id) {
            self.scopes.push(scope_id, &json, &scope.schema_url, dropped);
        }
        source.scope_id = Some(scope_id);
        Ok(())
    }

    /// Counts one resource or scope.
    const fn count(&mut self) -> Result<(), DecodeError> {
        self.seen += 1;
        if self.seen > MAX_SOURCES {
            return Err(DecodeError::TooLarge { what: "resources and scopes", allowed: MAX_SOURCES });
        }
        Ok(())
    }

    /// The numbers of all.
    pub(crate) fn ids(&self) -> Vec<u64> {
        self.known.iter().copied().collect()
    }

    /// The tables: resources and scopes.
    pub(crate) fn finish(mut self) -> Result<(RecordBatch, RecordBatch), ArrowError> {
        let mut resources = self.resources.finish("resource_id");
        resources.insert(1, ("service", Arc::new(self.service.finish())));
        Ok((assemble(resources)?, assemble(self.scopes.finish("scope_id"))?))
    }
}

impl Described {
    fn push(&mut self, id: u64, json: &str, schema_url: &str, dropped: u32) {
        self.id.append_value(id);
        self.attributes.append_value(json);
        append(&mut self.schema_url, Some(schema_url), MAX_NAME_BYTES);
        self.dropped.append_option((dropped > 0).then_some(dropped));
    }

    fn finish(&mut self, id: &'static str) -> Vec<Column> {
        vec![
            (id, Arc::new(self.id.finish())),
            ("attributes", Arc::new(self.attributes.finish())),
            ("schema_url", Arc::new(self.schema_url.finish())),
            ("dropped", Arc::new(self.dropped.finish())),
        ]
    }
}

/// `name@version`, or the name alone.
fn scope_text(name: &str, version: &str) -> String {
    let text = if version.is_empty() { name.to_owned() } else { format!("{name}@{version}") };
    clip(&text, MAX_SOURCE_BYTES).into_owned()
}

fn json_of(attributes: &Attributes<'_>) -> String {
    let mut json = String::new();
    attributes.write_json(&mut json);
    json
}

/// Of most the text alone, which the first version hashed.
fn identity(json: &str, schema_url: &str, dropped: u32) -> u64 {
    if schema_url.is_empty() && dropped == 0 {
        fnv1a(json.as_bytes())
    } else {
        fnv1a(format!("{json}\0{}\0{dropped}", clip(schema_url, MAX_NAME_BYTES)).as_bytes())
    }
}

/// FNV-1a with 64 bits: the number is kept in files, so it must be the same in every build.
fn fnv1a(bytes: &[u8]) -> u64 {
    bytes
        .iter()
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}
