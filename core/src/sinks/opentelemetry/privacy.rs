//! What a span must not tell: secrets in query strings, and texts of any length.

use std::borrow::Cow;

/// Query parameters whose values are secrets: signed links of the large clouds.
const SECRETS: [&str; 7] = [
    "AWSAccessKeyId",
    "Signature",
    "X-Amz-Credential",
    "X-Amz-Security-Token",
    "X-Amz-Signature",
    "X-Goog-Signature",
    "sig",
];

/// The query with the values of secret parameters replaced, as the conventions ask; keys stay.
#[must_use]
pub fn redact(query: &str) -> String {
    let pairs = query.split('&').map(|pair| match pair.split_once('=') {
        Some((key, _)) if SECRETS.contains(&key) => Cow::Owned(format!("{key}=REDACTED")),
        _ => Cow::Borrowed(pair),
    });
    pairs.collect::<Vec<_>>().join("&")
}

/// At most so many characters.
pub(super) fn clip(text: &str, limit: Option<usize>) -> &str {
    let end = limit.filter(|limit| text.len() > *limit).and_then(|limit| text.char_indices().nth(limit));
    end.map_or(text, |(end, _)| &text[..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_replaced() {
        for (query, expected) in [
            ("", ""),
            ("q=OpenTelemetry&sig=abc", "q=OpenTelemetry&sig=REDACTED"),
            ("sig=a=b&sig=&sig", "sig=REDACTED&sig=REDACTED&sig"),
            ("Sig=a&signature=b&x=sig=1", "Sig=a&signature=b&x=sig=1"),
            (
                "X-Amz-Signature=1&X-Amz-Credential=2&X-Amz-Security-Token=3&AWSAccessKeyId=4&Signature=5&X-Goog-Signature=6",
                "X-Amz-Signature=REDACTED&X-Amz-Credential=REDACTED&X-Amz-Security-Token=REDACTED&AWSAccessKeyId=REDACTED&Signature=REDACTED&X-Goog-Signature=REDACTED",
            ),
            ("&&a", "&&a"),
        ] {
            assert_eq!(redact(query), expected);
        }
    }

    #[test]
    fn texts_are_clipped_at_characters() {
        for (limit, expected) in
            [(None, "a\u{e9}\u{1f600}"), (Some(2), "a\u{e9}"), (Some(3), "a\u{e9}\u{1f600}"), (Some(0), "")]
        {
            assert_eq!(clip("a\u{e9}\u{1f600}", limit), expected);
        }
    }
}
