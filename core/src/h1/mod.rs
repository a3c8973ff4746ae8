//! Sans-IO HTTP/1.1, strict RFC 9112: the caller feeds bytes and writes bytes.

mod body;
mod encode;
mod framing;
mod head;

pub use body::BodyDecoder;
pub use encode::{BodyFrame, BodySize, ReplyTo, encode_head};
pub use head::HeadReader;
