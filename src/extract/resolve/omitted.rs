//! Speakers whom the words of a claim leave out in, who the sentence or the rest of the text says they are out: the subject beside the cue, who speaks
//! in a quotation, who brought a charge.

use std::ops::Range;

use super::Resolver;
use super::lexicon::{Class, is};
use super::names::Sort;
use super::party::Party;
use super::scene::{SPEECH, is_being, is_preposition};
use crate::model::{Attribution, Kind, Span, Speaker};

/// Sentences looked at on either side for who speaks in a quotation.
const QUOTE_SENTENCES_MAX: usize = 6;
/// Verbs of whoever brings a charge.
const CHARGING: [&str; 3] = ["charged", "indicted", "charging"];
/// Such verbs looked at in one text.
const CHARGING_MAX: usize = 64;

impl Resolver<'_> {
    /// The speaker of a claim whose sentence names nobody: inside a running quotation whoever is quoted before or behind.
    pub(super) fn unnamed_speaker(&self, attribution: &Attribution, kind: Kind) -> Option<Speaker> {
        let cue = self.words.within(attribution.cue);
        let teller = || self.teller(&cue).filter(|_| kind == Kind::Allegation);
        if let Some(source) = teller().or_else(|| self.beside(&cue)) {
            return self.named_speaker(source, attribution);
        }
        if kind == Kind::NoComment {
            return None;
        }
        let charging = || self.charging_party(&cue).filter(|_| kind == Kind::Allegation);
        if let Some(source) = charging() {
            return self.named_speaker(source, attribution);
        }
        if kind == Kind::Allegation
            && let Some(party) = self.prosecution(&cue)
        {
            return Some(self.as_written(&party, self.words.text_of(&party)));
        }
        if let Some(subject) = self.subject_beside(&cue) {
            return self.member(subject);
        }
        let is_quoted = self.words.get(cue.start).is_some_and(|word| word.is_quoted);
        if !is_quoted && !kind.is_answer() {
            return None;
        }
        self.quoted_speaker(attribution)
    }

    /// The words for who speaks right beside a cue that is no passive: its subject, or whom "according to" and "by" name.
    fn beside(&self, cue: &Range<usize>) -> Option<Span> {
        let first = self.words.get(cue.start)?;
        let sentence = self.sentences.get(first.sentence)?;
        if first.is_quoted || self.is_passive(cue) || cue.clone().any(|at| is_being(self.words.folded(at))) {
            return None;
        }
        let last = self.words.folded(cue.end.checked_sub(1)?);
        // "Arden allegedly took it", "Arden's alleged theft", "two men charged in Ostland": the subject did it or is accused.
        let is_act = last.ends_with("ly")
            || matches!(last, "alleged" | "supposed" | "rumoured" | "unfounded")
            || matches!(last, "charged" | "indicted" | "accused" | "sued")
                && is_preposition(self.words.folded(cue.end))
            || matches!(self.words.folded(cue.start), "not" | "denials" | "arraigned" | "suspected")
            || matches!(last, "allegations" | "allegation" | "accusations" | "rumours" | "rumors");
        if is_act {
            return None;
        }
        let party = if last == "by" || last == "to" && self.words.folded(cue.start) == "according" {
            self.party_at(cue.end, sentence.end)
        } else {
            self.subject_of(cue, sentence).or_else(|| self.subject_behind(cue, sentence))
        };
        let words = party.map(|party| party.words).or_else(|| self.paper_before(cue.start, sentence.start))?;
        self.words.span_of(&words)
    }

    /// What speaks in writing right before a verb: "court documents", "the memo".
    fn paper_before(&self, at: usize, limit: usize) -> Option<Range<usize>> {
        let noun = at.checked_sub(1).filter(|&noun| noun >= limit && is(Class::Paper, self.words.folded(noun)))?;
        let start = self.phrase_start(noun, limit);
        let is_governed = start > limit && is_preposition(self.words.folded(start - 1));
        (!is_governed).then_some(start..at)
    }

    /// The subject behind a verb of saying that follows what is said: '"It is false," said Jane Rowe'.
    fn subject_behind(&self, cue: &Range<usize>, sentence: &Range<usize>) -> Option<Party> {
        let before = if cue.start > sentence.start { self.words.folded(cue.start - 1) } else { "" };
        let says = cue.len() == 1 && SPEECH.contains(&self.words.folded(cue.start));
        (says && matches!(before, "\"" | "”" | "," | "’")).then(|| self.party_at(cue.end, sentence.end)).flatten()
    }

    /// Who speaks in the quotation around a cue.
    pub(super) fn quoted_speaker(&self, attribution: &Attribution) -> Option<Speaker> {
        let number = self.sentence_number(attribution.cue)?;
        let here = self.sentences.get(number).and_then(|sentence| self.scene.speaker_in(sentence));
        let speaker_in = |at: usize| self.sentences.get(at).and_then(|sentence| self.scene.speaker_in(sentence));
        let before = number.checked_sub(1);
        let beside = || before.and_then(speaker_in).or_else(|| speaker_in(number + 1));
        // "Jane Rowe saw it otherwise. \"I took nothing.\""
        let cue = self.words.within(attribution.cue);
        let is_quoted = self.words.get(cue.start).is_some_and(|word| word.is_quoted);
        let acting =
            || before.filter(|_| is_quoted).and_then(|at| self.scene.actor_in(&self.words, self.sentences.get(at)?));
        let earlier = || (number.saturating_sub(QUOTE_SENTENCES_MAX)..number).rev().find_map(speaker_in);
        self.member(here.or_else(beside).or_else(acting).or_else(earlier)?)
    }

    /// Who brings the charge that a cue tells of, where another sentence says so: "the league charged Arden", "charged by the league".
    pub(super) fn charging_party(&self, cue: &Range<usize>) -> Option<Span> {
        let is_charge = |at: usize| {
            let word = self.words.folded(at);
            word.starts_with("charge") || word.starts_with("indict")
        };
        if !cue.clone().any(is_charge) {
            return None;
        }
        let parties = self.charging.get_or_init(|| {
            let verbs = (0..self.words.list.len()).filter(|&at| CHARGING.contains(&self.words.folded(at)));
            verbs.take(CHARGING_MAX).filter_map(|at| self.charging_at(at)).collect()
        });
        let nearest = parties.iter().min_by_key(|party| (party.start > cue.start, party.start.abs_diff(cue.start)))?;
        self.words.span_of(nearest)
    }

    /// The party that charges somebody by the verb at a word.
    fn charging_at(&self, at: usize) -> Option<Range<usize>> {
        let sentence = self.sentences.get(self.words.get(at)?.sentence)?;
        let party = if self.words.folded(at + 1) == "by" {
            self.party_at(at + 2, sentence.end)?
        } else if self.is_passive(&(at..at + 1)) || self.party_at(at + 1, sentence.end).is_none() {
            // Without an object behind it the verb is a participle: "two officers indicted for fraud".
            return None;
        } else {
            self.subject_of(&(at..at + 1), sentence)?
        };
        let body = self.scene.mentions_in(&party.words).find(|mention| mention.is_name)?;
        matches!(self.sort(body), Some(Sort::Body | Sort::Place)).then_some(party.words)
    }
}
