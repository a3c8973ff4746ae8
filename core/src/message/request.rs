//! A request head, parsed and validated.

use super::{BodyLength, Span, Version};

/// A parsed and validated request head. Owns one copy of the head's bytes; names are lower case.
#[derive(Clone, Debug)]
pub struct Request {
    pub(crate) bytes: Box<[u8]>,
    pub(crate) method: Span,
    pub(crate) target: Span,
    /// Of an absolute-form target, the part from its path on; `/` where that is empty.
    pub(crate) path: Span,
    pub(crate) query: Span,
    pub(crate) authority: Span,
    pub(crate) fields: Box<[(Span, Span)]>,
    pub(crate) version: Version,
    pub(crate) body: BodyLength,
    pub(crate) keep_alive: bool,
    pub(crate) expects_continue: bool,
    pub(crate) head_len: usize,
}

impl Request {
    fn slice(&self, span: Span) -> &[u8] {
        &self.bytes[span.start as usize..span.end as usize]
    }

    /// The method as sent, case kept.
    #[must_use]
    pub fn method(&self) -> &[u8] {
        self.slice(self.method)
    }

    /// The request target as sent.
    #[must_use]
    pub fn target(&self) -> &[u8] {
        self.slice(self.target)
    }

    /// The path as sent, still percent-encoded; `*` for asterisk-form, the authority for CONNECT.
    #[must_use]
    pub fn path(&self) -> &[u8] {
        self.slice(self.path)
    }

    /// What follows the first `?`, without it, up to a `#`.
    #[must_use]
    pub fn query(&self) -> &[u8] {
        self.slice(self.query)
    }

    /// Host and port that the request is for, without user information: of the target where it names them, else of
    /// the `Host` field (RFC 9112 section 3.3). Empty where neither does.
    #[must_use]
    pub fn authority(&self) -> &[u8] {
        self.slice(self.authority)
    }

    /// The version of the request line.
    #[must_use]
    pub const fn version(&self) -> Version {
        self.version
    }

    /// Lower-case names and values without surrounding white space, in the order sent. Where the target is in
    /// absolute form, `host` holds the target's authority: the value sent must be ignored (RFC 9112 section 3.2.2).
    #[must_use]
    pub fn fields(&self) -> impl ExactSizeIterator<Item = (&[u8], &[u8])> {
        self.fields.iter().map(|(name, value)| (self.slice(*name), self.slice(*value)))
    }

    /// The values of all fields with this lower-case name.
    pub fn values<'a>(&'a self, name: &'a [u8]) -> impl Iterator<Item = &'a [u8]> {
        self.fields().filter(move |(n, _)| *n == name).map(|(_, value)| value)
    }

    /// The value of the first field with this lower-case name.
    #[must_use]
    pub fn value(&self, name: &[u8]) -> Option<&[u8]> {
        self.fields().find(|(n, _)| *n == name).map(|(_, value)| value)
    }

    /// How long the body is.
    #[must_use]
    pub const fn body(&self) -> BodyLength {
        self.body
    }

    /// Whether the client wants the connection kept.
    #[must_use]
    pub const fn keep_alive(&self) -> bool {
        self.keep_alive
    }

    /// Whether the client waits for `100 Continue` before it sends the body.
    #[must_use]
    pub const fn expects_continue(&self) -> bool {
        self.expects_continue
    }

    /// Bytes of the head on the wire, with the blank lines that were skipped before it.
    #[must_use]
    pub const fn head_len(&self) -> usize {
        self.head_len
    }
}
