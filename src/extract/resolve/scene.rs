//! The scene: every mention of somebody in reading order, names, offices and pronouns, each with whom it means.
//!
//! One pass from left to right; a pronoun is resolved among the mentions of the last few sentences and then counts as a
//! mention itself, so that a chain of "he said" keeps its speaker. The window is bounded, so the pass takes linear time.

use std::ops::Range;

use rustc_hash::FxHashMap;

use super::cast::{Cast, Entity};
use super::lexicon::{Class, Gender, gender, is, is_body, is_people};
use super::names::{Name, Sort, names};
use super::words::Words;

/// Mentions looked back at for one pronoun.
const WINDOW_MENTIONS: usize = 40;
/// Members of the cast looked at for one office, first ones first; a bound for hostile text.
const HOLDERS_MAX: usize = 256;
/// Words that make an office another one.
const RANKS: [&str; 5] = ["shadow", "deputy", "vice", "assistant", "acting"];
/// Words of the longest mention, office and name together.
const MENTION_WORDS_MAX: usize = 32;
/// Sentences looked back at for one pronoun.
const WINDOW_SENTENCES: usize = 4;
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
    is_speaker: bool,
}

/// The cast and its mentions in reading order.
#[derive(Debug, Default)]
pub(super) struct Scene {
    pub(super) cast: Cast,
    pub(super) mentions: Vec<Mention>,
    /// Nouns of sources with what describes them, under the noun, in order.
    described: FxHashMap<String, Vec<Range<usize>>>,
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
            }
            at += 1;
        }
    }

    fn push(&mut self, words: &Words<'_>, sentence: &Range<usize>, at: Range<usize>, entity: usize, is_name: bool) {
        let before = if at.start > sentence.start { words.folded(at.start - 1) } else { "" };
        let is_first = self.mentions.last().is_none_or(|last| !words.same_sentence(last.words.start, at.start));
        let is_object = is_preposition(before) || words.folded(at.end) == "'s";
        let says = |at: usize| SPEECH.contains(&words.folded(at));
        let is_quoted = words.get(at.start).is_some_and(|word| word.is_quoted);
        let is_speaker =
            !is_quoted && (says(at.end) || says(at.end + 1) || (at.start > sentence.start && says(at.start - 1)));
        self.mentions.push(Mention { words: at, entity, is_name, is_subject: is_first && !is_object, is_speaker });
    }

    /// Whom a pronoun at a word means.
    fn antecedent(&self, words: &Words<'_>, at: usize, wanted: Wanted) -> Option<usize> {
        let here = words.get(at)?;
        let mut best: Option<(i32, usize)> = None;
        for mention in self.mentions.iter().rev().take(WINDOW_MENTIONS) {
            let Some(there) = words.get(mention.words.start) else { continue };
            let distance = here.sentence.saturating_sub(there.sentence);
            if distance > WINDOW_SENTENCES {
                break;
            }
            let Some(fit) = self.cast.entities.get(mention.entity).and_then(|entity| fit(entity, wanted)) else {
                continue;
            };
            let mut score = fit - 4 * i32::try_from(distance).unwrap_or(i32::MAX / 8);
            score += if mention.is_subject { 4 } else { 0 };
            score += if mention.is_speaker { 4 } else { 0 };
            score += if mention.is_name { 0 } else { 2 };
            score -= if there.is_quoted == here.is_quoted { 0 } else { 5 };
            if best.is_none_or(|(other, _)| score > other) {
                best = Some((score, mention.entity));
            }
        }
        best.map(|(_, entity)| entity)
    }

    /// Whom a pronoun far from every name means: of all who suit it the one named most before it.
    pub(super) fn protagonist(&self, words: &Words<'_>, at: usize) -> Option<usize> {
        let wanted = third_person(words.folded(at)).filter(|wanted| matches!(wanted, Wanted::One(_)))?;
        let suits = |id: &usize| self.cast.entities.get(*id).is_some_and(|entity| fit(entity, wanted).is_some());
        let before = self.mentions.iter().take_while(|mention| mention.words.start < at);
        let mut counts: FxHashMap<usize, usize> = FxHashMap::default();
        for entity in before.map(|mention| mention.entity).filter(suits) {
            *counts.entry(entity).or_default() += 1;
        }
        counts.into_iter().max_by_key(|&(entity, count)| (count, usize::MAX - entity)).map(|(entity, _)| entity)
    }

    /// The likeliest person before a word, of either sex.
    pub(super) fn antecedent_person(&self, words: &Words<'_>, at: usize) -> Option<usize> {
        let found = |sex| self.antecedent(words, at, Wanted::One(sex));
        found(Gender::Male).or_else(|| found(Gender::Female))
    }

    /// Whom a definite noun ("the ambassador", "the ministry") means: who holds that office, or is named by that word.
    pub(super) fn by_office(&self, words: &Words<'_>, noun: &Range<usize>) -> Option<usize> {
        let head = words.folded(noun.end.checked_sub(1)?);
        let position = words.get(noun.start)?.span.start;
        let place = words.place_in(noun).map(|(name, _)| name);
        let mut best: Option<(usize, usize)> = None;
        for (id, entity) in self.cast.entities.iter().enumerate().take(HOLDERS_MAX) {
            let is_own = entity.sort == Sort::Body || entity.sort == Sort::Place && entity.name.len() > 1;
            let in_name = is_own && is_body(head) && words.folded(entity.name.end - 1) == head;
            let holds = |role: &&Range<usize>| {
                // "The ex-director" was called former director, or ex-director.
                let left = head.strip_prefix("ex-").filter(|_| is_former(words, role));
                let has_head = office_head(words, role)
                    .is_some_and(|at| words.folded(at) == head || left == Some(words.folded(at)));
                let same_place =
                    || place.is_none_or(|name| words.place_in(role).is_none_or(|(other, _)| other == name));
                let rank = |range: &Range<usize>| range.clone().any(|at| RANKS.contains(&words.folded(at)));
                has_head && same_place() && (rank(noun) || !rank(role)) && !is(Class::Modifier, head)
            };
            if in_name || entity.roles.iter().any(|role| holds(&role)) {
                let is_before = words.get(entity.name.start).is_some_and(|word| word.span.start < position);
                let score = entity.count * 2 + usize::from(is_before);
                if best.is_none_or(|(other, _)| score > other) {
                    best = Some((score, id));
                }
            }
        }
        best.map(|(_, id)| id)
    }

    /// Whom a description that begins with "the" at a word means by a noun that stood beside a name, and the description's end.
    pub(super) fn by_noun(&self, words: &Words<'_>, the: usize, limit: usize) -> Option<(usize, usize)> {
        if words.folded(the) != "the" || limit <= the + 1 {
            return None;
        }
        let position = |noun: &usize| usize::MAX - *noun;
        (the + 1..limit.min(the + 5)).rev().find_map(|at| {
            let word = words.folded(at);
            if words.get(at).is_none_or(|word| word.is_capital) || words.folded(at + 1) == "'s" {
                return None;
            }
            let cast = self.cast.entities.iter().enumerate().take(HOLDERS_MAX);
            let nouns = cast.flat_map(|(id, entity)| entity.nouns.iter().map(move |&noun| (id, noun)));
            let near = nouns.filter(|&(_, noun)| noun < the && words.folded(noun) == word);
            near.min_by_key(|(_, noun)| position(noun)).map(|(id, _)| (id, at + 1))
        })
    }

    /// The body that a word for bodies in general ("the company") means: the likeliest before it.
    pub(super) fn body_meant(&self, words: &Words<'_>, noun: &Range<usize>) -> Option<usize> {
        let general = [
            "company",
            "firm",
            "group",
            "organisation",
            "organization",
            "agency",
            "paper",
            "newspaper",
            "magazine",
            "outlet",
            "broadcaster",
            "network",
        ];
        let head = words.folded(noun.end.checked_sub(1)?);
        if noun.len() > 3 || noun.len() > 2 && head != "outlet" || !general.contains(&head) {
            return None;
        }
        // "The newspaper" is one that was named as such, if any was.
        let is_paper = |mention: &&Mention| {
            let last = self.cast.entities.get(mention.entity).map(|entity| words.folded(entity.name.end - 1));
            last.is_some_and(|last| is(Class::Media, last))
        };
        if is(Class::Media, head) {
            let end = self.mentions.partition_point(|mention| mention.words.start < noun.start);
            let list = self.mentions.get(end.saturating_sub(WINDOW_MENTIONS)..end)?;
            if let Some(mention) = list.iter().rfind(is_paper) {
                return Some(mention.entity);
            }
        }
        let entity = self.antecedent(words, noun.start, Wanted::Thing)?;
        let sort = self.cast.entities.get(entity)?.sort;
        matches!(sort, Sort::Body | Sort::Unknown).then_some(entity)
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

    /// The last mention before a word that is no possessive and fits a test.
    pub(super) fn last_before(&self, at: usize, limit: usize, fits: impl Fn(&Mention) -> bool) -> Option<&Mention> {
        let end = self.mentions.partition_point(|mention| mention.words.start < at);
        let list = self.mentions.get(..end).unwrap_or_default();
        let is_before = |mention: &&Mention| mention.words.end <= at;
        let near = list.iter().rev().take_while(|mention| mention.words.start >= limit).filter(is_before);
        near.filter(|mention| fits(mention)).max_by_key(|mention| (mention.words.end, mention.words.len()))
    }
}

/// Whether an office is told as one that was left: "former director", "fired FBI director".
fn is_former(words: &Words<'_>, role: &Range<usize>) -> bool {
    (role.start.saturating_sub(1)..role.end)
        .any(|at| matches!(words.folded(at), "former" | "ex" | "fired" | "ousted" | "sacked" | "one-time" | "then"))
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

/// What a pronoun can mean.
#[derive(Debug, Clone, Copy)]
pub(super) enum Wanted {
    One(Gender),
    Thing,
    Several,
}

/// What a pronoun of the third person wants; `None` for any other word.
pub(super) fn third_person(folded: &str) -> Option<Wanted> {
    let (word, ending) = folded.split_once('\'').unwrap_or((folded, ""));
    match word {
        _ if !matches!(ending, "" | "ve" | "re" | "d" | "ll") => None,
        "he" | "him" | "his" | "himself" | "she" | "her" | "hers" | "herself" => gender(folded).map(Wanted::One),
        "it" | "its" | "itself" => Some(Wanted::Thing),
        "they" | "them" | "their" | "themselves" => Some(Wanted::Several),
        _ => None,
    }
}

/// How well an entity suits a pronoun; `None` where it cannot be.
fn fit(entity: &Entity, wanted: Wanted) -> Option<i32> {
    let frequency = i32::try_from(entity.count.min(6)).unwrap_or(6) / 2;
    match (wanted, entity.sort) {
        (Wanted::One(sex), Sort::Person) => match entity.gender {
            Some(other) if other != sex => None,
            Some(_) => Some(6 + frequency),
            None => Some(4 + frequency),
        },
        (Wanted::One(_), Sort::Unknown) if entity.gender.is_none() => Some(frequency),
        (Wanted::Thing | Wanted::Several, Sort::Body) => Some(4 + frequency),
        (Wanted::Thing, Sort::Place) => Some(3 + frequency),
        (Wanted::Thing | Wanted::Several, Sort::Unknown) => Some(frequency),
        (Wanted::Several, Sort::Place) => Some(1),
        _ => None,
    }
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
