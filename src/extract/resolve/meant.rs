//! Who is meant: a pronoun, an office or a description at a word in, the member of the cast out; called while the scene is read and for each source.

use std::ops::Range;

use rustc_hash::FxHashMap;

use super::cast::Entity;
use super::lexicon::{Class, Gender, gender, is, is_body};
use super::names::Sort;
use super::scene::{Mention, SPEECH, Scene, office_head};
use super::words::Words;

/// Mentions looked back at for one pronoun.
const WINDOW_MENTIONS: usize = 40;
/// Members of the cast looked at for one office, first ones first; a bound for hostile text.
const HOLDERS_MAX: usize = 256;
/// Words that tell an office as one that was left.
const FORMER: [&str; 7] = ["former", "ex", "fired", "ousted", "sacked", "one-time", "then"];
/// Words that make an office another one.
const RANKS: [&str; 5] = ["shadow", "deputy", "vice", "assistant", "acting"];
/// Sentences looked back at for who acted last.
const ACTING_SENTENCES: usize = 2;
/// Words for organisations in general, which mean one that was named.
const ORGANISATIONS: [&str; 23] = [
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
    "airline",
    "manufacturer",
    "carmaker",
    "retailer",
    "utility",
    "lender",
    "insurer",
    "brewer",
    "charity",
    "giant",
    "website",
];
/// Last words of names of bodies that are no companies.
const PUBLIC: [&str; 14] = [
    "commission",
    "committee",
    "agency",
    "department",
    "ministry",
    "court",
    "administration",
    "council",
    "house",
    "senate",
    "congress",
    "bureau",
    "parliament",
    "police",
];
/// Nouns for somebody's part in a story: of such there are several, and "the judge" is nobody who spoke before.
const PARTS: [&str; 28] = [
    "judge",
    "prosecutor",
    "lawyer",
    "attorney",
    "counsel",
    "solicitor",
    "official",
    "source",
    "witness",
    "victim",
    "expert",
    "analyst",
    "reporter",
    "journalist",
    "author",
    "writer",
    "officer",
    "agent",
    "investigator",
    "spokesman",
    "spokeswoman",
    "spokesperson",
    "plaintiff",
    "defendant",
    "accuser",
    "employee",
    "whistleblower",
    "student",
];
/// Sentences looked back at for one pronoun.
const WINDOW_SENTENCES: usize = 4;

impl Scene {
    /// Whom a pronoun at a word means.
    pub(super) fn antecedent(&self, words: &Words<'_>, at: usize, wanted: Wanted) -> Option<usize> {
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
            score += if mention.is_speaker { 6 } else { 0 };
            score += if mention.is_name { 0 } else { 2 };
            score -= if there.is_quoted == here.is_quoted { 0 } else { 6 };
            score -= if words.folded(mention.words.end) == "'s" { 2 } else { 0 };
            // "Rowe said she took it"; "Rowe left. She took it."
            let verb = mention.words.end;
            let is_clause = SPEECH.contains(&words.folded(verb)) && (verb + 1..verb + 3).contains(&at);
            let is_next = distance == 1 && mention.is_subject && (at == 0 || !words.same_sentence(at - 1, at));
            score += if is_clause || is_next { 2 } else { 0 };
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

    /// Whom a definite description means that nobody's office tells ("the singer"): who spoke or acted last, if nothing tells another
    /// office of them.
    pub(super) fn person_meant(&self, words: &Words<'_>, noun: &Range<usize>) -> Option<usize> {
        let head = words.folded(noun.end.checked_sub(1)?);
        let wanted = noun.clone().find_map(|at| gender(words.folded(at))).map_or(Wanted::Person, Wanted::One);
        let is_owned = noun.clone().any(|at| words.folded(at) == "'s");
        // "The Scottish Executive" is a name; "the Ohio Republican" is somebody's party.
        let is_name = words.get(noun.end - 1).is_some_and(|word| word.is_capital);
        let is_party = matches!(head, "republican" | "democrat" | "tory");
        if words.folded(noun.start) != "the"
            || PARTS.contains(&head)
            || is_owned
            || is_name && !is_party
            || words.place_in(noun).is_some()
        {
            return None;
        }
        self.acting(words, noun.start, |entity| {
            let is_other = || entity.roles.iter().any(|role| office_head(words, role).is_some());
            entity.sort == Sort::Person && fit(entity, wanted).is_some() && !is_other()
        })
    }

    /// The last one named before a word who spoke or began a sentence and fits a test; of this sentence or one of the last two.
    fn acting(&self, words: &Words<'_>, at: usize, fits: impl Fn(&Entity) -> bool) -> Option<usize> {
        let here = words.get(at)?.sentence;
        let end = self.mentions.partition_point(|mention| mention.words.start < at);
        let near = self.mentions.get(end.saturating_sub(WINDOW_MENTIONS)..end)?.iter().rev();
        let is_near = |mention: &&Mention| {
            words.get(mention.words.start).is_some_and(|word| word.sentence + ACTING_SENTENCES >= here)
        };
        let mut acting = near.take_while(is_near).filter(|mention| mention.is_subject || mention.is_speaker);
        let suits = |mention: &&Mention| {
            self.cast.entities.get(mention.entity).is_some_and(|entity| !entity.is_described && fits(entity))
        };
        acting.find(suits).map(|mention| mention.entity)
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
        let is_left = noun.clone().any(|at| FORMER.contains(&words.folded(at))) || head.starts_with("ex-");
        let mut best: Option<((bool, usize), usize)> = None;
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
            // "The unnamed woman from Ostland" is more than "a woman" of before.
            let is_vague = entity.is_described && noun.len() > 2;
            let held = entity.roles.iter().find(holds);
            if !is_vague && (in_name || held.is_some()) {
                let is_before = words.get(entity.name.start).is_some_and(|word| word.span.start < position);
                // Who left the office comes after who holds it.
                let is_present = is_left || held.is_none_or(|role| !is_former(words, role));
                let score = (is_present, entity.count * 2 + usize::from(is_before));
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
        let head = words.folded(noun.end.checked_sub(1)?);
        // "The NBC network" says which one.
        let is_named = noun.clone().any(|at| words.is_name(at) && !words.is_opener(at));
        if noun.len() > 3 && words.folded(noun.start) != "the" || is_named || !ORGANISATIONS.contains(&head) {
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
        let is_public = |entity: &Entity| PUBLIC.contains(&words.folded(entity.name.end - 1));
        let acting = |sort: Sort| {
            let fits = |entity: &Entity| entity.sort == sort && (head == "agency" || !is_public(entity));
            self.acting(words, noun.start, fits).filter(|_| words.folded(noun.start) == "the")
        };
        let likeliest = || self.antecedent(words, noun.start, Wanted::Body);
        acting(Sort::Body).or_else(|| acting(Sort::Unknown)).or_else(likeliest)
    }
}

/// Whether an office is told as one that was left: "former director", "fired FBI director".
fn is_former(words: &Words<'_>, role: &Range<usize>) -> bool {
    (role.start.saturating_sub(1)..role.end).any(|at| FORMER.contains(&words.folded(at)))
}

/// What a pronoun can mean.
#[derive(Debug, Clone, Copy)]
pub(super) enum Wanted {
    One(Gender),
    /// A person of either sex.
    Person,
    /// An organisation.
    Body,
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
        // One capital word that no title, office or first name shows to be a person seldom is one.
        (Wanted::One(_), Sort::Unknown) if entity.gender.is_none() => {
            Some(frequency - if entity.name.len() == 1 { 6 } else { 0 })
        }
        (Wanted::Person, Sort::Person) => Some(5 + frequency),
        (Wanted::Body | Wanted::Thing | Wanted::Several, Sort::Body) | (Wanted::Thing, Sort::Paper) => {
            Some(4 + frequency)
        }
        (Wanted::Thing, Sort::Place) => Some(3 + frequency),
        (Wanted::Body | Wanted::Thing | Wanted::Several, Sort::Unknown) => Some(frequency),
        (Wanted::Several, Sort::Place) => Some(1),
        _ => None,
    }
}
