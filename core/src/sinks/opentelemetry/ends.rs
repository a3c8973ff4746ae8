//! The two ends of a request: who asks, and what that client calls us.

use super::list::List;
use crate::exchange::{Endpoint, Exchange};

/// Client, server and scheme as trusted proxies tell them; the peer as it is.
pub(super) fn put_ends(list: &mut List, exchange: &Exchange) {
    let peer = exchange.peer();
    list.put("url.scheme", exchange.scheme());
    if let Some(client) = exchange.client() {
        list.put("client.address", client.addr().ip().to_canonical().to_string());
    }
    let default_port = if exchange.scheme() == "https" { 443 } else { 80 };
    if let Some((server, port)) = server(exchange) {
        list.text("server.address", server);
        list.put("server.port", i64::from(port.unwrap_or(default_port)));
    }
    if let Some(address) = peer.client.as_ref().map(Endpoint::addr) {
        list.put("network.peer.address", address.ip().to_canonical().to_string());
        list.put("network.peer.port", i64::from(address.port()));
    }
}

/// What the client calls us: as a trusted proxy says, else `Host`; without either where it is connected to.
fn server(exchange: &Exchange) -> Option<(String, Option<u16>)> {
    let told = exchange.origin().and_then(|origin| origin.host.as_deref());
    let own = exchange.request().and_then(|request| std::str::from_utf8(request.authority()).ok());
    if let Some(authority) = told.or(own).filter(|authority| !authority.is_empty()) {
        return Some(split_authority(authority));
    }
    let local = exchange.peer().server.as_ref()?.addr();
    Some((local.ip().to_canonical().to_string(), Some(local.port())))
}

/// Host without brackets, and the port if one is named.
fn split_authority(authority: &str) -> (String, Option<u16>) {
    let (host, port) = match authority.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((host, rest)) => (host, rest.strip_prefix(':')),
        None => authority.split_once(':').map_or((authority, None), |(host, port)| (host, Some(port))),
    };
    (host.to_ascii_lowercase(), port.and_then(|port| port.parse().ok()))
}
