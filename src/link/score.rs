//! How much two propositions share: terms weighted by rarity, names, figures and polarity.

use std::cmp::Ordering;

use crate::model::{Proposition, Span};
use crate::text::normalize::{fold, is_stop_word, stem};
use crate::text::token::tokens;

/// What two propositions have in common.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Overlap {
    /// Weight of the shared terms over the weight of the lighter side: 1 where one side holds the other.
    pub containment: f64,
    /// Weight of the shared terms over the weight of all.
    pub jaccard: f64,
    /// Number of shared terms.
    pub shared: usize,
    /// Both name somebody or give a figure, and share none.
    pub is_about_others: bool,
    /// One is negated, the other is not.
    pub is_opposed: bool,
}

impl Overlap {
    /// One figure for ranking, 0 to 1: containment, dampened where the longer side says much more.
    pub fn score(&self) -> f64 {
        let score = 0.7 * self.containment + 0.3 * self.jaccard;
        if self.is_about_others { score * 0.5 } else { score }
    }
}

/// Measures the overlap of two propositions; `weight` gives the rarity of a term (see `ClaimIndex::weight`).
pub fn overlap(one: &Proposition, other: &Proposition, weight: impl Fn(&str) -> f64) -> Overlap {
    let total = |terms: &[String]| terms.iter().map(|term| weight(term)).sum::<f64>();
    let (mut shared, mut shared_weight) = (0, 0.0);
    for_each_shared(&one.terms, &other.terms, |term| {
        shared += 1;
        shared_weight += weight(term);
    });
    let (mine, theirs) = (total(&one.terms), total(&other.terms));
    let mut common_names = 0;
    for_each_shared(&one.entities, &other.entities, |_| common_names += 1);
    let ratio = |part: f64, whole: f64| if whole > 0.0 { part / whole } else { 0.0 };
    Overlap {
        containment: ratio(shared_weight, mine.min(theirs)),
        jaccard: ratio(shared_weight, mine + theirs - shared_weight),
        shared,
        is_about_others: common_names == 0 && !one.entities.is_empty() && !other.entities.is_empty(),
        is_opposed: one.is_negated != other.is_negated,
    }
}

/// Stems of the telling words of a stretch of text, sorted, each once.
pub fn telling_stems(text: &str, span: Span) -> Vec<String> {
    let words = tokens(text, span).into_iter().map(|word| fold(word.of(text)));
    let telling = words.filter(|word| word.starts_with(char::is_alphanumeric) && !is_stop_word(word));
    let mut stems: Vec<String> = telling.map(|word| stem(&word)).collect();
    stems.sort_unstable();
    stems.dedup();
    stems
}

/// Calls `found` for every text that both sorted lists hold.
pub(super) fn for_each_shared<'a>(one: &'a [String], other: &[String], mut found: impl FnMut(&'a str)) {
    let (mut i, mut j) = (0, 0);
    while let (Some(a), Some(b)) = (one.get(i), other.get(j)) {
        match a.cmp(b) {
            Ordering::Less => i += 1,
            Ordering::Greater => j += 1,
            Ordering::Equal => {
                found(a);
                i += 1;
                j += 1;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn proposition(words: &str, names: &str) -> Proposition {
        let list = |text: &str| {
            let mut words: Vec<String> = text.split_whitespace().map(str::to_owned).collect();
            words.sort();
            words.dedup();
            words
        };
        Proposition { text: words.into(), terms: list(words), entities: list(names), is_negated: false }
    }

    #[test]
    fn a_part_is_contained_in_the_whole() {
        let whole = proposition("north korean troop deploy russia", "russia");
        let part = proposition("troop deploy", "");
        let found = overlap(&part, &whole, |_| 1.0);
        assert_eq!((found.shared, found.is_about_others), (2, false));
        assert!((found.containment - 1.0).abs() < 1e-9 && found.jaccard < 0.5);
    }

    #[test]
    fn other_names_are_another_matter() {
        let found = overlap(&proposition("take bribe", "lind"), &proposition("take bribe", "garcia"), |_| 1.0);
        assert!(found.is_about_others && found.score() <= 0.5);
    }

    #[test]
    fn nothing_shares_nothing() {
        let empty = Proposition::default();
        assert!(overlap(&empty, &empty, |_| 1.0).containment.abs() < 1e-9);
    }
}
