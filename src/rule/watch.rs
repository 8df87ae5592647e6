//! Names on watch lists: which of them stand in the words of a claim, as whole words.
//!
//! What counts as the name: its words one after the other, whatever case, accents and punctuation ("Corvane-Lines", "CORVANE
//! LINES", "Nicolas" for "Nicolás"). A possessive "'s" and dots inside abbreviations ("U.S.") and between initials ("J. K.") do not
//! count, "&" is "and". The last word may have a plural s where it has four letters or more and no s of its own ("Houthi" is in "the Houthis").
//! A name of two or three capitals ("US", "WHO") is only in words of capitals, so that it is not in "us" or "who".
//! A longer word never counts: "Iran" is neither in "Tirana" nor in "Iranian".

use std::collections::{BTreeMap, BTreeSet};

use crate::text::normalize::fold;

/// Letters from which on a plural s is one.
const PLURAL_LETTERS_MIN: usize = 4;
/// Letters up to which capitals are an abbreviation that is always written so.
const CAPITALS_MAX: usize = 3;

/// Finds many names at once: built for a config, asked for each claim.
#[derive(Debug, Clone, Default)]
pub(crate) struct Watchlist {
    names: Vec<Name>,
    /// Names by the folded form of their first word, also where that is the plural of a single word.
    by_first: BTreeMap<String, Vec<usize>>,
}

#[derive(Debug, Clone)]
struct Name {
    words: Vec<String>,
    /// The last word with its plural s.
    plural: Option<String>,
    is_abbreviation: bool,
}

/// A word of a text.
struct Word {
    folded: String,
    is_capitals: bool,
    /// What stands between its letters, where it is of letters with dots.
    dots: &'static str,
}

impl Watchlist {
    /// Takes a name up; its number is the count of names before it. A name without a letter or a digit is never found.
    pub(crate) fn add(&mut self, name: &str) -> usize {
        let words = words(name);
        let is_abbreviation =
            matches!(words.as_slice(), [one] if one.is_capitals && one.folded.chars().count() <= CAPITALS_MAX);
        let plural = words.last().map(|last| &last.folded).filter(|last| {
            last.chars().count() >= PLURAL_LETTERS_MIN && last.ends_with(char::is_alphabetic) && !last.ends_with('s')
        });
        let plural = plural.map(|last| format!("{last}s"));
        let number = self.names.len();
        let words: Vec<String> = words.into_iter().map(|word| word.folded).collect();
        let plural_first = plural.clone().filter(|_| words.len() == 1);
        for first in words.first().cloned().into_iter().chain(plural_first) {
            self.by_first.entry(first).or_default().push(number);
        }
        self.names.push(Name { words, plural, is_abbreviation });
        number
    }

    /// Numbers of the names that are in any of these texts; a name is never in two texts together.
    pub(crate) fn found<'t>(&self, texts: impl IntoIterator<Item = &'t str>) -> BTreeSet<usize> {
        let mut found = BTreeSet::new();
        if self.names.is_empty() {
            return found;
        }
        for text in texts {
            let words = words(text);
            for (position, word) in words.iter().enumerate() {
                let rest = words.get(position..).unwrap_or_default();
                let candidates = self.by_first.get(&word.folded).into_iter().flatten();
                found.extend(candidates.copied().filter(|&number| self.is_at(number, rest)));
            }
        }
        found
    }

    /// Whether these words begin with the name.
    fn is_at(&self, number: usize, words: &[Word]) -> bool {
        let Some(name) = self.names.get(number) else { return false };
        let Some(words) = words.get(..name.words.len()) else { return false };
        let last = name.words.len().saturating_sub(1);
        words.iter().zip(&name.words).enumerate().all(|(position, (word, wanted))| {
            let is_plural = || position == last && name.plural.as_ref() == Some(&word.folded);
            (word.folded == *wanted || is_plural()) && (word.is_capitals || !name.is_abbreviation)
        })
    }
}

/// The words of a text: runs of letters and digits, possessive endings left out, abbreviations with dots as one.
fn words(text: &str) -> Vec<Word> {
    let mut words: Vec<Word> = Vec::new();
    let (mut run, mut before) = (String::new(), String::new());
    // What ends a run is a separator; the last run has none.
    for character in text.chars().map(Some).chain([None]) {
        match character {
            Some(part) if is_of_word(part) => run.push(part),
            other => {
                if !run.is_empty() {
                    add_run(&mut words, &std::mem::take(&mut run), &before, other);
                    before.clear();
                }
                if other == Some('&') {
                    words.push(Word { folded: "and".to_owned(), is_capitals: false, dots: "" });
                }
                before.extend(other);
            }
        }
    }
    words
}

/// Adds a run of letters and digits; `before` stands between it and the run before, `after` comes next.
fn add_run(words: &mut Vec<Word>, run: &str, before: &str, after: Option<char>) {
    let folded = fold(run);
    // "U.S.'s" has a dot before its apostrophe.
    let is_possessive = || matches!(fold(before).as_str(), "'" | ".'");
    if folded.is_empty() || (folded == "s" && !words.is_empty() && is_possessive()) {
        return;
    }
    let is_capitals = run.chars().any(char::is_uppercase) && !run.chars().any(char::is_lowercase);
    let is_letter = is_capitals && folded.chars().count() == 1;
    let dots = match before {
        "." => ".",
        // "J. K. Rowling"; in "the U.S. A spokesman" no dot follows.
        ". " | ".\u{a0}" if after == Some('.') => ". ",
        _ => "",
    };
    match words.last_mut() {
        // Behind "U" and ".", or "U.S" and ".".
        Some(last) if is_letter && !dots.is_empty() && last.is_capitals && last.may_go_on(dots) => {
            last.folded.push_str(&folded);
            last.dots = dots;
        }
        _ => words.push(Word { folded, is_capitals, dots: "" }),
    }
}

impl Word {
    /// Whether a letter behind these dots belongs to it: it is one letter, or of letters with the same dots.
    fn may_go_on(&self, dots: &str) -> bool {
        self.dots == dots || (self.dots.is_empty() && self.folded.chars().count() == 1)
    }
}

/// Letters, digits, and what folding drops: accents that stand alone, soft hyphens.
fn is_of_word(character: char) -> bool {
    character.is_alphanumeric() || (!character.is_ascii() && fold(character.encode_utf8(&mut [0; 4])).is_empty())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn check(name: &str, is_in: &[&str], is_not_in: &[&str]) {
        let mut list = Watchlist::default();
        list.add(name);
        for text in is_in {
            assert!(!list.found([*text]).is_empty(), "{name:?} is in {text:?}");
        }
        for text in is_not_in {
            assert!(list.found([*text]).is_empty(), "{name:?} is not in {text:?}");
        }
    }

    #[test]
    fn a_name_is_its_whole_words() {
        check("Franck", &["Odile Franck", "franck", "(FRANCK)", "Franck’s", "the Francks"], &["Francke", "Frank"]);
        check("Iran", &["Iran", "Iran-backed militias", "Iran's"], &["Tirana", "Iranian", "Iranians", "Gairan"]);
        check(
            "Corvane Lines",
            &["corvane  lines", "Corvane\u{a0}Lines'", "Corvane-Lines", "at CORVANE LINES, which"],
            &["Corvane", "Lines Corvane", "Corvane Line", "Corvane Air Lines", "Corvane Linesmen"],
        );
    }

    #[test]
    fn accents_possessives_and_dots_do_not_count() {
        check("Nicolás Maduro", &["Nicolas Maduro", "NICOLA\u{301}S MADURO’s"], &["Nicolás"]);
        check("Lloyd's of London", &["Lloyd’s of London", "LLOYD'S OF LONDON"], &["Lloyd", "Lloyds of London"]);
        check("St Petersburg", &["St. Petersburg"], &[]);
        check("O'Brien", &["O’Brien’s"], &["Brien"]);
        check("co\u{ad}operative", &["cooperatives"], &[]);
    }

    #[test]
    fn short_capitals_are_abbreviations() {
        check("US", &["the US says", "the U.S. says", "US-led"], &["told us", "Us", "USA"]);
        check("U.S.", &["US", "U.S."], &["us"]);
        check("WHO", &["the WHO's"], &["who", "Who"]);
        check("US", &["the U.S. A spokesman", "the U.S.’s", "the US. J. Doe", "the US.A spokesman"], &["the U.S.A."]);
        check("US Navy", &["the U.S.'s Navy"], &[]);
        check("UNRWA", &["U.N.R.W.A. schools"], &["U.N.R.W. A school"]);
        check("Nato", &["NATO", "nato"], &["Nat"]);
        check("NATO", &["Nato"], &[]);
    }

    #[test]
    fn initials_and_ands_are_written_in_several_ways() {
        for name in ["J.K. Rowling", "J. K. Rowling", "JK Rowling"] {
            check(
                name,
                &["J.K. Rowling", "J. K. Rowling", "J.\u{a0}K. Rowling", "JK Rowling's"],
                &["K. Rowling", "Rowling"],
            );
        }
        check("George W. Bush", &["George W. Bush"], &["George Bush"]);
        check("Marks & Spencer", &["Marks and Spencer", "Marks&Spencer", "MARKS & SPENCER's"], &["Marks Spencer"]);
        check("AT&T", &["AT&T", "AT & T"], &["at the"]);
    }

    #[test]
    fn only_a_simple_plural_counts() {
        check("Houthi", &["the Houthis", "Houthis'"], &["Houthies"]);
        check("Houthis", &["Houthis"], &["Houthi", "Houthiss"]);
        check("UN", &["UN"], &["UNs"]);
        check("747", &["747"], &["747s"]);
    }

    #[test]
    fn many_names_are_found_at_once_and_none_across_texts() {
        let mut list = Watchlist::default();
        let numbers = ["Orsa Lind", "Lind", "Corvane", "", "…"].map(|name| list.add(name));
        assert_eq!(numbers, [0, 1, 2, 3, 4]);
        assert_eq!(list.found(["Orsa", "Lind … said"]), [1].into());
        assert_eq!(list.found(["Orsa Lind", "Corvane"]), [0, 1, 2].into());
        assert!(Watchlist::default().found(["x"]).is_empty());
    }

    proptest! {
        #[test]
        fn a_name_is_found_in_itself_wherever_it_stands(name in "\\PC{1,30}", before in "[a-z ,]{0,9}") {
            let mut list = Watchlist::default();
            list.add(&name);
            let has_words = !words(&name).is_empty();
            prop_assert_eq!(!list.found([name.as_str()]).is_empty(), has_words);
            // A space parts words, unless an accent begins the name.
            if has_words && name.starts_with(|c: char| !fold(&c.to_string()).is_empty()) {
                let text = format!("{before} {name} ");
                prop_assert!(!list.found([text.as_str()]).is_empty());
            }
        }
    }
}
