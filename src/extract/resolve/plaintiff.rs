//! Suits: "the lawsuit", "its complaint" in, who sues out; called for sources that are papers of a court.

use std::ops::Range;

use super::Resolver;
use super::scene::{Mention, is_preposition, third_person};
use crate::model::Speaker;

/// Nouns for a suit, as a source.
const SUITS: [&str; 3] = ["lawsuit", "suit", "complaint"];
/// Verbs whose subject sues.
const SUING: [&str; 4] = ["sued", "sues", "suing", "sue"];
/// Words between "filed" and "a lawsuit".
const FILED_WORDS_MAX: usize = 8;

impl Resolver<'_> {
    /// Who sues, where a source is a suit: its owner, by whom it was filed, or whom the text says to have sued.
    pub(super) fn plaintiff(&self, source: &Range<usize>) -> Option<Speaker> {
        let is_suit = |at: usize| SUITS.contains(&self.words.folded(at));
        let head = source.clone().find(|&at| is_suit(at))?;
        // A criminal complaint is the state's; "the firm named in the suit" is the firm.
        let is_other = |at: usize| self.words.folded(at) == "criminal" || is_preposition(self.words.folded(at));
        if (source.start..head).any(is_other) {
            return None;
        }
        let filed = (head..source.end).find(|&at| self.words.folded(at) == "by");
        let by = filed.and_then(|by| self.scene.mentions_in(&(by + 1..source.end)).next());
        let is_owned = third_person(self.words.folded(source.start)).is_some();
        // Of "Rowe's suit" it is Rowe, of "a lawyer's suit" nobody named here.
        let end = (source.start..head).find(|&at| self.words.folded(at) == "'s").unwrap_or(head);
        let is_owner = |mention: &&Mention| mention.words.end == end && mention.is_name || is_owned;
        let owner = || self.scene.mentions_in(&(source.start..head)).find(is_owner);
        if let Some(mention) = by.or_else(owner) {
            return self.member(mention.entity);
        }
        let mut sentences = self.sentences.iter();
        let plaintiff = sentences.find_map(|sentence| sentence.clone().find_map(|at| self.suing(at, sentence)))?;
        self.member(plaintiff)
    }

    /// The member of the cast who sues by the words at a place: "Rowe sued", "Rowe filed a lawsuit", "Rowe's lawsuit".
    fn suing(&self, at: usize, sentence: &Range<usize>) -> Option<usize> {
        let word = self.words.folded(at);
        let is_suit = |at: usize| SUITS.contains(&self.words.folded(at));
        let is_filed = || {
            let behind = at + 1..sentence.end.min(at + FILED_WORDS_MAX);
            matches!(word, "filed" | "files" | "filing" | "launched") && behind.clone().any(is_suit)
        };
        if is_suit(at) && self.words.folded(at.checked_sub(1)?) == "'s" {
            return self.scene.mentions_in(&(at - 2..at - 1)).next().map(|mention| mention.entity);
        }
        if !SUING.contains(&word) && !is_filed() || self.is_passive(&(at..at + 1)) {
            return None;
        }
        let subject = self.subject_of(&(at..at + 1), sentence)?;
        self.scene.mentions_in(&subject.words).next().map(|mention| mention.entity)
    }
}
