//! `SortedSet`: a set of a few values in one exact allocation, for what the desk holds by the hundred thousand.

use std::ops::Deref;

/// Values in order, each once. A `BTreeSet` of one id takes the room of eleven.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SortedSet<T>(Box<[T]>);

impl<T: Ord + Copy> SortedSet<T> {
    /// Whether it holds a value.
    pub fn contains(&self, value: &T) -> bool {
        self.0.binary_search(value).is_ok()
    }

    /// Puts a value in. False where it was there.
    pub fn insert(&mut self, value: T) -> bool {
        let Err(place) = self.0.binary_search(&value) else { return false };
        self.change(|values| {
            values.reserve_exact(1);
            values.insert(place, value);
        });
        true
    }

    /// Takes a value out. False where it was not there.
    pub fn remove(&mut self, value: &T) -> bool {
        let Ok(place) = self.0.binary_search(value) else { return false };
        self.change(|values| {
            values.remove(place);
        });
        true
    }

    /// Whether two sets have nothing in common.
    pub fn is_disjoint(&self, other: &Self) -> bool {
        let (few, many) = if self.len() <= other.len() { (self, other) } else { (other, self) };
        !few.iter().any(|value| many.contains(value))
    }

    fn change(&mut self, change: impl FnOnce(&mut Vec<T>)) {
        let mut values = std::mem::take(&mut self.0).into_vec();
        change(&mut values);
        self.0 = values.into_boxed_slice();
    }
}

impl<T> Default for SortedSet<T> {
    fn default() -> Self {
        Self(Box::default())
    }
}

impl<T> Deref for SortedSet<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        &self.0
    }
}

impl<T: Ord> FromIterator<T> for SortedSet<T> {
    fn from_iter<I: IntoIterator<Item = T>>(values: I) -> Self {
        let mut values: Vec<T> = values.into_iter().collect();
        values.sort_unstable();
        values.dedup();
        Self(values.into_boxed_slice())
    }
}

impl<'a, T> IntoIterator for &'a SortedSet<T> {
    type Item = &'a T;
    type IntoIter = std::slice::Iter<'a, T>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.iter()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn it_is_a_set(acts in prop::collection::vec((any::<bool>(), 0..8_u8), 0..40), other in prop::collection::btree_set(0..8_u8, 0..4)) {
            let (mut set, mut model) = (SortedSet::default(), BTreeSet::new());
            for (is_put_in, value) in acts {
                if is_put_in {
                    prop_assert_eq!(set.insert(value), model.insert(value));
                } else {
                    prop_assert_eq!(set.remove(&value), model.remove(&value));
                }
                prop_assert!(set.iter().eq(&model) && (0..8).all(|value| set.contains(&value) == model.contains(&value)));
            }
            prop_assert_eq!(set.is_disjoint(&other.iter().copied().collect()), model.is_disjoint(&other));
        }
    }
}
