//! Reads the word lists of `config/lexicon` that the text stage needs; compiled in, parsed once.

use std::sync::LazyLock;

use rustc_hash::{FxHashMap, FxHashSet};

use super::normalize::fold;

/// Months, in order and lower case.
pub(crate) const MONTHS: [&str; 12] = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
];

/// How a word that carries a full stop behaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Abbreviation {
    /// Stands before a name and never ends a sentence.
    Title,
    /// An abbreviation only before a digit.
    Number,
    /// An abbreviation only when capitalised; ends a sentence where a word that opens sentences follows.
    Proper,
    /// Ends a sentence where a word that opens sentences follows.
    Unit,
    /// Ends a sentence unless a day, a month, a zone or a digit follows.
    Time,
}

/// Abbreviations in lower case without their last full stop.
pub(super) static ABBREVIATIONS: LazyLock<FxHashMap<&'static str, Abbreviation>> = LazyLock::new(|| {
    let mut found = FxHashMap::default();
    for (class, words) in classes(include_str!("../../config/lexicon/abbreviations.txt")) {
        let class = match class {
            "title" => Abbreviation::Title,
            "number" => Abbreviation::Number,
            "proper" => Abbreviation::Proper,
            "time" => Abbreviation::Time,
            _ => Abbreviation::Unit,
        };
        found.extend(words.split_whitespace().map(|word| (word, class)));
    }
    found
});

/// Words that open a sentence after an abbreviation, in lower case.
pub(super) static OPENERS: LazyLock<FxHashSet<&'static str>> = LazyLock::new(|| sentence_words("opener"));

/// Words that follow a time of day inside a sentence, in lower case.
pub(super) static AFTER_TIME: LazyLock<FxHashSet<&'static str>> = LazyLock::new(|| sentence_words("after_time"));

/// Function words in folded form.
pub(super) static STOP_WORDS: LazyLock<FxHashSet<&'static str>> = LazyLock::new(|| {
    lines(include_str!("../../config/lexicon/stopwords.txt")).flat_map(str::split_whitespace).collect()
});

/// Folded name or alias of a wire service, and the name shown.
pub(super) static AGENCIES: LazyLock<FxHashMap<String, &'static str>> = LazyLock::new(|| {
    let mut found = FxHashMap::default();
    for line in lines(include_str!("../../config/lexicon/agencies.txt")) {
        let (name, aliases) = line.split_once('=').unwrap_or((line, ""));
        let name = name.trim();
        for alias in aliases.split(',').map(str::trim).filter(|alias| !alias.is_empty()).chain([name]) {
            found.insert(fold(alias), name);
        }
    }
    found
});

fn sentence_words(class: &str) -> FxHashSet<&'static str> {
    classes(include_str!("../../config/lexicon/sentence_openers.txt"))
        .filter(|(name, _)| *name == class)
        .flat_map(|(_, words)| words.split_whitespace())
        .collect()
}

/// The lines `class: words` of a list.
pub(crate) fn classes(data: &'static str) -> impl Iterator<Item = (&'static str, &'static str)> {
    lines(data).filter_map(|line| line.split_once(':'))
}

/// The lines of a word list that are neither empty nor comments.
pub(crate) fn lines(data: &'static str) -> impl Iterator<Item = &'static str> {
    data.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'))
}
