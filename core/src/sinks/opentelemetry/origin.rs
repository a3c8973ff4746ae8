//! Where a request came from and what it asked for, behind the proxies that we trust.
//!
//! `Forwarded` (RFC 7239), else the `X-Forwarded-...` headers, are looked at only where the peer is a trusted proxy. The
//! hops are walked from the right, which the nearest proxy wrote: the first address that is no trusted proxy is the
//! client, and what stands left of it anybody may have made up. Scheme and host are those of the same hop.

use std::net::{IpAddr, SocketAddr};

use crate::exchange::{Endpoint, Peer};
use crate::message::Request;
use crate::propagation::Networks;

/// Hops that are looked at, counted from the right.
const MAX_HOPS: usize = 32;

/// The two ends as the conventions want them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Origin {
    /// `http` or `https`.
    pub scheme: String,
    pub client: Option<IpAddr>,
    pub server: Option<String>,
    pub server_port: Option<u16>,
}

/// What one proxy says about the side it took the request from.
#[derive(Clone, Copy, Debug, Default)]
struct Hop<'a> {
    client: Option<IpAddr>,
    scheme: Option<&'a str>,
    host: Option<&'a str>,
}

impl Origin {
    pub(crate) fn new(request: Option<&Request>, peer: &Peer, proxies: &Networks) -> Self {
        let direct = peer.client.as_ref().map(|end| end.addr().ip());
        let hop = match request {
            Some(request) if proxies.contains_peer(direct) => nearest(request, proxies),
            _ => Hop::default(),
        };
        let scheme = hop.scheme.filter(|s| matches!(*s, "http" | "https")).unwrap_or("http").to_owned();
        let own = request.and_then(|request| std::str::from_utf8(request.authority()).ok());
        let (server, port) = match hop.host.or(own).filter(|authority| !authority.is_empty()) {
            Some(authority) => split_authority(authority),
            None => local(peer.server.as_ref().map(Endpoint::addr)),
        };
        let default_port = if scheme == "https" { 443 } else { 80 };
        let server_port = server.is_some().then(|| port.unwrap_or(default_port));
        Self { scheme, client: hop.client.or(direct).map(|ip| ip.to_canonical()), server, server_port }
    }
}

fn local(server: Option<SocketAddr>) -> (Option<String>, Option<u16>) {
    (server.map(|address| address.ip().to_canonical().to_string()), server.map(|address| address.port()))
}

/// Host without brackets, and the port if one is named.
fn split_authority(authority: &str) -> (Option<String>, Option<u16>) {
    let (host, port) = match authority.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((host, rest)) => (host, rest.strip_prefix(':')),
        None => authority.split_once(':').map_or((authority, None), |(host, port)| (host, Some(port))),
    };
    (Some(host.to_ascii_lowercase()), port.and_then(|port| port.parse().ok()))
}

/// The hop whose client is nobody we trust, or the farthest one.
fn nearest<'a>(request: &'a Request, proxies: &Networks) -> Hop<'a> {
    let mut best = Hop::default();
    for hop in hops(request) {
        // An address that is hidden ends the walk: whoever stands behind it is unknown.
        let Some(client) = hop.client else {
            return Hop { client: best.client, ..hop };
        };
        best = Hop { scheme: hop.scheme.or(best.scheme), host: hop.host.or(best.host), ..hop };
        if !proxies.contains(client) {
            break;
        }
    }
    best
}

/// The hops from the right.
fn hops<'a>(request: &'a Request) -> Vec<Hop<'a>> {
    let forwarded = list(request, b"forwarded");
    if !forwarded.is_empty() {
        return forwarded.into_iter().map(element).collect();
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

/// An address, with or without port; `None` for `unknown` and made-up names.
fn node(text: &str) -> Option<IpAddr> {
    let bare = text.strip_prefix('[').and_then(|rest| rest.split_once(']')).map_or(text, |(inner, _)| inner);
    let address = bare.parse().or_else(|_| text.parse::<SocketAddr>().map(|address| address.ip()));
    address.ok().map(|address: IpAddr| address.to_canonical())
}
