//! Parties: the word in where the name or description of a party begins or ends, its fullest name out; a list is one text.

use std::ops::Range;

use super::Resolver;
use super::lexicon::{Class, is, is_body, is_people};
use super::meant::third_person;
use super::names::Sort;
use super::scene::{Mention, is_being, is_preposition, office_head};
use crate::text::place::country_of_people;

/// Words of the longest description taken for a party.
const PARTY_WORDS_MAX: usize = 8;
/// Words of the longest phrase that counts people.
const COUNTED_WORDS_MAX: usize = 5;
/// Parties of the longest list.
const LIST_MAX: usize = 6;
/// Ends of nouns for people who do something, as plurals.
const AGENT_ENDS: [&str; 8] = ["ers", "ors", "ists", "ants", "ians", "ees", "men", "eers"];
/// Ends of such nouns for one person.
const AGENT_END: [&str; 5] = ["er", "or", "ist", "ian", "man"];

/// A party where it stands.
#[derive(Debug, Clone)]
pub(super) struct Party {
    pub(super) name: String,
    pub(super) words: Range<usize>,
}

impl Resolver<'_> {
    /// The party that begins at a word; several joined by "and" are one text.
    pub(super) fn party_at(&self, at: usize, limit: usize) -> Option<Party> {
        let first = self.one_party(at, limit)?;
        let (start, mut end) = (first.words.start, first.words.end);
        let mut names = vec![first.name.clone()];
        while names.len() < LIST_MAX && matches!(self.words.folded(end), "and" | ",") && end + 1 < limit {
            let is_last = self.words.folded(end) == "and" || self.words.folded(end + 1) == "and";
            let next = if is_last && self.words.folded(end) == "," { end + 2 } else { end + 1 };
            let Some(other) = self.one_party(next, limit).filter(|other| !names.contains(&other.name)) else { break };
            let is_own = matches!(self.words.folded(next), "his" | "her" | "its" | "their");
            names.push(if is_own { self.words.text_of(&other.words).to_owned() } else { other.name });
            end = other.words.end;
            if is_last {
                let last = names.pop()?;
                return Some(Party { name: format!("{} and {last}", names.join(", ")), words: start..end });
            }
        }
        Some(first)
    }

    /// The party that ends right before a word, lists and apposition included.
    pub(super) fn party_ending(&self, at: usize, limit: usize) -> Option<Party> {
        let mut start = self.phrase_start(at, limit);
        if start == at {
            return None;
        }
        let mut is_list = false;
        for _ in 0..LIST_MAX {
            let mark = if start > limit { self.words.folded(start - 1) } else { "" };
            is_list |= mark == "and";
            let before =
                if is_list && matches!(mark, "and" | ",") { self.phrase_start(start - 1, limit) } else { start };
            if before + 1 >= start {
                break;
            }
            start = before;
        }
        (start..at).find_map(|from| self.party_at(from, at).filter(|party| party.words.end == at))
    }

    /// Where the noun phrase that ends before a word begins.
    pub(super) fn phrase_start(&self, at: usize, limit: usize) -> usize {
        let low = limit.max(at.saturating_sub(PARTY_WORDS_MAX));
        let is_part = |&at: &usize| self.is_part(at) || self.is_agent(at);
        (low..at).rev().take_while(is_part).last().unwrap_or(at)
    }

    /// One party: a pronoun, a name or a description.
    fn one_party(&self, at: usize, limit: usize) -> Option<Party> {
        let is_mark = |&at: &usize| matches!(self.words.folded(at), "\"" | "“" | "both" | "either" | "'");
        let skipped = (at..limit).take_while(is_mark).count();
        let is_both = (at..at + skipped).any(|at| self.words.folded(at) == "both");
        let at = at + skipped;
        let end = limit.min(at + PARTY_WORDS_MAX);
        if at >= end {
            return None;
        }
        if let Some(party) = self.counted(at - usize::from(is_both), end) {
            return Some(party);
        }
        if third_person(self.words.folded(at)).is_some() {
            return self.party_of_pronoun(at, end);
        }
        if let Some(party) = self.party_of_noun(at, end) {
            return Some(party);
        }
        let phrase = self.noun_phrase(at, end);
        let named = self.scene.mentions_in(&phrase).rfind(|mention| {
            mention.words.end == phrase.end && mention.words.start >= at && !self.is_adjective(mention)
        });
        let of = phrase.clone().find(|&at| self.words.folded(at) == "of").filter(|&of| {
            of > phrase.start && named.is_none_or(|mention| mention.words.start > of) && self.is_noun(of - 1)
        });
        match (named, of) {
            (Some(mention), None) => {
                let words = at..mention.words.end;
                // "Two Ruritanians" are not their country.
                let is_few = mention.words.start > at && self.words.folded(mention.words.start - 1) != "the";
                let people = self.country(mention).filter(|_| is_few).map(|_| self.words.text_of(&words).to_owned());
                Some(Party { name: people.or_else(|| self.party_name(mention))?, words })
            }
            _ => self.described_party(&phrase, end),
        }
    }

    /// "They", "her", "his former lawyer".
    fn party_of_pronoun(&self, at: usize, limit: usize) -> Option<Party> {
        let word = self.words.folded(at);
        let phrase = self.noun_phrase(at + 1, limit);
        let head = office_head(&self.words, &phrase);
        let is_owner = matches!(word, "his" | "its" | "their") || (word == "her" && head.is_some());
        if is_owner && let Some(head) = head {
            let words = at..head + 1;
            let holder = self.scene.by_office(&self.words, &(at + 1..head + 1)).and_then(|entity| self.name(entity));
            let owner = || self.name(self.scene.mention_in(&(at..at + 1))?.entity);
            let noun = self.words.text_of(&(at + 1..head + 1));
            let name = holder.or_else(|| owner().map(|owner| format!("{owner}'s {noun}")))?;
            return Some(Party { name, words });
        }
        let several = || self.several(&(at..at + 1)).map(|speaker| speaker.name);
        let own = || self.name(self.scene.mention_in(&(at..at + 1))?.entity);
        Some(Party { name: several().or_else(own)?, words: at..at + 1 })
    }

    /// "Both", "the two men", "the trio": the people listed before.
    fn counted(&self, at: usize, limit: usize) -> Option<Party> {
        if third_person(self.words.folded(at)).is_some() {
            return None;
        }
        (at + 1..=limit.min(at + COUNTED_WORDS_MAX)).rev().find_map(|end| {
            let is_whole = !self.is_noun(end) && !self.words.is_name(end) && self.words.folded(end) != "of";
            let name = self.several(&(at..end)).filter(|_| is_whole)?.name;
            Some(Party { name, words: at..end })
        })
    }

    /// "The ferry operator", where the text calls somebody so.
    fn party_of_noun(&self, at: usize, limit: usize) -> Option<Party> {
        let (entity, end) = self.scene.by_noun(&self.words, at, limit)?;
        Some(Party { name: self.name(entity)?, words: at..end })
    }

    /// A description: who holds the office, the body meant, or the words as they stand.
    fn described_party(&self, phrase: &Range<usize>, limit: usize) -> Option<Party> {
        let Some(head) = office_head(&self.words, phrase) else {
            // "Ruritanian intelligence": what describes stands for the body.
            let is_body = self.words.place_at(phrase.start).is_some_and(|(_, length)| length < phrase.len());
            let written = || Party { name: self.words.text_of(phrase).to_owned(), words: phrase.clone() };
            return if is_body { Some(written()) } else { self.agents(phrase.start, limit) };
        };
        let noun = phrase.start..head + 1;
        let is_definite = self.words.folded(phrase.start) == "the";
        let is_whole = !matches!(self.words.folded(head + 1), "of" | "for" | "in" | "at");
        let known = || {
            let holder = self.scene.by_office(&self.words, &noun);
            holder.or_else(|| self.scene.body_meant(&self.words, &noun)).and_then(|entity| self.name(entity))
        };
        let introduced = || {
            let (first, head) = (self.words.folded(phrase.start), self.words.folded(head));
            let is_new = matches!(first, "a" | "an") && self.words.is_role(head) || is(Class::Person, head);
            is_new.then(|| self.introduced_after(&noun)).flatten().and_then(|entity| self.name(entity))
        };
        let is_bare = noun.len() == 1 || noun.len() == 2 && is_definite;
        let fuller = || {
            let found = self.scene.fuller(&self.words, &noun).filter(|found| found.len() > noun.len());
            found.filter(|_| is_bare && is_whole).map(|found| self.words.text_of(&found).to_owned())
        };
        let known = is_definite.then(known).flatten().or_else(introduced);
        let words = if known.is_some() { noun.clone() } else { phrase.clone() };
        let name = known.or_else(fuller).unwrap_or_else(|| self.words.text_of(phrase).to_owned());
        Some(Party { name, words })
    }

    /// People told by what they do, where no list has the noun: "online spammers".
    fn agents(&self, at: usize, limit: usize) -> Option<Party> {
        let is_small = |&at: &usize| {
            let word = self.words.folded(at);
            word.chars().all(|c| c.is_alphanumeric() || c == '-')
                && !is_preposition(word)
                && !is_being(word)
                && !word.ends_with("ing")
                && !matches!(word, "that" | "and" | "has" | "have" | "had" | "it" | "there" | "to" | "not" | "or")
        };
        let end = at + (at..limit.min(at + 4)).take_while(is_small).count();
        let is_one = matches!(self.words.folded(at), "a" | "an" | "the");
        let is_head = |&head: &usize| self.is_agent(head) || is_one && self.is_noun(head) && head > at + 1;
        let head = (at..end).find(is_head).filter(|&head| !self.is_noun(head + 1))?;
        Some(Party { name: self.words.text_of(&(at..head + 1)).to_owned(), words: at..head + 1 })
    }

    /// Whether a word says of people what they do: "spammers", "the poisoner".
    fn is_agent(&self, at: usize) -> bool {
        let word = self.words.folded(at);
        let is_singular = || {
            at > 0
                && matches!(self.words.folded(at - 1), "a" | "an" | "the")
                && AGENT_END.iter().any(|end| word.ends_with(end))
        };
        let is_plain = || self.words.get(at).is_some_and(|word| !word.is_capital);
        word.len() > 5
            && !is(Class::Thing, word)
            && (AGENT_ENDS.iter().any(|end| word.ends_with(end)) || is_singular())
            && is_plain()
    }

    fn is_noun(&self, at: usize) -> bool {
        is_people(self.words.folded(at)) || is_body(self.words.folded(at))
    }

    /// Whether a word can belong to a party: articles, names, and nouns of the lists with what describes them.
    fn is_part(&self, at: usize) -> bool {
        let word = self.words.folded(at);
        matches!(word, "the" | "a" | "an" | "'s" | "his" | "her" | "its" | "their" | "of" | ".")
            || self.words.is_name(at)
            || is(Class::Modifier, word)
            || word.starts_with(|c: char| c.is_ascii_digit())
            || self.is_noun(at)
            || self.scene.mentions_in(&(at..at + 1)).next().is_some()
    }

    /// The words from `at` on that make up one party.
    fn noun_phrase(&self, at: usize, limit: usize) -> Range<usize> {
        let end = at + (at..limit).take_while(|&at| self.is_part(at)).count();
        let is_small = |at: usize| matches!(self.words.folded(at), "." | "of" | "the" | "'s" | "a" | "an");
        let kept = (at..end).rev().find(|&at| !is_small(at)).map_or(at, |last| last + 1);
        at..kept
    }

    /// Whether a name is only the adjective of a people: "Ruritanian" in "Ruritanian officers".
    pub(super) fn is_adjective(&self, mention: &Mention) -> bool {
        mention.is_name
            && self.is_noun(mention.words.end)
            && self.sort(mention) == Some(Sort::Place)
            && self.country(mention).is_some()
    }

    /// The country whose people or adjective a name is.
    pub(super) fn country(&self, mention: &Mention) -> Option<&'static str> {
        country_of_people(&self.words.text_of(&mention.words).to_lowercase())
    }

    /// The fullest name of whom a mention means; the country for the adjective of its people.
    pub(super) fn party_name(&self, mention: &Mention) -> Option<String> {
        self.country(mention).map(str::to_owned).or_else(|| self.name(mention.entity))
    }
}
