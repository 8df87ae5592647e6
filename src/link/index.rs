//! Which known claims have rare terms in common with another: an inverted index over the claims in the window.

use std::collections::BTreeMap;

use rustc_hash::FxHashMap;

use super::rarity::{Term, weight};
use super::view::View;
use crate::model::ClaimId;

/// Terms looked up for one claim, rarest first.
const TERMS_MAX: usize = 24;
/// Claims looked at for one term, latest first; a term in more claims than that finds little.
const POSTINGS_MAX: usize = 256;
/// Claims found, those with the weightiest terms in common.
const CANDIDATES_MAX: usize = 128;

/// Inverted index from term to claims. What it gives depends on the claims put in and their order alone.
#[derive(Debug, Default)]
pub struct ClaimIndex {
    /// By term the numbers of the claims that hold it, ascending.
    postings: FxHashMap<Term, Vec<u64>>,
    /// Each claim with how it is compared, by its order of creation.
    claims: BTreeMap<u64, (ClaimId, View)>,
}

impl ClaimIndex {
    /// Puts a claim in, in place of what it was; `sequence` is its order of creation.
    pub fn insert(&mut self, sequence: u64, id: ClaimId, view: View) {
        self.remove(sequence);
        for term in view.keys() {
            let list = self.postings.entry(term).or_default();
            let place = list.partition_point(|&other| other < sequence);
            list.insert(place, sequence);
        }
        self.claims.insert(sequence, (id, view));
    }

    /// Takes a claim out again.
    pub fn remove(&mut self, sequence: u64) {
        let Some((_, view)) = self.claims.remove(&sequence) else { return };
        for term in view.keys() {
            if let Some(list) = self.postings.get_mut(&term) {
                list.retain(|&other| other != sequence);
                if list.is_empty() {
                    self.postings.remove(&term);
                }
            }
        }
    }

    /// How the claim of this sequence is compared.
    pub fn view(&self, sequence: u64) -> Option<&View> {
        self.claims.get(&sequence).map(|(_, view)| view)
    }

    /// How telling a term is, in the news at large and among these claims.
    pub fn rarity(&self, term: Term) -> f64 {
        weight(term, self.postings.get(&term).map_or(0, Vec::len), self.claims.len())
    }

    /// How telling a folded stem is.
    pub fn weight(&self, stem: &str) -> f64 {
        self.rarity(Term::of(stem))
    }

    /// Claims that share rare terms with another, in order of creation.
    pub fn candidates(&self, view: &View) -> Vec<ClaimId> {
        let mut terms: Vec<(f64, Term)> = view.keys().map(|term| (self.rarity(term), term)).collect();
        terms.sort_by(|one, other| other.0.total_cmp(&one.0).then(one.1.cmp(&other.1)));
        let mut found: BTreeMap<u64, f64> = BTreeMap::new();
        for (rarity, term) in terms.into_iter().take(TERMS_MAX) {
            let list = self.postings.get(&term).map(Vec::as_slice).unwrap_or_default();
            for &sequence in list.iter().rev().take(POSTINGS_MAX) {
                *found.entry(sequence).or_default() += rarity;
            }
        }
        let mut best: Vec<(u64, f64)> = found.into_iter().collect();
        best.sort_by(|one, other| other.1.total_cmp(&one.1).then(one.0.cmp(&other.0)));
        best.truncate(CANDIDATES_MAX);
        best.sort_by_key(|&(sequence, _)| sequence);
        best.into_iter().filter_map(|(sequence, _)| Some(self.claims.get(&sequence)?.0)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Kind;

    fn view(terms: &[&str]) -> View {
        View::bare(Kind::Allegation, terms)
    }

    #[test]
    fn what_was_removed_is_not_found() {
        let (one, two) = (ClaimId::of(&[b"1"]), ClaimId::of(&[b"2"]));
        let mut index = ClaimIndex::default();
        index.insert(2, two, view(&["bribe", "take"]));
        index.insert(1, one, view(&["bribe", "take"]));
        assert_eq!(index.candidates(&view(&["bribe"])), [one, two]);
        index.remove(1);
        assert_eq!(index.candidates(&view(&["bribe"])), [two]);
        assert!(index.weight("unseen") > index.weight("bribe"));
    }

    #[test]
    fn thousands_of_like_claims_are_looked_at_for_the_weightiest_alone() {
        let mut index = ClaimIndex::default();
        for number in 0..2_000_u64 {
            index.insert(number, ClaimId::of(&[&number.to_le_bytes()]), view(&["flood", "dam"]));
        }
        let best = ClaimId::of(&[b"best"]);
        index.insert(5_000, best, view(&["flood", "dam", "sluice"]));
        let found = index.candidates(&view(&["flood", "dam", "sluice"]));
        assert!(found.len() <= CANDIDATES_MAX && found.contains(&best));
    }
}
