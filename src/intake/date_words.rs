//! Words in dates: one word in any of many languages in, what it means in a date out; the words are data (`config/lexicon/date_words.txt`).

use std::collections::BTreeMap;
use std::sync::LazyLock;

use unicode_normalization::UnicodeNormalization as _;
use unicode_normalization::char::is_combining_mark;

use crate::model::zone_seconds;

/// What a word means in a date.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Meaning {
    /// A month, from 1.
    Month(i8),
    /// A day of the week, which says nothing that the date does not.
    Weekday,
    /// A word that carries nothing.
    Filler,
    /// Before noon.
    Morning,
    /// After noon.
    Afternoon,
    /// An offset from UTC in seconds.
    Zone(i32),
}

/// A word in lower case, without accents and points.
pub(super) fn folded(word: &str) -> String {
    let plain = word.nfkd().filter(|&c| !is_combining_mark(c) && !matches!(c, '.' | '\u{200e}' | '\u{200f}'));
    plain.flat_map(char::to_lowercase).filter(|&c| !is_combining_mark(c)).collect()
}

/// What a word means; nothing where it is not known or means several things.
pub(super) fn meaning(word: &str) -> Option<Meaning> {
    let folded = folded(word);
    WORDS.get(folded.as_str()).copied().or_else(|| zone(&folded)).or_else(|| english(&folded))
}

fn zone(word: &str) -> Option<Meaning> {
    zone_seconds(&word.to_ascii_uppercase()).map(Meaning::Zone)
}

/// An English month or weekday cut or misspelt behind its third letter: "Octob", "Thurday".
fn english(word: &str) -> Option<Meaning> {
    let months = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
    let days = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
    let start = word.get(..3)?;
    let month = months.iter().position(|month| *month == start);
    let month = month.and_then(|at| i8::try_from(at + 1).ok()).map(Meaning::Month);
    month.or_else(|| days.contains(&start).then_some(Meaning::Weekday))
}

static WORDS: LazyLock<BTreeMap<String, Meaning>> = LazyLock::new(|| {
    let lines = include_str!("../../config/lexicon/date_words.txt").lines();
    let classes = lines.filter(|line| !line.starts_with('#')).filter_map(|line| line.split_once(':'));
    let mut words = BTreeMap::new();
    for (class, list) in classes {
        let (class, number) = class.split_once(' ').unwrap_or((class, "0"));
        let meaning = match (class, number.parse::<i32>()) {
            ("month", Ok(number)) => Meaning::Month(i8::try_from(number).unwrap_or_default()),
            ("zone", Ok(quarters)) => Meaning::Zone(quarters * 900),
            ("weekday", _) => Meaning::Weekday,
            ("am", _) => Meaning::Morning,
            ("pm", _) => Meaning::Afternoon,
            _ => Meaning::Filler,
        };
        // What is a month in one language stays one: weekdays are cut to the same letters, and say nothing.
        for word in list.split_whitespace() {
            words.entry(folded(word)).or_insert(meaning);
        }
    }
    words
});

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_known_in_any_case_and_with_or_without_accents() {
        assert_eq!(meaning("FÉVRIER"), Some(Meaning::Month(2)));
        assert_eq!(meaning("Ağustos"), Some(Meaning::Month(8)));
        assert_eq!(meaning("أكتوبر"), Some(Meaning::Month(10)));
        assert_eq!(meaning("sept."), Some(Meaning::Month(9)));
        assert_eq!(meaning("p.m."), Some(Meaning::Afternoon));
        assert_eq!(meaning("목요일"), Some(Meaning::Weekday));
        assert_eq!(meaning("martes"), Some(Meaning::Weekday));
        assert_eq!((meaning("IST"), meaning("yesterday")), (None, None));
    }

    #[test]
    fn no_word_stands_in_two_months() {
        let mut months: BTreeMap<String, Meaning> = BTreeMap::new();
        for line in include_str!("../../config/lexicon/date_words.txt").lines().filter(|line| line.starts_with("month"))
        {
            let (class, words) = line.split_once(':').unwrap();
            let month = Meaning::Month(class.trim_start_matches("month ").parse().unwrap());
            for word in words.split_whitespace() {
                assert_eq!(*months.entry(folded(word)).or_insert(month), month, "{word}");
            }
        }
        assert_eq!(months.len(), months.values().filter(|month| matches!(month, Meaning::Month(1..=12))).count());
    }
}
