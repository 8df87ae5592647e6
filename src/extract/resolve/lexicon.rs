//! Reads the word lists by which sources are resolved: places, names and the nouns that name a source; compiled in, parsed once.

use std::sync::LazyLock;

use rustc_hash::{FxHashMap, FxHashSet};

use crate::text::lexicon::{classes, lines};
use crate::text::normalize::fold;

/// Words of the longest name of a place that is looked up.
pub(in crate::extract) const PLACE_WORDS_MAX: usize = 4;

/// The grammatical sex of a person, as titles, first names and pronouns tell it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Gender {
    Male,
    Female,
}

/// A kind of noun or name word, as the lists call it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Class {
    Man,
    Woman,
    Title,
    Particle,
    Suffix,
    Male,
    Female,
    Calendar,
    Role,
    Person,
    Mouth,
    Modifier,
    Group,
    Body,
    Paper,
    Thing,
    Media,
}

static CLASSES: LazyLock<FxHashMap<Class, FxHashSet<&'static str>>> = LazyLock::new(|| {
    let names = classes(include_str!("../../../config/lexicon/names.txt"));
    let nouns = classes(include_str!("../../../config/lexicon/sources.txt"));
    let mut found: FxHashMap<Class, FxHashSet<&'static str>> = FxHashMap::default();
    for (name, words) in names.chain(nouns) {
        let class = match name {
            "man" => Class::Man,
            "woman" => Class::Woman,
            "title" => Class::Title,
            "particle" => Class::Particle,
            "suffix" => Class::Suffix,
            "male" => Class::Male,
            "female" => Class::Female,
            "calendar" => Class::Calendar,
            "role" => Class::Role,
            "person" => Class::Person,
            "mouth" => Class::Mouth,
            "group" => Class::Group,
            "body" => Class::Body,
            "paper" => Class::Paper,
            "thing" => Class::Thing,
            "media" => Class::Media,
            _ => Class::Modifier,
        };
        found.entry(class).or_default().extend(words.split_whitespace());
    }
    found
});

/// Folded name of a place, of its seat of government or of its people, and the name of the place.
static PLACES: LazyLock<FxHashMap<String, &'static str>> = LazyLock::new(|| {
    let mut found = FxHashMap::default();
    for line in lines(include_str!("../../../config/lexicon/places.txt")) {
        let (name, others) = line.split_once('=').unwrap_or((line, ""));
        let name = name.trim();
        for other in others.split([',', '|']).map(str::trim).filter(|other| !other.is_empty()).chain([name]) {
            found.insert(fold(other), name);
        }
    }
    found
});

/// Folded name of a people or its adjective, and the name of the place.
static PEOPLES: LazyLock<FxHashMap<String, &'static str>> = LazyLock::new(|| {
    let mut found = FxHashMap::default();
    for line in lines(include_str!("../../../config/lexicon/places.txt")) {
        let Some((name, (_, peoples))) =
            line.split_once('=').map(|(name, rest)| (name, rest.split_once('|').unwrap_or_default()))
        else {
            continue;
        };
        for people in peoples.split(',').map(str::trim).filter(|people| !people.is_empty()) {
            found.insert(fold(people), name.trim());
        }
    }
    found
});

/// What ends an office with hyphens, behind its noun: "director-general", "attorney-at-law".
const OFFICE_ENDS: [&str; 6] = ["general", "elect", "designate", "law", "emeritus", "large"];

/// Whether a folded word is in a class, itself or by the parts of a noun with hyphens: "under-secretary-general" is an office
/// as "secretary" is, "co-founders" are a group.
pub(super) fn is(class: Class, folded: &str) -> bool {
    let has = |word: &str| CLASSES.get(&class).is_some_and(|words| words.contains(word));
    if has(folded) {
        return true;
    }
    let Some((front, last)) = folded.rsplit_once('-') else { return false };
    match class {
        Class::Role => has(last) || OFFICE_ENDS.contains(&last) && front.split('-').any(has),
        Class::Group | Class::Mouth => has(last),
        _ => false,
    }
}

/// The place that a folded name, seat of government or people belongs to.
pub(in crate::extract) fn place(folded: &str) -> Option<&'static str> {
    PLACES.get(folded.strip_prefix("the ").unwrap_or(folded)).copied()
}

/// The country whose people or adjective a folded name is.
pub(super) fn country_of_people(folded: &str) -> Option<&'static str> {
    PEOPLES.get(folded).copied()
}

/// Whether a folded word ends the name of an organisation.
pub(in crate::extract) fn is_body(folded: &str) -> bool {
    is(Class::Body, folded)
}

/// Whether a folded word is a noun for people who are no organisation ("minister", "officials").
pub(in crate::extract) fn is_people(folded: &str) -> bool {
    [Class::Role, Class::Person, Class::Mouth, Class::Group, Class::Title].into_iter().any(|class| is(class, folded))
}

/// What a word tells of a person's sex: a title, a pronoun or a first name.
pub(super) fn gender(folded: &str) -> Option<Gender> {
    let is_one_of = |classes: [Class; 2]| classes.into_iter().any(|class| is(class, folded));
    match folded {
        "he" | "him" | "his" | "himself" | "spokesman" | "businessman" | "chairman" | "father" | "brother" => {
            Some(Gender::Male)
        }
        "she" | "her" | "hers" | "herself" | "spokeswoman" | "actress" | "mother" | "sister" | "chairwoman" => {
            Some(Gender::Female)
        }
        _ if is_one_of([Class::Man, Class::Male]) => Some(Gender::Male),
        _ if is_one_of([Class::Woman, Class::Female]) => Some(Gender::Female),
        _ => None,
    }
}
