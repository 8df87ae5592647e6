//! How telling a term is: its rarity in the news at large and on this desk; read by everything that compares propositions.

use std::sync::LazyLock;

use rustc_hash::{FxHashMap, FxHasher};

/// Stems with the number of documents that hold them, made by `training/terms.rs`; a `name` behind the number: mostly written
/// with a capital.
const COUNTS: &str = include_str!("../../models/terms.txt");
/// The least weight of a term.
const WEIGHT_MIN: f64 = 0.2;

/// A term by its hash: what is compared is compared for equality alone, and claims in the window are many. Two terms in one
/// hash are as rare as they do little harm.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Term(u32);

impl Term {
    /// The term of a stem, or of whatever stands for a name.
    #[expect(clippy::cast_possible_truncation, reason = "the lower half of a hash is a hash")]
    pub fn of(stem: &str) -> Self {
        use std::hash::Hasher as _;
        let mut hasher = FxHasher::default();
        hasher.write(stem.as_bytes());
        let hash = hasher.finish();
        Self((hash ^ (hash >> 32)) as u32)
    }
}

/// What is known of a stem in the news at large.
#[derive(Debug, Clone, Copy)]
struct Count {
    documents: u32,
    is_name: bool,
}

struct Counts {
    documents: f64,
    by_term: FxHashMap<Term, Count>,
}

static NEWS: LazyLock<Counts> = LazyLock::new(|| {
    let mut news = Counts { documents: 1.0, by_term: FxHashMap::default() };
    for line in COUNTS.lines() {
        let mut words = line.split(' ');
        let (Some(stem), Some(Ok(documents))) = (words.next(), words.next().map(str::parse::<u32>)) else { continue };
        if stem == "#" {
            news.documents = f64::from(documents);
        } else {
            news.by_term.insert(Term::of(stem), Count { documents, is_name: words.next() == Some("name") });
        }
    }
    news
});

/// Whether the news write a stem small as a rule.
pub fn is_common(term: Term) -> bool {
    NEWS.by_term.get(&term).is_some_and(|count| !count.is_name)
}

/// How telling a term is that `holders` of the desk's `claims` hold: its inverse document frequency, at least 0.2.
#[expect(clippy::cast_precision_loss, reason = "counts of claims are far below 2^52")]
pub fn weight(term: Term, holders: usize, claims: usize) -> f64 {
    let known = NEWS.by_term.get(&term).map_or(0, |count| count.documents);
    let all = NEWS.documents + claims as f64;
    (all / (1.0 + f64::from(known) + holders as f64)).ln().max(WEIGHT_MIN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_news_seldom_say_tells_more() {
        let of = |stem: &str| weight(Term::of(stem), 0, 0);
        assert!(of("nebenzia") > of("missil") && of("missil") > of("year") && of("year") >= WEIGHT_MIN);
        assert!(weight(Term::of("missil"), 900, 1_000) < of("missil"));
        assert!(is_common(Term::of("missil")) && !is_common(Term::of("putin")) && !is_common(Term::of("nebenzia")));
    }
}
