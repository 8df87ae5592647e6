//! A map of hashes to numbers without slack: what the window of stories needs most memory for; called by `dedup::index`.
//!
//! Linear hashing (Litwin, 1980): buckets are split one after the other as entries come, and joined again as they go, so that nothing is
//! ever copied whole and none is half empty for long. A bucket is a sorted list of some hundred entries.

/// Entries a bucket holds on average before the next one is split.
const FILL: usize = 96;
/// Entries by which a full bucket grows.
const GROWTH: usize = 8;
/// Spreads keys over the buckets, by the bits in the middle of the product (2^64 over the golden ratio). Texts can be written whose hashes share
/// a bucket: it is sorted, so that thousands of them cost a move within memory and no search.
const FACTOR: u64 = 0x9e37_79b9_7f4a_7c15;

/// See the module. What it holds is the same whatever the order in which it came.
#[derive(Debug)]
pub(super) struct Table {
    /// Ascending by key. Never empty.
    buckets: Vec<Vec<(u32, u32)>>,
    len: usize,
}

impl Default for Table {
    fn default() -> Self {
        Self { buckets: vec![Vec::new()], len: 0 }
    }
}

impl Table {
    /// The number of a key.
    pub(super) fn get(&self, key: u32) -> Option<&u32> {
        let bucket = self.buckets.get(self.bucket_of(key))?;
        bucket.get(place(bucket, key).ok()?).map(|(_, number)| number)
    }

    /// The number of a key, to be changed.
    pub(super) fn get_mut(&mut self, key: u32) -> Option<&mut u32> {
        let at = self.bucket_of(key);
        let bucket = self.buckets.get_mut(at)?;
        let place = place(bucket, key).ok()?;
        bucket.get_mut(place).map(|(_, number)| number)
    }

    /// Enters a key, or gives it another number.
    pub(super) fn insert(&mut self, key: u32, number: u32) {
        let at = self.bucket_of(key);
        let Some(bucket) = self.buckets.get_mut(at) else { return };
        match place(bucket, key) {
            Ok(place) => bucket[place] = (key, number),
            Err(place) => {
                if bucket.len() == bucket.capacity() {
                    bucket.reserve_exact(GROWTH);
                }
                bucket.insert(place, (key, number));
                self.len += 1;
                if self.len > self.buckets.len() * FILL {
                    self.split();
                }
            }
        }
    }

    /// Takes a key out.
    pub(super) fn remove(&mut self, key: u32) {
        let at = self.bucket_of(key);
        let Some(bucket) = self.buckets.get_mut(at) else { return };
        let Ok(place) = place(bucket, key) else { return };
        bucket.remove(place);
        self.len -= 1;
        if self.buckets.len() > 1 && self.len < (self.buckets.len() - 1) * FILL / 2 {
            self.join();
        }
    }

    /// Whether it holds nothing.
    #[cfg(test)]
    pub(super) fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Buckets below the greatest power of two that are not split yet are told by one bit less.
    fn bucket_of(&self, key: u32) -> usize {
        let mixed = (u64::from(key).wrapping_mul(FACTOR) >> 32) as u32 as usize;
        let whole = self.buckets.len().next_power_of_two();
        let bucket = mixed & (whole - 1);
        if bucket < self.buckets.len() { bucket } else { bucket - whole / 2 }
    }

    /// Makes one bucket more, of what belongs there of the one that stood for both.
    fn split(&mut self) {
        let new = self.buckets.len();
        self.buckets.push(Vec::new());
        let from = new - (new + 1).next_power_of_two() / 2;
        let Some(both) = self.buckets.get_mut(from).map(std::mem::take) else { return };
        let (old, moved): (Vec<_>, Vec<_>) = both.into_iter().partition(|(key, _)| self.bucket_of(*key) == from);
        for (bucket, mut entries) in [(from, old), (new, moved)] {
            entries.shrink_to_fit();
            if let Some(place) = self.buckets.get_mut(bucket) {
                *place = entries;
            }
        }
    }

    /// Puts the last bucket back into the one that it was split from.
    fn join(&mut self) {
        let last = self.buckets.len() - 1;
        let into = last - (last + 1).next_power_of_two() / 2;
        let Some(entries) = self.buckets.pop() else { return };
        if let Some(bucket) = self.buckets.get_mut(into) {
            bucket.extend(entries);
            bucket.sort_unstable();
            bucket.shrink_to_fit();
        }
    }
}

/// Where a key stands in a bucket, or would.
fn place(bucket: &[(u32, u32)], key: u32) -> Result<usize, usize> {
    bucket.binary_search_by_key(&key, |(key, _)| *key)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn it_is_a_map(steps: Vec<(u16, Option<u32>)>) {
            let (mut table, mut map) = (Table::default(), BTreeMap::new());
            for (key, number) in steps {
                // Few bits of the key differ, as those of samples do.
                let key = u32::from(key % 512) << 8;
                if let Some(number) = number {
                    table.insert(key, number);
                    map.insert(key, number);
                } else {
                    table.remove(key);
                    map.remove(&key);
                }
                prop_assert_eq!(table.get(key), map.get(&key));
            }
            prop_assert!((0..512).all(|key| table.get(key << 8) == map.get(&(key << 8))));
        }
    }

    #[test]
    fn it_grows_and_shrinks_with_what_it_holds() {
        let mut table = Table::default();
        for key in 0..100_000 {
            table.insert(key * 8, key);
        }
        assert!(table.buckets.len() > 1_000 && table.buckets.iter().map(Vec::capacity).sum::<usize>() < 130_000);
        assert!(table.buckets.iter().all(|bucket| bucket.len() < 4 * FILL), "no bucket is much fuller than others");
        assert!((0..100_000).all(|key| table.get(key * 8) == Some(&key)));
        for key in 0..99_990 {
            table.remove(key * 8);
        }
        assert!(table.buckets.len() < 3 && (99_990..100_000).all(|key| table.get(key * 8) == Some(&key)));
    }
}
