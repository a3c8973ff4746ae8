//! The `baggage` header of W3C: what the application sends along with a trace.
//!
//! Bounded by what the specification asks everybody to carry. Members that break the grammar, or would go over a bound,
//! are left out; the others stay.

use std::borrow::Cow;
use std::fmt::Write;

use crate::message::is_token;

/// Most members.
pub const MAX_MEMBERS: usize = 64;
/// Longest list, in bytes of the header value.
pub const MAX_LENGTH: usize = 8_192;

/// One member.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// A token of RFC 9110.
    pub key: String,
    /// Decoded.
    pub value: String,
    /// What follows the first `;`, as sent, without white space around it.
    pub properties: String,
}

/// A list of members. Keys may come twice; their order is kept.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Baggage {
    members: Vec<Member>,
    length: usize,
}

impl Baggage {
    /// Joins the values of all `baggage` fields, in order.
    #[must_use]
    pub fn parse<'a>(values: impl IntoIterator<Item = &'a [u8]>) -> Self {
        let mut baggage = Self::default();
        for member in values.into_iter().flat_map(|value| value.split(|b| *b == b',')) {
            if baggage.members.len() == MAX_MEMBERS {
                break;
            }
            if let Some(member) = parse_member(member) {
                // One that is too long does not keep shorter ones out.
                _ = baggage.push(member);
            }
        }
        baggage
    }

    /// Adds a member. Returns whether it is one by the grammar and there was room.
    pub fn push(&mut self, member: Member) -> bool {
        let text = format_member(&member);
        let length = self.length + usize::from(!self.members.is_empty()) + text.len();
        let is_fine = is_token(member.key.as_bytes()) && are_properties(member.properties.as_bytes());
        if !is_fine || self.members.len() == MAX_MEMBERS || length > MAX_LENGTH {
            return false;
        }
        self.length = length;
        self.members.push(member);
        true
    }

    /// The members in order.
    #[must_use]
    pub fn members(&self) -> &[Member] {
        &self.members
    }

    /// The value of a key; of several the last, as OpenTelemetry has it.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&str> {
        self.members.iter().rfind(|member| member.key == key).map(|member| member.value.as_str())
    }

    /// The value for the header; empty: none is sent.
    #[must_use]
    pub fn format(&self) -> String {
        self.members.iter().map(format_member).collect::<Vec<_>>().join(",")
    }
}

fn parse_member(member: &[u8]) -> Option<Member> {
    let (pair, properties) = match member.iter().position(|b| *b == b';') {
        Some(at) => (&member[..at], member[at + 1..].trim_ascii()),
        None => (member, &b""[..]),
    };
    let equals = pair.iter().position(|b| *b == b'=')?;
    let (key, value) = (pair[..equals].trim_ascii(), pair[equals + 1..].trim_ascii());
    let is_fine = is_token(key) && value.iter().copied().all(is_octet) && are_properties(properties);
    is_fine.then(|| Member {
        key: String::from_utf8_lossy(key).into_owned(),
        value: decode(value),
        properties: String::from_utf8_lossy(properties).into_owned(),
    })
}

fn format_member(member: &Member) -> String {
    let mut text = String::with_capacity(member.key.len() + member.value.len() + member.properties.len() + 2);
    text.push_str(&member.key);
    text.push('=');
    for byte in member.value.bytes() {
        if is_octet(byte) && byte != b'%' {
            text.push(char::from(byte));
        } else {
            // Writing into a string cannot fail.
            _ = write!(text, "%{byte:02X}");
        }
    }
    if !member.properties.is_empty() {
        text.push(';');
        text.push_str(&member.properties);
    }
    text
}

/// `baggage-octet`: visible ASCII without `"`, `,`, `;` and `\`.
fn is_octet(byte: u8) -> bool {
    byte.is_ascii_graphic() && !matches!(byte, b'"' | b',' | b';' | b'\\')
}

/// Tokens, some with a value, between semicolons; nothing at all is fine too.
fn are_properties(properties: &[u8]) -> bool {
    properties.is_empty()
        || properties.split(|b| *b == b';').all(|property| {
            let mut parts = property.splitn(2, |b| *b == b'=');
            let key = parts.next().unwrap_or_default().trim_ascii();
            let value = parts.next().unwrap_or_default().trim_ascii();
            is_token(key) && value.iter().copied().all(is_octet)
        })
}

/// Percent-decodes. A `%` without two digits stands for itself; bytes that are no UTF-8 become U+FFFD.
fn decode(value: &[u8]) -> String {
    let digit = |at: usize| value.get(at).and_then(|b| char::from(*b).to_digit(16));
    let mut bytes = Vec::with_capacity(value.len());
    let mut at = 0;
    while let Some(byte) = value.get(at) {
        let code = if *byte == b'%' { digit(at + 1).zip(digit(at + 2)) } else { None };
        bytes.push(code.map_or(*byte, |(high, low)| u8::try_from(high * 16 + low).unwrap_or_default()));
        at += if code.is_some() { 3 } else { 1 };
    }
    match String::from_utf8_lossy(&bytes) {
        Cow::Borrowed(text) => text.to_owned(),
        Cow::Owned(text) => text,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn pairs(values: &[&str]) -> String {
        let baggage = Baggage::parse(values.iter().map(|v| v.as_bytes()));
        let texts: Vec<_> =
            baggage.members().iter().map(|m| format!("{}={}|{}", m.key, m.value, m.properties)).collect();
        texts.join(" ")
    }

    #[test]
    fn members_that_break_the_grammar_are_left_out() {
        for (values, expected) in [
            (&[][..], ""),
            (&[""], ""),
            (&["a=1"], "a=1|"),
            (&["a=1,b=2", "c=3"], "a=1| b=2| c=3|"),
            (&["userId =   alice", "x = DF%2028, y = false"], "userId=alice| x=DF 28| y=false|"),
            (&["a=1;p1;p2 , b = 2 , c=3; k = v"], "a=1|p1;p2 b=2| c=3|k = v"),
            (&["a="], "a=|"),
            (&["a=b=c"], "a=b=c|"),
            (&["a=1,a=2"], "a=1| a=2|"),
            (&["a=%F0%9F%98%80"], "a=\u{1f600}|"),
            (&["a=%ff"], "a=\u{fffd}|"),
            (&["a=%,b=%4,c=%zz,d=%41"], "a=%| b=%4| c=%zz| d=A|"),
            (&["a", "=1", "a b=1", "a\"=1", "ok=1"], "ok=1|"),
            (&["a=1 2,b=\"x\",c=\\,d=\u{e9},ok=1"], "ok=1|"),
            (&["a=1;,b=2;p q,c=3;=x,d=4;p=\u{e9},ok=1"], "a=1| ok=1|"),
        ] {
            assert_eq!(pairs(values), expected, "{values:?}");
        }
    }

    #[test]
    fn bounds() {
        let many: Vec<String> = (0..70).map(|i| format!("k{i}=1")).collect();
        assert_eq!(Baggage::parse([many.join(",").as_bytes()]).members().len(), MAX_MEMBERS);
        let long = format!("a={}", "x".repeat(MAX_LENGTH - 2));
        assert_eq!(Baggage::parse([long.as_bytes()]).format(), long);
        let longer = format!("b={},c=1", "x".repeat(MAX_LENGTH - 1));
        assert_eq!(Baggage::parse([longer.as_bytes()]).format(), "c=1");
    }

    #[test]
    fn the_last_of_a_key_counts() {
        let baggage = Baggage::parse([&b"a=1,a=2"[..]]);
        assert_eq!((baggage.get("a"), baggage.get("b")), (Some("2"), None));
    }

    proptest! {
        #[test]
        fn any_bytes_are_parsed(values: Vec<Vec<u8>>) {
            let baggage = Baggage::parse(values.iter().map(Vec::as_slice));
            prop_assert!(baggage.format().len() <= MAX_LENGTH);
            prop_assert_eq!(Baggage::parse([baggage.format().as_bytes()]), baggage);
        }

        #[test]
        fn what_was_formatted_is_parsed(pairs in prop::collection::vec(("[!#$&a-zA-Z0-9.~-]{1,9}", any::<String>()), 0..20)) {
            let mut baggage = Baggage::default();
            for (key, value) in pairs {
                baggage.push(Member { key, value, properties: "p;q=1".to_owned() });
            }
            prop_assert_eq!(Baggage::parse([baggage.format().as_bytes()]), baggage);
        }
    }
}
