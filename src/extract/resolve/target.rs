//! Targets: an allegation's words in, the party that it accuses out.

use std::ops::Range;

use super::Resolver;
use super::meant::third_person;
use super::names::Sort;
use super::party::Party;
use super::scene::{Mention, is_being, is_preposition};
use crate::model::{Attribution, Speaker};

/// Verbs whose object is accused.
const ACCUSING: [&str; 20] = [
    "accuse", "accuses", "accused", "accusing", "blame", "blames", "blamed", "blaming", "charge", "charges", "charged",
    "charging", "sue", "sues", "sued", "suing", "indicted", "indicts", "against", "at",
];
/// Words of the longest object of such a verb.
const OBJECT_WORDS_MAX: usize = 14;
/// Words behind a noun like "charges" among which "against" tells who is accused.
const AGAINST_WORDS_MAX: usize = 16;
/// Words at the head of a content among which a name is its likeliest subject.
const EARLY_WORDS: usize = 5;
/// Words that count what follows.
const COUNTS: [&str; 21] = [
    "up",
    "to",
    "as",
    "many",
    "more",
    "less",
    "fewer",
    "than",
    "at",
    "least",
    "most",
    "about",
    "around",
    "some",
    "nearly",
    "almost",
    "over",
    "hundreds",
    "thousands",
    "dozens",
    "of",
];
/// What is done to people and arms that go elsewhere.
const SENT: [&str; 8] =
    ["deployed", "sent", "dispatched", "transferred", "supplied", "delivered", "shipped", "smuggled"];
/// When something was said.
pub(super) const DAYS: [&str; 10] =
    ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday", "today", "yesterday", "earlier"];
/// Nouns for what is said, whose owner may stand right before them: "scorn of Conservative claims".
const SAYINGS: [&str; 16] = [
    "claim",
    "claims",
    "allegation",
    "allegations",
    "accusation",
    "accusations",
    "complaint",
    "complaints",
    "assertion",
    "assertions",
    "denial",
    "denials",
    "charge",
    "charges",
    "suggestion",
    "suggestions",
];
/// Words between a form of "to be" and the "by" of its passive.
const PASSIVE_WORDS_MAX: usize = 5;

impl Resolver<'_> {
    /// The party that an allegation accuses.
    pub(super) fn accused(&self, attribution: &Attribution, speaker: Option<&Speaker>) -> Option<String> {
        let cue = self.words.within(attribution.cue);
        let sentence = self.sentences.get(self.sentence_number(attribution.cue)?)?.clone();
        let is_other = |name: &String| speaker.is_none_or(|speaker| speaker.name != *name);
        let contents: Vec<Range<usize>> = attribution.content.iter().map(|&span| self.words.within(span)).collect();
        let source = attribution.source.map(|source| self.words.within(source));
        let subject = || self.subject_before(&cue, &sentence, source.as_ref()).filter(is_other);
        let is_expletive =
            self.words.folded(cue.start) == "it" || cue.start > 0 && self.words.folded(cue.start - 1) == "it";
        let is_to_blame = (cue.start.max(sentence.start + 1)..cue.end)
            .any(|at| self.words.folded(at) == "blame" && self.words.folded(at - 1) == "to");
        if (self.is_passive(&cue) || is_to_blame) && !is_expletive {
            let party = self.subject_of(&cue, &sentence).map(|party| party.name);
            return party.filter(is_other).or_else(subject);
        }
        if let Some(name) = self.answerable(&cue, &sentence).filter(is_other) {
            return Some(name);
        }
        let is_verb = cue.clone().any(|at| ACCUSING.contains(&self.words.folded(at)));
        if is_verb && attribution.source.is_some() {
            // Content that begins with the object holds it.
            let limit = contents.iter().map(|range| range.start).find(|&start| start > cue.end).unwrap_or(sentence.end);
            let source = source.clone().unwrap_or_else(|| cue.clone());
            if let Some(name) = self.object(cue.end, limit).filter(is_other) {
                return Some(name);
            }
            if let Some(name) = self.object_before(&source, &cue, &sentence).filter(is_other) {
                return Some(name);
            }
        }
        if let Some(owner) = self.owner_before(cue.start).filter(is_other) {
            return Some(owner);
        }
        let first = |find: &dyn Fn(&Range<usize>) -> Option<String>| contents.iter().find_map(find);
        let early = || {
            first(&|range| self.mention_of(&(range.start..range.end.min(range.start + EARLY_WORDS)), speaker, false))
        };
        let at_start = || first(&|range| self.doer(range).filter(is_other));
        let inside = || first(&|range| self.mention_of(range, speaker, false));
        let anywhere = || first(&|range| self.mention_of(range, speaker, true));
        let found = at_start().or_else(early).or_else(|| {
            if attribution.source.is_none() { subject().or_else(inside) } else { inside().or_else(subject) }
        });
        found.or_else(anywhere)
    }

    /// Who is blamed or charged behind the cue's own words: "charges against", "blamed the fire on".
    fn answerable(&self, cue: &Range<usize>, sentence: &Range<usize>) -> Option<String> {
        let has = |stem: &str| cue.clone().any(|at| self.words.folded(at).starts_with(stem));
        let limit = sentence.end.min(cue.end + AGAINST_WORDS_MAX);
        let is_clause = |at: &usize| matches!(self.words.folded(*at), "that" | ";" | "who" | "which");
        let behind = (cue.end.saturating_sub(1)..limit).take_while(|at| *at < cue.end || !is_clause(at));
        let mark = if has("blam") || has("pin") {
            let free = behind.take_while(|&at| at < cue.end || !matches!(self.words.folded(at), "for"));
            free.filter(|&at| self.words.folded(at) == "on").last()
        } else if ["charge", "allegation", "accusation", "complaint", "lawsuit", "suit", "indictment", "claim", "case"]
            .into_iter()
            .any(has)
        {
            behind.filter(|&at| self.words.folded(at) == "against").last()
        } else {
            None
        };
        self.party_at(mark? + 1, sentence.end).map(|party| party.name)
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
        let is_end =
            |&at: &usize| matches!(self.words.folded(at), "of" | "for" | "with" | "over" | "that" | "." | "in");
        if is_end(&start) || start >= stop {
            return None;
        }
        if let Some(party) = self.party_at(start, stop.max(start + 1)) {
            return Some(party.name);
        }
        let end = (start..stop).find(|at| is_end(at) || self.words.folded(*at) == ",")?;
        let is_mark = |&at: &usize| matches!(self.words.folded(at), "\"" | "“" | "”" | "the" | "a");
        let phrase = start + (start..end).take_while(is_mark).count()..end;
        let named = self.scene.mentions_in(&phrase).rfind(|mention| mention.words.end + 1 >= phrase.end);
        let is_text = phrase.clone().all(|at| third_person(self.words.folded(at)).is_none()) && !phrase.is_empty();
        let written = || is_text.then(|| self.words.text_of(&phrase).to_owned());
        match named {
            Some(mention) if self.is_adjective(mention) => {
                Some(self.words.text_of(&(mention.words.start..phrase.end)).to_owned())
            }
            Some(mention) => self.party_name(mention),
            None => written(),
        }
    }

    /// The object that stands before the subject: "the movement which Ostland blames for the raid".
    fn object_before(&self, source: &Range<usize>, cue: &Range<usize>, sentence: &Range<usize>) -> Option<String> {
        let is_open = matches!(self.words.folded(cue.end), "of" | "for" | "over" | "with");
        if !is_open || source.start > cue.start || source.start <= sentence.start {
            return None;
        }
        let is_link = |at: usize| matches!(self.words.folded(at), "which" | "who" | "whom" | "that" | ",");
        let from = (sentence.start..source.start).rev().take_while(|&at| is_link(at)).last().unwrap_or(source.start);
        self.party_ending(from, sentence.start).map(|party| party.name)
    }

    /// The subject of a verb: what ends right before it, a clause or apposition between commas left out.
    pub(super) fn subject_of(&self, cue: &Range<usize>, sentence: &Range<usize>) -> Option<Party> {
        let is_filler = |&at: &usize| {
            let word = self.words.folded(at);
            is_being(word)
                || word.ends_with("ly")
                || DAYS.contains(&word)
                || word == "on" && DAYS.contains(&self.words.folded(at + 1))
                || matches!(
                    word,
                    "has" | "have" | "had" | "also" | "still" | "now" | "then" | "not" | "long" | "later" | "first"
                )
                || matches!(word, "each" | "to" | "all" | "both") && at > sentence.start
        };
        let start = sentence.start;
        let mut at = (start..cue.start).rev().take_while(is_filler).last().unwrap_or(cue.start);
        if at > start && matches!(self.words.folded(at - 1), "who" | "which" | "that") {
            at -= 1;
            at -= usize::from(at > start && self.words.folded(at - 1) == ",");
        }
        // "Arden's accusations": whose they are.
        let is_owner = at > start && self.words.folded(at - 1) == "'s";
        at -= usize::from(is_owner);
        let before = if at > start { self.words.folded(at - 1) } else { "" };
        if matches!(before, "," | "-" | "–" | "—" | "--") {
            let marks = (start..at - 1).rev().filter(|&mark| self.words.folded(mark) == before);
            if let Some(party) = marks.into_iter().find_map(|mark| self.party_ending(mark, start)) {
                return Some(party);
            }
        }
        // "The Arctic Rose, a tanker accused of": the party is what the description explains.
        let near = start.max(at.saturating_sub(EARLY_WORDS + 1))..at;
        let comma = near.rev().find(|&mark| self.words.folded(mark) == ",");
        let explained = comma.filter(|&mark| matches!(self.words.folded(mark + 1), "a" | "an" | "the"));
        if let Some(party) = explained.and_then(|mark| self.party_ending(mark, start)) {
            return Some(party);
        }
        let party = self.party_ending(at, start)?;
        let is_governed = party.words.start > start && is_preposition(self.words.folded(party.words.start - 1));
        (!is_governed || is_owner || SAYINGS.contains(&self.words.folded(cue.start))).then_some(party)
    }

    /// The subject of the words before a cue: the nearest name that no preposition governs, else the nearest name of any kind.
    fn subject_before(
        &self,
        cue: &Range<usize>,
        sentence: &Range<usize>,
        source: Option<&Range<usize>>,
    ) -> Option<String> {
        let is_free = |mention: &Mention| {
            if source.is_some_and(|source| mention.words.start < source.end && source.start < mention.words.end) {
                return false;
            }
            let before =
                if mention.words.start > sentence.start { self.words.folded(mention.words.start - 1) } else { "" };
            !is_preposition(before) && self.words.folded(mention.words.end) != "'s" && !self.is_adjective(mention)
        };
        let is_party =
            |mention: &Mention| self.sort(mention).is_some_and(|sort| sort != Sort::Place) && is_free(mention);
        let last = |fits: &dyn Fn(&Mention) -> bool| self.scene.last_before(cue.start, sentence.start, fits);
        match last(&is_party).or_else(|| last(&is_free)) {
            Some(mention) => self.party_name(mention),
            None if source.is_some() => None,
            None => self.party_at(sentence.start, cue.start).map(|party| party.name),
        }
    }

    /// Who did what a content tells: the agent of a passive, else the subject.
    fn doer(&self, range: &Range<usize>) -> Option<String> {
        let start = self.content_start(range);
        let subject = self.party_at(start, range.end);
        let verb = subject.as_ref().map_or(start, |party| party.words.end);
        let both = |party: Party| match self.destination(&(verb..range.end)) {
            Some(place) if place != party.name => format!("{} and {place}", party.name),
            _ => party.name,
        };
        self.agent(&(verb..range.end), subject.is_none())
            .or_else(|| subject.map(both))
            .or_else(|| self.pair(&(start..range.end)))
    }

    /// Both sides of an act between two: "collusion between Jane Rowe and the bank".
    fn pair(&self, range: &Range<usize>) -> Option<String> {
        let mut early = range.start..range.end.min(range.start + EARLY_WORDS);
        let between = early.find(|&at| self.words.folded(at) == "between")?;
        self.party_at(between + 1, range.end).map(|party| party.name)
    }

    /// The agent of a passive at the head of a clause or of an act: "was poisoned by two agents", "surveillance by the bank".
    fn agent(&self, range: &Range<usize>, is_act: bool) -> Option<String> {
        let limit = range.end.min(range.start + 2 * PASSIVE_WORDS_MAX);
        let mut near = range.start..limit.min(range.start + PASSIVE_WORDS_MAX);
        let verb = if is_act { range.start } else { near.find(|&at| is_being(self.words.folded(at)))? + 1 };
        let by = (verb..limit).find(|&at| self.words.folded(at) == "by")?;
        self.party_at(by + 1, range.end).map(|party| party.name)
    }

    /// Where the clause of a content begins, without words that only count ("up to 10,000 Ruritanian soldiers").
    fn content_start(&self, range: &Range<usize>) -> usize {
        let skipped = |at: &usize| matches!(self.words.folded(*at), "that" | "\"" | "“" | "," | "how" | "when");
        let start = range.start + range.clone().take_while(skipped).count();
        let is_count = |at: &usize| {
            let word = self.words.folded(*at);
            word.starts_with(|c: char| c.is_ascii_digit()) || COUNTS.contains(&word)
        };
        // "A \"small number\" of soldiers".
        let number = (start..range.end.min(start + EARLY_WORDS))
            .find(|&at| matches!(self.words.folded(at), "number" | "numbers"));
        let of = number.and_then(|number| (number + 1..number + 3).find(|&at| self.words.folded(at) == "of"));
        let start = of.map_or(start, |of| of + 1);
        start + (start..range.end).take_while(is_count).count()
    }

    /// Where people or arms went in a passive: "soldiers had been sent to Ostland" accuses both lands.
    fn destination(&self, range: &Range<usize>) -> Option<String> {
        let limit = range.end.min(range.start + 2 * PASSIVE_WORDS_MAX);
        let being = (range.start..limit).find(|&at| is_being(self.words.folded(at)))?;
        let sent = (being + 1..limit).find(|&at| SENT.contains(&self.words.folded(at)))?;
        if self.words.folded(sent + 1) != "to" {
            return None;
        }
        let place = self.scene.mentions_in(&(sent + 2..range.end)).next()?;
        (place.is_name && place.words.start == sent + 2 && self.sort(place) == Some(Sort::Place))
            .then(|| self.party_name(place))?
    }

    /// Whether a name only says where or to whom something was done.
    fn is_setting(&self, mention: &Mention) -> bool {
        let Some(before) = mention.words.start.checked_sub(1) else { return false };
        if self.words.folded(mention.words.end) == "'s" || self.country(mention).is_some() {
            return false;
        }
        let at = if self.words.folded(before) == "the" { before.saturating_sub(1) } else { before };
        matches!(self.words.folded(at), "in" | "at" | "near" | "on" | "to" | "from" | "against" | "into" | "about")
    }

    /// The first name in a content that is no mere adjective and not the speaker's.
    fn mention_of(&self, range: &Range<usize>, speaker: Option<&Speaker>, any: bool) -> Option<String> {
        let is_other = |name: &String| speaker.is_none_or(|speaker| speaker.name != *name);
        let is_party = |mention: &&Mention| !self.is_adjective(mention) && (any || !self.is_setting(mention));
        let mut mentions = self.scene.mentions_in(range).filter(is_party);
        mentions.find_map(|mention| self.party_name(mention).filter(is_other))
    }
}
