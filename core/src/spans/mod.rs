//! Spans that the application makes: those of its libraries, its own, and what it adds to the SERVER span of a request.
//!
//! Theory of operation. A [`Source`] starts spans. One with a local parent does as the parent; any other asks the head
//! sampler. A span of a request shares the fate of the request, which is known at its end: until then finished spans wait
//! in the request's [`Family`], and leave with the SERVER span or are forgotten. Those that end later follow the verdict
//! at once. Spans without a request go straight to the exporter.
//!
//! The SERVER span itself is made from the exchange, on the exporter's thread. What the application adds to it is a
//! [`Draft`] in the family, and is put over it there.

mod census;
mod draft;
mod family;
mod limits;
mod source;
mod span;
#[cfg(test)]
mod tests;

pub use census::{Census, Counted, Origin, Sampling};
pub use draft::Draft;
pub(crate) use draft::put_over;
pub(crate) use family::Ended;
pub use family::Family;
pub use limits::Limits;
pub use source::{Parent, Source, Start, Timeline};
pub use span::Span;
