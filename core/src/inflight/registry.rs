//! The exchanges that have begun and are not over, oldest first.
//!
//! A list through a slab: to begin and to end cost a few stores whatever else runs, and the oldest are found without a
//! look at the others, so that whoever asks keeps the engine's lock for a bounded time.

use std::sync::Arc;

use slab::Slab;

use crate::exchange::Exchange;

/// No neighbour.
const NONE: usize = usize::MAX;

/// Where an exchange stands in the registry, and since when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    /// Unique in its engine; the first exchange is 1.
    pub id: u64,
    /// Monotonic nanoseconds of its first byte, recorded at every level.
    pub began_at: u64,
    slot: usize,
}

impl Entry {
    /// Of an exchange that no registry knows.
    pub(crate) const NOWHERE: Self = Self { id: 0, began_at: 0, slot: NONE };
}

#[derive(Debug)]
struct Node {
    exchange: Arc<Exchange>,
    older: usize,
    newer: usize,
}

/// See the module's documentation. It is behind the engine's lock.
#[derive(Debug)]
pub(crate) struct Registry {
    nodes: Slab<Node>,
    oldest: usize,
    newest: usize,
    last_id: u64,
}

impl Default for Registry {
    fn default() -> Self {
        Self { nodes: Slab::new(), oldest: NONE, newest: NONE, last_id: 0 }
    }
}

impl Registry {
    /// The exchange begins; nobody else has it yet. It is changed in place: to move it here and back costs more than
    /// all the rest of this.
    pub(crate) fn admit(&mut self, exchange: &mut Arc<Exchange>, began_at: u64) {
        let place = self.nodes.vacant_entry();
        let slot = place.key();
        self.last_id += 1;
        let Some(own) = Arc::get_mut(exchange) else { return };
        own.entry = Entry { id: self.last_id, began_at, slot };
        place.insert(Node { exchange: Arc::clone(exchange), older: self.newest, newer: NONE });
        match self.nodes.get_mut(self.newest) {
            Some(node) => node.newer = slot,
            None => self.oldest = slot,
        }
        self.newest = slot;
    }

    /// The exchange is over.
    pub(crate) fn remove(&mut self, exchange: &Exchange) {
        let Some(Node { older, newer, .. }) = self.nodes.try_remove(exchange.entry.slot) else { return };
        match self.nodes.get_mut(older) {
            Some(node) => node.newer = newer,
            None => self.oldest = newer,
        }
        match self.nodes.get_mut(newer) {
            Some(node) => node.older = older,
            None => self.newest = older,
        }
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.nodes.len()
    }

    /// In the order in which they began.
    pub(crate) fn oldest(&self) -> impl Iterator<Item = &Arc<Exchange>> {
        let at = |slot: usize| self.nodes.get(slot);
        std::iter::successors(at(self.oldest), move |node| at(node.newer)).map(|node| &node.exchange)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::exchange::{Peer, Place};
    use crate::trace::{Level, Record};

    fn exchange() -> Exchange {
        Exchange::new(Place { slot: 0, serial: 0 }, Arc::new(Peer::default()), Record::new(Level::Disabled))
    }

    fn admitted(registry: &mut Registry) -> Arc<Exchange> {
        let mut exchange = Arc::new(exchange());
        registry.admit(&mut exchange, 7);
        exchange
    }

    fn ids(registry: &Registry) -> Vec<u64> {
        registry.oldest().map(|exchange| exchange.entry.id).collect()
    }

    #[test]
    fn a_stranger_is_not_removed() {
        let mut registry = Registry::default();
        admitted(&mut registry);
        registry.remove(&exchange());
        assert_eq!(ids(&registry), [1]);
    }

    proptest! {
        #[test]
        fn oldest_first_whatever_ends(ends in prop::collection::vec(prop::option::of(0..8usize), 0..200)) {
            let (mut registry, mut known) = (Registry::default(), Vec::<Arc<Exchange>>::new());
            for end in ends {
                match end {
                    Some(index) if index < known.len() => registry.remove(&known.remove(index)),
                    _ => known.push(admitted(&mut registry)),
                }
                prop_assert_eq!(ids(&registry), known.iter().map(|e| e.entry.id).collect::<Vec<_>>());
                prop_assert_eq!(registry.len(), known.len());
            }
            for exchange in &known {
                registry.remove(exchange);
            }
            prop_assert_eq!((registry.len(), registry.oldest, registry.newest), (0, NONE, NONE));
        }
    }
}
