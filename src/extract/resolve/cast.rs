//! The cast of a document: its names in, one entry for each person or body with the fullest name, sex and offices.

use std::ops::Range;

use rustc_hash::FxHashMap;

use super::lexicon::{Class, Gender, gender, is};
use super::names::{Name, Sort};
use super::scene::is_preposition;
use super::words::Words;
use crate::text::normalize::{fold, is_stop_word};

/// Words of a description beside a name.
const NOUN_WORDS_MAX: usize = 6;
/// Offices, and nouns of descriptions, kept of one entry; a bound for hostile text.
const ROLES_MAX: usize = 16;
/// Entries compared for one surname; a bound for hostile text.
const NAMESAKES_MAX: usize = 16;

/// A person or body.
#[derive(Debug)]
pub(super) struct Entity {
    /// The words of its fullest name.
    pub(super) name: Range<usize>,
    pub(super) sort: Sort,
    pub(super) gender: Option<Gender>,
    /// Offices told of it, in order.
    pub(super) roles: Vec<Range<usize>>,
    /// The nouns of descriptions beside it, last words: "operator" of "Corvane Lines, a ferry operator".
    pub(super) nouns: Vec<usize>,
    /// How often it is named.
    pub(super) count: usize,
    /// Known by a description alone: "a spokesman for Norvik".
    pub(super) is_described: bool,
}

/// Everybody named.
#[derive(Debug, Default)]
pub(super) struct Cast {
    pub(super) entities: Vec<Entity>,
    by_word: FxHashMap<String, Vec<usize>>,
    by_initials: FxHashMap<String, usize>,
}

impl Cast {
    /// Enters a name, joined to the entry that it is another form of.
    pub(super) fn enter(&mut self, words: &Words<'_>, name: &Name) -> usize {
        let id = self.find(words, &name.words, name.gender).unwrap_or_else(|| {
            self.entities.push(Entity {
                name: name.words.clone(),
                sort: name.sort,
                gender: None,
                roles: Vec::new(),
                nouns: Vec::new(),
                count: 0,
                is_described: false,
            });
            self.entities.len() - 1
        });
        let Some(entity) = self.entities.get_mut(id) else { return id };
        entity.count += 1;
        entity.gender = entity.gender.or(name.gender);
        if entity.sort == Sort::Unknown || name.sort == Sort::Person {
            entity.sort = name.sort;
        }
        if name.words.len() > entity.name.len() {
            entity.name = name.words.clone();
        }
        if entity.roles.len() < ROLES_MAX {
            entity.roles.extend(name.role.clone());
        }
        if entity.nouns.len() < ROLES_MAX {
            entity.nouns.extend(noun_beside(words, &name.words));
        }
        self.index(words, name, id);
        id
    }

    /// Enters somebody or something that has no name here.
    pub(super) fn enter_described(&mut self, description: Range<usize>, sort: Sort, gender: Option<Gender>) -> usize {
        let roles = if sort == Sort::Person { vec![description.clone()] } else { Vec::new() };
        let count = 1;
        self.entities.push(Entity {
            name: description,
            sort,
            gender,
            roles,
            nouns: Vec::new(),
            count,
            is_described: true,
        });
        self.entities.len() - 1
    }

    /// Enters the short form of a name that is entered already.
    pub(super) fn enter_short_form(&mut self, words: &Words<'_>, name: &Name, id: usize) {
        self.by_initials.insert(fold(words.folded(name.words.start)).replace('.', ""), id);
        let list = self.by_word.entry(key(words, name.words.start).to_owned()).or_default();
        list.retain(|&other| other == id);
        if list.is_empty() {
            list.push(id);
        }
        if let Some(entity) = self.entities.get_mut(id) {
            entity.count += 1;
        }
    }

    fn index(&mut self, words: &Words<'_>, name: &Name, id: usize) {
        let (first, last) = (name.words.start, surname(words, &name.words));
        for at in [last, first] {
            let list = self.by_word.entry(key(words, at).to_owned()).or_default();
            if !list.contains(&id) && list.len() < NAMESAKES_MAX {
                list.push(id);
            }
        }
        if name.words.len() > 1 && name.sort != Sort::Person {
            let initials: String = name
                .words
                .clone()
                .filter(|&at| words.is_name(at))
                .filter_map(|at| words.folded(at).chars().next())
                .collect();
            self.by_initials.entry(initials).or_insert(id);
        }
    }

    /// The entry that a name belongs to: equal or longer names with the same surname, and no other first name.
    pub(super) fn find(&self, words: &Words<'_>, name: &Range<usize>, gender: Option<Gender>) -> Option<usize> {
        let last = key(words, surname(words, name));
        let listed = self.by_word.get(last).map(Vec::as_slice).unwrap_or_default();
        // "US" is no short form of "US Airways"; "Washington" may be somebody's surname.
        let is_place = words.place_at(name.start).is_some_and(|(_, length)| length == name.len());
        let agrees = |&&id: &&usize| {
            self.entities.get(id).is_some_and(|entity| {
                is_form(words, name, &entity.name)
                    && !matches!((gender, entity.gender), (Some(a), Some(b)) if a != b)
                    && (is_place == (entity.sort == Sort::Place)
                        || entity.sort == Sort::Person && key(words, surname(words, &entity.name)) == last)
            })
        };
        let is_person = |id: usize| self.entities.get(id).is_some_and(|entity| entity.sort == Sort::Person);
        let has_surname =
            |id: usize| self.entities.get(id).is_some_and(|entity| key(words, surname(words, &entity.name)) == last);
        let best = listed
            .iter()
            .filter(agrees)
            .copied()
            .max_by_key(|&id| (has_surname(id), is_person(id), self.weight(id), usize::MAX - id));
        best.or_else(|| self.by_initials(last).filter(|_| name.len() == 1 && !is_place))
    }

    /// The body whose initials a word spells.
    pub(super) fn by_initials(&self, word: &str) -> Option<usize> {
        self.by_initials.get(&fold(word).replace('.', "")).copied()
    }

    fn weight(&self, id: usize) -> usize {
        self.entities.get(id).map_or(0, |entity| entity.count)
    }
}

/// The noun of what describes a name: right before it ("the ferry operator Corvane Lines") or between commas behind it.
fn noun_beside(words: &Words<'_>, name: &Range<usize>) -> Option<usize> {
    let is_plain = |at: usize| {
        words.get(at).is_some_and(|word| !word.is_capital && word.folded.chars().all(char::is_alphabetic))
            && !is_stop_word(words.folded(at))
            && !is_preposition(words.folded(at))
    };
    let behind = name.end + 1;
    if words.folded(name.end) == "," && matches!(words.folded(behind), "a" | "an" | "the") {
        let end = (behind + 1..behind + NOUN_WORDS_MAX).find(|&at| !is_plain(at) && !words.is_name(at))?;
        return (end > behind + 1 && is_plain(end - 1) && words.same_sentence(behind, end - 1)).then(|| end - 1);
    }
    let noun = name.start.checked_sub(1).filter(|&at| is_plain(at) && words.same_sentence(at, name.start))?;
    let low = noun.saturating_sub(NOUN_WORDS_MAX);
    let article = (low..noun).rev().find(|&at| !is_plain(at) && !words.is_name(at))?;
    let opens = matches!(words.folded(article), "a" | "an" | "the") || !words.same_sentence(article, noun);
    opens.then_some(noun)
}

/// A word of a name as it is compared: without the Arabic article that some forms of a name leave out.
fn key<'a>(words: &'a Words<'_>, at: usize) -> &'a str {
    let word = words.folded(at);
    word.strip_prefix("al-").or_else(|| word.strip_prefix("el-")).unwrap_or(word)
}

/// Where the surname stands: the last word that is no suffix.
fn surname(words: &Words<'_>, name: &Range<usize>) -> usize {
    let last = name.end.saturating_sub(1);
    if name.len() > 2 && is(Class::Suffix, words.folded(last).trim_end_matches('.')) { last - 1 } else { last }
}

/// Whether two names can be forms of one: the words of the shorter all stand in the longer, or the surname and the first
/// letter of the first name are the same and neither is a single word.
fn is_form(words: &Words<'_>, one: &Range<usize>, other: &Range<usize>) -> bool {
    let (short, long) = if one.len() <= other.len() { (one, other) } else { (other, one) };
    let has_suffix = |name: &Range<usize>| surname(words, name) + 1 != name.end;
    if has_suffix(one) != has_suffix(other) {
        return false;
    }
    let is_in_long = |at: usize| long.clone().any(|other| key(words, at) == key(words, other));
    if short.clone().all(is_in_long) {
        return true;
    }
    let initial = |name: &Range<usize>| words.folded(name.start).chars().next();
    short.len() > 1
        && words.folded(surname(words, short)) == words.folded(surname(words, long))
        && initial(short) == initial(long)
        && (words.folded(short.start).chars().count() == 1 || is_first_name_of(words, short.start, long.start))
}

/// Whether two first names are one, or one may be short for the other: "Mike" for "Michael".
fn is_first_name_of(words: &Words<'_>, one: usize, other: usize) -> bool {
    let (one, other) = (words.folded(one), words.folded(other));
    let is_known = |name: &str| is(Class::Male, name) || is(Class::Female, name);
    one == other
        || is_known(one)
            && is_known(other)
            && gender(one) == gender(other)
            && one.chars().take(2).eq(other.chars().take(2))
}
