//! The shape that the requests of all signals share: resources, their scopes, and the records of each.

use std::borrow::Cow;

use super::values::read_attribute;
use crate::error::DecodeError;
use crate::model::{Resource, Scope, Source};
use crate::table::Sources;
use crate::value::Attributes;
use crate::wire::Reader;

/// Walks `Export*ServiceRequest`: calls `record` for each record of each scope.
///
/// The three signals have the same shape: field 1 holds resources, their field 1 the resource and field 2 scopes,
/// and of those field 1 the scope and field 2 the records.
pub(crate) fn walk<'a>(
    body: &'a [u8],
    sources: &mut Sources,
    mut record: impl FnMut(&Source, Reader<'a>) -> Result<(), DecodeError>,
) -> Result<(), DecodeError> {
    let mut request = Reader::new(body);
    while let Some((number, field)) = request.next()? {
        if number != 1 {
            continue;
        }
        let group = field.message()?;
        let mut source = sources.add(&read_resource(group)?)?;
        let mut scopes = group;
        while let Some((number, field)) = scopes.next()? {
            if number != 2 {
                continue;
            }
            let scope = field.message()?;
            sources.enter(&mut source, &read_scope(scope)?)?;
            let mut records = scope;
            while let Some((number, field)) = records.next()? {
                if number == 2 {
                    record(&source, field.message()?)?;
                }
            }
        }
    }
    Ok(())
}

/// Of `ResourceSpans` and its kin: resource = 1, `schema_url` = 3. Of several the last one wins.
fn read_resource(mut group: Reader<'_>) -> Result<Resource<'_>, DecodeError> {
    let mut resource = Resource::default();
    while let Some((number, field)) = group.next()? {
        match number {
            1 => resource.attributes = read_attributes(field.message()?)?,
            3 => resource.schema_url = Cow::Borrowed(field.text()?),
            _ => {}
        }
    }
    Ok(resource)
}

/// `Resource`: attributes = 1, `dropped_attributes_count` = 2.
fn read_attributes(mut reader: Reader<'_>) -> Result<Attributes<'_>, DecodeError> {
    let mut attributes = Attributes::default();
    while let Some((number, field)) = reader.next()? {
        match number {
            1 => read_attribute(field, &mut attributes)?,
            2 => attributes.dropped = attributes.dropped.saturating_add(field.uint32()?),
            _ => {}
        }
    }
    Ok(attributes)
}

/// Of `ScopeSpans` and its kin: scope = 1, `schema_url` = 3.
fn read_scope(mut group: Reader<'_>) -> Result<Scope<'_>, DecodeError> {
    let mut scope = Scope::default();
    while let Some((number, field)) = group.next()? {
        match number {
            1 => scope = Scope { schema_url: scope.schema_url, ..read_instrumentation(field.message()?)? },
            3 => scope.schema_url = Cow::Borrowed(field.text()?),
            _ => {}
        }
    }
    Ok(scope)
}

/// `InstrumentationScope`: name = 1, version = 2, attributes = 3, `dropped_attributes_count` = 4.
fn read_instrumentation(mut reader: Reader<'_>) -> Result<Scope<'_>, DecodeError> {
    let mut scope = Scope::default();
    while let Some((number, field)) = reader.next()? {
        match number {
            1 => scope.name = Cow::Borrowed(field.text()?),
            2 => scope.version = Cow::Borrowed(field.text()?),
            3 => read_attribute(field, &mut scope.attributes)?,
            4 => scope.attributes.dropped = scope.attributes.dropped.saturating_add(field.uint32()?),
            _ => {}
        }
    }
    Ok(scope)
}
