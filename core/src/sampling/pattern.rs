//! Which requests are meant: patterns for paths and routes, and the one list of requests that nobody wants to hear of.

/// A path or a route template in which each `*` stands for any text, slashes included.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern(Box<str>);

/// A pattern that could never match.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` matches no path: write one that begins with `/` or `*`, such as /health or /internal/*")]
pub struct PatternError(String);

impl Pattern {
    /// Checks a pattern as users write it.
    ///
    /// # Errors
    /// It begins with neither `/` nor `*`.
    pub fn new(text: &str) -> Result<Self, PatternError> {
        let is_fine = text.starts_with(['/', '*']);
        is_fine.then(|| Self(text.into())).ok_or_else(|| PatternError(text.to_owned()))
    }

    /// Whether the whole text is meant.
    #[must_use]
    pub fn matches(&self, text: &[u8]) -> bool {
        let mut parts = self.0.as_bytes().split(|b| *b == b'*');
        let Some(mut rest) = parts.next().and_then(|start| text.strip_prefix(start)) else { return false };
        let Some(end) = parts.next_back() else { return rest.is_empty() };
        for part in parts {
            // The first place is the best one: it leaves most for the parts that follow.
            match memchr::memmem::find(rest, part) {
                Some(at) => rest = &rest[at + part.len()..],
                None => return false,
            }
        }
        rest.ends_with(end)
    }
}

/// Requests that no sink is told of: no trace, no metric, no line in the access log.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct IgnoreList(Vec<Pattern>);

impl IgnoreList {
    /// Each text is one pattern.
    ///
    /// # Errors
    /// The first text that is none.
    pub fn new<T: AsRef<str>>(patterns: impl IntoIterator<Item = T>) -> Result<Self, PatternError> {
        patterns.into_iter().map(|text| Pattern::new(text.as_ref())).collect::<Result<_, _>>().map(Self)
    }

    /// Whether nothing is ignored.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether a path or a route is ignored.
    #[must_use]
    pub fn matches(&self, text: &[u8]) -> bool {
        self.0.iter().any(|pattern| pattern.matches(text))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn stars_stand_for_any_text() {
        for (pattern, text, expected) in [
            ("/health", "/health", true),
            ("/health", "/healthz", false),
            ("/health", "/a/health", false),
            ("/health*", "/health", true),
            ("/health*", "/healthz/x", true),
            ("/health/*", "/health", false),
            ("/health/*", "/health/", true),
            ("*/ping", "/a/b/ping", true),
            ("*/ping", "/a/pings", false),
            ("/a/*/b", "/a/x/y/b", true),
            ("/a/*/b", "/a/b", false),
            ("/a*b*c", "/a-b-b-c", true),
            ("/a*b*c", "/ac-b", false),
            ("/ab*ba", "/aba", false),
            ("*", "", true),
            ("**", "/x", true),
            ("/items/{id}", "/items/{id}", true),
            ("/\u{e9}*", "/\u{e9}x", true),
        ] {
            assert_eq!(Pattern::new(pattern).unwrap().matches(text.as_bytes()), expected, "{pattern} {text}");
        }
        for wrong in ["", "health", "GET /health"] {
            assert_eq!(Pattern::new(wrong), Err(PatternError(wrong.to_owned())));
        }
    }

    proptest! {
        #[test]
        fn any_text_is_compared(pattern in "[/*][a-c*/]{0,12}", text: Vec<u8>) {
            _ = Pattern::new(&pattern).map(|pattern| pattern.matches(&text));
        }

        #[test]
        fn what_stars_were_replaced_in_matches(parts in prop::collection::vec("[a-c]{0,3}", 1..5), filling in "[a-c/]{0,3}") {
            let pattern = Pattern::new(&format!("/{}", parts.join("*"))).unwrap();
            let text = format!("/{}", parts.join(&filling));
            prop_assert!(pattern.matches(text.as_bytes()));
        }
    }
}
