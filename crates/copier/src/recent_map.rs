//! A map of the most recently computed values.

use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::hash::Hash;
use std::sync::{Arc, Mutex};

use tokio::sync::OnceCell;

use crate::lock::lock;

/// A map that computes each value once and keeps the newest ones, within a maximum number and total size.
pub(crate) struct RecentMap<K, V> {
    entries: Mutex<Entries<K, V>>,
    max_entries: usize,
    max_size: usize,
    /// Returns the size of a value in bytes.
    size_of: fn(&V) -> usize,
}

type Cell<V> = Arc<OnceCell<V>>;

struct Entries<K, V> {
    cells: HashMap<K, Cell<V>>,
    /// Oldest first.
    order: VecDeque<K>,
}

impl<K, V> fmt::Debug for RecentMap<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RecentMap").finish_non_exhaustive()
    }
}

impl<K: Clone + Eq + Hash, V: Clone> RecentMap<K, V> {
    pub(crate) fn new(max_entries: usize, max_size: usize, size_of: fn(&V) -> usize) -> Self {
        Self {
            entries: Mutex::new(Entries {
                cells: HashMap::new(),
                order: VecDeque::new(),
            }),
            max_entries,
            max_size,
            size_of,
        }
    }

    /// Returns the cell of a key. A new cell replaces the oldest ones if a maximum is reached.
    pub(crate) fn cell(&self, key: &K) -> Cell<V> {
        let mut entries = lock(&self.entries);
        if let Some(cell) = entries.cells.get(key) {
            return Arc::clone(cell);
        }
        let computed = entries.cells.values().filter_map(|cell| cell.get());
        let mut size: usize = computed.map(self.size_of).sum();
        while entries.order.len() >= self.max_entries || size > self.max_size {
            let Some(oldest) = entries.order.pop_front() else {
                break;
            };
            let removed = entries.cells.remove(&oldest);
            let removed = removed.as_ref().and_then(|cell| cell.get());
            size -= removed.map_or(0, self.size_of);
        }
        entries.order.push_back(key.clone());
        Arc::clone(entries.cells.entry(key.clone()).or_default())
    }

    /// Returns the value of a key, if it is computed and kept.
    pub(crate) fn get(&self, key: &K) -> Option<V> {
        lock(&self.entries).cells.get(key)?.get().cloned()
    }

    /// Removes a value. Callers that hold its cell keep it.
    pub(crate) fn remove(&self, key: &K) {
        let mut entries = lock(&self.entries);
        if entries.cells.remove(key).is_some() {
            entries.order.retain(|known| known != key);
        }
    }

    /// Removes all computed values.
    pub(crate) fn clear(&self) {
        let mut entries = lock(&self.entries);
        entries.cells.retain(|_, cell| !cell.initialized());
        let Entries { cells, order } = &mut *entries;
        order.retain(|key| cells.contains_key(key));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map() -> RecentMap<u8, usize> {
        RecentMap::new(3, 100, |value| *value)
    }

    fn computed(map: &RecentMap<u8, usize>) -> Vec<u8> {
        let entries = lock(&map.entries);
        let keys = entries.order.iter();
        keys.filter(|key| entries.cells[*key].initialized())
            .copied()
            .collect()
    }

    #[test]
    fn oldest_values_make_room_for_new_ones() {
        let map = map();
        for key in 0..5 {
            map.cell(&key).set(1).unwrap();
        }
        assert_eq!(computed(&map), [2, 3, 4]);
        let large = map.cell(&5);
        large.set(200).unwrap();
        assert_eq!(computed(&map), [3, 4, 5]);
        map.cell(&6).set(1).unwrap();
        assert_eq!(computed(&map), [6], "the large one does not stay");
        let pending = map.cell(&7);
        map.clear();
        assert_eq!(computed(&map), [0; 0]);
        pending.set(1).unwrap();
        assert_eq!(computed(&map), [7]);
        map.remove(&7);
        assert_eq!((map.get(&7), map.cell(&7).get()), (None, None));
    }
}
