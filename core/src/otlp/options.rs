//! What an exporter can be told, and the standard environment variables for it.
//!
//! Sources: "OpenTelemetry Protocol Exporter" and "Environment Variable Specification" of the OpenTelemetry
//! specification 1.5x. An empty variable counts as unset. A value that cannot be understood is reported and its
//! default used, as the specification asks; one that is understood and cannot be obeyed is refused.

mod environment;
mod headers;
#[cfg(test)]
mod tests;
mod tls;

use std::path::PathBuf;
use std::time::Duration;

pub use environment::{VARIABLES, Variable};
pub use headers::Headers;
pub use tls::Tls;

use http::uri::{Authority, Uri};

use super::encode::Encoding;
use super::span::Text;

/// A day: beyond any sense for a time here, and far from where sums of times overflow.
pub(crate) const LONGEST: Duration = Duration::from_secs(86_400);

/// What is exported. Each has its own path and its own variables.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    /// Spans.
    Traces,
    /// Aggregated numbers.
    Metrics,
}

impl Signal {
    /// The part of a variable's name that makes it this signal's: `OTEL_EXPORTER_OTLP_<here>_ENDPOINT`.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Traces => "TRACES",
            Self::Metrics => "METRICS",
        }
    }

    /// What is appended to an endpoint that is meant for all signals.
    #[must_use]
    pub const fn path(self) -> &'static str {
        match self {
            Self::Traces => "v1/traces",
            Self::Metrics => "v1/metrics",
        }
    }
}

/// Why an exporter cannot be made. The text names the option and what would be right.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct OptionError(pub(super) String);

impl OptionError {
    pub(crate) fn new(text: &str) -> Self {
        Self(text.to_owned())
    }
}

/// How and where to export.
#[derive(Clone, Debug, PartialEq)]
pub struct Options {
    /// The full URL of the receiver, path included.
    pub endpoint: String,
    /// How requests are written.
    pub encoding: Encoding,
    /// Compress requests with gzip.
    pub is_gzip: bool,
    /// Sent with each request: API keys and the like.
    pub headers: Headers,
    /// Longest time of one request, from connecting to the end of the answer.
    pub timeout: Duration,
    /// Whom to trust, and who we are.
    pub tls: Tls,
    /// Spans in memory, those on their way included. More are dropped and counted.
    pub max_queue_size: usize,
    /// Spans of one request.
    pub max_batch_size: usize,
    /// Longest time that a span waits for others to fill its batch.
    pub schedule_delay: Duration,
    /// A batch that the receiver has kept refusing for so long is given up when its room is needed.
    pub export_timeout: Duration,
    /// First wait after a failure; each further one is twice as long.
    pub retry_delay: Duration,
    /// Longest wait after a failure, unless the receiver asks for a longer one with `Retry-After`.
    pub retry_delay_max: Duration,
    /// Where batches are kept while the receiver is down. `None`: in memory, up to `max_queue_size` spans.
    pub spool_dir: Option<PathBuf>,
    /// Bytes in `spool_dir`, of this process. Above it the oldest are dropped and counted.
    pub spool_max_bytes: u64,
}

impl Options {
    /// The defaults for a signal.
    #[must_use]
    pub fn new(signal: Signal) -> Self {
        Self {
            endpoint: format!("http://localhost:4318/{}", signal.path()),
            encoding: Encoding::Protobuf,
            is_gzip: false,
            headers: Headers::default(),
            timeout: Duration::from_secs(10),
            tls: Tls::default(),
            // Four times and twice the specification's: there a second of 50,000 requests loses spans as soon as this
            // thread waits 40 ms for the receiver or for a processor.
            max_queue_size: 8_192,
            max_batch_size: 512,
            schedule_delay: Duration::from_secs(5),
            export_timeout: Duration::from_secs(30),
            retry_delay: Duration::from_secs(1),
            retry_delay_max: Duration::from_secs(30),
            spool_dir: None,
            spool_max_bytes: 256 << 20,
        }
    }

    /// The defaults, overridden by what the environment says, and warnings about what it says wrong.
    ///
    /// `lookup` returns a variable's value, `None` if it is unset.
    ///
    /// # Errors
    /// [`OptionError`] for what we understand and cannot do: gRPC, an endpoint that is no HTTP URL.
    pub fn from_env(
        signal: Signal,
        lookup: impl Fn(&str) -> Option<String>,
    ) -> Result<(Self, Vec<String>), OptionError> {
        let mut options = Self::new(signal);
        let warnings = environment::apply(&mut options, signal, &lookup)?;
        Ok((options, warnings))
    }

    /// What a log may call the receiver: the endpoint without the parts that may hold a secret, which are user, password
    /// and query.
    #[must_use]
    pub fn display_name(&self) -> String {
        let plain = self.endpoint.split(['?', '#']).next().unwrap_or_default();
        match plain.split_once("://") {
            Some((scheme, rest)) => {
                let (authority, path) = rest.find('/').map_or((rest, ""), |at| rest.split_at(at));
                let host = authority.rsplit('@').next().unwrap_or_default();
                format!("{scheme}://{host}{path}")
            }
            None => plain.to_owned(),
        }
    }

    /// Host and port of the endpoint, the host without the brackets that a URL puts around an IPv6 address.
    #[must_use]
    pub(crate) fn host(&self) -> Option<(Text, u16)> {
        let uri: http::Uri = self.endpoint.parse().ok()?;
        let usual = if uri.scheme_str() == Some("https") { 443 } else { 80 };
        let host = uri.host()?.trim_start_matches('[').trim_end_matches(']');
        Some((host.to_owned().into(), uri.port_u16().unwrap_or(usual)))
    }

    /// Refuses options with which an exporter could not work. Files of `tls` are read later.
    ///
    /// # Errors
    /// [`OptionError`], naming the option.
    pub fn check(&self) -> Result<(), OptionError> {
        let wrong = |text: &str| Err(OptionError(text.to_owned()));
        check_endpoint(&self.endpoint)?;
        if self.max_queue_size == 0 || self.max_batch_size == 0 {
            return wrong("max_queue_size and max_batch_size must be at least 1");
        }
        if self.max_batch_size > self.max_queue_size {
            return wrong("max_batch_size must not be above max_queue_size");
        }
        if self.timeout.is_zero() || self.retry_delay.is_zero() {
            return wrong("timeout and retry_delay must be above 0");
        }
        let times =
            [self.timeout, self.schedule_delay, self.export_timeout, self.retry_delay, self.retry_delay_max];
        if times.iter().any(|time| *time > LONGEST) {
            return wrong("times must not be above one day");
        }
        if self.spool_dir.is_some() && self.spool_max_bytes < 65_536 {
            return wrong("spool_max_bytes must be at least 65536");
        }
        Ok(())
    }
}

/// An endpoint that no request could be sent to is refused at once: to fall back to localhost would hide it.
fn check_endpoint(endpoint: &str) -> Result<(), OptionError> {
    let is_http = endpoint.parse::<Uri>().is_ok_and(|uri| {
        matches!(uri.scheme_str(), Some("http" | "https")) && uri.authority().is_some_and(names_a_place)
    });
    if is_http {
        return Ok(());
    }
    let example = "for example http://localhost:4318";
    Err(OptionError(format!("the OTLP endpoint must be an http:// or https:// URL, {example}: {endpoint:?}")))
}

/// A host, and a port that exists or none.
fn names_a_place(authority: &Authority) -> bool {
    let end = authority.as_str().rsplit('@').next().unwrap_or_default();
    let has_port = end.len() > authority.host().len();
    !authority.host().is_empty() && (!has_port || authority.port_u16().is_some_and(|port| port > 0))
}
