//! Targets: an allegation's words in, the party that it accuses out.

use std::ops::Range;

use super::Resolver;
use super::lexicon::{Class, is, is_body, is_people};
use super::names::Sort;
use super::scene::{Mention, is_preposition, third_person};
use crate::model::{Attribution, Speaker};

/// Words of the longest description taken for a party.
const PARTY_WORDS_MAX: usize = 7;
/// Verbs whose object is accused.
const ACCUSING: [&str; 18] = [
    "accuse", "accuses", "accused", "accusing", "blame", "blames", "blamed", "blaming", "charge", "charges", "charged",
    "charging", "sue", "sues", "sued", "suing", "indicted", "against",
];
/// Words of the longest object of such a verb.
const OBJECT_WORDS_MAX: usize = 10;

/// Words at the head of a content among which a name is its likeliest subject.
const EARLY_WORDS: usize = 5;

impl Resolver<'_> {
    /// The party that an allegation accuses.
    pub(super) fn accused(&self, attribution: &Attribution, speaker: Option<&Speaker>) -> Option<String> {
        let cue = self.words.within(attribution.cue);
        let sentence = self.sentences.get(self.sentence_number(attribution.cue)?)?.clone();
        let is_other = |name: &String| speaker.is_none_or(|speaker| speaker.name != *name);
        let contents: Vec<Range<usize>> = attribution.content.iter().map(|&span| self.words.within(span)).collect();
        let subject = || self.subject_before(&cue, &sentence).filter(is_other);
        if self.is_passive(&cue) {
            return subject();
        }
        let is_verb = cue.clone().any(|at| ACCUSING.contains(&self.words.folded(at)));
        if is_verb && attribution.source.is_some() {
            let limit =
                contents.iter().map(|range| range.start).find(|&start| start >= cue.end).unwrap_or(sentence.end);
            if let Some(name) = self.object(cue.end, limit).filter(is_other) {
                return Some(name);
            }
        }
        if let Some(owner) = self.owner_before(cue.start).filter(is_other) {
            return Some(owner);
        }
        let early = || {
            contents
                .iter()
                .find_map(|range| self.mention_of(&(range.start..range.end.min(range.start + EARLY_WORDS))))
                .filter(is_other)
        };
        let at_start =
            || contents.iter().find_map(|range| self.party_at(self.content_start(range), range.end)).filter(is_other);
        let inside = || contents.iter().find_map(|range| self.mention_of(range)).filter(is_other);
        at_start().or_else(early).or_else(|| {
            if attribution.source.is_none() { subject().or_else(inside) } else { inside().or_else(subject) }
        })
    }

    /// Whose act a cue tells: "Ostland's alleged raid", "his alleged theft".
    fn owner_before(&self, at: usize) -> Option<String> {
        let before = at.checked_sub(1).filter(|&before| self.words.same_sentence(before, at))?;
        let is_owner = matches!(self.words.folded(before), "'s" | "its" | "his" | "her" | "their");
        let mention = self.scene.mentions_in(&(before.saturating_sub(1)..at)).rfind(|_| is_owner)?;
        self.name(mention.entity)
    }

    /// The object of an accusing verb: the words between the verb and "of" or the content.
    fn object(&self, start: usize, limit: usize) -> Option<String> {
        let stop = limit.min(start + OBJECT_WORDS_MAX);
        let is_end = |&at: &usize| {
            at > start && matches!(self.words.folded(at), "of" | "for" | "with" | "over" | "," | "that" | ".")
        };
        let end = (start..stop).find(is_end).unwrap_or(stop);
        let is_mark = |&at: &usize| matches!(self.words.folded(at), "\"" | "“" | "”" | "the" | "a");
        let start = start + (start..end).take_while(is_mark).count();
        let phrase = start..end;
        if phrase.is_empty() || end == limit && limit > stop {
            return self.party_at(start, limit);
        }
        let mut mentions = self.scene.mentions_in(&phrase);
        match mentions.rfind(|mention| mention.words.end == phrase.end || mention.words.end + 1 == phrase.end) {
            Some(mention) => self.name(mention.entity),
            None => self.party_at(start, end).or_else(|| Some(self.words.text_of(&phrase).to_owned())),
        }
    }

    /// The subject of the words before a cue: the nearest name that no preposition governs, else the nearest name of any kind.
    fn subject_before(&self, cue: &Range<usize>, sentence: &Range<usize>) -> Option<String> {
        let is_free = |mention: &Mention| {
            let before =
                if mention.words.start > sentence.start { self.words.folded(mention.words.start - 1) } else { "" };
            !is_preposition(before) && self.words.folded(mention.words.end) != "'s" && !self.is_adjective(mention)
        };
        let is_party =
            |mention: &Mention| self.sort(mention).is_some_and(|sort| sort != Sort::Place) && is_free(mention);
        let last = |fits: &dyn Fn(&Mention) -> bool| self.scene.last_before(cue.start, sentence.start, fits);
        match last(&is_party).or_else(|| last(&is_free)) {
            Some(mention) => self.name(mention.entity),
            None => self.party_at(sentence.start, cue.start),
        }
    }

    /// Whether a name is only the adjective of a people: "Ruritanian" in "Ruritanian officers".
    fn is_adjective(&self, mention: &Mention) -> bool {
        let ends = ["ian", "ean", "ican", "ish", "ese", "aeli", "aqi", "ani", "man", "rean", "viet", "nch", "tch"];
        let last = self.words.folded(mention.words.end - 1);
        mention.is_name
            && is_people(self.words.folded(mention.words.end))
            && ends.iter().any(|end| last.ends_with(end))
            && self.sort(mention) == Some(Sort::Place)
    }

    /// The party that stands at a word: a mention within a step or two, or a description as written.
    fn party_at(&self, at: usize, limit: usize) -> Option<String> {
        let end = limit.min(at + PARTY_WORDS_MAX);
        if at >= end {
            return None;
        }
        if third_person(self.words.folded(at)).is_some() && self.words.folded(at + 1) != "'s" {
            let own = self.scene.mention_in(&(at..at + 1));
            return own.and_then(|mention| self.name(mention.entity));
        }
        let phrase = self.noun_phrase(at, end);
        let is_noun = |at: usize| is_people(self.words.folded(at)) || is_body(self.words.folded(at));
        let named = self
            .scene
            .mentions_in(&phrase)
            .rfind(|mention| mention.words.end == phrase.end && !self.is_adjective(mention));
        if let Some(mention) = named {
            return self.name(mention.entity);
        }
        let head = phrase.clone().rev().find(|&at| is_noun(at)).map(|head| phrase.start..head + 1);
        let mention = || self.mention_of(&(at..end.min(at + 4)));
        let described = |head: Range<usize>| {
            let known = self.scene.by_office(&self.words, &head).filter(|_| self.words.folded(head.start) == "the");
            known.and_then(|entity| self.name(entity)).unwrap_or_else(|| self.words.text_of(&head).to_owned())
        };
        head.map(described).or_else(mention)
    }

    /// The words from `at` on that make up one party: articles, names, and nouns of the lists with what describes them.
    fn noun_phrase(&self, at: usize, limit: usize) -> Range<usize> {
        let is_part = |&at: &usize| {
            let word = self.words.folded(at);
            let is_small = matches!(word, "the" | "a" | "an" | "'s" | "his" | "her" | "its" | "their" | "of" | ".");
            is_small
                || self.words.is_name(at)
                || is(Class::Modifier, word)
                || is_people(word)
                || is_body(word)
                || self.scene.mentions_in(&(at..at + 1)).any(|mention| mention.words.start <= at)
        };
        let end = at + (at..limit).take_while(is_part).count();
        let is_small = |at: usize| matches!(self.words.folded(at), "." | "of" | "the" | "'s" | "a");
        let kept = (at..end).rev().find(|&at| !is_small(at)).map_or(at, |last| last + 1);
        at..kept
    }

    /// Where the clause of a content begins.
    fn content_start(&self, range: &Range<usize>) -> usize {
        let skipped = |at: &usize| matches!(self.words.folded(*at), "that" | "\"" | "“" | "," | "how" | "when");
        range.start + range.clone().take_while(skipped).count()
    }

    /// The first name in a content that is no mere adjective.
    fn mention_of(&self, range: &Range<usize>) -> Option<String> {
        let mentions = self.scene.mentions_in(range);
        mentions.filter(|mention| !self.is_adjective(mention)).find_map(|mention| self.name(mention.entity))
    }
}
