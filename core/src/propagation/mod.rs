//! Trace context in and out: which trace a request belongs to by its headers, and the headers for requests we cause.
//!
//! W3C trace context level 2 ([`traceparent`], [`TraceState`]) and baggage, B3 by option. What a caller sends is a
//! hint: [`Trust`] says whose hints count.

mod b3;
mod baggage;
pub(crate) mod hex;
pub mod ids;
mod network;
mod origin;
#[cfg(test)]
mod tests;
pub mod traceparent;
mod tracestate;

pub use baggage::{Baggage, MAX_LENGTH as MAX_BAGGAGE_LENGTH, MAX_MEMBERS as MAX_BAGGAGE_MEMBERS, Member};
pub use network::{Network, NetworkError, Networks};
pub use origin::{Origin, Proxies, ProxyHeaders};
pub use tracestate::TraceState;

use std::net::IpAddr;

use crate::trace::SpanContext;

/// The span of a caller.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remote {
    /// Its ids, flags and `tracestate`.
    pub span: SpanContext,
    /// B3 only: the caller left the decision about sampling to us.
    pub is_deferred: bool,
}

/// What the headers say about the caller.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Caller {
    /// Nothing that is valid: the trace starts here.
    #[default]
    Unknown,
    /// Only (in B3) whether to record; the trace starts here.
    Decided(bool),
    /// The trace goes on.
    Known(Remote),
}

/// Whose trace context is continued.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Trust {
    /// Everybody's.
    #[default]
    Always,
    /// Nobody's: each request is a new trace, linked to the caller's.
    Never,
    /// That of callers in these networks, and on Unix sockets.
    Networks(Networks),
}

impl Trust {
    /// Whether a caller at the other end of this connection is trusted; no address: a Unix socket.
    #[must_use]
    pub fn covers(&self, peer: Option<IpAddr>) -> bool {
        match self {
            Self::Always => true,
            Self::Never => false,
            Self::Networks(networks) => networks.contains_peer(peer),
        }
    }
}

/// One set of headers. The names are those of `OTEL_PROPAGATORS`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Propagator {
    /// `traceparent` and `tracestate`.
    TraceContext,
    /// `baggage`.
    Baggage,
    /// `b3`.
    B3,
    /// `x-b3-traceid` and its like.
    B3Multi,
}

impl Propagator {
    /// All of them with the names that users write.
    pub const ALL: [(Self, &'static str); 4] = [
        (Self::TraceContext, "tracecontext"),
        (Self::Baggage, "baggage"),
        (Self::B3, "b3"),
        (Self::B3Multi, "b3multi"),
    ];
}

/// The headers that are read and written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Propagators(Vec<Propagator>);

impl Default for Propagators {
    fn default() -> Self {
        Self(vec![Propagator::TraceContext, Propagator::Baggage])
    }
}

impl Propagators {
    /// By the value of `OTEL_PROPAGATORS`: names between commas, each counted once; unset or empty is the default, `none`
    /// is none. Returns a warning for each name that is unknown or not supported, which is ignored.
    #[must_use]
    pub fn from_names(names: Option<&str>) -> (Self, Vec<String>) {
        let names = names.unwrap_or_default().trim();
        if names.is_empty() {
            return (Self::default(), Vec::new());
        }
        let (mut found, mut warnings) = (Vec::new(), Vec::new());
        for name in names.split(',').map(str::trim).filter(|name| !name.is_empty() && *name != "none") {
            match Propagator::ALL.iter().find(|(_, known)| *known == name) {
                Some((propagator, _)) if !found.contains(propagator) => found.push(*propagator),
                Some(_) => {}
                None => warnings.push(format!(
                    "OTEL_PROPAGATORS: `{name}` is not supported and ignored; supported are tracecontext, baggage, b3, b3multi, none"
                )),
            }
        }
        (Self(found), warnings)
    }

    /// Whether this one is in use.
    #[must_use]
    pub fn has(&self, propagator: Propagator) -> bool {
        self.0.contains(&propagator)
    }

    /// Reads the caller's context. `fields` gives all header fields anew with each call, names in lower case. Where
    /// several propagators find one, the last in the list counts, as with OpenTelemetry's composite propagator.
    pub fn extract<'a, I>(&self, fields: impl Fn() -> I) -> Caller
    where
        I: Iterator<Item = (&'a [u8], &'a [u8])>,
    {
        for propagator in self.0.iter().rev() {
            let found = match propagator {
                Propagator::TraceContext => extract_w3c(&fields),
                Propagator::Baggage => Caller::Unknown,
                Propagator::B3 | Propagator::B3Multi => {
                    b3::extract(|name| fields().find(|(n, _)| *n == name).map(|(_, value)| value))
                }
            };
            if found != Caller::Unknown {
                return found;
            }
        }
        Caller::Unknown
    }

    /// Reads the caller's baggage; empty where that is not in use.
    pub fn extract_baggage<'a>(&self, fields: impl Iterator<Item = (&'a [u8], &'a [u8])>) -> Baggage {
        if !self.has(Propagator::Baggage) {
            return Baggage::default();
        }
        Baggage::parse(fields.filter(|(name, _)| *name == b"baggage").map(|(_, value)| value))
    }

    /// Writes the headers for a request that this span causes: `put` takes names in lower case with their values.
    pub fn inject(&self, span: &SpanContext, baggage: &Baggage, mut put: impl FnMut(&'static str, &str)) {
        for propagator in &self.0 {
            match propagator {
                Propagator::TraceContext => {
                    put("traceparent", &String::from_utf8_lossy(&traceparent::format(span)));
                    if !span.trace_state.is_empty() {
                        put("tracestate", span.trace_state.as_str());
                    }
                }
                Propagator::Baggage if baggage.members().is_empty() => {}
                Propagator::Baggage => put("baggage", &baggage.format()),
                Propagator::B3 => put("b3", &b3::format_single(span)),
                Propagator::B3Multi => {
                    put("x-b3-traceid", &hex::text(&span.trace_id));
                    put("x-b3-spanid", &hex::text(&span.span_id));
                    put("x-b3-sampled", if span.flags.is_sampled() { "1" } else { "0" });
                }
            }
        }
    }
}

/// Two `traceparent` fields are as bad as none, and without a valid one `tracestate` is not looked at.
fn extract_w3c<'a, I>(fields: &impl Fn() -> I) -> Caller
where
    I: Iterator<Item = (&'a [u8], &'a [u8])>,
{
    let (mut parent, mut has_state) = (None, false);
    for (name, value) in fields() {
        match name {
            b"traceparent" if parent.is_some() => return Caller::Unknown,
            b"traceparent" => parent = Some(value),
            b"tracestate" => has_state = true,
            _ => {}
        }
    }
    let Some(mut span) = parent.and_then(traceparent::parse) else { return Caller::Unknown };
    if has_state {
        let values = fields().filter(|(name, _)| *name == b"tracestate").map(|(_, value)| value);
        span.trace_state = TraceState::parse(values);
    }
    Caller::Known(Remote { span, is_deferred: false })
}
