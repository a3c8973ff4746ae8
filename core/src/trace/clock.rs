//! Monotonic and wall time in nanoseconds; settable, so that tests own it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use nix::time::{ClockId, clock_gettime};

/// Where stamps come from.
#[derive(Clone, Debug, Default)]
pub enum Clock {
    /// `CLOCK_MONOTONIC` and `CLOCK_REALTIME`.
    #[default]
    System,
    /// A number that a test sets; wall time is the same number.
    Manual(Arc<AtomicU64>),
}

fn read(id: ClockId) -> u64 {
    // The call fails only for an unknown clock id, and both ids used here exist on every supported system.
    clock_gettime(id).map_or(0, |t| t.tv_sec().cast_unsigned() * 1_000_000_000 + t.tv_nsec().cast_unsigned())
}

impl Clock {
    /// Monotonic nanoseconds; 0 is never returned, it stands for "not recorded".
    #[must_use]
    pub fn now(&self) -> u64 {
        match self {
            Self::System => read(ClockId::CLOCK_MONOTONIC).max(1),
            Self::Manual(at) => at.load(Ordering::Relaxed).max(1),
        }
    }

    /// Wall-clock nanoseconds since 1970.
    #[must_use]
    pub fn wall(&self) -> u64 {
        match self {
            Self::System => read(ClockId::CLOCK_REALTIME),
            Self::Manual(at) => at.load(Ordering::Relaxed),
        }
    }
}
