//! A finished span and what describes its source, as plain data: what tracing hands to the exporter.
//!
//! Follows `opentelemetry/proto/trace/v1/trace.proto`, `resource.proto` and `common.proto` (OTLP 1.x) field by
//! field. Texts that the program knows when it is compiled, or uses again and again, cost no allocation.

use std::ops::Deref;
use std::sync::{Arc, LazyLock};

/// Bit of [`SpanData::flags`] and [`Link::flags`]: the sampled flag of W3C trace context.
pub const FLAG_SAMPLED: u32 = 0x01;
/// Bit of the flags: the W3C (level 2) flag for a trace id whose right-most 7 bytes are random.
pub const FLAG_RANDOM: u32 = 0x02;
/// Bit of the flags: [`FLAG_IS_REMOTE`] says something. Set by whoever knows where the parent lives.
pub const FLAG_HAS_IS_REMOTE: u32 = 0x100;
/// Bit of the flags: the parent (for a link: the linked span) came from another process.
pub const FLAG_IS_REMOTE: u32 = 0x200;

/// A text that is part of the program, shared by many spans, or owned by one.
///
/// Sources of a span differ in this: attribute names are static, routes and host names shared, paths owned.
#[derive(Clone, Debug)]
pub enum Text {
    /// Known when the program is compiled.
    Static(&'static str),
    /// Used by many spans: a clone is one counter.
    Shared(Arc<str>),
    /// Only this span's.
    Owned(Box<str>),
}

impl Text {
    /// The text without its owner.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Static(text) => text,
            Self::Shared(text) => text,
            Self::Owned(text) => text,
        }
    }
}

impl Default for Text {
    fn default() -> Self {
        Self::Static("")
    }
}

impl Deref for Text {
    type Target = str;

    fn deref(&self) -> &str {
        self.as_str()
    }
}

impl PartialEq for Text {
    fn eq(&self, other: &Self) -> bool {
        self.as_str() == other.as_str()
    }
}

impl Eq for Text {}

impl From<&'static str> for Text {
    fn from(text: &'static str) -> Self {
        Self::Static(text)
    }
}

impl From<String> for Text {
    fn from(text: String) -> Self {
        Self::Owned(text.into_boxed_str())
    }
}

impl From<Box<str>> for Text {
    fn from(text: Box<str>) -> Self {
        Self::Owned(text)
    }
}

impl From<Arc<str>> for Text {
    fn from(text: Arc<str>) -> Self {
        Self::Shared(text)
    }
}

/// The name of an attribute. Mostly [`Text::Static`].
pub type Key = Text;

/// The value of an attribute.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// A text.
    Str(Text),
    /// True or false.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// A floating point number.
    Double(f64),
    /// Several values; OpenTelemetry wants them all of one type.
    Array(Box<[Value]>),
}

impl From<&'static str> for Value {
    fn from(text: &'static str) -> Self {
        Self::Str(text.into())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Str(text.into())
    }
}

impl From<Text> for Value {
    fn from(text: Text) -> Self {
        Self::Str(text)
    }
}

impl From<Arc<str>> for Value {
    fn from(text: Arc<str>) -> Self {
        Self::Str(text.into())
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

impl From<i64> for Value {
    fn from(value: i64) -> Self {
        Self::Int(value)
    }
}

impl From<f64> for Value {
    fn from(value: f64) -> Self {
        Self::Double(value)
    }
}

impl From<Vec<Value>> for Value {
    fn from(values: Vec<Value>) -> Self {
        Self::Array(values.into_boxed_slice())
    }
}

/// Names with their values, each name once, in the order in which they were set.
pub type Attributes = Vec<(Key, Value)>;

/// What a span is in its trace. The numbers are OTLP's `SpanKind`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Kind {
    /// Work inside one process.
    #[default]
    Internal = 1,
    /// The serving side of a synchronous call.
    Server = 2,
    /// The calling side of a synchronous call.
    Client = 3,
    /// Handing a message to a broker.
    Producer = 4,
    /// Taking a message from a broker.
    Consumer = 5,
}

/// How a span ended.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Status {
    /// Nobody judged it.
    #[default]
    Unset,
    /// The application says: a success.
    Ok,
    /// A failure, with a description that may be empty.
    Error(Text),
}

/// Something that happened while a span was open.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Event {
    /// When, in nanoseconds since 1970 (UTC).
    pub time_unix_ns: u64,
    /// What.
    pub name: Text,
    /// Its details.
    pub attributes: Attributes,
    /// Attributes that a limit kept out.
    pub dropped_attributes: u32,
}

/// A span elsewhere, perhaps of another trace, that has to do with this one.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Link {
    /// Trace of the linked span.
    pub trace_id: [u8; 16],
    /// The linked span.
    pub span_id: [u8; 8],
    /// Its W3C flags, with [`FLAG_IS_REMOTE`] where that is known.
    pub flags: u32,
    /// Its `tracestate` header; empty when it had none.
    pub trace_state: Text,
    /// What the link means.
    pub attributes: Attributes,
    /// Attributes that a limit kept out.
    pub dropped_attributes: u32,
}

/// The library that made spans, in OpenTelemetry's words the instrumentation scope.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Scope {
    /// Name of the library.
    pub name: Text,
    /// Its version; empty when it has none.
    pub version: Text,
    /// Schema of the attributes of its spans, a URL; empty when unknown.
    pub schema_url: Text,
    /// What else describes it.
    pub attributes: Attributes,
}

/// Of the attributes that we write: the conventions' release.
pub const SCHEMA_URL: &str = "https://opentelemetry.io/schemas/1.44.0";

/// Who makes the spans of exchanges, and counts.
pub static SERVER_SCOPE: LazyLock<Arc<Scope>> = LazyLock::new(|| {
    Arc::new(Scope {
        name: "wirespan".into(),
        version: env!("CARGO_PKG_VERSION").into(),
        schema_url: SCHEMA_URL.into(),
        attributes: Attributes::new(),
    })
});

/// The process whose spans these are.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Resource {
    /// `service.name` and its like.
    pub attributes: Attributes,
    /// Schema of these attributes, a URL; empty when unknown.
    pub schema_url: Text,
    /// Random bytes to make `service.instance.id` of, where the user gave none.
    pub instance: Option<[u8; 16]>,
}

impl Resource {
    /// The same with the ids of the process that asks, which may be a child of the one that described itself. A
    /// `process.pid` that is a text was given by the user and stays.
    #[must_use]
    pub fn of_this_process(&self) -> Self {
        let mut resource = self.clone();
        if let Some(instance) = resource.instance.take() {
            let id = instance_id(instance, std::process::id());
            resource.attributes.push(("service.instance.id".into(), id.into()));
        }
        for (key, value) in &mut resource.attributes {
            if key.as_str() == "process.pid" && matches!(value, Value::Int(_)) {
                *value = Value::Int(std::process::id().into());
            }
        }
        resource
    }
}

/// A UUID (RFC 9562, version 4), so that the counts of two processes are never taken for one's. The process is mixed in:
/// the children of a fork share the random bytes.
fn instance_id(mut id: [u8; 16], process: u32) -> String {
    for (byte, mixed) in id[12..].iter_mut().zip(process.to_be_bytes()) {
        *byte ^= mixed;
    }
    id[6] = id[6] & 0x0f | 0x40;
    id[8] = id[8] & 0x3f | 0x80;
    let text = format!("{:032x}", u128::from_be_bytes(id));
    [&text[..8], &text[8..12], &text[12..16], &text[16..20], &text[20..]].join("-")
}

/// One finished span.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SpanData {
    /// The trace; never all zero.
    pub trace_id: [u8; 16],
    /// The span in its trace; never all zero.
    pub span_id: [u8; 8],
    /// The span that caused it; `None` for a root.
    pub parent_span_id: Option<[u8; 8]>,
    /// W3C flags in the lower 8 bits, then [`FLAG_HAS_IS_REMOTE`] and [`FLAG_IS_REMOTE`], both about the parent.
    pub flags: u32,
    /// The `tracestate` header of the span; empty when it has none.
    pub trace_state: Text,
    /// A name of low cardinality, such as `GET /users/{id}`.
    pub name: Text,
    /// What the span is in its trace.
    pub kind: Kind,
    /// Begin, in nanoseconds since 1970 (UTC).
    pub start_unix_ns: u64,
    /// End, in nanoseconds since 1970 (UTC); not before the begin.
    pub end_unix_ns: u64,
    /// What is known about it.
    pub attributes: Attributes,
    /// Attributes that a limit kept out.
    pub dropped_attributes: u32,
    /// What happened meanwhile, in order of time.
    pub events: Vec<Event>,
    /// Events that a limit kept out.
    pub dropped_events: u32,
    /// Spans that have to do with it.
    pub links: Vec<Link>,
    /// Links that a limit kept out.
    pub dropped_links: u32,
    /// How it ended.
    pub status: Status,
    /// Who made it. Spans of one scope share one allocation, which is how the exporter groups them.
    pub scope: Arc<Scope>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attributes_stay_small() {
        assert_eq!(size_of::<Text>(), 24);
        assert_eq!(size_of::<Value>(), 24);
        assert_eq!(size_of::<(Key, Value)>(), 48);
    }

    #[test]
    fn texts_of_every_owner_compare_by_their_letters() {
        let shared: Arc<str> = "a".into();
        assert_eq!(Text::from("a"), Text::from(shared));
        assert_eq!(Text::from("a"), Text::from(String::from("a")));
    }
}
