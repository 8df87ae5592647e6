//! Wordings: the stems of a sentence in, where a wording of each kind stands out.
//!
//! Those of `config/lexicon/phrases.txt` are a feature of the screen; a user's own say what is a claim and what never is.

use std::sync::LazyLock;

use rustc_hash::FxHashMap;

use super::reading::Token;
use crate::model::Kind;
use crate::text::lexicon::classes as lists;
use crate::text::normalize::{fold, stem};

/// Words that `~` stands for at most.
const GAP_MAX: usize = 3;

/// One part of a wording.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Word(String),
    AnyWord,
    Gap,
}

/// A wording after its first word.
#[derive(Debug)]
struct Wording {
    class: usize,
    rest: Vec<Part>,
}

/// Wordings of some classes, by their first word.
#[derive(Debug, Default)]
pub(super) struct Wordings(FxHashMap<String, Vec<Wording>>);

/// A wording found in a sentence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Match {
    /// Its class.
    pub(super) class: usize,
    /// First token.
    pub(super) first: usize,
    /// Last token.
    pub(super) last: usize,
}

impl Wordings {
    /// Adds a wording: words compared by their stems, `_` for any one word, `~` for up to three. It starts with a word; one that
    /// does not is left out.
    pub(super) fn add(&mut self, class: usize, wording: &str) {
        let mut parts = wording.split_whitespace().map(|word| match word {
            "_" => Part::AnyWord,
            "~" => Part::Gap,
            _ => {
                let word = fold(word);
                Part::Word(plain(&word, &stem(&word)).to_owned())
            }
        });
        if let Some(Part::Word(first)) = parts.next() {
            self.0.entry(first).or_default().push(Wording { class, rest: parts.collect() });
        }
    }

    /// Where wordings stand.
    pub(super) fn matches(&self, tokens: &[Token]) -> Vec<Match> {
        if self.0.is_empty() {
            return Vec::new();
        }
        let stems: Vec<&str> = tokens.iter().map(|token| plain(&token.word, &token.stem)).collect();
        let mut found = Vec::new();
        for (first, stem) in stems.iter().enumerate() {
            for wording in self.0.get(*stem).into_iter().flatten() {
                if let Some(end) = match_rest(&stems, first + 1, &wording.rest) {
                    found.push(Match { class: wording.class, first, last: end - 1 });
                }
            }
        }
        found
    }
}

/// The built-in wordings; their class is the place of a kind in `Kind::ALL`.
static BUILT_IN: LazyLock<Wordings> = LazyLock::new(|| {
    let mut found = Wordings::default();
    for (name, wordings) in lists(SOURCE) {
        let Some(kind) = Kind::ALL.iter().position(|kind| kind.as_str() == name) else { continue };
        for wording in wordings.split('|') {
            found.add(kind, wording);
        }
    }
    found
});

/// Where built-in wordings stand.
pub(super) fn matches(tokens: &[Token]) -> Vec<Match> {
    BUILT_IN.matches(tokens)
}

/// The stem under which a word is compared: forms of "be" and "have" are one, and so are all negations with "n't".
fn plain<'a>(word: &'a str, stem: &'a str) -> &'a str {
    match word {
        "is" | "are" | "was" | "were" | "been" | "being" | "am" => "be",
        "has" | "had" | "having" => "hav",
        _ if word.ends_with("n't") => "not",
        _ => stem,
    }
}

/// Where a match of `parts` from token `at` on ends.
fn match_rest(stems: &[&str], at: usize, parts: &[Part]) -> Option<usize> {
    let Some((part, rest)) = parts.split_first() else { return Some(at) };
    match part {
        Part::Word(word) => (stems.get(at)? == word).then(|| match_rest(stems, at + 1, rest)).flatten(),
        Part::AnyWord => stems.get(at).and_then(|_| match_rest(stems, at + 1, rest)),
        Part::Gap => (0..=GAP_MAX).find_map(|skipped| match_rest(stems, at + skipped, rest)),
    }
}

/// The file that `Models::hash` covers.
pub(super) const SOURCE: &str = include_str!("../../config/lexicon/phrases.txt");
