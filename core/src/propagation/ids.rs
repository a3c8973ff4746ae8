//! Trace and span ids: random, never all zero, and never the same in two processes or threads.
//!
//! Each thread has its own generator, seeded by the system, so that an id costs a few instructions and no lock. A
//! fork copies the generators: the child must not go on with them. Asking for the process id with every id would
//! cost a system call, so the child is told instead: by [`after_fork`], or by [`check_process`], which every new
//! engine calls.

use std::cell::RefCell;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::sync::atomic::{AtomicU32, Ordering};

use rand::rngs::{SmallRng, SysRng};
use rand::{Rng, SeedableRng};

/// Grows with every fork that we learn of: generators with an older number are seeded anew.
static EPOCH: AtomicU32 = AtomicU32::new(1);
/// The process that the generators belong to; 0: nobody asked yet.
static PROCESS: AtomicU32 = AtomicU32::new(0);

struct Generator {
    epoch: u32,
    random: SmallRng,
}

thread_local! {
    static GENERATOR: RefCell<Option<Generator>> = const { RefCell::new(None) };
}

/// The child of a fork calls this before it makes ids, for example from `os.register_at_fork`.
pub fn after_fork() {
    EPOCH.fetch_add(1, Ordering::Relaxed);
    PROCESS.store(std::process::id(), Ordering::Relaxed);
}

/// Notices that this process is the child of a fork since the last call.
pub fn check_process() {
    let id = std::process::id();
    let known = PROCESS.swap(id, Ordering::Relaxed);
    if known != 0 && known != id {
        EPOCH.fetch_add(1, Ordering::Relaxed);
    }
}

/// Differs between a process and its forked children, as far as we were told of the fork. Costs one load.
pub(crate) fn epoch() -> u32 {
    EPOCH.load(Ordering::Relaxed)
}

fn seeded(epoch: u32) -> Generator {
    // A system without randomness (it would have to lack the system call) still gets a seed that differs between
    // processes and threads.
    let random = SmallRng::try_from_rng(&mut SysRng).unwrap_or_else(|_| {
        let mut hasher = RandomState::new().build_hasher();
        hasher.write_u32(std::process::id());
        SmallRng::seed_from_u64(hasher.finish())
    });
    Generator { epoch, random }
}

fn next<const N: usize>() -> [u8; N] {
    let epoch = epoch();
    GENERATOR.with_borrow_mut(|slot| {
        let generator = match slot {
            Some(generator) if generator.epoch == epoch => generator,
            stale => stale.insert(seeded(epoch)),
        };
        let mut id = [0; N];
        while id == [0; N] {
            generator.random.fill_bytes(&mut id);
        }
        id
    })
}

/// A new trace id. All of it is random, so it goes with the W3C random flag.
#[must_use]
pub fn trace_id() -> [u8; 16] {
    next()
}

/// Any number, except 0.
pub(crate) fn random() -> u64 {
    u64::from_le_bytes(next())
}

/// A new span id.
#[must_use]
pub fn span_id() -> [u8; 8] {
    next()
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn ids_differ_between_calls_threads_and_after_a_fork() {
        let mut seen: HashSet<[u8; 16]> = (0..1_000).map(|_| trace_id()).collect();
        for thread in
            (0..8).map(|_| std::thread::spawn(|| (0..1_000).map(|_| trace_id()).collect::<Vec<_>>()))
        {
            seen.extend(thread.join().unwrap());
        }
        assert_eq!(seen.len(), 9_000);
        let spans: HashSet<[u8; 8]> = (0..1_000).map(|_| span_id()).collect();
        assert_eq!(spans.len(), 1_000);
    }

    #[test]
    fn a_fork_seeds_anew() {
        let copy = GENERATOR
            .with_borrow_mut(|slot| slot.insert(seeded(EPOCH.load(Ordering::Relaxed))).random.clone());
        after_fork();
        let mut same = [0; 16];
        copy.clone().fill_bytes(&mut same);
        assert_ne!(trace_id(), same);
    }
}
