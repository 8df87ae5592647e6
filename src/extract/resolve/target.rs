//! Targets: an allegation's words in, the party that it accuses out.

use std::ops::Range;

use super::Resolver;
use super::lexicon::{Class, is, is_body, is_people};
use crate::model::{Attribution, Speaker};

/// Words of the longest description taken for a party.
const PARTY_WORDS_MAX: usize = 7;
/// Verbs whose object is accused.
const ACCUSING: [&str; 18] = [
    "accuse", "accuses", "accused", "accusing", "blame", "blames", "blamed", "blaming", "charge", "charges", "charged",
    "charging", "sue", "sues", "sued", "suing", "indicted", "against",
];
/// Forms that make such a verb passive: its subject is accused.
const PASSIVE: [&str; 12] =
    ["was", "were", "is", "are", "been", "be", "being", "who", "stands", "faces", "faced", "facing"];

impl Resolver<'_> {
    /// The party that an allegation accuses.
    pub(super) fn accused(&self, attribution: &Attribution, speaker: Option<&Speaker>) -> Option<String> {
        let cue = self.words.within(attribution.cue);
        let sentence = self.sentences.get(self.sentence_number(attribution.cue)?)?.clone();
        let is_other = |name: &String| speaker.is_none_or(|speaker| speaker.name != *name);
        let is_verb = cue.clone().any(|at| ACCUSING.contains(&self.words.folded(at)));
        let has_passive = cue.clone().any(|at| PASSIVE.contains(&self.words.folded(at)));
        let is_passive = is_verb && (has_passive || attribution.source.is_none());
        if is_passive {
            return self.subject_before(&cue, &sentence);
        }
        if is_verb && let Some(name) = self.party_at(cue.end, sentence.end).filter(is_other) {
            return Some(name);
        }
        let content = attribution.content.iter().map(|&span| self.words.within(span));
        let in_content = content.filter_map(|range| self.first_party(&range)).find(is_other);
        in_content.or_else(|| self.subject_before(&cue, &sentence).filter(is_other))
    }

    /// The nearest mention before a cue.
    fn subject_before(&self, cue: &Range<usize>, sentence: &Range<usize>) -> Option<String> {
        let mention = self.scene.last_before(cue.start, sentence.start, |_| true);
        match mention {
            Some(mention) => self.name(mention.entity),
            None => self.party_at(sentence.start, cue.start),
        }
    }

    /// The party that stands at a word: a mention within a step or two, or a description as written.
    fn party_at(&self, at: usize, limit: usize) -> Option<String> {
        let end = limit.min(at + PARTY_WORDS_MAX);
        if at >= end {
            return None;
        }
        let phrase = self.noun_phrase(at, end);
        let is_noun = |at: usize| is_people(self.words.folded(at)) || is_body(self.words.folded(at));
        let named = self.scene.mentions_in(&phrase).iter().rfind(|mention| mention.words.end == phrase.end);
        if let Some(mention) = named {
            return self.name(mention.entity);
        }
        let head = phrase.clone().rev().find(|&at| is_noun(at)).map(|head| phrase.start..head + 1);
        let mention = || self.scene.mention_in(&(at..end.min(at + 4))).and_then(|mention| self.name(mention.entity));
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
                || self.scene.mentions_in(&(at..at + 1)).iter().any(|mention| mention.words.start <= at)
        };
        let end = at + (at..limit).take_while(is_part).count();
        let is_small = |at: usize| matches!(self.words.folded(at), "." | "of" | "the" | "'s" | "a");
        let kept = (at..end).rev().find(|&at| !is_small(at)).map_or(at, |last| last + 1);
        at..kept
    }

    /// The first party in a content: its subject.
    fn first_party(&self, range: &Range<usize>) -> Option<String> {
        let skipped = |at: &usize| matches!(self.words.folded(*at), "that" | "\"" | "“" | "," | "how" | "when");
        let start = range.start + range.clone().take_while(skipped).count();
        let mention = self.scene.mention_in(&(start..range.end));
        self.party_at(start, range.end)
            .or_else(|| mention.and_then(|mention| self.name(mention.entity)))
            .filter(|name| !is(Class::Modifier, name))
    }
}
