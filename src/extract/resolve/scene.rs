//! The scene: every mention of somebody in reading order, names, offices and pronouns, each with whom it means.
//!
//! One pass from left to right; a pronoun is resolved among the mentions of the last few sentences and then counts as a
//! mention itself, so that a chain of "he said" keeps its speaker. The window is bounded, so the pass takes linear time.

use std::ops::Range;

use rustc_hash::FxHashMap;

use super::cast::Cast;
use super::lexicon::{Class, gender, is, is_body, is_people};
use super::meant::third_person;
use super::names::{Name, Sort, names};
use super::words::Words;
use crate::text::normalize::is_stop_word;

/// Words of the longest mention, office and name together.
const MENTION_WORDS_MAX: usize = 32;
/// Nouns for what is told rather than for what tells it.
const ACTS: [&str; 9] =
    ["reports", "charges", "allegation", "allegations", "claim", "claims", "rumours", "rumors", "accusations"];
/// Words of the longest description of somebody without a name.
const DESCRIPTION_WORDS_MAX: usize = 8;
/// Words of the longest explanation between commas behind a name.
const EXPLANATION_WORDS_MAX: usize = 14;
/// Verbs that report speech; their subject is the likeliest meaning of the next pronoun.
pub(super) const SPEECH: [&str; 40] = [
    "said",
    "says",
    "say",
    "told",
    "tells",
    "added",
    "adds",
    "wrote",
    "writes",
    "tweeted",
    "tweets",
    "claimed",
    "claims",
    "denied",
    "denies",
    "insisted",
    "insists",
    "argued",
    "argues",
    "alleged",
    "alleges",
    "accused",
    "accuses",
    "admitted",
    "admits",
    "replied",
    "responded",
    "stated",
    "explained",
    "declared",
    "announced",
    "asked",
    "continued",
    "testified",
    "rejected",
    "dismissed",
    "called",
    "acknowledged",
    "warned",
    "saying",
];

/// One mention.
#[derive(Debug, Clone)]
pub(super) struct Mention {
    pub(super) words: Range<usize>,
    /// Position in the cast.
    pub(super) entity: usize,
    pub(super) is_name: bool,
    pub(super) is_subject: bool,
    pub(super) is_speaker: bool,
}

/// The cast and its mentions in reading order.
#[derive(Debug, Default)]
pub(super) struct Scene {
    pub(super) cast: Cast,
    pub(super) mentions: Vec<Mention>,
    /// Nouns of sources with what describes them, under the noun, in order.
    described: FxHashMap<String, Vec<Range<usize>>>,
    /// Who is known by a description alone, under its noun, the last one.
    unnamed: FxHashMap<String, usize>,
    /// Nouns for several people, in order.
    pub(super) groups: Vec<Range<usize>>,
    /// Those who bring charges, in order.
    pub(super) accusers: Vec<Range<usize>>,
}

impl Scene {
    /// Reads a document; `sentences` are the ranges of words of its sentences.
    pub(super) fn new(words: &Words<'_>, sentences: &[Range<usize>]) -> Self {
        let mut scene = Self::default();
        let is_shouted: Vec<bool> = sentences.iter().map(|range| words.is_shouted(range)).collect();
        let found = sentences
            .iter()
            .zip(&is_shouted)
            .map(|(range, &is_shouted)| if is_shouted { Vec::new() } else { names(words, range.clone()) });
        // All names are entered before any pronoun is read: a surname may stand before the full name.
        let mut entered: Vec<Vec<(Name, usize)>> = found.map(|list| scene.enter(words, list)).collect();
        // A short form may stand before the name that it abbreviates, in a headline above all.
        for (name, entity) in entered.iter_mut().flatten().filter(|(name, _)| name.words.len() == 1) {
            if words.place_at(name.words.start).is_none()
                && let Some(full) = scene.cast.by_initials(words.folded(name.words.start))
            {
                *entity = full;
            }
        }
        for ((range, list), _) in
            sentences.iter().zip(&mut entered).zip(is_shouted).filter(|&(_, is_shouted)| is_shouted)
        {
            *list = scene.known_names(words, range);
        }
        for (range, list) in sentences.iter().zip(entered) {
            scene.describe(words, range);
            scene.accusers.extend(range.clone().filter_map(|at| accuser(words, at, range)));
            scene.read_sentence(words, range, &list);
        }
        // An office told before its holder's name, and a description that holds a name, begin before what was read first.
        scene.mentions.sort_by_key(|mention| (mention.words.start, mention.words.end));
        scene
    }

    /// Enters the names of a sentence into the cast.
    fn enter(&mut self, words: &Words<'_>, list: Vec<Name>) -> Vec<(Name, usize)> {
        let mut entered: Vec<(Name, usize)> = Vec::new();
        for name in list {
            let full = entered.last().filter(|(full, _)| name.is_short_form_of(words, full)).map(|&(_, full)| full);
            let entity = full.unwrap_or_else(|| self.cast.enter(words, &name));
            if let Some(full) = full {
                self.cast.enter_short_form(words, &name, full);
            }
            entered.push((name, entity));
        }
        entered
    }

    /// The names of a sentence in capitals, as far as the rest of the text knows them.
    fn known_names(&self, words: &Words<'_>, range: &Range<usize>) -> Vec<(Name, usize)> {
        let known = |at: usize| {
            let word = at..at + 1;
            let entity =
                self.cast.find(words, &word, None).filter(|_| words.is_name(at) && !is_body(words.folded(at)))?;
            let sort = self.cast.entities.get(entity)?.sort;
            Some((Name { words: word.clone(), whole: word, sort, gender: None, role: None }, entity))
        };
        range.clone().filter_map(known).collect()
    }

    fn read_sentence(&mut self, words: &Words<'_>, range: &Range<usize>, list: &[(Name, usize)]) {
        let mut next = list.iter().peekable();
        let mut at = range.start;
        while at < range.end {
            if let Some((name, entity)) = next.next_if(|(name, _)| name.words.start <= at) {
                self.push(words, range, name.whole.start..name.words.end, *entity, true);
                at = name.words.end.max(at + 1);
                continue;
            }
            if let Some(sex) = third_person(words.folded(at)) {
                if let Some(entity) = self.antecedent(words, at, sex) {
                    self.push(words, range, at..at + 1, entity, false);
                }
            } else if let Some(noun) = definite(words, at, range.end)
                && let Some(entity) = self.by_office(words, &noun)
            {
                self.push(words, range, noun.clone(), entity, false);
            } else if let Some(found) = description(words, at, range) {
                let entity = self.enter_described(words, &found);
                self.push(words, range, found.words, entity, false);
            }
            at += 1;
        }
    }

    /// Enters a description; what writes is the one that the same noun meant before.
    fn enter_described(&mut self, words: &Words<'_>, found: &Description) -> usize {
        let noun = words.folded(found.head);
        let known = self.unnamed.get(noun).filter(|_| words.folded(found.words.start) == "the");
        if let Some(&entity) = known {
            return entity;
        }
        let entity = self.cast.enter_described(found.words.clone(), found.sort, gender(noun));
        self.unnamed.insert(noun.to_owned(), entity);
        entity
    }

    fn push(&mut self, words: &Words<'_>, sentence: &Range<usize>, at: Range<usize>, entity: usize, is_name: bool) {
        let before = if at.start > sentence.start { words.folded(at.start - 1) } else { "" };
        let is_first = self.mentions.last().is_none_or(|last| !words.same_sentence(last.words.start, at.start));
        let is_object = is_preposition(before) || words.folded(at.end) == "'s";
        let says = |at: usize| SPEECH.contains(&words.folded(at));
        let is_quoted = words.get(at.start).is_some_and(|word| word.is_quoted);
        let is_beside = says(at.end) || says(at.end + 1) || at.start > sentence.start && says(at.start - 1);
        let is_speaker = !is_quoted && (is_beside || explained(words, at.end, sentence.end).is_some_and(says));
        self.mentions.push(Mention { words: at, entity, is_name, is_subject: is_first && !is_object, is_speaker });
    }

    /// A bare noun ("prosecutors") with the words that described it last, or describe it first.
    pub(super) fn fuller(&self, words: &Words<'_>, noun: &Range<usize>) -> Option<Range<usize>> {
        let list = self.described.get(words.folded(noun.end.checked_sub(1)?))?;
        let before = list.partition_point(|other| other.start < noun.start);
        list.get(before.saturating_sub(1)).cloned()
    }

    /// Enters the described nouns of a sentence: a name, then the noun ("Ostland prosecutors").
    fn describe(&mut self, words: &Words<'_>, range: &Range<usize>) {
        for at in range.clone() {
            let word = words.folded(at);
            // "A Norvik spokeswoman" is one of whom "the spokeswoman" is said; "Norvik spokeswoman Ada Lind" has a name.
            let is_speaking =
                (is(Class::Mouth, word) || matches!(word, "official" | "source")) && !words.is_name(at + 1);
            let is_noun = is(Class::Group, word) || is(Class::Paper, word) || is_body(word) || is_speaking;
            if !is_noun {
                continue;
            }
            let is_capital = words.get(at).is_some_and(|word| word.is_capital);
            let is_part = |&at: &usize| {
                let word = words.folded(at);
                words.is_name(at)
                    || is(Class::Modifier, word)
                    || word == "'s"
                    || word.contains('-') && word.contains(char::is_alphanumeric)
            };
            let low = range.start.max(at.saturating_sub(MENTION_WORDS_MAX));
            let start = (low..at).rev().take_while(is_part).last().unwrap_or(at);
            let start = (start..at).find(|&at| words.folded(at) != "'s").unwrap_or(at);
            if !is_capital && (start..at).any(|at| words.is_name(at)) {
                self.described.entry(word.to_owned()).or_default().push(start..at + 1);
            } else if let Some(end) = owner_behind(words, at + 1, range.end) {
                self.described.entry(word.to_owned()).or_default().push(start..end);
            }
            let before = if start > range.start { words.folded(start - 1) } else { "" };
            if is(Class::Group, word) && word != "others" && !is_preposition(before) {
                self.groups.push(start..at + 1);
            }
        }
    }

    /// The mention that lies at or covers a range of words, longest first.
    pub(super) fn mention_in(&self, range: &Range<usize>) -> Option<&Mention> {
        self.mentions_in(range).next()
    }

    /// Mentions that begin in a range, or cover its begin.
    pub(super) fn mentions_in(&self, range: &Range<usize>) -> impl DoubleEndedIterator<Item = &Mention> + use<'_> {
        let start = self.mentions.partition_point(|mention| mention.words.start + MENTION_WORDS_MAX <= range.start);
        let end = self.mentions.partition_point(|mention| mention.words.start < range.end);
        let list = self.mentions.get(start..end.max(start)).unwrap_or_default();
        let first = range.start;
        list.iter().filter(move |mention| mention.words.end > first)
    }

    /// Who speaks in a sentence by its own words: the mention beside a verb of saying.
    pub(super) fn speaker_in(&self, sentence: &Range<usize>) -> Option<usize> {
        self.mentions_in(sentence).find(|mention| mention.is_speaker).map(|mention| mention.entity)
    }

    /// The person with whom a sentence begins that quotes nobody.
    pub(super) fn actor_in(&self, words: &Words<'_>, sentence: &Range<usize>) -> Option<usize> {
        let mention = self.mentions_in(sentence).find(|mention| mention.is_subject)?;
        let is_person = self.cast.entities.get(mention.entity).is_some_and(|entity| entity.sort == Sort::Person);
        let is_quoted = words.get(mention.words.start).is_some_and(|word| word.is_quoted);
        (is_person && !is_quoted).then_some(mention.entity)
    }

    /// The last mention before a word that is no possessive and fits a test.
    pub(super) fn last_before(&self, at: usize, limit: usize, fits: impl Fn(&Mention) -> bool) -> Option<&Mention> {
        let end = self.mentions.partition_point(|mention| mention.words.start < at);
        let list = self.mentions.get(..end).unwrap_or_default();
        let is_before = |mention: &&Mention| mention.words.end <= at;
        let near = list.iter().rev().take_while(|mention| mention.words.start >= limit).filter(is_before);
        near.filter(|mention| fits(mention)).max_by_key(|mention| (mention.words.end, mention.words.len()))
    }
}

/// Where the clause goes on behind what explains a name between commas: "Jane Rowe, the envoy to Ostland, said".
fn explained(words: &Words<'_>, name_end: usize, limit: usize) -> Option<usize> {
    let is_comma = |at: &usize| words.folded(*at) == ",";
    let start = Some(name_end).filter(is_comma)? + 1;
    Some((start..limit.min(start + EXPLANATION_WORDS_MAX)).find(is_comma)? + 1)
}

/// The end of "for Jane Rowe", "of the Harbour Ministry" that begins at a word: whose the group or paper is.
fn owner_behind(words: &Words<'_>, at: usize, limit: usize) -> Option<usize> {
    if !matches!(words.folded(at), "for" | "of" | "by" | "from" | "into") {
        return None;
    }
    let start = if matches!(words.folded(at + 1), "the" | "mr" | "ms" | "mrs") { at + 2 } else { at + 1 };
    let end = start + (start..limit).take_while(|&at| words.is_name(at)).count();
    (end > start).then_some(end)
}

/// The party that brings charges, where the last word of its name stands at a word: "US prosecutors", "a federal grand jury".
fn accuser(words: &Words<'_>, at: usize, sentence: &Range<usize>) -> Option<Range<usize>> {
    let before = if at > sentence.start { words.folded(at - 1) } else { "" };
    let is_one = match words.folded(at) {
        "prosecutors" => true,
        "jury" => before == "grand",
        "department" => before == "justice",
        "counsel" => before == "special",
        _ => false,
    };
    if !is_one {
        return None;
    }
    let is_part = |&at: &usize| {
        words.is_name(at)
            || is(Class::Modifier, words.folded(at))
            || matches!(words.folded(at), "federal" | "grand" | "justice")
    };
    let low = sentence.start.max(at.saturating_sub(MENTION_WORDS_MAX));
    let start = (low..at).rev().take_while(is_part).last().unwrap_or(at);
    let behind = at + 1..sentence.end.min(at + MENTION_WORDS_MAX);
    let name = behind.take_while(|&at| words.folded(at - 1) != "prosecutors" && words.is_name(at)).count();
    Some(start..at + 1 + name)
}

/// Where the noun of an office or description stands: the last noun of the lists before "of", "for", "to" and the like.
pub(super) fn office_head(words: &Words<'_>, range: &Range<usize>) -> Option<usize> {
    let is_inside =
        |at: &usize| !is_preposition(words.folded(*at)) && !matches!(words.folded(*at), "who" | "," | "turned" | "and");
    let is_noun = |at: &usize| is_people(words.folded(*at)) || is_body(words.folded(*at));
    range.clone().take_while(is_inside).filter(is_noun).last()
}

/// Somebody or something without a name that speaks, or that its sentence begins with.
struct Description {
    words: Range<usize>,
    head: usize,
    sort: Sort,
}

/// The description that an article at a word introduces: "a spokesman for Norvik" before "said".
fn description(words: &Words<'_>, at: usize, sentence: &Range<usize>) -> Option<Description> {
    // "The" points back to somebody named; of what is written it may be the only name.
    let is_definite = words.folded(at) == "the";
    if !is_definite && !matches!(words.folded(at), "a" | "an" | "one" | "another") {
        return None;
    }
    let is_person = |word: &str| words.is_role(word) || is(Class::Person, word) || is(Class::Mouth, word);
    let sort = |at: usize| match words.folded(at) {
        word if is(Class::Paper, word) && !ACTS.contains(&word) => Some(Sort::Paper),
        word if !is_definite && is_person(word) => Some(Sort::Person),
        _ => None,
    };
    let limit = sentence.end.min(at + DESCRIPTION_WORDS_MAX);
    let is_part = |at: usize| {
        let word = words.folded(at);
        (word == "'s" || word.starts_with(char::is_alphanumeric)) && !is_stop_word(word) && !is_preposition(word)
    };
    let end = at
        + 1
        + (at + 1..limit).take_while(|&at| is_part(at)).take_while(|&at| !SPEECH.contains(&words.folded(at))).count();
    let head = end.checked_sub(1).filter(|&head| head > at && words.get(head).is_some_and(|word| !word.is_capital))?;
    let sort = sort(head)?;
    let behind = if words.folded(end) == "," { end + 1 } else { end };
    if words.is_name(behind) && behind < sentence.end {
        return None;
    }
    let end = owner_behind(words, end, sentence.end).unwrap_or(end);
    let says = |at: usize| SPEECH.contains(&words.folded(at));
    let is_speaking = says(end) || says(end + 1) || explained(words, end, sentence.end).is_some_and(says);
    // "Jane Rowe, a lawyer, said": that explains a name.
    let is_explaining = at >= sentence.start + 2 && words.folded(at - 1) == "," && words.is_name(at - 2);
    (!is_explaining && (is_speaking || at == sentence.start)).then_some(Description { words: at..end, head, sort })
}

/// The noun that a "the" at a word introduces, from "the" to the noun: "the former envoy".
fn definite(words: &Words<'_>, at: usize, limit: usize) -> Option<Range<usize>> {
    if words.folded(at) != "the" {
        return None;
    }
    let end = (at + 1..limit.min(at + 6)).find(|&next| {
        let word = words.folded(next);
        let follows = words.folded(next + 1);
        let is_noun = |word: &str| words.is_role(word) || is(Class::Person, word) || is_body(word);
        is_noun(word) && !is_noun(follows) && !is(Class::Modifier, follows)
    })?;
    Some(at..end + 1)
}

/// Whether a word is a form of "to be".
pub(super) fn is_being(folded: &str) -> bool {
    matches!(folded, "is" | "are" | "was" | "were" | "be" | "been" | "being")
}

pub(super) fn is_preposition(folded: &str) -> bool {
    matches!(
        folded,
        "of" | "to" | "in" | "at" | "on" | "by" | "for" | "with" | "from" | "against" | "between" | "over" | "about"
    )
}
