//! Suits: "the lawsuit", "its complaint" in, who sues out; called for sources that are papers of a court.

use std::ops::Range;

use super::Resolver;
use super::lexicon::{Class, is};
use super::meant::third_person;
use super::names::Sort;
use super::scene::{Mention, is_preposition};
use crate::model::Speaker;

/// Nouns for a suit, as a source.
const SUITS: [&str; 3] = ["lawsuit", "suit", "complaint"];
/// Verbs whose subject sues.
const SUING: [&str; 4] = ["sued", "sues", "suing", "sue"];
/// What tells a suit from the one that the text is about; a criminal complaint is the state's.
const OTHERS: [&str; 11] = [
    "criminal",
    "another",
    "separate",
    "second",
    "third",
    "similar",
    "other",
    "related",
    "previous",
    "earlier",
    "different",
];
/// Words of the longest party that sues.
const PARTY_WORDS_MAX: usize = 7;
/// Words between "filed" and "a lawsuit".
const FILED_WORDS_MAX: usize = 8;

impl Resolver<'_> {
    /// Who sues, where a source is a suit: its owner, by whom it was filed, or for a bare "the lawsuit" whom the text says to have sued.
    pub(super) fn plaintiff(&self, source: &Range<usize>) -> Option<Speaker> {
        let is_suit = |at: usize| SUITS.contains(&self.words.folded(at));
        let head = source.clone().find(|&at| is_suit(at))?;
        let by = (head..source.end).find(|&at| self.words.folded(at) == "by");
        let owned = (source.start..head).find(|&at| self.words.folded(at) == "'s");
        let is_own = third_person(self.words.folded(source.start)).is_some();
        // The source itself may be a mention, which reaches into each of its parts.
        let named = |range: Range<usize>, is_it: &dyn Fn(&Mention) -> bool| {
            let mut mentions = self.scene.mentions_in(&range).filter(|mention| mention.words.start >= range.start);
            mentions.find(|mention| is_it(mention)).map(|mention| mention.entity)
        };
        let entity = match (by, owned) {
            (Some(by), _) => named(by + 1..source.end, &|_| true),
            // Of "Rowe's suit" it is Rowe, of "a lawyer's suit" nobody named here.
            (_, Some(end)) => named(source.start..end, &|mention| mention.is_name && mention.words.end == end),
            _ if is_own => named(source.start..source.start + 1, &|_| true),
            _ if self.is_bare(&(source.start..head)) && self.is_told_of(head + 1, source.end) => self.suing(),
            // "The Northwater suit".
            _ => named(source.start..head, &|mention| mention.is_name && mention.words.end == head),
        };
        let known = self.scene.cast.entities.get(entity?)?;
        // Who is known by words for a suit alone would be asked for by them once more, without an end.
        let is_suit_itself = known.sort == Sort::Paper || known.is_described && known.name.clone().any(is_suit);
        if is_suit_itself { None } else { self.member(entity?) }
    }

    /// Whether words before a noun say neither whose it is nor that it is another one: "the 12-page", "a civil".
    fn is_bare(&self, front: &Range<usize>) -> bool {
        front.clone().all(|at| {
            let is_capital = at > front.start && self.words.get(at).is_some_and(|word| word.is_capital);
            !is_capital && !OTHERS.contains(&self.words.folded(at)) && !is_preposition(self.words.folded(at))
        })
    }

    /// Whether what stands behind the noun in a source only tells where and when it was filed.
    fn is_told_of(&self, behind: usize, end: usize) -> bool {
        behind >= end || matches!(self.words.folded(behind), "filed" | "brought" | "in" | "against")
    }

    /// The member of the cast whom the text says first to sue; looked for once.
    fn suing(&self) -> Option<usize> {
        *self.plaintiff.get_or_init(|| {
            let mut sentences = self.sentences.iter();
            sentences.find_map(|sentence| sentence.clone().find_map(|at| self.suing_at(at, sentence)))
        })
    }

    /// The member of the cast who sues by the words at a place: "Rowe sued", "Rowe filed a lawsuit", "Rowe's lawsuit".
    fn suing_at(&self, at: usize, sentence: &Range<usize>) -> Option<usize> {
        let word = self.words.folded(at);
        let is_suit = |at: usize| SUITS.contains(&self.words.folded(at));
        let is_filed = || {
            let mut behind = at + 1..sentence.end.min(at + FILED_WORDS_MAX);
            matches!(word, "filed" | "files" | "filing" | "launched") && behind.any(is_suit)
        };
        if is_suit(at) && at >= sentence.start + 2 && self.words.folded(at - 1) == "'s" {
            let owner = at - 2..at - 1;
            return self.scene.mentions_in(&owner).next().map(|mention| mention.entity);
        }
        if !SUING.contains(&word) && !is_filed() || self.is_passive(&(at..at + 1)) {
            return None;
        }
        let subject = self.subject_of(&(at..at + 1), sentence)?;
        let is_party =
            subject.words.len() <= PARTY_WORDS_MAX && !is(Class::Paper, self.words.folded(subject.words.end - 1));
        self.scene.mentions_in(&subject.words).next().map(|mention| mention.entity).filter(|_| is_party)
    }
}
