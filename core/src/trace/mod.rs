//! The trace record: what is known of one HTTP exchange, and when it happened.
//!
//! Theory of operation. One exchange has one [`Record`]. The engine calls `mark` for points in time and `enter`
//! for changes of state; both test the level themselves, so protocol code has no tracing `if`s. At
//! [`Level::Disabled`] neither stores anything and nobody reads the clock. `enter` adds the time since the last
//! change to the state that ends, so at every instant the exchange is in exactly one [`State`] and the six
//! durations sum exactly to `RECEIVED -> HTTP_FINISH`. A record is closed once; later marks are ignored.
//!
//! Follows `CloudWeGo` Hertz `pkg/common/tracer`; where we differ the item says so.

mod clock;
mod context;
mod event;
mod outcome;
mod record;
mod states;
mod timeline;
mod tsc;

pub use clock::Clock;
pub use context::{Flags, ReplyHeaders, ReplyLines, SpanContext, TraceContext};
pub use event::{BUILT_IN, Event, EventDef, Level, Status, TABLE, define_event};
pub use outcome::{ConnectionFacts, EndReason, ErrorNote};
pub use record::{Record, Recorded};
pub use states::State;
pub use timeline::{Segment, TIMELINE_ITEMS, Timeline};
