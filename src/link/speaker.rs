//! Whether two names mean one speaker, and whether a speaker speaks for a party; used by claim identity and threads.

use crate::model::Speaker;
use crate::text::normalize::{fold, is_stop_word};

/// Titles and articles that tell no two names apart.
const TITLES: [&str; 24] = [
    "the",
    "a",
    "an",
    "mr",
    "mrs",
    "ms",
    "miss",
    "dr",
    "sir",
    "lord",
    "lady",
    "sen",
    "senator",
    "rep",
    "gov",
    "gen",
    "general",
    "president",
    "minister",
    "prime",
    "prof",
    "judge",
    "justice",
    "ambassador",
];

/// Words that make a name a mouthpiece: "Halden's lawyer" is not Halden.
const MOUTHPIECES: [&str; 14] = [
    "spokesman",
    "spokeswoman",
    "spokesperson",
    "lawyer",
    "lawyers",
    "attorney",
    "attorneys",
    "family",
    "office",
    "aide",
    "aides",
    "campaign",
    "supporters",
    "critics",
];

/// Sounds from which a name is known by them.
const SOUNDS_MIN: usize = 5;

/// The words of a name that tell it from others: folded, without titles, articles and possessives.
pub(super) fn telling_words(name: &str) -> Vec<String> {
    fold(name)
        .split(|c: char| !c.is_alphanumeric() && c != '-' && c != '.')
        .map(|word| word.trim_matches('.').to_owned())
        .filter(|word| !word.is_empty() && word != "s" && !TITLES.contains(&word.as_str()))
        .collect()
}

/// A key under which a name can be looked up: its telling words, joined.
pub fn name_key(name: &str) -> String {
    telling_words(name).join(" ")
}

/// Whether two names mean one person or body: equal telling words, or one surname with first names that do not
/// contradict each other; a surname may differ by one letter, as transliterations do ("Nebenzia", "Nebenzya").
pub fn same_name(one: &str, other: &str) -> bool {
    let (one, other) = (telling_words(one), telling_words(other));
    let (Some(last), Some(other_last)) = (one.last(), other.last()) else { return false };
    if one == other {
        return true;
    }
    let is_mouthpiece = |words: &[String]| words.iter().any(|word| MOUTHPIECES.contains(&word.as_str()));
    if is_mouthpiece(&one) || is_mouthpiece(&other) {
        return false;
    }
    if last != other_last && !is_transliteration(last, other_last) {
        return false;
    }
    match (one.len(), other.len()) {
        (1, _) | (_, 1) => true,
        _ => first_names_agree(&one[0], &other[0]),
    }
}

/// Whether two accused parties are one: one name, or a part of the other ("Corvane" and "Corvane Lines").
pub fn same_party(one: &str, other: &str) -> bool {
    let (words, others) = (telling_words(one), telling_words(other));
    let is_part = |part: &[String], whole: &[String]| !part.is_empty() && part.iter().all(|word| whole.contains(word));
    same_name(one, other) || is_part(&words, &others) || is_part(&others, &words)
}

/// "V." agrees with "Vassily", "Vasily" with "Vassily", "John" not with "James".
fn first_names_agree(one: &str, other: &str) -> bool {
    let (short, long) = if one.len() <= other.len() { (one, other) } else { (other, one) };
    long.starts_with(short) || is_transliteration(short, long)
}

/// Whether two words sound alike, or are of six letters or more, begin alike and differ by at most one insertion, deletion or
/// substitution.
fn is_transliteration(one: &str, other: &str) -> bool {
    if sound(one).is_some_and(|heard| sound(other) == Some(heard)) {
        return true;
    }
    let (one, other): (Vec<char>, Vec<char>) = (one.chars().collect(), other.chars().collect());
    let (short, long) = if one.len() <= other.len() { (&one, &other) } else { (&other, &one) };
    if short.len() < 6 || long.len() - short.len() > 1 || short.first() != long.first() {
        return false;
    }
    let same_head = short.iter().zip(long.iter()).take_while(|(a, b)| a == b).count();
    let rest = short.len() - same_head;
    let same_tail = short.iter().rev().zip(long.iter().rev()).take(rest).take_while(|(a, b)| a == b).count();
    short.len() - same_head - same_tail <= 1
}

/// A folded name as it sounds, whatever letters an outlet writes it with ("Zhaksybekov", "Jaksybekov"); nothing where it is too short to tell a
/// name by.
pub(super) fn sound(folded: &str) -> Option<String> {
    const SOUNDS: [(&str, &str); 20] = [
        ("tch", "s"),
        ("sch", "s"),
        ("dzh", "j"),
        ("zh", "j"),
        ("kh", "h"),
        ("gh", "g"),
        ("sh", "s"),
        ("ch", "s"),
        ("ph", "f"),
        ("th", "t"),
        ("ck", "k"),
        ("ou", "u"),
        ("oo", "u"),
        ("x", "ks"),
        ("c", "k"),
        ("q", "k"),
        ("w", "v"),
        ("y", "i"),
        ("ee", "i"),
        ("z", "s"),
    ];
    let mut letters: String = folded.chars().filter(char::is_ascii_lowercase).collect();
    for (written, heard) in SOUNDS {
        letters = letters.replace(written, heard);
    }
    let mut found = String::new();
    for letter in letters.chars() {
        if !found.ends_with(letter) {
            found.push(letter);
        }
    }
    (found.len() >= SOUNDS_MIN).then_some(found)
}

/// Nouns for a body that governs, which may stand for its country.
const GOVERNMENTS: [&str; 5] = ["government", "administration", "regime", "authorities", "ministry"];

/// Whether two resolved speakers are one. Two people of one body are two speakers.
pub fn same_speaker(one: Option<&Speaker>, other: Option<&Speaker>) -> bool {
    match (one, other) {
        (Some(one), Some(other)) => {
            same_name(&one.name, &other.name)
                || (is_own_body(one) && is_own_body(other) && same_body(one.affiliation.as_deref(), other))
        }
        (None, None) => true,
        _ => false,
    }
}

/// Whether the speaker is the body itself ("Russia", "Moscow"), not a person of it.
fn is_own_body(speaker: &Speaker) -> bool {
    let last = speaker.name.split_whitespace().next_back().unwrap_or_default();
    speaker.role.is_none()
        && speaker.affiliation.is_some()
        && telling_words(&speaker.name).len() <= 2
        // "A Ruritanian official" is a person of the body.
        && (last.starts_with(char::is_uppercase) || GOVERNMENTS.contains(&last))
}

fn same_body(affiliation: Option<&str>, other: &Speaker) -> bool {
    affiliation.zip(other.affiliation.as_deref()).is_some_and(|(one, other)| name_key(one) == name_key(other))
}

/// Whether the speaker is the party or speaks for it.
pub fn speaks_for(speaker: &Speaker, party: &str) -> bool {
    same_name(&speaker.name, party)
        || speaker.affiliation.as_deref().is_some_and(|body| {
            let body = name_key(body);
            !body.is_empty() && telling_words(party).join(" ").contains(&body)
        })
}

/// Whether the speaker's name, role or body shares a telling word with a party: "a spokesman for Halden Freight" and
/// "Orsa Halden" both may be of Halden's side. A hint for links within a document, too weak to join two names.
pub fn shares_name(speaker: &Speaker, party: &str) -> bool {
    let party = telling_words(party);
    let names = [Some(speaker.name.as_str()), speaker.role.as_deref(), speaker.affiliation.as_deref()];
    names.into_iter().flatten().flat_map(telling_words).any(|word| !is_stop_word(&word) && party.contains(&word))
}

/// Whether two speakers are one or speak for one body: outlets may name the ambassador or the country. Two people of one
/// body who are both named stay two.
pub fn same_side(one: &Speaker, other: &Speaker) -> bool {
    same_name(&one.name, &other.name)
        || (same_body(one.affiliation.as_deref(), other) && !(is_named_person(one) && is_named_person(other)))
}

/// Whether the speaker holds an office and has a name, not only a description ("a foreign ministry official").
fn is_named_person(speaker: &Speaker) -> bool {
    speaker.role.is_some() && speaker.name.split_whitespace().all(|word| !word.starts_with(char::is_lowercase))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(one: &str, other: &str, expected: bool) {
        assert_eq!(same_name(one, other), expected, "{one} / {other}");
        assert_eq!(same_name(other, one), expected, "{other} / {one}");
    }

    #[test]
    fn names() {
        check("Vassily Nebenzia", "Mr Nebenzia", true);
        check("Vassily Nebenzia", "Vasily Nebenzya", true);
        check("V. Nebenzia", "Vassily Nebenzia", true);
        check("John Smith", "James Smith", false);
        check("Odile Franck", "Odile Sorel", false);
        check("Odile Torsten", "Odile Corsten", false);
        check("Dauren Zhaksybekov", "Mr Jaksybekov", true);
        check("John Smith", "J. Smith", true);
        check("Halden Freight", "A spokesman for Halden Freight", false);
        check("the Pentagon", "Pentagon", true);
        check("Paris", "Perez", false);
        assert!(same_party("Corvane", "Corvane Lines") && !same_party("Corvane Lines", "Corvane Bank"));
        check("", "Perez", false);
    }

    #[test]
    fn spellings_of_one_name_meet() {
        for (one, other) in [("nebenzia", "nebenzya"), ("zhaksybekov", "jaksybekov"), ("lekishvili", "lekichvili")] {
            assert!(sound(one).is_some() && sound(one) == sound(other), "{one} / {other}");
        }
        assert_ne!(sound("walberg"), sound("velberg"));
        assert_eq!(sound("smith"), None);
    }

    #[test]
    fn bodies() {
        let person = Speaker {
            name: "Vassily Nebenzia".into(),
            role: Some("Russia's ambassador to the UN".into()),
            via: None,
            affiliation: Some("Russia".into()),
        };
        assert!(speaks_for(&person, "Russia"));
        assert!(!speaks_for(&person, "North Korea"));
        let country = Speaker { name: "Moscow".into(), role: None, via: None, affiliation: Some("Russia".into()) };
        assert!(same_side(&person, &country));
        assert!(!same_speaker(Some(&person), Some(&country)));
    }
}
