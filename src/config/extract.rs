//! `[extract]`: a desk's own words for the extractor, within a bound.

use toml::de::DeValue;

use super::reader::{Section, Wrong, string};
use crate::model::{Kind, OwnWords};

/// Entries of all lists together: more are a mistake, and each costs a little for every sentence.
const ENTRIES_MAX: usize = 1_000;
/// Words of a wording.
const WORDS_MAX: usize = 12;
/// Characters of an entry.
const CHARACTERS_MAX: usize = 200;

const WORDING: &str =
    "a wording of 1 to 12 words that starts with a word; \"_\" stands for any one word, \"~\" for up to three";
const ROLE: &str = "one word, such as \"ombudsman\"";
const METONYM: &str = "a name and what it stands for, such as \"Zhongnanhai = China\"";

/// The keys of wordings that show a kind of claim.
pub(super) const CUE_KEYS: [(&str, Kind); 5] = [
    ("allegations", Kind::Allegation),
    ("denials", Kind::Denial),
    ("confirmations", Kind::Confirmation),
    ("no_comments", Kind::NoComment),
    ("retractions", Kind::Retraction),
];

/// Reads the table.
pub(super) fn read(mut section: Section<'_>) -> OwnWords {
    let mut words = OwnWords::default();
    for (key, kind) in CUE_KEYS {
        let wordings = section.list(key, "wordings", wording).unwrap_or_default();
        words.cues.extend(wordings.into_iter().map(|wording| (kind, wording)));
    }
    words.never = section.list("never", "wordings", wording).unwrap_or_default();
    words.roles = section.list("roles", "nouns", role).unwrap_or_default();
    words.metonyms = section.list("metonyms", "names and what they stand for", metonym).unwrap_or_default();
    let count = words.cues.len() + words.never.len() + words.roles.len() + words.metonyms.len();
    if count > ENTRIES_MAX {
        section.problem(Wrong::new(
            format!("has {count} entries"),
            format!("at most {ENTRIES_MAX} entries in all its lists together"),
        ));
    }
    section.finish();
    words
}

fn entry<'a>(value: &'a DeValue<'_>, accepted: &str) -> Result<&'a str, Wrong> {
    let text = string(value, accepted)?.trim();
    let is_short = (1..=CHARACTERS_MAX).contains(&text.chars().count());
    if !is_short || text.chars().any(char::is_control) {
        return Err(Wrong::new("is empty, too long or not on one line", accepted));
    }
    Ok(text)
}

fn wording(value: &DeValue<'_>) -> Result<String, Wrong> {
    let text = entry(value, WORDING)?;
    let starts_right = text.split_whitespace().next().is_some_and(|word| word.chars().any(char::is_alphanumeric));
    if !starts_right || text.split_whitespace().count() > WORDS_MAX {
        return Err(Wrong::new(format!("{text:?} is no wording that could be looked for"), WORDING));
    }
    Ok(text.to_owned())
}

fn role(value: &DeValue<'_>) -> Result<String, Wrong> {
    let text = entry(value, ROLE)?;
    if text.contains(char::is_whitespace) || !text.chars().any(char::is_alphanumeric) {
        return Err(Wrong::new(format!("{text:?} is not one word"), ROLE));
    }
    Ok(text.to_owned())
}

fn metonym(value: &DeValue<'_>) -> Result<(String, String), Wrong> {
    let text = entry(value, METONYM)?;
    let halves = text.split_once('=').map(|(name, body)| (name.trim(), body.trim()));
    let is_name = |half: &str| half.chars().any(char::is_alphanumeric);
    match halves.filter(|(name, body)| is_name(name) && is_name(body)) {
        Some((name, body)) => Ok((name.to_owned(), body.to_owned())),
        None => Err(Wrong::new(format!("{text:?} does not say what stands for what"), METONYM)),
    }
}
