//! Requests in flight: what runs now, in which state, for how long.
//!
//! Path: an exchange begins and enters the [`registry`], which is behind the engine's lock -> [`crate::engine::View`]
//! makes a [`Snapshot`] of it on any thread -> [`Description`] is its JSON -> [`Inspector`] answers with that on a socket
//! of this machine, [`Reporter`] posts it to the viewer. Both have threads of their own and never need the event loop or
//! Python, so they also work while a handler blocks both.

mod description;
mod inspector;
mod registry;
mod reporter;
mod snapshot;

pub use description::Description;
pub use inspector::{Inspector, Place};
pub(crate) use registry::{Entry, Registry};
pub use reporter::{PATH, Reporter};
pub use snapshot::{Running, SHOWN, Snapshot};
