//! Sans-IO HTTP/1.1, strict RFC 9112: the caller feeds bytes and writes bytes.
//!
//! In: [`HeadReader`] finds the end of a head (`head`), its lines become a request (`request_line`, `target`,
//! `field`), the fields that steer the connection are judged (`control`, `framing`), and [`BodyDecoder`] takes the
//! framing off the body (`body`, `chunk`). Out: [`encode_head`], then [`BodyFrame::encode`]. Every refusal is an error
//! after which the connection closes: where one request is not understood, nobody knows where the next one begins.
//!
//! The tokenizer is our own and not `httparse`'s. That one takes bare LF, refuses control bytes in values that
//! RFC 9110 section 5.5 lets us keep and HTTP/1.x with x > 1, and would walk again the lines that the search for the
//! end of the head has already found.

mod body;
mod chunk;
mod control;
mod encode;
mod field;
mod framing;
mod head;
mod request_line;
mod status;
mod target;

pub use body::{BodyDecoder, Sink};
pub use encode::{BodyFrame, BodySize, ReplyTo, encode_head};
pub use head::{Head, HeadReader};
pub use status::reason;
