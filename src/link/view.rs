//! A claim as it is compared with claims of other documents: what it says, who speaks, who is accused and what is told around it,
//! each as a sorted list of terms; made once when the desk learns of the claim.

use jiff::Timestamp;

use super::rarity::{Term, is_common};
use super::speaker::sound;
use crate::model::{Kind, Proposition, Report, Span, Speaker};
use crate::text::normalize::{fold, is_stop_word, stem};
use crate::text::place::{PLACE_WORDS_MAX, place};
use crate::text::token::tokens;

/// Letters of a word by which its relations are known: "interfered", "interference".
const ROOT_LETTERS: usize = 6;
/// Terms of one list; a bound for hostile text.
const TERMS_MAX: usize = 160;

/// Titles that tell no two people apart.
const TITLES: [&str; 26] = [
    "mr",
    "mrs",
    "ms",
    "dr",
    "sir",
    "gen",
    "general",
    "president",
    "minister",
    "prime",
    "col",
    "colonel",
    "major",
    "captain",
    "sen",
    "senator",
    "rep",
    "gov",
    "governor",
    "prof",
    "professor",
    "judge",
    "justice",
    "ambassador",
    "rev",
    "deputy",
];

/// What is compared of one claim.
#[derive(Debug, Clone)]
pub struct View {
    pub(super) kind: Kind,
    /// When its document was first seen.
    pub(super) seen: Timestamp,
    pub(super) is_negated: bool,
    /// Stems of what is said.
    pub(super) terms: Terms,
    /// Roots of what is said that are no names.
    pub(super) matter: Terms,
    /// Stems of its sentence, their roots without names, and its figures.
    pub(super) sentence: Terms,
    pub(super) sentence_roots: Terms,
    pub(super) figures: Terms,
    /// Stems of its headline and of the sentences around.
    pub(super) context: Terms,
    /// Names and places in its sentence, and in all of its context.
    pub(super) sentence_names: Terms,
    pub(super) context_names: Terms,
    /// Names of who speaks, with those of the body and office, and the common nouns that say who it is.
    pub(super) has_speaker: bool,
    pub(super) persons: Terms,
    pub(super) side: Terms,
    pub(super) roles: Terms,
    /// Names of the accused, and all its words.
    pub(super) target: Terms,
    pub(super) target_words: Terms,
}

/// Terms, sorted, each once.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Terms(Vec<Term>);

impl Terms {
    fn of(terms: impl IntoIterator<Item = Term>) -> Self {
        let mut terms: Vec<Term> = terms.into_iter().take(TERMS_MAX).collect();
        terms.sort_unstable();
        terms.dedup();
        Self(terms)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = Term> + '_ {
        self.0.iter().copied()
    }

    pub(super) fn contains(&self, term: Term) -> bool {
        self.0.binary_search(&term).is_ok()
    }

    /// What both hold.
    pub(super) fn shared<'a>(&'a self, other: &'a Self) -> impl Iterator<Item = Term> + 'a {
        let (few, many) = if self.len() <= other.len() { (self, other) } else { (other, self) };
        few.iter().filter(|&term| many.contains(term))
    }

    pub(super) fn meets(&self, other: &Self) -> bool {
        self.shared(other).next().is_some()
    }

    /// Without those of another list.
    pub(super) fn without(&self, other: &Self) -> Self {
        Self(self.iter().filter(|&term| !other.contains(term)).collect())
    }
}

impl View {
    /// The kind of claim.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// How a claim is compared that is reported so.
    pub fn of(kind: Kind, report: &Report, speaker: Option<&Speaker>, proposition: &Proposition) -> Self {
        let evidence = &report.evidence;
        let headline = report.document.headline.as_str();
        let around = [headline, &evidence.before, &evidence.sentence, &evidence.after];
        let sentence = Words::of(&evidence.sentence);
        let context: Vec<Words> = around.iter().map(|text| Words::of(text)).collect();
        let words = |text: Option<&String>| Words::of(text.map(String::as_str).unwrap_or_default());
        let person = words(speaker.map(|speaker| &speaker.name));
        let office = words(speaker.and_then(|speaker| speaker.role.as_ref()));
        let body = words(speaker.and_then(|speaker| speaker.affiliation.as_ref()));
        let accused = Words::of(report.claim.target.as_deref().unwrap_or_default());
        let is_plain = |term: &&String| !sentence.is_capital(term) && !term.starts_with(|c: char| c.is_ascii_digit());
        let matter = proposition.terms.iter().filter(is_plain).filter(|term| place(term).is_none());
        Self {
            kind,
            seen: report.document.published.unwrap_or(report.document.first_seen).min(report.document.first_seen),
            is_negated: proposition.is_negated,
            terms: Terms::of(proposition.terms.iter().map(|term| Term::of(term))),
            matter: Terms::of(matter.map(|term| root(term))),
            sentence_roots: Terms::of(sentence.stems.iter().filter(is_plain).map(|stem| root(stem))),
            figures: Terms::of(sentence.figures.iter().copied()),
            sentence_names: named([&sentence]),
            sentence: Terms::of(sentence.stems.iter().map(|stem| Term::of(stem))),
            context: Terms::of(context.iter().flat_map(|text| text.stems.iter().map(|stem| Term::of(stem)))),
            context_names: named(&context),
            has_speaker: speaker.is_some(),
            persons: named([&person]),
            side: named([&person, &office, &body]),
            roles: Terms::of([&person, &office].into_iter().flat_map(|text| text.common.iter().copied())),
            target: named([&accused]),
            target_words: Terms::of(accused.stems.iter().map(|stem| Term::of(stem))),
        }
    }

    /// A claim of which nothing is known but the terms of its content.
    #[cfg(test)]
    pub(super) fn bare(kind: Kind, terms: &[&str]) -> Self {
        let none = Terms::default;
        Self {
            kind,
            seen: Timestamp::UNIX_EPOCH,
            is_negated: false,
            terms: Terms::of(terms.iter().map(|term| Term::of(term))),
            matter: none(),
            sentence: none(),
            sentence_roots: none(),
            figures: none(),
            context: none(),
            sentence_names: none(),
            context_names: none(),
            has_speaker: false,
            persons: none(),
            side: none(),
            roles: none(),
            target: none(),
            target_words: none(),
        }
    }

    /// Terms under which the claim is found: what it says and the names around it.
    pub(super) fn keys(&self) -> impl Iterator<Item = Term> + '_ {
        let names = self.context_names.iter().filter(|&name| !self.terms.contains(name));
        self.terms.iter().chain(names)
    }
}

fn named<'a>(texts: impl IntoIterator<Item = &'a Words>) -> Terms {
    Terms::of(texts.into_iter().flat_map(|text| &text.names).map(|name| Term::of(name)))
}

/// The root of a stem, told from the stem of the same letters.
fn root(stem: &str) -> Term {
    Term::of(&format!("{}-", stem.chars().take(ROOT_LETTERS).collect::<String>()))
}

/// Keys of the names in a text, as they stand: of places "@" and the one name of the place, of others how they sound.
pub fn names(text: &str) -> Vec<String> {
    Words::of(text).names
}

/// The words of a short text, sorted out.
#[derive(Default)]
struct Words {
    /// Stems of the telling words, in order.
    stems: Vec<String>,
    /// Stems of those that it writes small.
    small: Vec<String>,
    /// Names and places; see `names`.
    names: Vec<String>,
    /// Roots of the common nouns, those that open a sentence with a capital included.
    common: Vec<Term>,
    figures: Vec<Term>,
}

impl Words {
    fn of(text: &str) -> Self {
        let mut found = Self::default();
        let words: Vec<(&str, String)> = tokens(text, Span::new(0, text.len()))
            .into_iter()
            .map(|token| (token.of(text), fold(token.of(text))))
            .collect();
        let mut opens = true;
        let mut at = 0;
        while let Some((word, folded)) = words.get(at) {
            if !word.starts_with(char::is_alphanumeric) {
                opens |= !matches!(*word, "'" | "’" | "," | "-" | "(" | ")" | "'s" | "’s" | "$" | "%");
                at += 1;
                continue;
            }
            let is_capital = word.starts_with(char::is_uppercase);
            let placed = is_capital.then(|| place_at(&words, at)).flatten();
            let length = placed.map_or(1, |(_, length)| length);
            for (word, folded) in words.get(at..at + length).unwrap_or_default() {
                if !is_stop_word(folded) {
                    found.take(word, folded);
                }
            }
            if let Some((name, _)) = placed {
                found.names.push(format!("@{}", fold(name).replace(' ', "-")));
            } else if !is_stop_word(folded) && !TITLES.contains(&folded.as_str()) {
                found.sort_out(folded, is_capital, opens);
            }
            opens = false;
            at += length;
        }
        found
    }

    fn take(&mut self, word: &str, folded: &str) {
        let stem = stem(folded);
        if !word.starts_with(char::is_uppercase) {
            self.small.push(stem.clone());
        }
        self.stems.push(stem);
    }

    /// Whether a word is a name, a figure or a common noun.
    fn sort_out(&mut self, folded: &str, is_capital: bool, opens: bool) {
        let stem = stem(folded);
        let term = Term::of(&stem);
        if folded.starts_with(|c: char| c.is_ascii_digit()) {
            self.figures.push(term);
        } else if is_capital && !(opens && is_common(term)) {
            self.names.push(name(folded, &stem));
        } else {
            self.common.push(root(&stem));
        }
    }

    /// Whether a stem is of words that it writes with a capital alone.
    fn is_capital(&self, stem: &String) -> bool {
        self.stems.contains(stem) && !self.small.contains(stem)
    }
}

/// The place named at a word, and how many words name it.
fn place_at(words: &[(&str, String)], at: usize) -> Option<(&'static str, usize)> {
    if words.get(at).is_some_and(|(word, folded)| folded == "us" && *word != "US") {
        return None;
    }
    (1..=PLACE_WORDS_MAX).rev().find_map(|length| {
        let part = words.get(at..at + length)?;
        let joined = part.iter().map(|(_, folded)| folded.as_str()).collect::<Vec<_>>().join(" ");
        place(&joined).map(|name| (name, length))
    })
}

/// A name as it is compared: as it sounds where it is long enough, since outlets write foreign names as they like, else as it is.
fn name(folded: &str, stem: &str) -> String {
    sound(folded).map_or_else(|| stem.to_owned(), |sound| format!("~{sound}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_places_and_common_nouns_are_told_apart() {
        let words = Words::of("Family of Russian envoy Vassily Nebenzia told the Kremlin's office 10,000 times");
        assert_eq!(words.names, ["@russia", "~vasili", "~nebensia", "@russia"]);
        assert_eq!(words.figures, [Term::of("10,000")]);
        assert!(words.common.contains(&root("famili")) && words.common.contains(&root("offic")));
    }
}
