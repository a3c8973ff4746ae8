//! Format strings of gunicorn's atoms (`%(h)s "%(r)s" %(s)s`), and with them NGINX's and Apache's `combined`.
//!
//! All atoms that gunicorn documents (`access_log_format` in its settings) are known and mean the same here, with
//! `%({name}e)s` an environment variable of the process, read once. `%({name}x)s` is ours: any fact of the JSON
//! format by its name, dotted for members, such as `%({states_us.queue}x)s`. What is unknown is written as `-`.

use std::io::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::escape;
use super::field::{Facts, Field, Value, names};
use super::stamp::{Stamps, put};
use crate::message::{Request, is_token};

/// As `combined` in NGINX's `ngx_http_log_module` and Apache's `mod_log_config`.
pub(super) const COMBINED: &str = r#"%(h)s - %(u)s %(t)s "%(r)s" %(s)s %(B)s "%(f)s" "%(a)s""#;

/// Longest Basic credentials that are decoded, in base64 digits.
const MAX_CREDENTIALS: usize = 512;

/// One piece of a line.
#[derive(Debug, PartialEq)]
enum Atom {
    Literal(Box<[u8]>),
    Host,
    User,
    LocalTime,
    RequestLine,
    Fact(Field),
    BodySize,
    BodySizeOrDash,
    Seconds,
    Millis,
    DecimalSeconds,
    ProcessId,
    RequestHeader(Box<[u8]>),
    ResponseHeader(Box<[u8]>),
}

/// A compiled format string.
#[derive(Debug)]
pub(super) struct Atoms {
    atoms: Vec<Atom>,
}

/// What is wrong with a format string, and where: a count of characters, 1 for the first.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Mistake {
    pub(super) what: String,
    pub(super) at: usize,
}

impl Atoms {
    pub(super) fn parse(format: &str) -> Result<Self, Mistake> {
        let mistake =
            |rest: &str, what| Mistake { what, at: format.chars().count() - rest.chars().count() + 1 };
        if let Some(at) = format.find(|c: char| c.is_control() && c != '\t') {
            return Err(mistake(&format[at..], "a control character would break the line".to_owned()));
        }
        let mut atoms = Vec::new();
        let mut rest = format;
        while !rest.is_empty() {
            let (atom, after) = next_atom(rest).map_err(|what| mistake(rest, what))?;
            atoms.push(atom);
            rest = after;
        }
        Ok(Self { atoms })
    }

    /// Appends one line.
    pub(super) fn write(&self, facts: &Facts<'_>, stamps: &mut Stamps, out: &mut Vec<u8>) {
        for atom in &self.atoms {
            put_atom(atom, facts, stamps, out);
        }
        out.push(b'\n');
    }

    /// Appends the line that says how many are missing: a comment, which log analysers skip.
    pub(super) fn write_dropped(count: u64, out: &mut Vec<u8>) {
        // Writing to a Vec cannot fail.
        _ = writeln!(out, "# wirespan: {count} requests are missing here");
    }
}

/// The first piece of `rest` and what follows it.
fn next_atom(rest: &str) -> Result<(Atom, &str), String> {
    if !rest.starts_with('%') {
        let (text, after) = rest.split_at(rest.find('%').unwrap_or(rest.len()));
        return Ok((Atom::Literal(text.as_bytes().into()), after));
    }
    if let Some(after) = rest.strip_prefix("%%") {
        return Ok((Atom::Literal(b"%".as_slice().into()), after));
    }
    let inner = rest.strip_prefix("%(").ok_or("`%` must begin an atom such as %(h)s or be written %%")?;
    let (name, after) = split_name(inner).ok_or("this atom has no closing `)`")?;
    let after = after.strip_prefix('s').ok_or_else(|| format!("write this atom as %({name})s"))?;
    Ok((atom(name)?, after))
}

/// Splits at the `)` that ends an atom; one inside braces does not.
fn split_name(inner: &str) -> Option<(&str, &str)> {
    let from = if inner.starts_with('{') { inner.find('}')? } else { 0 };
    let end = from + inner[from..].find(')')?;
    Some((&inner[..end], &inner[end + 1..]))
}

fn atom(name: &str) -> Result<Atom, String> {
    if let Some((braced, kind)) = name.strip_prefix('{').and_then(|n| n.rsplit_once('}')) {
        return braced_atom(braced, kind);
    }
    Ok(match name {
        "h" => Atom::Host,
        "l" => Atom::Literal(b"-".as_slice().into()),
        "u" => Atom::User,
        "t" => Atom::LocalTime,
        "r" => Atom::RequestLine,
        "m" => Atom::Fact(Field::Method),
        "U" => Atom::Fact(Field::Path),
        "q" => Atom::Fact(Field::Query),
        "H" => Atom::Fact(Field::Protocol),
        "s" => Atom::Fact(Field::Status),
        "B" => Atom::BodySize,
        "b" => Atom::BodySizeOrDash,
        "f" => Atom::RequestHeader(b"referer".as_slice().into()),
        "a" => Atom::RequestHeader(b"user-agent".as_slice().into()),
        "T" => Atom::Seconds,
        "M" => Atom::Millis,
        "D" => Atom::Fact(Field::Duration),
        "L" => Atom::DecimalSeconds,
        "p" => Atom::ProcessId,
        _ => {
            return Err(format!(
                "unknown atom `{name}`; there are h l u t r m U q H s B b f a T M D L p \
                 and {{name}}i, {{name}}o, {{name}}e, {{name}}x"
            ));
        }
    })
}

fn braced_atom(name: &str, kind: &str) -> Result<Atom, String> {
    let header = || {
        if is_token(name.as_bytes()) {
            Ok(name.to_ascii_lowercase().into_bytes().into())
        } else {
            Err(format!("`{name}` is no header name"))
        }
    };
    match kind {
        "i" => Ok(Atom::RequestHeader(header()?)),
        "o" => Ok(Atom::ResponseHeader(header()?)),
        "e" => Ok(Atom::Literal(environment(name))),
        "x" => fact(name).map(Atom::Fact),
        _ => Err(format!(
            "unknown kind `{kind}` after `{{{name}}}`; i is a request header, o a response header, \
             e an environment variable, x a field of the JSON format"
        )),
    }
}

fn environment(name: &str) -> Box<[u8]> {
    let mut text = Vec::new();
    match std::env::var_os(name) {
        Some(value) => escape::text(value.as_encoded_bytes(), &mut text),
        None => text.push(b'-'),
    }
    text.into()
}

fn fact(name: &str) -> Result<Field, String> {
    names().find(|(known, _)| known == name).map(|(_, field)| field).ok_or_else(|| {
        let known: Vec<_> = names().map(|(known, _)| known).collect();
        format!("unknown field `{name}`; there are {}", known.join(", "))
    })
}

fn put_atom(atom: &Atom, facts: &Facts<'_>, stamps: &mut Stamps, out: &mut Vec<u8>) {
    match atom {
        Atom::Literal(text) => out.extend_from_slice(text),
        Atom::Host => match facts.client {
            Some(client) => out.extend_from_slice(client.ip().as_bytes()),
            None => out.push(b'-'),
        },
        Atom::User => put_user(facts, out),
        Atom::LocalTime => stamps.common(facts.start_wall_ns, out),
        Atom::RequestLine => put_request_line(facts, out),
        Atom::Fact(field) => put_value(facts.value(*field), stamps, out),
        Atom::BodySize => put_number(facts.record.send_body_size, out),
        Atom::BodySizeOrDash => put_value(body_size(facts), stamps, out),
        Atom::Seconds => put_duration(facts, |ns, out| put_number(ns / 1_000_000_000, out), out),
        Atom::Millis => put_duration(facts, |ns, out| put_number(ns / 1_000_000, out), out),
        Atom::DecimalSeconds => put_duration(facts, put_decimal_seconds, out),
        Atom::ProcessId => _ = write!(out, "<{}>", std::process::id()),
        Atom::RequestHeader(name) => put_text(facts.request.and_then(|r| r.value(name)), out),
        Atom::ResponseHeader(name) => put_text(facts.response.and_then(|fields| fields.get(name)), out),
    }
}

fn put_number(number: u64, out: &mut Vec<u8>) {
    out.extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
}

fn put_value(value: Value<'_>, stamps: &mut Stamps, out: &mut Vec<u8>) {
    match value {
        Value::Unknown => out.push(b'-'),
        Value::Text(bytes) => escape::text(bytes, out),
        Value::Number(number) => put_number(number, out),
        Value::Hex(bytes) => escape::hex(bytes, out),
        // Writing to a Vec cannot fail.
        Value::Address(end) => out.extend_from_slice(end.text().as_bytes()),
        Value::Time(wall_ns) => stamps.rfc3339(wall_ns, out),
    }
}

/// Header values: absent and empty look the same, so that a column never vanishes.
fn put_text(value: Option<&[u8]>, out: &mut Vec<u8>) {
    match value {
        None | Some(b"") => out.push(b'-'),
        Some(bytes) => escape::text(bytes, out),
    }
}

fn put_duration(facts: &Facts<'_>, put_ns: impl Fn(u64, &mut Vec<u8>), out: &mut Vec<u8>) {
    match facts.duration_ns {
        Some(ns) => put_ns(ns, out),
        None => out.push(b'-'),
    }
}

fn put_decimal_seconds(ns: u64, out: &mut Vec<u8>) {
    put_number(ns / 1_000_000_000, out);
    out.push(b'.');
    put(out, ns / 1_000 % 1_000_000, 6);
}

/// The common log format writes `-` instead of 0.
fn body_size<'a>(facts: &Facts<'_>) -> Value<'a> {
    match facts.record.send_body_size {
        0 => Value::Unknown,
        size => Value::Number(size),
    }
}

fn put_request_line(facts: &Facts<'_>, out: &mut Vec<u8>) {
    let Some(request) = facts.request else {
        return out.push(b'-');
    };
    escape::text(request.method(), out);
    out.push(b' ');
    escape::text(request.target(), out);
    out.extend_from_slice(b" HTTP/");
    out.extend_from_slice(request.version().number().as_bytes());
}

/// The user name of Basic credentials (RFC 7617), never the password. Its column has no quotes: no spaces.
fn put_user(facts: &Facts<'_>, out: &mut Vec<u8>) {
    let mut decoded = [0; MAX_CREDENTIALS / 4 * 3];
    match facts.request.and_then(|request| basic_user(request, &mut decoded)) {
        None | Some(b"") => out.push(b'-'),
        Some(user) => escape::word(user, out),
    }
}

fn basic_user<'a>(request: &Request, decoded: &'a mut [u8]) -> Option<&'a [u8]> {
    let value = request.value(b"authorization")?;
    let (scheme, credentials) = value.split_at_checked(6)?;
    if !scheme.eq_ignore_ascii_case(b"basic ") || credentials.len() > MAX_CREDENTIALS {
        return None;
    }
    let len = STANDARD.decode_slice(credentials.trim_ascii(), decoded).ok()?;
    let decoded: &'a [u8] = decoded;
    let end = decoded[..len].iter().position(|b| *b == b':')?;
    Some(&decoded[..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn format_strings_are_compiled() {
        let atoms = Atoms::parse(r#"%(h)s %(l)s 100%% "%({X-Id}i)s" %({states_us.await}x)s"#).unwrap().atoms;
        assert!(atoms.contains(&Atom::Host));
        assert!(atoms.contains(&Atom::RequestHeader(b"x-id".as_slice().into())));
        assert!(atoms.contains(&Atom::Fact(Field::State(crate::trace::State::Await))));
    }

    #[test]
    fn mistakes_say_what_and_where() {
        for (format, at, what) in [
            ("é %(h)s %d", 9, "`%` must begin an atom such as %(h)s or be written %%"),
            ("%(h", 1, "this atom has no closing `)`"),
            ("x %(h)d", 3, "write this atom as %(h)s"),
            ("%(z)s", 1, "unknown atom `z`; there are h l"),
            ("%({a b}i)s", 1, "`a b` is no header name"),
            ("%({a}y)s", 1, "unknown kind `y` after `{a}`"),
            ("%({queue}x)s", 1, "unknown field `queue`; there are time, method"),
            ("%(h)s\n", 6, "a control character would break the line"),
        ] {
            let mistake = Atoms::parse(format).unwrap_err();
            assert!(mistake.what.starts_with(what), "{format}: {}", mistake.what);
            assert_eq!(mistake.at, at, "{format}");
        }
    }
}
