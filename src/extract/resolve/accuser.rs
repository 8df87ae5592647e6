//! Cues without a source in, who accuses out: the prosecution behind a charge, the subject right before a verb, the teller of a noun like "claims"; tells
//! passives apart.

use std::ops::Range;

use super::Resolver;
use super::scene::{Mention, SPEECH, is_being, is_preposition};
use super::target::DAYS;
use crate::model::{Attribution, Span};

/// Words between a subject and its verb.
const GAP_WORDS_MAX: usize = 4;
/// Words of the longest subject that is not only a name.
const SUBJECT_WORDS_MAX: usize = 12;
/// Nouns for what somebody tells.
pub(super) const TELLING: [&str; 18] = [
    "reports",
    "report",
    "rumours",
    "rumors",
    "rumour",
    "rumor",
    "claims",
    "claim",
    "allegations",
    "allegation",
    "accusations",
    "accusation",
    "complaint",
    "complaints",
    "suggestions",
    "speculation",
    "assertions",
    "consensus",
];
/// What stands before them for nobody in particular.
const PRESS: [&str; 7] = ["media", "press", "news", "newspaper", "published", "market", "television"];
/// Participles of verbs whose passive makes the subject the accused.
const PARTICIPLES: [&str; 14] = [
    "accused",
    "charged",
    "blamed",
    "suspected",
    "indicted",
    "sued",
    "alleged",
    "implicated",
    "believed",
    "said",
    "reported",
    "thought",
    "arrested",
    "rumoured",
];
/// Verbs whose subject is accused.
const FACING: [&str; 4] = ["faces", "faced", "facing", "face"];

impl Resolver<'_> {
    /// Whether the words given as a source are the subject of a passive, so that they name the accused and not who accuses.
    pub(super) fn is_accused(&self, source: Span, cue: Span) -> bool {
        let (cue, source) = (self.words.within(cue), self.words.within(source));
        let gap = source.end..cue.start;
        if source.end > cue.start || !self.is_passive(&cue) {
            return false;
        }
        // "The police, who ...": the subject must be the source itself, with no other between it and the verb.
        let is_governed = source.start > 0 && is_preposition(self.words.folded(source.start - 1));
        let is_other = |mention: &Mention| {
            mention.words.start >= gap.start && !is_preposition(self.words.folded(mention.words.start - 1))
        };
        let says = gap.clone().any(|at| SPEECH.contains(&self.words.folded(at)));
        !is_governed && !says && !self.scene.mentions_in(&gap).any(is_other)
    }

    /// Whether the words given as a source only do what the cue says is rumoured: "Arden reportedly sold it"; or are the "it" of "it was claimed".
    pub(super) fn is_actor(&self, source: Span, cue: Span) -> bool {
        let (cue, source) = (self.words.within(cue), self.words.within(source));
        let is_adverb =
            cue.len() == 1 && matches!(self.words.folded(cue.start), "reportedly" | "allegedly" | "supposedly");
        let is_it = source.len() == 1 && self.words.folded(source.start) == "it";
        // "Two sources reportedly said": who is rumoured to have said so does say it.
        let is_beside = source.end <= cue.start
            && (source.end..cue.start).all(|at| matches!(self.words.folded(at), "has" | "had" | "have"));
        let tells = SPEECH.contains(&self.words.folded(cue.end)) || self.words.folded(cue.end) == "confirmed";
        let is_rumour = is_adverb && is_beside && !tells;
        is_rumour || is_it && source.end <= cue.start && self.is_passive_of_telling(source.end..cue.end)
    }

    /// Whether words are "is said", "has been claimed".
    fn is_passive_of_telling(&self, range: Range<usize>) -> bool {
        let is_auxiliary =
            |at: usize| matches!(self.words.folded(at), "has" | "had" | "also") || is_being(self.words.folded(at));
        let told = |at: usize| {
            matches!(
                self.words.folded(at),
                "claimed" | "alleged" | "said" | "reported" | "suggested" | "rumoured" | "believed"
            )
        };
        let Some((last, front)) = range.end.checked_sub(1).map(|last| (last, range.start..last)) else { return false };
        told(last)
            && !front.is_empty()
            && front.clone().all(is_auxiliary)
            && front.clone().any(|at| is_being(self.words.folded(at)))
    }

    /// Whether a cue tells that somebody is accused: "was charged", "accused of", "faces charges".
    pub(super) fn is_passive(&self, cue: &Range<usize>) -> bool {
        if FACING.contains(&self.words.folded(cue.start)) {
            return true;
        }
        let Some(verb) = cue.clone().find(|&at| PARTICIPLES.contains(&self.words.folded(at))) else { return false };
        let front = verb.saturating_sub(2)..verb;
        let has = |is_wanted: fn(&str) -> bool| {
            front.clone().any(|at| is_wanted(self.words.folded(at)) && self.words.same_sentence(at, verb))
        };
        if has(is_being) {
            return true;
        }
        // "The banks it had accused of theft": a pronoun or "had" right before the participle makes it active.
        if has(|word| matches!(word, "has" | "have" | "had"))
            || verb > 0 && is_subject_pronoun(self.words.folded(verb - 1))
        {
            return false;
        }
        matches!(
            (self.words.folded(verb), self.words.folded(verb + 1)),
            ("accused" | "suspected", "of") | ("charged", "with" | "over") | ("blamed", "for")
        )
    }

    /// Who brings the charge that a cue tells of: the prosecution named last before it, or first behind it.
    pub(super) fn prosecution(&self, cue: &Range<usize>) -> Option<Range<usize>> {
        let is_charge = |at: usize| {
            let word = self.words.folded(at);
            word.starts_with("charge") || word.starts_with("indict") || word == "accused"
        };
        if !cue.clone().any(is_charge) {
            return None;
        }
        let before = self.scene.accusers.partition_point(|party| party.start < cue.start);
        let party = self.scene.accusers.get(before.saturating_sub(1))?;
        let fuller = self.scene.fuller(&self.words, party).filter(|_| party.len() == 1);
        Some(fuller.unwrap_or_else(|| party.clone()))
    }

    /// Who tells what a noun like "reports" or "claims" stands for: its owner, the name or the press before it, or who stands behind a "by".
    pub(super) fn teller(&self, cue: &Range<usize>) -> Option<Span> {
        let noun = cue.clone().find(|&at| TELLING.contains(&self.words.folded(at)))?;
        let sentence = self.sentences.get(self.words.get(noun)?.sentence)?;
        let is_shouted = self.words.is_shouted(sentence);
        let first = if PRESS.contains(&self.words.folded(cue.start)) { noun } else { cue.start.min(noun) };
        let before = if first > sentence.start { self.words.folded(first - 1) } else { "" };
        if before == "'s" {
            return self.words.span_of(&self.party_ending(first - 1, sentence.start)?.words);
        }
        let is_small = |at: usize| self.words.get(at).is_some_and(|word| !word.is_capital);
        if PRESS.contains(&before) && is_small(first - 1) {
            return self.words.span_of(&(first - 1..noun + 1));
        }
        let behind = noun + 1;
        if matches!(self.words.folded(behind), "by" | "from") && behind < sentence.end {
            return self.words.span_of(&self.party_at(behind + 1, sentence.end)?.words);
        }
        // "Kavanaugh allegations" are against him, "Barcelona rumours" about them.
        let start = (sentence.start..first).rev().take_while(|&at| self.words.is_name(at)).last()?;
        let before = if start > sentence.start { self.words.folded(start - 1) } else { "" };
        let is_own = matches!(self.words.folded(noun), "claims" | "claim" | "reports" | "report");
        let is_part = is_preposition(before) || matches!(before, "and" | "or");
        (is_own && !is_part && !is_shouted && !self.words.is_opener(start))
            .then(|| self.words.span_of(&(start..first)))
            .flatten()
    }

    /// The member of the cast who is the subject of an active verb: named right before it, adverbs and auxiliaries aside.
    pub(super) fn subject_beside(&self, cue: &Range<usize>) -> Option<usize> {
        let number = self.words.get(cue.start)?.sentence;
        let start = self.sentences.get(number)?.start;
        let is_verb = cue.clone().any(|at| self.words.folded(at).ends_with("ed") || self.words.folded(at) == "said");
        if !is_verb || self.is_passive(cue) || cue.clone().any(|at| is_being(self.words.folded(at))) {
            return None;
        }
        let mention = self.scene.last_before(cue.start, start, |_| true)?;
        let gap = mention.words.end..cue.start;
        let is_beside = gap.len() <= GAP_WORDS_MAX
            && gap.clone().all(|at| {
                let word = self.words.folded(at);
                matches!(word, "has" | "have" | "had" | "also" | "again" | "then" | "later" | "never" | "once")
                    || word.ends_with("ly")
            });
        (is_beside && mention.is_subject).then_some(mention.entity)
    }
}

/// Verbs that deny, in forms whose subject stands before them.
const DENYING: [&str; 12] = [
    "denied",
    "denies",
    "rejected",
    "rejects",
    "dismissed",
    "dismisses",
    "disputed",
    "disputes",
    "refuted",
    "refutes",
    "rebuffed",
    "rebutted",
];

impl Resolver<'_> {
    /// The subject of a verb that denies, where no source was given or one that stands behind it: "the envoy dismissed as lies reports
    /// that Ruritanian soldiers were sent" is no denial of soldiers.
    pub fn denier(&self, attribution: &Attribution) -> Option<Span> {
        let cue = self.words.within(attribution.cue);
        let source = attribution.source.map(|source| self.words.within(source));
        let is_behind = source.is_none_or(|source| {
            source.start >= cue.end && (source.start == 0 || self.words.folded(source.start - 1) != "by")
        });
        let is_active = DENYING.contains(&self.words.folded(cue.start));
        let is_passive = cue.start > 0 && is_being(self.words.folded(cue.start - 1));
        if !is_behind || is_passive || !is_active {
            return None;
        }
        let sentence = self.sentences.get(self.words.get(cue.start)?.sentence)?;
        let named = self.subject_of(&cue, sentence).map(|party| party.words);
        let subject = named.or_else(|| self.clause_before(cue.start, sentence.start))?;
        self.words.span_of(&subject)
    }

    /// The words from the start of a clause to its verb, without the day between: a subject with all that describes it.
    fn clause_before(&self, verb: usize, limit: usize) -> Option<Range<usize>> {
        let is_day = |at: &usize| {
            DAYS.contains(&self.words.folded(*at))
                || self.words.folded(*at) == "on" && DAYS.contains(&self.words.folded(at + 1))
        };
        let end = (limit..verb).rev().take_while(is_day).last().unwrap_or(verb);
        let is_start = |&at: &usize| {
            let word = self.words.folded(at);
            !word.starts_with(|c: char| c.is_alphanumeric() || c == '\'')
                || matches!(
                    word,
                    "that" | "and" | "but" | "after" | "as" | "while" | "because" | "when" | "where" | "which"
                )
        };
        let start = (limit..end).rev().find(is_start).map_or(limit, |at| at + 1);
        let is_noun = start < end && end - start <= SUBJECT_WORDS_MAX && !is_preposition(self.words.folded(start));
        is_noun.then_some(start..end)
    }
}

fn is_subject_pronoun(folded: &str) -> bool {
    matches!(folded, "he" | "she" | "it" | "they" | "we" | "i")
}
