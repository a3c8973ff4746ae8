//! The two ends of the connection that an exchange came on.

use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};

use crate::propagation::Proxies;
use crate::sinks::opentelemetry::EncodedEnds;

/// One end of a TCP connection. Its text is made once a connection: each request shows it.
#[derive(Clone, Debug)]
pub struct Endpoint {
    addr: SocketAddr,
    text: OnceLock<Box<str>>,
}

impl Endpoint {
    /// The address as text follows when it is asked for.
    #[must_use]
    pub const fn new(addr: SocketAddr) -> Self {
        Self { addr, text: OnceLock::new() }
    }

    /// Address and port: `192.0.2.1:80`, `[2001:db8::1]:80`; without a port that is not known.
    #[must_use]
    pub fn text(&self) -> &str {
        let text = || match self.addr.port() {
            0 => self.addr.ip().to_string(),
            _ => self.addr.to_string(),
        };
        self.text.get_or_init(|| text().into())
    }

    /// The address alone, without brackets.
    #[must_use]
    pub fn ip(&self) -> &str {
        let (ip, _) = match self.addr.port() {
            0 => (self.text(), ""),
            _ => self.text().rsplit_once(':').unwrap_or_default(),
        };
        ip.trim_start_matches('[').trim_end_matches(']')
    }

    /// The port; 0 where a proxy did not tell it.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.addr.port()
    }

    /// Both as numbers.
    #[must_use]
    pub const fn addr(&self) -> SocketAddr {
        self.addr
    }
}

/// The two ends of a connection. Unix sockets have no addresses.
#[derive(Clone, Debug, Default)]
pub struct Peer {
    /// The client's end.
    pub client: Option<Endpoint>,
    /// Our end.
    pub server: Option<Endpoint>,
    /// The client is a proxy that is believed, and this says how far.
    pub proxies: Option<Arc<Proxies>>,
    /// What spans tell of this connection, made by the first.
    pub(crate) encoded: OnceLock<Box<EncodedEnds>>,
}
