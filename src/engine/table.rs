//! A hash map with a capacity, whose oldest entries leave first.

use std::borrow::Borrow;
use std::hash::{BuildHasher, Hash};

use foldhash::fast::RandomState;
use hashbrown::HashTable;

use crate::time::Timestamp;

/// Names an entry for as long as it is in the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Handle {
    slot: u32,
    generation: u32,
}

/// What a table's entries must tell.
pub trait Entry {
    /// When it was last of use.
    fn last_seen(&self) -> Timestamp;
    /// How soon it may leave: entries of rank 0 go before those of rank 1.
    fn rank(&self) -> u8 {
        0
    }
}

/// A bounded map.
///
/// What has to leave is picked among a few neighbours of a moving hand, by
/// rank and age: nearly the oldest, at no cost per use.
#[derive(Debug)]
pub struct Table<K, V> {
    /// Slots, found by the hash of their keys.
    places: HashTable<u32>,
    hasher: RandomState,
    slots: Slots<K, V>,
    free: Vec<u32>,
    capacity: usize,
    hand: usize,
    cursor: usize,
}

#[derive(Debug)]
struct Slot<K, V> {
    generation: u32,
    key: Option<K>,
    /// Absent while it is on loan.
    value: Option<V>,
}

/// Slots in parts of one size, none of which moves when there are more: half
/// of a list that grows as a whole would be copied, and lie idle.
#[derive(Debug)]
struct Slots<K, V>(Vec<Vec<Slot<K, V>>>);

/// Slots of a part.
const PART: usize = 256;

impl<K, V> Default for Slots<K, V> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<K, V> Slots<K, V> {
    fn len(&self) -> usize {
        let last = self.0.last().map_or(0, Vec::len);
        self.0.len().saturating_sub(1) * PART + last
    }

    #[inline]
    fn get(&self, place: usize) -> Option<&Slot<K, V>> {
        self.0.get(place / PART)?.get(place % PART)
    }

    #[inline]
    fn get_mut(&mut self, place: usize) -> Option<&mut Slot<K, V>> {
        self.0.get_mut(place / PART)?.get_mut(place % PART)
    }

    fn push(&mut self, slot: Slot<K, V>) {
        match self.0.last_mut() {
            Some(part) if part.len() < PART => part.push(slot),
            Some(_) => {
                let mut part = Vec::with_capacity(PART);
                part.push(slot);
                self.0.push(part);
            }
            // Many tables stay small.
            None => self.0.push(vec![slot]),
        }
    }

    fn iter(&self) -> impl Iterator<Item = &Slot<K, V>> {
        self.0.iter().flatten()
    }
}

/// Neighbours that are compared when one has to leave: a few, more where none of these
/// can be spared, and many where all of them are of the highest worth: calls that stand
/// are neighbours, since they came before the flood that would drive them out.
const SAMPLE: usize = 4;
const LARGE_SAMPLE: usize = 16;
const FAR_SAMPLE: usize = 1024;
const HIGH_RANK: u8 = 2;

impl<K: Hash + Eq, V: Entry> Table<K, V> {
    /// An empty table of at most `capacity` entries.
    #[must_use]
    pub fn new(capacity: usize) -> Self {
        Self {
            places: HashTable::new(),
            hasher: RandomState::default(),
            slots: Slots::default(),
            free: Vec::new(),
            capacity: capacity.max(1),
            hand: 0,
            cursor: 0,
        }
    }

    /// How many entries there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.places.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    /// The entry of `key`.
    #[inline]
    #[must_use]
    pub fn find<Q>(&self, key: &Q) -> Option<Handle>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        let hash = self.hasher.hash_one(key);
        let slot = *self.places.find(hash, |&slot| {
            let slot = self.slots.get(slot as usize);
            slot.and_then(|slot| slot.key.as_ref())
                .is_some_and(|own| own.borrow() == key)
        })?;
        let generation = self.slots.get(slot as usize)?.generation;
        Some(Handle { slot, generation })
    }

    /// The entry of a handle, if it is still there.
    #[inline]
    #[must_use]
    pub fn get(&self, handle: Handle) -> Option<&V> {
        let slot = self.slots.get(handle.slot as usize)?;
        slot.value
            .as_ref()
            .filter(|_| slot.generation == handle.generation)
    }

    /// The entry of a handle, if it is still there.
    #[inline]
    #[must_use]
    pub fn get_mut(&mut self, handle: Handle) -> Option<&mut V> {
        let slot = self.slots.get_mut(handle.slot as usize)?;
        slot.value
            .as_mut()
            .filter(|_| slot.generation == handle.generation)
    }

    /// Adds an entry under a key that is not there; hands back what had to
    /// leave for it.
    #[must_use]
    pub fn insert(&mut self, key: K, value: V) -> (Handle, Option<V>) {
        let evicted = if self.len() >= self.capacity {
            self.evict()
        } else {
            None
        };
        let slot = self.free.pop().unwrap_or_else(|| {
            self.slots.push(Slot {
                generation: 0,
                key: None,
                value: None,
            });
            u32::try_from(self.slots.len().saturating_sub(1)).unwrap_or(u32::MAX)
        });
        let hash = self.hasher.hash_one(&key);
        let mut generation = 0;
        if let Some(entry) = self.slots.get_mut(slot as usize) {
            entry.key = Some(key);
            entry.value = Some(value);
            generation = entry.generation;
        }
        let (slots, hasher) = (&self.slots, &self.hasher);
        self.places.insert_unique(hash, slot, |&slot| {
            let key = slots.get(slot as usize).and_then(|slot| slot.key.as_ref());
            key.map_or(0, |key| hasher.hash_one(key))
        });
        (Handle { slot, generation }, evicted)
    }

    /// Takes an entry out.
    pub fn remove(&mut self, handle: Handle) -> Option<V> {
        let slot = self.slots.get_mut(handle.slot as usize)?;
        if slot.generation != handle.generation {
            return None;
        }
        let value = slot.value.take()?;
        let key = slot.key.take()?;
        slot.generation = slot.generation.wrapping_add(1);
        let hash = self.hasher.hash_one(&key);
        if let Ok(place) = self.places.find_entry(hash, |own| *own == handle.slot) {
            place.remove();
        }
        self.free.push(handle.slot);
        Some(value)
    }

    /// Lends an entry out, to be [`Table::put`] back; its place is kept.
    pub fn take(&mut self, handle: Handle) -> Option<V> {
        let slot = self.slots.get_mut(handle.slot as usize)?;
        if slot.generation != handle.generation {
            return None;
        }
        slot.value.take()
    }

    /// Puts back what [`Table::take`] lent.
    pub fn put(&mut self, handle: Handle, value: V) {
        if let Some(slot) = self.slots.get_mut(handle.slot as usize)
            && slot.generation == handle.generation
        {
            slot.value = Some(value);
        }
    }

    /// Takes out the entry that can best be spared.
    pub fn evict(&mut self) -> Option<V> {
        let worst = self.worst()?;
        self.remove(worst)
    }

    /// The entry that can best be spared: the lowest rank, then the oldest,
    /// among the next few.
    pub fn worst(&mut self) -> Option<Handle> {
        let mut worst: Option<(u8, Timestamp, Handle)> = None;
        let (mut looked, mut compared) = (0, 0);
        while looked < self.slots.len() {
            let enough = match worst {
                Some((0, ..)) => SAMPLE,
                Some((HIGH_RANK.., ..)) => FAR_SAMPLE,
                _ => LARGE_SAMPLE,
            };
            if compared >= enough {
                break;
            }
            looked += 1;
            self.hand = if self.hand + 1 < self.slots.len() {
                self.hand + 1
            } else {
                0
            };
            let Some(slot) = self.slots.get(self.hand) else {
                continue;
            };
            let Some(value) = &slot.value else {
                continue;
            };
            compared += 1;
            let handle = Handle {
                slot: u32::try_from(self.hand).unwrap_or(u32::MAX),
                generation: slot.generation,
            };
            let candidate = (value.rank(), value.last_seen(), handle);
            if worst.is_none_or(|worst| candidate < worst) {
                worst = Some(candidate);
            }
        }
        Some(worst?.2)
    }

    /// The handles of about `count` entries, going round the table over many
    /// calls.
    pub fn scan(&mut self, count: usize) -> Vec<Handle> {
        let mut handles = Vec::new();
        for _ in 0..count.min(self.slots.len()) {
            self.cursor = if self.cursor + 1 < self.slots.len() {
                self.cursor + 1
            } else {
                0
            };
            if let Some(slot) = self.slots.get(self.cursor)
                && slot.value.is_some()
            {
                handles.push(Handle {
                    slot: u32::try_from(self.cursor).unwrap_or(u32::MAX),
                    generation: slot.generation,
                });
            }
        }
        handles
    }

    /// How many slots a whole round has.
    #[must_use]
    pub fn round(&self) -> usize {
        self.slots.len()
    }

    /// The handles of every entry, by what `serial` says of it.
    pub fn in_order(&self, serial: impl Fn(&V) -> u64) -> Vec<Handle> {
        let mut handles: Vec<(u64, Handle)> = self
            .handles()
            .filter_map(|handle| Some((serial(self.get(handle)?), handle)))
            .collect();
        handles.sort_unstable();
        handles.into_iter().map(|(_, handle)| handle).collect()
    }

    /// The handles of every entry, in the order of their slots.
    pub fn handles(&self) -> impl Iterator<Item = Handle> + '_ {
        self.slots.iter().zip(0_u32..).filter_map(|(slot, number)| {
            slot.value.as_ref().map(|_| Handle {
                slot: number,
                generation: slot.generation,
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, PartialEq)]
    struct Seen(u64, u8);

    impl Entry for Seen {
        fn last_seen(&self) -> Timestamp {
            Timestamp::from_nanos(self.0)
        }
        fn rank(&self) -> u8 {
            self.1
        }
    }

    #[test]
    fn the_oldest_of_the_lowest_rank_leaves() {
        let mut table = Table::new(3);
        for (key, value) in [("a", Seen(5, 1)), ("b", Seen(9, 0)), ("c", Seen(7, 0))] {
            assert_eq!(table.insert(key, value).1, None);
        }
        assert_eq!(table.insert("d", Seen(10, 0)).1, Some(Seen(7, 0)));
        assert_eq!(table.insert("e", Seen(11, 1)).1, Some(Seen(9, 0)));
        assert_eq!(table.len(), 3);
    }

    #[test]
    fn a_flood_drives_out_nothing_of_high_rank() {
        let mut table = Table::new(400);
        for number in 0..300_u64 {
            assert_eq!(table.insert(number, Seen(number, HIGH_RANK)).1, None);
        }
        for number in 300..5000_u64 {
            let left = table.insert(number, Seen(number, 1)).1;
            assert!(
                left.as_ref().is_none_or(|own| own.1 < HIGH_RANK),
                "{left:?}"
            );
        }
        // Among their like the oldest leaves all the same.
        let mut table = Table::new(4);
        for number in 0..5_u64 {
            let left = table.insert(number, Seen(number, HIGH_RANK)).1;
            assert_eq!(left, (number == 4).then_some(Seen(0, HIGH_RANK)));
        }
    }

    #[test]
    fn a_handle_ends_with_its_entry() {
        let mut table = Table::new(2);
        let (first, _) = table.insert("a", Seen(1, 0));
        assert_eq!(table.find("a"), Some(first));
        assert_eq!(table.remove(first), Some(Seen(1, 0)));
        assert_eq!(table.remove(first), None);
        let (second, _) = table.insert("b", Seen(2, 0));
        assert_ne!(first, second);
        assert_eq!(table.get(first), None);
        assert_eq!(table.get(second), Some(&Seen(2, 0)));
        assert_eq!(table.handles().collect::<Vec<_>>(), [second]);
    }

    #[test]
    fn many_times_the_capacity_stay_within_it() {
        let mut table = Table::new(64);
        let mut left = 0;
        for number in 0..6400_u64 {
            left += u64::from(table.insert(number, Seen(number, 0)).1.is_some());
            assert!(table.len() <= 64);
        }
        assert_eq!(left, 6400 - 64);
        assert!(table.slots.len() <= 65);
    }
}
