//! Which known claims have rare terms in common with a proposition: an inverted index over the claims in the window.

use std::collections::BTreeSet;

use rustc_hash::FxHashMap;

use crate::model::{ClaimId, Proposition};

/// Terms looked up for one proposition, rarest first.
const TERMS_MAX: usize = 12;
/// Claims looked at for one term, latest first; a term in more claims than that finds little.
const POSTINGS_MAX: usize = 256;
/// Claims that every desk is taken to have seen besides its own: a young one would else call all its terms common.
const PRIOR_CLAIMS: f64 = 1_000.0;

/// Inverted index from term to claims. What it gives depends on the claims put in and their order alone.
#[derive(Debug, Default)]
pub struct ClaimIndex {
    postings: FxHashMap<String, Vec<(u64, ClaimId)>>,
    claim_count: usize,
}

impl ClaimIndex {
    /// Adds a claim; `sequence` is its order of creation.
    pub fn insert(&mut self, sequence: u64, id: ClaimId, proposition: &Proposition) {
        self.claim_count += 1;
        for term in &proposition.terms {
            let list = self.postings.entry(term.clone()).or_default();
            let place = list.partition_point(|&(other, _)| other < sequence);
            list.insert(place, (sequence, id));
        }
    }

    /// Takes a claim out again; `proposition` is the one it was put in with.
    pub fn remove(&mut self, id: ClaimId, proposition: &Proposition) {
        self.claim_count = self.claim_count.saturating_sub(1);
        for term in &proposition.terms {
            if let Some(list) = self.postings.get_mut(term) {
                list.retain(|&(_, other)| other != id);
                if list.is_empty() {
                    self.postings.remove(term);
                }
            }
        }
    }

    /// How telling a term is: its inverse document frequency over the claims, at least 0.2.
    #[expect(clippy::cast_precision_loss, reason = "counts of claims are far below 2^52")]
    pub fn weight(&self, term: &str) -> f64 {
        let holders = self.postings.get(term).map_or(0, Vec::len) as f64;
        ((PRIOR_CLAIMS + self.claim_count as f64) / (1.0 + holders)).ln().max(0.2)
    }

    /// Claims that share one of the proposition's rarer terms, in order of creation.
    pub fn candidates(&self, proposition: &Proposition) -> Vec<ClaimId> {
        let mut lists: Vec<&[(u64, ClaimId)]> =
            proposition.terms.iter().filter_map(|term| self.postings.get(term)).map(Vec::as_slice).collect();
        lists.sort_by_key(|list| (list.len(), list.first().copied()));
        let found: BTreeSet<(u64, ClaimId)> =
            lists.into_iter().take(TERMS_MAX).flat_map(|list| list.iter().rev().take(POSTINGS_MAX)).copied().collect();
        found.into_iter().map(|(_, id)| id).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_removed_is_not_found() {
        let proposition = Proposition { terms: vec!["bribe".into(), "take".into()], ..Proposition::default() };
        let (one, two) = (ClaimId::of(&[b"1"]), ClaimId::of(&[b"2"]));
        let mut index = ClaimIndex::default();
        index.insert(2, two, &proposition);
        index.insert(1, one, &proposition);
        assert_eq!(index.candidates(&proposition), [one, two]);
        index.remove(one, &proposition);
        assert_eq!(index.candidates(&proposition), [two]);
        assert!(index.weight("unseen") > index.weight("bribe"));
    }
}
