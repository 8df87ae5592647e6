//! The index: which stories hold a shingle, and how many; kept by `dedup::story`, derived wholly from the story records.

use rustc_hash::{FxHashMap, FxHashSet};

use super::table::Table;
use crate::model::Fingerprint;

/// Shingles that more stories hold than this find no candidates: they are forms and furniture, and their lists are long.
const HOLDERS_MAX: usize = 64;
/// Of the body's shingles, those whose hash is divisible by this are entered: enough to find a story by and to know a form by what its
/// fellows share, at a sixth of the room.
const BODY_COUNTED: u32 = 24;
/// The same of the lead's, of which a teaser has nothing else.
const LEAD_COUNTED: u32 = 3;
/// A lead of no more shingles than these is entered whole: of a flash of one sentence a sample may hold nothing, and it takes no more room
/// than the sample of a long text.
const LEAD_WHOLE: usize = 12;
/// Marks a value of the map that points into `lists`.
const LIST: u32 = 1 << 31;

/// Where a story stands in the table of stories.
pub(super) type Slot = u32;

/// Posting lists of a sample of shingles, and counts of headline words. Most shingles have one holder, so that one is kept in the map itself.
#[derive(Debug, Default)]
pub(super) struct Index {
    holders: Table,
    lists: Vec<Vec<Slot>>,
    free_lists: Vec<u32>,
    titles: FxHashMap<u32, u32>,
}

impl Index {
    /// How many stories hold a shingle of the body, if it is counted.
    pub(super) fn with_shingle(&self, shingle: u32) -> Option<u32> {
        shingle.is_multiple_of(BODY_COUNTED).then(|| self.count(shingle))
    }

    /// The same of one of the lead.
    pub(super) fn with_lead(&self, shingle: u32) -> Option<u32> {
        shingle.is_multiple_of(LEAD_COUNTED).then(|| self.count(shingle))
    }

    fn count(&self, shingle: u32) -> u32 {
        u32::try_from(self.slots(shingle).len()).unwrap_or(u32::MAX)
    }

    /// How many stories have the word in their headline.
    pub(super) fn titles_with(&self, word: u32) -> u32 {
        self.titles.get(&word).copied().unwrap_or(0)
    }

    /// Whether it holds nothing.
    #[cfg(test)]
    pub(super) fn is_empty(&self) -> bool {
        self.holders.is_empty() && self.titles.is_empty() && self.free_lists.len() == self.lists.len()
    }

    /// Enters a story's fingerprint.
    pub(super) fn add(&mut self, slot: Slot, fingerprint: &Fingerprint) {
        for shingle in entered_shingles(fingerprint) {
            self.add_holder(shingle, slot);
        }
        for word in fingerprint.lists().title {
            *self.titles.entry(*word).or_insert(0) += 1;
        }
    }

    /// Takes a story's fingerprint out again.
    pub(super) fn remove(&mut self, slot: Slot, fingerprint: &Fingerprint) {
        for shingle in entered_shingles(fingerprint) {
            self.remove_holders(shingle, |holder| holder == slot);
        }
        self.remove_title(fingerprint);
    }

    /// Takes many stories out at once: each list is gone through once, however many of its stories go.
    pub(super) fn remove_all(&mut self, gone: &[(Slot, &Fingerprint)]) {
        let slots: FxHashSet<Slot> = gone.iter().map(|(slot, _)| *slot).collect();
        let mut shingles: Vec<u32> = gone.iter().flat_map(|(_, fingerprint)| entered_shingles(fingerprint)).collect();
        shingles.sort_unstable();
        shingles.dedup();
        for shingle in shingles {
            self.remove_holders(shingle, |holder| slots.contains(&holder));
        }
        for (_, fingerprint) in gone {
            self.remove_title(fingerprint);
        }
    }

    /// Stories that share shingles with the fingerprint, with the weight of what they share, in order of slot.
    pub(super) fn candidates(&self, fingerprint: &Fingerprint) -> Vec<(Slot, f32)> {
        let mut hits: Vec<(Slot, f32)> = Vec::new();
        for shingle in sought_shingles(fingerprint) {
            let slots = self.slots(shingle);
            if slots.len() <= HOLDERS_MAX {
                #[expect(clippy::cast_precision_loss, reason = "at most HOLDERS_MAX")]
                let weight = 1.0 / slots.len().max(1) as f32;
                hits.extend(slots.iter().map(|slot| (*slot, weight)));
            }
        }
        // Stable, so that the weights of a story are added in the order of the shingles whatever its slot is.
        hits.sort_by_key(|(slot, _)| *slot);
        let mut found: Vec<(Slot, f32)> = Vec::new();
        for (slot, weight) in hits {
            match found.last_mut() {
                Some((last, sum)) if *last == slot => *sum += weight,
                _ => found.push((slot, weight)),
            }
        }
        found
    }

    fn slots(&self, shingle: u32) -> &[Slot] {
        match self.holders.get(shingle) {
            None => &[],
            Some(slot) if slot & LIST == 0 => std::slice::from_ref(slot),
            Some(list) => self.lists.get((list & !LIST) as usize).map_or(&[], Vec::as_slice),
        }
    }

    fn add_holder(&mut self, shingle: u32, slot: Slot) {
        let Some(value) = self.holders.get_mut(shingle) else {
            self.holders.insert(shingle, slot);
            return;
        };
        if *value & LIST != 0 {
            if let Some(list) = self.lists.get_mut((*value & !LIST) as usize) {
                list.push(slot);
            }
            return;
        }
        let both = vec![*value, slot];
        if let Some(free) = self.free_lists.pop() {
            if let Some(list) = self.lists.get_mut(free as usize) {
                *list = both;
            }
            *value = LIST | free;
        } else {
            *value = LIST | u32::try_from(self.lists.len()).unwrap_or(!LIST);
            self.lists.push(both);
        }
    }

    fn remove_holders(&mut self, shingle: u32, is_gone: impl Fn(Slot) -> bool) {
        let Some(&value) = self.holders.get(shingle) else { return };
        if value & LIST == 0 {
            if is_gone(value) {
                self.holders.remove(shingle);
            }
            return;
        }
        let number = value & !LIST;
        let Some(list) = self.lists.get_mut(number as usize) else { return };
        list.retain(|slot| !is_gone(*slot));
        if list.is_empty() {
            *list = Vec::new();
            self.free_lists.push(number);
            self.holders.remove(shingle);
        }
    }

    fn remove_title(&mut self, fingerprint: &Fingerprint) {
        for word in fingerprint.lists().title {
            if let Some(count) = self.titles.get_mut(word) {
                *count -= 1;
                if *count == 0 {
                    self.titles.remove(word);
                }
            }
        }
    }
}

/// The shingles of lead and body that are entered, each once, ascending.
fn entered_shingles(fingerprint: &Fingerprint) -> Vec<u32> {
    let is_whole = fingerprint.lists().lead.len() <= LEAD_WHOLE;
    shingles(fingerprint, |shingle| is_whole || shingle.is_multiple_of(LEAD_COUNTED))
}

/// Those by which a copy is looked for: of its lead all, as a story that it carries on may have been entered whole.
fn sought_shingles(fingerprint: &Fingerprint) -> Vec<u32> {
    shingles(fingerprint, |_| true)
}

fn shingles(fingerprint: &Fingerprint, is_of_lead: impl Fn(u32) -> bool) -> Vec<u32> {
    let lists = fingerprint.lists();
    let body = lists.shingles.iter().filter(|shingle| shingle.is_multiple_of(BODY_COUNTED));
    let lead = lists.lead.iter().filter(|shingle| is_of_lead(**shingle));
    let mut all: Vec<u32> = body.chain(lead).copied().collect();
    all.sort_unstable();
    all.dedup();
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Lists;

    fn fingerprint(shingles: &[u32]) -> Fingerprint {
        Fingerprint::new(0, 0, Lists { shingles, title: shingles, ..Lists::default() })
    }

    #[test]
    fn what_goes_in_comes_out() {
        let mut index = Index::default();
        let (one, two, three) = (fingerprint(&[24, 48]), fingerprint(&[48, 72]), fingerprint(&[48, 7]));
        index.add(0, &one);
        index.add(1, &two);
        index.add(2, &three);
        assert_eq!(
            [24, 48, 72, 96, 7].map(|shingle| index.with_shingle(shingle)),
            [Some(1), Some(3), Some(1), Some(0), None]
        );
        assert_eq!(index.titles_with(48), 3);
        assert_eq!(index.candidates(&fingerprint(&[24, 72])), [(0, 1.0), (1, 1.0)]);
        index.remove(1, &two);
        assert_eq!([24, 48, 72].map(|shingle| index.with_shingle(shingle)), [Some(1), Some(2), Some(0)]);
        index.remove_all(&[(0, &one), (2, &three)]);
        assert!(index.holders.is_empty() && index.titles.is_empty());
        index.add(5, &two);
        index.add(6, &two);
        assert_eq!((index.lists.len(), index.with_shingle(48)), (2, Some(2)), "freed lists are used again");
    }
}
