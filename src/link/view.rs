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
    pub(super) has_speaker: bool,
    /// All lists in one allocation, in the order of [`List`]: a desk has hundreds of thousands of these.
    terms: Box<[Term]>,
    /// Where each list ends.
    ends: [u16; LISTS],
}

/// The lists of terms of a view.
#[derive(Debug, Clone, Copy)]
enum List {
    Terms,
    Matter,
    Sentence,
    SentenceRoots,
    Figures,
    Context,
    SentenceNames,
    ContextNames,
    Persons,
    Side,
    Roles,
    Target,
    TargetWords,
}

/// How many lists there are.
const LISTS: usize = List::TargetWords as usize + 1;

/// Terms, sorted, each once.
#[derive(Debug, Clone, Copy)]
pub(super) struct Terms<'a>(&'a [Term]);

impl<'a> Terms<'a> {
    pub(super) fn is_empty(self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn len(self) -> usize {
        self.0.len()
    }

    pub(super) fn iter(self) -> impl Iterator<Item = Term> + 'a {
        self.0.iter().copied()
    }

    pub(super) fn contains(self, term: Term) -> bool {
        self.0.binary_search(&term).is_ok()
    }

    /// What both hold.
    pub(super) fn shared(self, other: Self) -> impl Iterator<Item = Term> + 'a {
        let (few, many) = if self.len() <= other.len() { (self, other) } else { (other, self) };
        few.iter().filter(move |&term| many.contains(term))
    }

    pub(super) fn meets(self, other: Self) -> bool {
        self.shared(other).next().is_some()
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
        let stems = |text: &Words| sorted(text.stems.iter().map(|stem| Term::of(stem)));
        // In the order of `List`.
        let lists = [
            sorted(proposition.terms.iter().map(|term| Term::of(term))),
            sorted(matter.map(|term| root(term))),
            stems(&sentence),
            sorted(sentence.stems.iter().filter(is_plain).map(|stem| root(stem))),
            sorted(sentence.figures.iter().copied()),
            sorted(context.iter().flat_map(|text| &text.stems).map(|stem| Term::of(stem))),
            named([&sentence]),
            named(&context),
            named([&person]),
            named([&person, &office, &body]),
            sorted([&person, &office].into_iter().flat_map(|text| text.common.iter().copied())),
            named([&accused]),
            stems(&accused),
        ];
        let seen = report.document.published.unwrap_or(report.document.first_seen).min(report.document.first_seen);
        Self::with(kind, seen, proposition.is_negated, speaker.is_some(), &lists)
    }

    fn with(kind: Kind, seen: Timestamp, is_negated: bool, has_speaker: bool, lists: &[Vec<Term>; LISTS]) -> Self {
        let terms: Box<[Term]> = lists.concat().into();
        let mut end = 0;
        let ends = std::array::from_fn(|list| {
            end += lists.get(list).map_or(0, Vec::len);
            // All lists have fewer than `LISTS` times `TERMS_MAX`.
            u16::try_from(end).unwrap_or(u16::MAX)
        });
        Self { kind, seen, is_negated, has_speaker, terms, ends }
    }

    /// A claim of which nothing is known but the terms of its content.
    #[cfg(test)]
    pub(super) fn bare(kind: Kind, terms: &[&str]) -> Self {
        let mut lists: [Vec<Term>; LISTS] = std::array::from_fn(|_| Vec::new());
        lists[List::Terms as usize] = sorted(terms.iter().map(|term| Term::of(term)));
        Self::with(kind, Timestamp::UNIX_EPOCH, false, false, &lists)
    }

    /// Stems of what is said.
    pub(super) fn terms(&self) -> Terms<'_> {
        self.list(List::Terms)
    }

    /// Roots of what is said that are no names.
    pub(super) fn matter(&self) -> Terms<'_> {
        self.list(List::Matter)
    }

    /// Stems of its sentence.
    pub(super) fn sentence(&self) -> Terms<'_> {
        self.list(List::Sentence)
    }

    /// Their roots, without names.
    pub(super) fn sentence_roots(&self) -> Terms<'_> {
        self.list(List::SentenceRoots)
    }

    /// Figures of its sentence.
    pub(super) fn figures(&self) -> Terms<'_> {
        self.list(List::Figures)
    }

    /// Stems of its headline and of the sentences around.
    pub(super) fn context(&self) -> Terms<'_> {
        self.list(List::Context)
    }

    /// Names and places in its sentence.
    pub(super) fn sentence_names(&self) -> Terms<'_> {
        self.list(List::SentenceNames)
    }

    /// Names and places in all of its context.
    pub(super) fn context_names(&self) -> Terms<'_> {
        self.list(List::ContextNames)
    }

    /// Names of who speaks.
    pub(super) fn persons(&self) -> Terms<'_> {
        self.list(List::Persons)
    }

    /// Names of who speaks, with those of the body and office.
    pub(super) fn side(&self) -> Terms<'_> {
        self.list(List::Side)
    }

    /// The common nouns that say who speaks.
    pub(super) fn roles(&self) -> Terms<'_> {
        self.list(List::Roles)
    }

    /// Names of the accused.
    pub(super) fn target(&self) -> Terms<'_> {
        self.list(List::Target)
    }

    /// All words of the accused.
    pub(super) fn target_words(&self) -> Terms<'_> {
        self.list(List::TargetWords)
    }

    fn list(&self, list: List) -> Terms<'_> {
        let place = list as usize;
        let end = |place: usize| self.ends.get(place).copied().map_or(0, usize::from);
        let start = place.checked_sub(1).map_or(0, end);
        Terms(self.terms.get(start..end(place)).unwrap_or_default())
    }

    /// Terms under which the claim is found: what it says and the names around it.
    pub(super) fn keys(&self) -> impl Iterator<Item = Term> + '_ {
        let terms = self.terms();
        terms.iter().chain(self.context_names().iter().filter(move |&name| !terms.contains(name)))
    }
}

/// Terms in order, each once.
fn sorted(terms: impl IntoIterator<Item = Term>) -> Vec<Term> {
    let mut terms: Vec<Term> = terms.into_iter().take(TERMS_MAX).collect();
    terms.sort_unstable();
    terms.dedup();
    terms
}

fn named<'a>(texts: impl IntoIterator<Item = &'a Words>) -> Vec<Term> {
    sorted(texts.into_iter().flat_map(|text| &text.names).map(|name| Term::of(name)))
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
