//! Which requests are kept: at their head by the rules of OpenTelemetry, at their end by what became of them, and none
//! that are on the ignore list.

mod head;
mod limit;
mod pattern;
mod tail;
mod threshold;
mod verdict;

pub use head::{HeadDecision, HeadSampler};
pub use limit::RateLimit;
pub use pattern::{IgnoreList, Pattern, PatternError};
pub use tail::{Facts, TailError, TailOptions, TailSampler};
pub use threshold::{Threshold, explicit_randomness, randomness, threshold, with_threshold};
pub(crate) use verdict::Decision;
pub use verdict::{Reweight, Verdict};
