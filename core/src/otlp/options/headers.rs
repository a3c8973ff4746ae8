//! Headers for the receiver: pairs that mostly hold a secret.

use std::fmt;

use http::{HeaderName, HeaderValue};

/// Names and values in order. Their debug text has the names only: a log must not hold an API key.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Headers(Vec<(HeaderName, HeaderValue)>);

impl Headers {
    /// Adds a header. Returns whether name and value may stand in a request.
    #[must_use]
    pub fn push(&mut self, name: &str, value: &str) -> bool {
        let Ok(name) = HeaderName::from_bytes(name.as_bytes()) else { return false };
        let Ok(mut value) = HeaderValue::from_bytes(value.as_bytes()) else { return false };
        value.set_sensitive(true);
        self.0.push((name, value));
        true
    }

    /// The pairs.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &(HeaderName, HeaderValue)> {
        self.0.iter()
    }

    /// Reads `name=value,name=value`, with percent-encoded values: W3C baggage without properties. What is no pair
    /// goes to `wrong`, by its position: its text may be the secret.
    pub(super) fn parse(text: &str, mut wrong: impl FnMut(usize)) -> Self {
        let mut headers = Self::default();
        let members = text.split(',').map(str::trim).enumerate().filter(|(_, member)| !member.is_empty());
        for (at, member) in members {
            let is_good = member
                .split_once('=')
                .and_then(|(name, value)| Some((name.trim(), decode_percent(value.trim())?)))
                .is_some_and(|(name, value)| headers.push(name, &value));
            if !is_good {
                wrong(at + 1);
            }
        }
        headers
    }
}

impl fmt::Debug for Headers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.iter().map(|(name, _)| name.as_str())).finish()
    }
}

/// Resolves `%41`. `None` if what comes out is no UTF-8; a percent sign that begins no code stays.
fn decode_percent(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        let code = after.split_at_checked(2).filter(|_| byte == b'%');
        let decoded = code.and_then(|(digits, after)| Some((hex_byte(digits)?, after)));
        let (byte, after) = decoded.unwrap_or((byte, after));
        bytes.push(byte);
        rest = after;
    }
    String::from_utf8(bytes).ok()
}

fn hex_byte(digits: &[u8]) -> Option<u8> {
    let mut value = 0;
    for &digit in digits {
        value = value * 16 + char::from(digit).to_digit(16)?;
    }
    u8::try_from(value).ok()
}
