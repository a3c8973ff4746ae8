//! Monotonic and wall time in nanoseconds; settable, so that tests own it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use nix::time::{ClockId, clock_gettime};

use super::tsc;

/// Where stamps come from.
#[derive(Clone, Debug, Default)]
pub enum Clock {
    /// `CLOCK_MONOTONIC`, by the processor's counter where that is known to agree, and `CLOCK_REALTIME`.
    #[default]
    System,
    /// A number that a test sets; wall time is the same number.
    Manual(Arc<AtomicU64>),
}

fn read(id: ClockId) -> u64 {
    // The call fails only for an unknown clock id, and both ids used here exist on every supported system.
    clock_gettime(id).map_or(0, |t| t.tv_sec().cast_unsigned() * 1_000_000_000 + t.tv_nsec().cast_unsigned())
}

fn monotonic() -> u64 {
    read(ClockId::CLOCK_MONOTONIC)
}

impl Clock {
    /// Monotonic nanoseconds; 0 is never returned, it stands for "not recorded".
    #[must_use]
    pub fn now(&self) -> u64 {
        match self {
            Self::System => tsc::now().unwrap_or_else(monotonic).max(1),
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

    /// Compares the processor's counter with the kernel's clock. Whoever reads the time often calls it once a second.
    pub fn steer(&self) {
        if matches!(self, Self::System) {
            tsc::steer(monotonic);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whatever it is read from.
    #[test]
    fn it_agrees_with_the_kernels_clock_and_never_runs_backwards() {
        let clock = Clock::System;
        clock.steer();
        let begin = monotonic();
        let (mut last, mut compared) = (0, begin);
        while last < begin + 1_500_000_000 {
            let (before, now, after) = (monotonic(), clock.now(), monotonic());
            assert!(before <= now + 20_000 && now <= after + 20_000, "{before} {now} {after}");
            assert!(last <= now + 20_000, "{last} {now}");
            last = now;
            if now > compared + 600_000_000 {
                clock.steer();
                compared = now;
            }
        }
    }
}
