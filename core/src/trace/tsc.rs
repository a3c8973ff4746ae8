//! The kernel's monotonic clock, read from the processor's time stamp counter for less than half of what a call of
//! `clock_gettime` takes.
//!
//! Theory of operation. Where the kernel itself keeps time by the counter (its `current_clocksource` is `tsc`), time
//! between two comparisons with the kernel's clock is a [`Line`]: so many nanoseconds a tick, from a known point on.
//! [`Tsc::steer`] compares again every second or so, and gives the next line a slope that leads back to the kernel's clock:
//! time neither jumps nor runs backwards, and follows when the kernel's clock is made slower or faster. There is no
//! line before the second comparison, nor when nobody has compared for a while, nor where the clocks part (a
//! suspended machine); whoever gets `None` asks the kernel.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering, fence};
use std::sync::{Mutex, OnceLock};

/// Comparisons that are nearer to each other tell little of the rate.
const MIN_APART_NS: u64 = 500_000_000;
/// How long a line is followed if nobody compares.
const LIFE_NS: u128 = 10_000_000_000;
/// By how much a line may miss the kernel's clock. More is no drift, so another line is begun.
const MAX_MISS_NS: u64 = 1_000_000;
/// A comparison that takes longer was interrupted, so its two readings do not belong together.
const MAX_COMPARISON_TICKS: u64 = 2_000;
const FRACTION_BITS: u32 = 32;

/// What both clocks said at one instant.
#[derive(Clone, Copy, Debug)]
struct Comparison {
    ticks: u64,
    ns: u64,
}

/// Time as a function of the counter.
#[derive(Clone, Copy, Debug)]
struct Line {
    from: Comparison,
    /// Nanoseconds a tick, with `FRACTION_BITS` bits after the point.
    rate: u64,
    /// How many ticks it is good for.
    life: u64,
}

impl Line {
    fn at(&self, ticks: u64) -> Option<u64> {
        // Also a counter before the beginning is too much, since the difference wraps.
        let passed = ticks.wrapping_sub(self.from.ticks);
        if passed >= self.life {
            return None;
        }
        let ns = (u128::from(passed) * u128::from(self.rate)) >> FRACTION_BITS;
        self.from.ns.checked_add(u64::try_from(ns).ok()?)
    }

    /// The line after `now`, begun where `old` ends, and straight to where the kernel's clock will be after as many ticks
    /// as have passed since `before`. `None`: the clocks have parted.
    fn after(old: Option<Self>, before: Comparison, now: Comparison) -> Option<Self> {
        let ticks = now.ticks.checked_sub(before.ticks).filter(|ticks| *ticks > 0)?;
        let ns = old.and_then(|line| line.at(now.ticks)).unwrap_or(now.ns);
        let miss = now.ns.cast_signed().wrapping_sub(ns.cast_signed());
        if miss.unsigned_abs() > MAX_MISS_NS {
            return None;
        }
        let ahead = now.ns.checked_sub(before.ns)?.checked_add_signed(miss)?;
        let rate = u64::try_from((u128::from(ahead) << FRACTION_BITS) / u128::from(ticks)).ok()?;
        let life = (LIFE_NS << FRACTION_BITS).checked_div(u128::from(rate))?;
        Some(Self { from: Comparison { ticks: now.ticks, ns }, rate, life: u64::try_from(life).ok()? })
    }
}

/// The line that is followed, for any thread to read, and the last comparison. Nobody waits: a reader that meets the
/// writer asks the kernel, a second writer goes away. So a process forked in between is slower, and right.
struct Tsc {
    last: Mutex<Option<Comparison>>,
    /// Odd while the rest is written.
    version: AtomicU32,
    ticks: AtomicU64,
    ns: AtomicU64,
    rate: AtomicU64,
    life: AtomicU64,
}

impl Tsc {
    const fn new() -> Self {
        let [ticks, ns, rate, life] = [const { AtomicU64::new(0) }; 4];
        Self { last: Mutex::new(None), version: AtomicU32::new(0), ticks, ns, rate, life }
    }

    fn line(&self) -> Option<Line> {
        let version = self.version.load(Ordering::Acquire);
        let from =
            Comparison { ticks: self.ticks.load(Ordering::Relaxed), ns: self.ns.load(Ordering::Relaxed) };
        let line =
            Line { from, rate: self.rate.load(Ordering::Relaxed), life: self.life.load(Ordering::Relaxed) };
        fence(Ordering::Acquire);
        let whole = version.is_multiple_of(2) && self.version.load(Ordering::Relaxed) == version;
        (whole && line.life > 0).then_some(line)
    }

    /// Only who holds `last` calls it.
    fn follow(&self, line: Option<Line>) {
        let version = self.version.load(Ordering::Relaxed);
        self.version.store(version.wrapping_add(1), Ordering::Relaxed);
        fence(Ordering::Release);
        if let Some(line) = line {
            self.ticks.store(line.from.ticks, Ordering::Relaxed);
            self.ns.store(line.from.ns, Ordering::Relaxed);
            self.rate.store(line.rate, Ordering::Relaxed);
        }
        self.life.store(line.map_or(0, |line| line.life), Ordering::Relaxed);
        self.version.store(version.wrapping_add(2), Ordering::Release);
    }

    fn steer(&self, compare: impl FnOnce() -> Option<Comparison>) {
        let Ok(mut last) = self.last.try_lock() else { return };
        let Some(now) = compare() else { return };
        if let Some(before) = *last {
            if now.ns.saturating_sub(before.ns) < MIN_APART_NS {
                return;
            }
            self.follow(Line::after(self.line(), before, now));
        }
        *last = Some(now);
    }
}

static TSC: Tsc = Tsc::new();

/// Nanoseconds of the kernel's monotonic clock, if the counter can tell.
#[inline]
pub(super) fn now() -> Option<u64> {
    TSC.line()?.at(counter())
}

/// To be called about once a second. `monotonic` reads the kernel's clock.
pub(super) fn steer(monotonic: fn() -> u64) {
    if is_trusted() {
        TSC.steer(|| compare(monotonic));
    }
}

fn compare(monotonic: fn() -> u64) -> Option<Comparison> {
    let (begin, ns, end) = (counter(), monotonic(), counter());
    let taken = end.wrapping_sub(begin);
    (taken < MAX_COMPARISON_TICKS).then(|| Comparison { ticks: begin + taken / 2, ns })
}

/// The kernel knows more than the processor says of itself: whether all cores agree, and whether a host lies.
fn is_trusted() -> bool {
    static TRUSTED: OnceLock<bool> = OnceLock::new();
    *TRUSTED.get_or_init(|| {
        cfg!(all(target_os = "linux", target_arch = "x86_64"))
            && std::fs::read_to_string("/sys/devices/system/clocksource/clocksource0/current_clocksource")
                .is_ok_and(|name| name.trim() == "tsc")
    })
}

#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
#[allow(unsafe_code, reason = "the one instruction that has no safe name")]
#[inline]
fn counter() -> u64 {
    // SAFETY: every x86-64 processor has the instruction, and it touches no memory. It is reached only where the
    // kernel's own `clock_gettime` is made of it.
    unsafe { core::arch::x86_64::_rdtsc() }
}

#[cfg(not(all(target_os = "linux", target_arch = "x86_64")))]
const fn counter() -> u64 {
    0
}

#[cfg(test)]
mod tests {
    use super::*;

    const TICKS_PER_MS: u64 = 3_000_000;

    /// What both clocks say after `ms` of the counter, where the kernel's runs faster by `ppm`.
    fn later(before: Comparison, ms: u64, ppm: i64) -> Comparison {
        let more = ms.cast_signed() * ppm;
        let ns = (before.ns + ms * 1_000_000).saturating_add_signed(more);
        Comparison { ticks: before.ticks + ms * TICKS_PER_MS, ns }
    }

    fn steered(tsc: &Tsc, to: Comparison) -> Option<u64> {
        tsc.steer(|| Some(to));
        tsc.line().and_then(|line| line.at(to.ticks))
    }

    const START: Comparison = Comparison { ticks: 1 << 60, ns: 5_000_000_000 };

    /// One with a line, and the end of the second that it was drawn after.
    fn with_line() -> (Tsc, Comparison) {
        let (tsc, at) = (Tsc::new(), later(START, 1_000, 0));
        steered(&tsc, START);
        assert_eq!(steered(&tsc, at), Some(at.ns));
        (tsc, at)
    }

    #[test]
    fn there_is_no_time_before_the_second_comparison_nor_from_two_that_are_near() {
        let tsc = Tsc::new();
        assert_eq!(steered(&tsc, START), None);
        assert_eq!(steered(&tsc, later(START, 400, 0)), None);
        assert_eq!(steered(&tsc, later(START, 600, 0)), Some(START.ns + 600_000_000));
    }

    #[test]
    fn the_kernels_clock_is_followed_without_a_step() {
        let (tsc, mut at) = with_line();
        for (ppm, most) in [(50, 50_001), (50, 1), (-30, 80_001), (-30, 1)] {
            at = later(at, 1_000, ppm);
            let old = tsc.line().and_then(|line| line.at(at.ticks)).expect("the line is good for longer");
            assert!(old.abs_diff(at.ns) <= most, "{ppm}: {old} {}", at.ns);
            let new = steered(&tsc, at).expect("nothing has parted");
            assert_eq!(new, old, "a step");
        }
    }

    #[test]
    fn clocks_that_part_are_compared_anew() {
        let (tsc, mut at) = with_line();
        at = later(Comparison { ns: at.ns - 3_000_000, ..at }, 1_000, 0); // as after a suspension
        assert_eq!(steered(&tsc, at), None);
        at = later(at, 1_000, 0);
        assert_eq!(steered(&tsc, at), Some(at.ns));
    }

    #[test]
    fn a_counter_that_ran_backwards_or_a_line_that_is_old_tells_nothing() {
        let (tsc, at) = with_line();
        let line = tsc.line().expect("just drawn");
        assert_eq!(line.at(at.ticks - 1), None);
        assert!(line.at(later(at, 9_900, 0).ticks).is_some());
        assert_eq!(line.at(later(at, 10_100, 0).ticks), None);
        assert_eq!(steered(&tsc, Comparison { ticks: START.ticks, ns: at.ns + 1_000_000_000 }), None);
    }

    #[test]
    fn nobody_waits_for_a_writer() {
        let (tsc, _) = with_line();
        tsc.version.fetch_add(1, Ordering::Relaxed); // as in a process forked meanwhile
        assert!(tsc.line().is_none());
        let held = tsc.last.lock();
        tsc.steer(|| unreachable!("somebody else compares"));
        drop(held);
    }
}
