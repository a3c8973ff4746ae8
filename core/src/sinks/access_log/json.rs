//! One JSON object a line (JSON Lines), compiled from the table of [`super::field`].

use super::escape;
use super::field::{Facts, Field, Shape, Value, shapes};
use super::stamp::Stamps;

/// A key with its quotes and colon, and the field behind it.
type Keyed = (Box<[u8]>, Field);

/// What is written for one row; the keys hold their comma, quotes and colon already.
#[derive(Debug)]
struct Member {
    key: Box<[u8]>,
    value: Content,
}

#[derive(Debug)]
enum Content {
    Leaf(Field),
    Optional(Field),
    Group(Box<[Keyed]>),
}

/// The compiled format.
#[derive(Debug)]
pub(super) struct Json {
    members: Box<[Member]>,
}

fn key(index: usize, name: &str) -> Box<[u8]> {
    format!("{}\"{name}\":", if index == 0 { '{' } else { ',' }).into_bytes().into()
}

impl Json {
    pub(super) fn new() -> Self {
        let members = shapes().enumerate().map(|(index, (name, shape))| Member {
            key: key(index, name),
            value: match shape {
                Shape::Leaf(field) => Content::Leaf(*field),
                Shape::Optional(field) => Content::Optional(*field),
                Shape::Group(members) => {
                    Content::Group(members.iter().enumerate().map(|(i, (n, f))| (key(i, n), *f)).collect())
                }
            },
        });
        Self { members: members.collect() }
    }

    /// Appends one line.
    pub(super) fn write(&self, facts: &Facts<'_>, stamps: &mut Stamps, out: &mut Vec<u8>) {
        for member in &self.members {
            match &member.value {
                Content::Leaf(field) => put(&member.key, facts.value(*field), stamps, out),
                Content::Optional(field) => match facts.value(*field) {
                    Value::Unknown => {}
                    value => put(&member.key, value, stamps, out),
                },
                Content::Group(members) => {
                    out.extend_from_slice(&member.key);
                    put_group(members, facts, stamps, out);
                }
            }
        }
        out.extend_from_slice(b"}\n");
    }

    /// Appends the line that says how many are missing.
    pub(super) fn write_dropped(count: u64, now: u64, stamps: &mut Stamps, out: &mut Vec<u8>) {
        put(b"{\"time\":", Value::Time(now), stamps, out);
        put(b",\"dropped\":", Value::Number(count), stamps, out);
        out.extend_from_slice(b"}\n");
    }
}

fn put_group(members: &[Keyed], facts: &Facts<'_>, stamps: &mut Stamps, out: &mut Vec<u8>) {
    if members.first().is_none_or(|(_, field)| matches!(facts.value(*field), Value::Unknown)) {
        return out.extend_from_slice(b"null");
    }
    for (key, field) in members {
        put(key, facts.value(*field), stamps, out);
    }
    out.push(b'}');
}

fn put(key: &[u8], value: Value<'_>, stamps: &mut Stamps, out: &mut Vec<u8>) {
    out.extend_from_slice(key);
    match value {
        Value::Unknown => out.extend_from_slice(b"null"),
        Value::Text(bytes) => escape::json(bytes, out),
        Value::Number(number) => out.extend_from_slice(itoa::Buffer::new().format(number).as_bytes()),
        Value::Hex(bytes) => quoted(out, |out| escape::hex(bytes, out)),
        // Writing to a Vec cannot fail.
        Value::Address(end) => quoted(out, |out| out.extend_from_slice(end.text().as_bytes())),
        Value::Time(wall_ns) => quoted(out, |out| stamps.rfc3339(wall_ns, out)),
    }
}

fn quoted(out: &mut Vec<u8>, content: impl FnOnce(&mut Vec<u8>)) {
    out.push(b'"');
    content(out);
    out.push(b'"');
}
