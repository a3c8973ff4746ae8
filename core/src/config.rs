//! The engine's options: one struct, checked once before anything is bound.
//!
//! `python/wirespan/config.py` has the same fields under the same names; a test compares the two. There they get
//! their command-line flag, environment variable and help text.

use std::sync::Arc;

use crate::error::Error;
use crate::propagation::{Networks, Proxies, ProxyHeaders};
use crate::trace::Level;

/// Every bound and switch of the engine. Sizes in bytes, times in seconds; 0 switches a time-out off.
#[derive(Clone, Debug, PartialEq)]
pub struct ServerConfig {
    /// Request line and headers together. Over it: 431. (nginx 32 KiB, Node 16 KiB, uvicorn 64 KiB.)
    pub limit_head_bytes: usize,
    /// Request target alone. Over it: 414. RFC 9112 section 3 recommends at least 8,000.
    pub limit_target_bytes: usize,
    /// Number of header lines, and of trailer lines. Over it: 431. (Apache 100.)
    pub limit_header_count: usize,
    /// Decoded request body. Over it: 413.
    pub limit_body_bytes: u64,
    /// Trailer section, and all chunk extensions of one body together. Over it: 431 or 413.
    pub limit_trailer_bytes: usize,
    /// Body bytes kept for a handler that does not read before we stop reading the socket.
    pub limit_body_buffer_bytes: usize,
    /// Response bytes kept for a client that does not read before `send` waits.
    pub limit_write_buffer_bytes: usize,
    /// Open connections of one worker. Over it: 503 and a close.
    pub limit_connections: usize,
    /// From a request's first byte to the end of its head. Over it: 408.
    pub timeout_header_s: f64,
    /// Longest silence while a body is due. Over it: 408.
    pub timeout_body_s: f64,
    /// Longest time a client may take none of a pending response.
    pub timeout_write_s: f64,
    /// Longest idle time of a kept-alive connection.
    pub timeout_idle_s: f64,
    /// Longest run of one handler. Over it: it is cancelled, 503.
    pub timeout_handler_s: f64,
    /// Send `Date` on every response.
    pub date_header: bool,
    /// Value of the `Server` header; empty: none is sent.
    pub server_header: String,
    /// Proxies that are believed when they say whom they serve: networks with commas between. (uvicorn: 127.0.0.1.)
    pub trusted_proxies: String,
    /// Which fields those proxies write: a name of [`ProxyHeaders`].
    pub proxy_headers: String,
    /// Pending connections the kernel holds for us.
    pub backlog: u32,
    /// How much the records hold.
    pub trace_level: Level,
}

impl Default for ServerConfig {
    fn default() -> Self {
        Self {
            limit_head_bytes: 65_536,
            limit_target_bytes: 16_384,
            limit_header_count: 100,
            limit_body_bytes: 1 << 30,
            limit_trailer_bytes: 8_192,
            limit_body_buffer_bytes: 262_144,
            limit_write_buffer_bytes: 262_144,
            limit_connections: 16_384,
            timeout_header_s: 10.0,
            timeout_body_s: 60.0,
            timeout_write_s: 60.0,
            timeout_idle_s: 75.0,
            timeout_handler_s: 0.0,
            date_header: true,
            server_header: String::from("wirespan"),
            trusted_proxies: String::from("127.0.0.0/8, ::1"),
            proxy_headers: String::from("x-forwarded"),
            backlog: 2_048,
            trace_level: Level::Disabled,
        }
    }
}

impl ServerConfig {
    /// Refuses values with which the server could not work.
    ///
    /// # Errors
    /// `Fault::Operator`, naming the option.
    pub fn check(&self) -> Result<(), Error> {
        let wrong = |what| Err(Error::operator(what, None));
        if !(1_024..=16_777_216).contains(&self.limit_head_bytes) {
            return wrong("limit_head_bytes must be between 1024 and 16777216");
        }
        if self.limit_target_bytes == 0 {
            return wrong("limit_target_bytes must be at least 1");
        }
        if self.limit_header_count == 0 || self.limit_header_count > 1_000 {
            return wrong("limit_header_count must be between 1 and 1000");
        }
        if self.limit_body_buffer_bytes < 4_096 || self.limit_write_buffer_bytes < 4_096 {
            return wrong("limit_body_buffer_bytes and limit_write_buffer_bytes must be at least 4096");
        }
        if self.limit_connections == 0 {
            return wrong("limit_connections must be at least 1");
        }
        let times = [
            self.timeout_header_s,
            self.timeout_body_s,
            self.timeout_write_s,
            self.timeout_idle_s,
            self.timeout_handler_s,
        ];
        if times.iter().any(|t| !(0.0..=31_536_000.0).contains(t)) {
            return wrong("a timeout_..._s must be between 0 (off) and 31536000 seconds");
        }
        if !crate::message::is_field_value(self.server_header.as_bytes()) {
            return wrong("server_header must be one line of visible characters");
        }
        self.proxies().map(drop)
    }

    /// The proxies that are believed, if any.
    ///
    /// # Errors
    /// `Fault::Operator` for a network or a name that is none.
    pub(crate) fn proxies(&self) -> Result<Option<Arc<Proxies>>, Error> {
        let texts: Vec<_> = self.trusted_proxies.split(',').filter(|text| !text.trim().is_empty()).collect();
        let is_given = !texts.is_empty();
        let Ok(networks) = Networks::parse(texts) else {
            return Err(Error::operator(
                "trusted_proxies must be addresses such as 10.1.2.3, or ranges such as 10.0.0.0/8",
                None,
            ));
        };
        let Some(headers) = ProxyHeaders::from_name(&self.proxy_headers) else {
            return Err(Error::operator("proxy_headers must be x-forwarded or forwarded", None));
        };
        Ok(is_given.then(|| Arc::new(Proxies { networks, headers })))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn proxies_are_networks_with_commas_between() {
        for (text, is_believed) in [
            ("127.0.0.0/8, ::1", Some(true)),
            (" 10.0.0.0/8,127.0.0.1 ,", Some(true)),
            ("10.0.0.0/8", Some(false)),
            ("", None),
            (" , ", None),
        ] {
            let config = ServerConfig { trusted_proxies: text.to_owned(), ..ServerConfig::default() };
            let proxies = config.proxies().unwrap();
            let local = "127.0.0.1".parse().unwrap();
            assert_eq!(proxies.map(|proxies| proxies.networks.contains(local)), is_believed, "{text}");
        }
        for text in ["localhost", "10.0.0.0/33", "127.0.0.1;10.0.0.1", "*"] {
            let config = ServerConfig { trusted_proxies: text.to_owned(), ..ServerConfig::default() };
            assert!(config.check().is_err(), "{text}");
        }
        let config = ServerConfig { proxy_headers: "x-real-ip".to_owned(), ..ServerConfig::default() };
        assert!(config.check().is_err());
    }
}
