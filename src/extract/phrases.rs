//! Wordings of `config/lexicon/phrases.txt`: the stems of a sentence in, where a wording of each kind stands out.

use std::sync::LazyLock;

use rustc_hash::FxHashMap;

use super::reading::Token;
use crate::model::Kind;
use crate::text::lexicon::classes as lists;
use crate::text::normalize::stem;

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
    kind: usize,
    rest: Vec<Part>,
}

/// The wordings by their first word.
static WORDINGS: LazyLock<FxHashMap<String, Vec<Wording>>> = LazyLock::new(|| {
    let mut found: FxHashMap<String, Vec<Wording>> = FxHashMap::default();
    for (name, wordings) in lists(include_str!("../../config/lexicon/phrases.txt")) {
        let Some(kind) = Kind::ALL.iter().position(|kind| kind.as_str() == name) else { continue };
        for wording in wordings.split('|') {
            let mut parts = wording.split_whitespace().map(|word| match word {
                "_" => Part::AnyWord,
                "~" => Part::Gap,
                _ => Part::Word(plain(word, &stem(word)).to_owned()),
            });
            if let Some(Part::Word(first)) = parts.next() {
                found.entry(first).or_default().push(Wording { kind, rest: parts.collect() });
            }
        }
    }
    found
});

/// The stem under which a word is compared: forms of "be" and "have" are one, and so are all negations with "n't".
fn plain<'a>(word: &'a str, stem: &'a str) -> &'a str {
    match word {
        "is" | "are" | "was" | "were" | "been" | "being" | "am" => "be",
        "has" | "had" | "having" => "hav",
        _ if word.ends_with("n't") => "not",
        _ => stem,
    }
}

/// Where wordings stand: kind (place in `Kind::ALL`), first and last token.
pub(super) fn matches(tokens: &[Token]) -> Vec<(usize, usize, usize)> {
    let stems: Vec<&str> = tokens.iter().map(|token| plain(&token.word, &token.stem)).collect();
    let mut found = Vec::new();
    for (first, stem) in stems.iter().enumerate() {
        for wording in WORDINGS.get(*stem).into_iter().flatten() {
            if let Some(end) = match_rest(&stems, first + 1, &wording.rest) {
                found.push((wording.kind, first, end - 1));
            }
        }
    }
    found
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
