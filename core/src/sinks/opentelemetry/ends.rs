//! The two ends of a request: who asks, and what that client calls us.

use std::borrow::Cow;
use std::net::IpAddr;

use super::list::{List, Output};
use super::names;
use crate::exchange::{Endpoint, Exchange};
use crate::message::Request;
use crate::otlp::SpanWriter;

/// Attributes that tell of both ends.
const MOST: usize = 6;
/// Longer names are not remembered.
const LONGEST_AUTHORITY: usize = 256;

/// Both ends as protobuf. A connection tells the same with each request, unless its client calls us by several names.
#[derive(Clone, Debug)]
pub(crate) struct EncodedEnds {
    authority: Box<[u8]>,
    count: usize,
    attributes: Box<[u8]>,
}

impl EncodedEnds {
    fn new(exchange: &Exchange) -> Self {
        let mut attributes = Vec::new();
        let mut writer = SpanWriter::attributes(&mut attributes);
        let mut list = List::new(&mut writer, MOST, None);
        put_each(&mut list, exchange);
        let count = MOST - list.room();
        Self { authority: authority(exchange).into(), count, attributes: attributes.into() }
    }
}

fn authority(exchange: &Exchange) -> &[u8] {
    exchange.request().map_or(b"", Request::authority)
}

/// Client, server and scheme as trusted proxies tell them; the peer as it is.
pub(super) fn put_ends<O: Output>(list: &mut List<'_, O>, exchange: &Exchange) {
    let authority = authority(exchange);
    let is_usual = exchange.origin().is_none() && authority.len() <= LONGEST_AUTHORITY;
    if is_usual && list.takes_encoded(MOST) {
        let known = exchange.peer().encoded.get_or_init(|| Box::new(EncodedEnds::new(exchange)));
        if *known.authority == *authority {
            return list.encoded(known.count, &known.attributes);
        }
    }
    put_each(list, exchange);
}

fn put_each(list: &mut List<'_, impl Output>, exchange: &Exchange) {
    let scheme = exchange.scheme();
    list.text(&names::URL_SCHEME, scheme);
    if let Some(client) = exchange.client() {
        list.text(&names::CLIENT_ADDRESS, &shown(client));
    }
    if let Some((server, port)) = server(exchange) {
        list.text(&names::SERVER_ADDRESS, &server);
        list.number(&names::SERVER_PORT, port);
    }
    if let Some(peer) = &exchange.peer().client {
        list.text(&names::NETWORK_PEER_ADDRESS, &shown(peer));
        list.number(&names::NETWORK_PEER_PORT, peer.port());
    }
}

/// The address as the conventions want it: an IPv4 client of a dual-stack socket has its IPv4 address. The usual text is
/// made once for a connection.
pub(super) fn shown(end: &Endpoint) -> Cow<'_, str> {
    match end.addr().ip() {
        IpAddr::V4(_) => Cow::Borrowed(end.ip()),
        ip @ IpAddr::V6(_) => Cow::Owned(ip.to_canonical().to_string()),
    }
}

/// What the client calls us: as a trusted proxy says, else `Host`; without either where it is connected to. A port that
/// nobody names is that of the scheme.
#[must_use]
pub fn server(exchange: &Exchange) -> Option<(Cow<'_, str>, u16)> {
    let told = exchange.origin().and_then(|origin| origin.host.as_deref());
    let own = exchange.request().and_then(|request| std::str::from_utf8(request.authority()).ok());
    if let Some(authority) = told.or(own).filter(|authority| !authority.is_empty()) {
        let (host, port) = split_authority(authority);
        let default = if exchange.scheme() == "https" { 443 } else { 80 };
        return Some((host, port.unwrap_or(default)));
    }
    let local = exchange.peer().server.as_ref()?;
    Some((shown(local), local.port()))
}

/// Host without brackets, and the port if one is named.
fn split_authority(authority: &str) -> (Cow<'_, str>, Option<u16>) {
    let (host, port) = match authority.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((host, rest)) => (host, rest.strip_prefix(':')),
        None => authority.split_once(':').map_or((authority, None), |(host, port)| (host, Some(port))),
    };
    let is_lower = !host.bytes().any(|byte| byte.is_ascii_uppercase());
    let host = if is_lower { Cow::Borrowed(host) } else { Cow::Owned(host.to_ascii_lowercase()) };
    (host, port.and_then(|port| port.parse().ok()))
}
