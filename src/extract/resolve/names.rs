//! Names of one sentence: runs of capitals in, each cut into what describes (titles, offices) and the name itself.

use std::ops::Range;

use super::lexicon::{Class, Gender, gender, is, is_body, is_people};
use super::scene::is_being;
use super::words::Words;

/// Words of the longest run of capitals taken for a name.
const NAME_WORDS_MAX: usize = 12;
/// Words looked at for an office before or behind a name.
const ROLE_WORDS_MAX: usize = 14;

/// What stands with a capital before names in headlines and at the head of sentences.
const HEADLINE_MODIFIERS: [&str; 8] = ["top", "former", "facing", "watched", "late", "embattled", "ex", "disgraced"];

/// What sentences begin with that is no part of a name behind it.
const OPENERS: [&str; 19] = [
    "perhaps",
    "despite",
    "maybe",
    "unlike",
    "like",
    "amid",
    "although",
    "though",
    "while",
    "when",
    "since",
    "given",
    "here",
    "still",
    "yet",
    "meanwhile",
    "instead",
    "multiple",
    "numerous",
];

/// What a name names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sort {
    Person,
    Body,
    Place,
    /// What speaks in writing, told by a noun alone: "the complaint".
    Paper,
    Unknown,
}

/// A name where it stands.
#[derive(Debug, Clone)]
pub(super) struct Name {
    /// The words of the name itself.
    pub(super) words: Range<usize>,
    /// With titles and offices before it.
    pub(super) whole: Range<usize>,
    pub(super) sort: Sort,
    pub(super) gender: Option<Gender>,
    /// The words for the office, before or behind the name.
    pub(super) role: Option<Range<usize>>,
}

impl Name {
    /// Whether a name is the short form that stands in brackets behind another: "the Harbour Relief Fund (HRF)".
    pub(super) fn is_short_form_of(&self, words: &Words<'_>, other: &Self) -> bool {
        words.folded(other.words.end) == "("
            && self.words.start == other.words.end + 1
            && words.folded(self.words.end) == ")"
            && self.words.len() == 1
            && other.sort != Sort::Place
    }
}

/// The names in `range`, in order.
pub(super) fn names(words: &Words<'_>, range: Range<usize>) -> Vec<Name> {
    let mut found = Vec::new();
    let mut at = range.start;
    while at < range.end {
        let word = words.folded(at);
        let is_useful = is_people(word) || is_body(word);
        // "Perhaps Rowe": the capital is the sentence's.
        let opens = at == range.start && OPENERS.contains(&word) && words.is_name(at + 1);
        if opens || !words.is_name(at) || (words.is_opener(at) && !(is_useful && words.is_name(at + 1))) {
            at += 1;
            continue;
        }
        if let Some(end) = words.abbreviated(at, range.end) {
            let name = at..end;
            found.push(Name { words: name.clone(), whole: name, sort: Sort::Body, gender: None, role: None });
            at = end;
            continue;
        }
        let end = run_end(words, at, range.end);
        let end = (at + 1..end).find(|&start| words.abbreviated(start, range.end).is_some()).unwrap_or(end);
        if end - at <= NAME_WORDS_MAX {
            found.extend(cut(words, at..end, range.clone()));
        }
        at = end.max(at + 1);
    }
    found
}

fn run_end(words: &Words<'_>, start: usize, limit: usize) -> usize {
    let mut at = start + 1;
    while at < limit {
        let word = words.folded(at);
        let before = words.folded(at - 1);
        let joins = words.is_name(at)
            || (is(Class::Particle, word) && words.is_name(at + 1) && at + 1 < limit)
            || (word == "&" && words.is_name(at + 1))
            || (word == "of" && (is_body(before) || is_people(before)) && words.is_name(at + 1))
            || (word == "." && (before.chars().count() == 1 || is_title(before)) && words.is_name(at + 1));
        if !joins {
            break;
        }
        at += 1;
    }
    at
}

fn is_title(folded: &str) -> bool {
    [Class::Man, Class::Woman, Class::Title].into_iter().any(|class| is(class, folded))
}

/// Cuts a run into office and name; `None` where it is an office alone.
fn cut(words: &Words<'_>, run: Range<usize>, sentence: Range<usize>) -> Option<Name> {
    let last = words.folded(run.end - 1);
    let plain = |sort| Name { words: run.clone(), whole: run.clone(), sort, gender: None, role: None };
    if words.place_at(run.start).is_some_and(|(_, length)| length == run.len()) {
        return Some(plain(Sort::Place));
    }
    if is_body(last) && run.len() > 1 {
        return Some(plain(Sort::Body));
    }
    let mut start = run.start;
    // "Top Halden aides": a headline's capital makes no name.
    if run.len() > 1 && HEADLINE_MODIFIERS.contains(&words.folded(start)) {
        start += 1;
    }
    for at in run.clone() {
        let word = words.folded(at);
        if ((is_people(word) || is_title(word)) && (!is(Class::Male, word) || is(Class::Man, word)))
            || word == "." && is_title(words.folded(at.max(1) - 1))
        {
            start = at + 1;
        } else if word == "of" && start == at {
            start = at + 2;
        }
    }
    if start >= run.end {
        return None;
    }
    let titled = start > run.start && !HEADLINE_MODIFIERS.contains(&words.folded(start - 1));
    if let Some((_, length)) = words.place_at(start).filter(|(_, length)| run.end - start > length + 1) {
        start += length;
    }
    let start = given_name(words, &(start..run.end)).unwrap_or(start);
    let name = start..run.end;
    let is_letter = words.folded(start).chars().nth(1).is_none();
    let is_cut_title =
        start > run.start && words.folded(start - 1) != "of" && run.clone().any(|at| words.folded(at) == "of");
    if name.len() == 1 && (is_letter || is_cut_title) {
        return None;
    }
    let before = role_before(words, start.min(run.start), sentence.start);
    let behind = role_behind(words, run.end, sentence.end);
    let sex = run.clone().find_map(|at| gender(words.folded(at)));
    let is_named = sex.is_some() || is(Class::Suffix, last);
    let is_person = titled || before.is_some() || behind.is_some() || (is_named && name.len() > 1);
    // "The Arden campaign": a name that describes the next word is no body.
    let describes = is_body(words.folded(run.end)) || is_people(words.folded(run.end));
    let article = start > 0 && words.folded(start - 1) == "the" && !describes;
    let sort = match () {
        () if is_person => Sort::Person,
        () if article || is_acronym(words, &name) => Sort::Body,
        () => Sort::Unknown,
    };
    let role_start = before.as_ref().map_or(run.start, |role| role.start);
    let front = (role_start < start).then_some(role_start..start).filter(|role| is_office(words, role));
    Some(Name { words: name, whole: role_start..run.end, sort, gender: sex, role: front.or(behind) })
}

/// Where a known first name stands behind words that are no part of the name: "Add Jane Rowe", "Secretary of State Jane Rowe".
fn given_name(words: &Words<'_>, name: &Range<usize>) -> Option<usize> {
    let is_given = |at: usize| is(Class::Male, words.folded(at)) || is(Class::Female, words.folded(at));
    let found = (name.start..name.end.saturating_sub(1)).find(|&at| is_given(at))?;
    let is_foreign = |at: usize| words.folded(at).chars().nth(2).is_some() && !is(Class::Particle, words.folded(at));
    (name.start..found).all(is_foreign).then_some(found)
}

fn is_acronym(words: &Words<'_>, name: &Range<usize>) -> bool {
    let text = words.text_of(name);
    name.len() == 1 && text.len() > 1 && text.chars().all(|c| c.is_uppercase() || c == '.')
}

/// Whether the words hold more than a bare title.
fn is_office(words: &Words<'_>, role: &Range<usize>) -> bool {
    role.clone().any(|at| {
        let word = words.folded(at);
        (words.is_role(word) || is(Class::Mouth, word) || is(Class::Person, word)) && !is(Class::Man, word)
    })
}

/// The office that ends right before a name: "Harbour Ministry spokeswoman", "the envoy to Ostland, " included.
fn role_before(words: &Words<'_>, name: usize, limit: usize) -> Option<Range<usize>> {
    let mut end = name;
    let has_comma = end > limit && words.folded(end - 1) == ",";
    if has_comma {
        end -= 1;
    }
    if end <= limit {
        return None;
    }
    let is_noun = |at: usize| words.is_role(words.folded(at)) || is(Class::Mouth, words.folded(at));
    if !has_comma && !is_noun(end - 1) {
        return None;
    }
    let mut start = end;
    while start > limit && end - start < ROLE_WORDS_MAX {
        let word = words.folded(start - 1);
        let is_part = if has_comma {
            word.chars().any(char::is_alphanumeric) || word == "'s"
        } else {
            words.is_name(start - 1) || is_noun(start - 1) || is(Class::Modifier, word) || word == "'s"
        };
        if !is_part {
            break;
        }
        start -= 1;
    }
    // An office before a comma must fill the clause up to the start of the sentence, or the comma only lists things.
    (start < end && (!has_comma || start == limit) && (start..end).any(is_noun)).then_some(start..end)
}

/// The office told behind a name: ", the envoy to Ostland,".
fn role_behind(words: &Words<'_>, name_end: usize, limit: usize) -> Option<Range<usize>> {
    if words.folded(name_end) != "," {
        return None;
    }
    let start = name_end + 1;
    // "Arden, saying his lawyer ...", "Arden, accused by a banker ...": a clause goes on.
    let first = words.folded(start);
    if matches!(first, "who" | "which" | "and" | "but" | "said") || first.ends_with("ing") || first.ends_with("ed") {
        return None;
    }
    let stop = limit.min(start + ROLE_WORDS_MAX);
    let is_end = |&at: &usize| {
        let word = words.folded(at);
        is_being(word)
            || matches!(word, "," | "." | "\"" | "“" | "”" | ";" | ":" | "(" | "-" | "--" | "–" | "—")
            || matches!(word, "who" | "which" | "that" | "said" | "says" | "told" | "has" | "had" | "but")
    };
    let end = (start..stop).find(is_end);
    let role = start..end.unwrap_or(stop);
    let head = role.start..role.end.min(role.start + 7);
    is_office(words, &head).then_some(role)
}
