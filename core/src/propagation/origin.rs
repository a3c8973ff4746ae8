//! Where a request came from: what proxies say of it, as far as they are trusted.
//!
//! The walk begins at the proxy that is connected to us and goes on as long as the address that it names is a trusted
//! proxy too: so a client can put into the fields what it likes, nobody looks at it. Only the one kind of field is read
//! that the proxies are said to write; the other comes from clients, unchanged. Sources: RFC 7239, and for `X-Forwarded-...`
//! what nginx, Envoy and the large clouds send.

use std::net::{IpAddr, SocketAddr};

use super::Networks;
use crate::exchange::Endpoint;
use crate::message::Request;

/// Hops that are looked at, counted from the right.
const MAX_HOPS: usize = 32;

/// The fields in which proxies say whom they serve.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ProxyHeaders {
    /// `X-Forwarded-For`, `X-Forwarded-Proto`, `X-Forwarded-Host`.
    #[default]
    XForwarded,
    /// `Forwarded`, of RFC 7239.
    Forwarded,
}

impl ProxyHeaders {
    /// Both, under the names that options have.
    pub const ALL: [(Self, &str); 2] = [(Self::XForwarded, "x-forwarded"), (Self::Forwarded, "forwarded")];

    /// By its name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find_map(|(headers, known)| (known == name).then_some(headers))
    }
}

/// The proxies that are believed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Proxies {
    /// Where they are.
    pub networks: Networks,
    /// What they write.
    pub headers: ProxyHeaders,
}

/// What trusted proxies say of a request. What they do not say is `None`.
#[derive(Debug, Default)]
pub struct Origin {
    /// The client; port 0 where that is not said.
    pub client: Option<Endpoint>,
    /// `http` or `https`.
    pub scheme: Option<&'static str>,
    /// What the client called us, perhaps with a port.
    pub host: Option<Box<str>>,
}

/// What one proxy says about the side it took the request from.
#[derive(Clone, Copy, Debug, Default)]
struct Hop<'a> {
    client: Option<SocketAddr>,
    scheme: Option<&'a str>,
    host: Option<&'a str>,
}

impl Origin {
    /// For a request of a connection that a trusted proxy made; `None` where it says nothing.
    pub(crate) fn new(request: &Request, proxies: &Proxies) -> Option<Self> {
        let hop = nearest(request, proxies);
        let scheme =
            |given: &str| ["http", "https"].into_iter().find(|known| given.eq_ignore_ascii_case(known));
        let origin = Self {
            client: hop.client.map(Endpoint::new),
            scheme: hop.scheme.and_then(scheme),
            host: hop.host.filter(|host| !host.is_empty()).map(Into::into),
        };
        let is_told = origin.client.is_some() || origin.scheme.is_some() || origin.host.is_some();
        is_told.then_some(origin)
    }
}

/// The hop whose client is nobody we trust, or the farthest one.
fn nearest<'a>(request: &'a Request, proxies: &Proxies) -> Hop<'a> {
    let mut best = Hop::default();
    for hop in hops(request, proxies.headers) {
        // An address that is hidden ends the walk: whoever stands behind it is unknown.
        let Some(client) = hop.client else {
            return Hop { client: best.client, ..hop };
        };
        best = Hop { scheme: hop.scheme.or(best.scheme), host: hop.host.or(best.host), ..hop };
        if !proxies.networks.contains(client.ip()) {
            break;
        }
    }
    best
}

/// The hops from the right.
fn hops<'a>(request: &'a Request, headers: ProxyHeaders) -> Vec<Hop<'a>> {
    if headers == ProxyHeaders::Forwarded {
        return list(request, b"forwarded").into_iter().map(element).collect();
    }
    // Most requests come without a proxy: one look instead of three lists.
    if !request.fields().any(|(name, _)| name.starts_with(b"x-forwarded-")) {
        return Vec::new();
    }
    let (schemes, hosts) = (list(request, b"x-forwarded-proto"), list(request, b"x-forwarded-host"));
    let clients = list(request, b"x-forwarded-for");
    let count = clients.len();
    // Some proxies write one value for all hops.
    let nth = |values: &[&'a str], at: usize| {
        if values.len() == count { values.get(at) } else { values.first() }.copied()
    };
    let mut hops: Vec<_> = clients
        .iter()
        .enumerate()
        .map(|(at, client)| Hop { client: node(client), scheme: nth(&schemes, at), host: nth(&hosts, at) })
        .collect();
    if hops.is_empty() && !(schemes.is_empty() && hosts.is_empty()) {
        hops.push(Hop { client: None, scheme: schemes.first().copied(), host: hosts.first().copied() });
    }
    hops
}

/// The members of all fields of this name, from the right.
fn list<'a>(request: &'a Request, name: &'static [u8]) -> Vec<&'a str> {
    let values: Vec<&str> =
        request.values(name).filter_map(|value| std::str::from_utf8(value).ok()).collect();
    let members = values.into_iter().rev().flat_map(|value| value.rsplit(','));
    members.map(str::trim).filter(|member| !member.is_empty()).take(MAX_HOPS).collect()
}

/// One `forwarded-element`. Quoted strings with commas or semicolons in them are cut, which no address or host has.
fn element(text: &str) -> Hop<'_> {
    let mut hop = Hop::default();
    for (name, value) in text.split(';').filter_map(|pair| pair.split_once('=')) {
        let value = value.trim().trim_matches('"');
        match name.trim() {
            name if name.eq_ignore_ascii_case("for") => hop.client = node(value),
            name if name.eq_ignore_ascii_case("proto") => hop.scheme = Some(value),
            name if name.eq_ignore_ascii_case("host") => hop.host = Some(value),
            _ => {}
        }
    }
    hop
}

/// An address, with or without port (0); `None` for `unknown` and made-up names.
fn node(text: &str) -> Option<SocketAddr> {
    let bare = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(text);
    let alone = bare.parse().map(|ip: IpAddr| SocketAddr::new(ip, 0));
    let address: SocketAddr = alone.or_else(|_| text.parse()).ok()?;
    Some(SocketAddr::new(address.ip().to_canonical(), address.port()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_in_every_form() {
        for (text, expected) in [
            ("203.0.113.5", Some("203.0.113.5:0")),
            ("203.0.113.5:99", Some("203.0.113.5:99")),
            ("2001:db8::1", Some("[2001:db8::1]:0")),
            ("[2001:db8::1]", Some("[2001:db8::1]:0")),
            ("[2001:db8::1]:4711", Some("[2001:db8::1]:4711")),
            ("::ffff:10.0.0.1", Some("10.0.0.1:0")),
            ("unknown", None),
            ("_hidden", None),
            ("203.0.113.5:99999", None),
            ("203.0.113.5 ", None),
            ("[203.0.113.5", None),
            ("", None),
        ] {
            assert_eq!(node(text), expected.map(|text| text.parse().unwrap()), "{text}");
        }
    }
}
