//! Which methods are named in spans: any other is `_OTHER`, so that clients cannot make up names without end.

use std::sync::Arc;

/// The methods of RFC 9110 with PATCH (RFC 5789) and QUERY.
const KNOWN: [&str; 10] =
    ["GET", "POST", "PUT", "DELETE", "HEAD", "OPTIONS", "PATCH", "QUERY", "TRACE", "CONNECT"];

/// The known methods, case kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Methods(Vec<Arc<str>>);

impl Default for Methods {
    fn default() -> Self {
        Self(KNOWN.map(Arc::from).to_vec())
    }
}

impl Methods {
    /// By the value of `OTEL_INSTRUMENTATION_HTTP_KNOWN_METHODS`, which replaces the whole list: names between commas. Unset
    /// or empty is the default.
    #[must_use]
    pub fn from_names(names: Option<&str>) -> Self {
        let names = names.unwrap_or_default().split(',').map(str::trim).filter(|name| !name.is_empty());
        let own: Vec<Arc<str>> = names.map(Arc::from).collect();
        if own.is_empty() { Self::default() } else { Self(own) }
    }

    /// All known names, each in its place.
    #[must_use]
    pub fn names(&self) -> &[Arc<str>] {
        &self.0
    }

    /// The place of a name, if it is known.
    pub(crate) fn position(&self, method: &[u8]) -> Option<usize> {
        // Byte by byte: for so few that costs less than a call to compare memory.
        self.0
            .iter()
            .position(|known| known.len() == method.len() && known.bytes().eq(method.iter().copied()))
    }

    /// The name, if it is known.
    pub(super) fn find(&self, method: &[u8]) -> Option<&Arc<str>> {
        self.position(method).map(|place| &self.0[place])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_methods() {
        for (names, method, expected) in [
            (None, "GET", true),
            (None, "QUERY", true),
            (None, "PATCH", true),
            (None, "get", false),
            (None, "PURGE", false),
            (Some(""), "GET", true),
            (Some("PURGE, get"), "PURGE", true),
            (Some("PURGE, get"), "get", true),
            (Some("PURGE, get"), "GET", false),
        ] {
            let found = Methods::from_names(names).find(method.as_bytes()).is_some();
            assert_eq!(found, expected, "{names:?} {method}");
        }
    }
}
