//! Which trace an exchange belongs to: ids, flags and the caller's span.

use std::sync::OnceLock;

use crate::message::ResponseFields;
use crate::propagation::{TraceState, traceparent};
use crate::sampling::{Decision, Verdict};
use crate::spans::Family;

/// The flags of W3C trace context, level 2. Bits without a meaning are dropped: they must be sent as 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Flags(u8);

impl Flags {
    const SAMPLED: u8 = 0x01;
    const RANDOM: u8 = 0x02;

    /// A trace that starts here: its id is random.
    #[must_use]
    pub const fn new_trace(sampled: bool) -> Self {
        Self(Self::RANDOM).with_sampled(sampled)
    }

    /// The known ones of these bits.
    #[must_use]
    pub const fn from_bits(bits: u8) -> Self {
        Self(bits & (Self::SAMPLED | Self::RANDOM))
    }

    /// As sent.
    #[must_use]
    pub const fn bits(self) -> u8 {
        self.0
    }

    /// The sender may have recorded its span.
    #[must_use]
    pub const fn is_sampled(self) -> bool {
        self.0 & Self::SAMPLED != 0
    }

    /// The right-most 7 bytes of the trace id are random.
    #[must_use]
    pub const fn is_random(self) -> bool {
        self.0 & Self::RANDOM != 0
    }

    /// The same trace, sampled or not.
    #[must_use]
    pub const fn with_sampled(self, sampled: bool) -> Self {
        Self(self.0 & !Self::SAMPLED | sampled as u8)
    }
}

/// What is propagated of a span.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SpanContext {
    /// The trace; never all zero.
    pub trace_id: [u8; 16],
    /// The span in it; never all zero.
    pub span_id: [u8; 8],
    /// The W3C flags.
    pub flags: Flags,
    /// The `tracestate` list.
    pub trace_state: TraceState,
}

/// Which response headers tell the client its trace.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ReplyHeaders {
    /// `traceresponse`, of W3C trace context's draft.
    pub traceresponse: bool,
    /// `server-timing: trace;desc=...`, which scripts in browsers can read.
    pub server_timing: bool,
}

/// The trace of one exchange, known as soon as its head is parsed. Only the verdict comes later, once.
#[derive(Debug)]
pub struct TraceContext {
    /// The exchange's own span: what its children and outgoing requests refer to.
    pub span: SpanContext,
    /// The caller's span, in the same trace; `None`: the trace starts here.
    pub parent: Option<[u8; 8]>,
    /// The span of a caller that is not trusted: another trace, to be linked.
    pub link: Option<Box<SpanContext>>,
    /// Whether the caller's headers count, baggage among them.
    pub is_trusted: bool,
    /// Whether child spans are worth recording: this span is sampled, or may yet be kept at its end.
    pub is_recording: bool,
    /// What the client is told.
    pub reply_headers: ReplyHeaders,
    verdict: Decision,
    /// Most requests have none: it costs a pointer.
    family: OnceLock<Box<Family>>,
}

impl TraceContext {
    /// A trace that starts here, not recorded; set what differs.
    #[must_use]
    pub fn new(span: SpanContext) -> Self {
        Self {
            span,
            parent: None,
            link: None,
            is_trusted: false,
            is_recording: false,
            reply_headers: ReplyHeaders::default(),
            verdict: Decision::default(),
            family: OnceLock::new(),
        }
    }

    /// What became of the exchange's span; `None` until it is over. Child spans share it: those that end earlier
    /// wait for it.
    #[must_use]
    pub fn verdict(&self) -> Option<Verdict> {
        self.verdict.get()
    }

    /// Decides; the first decision counts and is returned.
    pub fn decide(&self, verdict: impl FnOnce() -> Verdict) -> Verdict {
        self.verdict.decide(verdict)
    }

    /// The spans that the application made in this exchange.
    pub fn family(&self) -> &Family {
        self.family.get_or_init(Box::default)
    }

    /// The same, where it made any.
    #[must_use]
    pub fn known_family(&self) -> Option<&Family> {
        self.family.get().map(|family| &**family)
    }

    /// The header lines for a response with these fields, each with its line end; `None` where the client is told
    /// nothing. A `traceresponse` of the application wins; `server-timing` is a list that both add to.
    #[must_use]
    pub fn reply_lines(&self, given: &ResponseFields) -> Option<ReplyLines> {
        let ReplyHeaders { traceresponse, server_timing } = self.reply_headers;
        if !(traceresponse || server_timing) {
            return None;
        }
        let mut lines = ReplyLines { bytes: [0; 160], len: 0 };
        let value = traceparent::format(&self.span);
        if traceresponse && given.get(b"traceresponse").is_none() {
            lines.put(b"traceresponse: ", &value);
        }
        if server_timing {
            lines.put(b"server-timing: trace;desc=", &value);
        }
        Some(lines)
    }
}

/// Header lines in a buffer of their own: the longest fit.
#[derive(Clone, Copy, Debug)]
pub struct ReplyLines {
    bytes: [u8; 160],
    len: usize,
}

impl ReplyLines {
    fn put(&mut self, start: &[u8], value: &[u8]) {
        for part in [start, value, b"\r\n"] {
            self.bytes[self.len..self.len + part.len()].copy_from_slice(part);
            self.len += part.len();
        }
    }

    /// The lines.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes[..self.len]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_flags_are_dropped() {
        assert_eq!(Flags::from_bits(0xff).bits(), 3);
        assert_eq!(Flags::from_bits(0x09).with_sampled(false).bits(), 0);
        assert_eq!(Flags::new_trace(true).bits(), 3);
        assert_eq!(Flags::new_trace(false).bits(), 2);
    }

    #[test]
    fn reply_lines_by_option() {
        let span = SpanContext {
            trace_id: [0xab; 16],
            span_id: [0x0c; 8],
            flags: Flags::new_trace(true),
            trace_state: TraceState::default(),
        };
        let value = "00-abababababababababababababababab-0c0c0c0c0c0c0c0c-03";
        for (traceresponse, server_timing, given, expected) in [
            (true, false, false, format!("traceresponse: {value}\r\n")),
            (true, false, true, String::new()),
            (false, true, false, format!("server-timing: trace;desc={value}\r\n")),
            (true, true, false, format!("traceresponse: {value}\r\nserver-timing: trace;desc={value}\r\n")),
        ] {
            let mut context = TraceContext::new(span.clone());
            context.reply_headers = ReplyHeaders { traceresponse, server_timing };
            let mut fields = ResponseFields::default();
            if given {
                fields.add(b"TraceResponse", b"own").unwrap();
            }
            assert_eq!(context.reply_lines(&fields).unwrap().as_bytes(), expected.as_bytes());
        }
        assert!(TraceContext::new(span).reply_lines(&ResponseFields::default()).is_none());
    }

    #[test]
    fn the_first_verdict_counts() {
        let context = TraceContext::new(SpanContext::default());
        assert_eq!(context.verdict(), None);
        assert_eq!(context.decide(|| Verdict::Drop), Verdict::Drop);
        assert_eq!(context.decide(Verdict::default), Verdict::Drop);
        assert_eq!(context.verdict(), Some(Verdict::Drop));
    }
}
