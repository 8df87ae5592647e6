//! Sources: the words of one source span in, its speaker out; also the speaker of a quotation that names none.

use std::ops::Range;

use super::Resolver;
use super::accuser::TELLING;
use super::cast::Entity;
use super::lexicon::{Class, gender, is, is_body, is_people};
use super::meant::third_person;
use super::names::Sort;
use super::scene::{Mention, is_preposition, office_head};
use crate::model::{Attribution, Span, Speaker};
use crate::text::place::country_of_people;

/// Words looked on for the noun of a source that was cut before it.
const NOUN_WORDS_MAX: usize = 10;

impl Resolver<'_> {
    /// The speaker that a source span names.
    pub(super) fn named_speaker(&self, source: Span, attribution: &Attribution) -> Option<Speaker> {
        let mut range = self.words.within(source);
        // "The bank's" owner is the bank.
        if range.len() > 1 && self.words.folded(range.end - 1) == "'s" {
            range.end -= 1;
        }
        let written = source.of(self.words.text).trim().trim_end_matches([',', ':']).trim();
        let written = written.strip_suffix("'s").or_else(|| written.strip_suffix("’s")).unwrap_or(written);
        if range.is_empty() || written.is_empty() {
            return None;
        }
        // "I'm" is one word.
        let first = self.words.folded(range.start).split('\'').next().unwrap_or_default();
        if matches!(first, "i" | "we" | "my" | "our") && range.len() == 1 {
            return self.quoted_speaker(attribution);
        }
        // "Ruritanian claims" are Ruritania's.
        if range.len() == 1
            && let Some(country) = country_of_people(self.words.folded(range.start))
            && self.words.get(range.end).is_some_and(|next| !next.is_capital && TELLING.contains(&next.folded.as_str()))
        {
            return Some(Speaker {
                name: country.to_owned(),
                role: None,
                via: None,
                affiliation: Some(country.to_owned()),
            });
        }
        let via = self.via(&range, attribution);
        let speaker = self
            .relative(&range)
            .or_else(|| self.plaintiff(&range))
            .or_else(|| self.several(&range))
            .or_else(|| self.person(&range))
            .or_else(|| self.described(&range, written));
        let speaker = speaker.unwrap_or_else(|| self.as_written(&range, written));
        Some(Speaker { via, ..speaker })
    }

    /// A source with its noun, where only what stands before the noun was given ("A widely" of "A widely read report").
    pub fn whole(&self, source: Span, cue: Span) -> Span {
        let (range, cue) = (self.words.within(source), self.words.within(cue));
        let is_front = |at: usize| {
            let word = self.words.folded(at);
            let is_noun =
                is_people(word) || is_body(word) || matches!(word, "family" | "assembly" | "monopoly" | "ally");
            matches!(word, "the" | "a" | "an") || word.ends_with("ly") && !self.words.is_name(at) && !is_noun
        };
        let Some(sentence) = self.words.get(range.start).and_then(|word| self.sentences.get(word.sentence)) else {
            return source;
        };
        // "Some" may be all that is said; only a noun right behind it makes it more.
        let is_count = |at: usize| {
            matches!(self.words.folded(at), "some" | "several" | "many" | "another" | "registered" | "over")
        };
        let counts = range.clone().any(is_count);
        if range.is_empty() || !range.clone().all(|at| is_front(at) || is_count(at)) {
            return source;
        }
        let limit = if range.end <= cue.start { cue.start } else { sentence.end };
        let limit = limit.min(range.end + NOUN_WORDS_MAX);
        let ends = |&at: &usize| {
            matches!(self.words.folded(at), "," | "who" | "which" | "that" | "said" | "says" | "has" | "have")
        };
        let clause = || (range.end..limit).find(ends).unwrap_or(limit);
        let party = self.party_at(range.start, limit).map(|party| party.words.end).filter(|&end| end > range.end);
        let Some(end) = party.or_else(|| (!counts).then(clause)) else { return source };
        self.words.get(end.saturating_sub(1)).map_or(source, |last| source.cover(last.span))
    }

    /// "who", "which": whom the clause belongs to.
    fn relative(&self, range: &Range<usize>) -> Option<Speaker> {
        if range.len() != 1 || !matches!(self.words.folded(range.start), "who" | "which" | "that" | "whom") {
            return None;
        }
        let sentence = self.sentences.get(self.words.get(range.start)?.sentence)?;
        let comma = range.start.checked_sub(1).filter(|&at| at > sentence.start && self.words.folded(at) == ",");
        // "All three, who have denied it": no name, but words that count people named before.
        let counted = comma.and_then(|end| self.several(&(sentence.start..end)));
        let mention = || self.scene.last_before(range.start, sentence.start, |_| true);
        counted.or_else(|| self.member(mention()?.entity))
    }

    /// A source that holds a name or a pronoun: the member of the cast, and what is said of the office here.
    fn person(&self, range: &Range<usize>) -> Option<Speaker> {
        if let Some(owner) = self.possessive(range) {
            return Some(owner);
        }
        let first = self.words.folded(range.start);
        if range.len() > 2 && third_person(first).is_some() && self.words.folded(range.start + 1) == "and" {
            return self.joined(range, range.start + 1);
        }
        if range.len() == 1 && third_person(self.words.folded(range.start)).is_some() {
            let pronoun = range.start..range.start + 1;
            let known = self.scene.mention_in(&pronoun).map(|mention| mention.entity);
            return self.member(known.or_else(|| self.scene.protagonist(&self.words, range.start))?);
        }
        let people: Vec<&Mention> = self
            .scene
            .mentions_in(range)
            .filter(|mention| mention.is_name && mention.words.end <= range.end && self.is_person(mention))
            .filter(|mention| !self.is_part_of_description(range, mention))
            .collect();
        let has_and = |range: Range<usize>| range.clone().any(|at| matches!(self.words.folded(at), "and" | "nor"));
        let is_certain = |mention: &&&Mention| {
            let is_long = self.scene.cast.entities.get(mention.entity).is_some_and(|entity| entity.name.len() > 1);
            self.sort(mention) == Some(Sort::Person) || is_long && mention.words.len() > 1
        };
        match people.as_slice() {
            [] => None,
            [one]
                if has_and(one.words.end..range.end.min(one.words.end + 2))
                    || has_and(range.start..one.words.start.max(range.start))
                        && !self.is_title(&(range.start..one.words.start.max(range.start))) =>
            {
                None
            }
            [first, .., last] if has_and(first.words.end..last.words.start) => {
                let names: Vec<String> = people.iter().filter_map(|mention| self.name(mention.entity)).collect();
                let (last, others) = names.split_last()?;
                let name = format!("{} and {last}", others.join(", "));
                Some(Speaker { name, role: None, via: None, affiliation: None })
            }
            [first, .., last] => {
                let one =
                    if last.words.end == range.end && self.words.folded(first.words.end) != "," { last } else { first };
                self.with_office(range, people.iter().find(is_certain).filter(|_| !is_certain(&one)).unwrap_or(one))
            }
            [one] => self.with_office(range, one),
        }
    }

    /// Whether words before a name are offices alone: "Norvik founder and chief executive".
    fn is_title(&self, front: &Range<usize>) -> bool {
        let is_office =
            |at: usize| self.words.is_role(self.words.folded(at)) && !is(Class::Group, self.words.folded(at));
        let mut ands = front.clone().filter(|&at| self.words.folded(at) == "and");
        front.end > front.start
            && is_office(front.end - 1)
            && ands.all(|at| at > front.start && is_office(at - 1))
            && !front
                .clone()
                .any(|at| matches!(self.words.folded(at), "the" | "his" | "her" | "its") && at > front.start)
    }

    /// The member of the cast whom a source names, with the office told beside the name.
    fn with_office(&self, range: &Range<usize>, mention: &Mention) -> Option<Speaker> {
        let mut speaker = self.member(mention.entity)?;
        if let Some(role) = self.office_beside(range, mention) {
            speaker.affiliation = self.affiliation(Some(&role), range).or(speaker.affiliation);
            speaker.role = Some(role);
        }
        Some(speaker)
    }

    /// "his lawyer": named by whose it is.
    fn possessive(&self, range: &Range<usize>) -> Option<Speaker> {
        if range.len() < 2 || !matches!(self.words.folded(range.start), "his" | "her" | "its" | "their") {
            return None;
        }
        let owner = self.name(self.scene.mention_in(&(range.start..range.start + 1))?.entity)?;
        let noun = self.words.text_of(&(range.start + 1..range.end));
        let name = format!("{owner}'s {noun}");
        Some(Speaker { name, role: Some(noun.to_owned()), via: None, affiliation: Some(owner) })
    }

    pub(super) fn sort(&self, mention: &Mention) -> Option<Sort> {
        self.scene.cast.entities.get(mention.entity).map(|entity| entity.sort)
    }

    pub(super) fn is_person(&self, mention: &Mention) -> bool {
        matches!(self.sort(mention), Some(Sort::Person | Sort::Unknown))
    }

    /// "Halden" in "Halden's lawyer", "a spokesman for Halden", "the Halden campaign": it says whose, not who.
    fn is_part_of_description(&self, range: &Range<usize>, mention: &Mention) -> bool {
        let after = self.words.folded(mention.words.end);
        let follows = mention.words.end < range.end;
        let before = if mention.words.start > range.start { self.words.folded(mention.words.start - 1) } else { "" };
        let is_noun = is_body(after) || is_people(after) || is(Class::Paper, after) || is(Class::Modifier, after);
        let is_owner = after == "'s" && mention.words.end + 1 < range.end;
        let mut front = range.start..mention.words.start.max(range.start);
        let is_clause =
            front.any(|at| matches!(self.words.folded(at), "who" | "which" | "that" | "whose" | "including"));
        // "An accountant for the former chairman Paul Arden": whose accountant.
        let phrase = (range.start..mention.words.start).rev().find(|&at| self.words.folded(at) == ",");
        let mut phrase = phrase.map_or(range.start, |comma| comma + 1)..mention.words.start.max(range.start);
        let is_one = matches!(self.words.folded(phrase.start), "a" | "an" | "one" | "another");
        let is_clause = is_clause || is_one && phrase.any(|at| is_preposition(self.words.folded(at)));
        is_clause
            || (follows && (is_owner || is_noun))
            || matches!(before, "for" | "of" | "to" | "by" | "at" | "from" | "in" | "with")
    }

    /// What stands beside the name in the source span, where it is an office.
    fn office_beside(&self, range: &Range<usize>, mention: &Mention) -> Option<String> {
        let name = self.scene.cast.entities.get(mention.entity)?.name.len().min(mention.words.len());
        let name_start = mention.words.end - name;
        let front = range.start..name_start.max(range.start);
        let back = (mention.words.end + 1).min(range.end)..range.end;
        let is_office = |part: &Range<usize>| {
            part.clone().any(|at| is_people(self.words.folded(at)) && !is(Class::Man, self.words.folded(at)))
        };
        let part = [back, front].into_iter().find(is_office)?;
        let text = self.words.text_of(&part).trim_matches([',', ' ']);
        (!text.is_empty()).then(|| text.to_owned())
    }

    /// A description without a name ("the ambassador", "a witness"): who holds the office, or whom the next sentence names.
    fn described(&self, range: &Range<usize>, written: &str) -> Option<Speaker> {
        if let Some(and) = range.clone().find(|&at| self.words.folded(at) == "and") {
            return self.joined(range, and);
        }
        if self.words.folded(range.end - 1).ends_with("-year-old") {
            return self.member(self.scene.antecedent_person(&self.words, range.start)?);
        }
        if let Some((entity, end)) = self.scene.by_noun(&self.words, range.start, range.end)
            && end == range.end
        {
            return self.member(entity);
        }
        let paper = || {
            let last = range.end - 1;
            is(Class::Paper, self.words.folded(last)).then_some(last)
        };
        let head = office_head(&self.words, range).or_else(paper)?;
        let word = self.words.folded(head);
        let is_single = self.words.is_role(word) || is(Class::Person, word);
        let noun = range.start..head + 1;
        let is_definite = self.words.folded(range.start) == "the" || range.len() == 1;
        let is_short = noun.len() <= 3 && noun.end == range.end;
        if is_definite && (is_single || is_body(word) && is_short) {
            let holder = self.scene.by_office(&self.words, &noun);
            if let Some(entity) = holder.or_else(|| self.scene.body_meant(&self.words, &noun)) {
                return self.member(entity);
            }
        }
        if self.words.is_role(word)
            && noun.end == range.end
            && let Some(entity) = self.scene.person_meant(&self.words, &noun)
        {
            return self.member(entity);
        }
        let first = self.words.folded(range.start);
        if is_single
            && first != "the"
            && !matches!(first, "one" | "another" | "some")
            && let Some(entity) = self.introduced_after(range)
        {
            let mut speaker = self.member(entity)?;
            speaker.affiliation = self.affiliation(Some(written), range).or(speaker.affiliation);
            speaker.role = Some(written.to_owned());
            return Some(speaker);
        }
        let is_bare = noun.end == range.end
            && (noun.len() == 1 || noun.len() == 2 && is_definite)
            && !(noun.start..head).any(|at| self.words.is_name(at));
        let fuller = self.scene.fuller(&self.words, &noun).filter(|_| is_bare)?;
        Some(self.as_written(&fuller, self.words.text_of(&fuller)))
    }

    /// "He and his deputy", "the president and his allies": the first of them by name, the others as written.
    fn joined(&self, range: &Range<usize>, and: usize) -> Option<Speaker> {
        let first = self
            .scene
            .mention_in(&(range.start..and))
            .filter(|mention| !mention.is_name && mention.words.end == and)?;
        let name = format!("{} {}", self.name(first.entity)?, self.words.text_of(&(and..range.end)));
        Some(Speaker { name, role: None, via: None, affiliation: None })
    }

    /// The person whom the sentence behind a description begins with, where the text names that person there first: a lead
    /// says "the envoy", the next sentence says who that is.
    pub(super) fn introduced_after(&self, range: &Range<usize>) -> Option<usize> {
        let number = self.words.get(range.start)?.sentence;
        (number + 1..number + 3).find_map(|next| {
            let sentence = self.sentences.get(next)?;
            let opening = sentence.start..sentence.end.min(sentence.start + 4);
            let opened =
                self.scene.mentions_in(&opening).next().filter(|mention| mention.is_name && self.is_person(mention));
            let mention = opened.map(|mention| mention.entity)?;
            let own = self.sentences.get(number)?;
            let is_beside = self.scene.mentions_in(own).any(|other| other.entity == mention);
            let entity = self.scene.cast.entities.get(mention)?;
            let is_new = entity.name.start >= range.end && entity.name.len() > 1;
            (is_new && !is_beside && self.can_be(range, entity)).then_some(mention)
        })
    }

    /// Whether a description can be of a person: of no other sex.
    fn can_be(&self, description: &Range<usize>, entity: &Entity) -> bool {
        let sex = description.clone().find_map(|at| gender(self.words.folded(at)));
        // "A lawyer for Arden" is not "Jane Rowe, a lawyer for Halden".
        let named = |range: &Range<usize>| -> Vec<&str> {
            let whose = range.clone().skip_while(|&at| self.words.folded(at) != "for");
            whose.filter(|&at| self.words.is_name(at)).map(|at| self.words.folded(at)).collect()
        };
        let wanted = named(description);
        let told: Vec<&str> = entity.roles.iter().flat_map(named).collect();
        let is_of_others = !wanted.is_empty() && !told.is_empty() && !wanted.iter().any(|name| told.contains(name));
        !is_of_others && !matches!((sex, entity.gender), (Some(one), Some(other)) if one != other)
    }

    /// A member of the cast as a speaker.
    pub(super) fn member(&self, entity: usize) -> Option<Speaker> {
        let known = self.scene.cast.entities.get(entity)?;
        if known.is_described {
            return Some(self.unnamed(&known.name));
        }
        let role = known.roles.iter().max_by_key(|role| role.len()).map(|role| self.words.text_of(role).to_owned());
        let affiliation = match known.roles.first() {
            _ if known.sort == Sort::Place => self.words.place_at(known.name.start).map(|(name, _)| name.to_owned()),
            Some(role) => self.affiliation(None, role),
            None => None,
        };
        Some(Speaker { name: self.name(entity)?, role, via: None, affiliation })
    }

    /// Somebody or something known by a description alone: who sues by that paper, whom the next sentence names, or the words themselves.
    fn unnamed(&self, description: &Range<usize>) -> Speaker {
        let written = || self.as_written(description, self.words.text_of(description));
        self.plaintiff(description).or_else(|| self.member(self.introduced_after(description)?)).unwrap_or_else(written)
    }

    /// For whom somebody speaks: a country or body named in the words for the office.
    fn affiliation(&self, role: Option<&str>, range: &Range<usize>) -> Option<String> {
        if let Some((name, at)) = self.words.place_in(range)
            && role.is_none_or(|role| role.contains(self.words.text_of(&(at..at + 1))))
        {
            return Some(name.to_owned());
        }
        let body = self.scene.mentions_in(range).find(|mention| {
            let sort = self.scene.cast.entities.get(mention.entity).map(|entity| entity.sort);
            mention.is_name && sort == Some(Sort::Body)
        })?;
        self.name(body.entity)
    }

    /// A body, a group or an unnamed source, in its own words; a short form of a body's name is written out.
    pub(super) fn as_written(&self, range: &Range<usize>, written: &str) -> Speaker {
        let affiliation = self.affiliation(None, range).or_else(|| self.owner(range));
        let whole = self.scene.mention_in(range).filter(|mention| {
            mention.is_name && mention.words.end == range.end && mention.words.start <= range.start + 1
        });
        let bare = written.trim_start_matches("the ").trim_start_matches("The ");
        let of_mention = whole.filter(|mention| self.words.place_at(mention.words.start).is_none());
        let is_place = self.words.place_at(range.end - 1).is_some();
        let initials = self.scene.cast.by_initials(bare).filter(|_| !is_place);
        let full = initials.or(of_mention.map(|mention| mention.entity));
        let full = full.and_then(|entity| self.name(entity));
        let name = full.filter(|full| full.len() > written.len());
        let name = name.unwrap_or_else(|| self.with_full_names(range, &joined_by_and(written)));
        Speaker { name, role: None, via: None, affiliation }
    }

    /// A description with the people in it by their full names: "lawyers for Mr Arden" as "lawyers for Tom Arden".
    fn with_full_names(&self, range: &Range<usize>, written: &str) -> String {
        let mut name = written.to_owned();
        for mention in self.scene.mentions_in(range).filter(|mention| mention.is_name && mention.words.end <= range.end)
        {
            let told = self.words.text_of(&mention.words);
            let is_owner = self.words.folded(mention.words.end) == "'s" && !self.words.is_name(mention.words.end + 1);
            let before = mention.words.start.checked_sub(1).map_or("", |before| self.words.folded(before));
            let surname = self.words.text_of(&(mention.words.end - 1..mention.words.end));
            if self.sort(mention) == Some(Sort::Person)
                && (is_owner || matches!(before, "for" | "of" | "and" | "by"))
                && let Some(full) = self.name(mention.entity)
                && full.ends_with(surname)
                && !told.contains(full.as_str())
            {
                name = name.replacen(told, &full, 1);
            }
        }
        name
    }

    /// "Halden" of "Halden's lawyer" or "a spokesman for Halden".
    fn owner(&self, range: &Range<usize>) -> Option<String> {
        let mention = self.scene.mentions_in(range).find(|mention| mention.words.end <= range.end)?;
        office_head(&self.words, range)?;
        self.name(mention.entity)
    }

    /// Through whom the words came: a body that quotes ("Interfax quoted the envoy as saying").
    fn via(&self, range: &Range<usize>, attribution: &Attribution) -> Option<String> {
        let quoting = ["quoted", "quotes", "cited", "cites", "quoting", "citing"];
        let sentence = self.sentences.get(self.sentence_number(attribution.cue)?)?;
        let verb = (sentence.start..range.start).rev().take(3).find(|&at| quoting.contains(&self.words.folded(at)))?;
        let mention = self.scene.last_before(verb, sentence.start, |mention| mention.words.end + 2 >= verb)?;
        self.name(mention.entity)
    }
}

/// "Both the bank and its owner", "neither the bank nor its owner" as "the bank and its owner".
fn joined_by_and(written: &str) -> String {
    let is_pair = ["Neither ", "neither ", "Both ", "both ", "Either ", "either "];
    match is_pair.iter().find_map(|word| written.strip_prefix(word)) {
        Some(rest) if rest.contains(" nor ") || rest.contains(" and ") => rest.replacen(" nor ", " and ", 1),
        _ => written.to_owned(),
    }
}
