//! The shape that the requests of all signals share: resources, their scopes, and the records of each.

use super::values::read_attribute;
use crate::error::DecodeError;
use crate::model::Source;
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
        let resource = last_message(group, 1)?.map_or_else(|| Ok(Attributes::default()), read_described)?;
        let mut source = sources.add(&resource)?;
        let mut scopes = group;
        while let Some((number, field)) = scopes.next()? {
            if number != 2 {
                continue;
            }
            let scope = field.message()?;
            sources.count()?;
            source.scope = last_message(scope, 1)?.map_or_else(|| Ok(String::new()), read_scope)?;
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

/// The message in a field that holds at most one. Of several the last one wins.
fn last_message(mut reader: Reader<'_>, wanted: u32) -> Result<Option<Reader<'_>>, DecodeError> {
    let mut found = None;
    while let Some((number, field)) = reader.next()? {
        if number == wanted {
            found = Some(field.message()?);
        }
    }
    Ok(found)
}

/// `Resource`: attributes = 1.
fn read_described(mut reader: Reader<'_>) -> Result<Attributes<'_>, DecodeError> {
    let mut attributes = Attributes::default();
    while let Some((number, field)) = reader.next()? {
        if number == 1 {
            read_attribute(field, &mut attributes)?;
        }
    }
    Ok(attributes)
}

/// `InstrumentationScope`: name = 1, version = 2.
fn read_scope(mut reader: Reader<'_>) -> Result<String, DecodeError> {
    let (mut name, mut version) = ("", "");
    while let Some((number, field)) = reader.next()? {
        match number {
            1 => name = field.text()?,
            2 => version = field.text()?,
            _ => {}
        }
    }
    Ok(crate::table::scope_text(name, version))
}
