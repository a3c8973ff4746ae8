//! The only door upwards: what the engine tells the application.
//!
//! Every call is made on the thread that called into the engine, with no lock held, so the application may call the
//! engine again from inside. A call that ends an exchange from inside is finished before the engine goes on.

use std::sync::Arc;

use crate::exchange::Exchange;
use crate::trace::EndReason;

/// An application behind the engine.
pub trait Handler {
    /// Whether [`Handler::start`] is to be called.
    fn wants_start(&self) -> bool;

    /// The first byte of a request is here and none of it is parsed (`HTTP_START`).
    fn start(&self, exchange: &Arc<Exchange>);

    /// The head is parsed: run the handler. It must end with [`crate::engine::Engine::handler_done`].
    fn request(&self, exchange: &Arc<Exchange>);

    /// Something that a suspended handler may wait for has happened: body bytes, room to send, a disconnect.
    fn wake(&self, exchange: &Arc<Exchange>);

    /// Give the handler up. It must still end with [`crate::engine::Engine::handler_done`].
    fn cancel(&self, exchange: &Arc<Exchange>, why: EndReason);

    /// The exchange is over and its record final. The last call for this exchange, made exactly once.
    fn finish(&self, exchange: &Arc<Exchange>);

    /// The engine has more to do than one turn should take: call `poll` again soon.
    fn again(&self);
}
