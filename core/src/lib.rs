//! The wirespan engine: an HTTP server whose every exchange is traced from the kernel's receive stamp to its
//! last byte. Bytes in, bytes out; there is no Python in this crate.

pub mod config;
pub mod error;
pub mod exchange;
pub mod h1;
pub mod message;
pub mod output;
pub mod sinks;
pub mod trace;
