//! Body framing: which bytes after the head belong to this request (RFC 9112 section 6.3).
