//! What a request to the inspector is answered.

use crate::h1::reason;
use crate::message::Request;

/// The one thing that can be asked for.
const PATH: &[u8] = b"/inflight";

/// The whole response.
pub(super) fn to(request: &Request, is_open: bool, answer: &dyn Fn() -> Option<String>) -> Vec<u8> {
    if is_open && !(is_local(request.authority()) && request.value(b"origin").is_none()) {
        return refusal(403);
    }
    if request.path() != PATH {
        return refusal(404);
    }
    if request.method() != b"GET" {
        return refusal(405);
    }
    answer().map_or_else(|| refusal(503), |body| response(200, "", "application/json", &format!("{body}\n")))
}

/// The response to what is not answered.
pub(super) fn refusal(status: u16) -> Vec<u8> {
    let (fields, what) = match status {
        403 => ("", "ask by a loopback name such as localhost, and not from a web page"),
        404 => ("", "ask for /inflight"),
        405 => ("allow: GET\r\n", "only GET is known here"),
        503 => ("", "the server is down"),
        _ => ("", "this request cannot be understood"),
    };
    response(status, fields, "text/plain; charset=utf-8", &format!("{what}\n"))
}

fn response(status: u16, fields: &str, content_type: &str, body: &str) -> Vec<u8> {
    let reason = reason(status);
    format!(
        "HTTP/1.1 {status} {reason}\r\n{fields}content-type: {content_type}\r\ncontent-length: {}\r\n\
         cache-control: no-store\r\nx-content-type-options: nosniff\r\nconnection: close\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

/// Whether a host, with or without a port, can only mean this machine.
fn is_local(authority: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(authority) else { return false };
    let host = match text.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|digit| digit.is_ascii_digit()) => host,
        _ => text,
    };
    let ip = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    host.eq_ignore_ascii_case("localhost") || ip.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_machine_is_local() {
        for host in ["localhost", "LOCALHOST:80", "127.0.0.1", "127.0.0.2:9", "[::1]", "[::1]:8000"] {
            assert!(is_local(host.as_bytes()), "{host}");
        }
        for host in
            ["", "localhost.example", "evil.test", "127.0.0.1.evil.test", "192.0.2.1:80", "::2", "\u{e9}"]
        {
            assert!(!is_local(host.as_bytes()), "{host}");
        }
    }
}
