//! The four forms of a request target (RFC 9112 section 3.2) and the host in them.

use std::net::Ipv6Addr;
use std::ops::Range;

use memchr::{memchr, memchr2, memrchr};

use crate::error::Error;

/// Where the parts of a target are in it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Target {
    pub path: Range<usize>,
    pub query: Range<usize>,
    /// Of the absolute and the authority form, without user information.
    pub authority: Option<Range<usize>>,
}

/// Takes a target apart.
///
/// A fragment is not part of any form, but servers take it and so do we: it belongs to neither path nor query. Bytes
/// that a URI must have percent-encoded (`"`, `|`, `{`) are taken for the same reason; no two parsers read them
/// differently.
///
/// # Errors
/// 400 where it has none of the forms that its method allows, or holds a control byte, a space or a byte above 126.
pub(super) fn parse(method: &[u8], target: &[u8]) -> Result<Target, Error> {
    if !target.iter().all(u8::is_ascii_graphic) {
        return Err(Error::protocol(400, "the request target holds a byte that must be percent-encoded"));
    }
    let whole = 0..target.len();
    if method == b"CONNECT" {
        return if is_authority(target) && has_port(target) {
            Ok(Target { path: whole.clone(), query: whole.end..whole.end, authority: Some(whole) })
        } else {
            Err(Error::protocol(400, "the target of CONNECT must be host and port"))
        };
    }
    match target {
        [b'/', ..] => Ok(from_path(target, 0)),
        b"*" if method == b"OPTIONS" => Ok(Target { path: whole.clone(), query: 1..1, authority: None }),
        _ => absolute(target),
    }
}

fn from_path(target: &[u8], start: usize) -> Target {
    let end = memchr(b'#', target).unwrap_or(target.len());
    let question = memchr(b'?', &target[start..end]).map(|at| start + at);
    Target {
        path: start..question.unwrap_or(end),
        query: question.map_or(end, |at| at + 1)..end,
        authority: None,
    }
}

fn absolute(target: &[u8]) -> Result<Target, Error> {
    let authority_start = [&b"http://"[..], b"https://"]
        .iter()
        .find(|scheme| target.get(..scheme.len()).is_some_and(|start| start.eq_ignore_ascii_case(scheme)))
        .map(|scheme| scheme.len())
        .ok_or(Error::protocol(400, "the request target has none of the forms that its method allows"))?;
    let rest = &target[authority_start..];
    let end = authority_start + rest.iter().position(|b| b"/?#".contains(b)).unwrap_or(rest.len());
    let start =
        memrchr(b'@', &target[authority_start..end]).map_or(authority_start, |at| authority_start + at + 1);
    if start == end || !is_authority(&target[start..end]) {
        return Err(Error::protocol(400, "the request target names no valid host"));
    }
    let mut parts = from_path(target, end);
    if parts.path.is_empty() {
        // An empty path means "/" (RFC 9110 section 4.2.3): the last slash of "://" stands in for it.
        parts.path = authority_start - 1..authority_start;
    }
    parts.authority = Some(start..end);
    Ok(parts)
}

/// Whether this is `uri-host [":" port]` (RFC 3986 section 3.2) with a host that is not empty.
pub(super) fn is_authority(value: &[u8]) -> bool {
    let host_end = match value {
        [b'[', ..] => match memchr(b']', value) {
            Some(close) if is_ipv6(&value[1..close]) => close + 1,
            _ => return false,
        },
        _ => memchr(b':', value).unwrap_or(value.len()),
    };
    let (host, port) = value.split_at(host_end);
    (host.first() == Some(&b'[') || is_name(host)) && is_port(port)
}

/// `IPvFuture` has no version yet, and zone identifiers mean nothing to another host: both are refused.
fn is_ipv6(text: &[u8]) -> bool {
    std::str::from_utf8(text).is_ok_and(|text| text.parse::<Ipv6Addr>().is_ok())
}

/// `reg-name` of RFC 3986, which also covers IPv4 addresses; not empty.
fn is_name(host: &[u8]) -> bool {
    let is_plain = |b: u8| b.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=".contains(&b);
    if host.is_empty() || host.iter().all(|b| is_plain(*b)) {
        return !host.is_empty();
    }
    let mut left = host;
    while let [first, tail @ ..] = left {
        left = match (first, tail) {
            (b'%', [high, low, tail @ ..]) if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() => tail,
            (byte, tail) if is_plain(*byte) => tail,
            _ => return false,
        };
    }
    true
}

/// Nothing, or a colon and a number below 65536, which may be missing (RFC 3986 section 3.2.3).
fn is_port(port: &[u8]) -> bool {
    match port {
        [] => true,
        [b':', digits @ ..] => {
            digits.len() <= 5
                && digits.iter().all(u8::is_ascii_digit)
                && digits.iter().fold(0, |sum, digit| sum * 10 + u32::from(digit - b'0')) < 65_536
        }
        _ => false,
    }
}

fn has_port(authority: &[u8]) -> bool {
    memrchr(b':', authority).is_some_and(|colon| {
        colon + 1 < authority.len() && memchr2(b']', b':', &authority[colon + 1..]).is_none()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(method: &str, target: &str) -> Result<[String; 3], u16> {
        let found = parse(method.as_bytes(), target.as_bytes()).map_err(|e| e.status().unwrap())?;
        Ok([found.path, found.query, found.authority.unwrap_or_default()]
            .map(|range| target[range].to_owned()))
    }

    #[test]
    fn each_form_is_taken_apart() {
        for (method, target, path, query, authority) in [
            ("GET", "/", "/", "", ""),
            ("GET", "/a/b?c=d?e", "/a/b", "c=d?e", ""),
            ("GET", "/a?", "/a", "", ""),
            ("GET", "/a#x?y", "/a", "", ""),
            ("GET", "/a?b#c", "/a", "b", ""),
            ("GET", "//a//b", "//a//b", "", ""),
            ("GET", "/\"|{}<>\\^`%zz", "/\"|{}<>\\^`%zz", "", ""),
            ("OPTIONS", "*", "*", "", ""),
            ("OPTIONS", "/", "/", "", ""),
            ("GET", "http://h", "/", "", "h"),
            ("GET", "HTTP://h/", "/", "", "h"),
            ("GET", "https://h:1/p?q", "/p", "q", "h:1"),
            ("GET", "http://h?q", "/", "q", "h"),
            ("GET", "http://h#f", "/", "", "h"),
            ("GET", "http://u:p@x@h:8/p", "/p", "", "h:8"),
            ("GET", "http://[::1]:8/p", "/p", "", "[::1]:8"),
            ("CONNECT", "h_0:443", "h_0:443", "", "h_0:443"),
            ("CONNECT", "[::1]:443", "[::1]:443", "", "[::1]:443"),
        ] {
            assert_eq!(parts(method, target), Ok([path, query, authority].map(str::to_owned)), "{target}");
        }
    }

    #[test]
    fn other_forms_are_refused() {
        for (method, target) in [
            ("GET", ""),
            ("GET", "*"),
            ("GET", "a"),
            ("GET", "h:80"),
            ("GET", "?q"),
            ("GET", "http:/h"),
            ("GET", "http://"),
            ("GET", "http:///p"),
            ("GET", "http://u@/p"),
            ("GET", "http://h:x/"),
            ("GET", "ftp://h/"),
            ("GET", "/\u{e9}"),
            ("GET", "/a\tb"),
            ("GET", "/\u{7f}"),
            ("GET", "/\0"),
            ("OPTIONS", "*/"),
            ("OPTIONS", "**"),
            ("CONNECT", "/"),
            ("CONNECT", "h"),
            ("CONNECT", "h:"),
            ("CONNECT", "[::1]"),
            ("CONNECT", "u@h:1"),
            ("CONNECT", "http://h:1/"),
        ] {
            assert_eq!(parts(method, target), Err(400), "{method} {target:?}");
        }
    }

    #[test]
    fn authorities_are_hosts_with_an_optional_port() {
        for good in
            ["a", "a.b", "a_b", "0.0.0.0=5000", "127.0.0.1:80", "a:", "a:65535", "[::1]", "[::1]:8", "%41"]
        {
            assert!(is_authority(good.as_bytes()), "{good}");
        }
        for bad in [
            "",
            ":80",
            "a:65536",
            "a:-1",
            "a:1:2",
            "a b",
            "a/b",
            "a@b",
            "a?b",
            "[::1",
            "::1",
            "[g]",
            "[::1]8",
            "[]",
            "%4",
            "%4g",
            "a\\b",
            "a\"b",
            "[::1%25lo]",
            "\u{e9}",
            "a:123456",
        ] {
            assert!(!is_authority(bad.as_bytes()), "{bad}");
        }
    }
}
