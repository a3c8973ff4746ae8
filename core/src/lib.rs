//! The wirespan engine: an HTTP server whose every exchange is traced from the kernel's receive stamp to its
//! last byte. Bytes in, bytes out; there is no Python in this crate.
//!
//! A request's path: [`engine`] (readiness) -> `listener` (accept) -> `stream` (receive) -> `connection` (one
//! exchange after another) -> [`h1`] (head and body) -> [`handler`] (up to the application) -> [`exchange`] (its
//! reply) -> [`h1`] (encode) -> [`output`] (into the kernel) -> [`sinks`] (the finished record).
//!
//! Its trace: [`propagation`] (the caller's headers) -> [`sampling`] (is it kept) -> [`trace`] (the record) -> [`sinks`]
//! (the span) -> [`otlp`] (to a receiver). Its numbers: [`metrics`].

pub mod config;
mod connection;
pub mod engine;
pub mod error;
pub mod exchange;
pub mod h1;
pub mod handler;
pub mod inflight;
mod listener;
pub mod message;
pub mod metrics;
pub mod otlp;
pub mod output;
pub mod propagation;
pub mod sampling;
pub mod sinks;
mod stream;
pub mod trace;
