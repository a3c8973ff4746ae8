//! The `tracestate` list, W3C trace context level 2 section 3.3.
//!
//! It is kept as the text that is sent on: members without surrounding white space, empty ones left out. A list with
//! one member that breaks a rule is dropped as a whole (it says nothing about `traceparent`).
//!
//! Keys follow level 1 where they hold an `@` (`tenant@vendor`, at most 241 and 14 characters): level 2 allows the sign
//! anywhere, but the official test suite still demands the stricter form, and no vendor sends another.

use std::sync::Arc;

/// Most members of a list.
const MAX_MEMBERS: usize = 32;
/// Longest list that is carried on; the specification asks for at least 512. Longer ones are truncated.
const MAX_LENGTH: usize = 2_048;
/// Members longer than this are the first to go.
const LONG_MEMBER: usize = 128;
/// Longest key, and longest value.
const MAX_PART: usize = 256;

/// A checked `tracestate` list. A clone is one counter.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TraceState(Option<Arc<str>>);

impl TraceState {
    /// Joins the values of all `tracestate` fields, in order. Empty where a rule is broken: a member that is none, a key
    /// that comes twice, more than 32 members.
    #[must_use]
    pub fn parse<'a>(values: impl IntoIterator<Item = &'a [u8]>) -> Self {
        let mut members: Vec<&str> = Vec::new();
        for member in values.into_iter().flat_map(|value| value.split(|b| *b == b',')) {
            let member = trim(member);
            if member.is_empty() {
                continue;
            }
            let Some(member) = checked(member) else { return Self::default() };
            let is_twice = members.iter().any(|known| key_of(known) == key_of(member));
            if is_twice || members.len() == MAX_MEMBERS {
                return Self::default();
            }
            members.push(member);
        }
        Self::join(members)
    }

    /// The list of these members, as much of it as is carried on.
    fn join(mut members: Vec<&str>) -> Self {
        let length = |members: &[&str]| members.iter().map(|m| m.len() + 1).sum::<usize>().saturating_sub(1);
        if length(&members) > MAX_LENGTH {
            members.retain(|member| member.len() <= LONG_MEMBER);
        }
        while length(&members) > MAX_LENGTH {
            members.pop();
        }
        Self((!members.is_empty()).then(|| members.join(",").into()))
    }

    /// The value for the header; empty: none is sent.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.as_deref().unwrap_or_default()
    }

    /// The text with its counter, for others to keep.
    #[must_use]
    pub fn shared(&self) -> Option<&Arc<str>> {
        self.0.as_ref()
    }

    /// Whether there is no member.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// Keys and values in the order of the list.
    pub fn members(&self) -> impl Iterator<Item = (&str, &str)> {
        self.as_str().split(',').filter_map(|member| member.split_once('='))
    }

    /// The value of a key.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&str> {
        self.members().find(|(known, _)| *known == key).map(|(_, value)| value)
    }

    /// With this member at the left, where changed members belong; an earlier one of this key is gone. `None` where key
    /// or value breaks a rule.
    #[must_use]
    pub fn with(&self, key: &str, value: &str) -> Option<Self> {
        let own = format!("{key}={value}");
        let own = checked(own.as_bytes()).filter(|_| !value.ends_with(' '))?;
        let mut members = vec![own];
        members.extend(self.others(key).take(MAX_MEMBERS - 1));
        Some(Self::join(members))
    }

    /// Without the member of this key.
    #[must_use]
    pub fn without(&self, key: &str) -> Self {
        if self.get(key).is_none() {
            return self.clone();
        }
        Self::join(self.others(key).collect())
    }

    fn others(&self, key: &str) -> impl Iterator<Item = &str> {
        self.as_str().split(',').filter(move |member| !member.is_empty() && key_of(member) != key)
    }
}

/// Without surrounding spaces and tabs. A value may begin with spaces, but its key stands before them.
fn trim(member: &[u8]) -> &[u8] {
    let is_space = |b: &u8| matches!(b, b' ' | b'\t');
    let start = member.iter().position(|b| !is_space(b)).unwrap_or(member.len());
    let end = member.iter().rposition(|b| !is_space(b)).map_or(start, |last| last + 1);
    &member[start..end]
}

fn key_of(member: &str) -> &str {
    member.split_once('=').map_or(member, |(key, _)| key)
}

/// The member as text, if key and value follow their grammar.
fn checked(member: &[u8]) -> Option<&str> {
    let equals = member.iter().position(|b| *b == b'=')?;
    let (key, value) = (&member[..equals], &member[equals + 1..]);
    let is_fine = is_key(key) && is_value(value);
    is_fine.then(|| std::str::from_utf8(member).ok()).flatten()
}

fn is_key(key: &[u8]) -> bool {
    let is_part = |part: &[u8], longest: usize, first: fn(&u8) -> bool| {
        part.first().is_some_and(first)
            && part.len() <= longest
            && part.iter().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"_-*/".contains(b))
    };
    let letter_or_digit = |b: &u8| b.is_ascii_lowercase() || b.is_ascii_digit();
    match key.iter().position(|b| *b == b'@') {
        None => is_part(key, MAX_PART, letter_or_digit),
        Some(at) => {
            is_part(&key[..at], 241, letter_or_digit) && is_part(&key[at + 1..], 14, u8::is_ascii_lowercase)
        }
    }
}

/// Printable ASCII without `,` and `=`, not empty. That it does not end with a space is seen to by [`trim`].
fn is_value(value: &[u8]) -> bool {
    (1..=MAX_PART).contains(&value.len())
        && value.iter().all(|b| (b' '..=b'~').contains(b) && !matches!(b, b',' | b'='))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parsed(values: &[&str]) -> String {
        TraceState::parse(values.iter().map(|v| v.as_bytes())).as_str().to_owned()
    }

    #[test]
    fn lists_are_joined_and_cleaned() {
        let long = format!("{}=1", "z".repeat(256));
        let tenant = format!("{}@{}=1", "t".repeat(241), "v".repeat(14));
        for (values, expected) in [
            (&[][..], ""),
            (&[""], ""),
            (&["foo=1,bar=2"], "foo=1,bar=2"),
            (&["foo=1", ""], "foo=1"),
            (&["", "foo=1"], "foo=1"),
            (&["foo=1,bar=2", "rojo=1,congo=2", "baz=3"], "foo=1,bar=2,rojo=1,congo=2,baz=3"),
            (&["foo=1 \t , \t bar=2, \t baz=3"], "foo=1,bar=2,baz=3"),
            (&["foo=1\t \t,\t \tbar=2,\t \tbaz=3"], "foo=1,bar=2,baz=3"),
            (&[" foo=1"], "foo=1"),
            (&["\tfoo=1"], "foo=1"),
            (&["foo=1 "], "foo=1"),
            (&["foo=1\t"], "foo=1"),
            (&["\t foo=1 \t"], "foo=1"),
            (&["foo=1,,  ,bar=2,"], "foo=1,bar=2"),
            (&["foo= 1"], "foo= 1"),
            (&["0a=1"], "0a=1"),
            (&[long.as_str()], long.as_str()),
            (&[tenant.as_str()], tenant.as_str()),
        ] {
            assert_eq!(parsed(values), expected, "{values:?}");
        }
    }

    #[test]
    fn all_allowed_characters() {
        let key = "abcdefghijklmnopqrstuvwxyz0123456789_-*/";
        let value: String = (' '..='~').filter(|c| !",=".contains(*c)).collect();
        for key in [key.to_owned(), format!("{key}@a-z0-9_-*/")] {
            let state = TraceState::parse([format!("{key}={value}").as_bytes()]);
            assert_eq!(state.get(&key), Some(value.as_str()));
        }
    }

    #[test]
    fn a_broken_rule_drops_the_list() {
        let long_key = format!("{}=1", "z".repeat(257));
        let long_value = format!("a={}", "z".repeat(257));
        let tenant = format!("{}@v=1", "t".repeat(242));
        let vendor = format!("t@{}=1", "v".repeat(15));
        for bad in [
            "foo=1,foo=1",
            "foo=1,foo=2",
            "foo =1",
            "FOO=1",
            "foo.bar=1",
            "foo@=1,bar=2",
            "@foo=1,bar=2",
            "foo@@bar=1,bar=2",
            "foo@bar@baz=1,bar=2",
            "foo@1bar=1",
            "foo=bar=baz",
            "foo=,bar=3",
            "foo",
            "=1",
            "_a=1",
            "foo=\u{e9}",
            "foo=a\tb",
            long_key.as_str(),
            long_value.as_str(),
            tenant.as_str(),
            vendor.as_str(),
        ] {
            assert_eq!(parsed(&["ok=1", bad]), "", "{bad}");
        }
        assert_eq!(parsed(&["foo=1", "foo=1"]), "");
    }

    #[test]
    fn at_most_32_members() {
        let members = |n: usize| (1..=n).map(|i| format!("bar{i:02}={i:02}")).collect::<Vec<_>>().join(",");
        assert_eq!(parsed(&[&members(32)]), members(32));
        assert_eq!(parsed(&[&members(33)]), "");
        assert_eq!(parsed(&[&members(30), "x=1,y=1"]).split(',').count(), 32);
    }

    #[test]
    fn changed_members_move_left() {
        let state = TraceState::parse([&b"a=1,b=2,c=3"[..]]);
        for (key, value, expected) in
            [("b", "9", "b=9,a=1,c=3"), ("d", "4", "d=4,a=1,b=2,c=3"), ("a", "0", "a=0,b=2,c=3")]
        {
            assert_eq!(state.with(key, value).unwrap().as_str(), expected);
        }
        for (key, value) in [("", "1"), ("A", "1"), ("a", ""), ("a", "1,2"), ("a", "="), ("a", "1 ")] {
            assert_eq!(state.with(key, value), None, "{key:?} {value:?}");
        }
        assert_eq!(state.without("b").as_str(), "a=1,c=3");
        assert_eq!(state.without("x").as_str(), "a=1,b=2,c=3");
        assert!(TraceState::parse([&b"a=1"[..]]).without("a").is_empty());
        let full = (1..=32).map(|i| format!("k{i}=1")).collect::<Vec<_>>().join(",");
        let state = TraceState::parse([full.as_bytes()]).with("new", "1").unwrap();
        assert_eq!((state.members().count(), state.get("k32"), state.get("k31")), (32, None, Some("1")));
    }

    #[test]
    fn too_long_lists_lose_long_members_first_and_then_the_last() {
        let long = format!("long={}", "x".repeat(200));
        let short: Vec<String> = (10..30).map(|i| format!("k{i}={}", "y".repeat(96))).collect();
        let state = TraceState::parse([long.as_bytes(), short.join(",").as_bytes()]);
        assert_eq!(state.get("long"), None);
        assert_eq!(state.members().count(), 20);
        let many: Vec<String> = (10..40).map(|i| format!("k{i}={}", "y".repeat(96))).collect();
        let state = TraceState::parse([many.join(",").as_bytes()]);
        assert!(state.as_str().len() <= MAX_LENGTH);
        assert_eq!(state.members().map(|(k, _)| k).last(), Some("k29"));
    }

    proptest! {
        #[test]
        fn any_bytes_are_parsed_and_a_parsed_list_stays_itself(values: Vec<Vec<u8>>) {
            let state = TraceState::parse(values.iter().map(Vec::as_slice));
            prop_assert_eq!(&TraceState::parse([state.as_str().as_bytes()]), &state);
        }

        #[test]
        fn what_was_formatted_is_parsed(
            members in prop::collection::btree_map("[a-z0-9][a-z0-9_*/-]{0,20}", "[ -+\\--<>-~]{0,20}[!-+\\--<>-~]", 0..33)
        ) {
            let text: Vec<String> = members.iter().map(|(k, v)| format!("{k}={v}")).collect();
            let state = TraceState::parse([text.join(",").as_bytes()]);
            prop_assert_eq!(state.members().count(), members.len());
            for (key, value) in &members {
                prop_assert_eq!(state.get(key), Some(value.as_str()));
            }
        }
    }
}
