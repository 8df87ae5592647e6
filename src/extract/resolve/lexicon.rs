//! Reads the word lists by which sources are resolved: names and the nouns that name a source; compiled in, parsed once.

use std::sync::LazyLock;

use rustc_hash::{FxHashMap, FxHashSet};

use crate::text::lexicon::classes;

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
