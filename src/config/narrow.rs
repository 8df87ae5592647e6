//! What narrows a rule: its lists of names, topics and kinds, its thresholds and its filter expression, within a bound for the names of
//! all rules together.

use toml::de::DeValue;

use super::load::quoted;
use super::reader::{Section, Wrong, count, did_you_mean, fraction, string};
use crate::model::{Confidence, Kind};
use crate::rule::{Fault, Filter, Rule};

/// Names on the lists of all rules: more are a mistake, and each costs a little for every claim.
pub(super) const NAMES_MAX: usize = 1_000;
/// Characters of a name.
pub(super) const NAME_CHARACTERS_MAX: usize = 200;
/// Bounds of what a rule adds to a priority.
pub(super) const PRIORITY: std::ops::RangeInclusive<i64> = -50..=50;
/// Bounds of a priority.
pub(super) const PRIORITY_MIN: std::ops::RangeInclusive<i64> = 0..=100;
/// Kinds of claims that give alerts.
pub(super) const KINDS: [&str; 5] = ["allegation", "denial", "confirmation", "no_comment", "retraction"];
/// Languages that the detector knows, by ISO 639-3.
pub(super) const LANGUAGES: [&str; 16] =
    ["ara", "cmn", "deu", "eng", "fra", "hin", "ita", "jpn", "kor", "nld", "por", "rus", "spa", "swe", "tur", "vie"];

const NAME: &str = "a name of 1 to 200 characters on one line, with a letter or a digit in it";
const EXPRESSION: &str = "a CEL expression in quotes, such as 'kind == \"denial\" && confidence > 0.8'";

/// Reads what narrows one rule, and puts it into `rule`; `taken` counts the names of all rules so far.
pub(super) fn read(section: &mut Section<'_>, taken: &mut usize, rule: Rule) -> Rule {
    let mut list = |key| section.list(key, "names", name).unwrap_or_default();
    let (watch, speakers, outlets, topics) = (list("watch"), list("speakers"), list("outlets"), list("topics"));
    let kinds = section.list("kinds", "kinds of claims", kind).unwrap_or_default();
    let languages = section.list("languages", "languages", language).unwrap_or_default();
    let confidence = section.read("confidence_min", |value| fraction(value, &(0.0..=1.0)));
    let priority_min = section.read("priority_min", |value| count(value, &PRIORITY_MIN));
    let priority = section.read("priority", |value| count(value, &PRIORITY));
    let when = read_when(section);
    let before = *taken;
    let asked = when.as_ref().map_or(0, |filter| filter.names().len());
    *taken += watch.len() + speakers.len() + outlets.len() + topics.len() + asked;
    if before <= NAMES_MAX && *taken > NAMES_MAX {
        let what =
            format!("with this rule there are {taken} names on watch, speakers, outlets and topics of the rules");
        section.problem(Wrong::new(what, format!("at most {NAMES_MAX} names in all rules together")));
    }
    Rule {
        kinds,
        confidence_min: confidence.map_or(rule.confidence_min, Confidence::from_probability),
        priority_min: priority_min.unwrap_or(rule.priority_min),
        watch,
        speakers,
        outlets,
        languages,
        topics,
        when,
        priority: priority.unwrap_or(rule.priority),
        ..rule
    }
}

/// An expression; everything that is wrong with it is reported where it stands in the file.
fn read_when(section: &mut Section<'_>) -> Option<Filter> {
    let text = section.read("when", |value| string(value, EXPRESSION).map(str::to_owned))?;
    match Filter::new(&text) {
        Ok(filter) => Some(filter),
        Err(faults) => {
            for Fault { at, mut what, accepted, unknown } in faults {
                if let Some((word, known)) = unknown {
                    what.push_str(&did_you_mean(&word, known.into_iter()));
                }
                section.problem_within("when", &text, at, Wrong::new(what, accepted));
            }
            None
        }
    }
}

fn kind(value: &DeValue<'_>) -> Result<Kind, Wrong> {
    let accepted = quoted(&KINDS);
    let text = string(value, &accepted)?;
    let found = Kind::ALL.into_iter().find(|known| known.as_str() == text && *known != Kind::Statement);
    found.ok_or_else(|| {
        Wrong::new(format!("{text:?} is not a kind of claim{}", did_you_mean(text, KINDS.into_iter())), accepted)
    })
}

fn language(value: &DeValue<'_>) -> Result<String, Wrong> {
    let accepted = quoted(&LANGUAGES);
    let text = string(value, &accepted)?;
    let folded = text.to_lowercase();
    if LANGUAGES.contains(&folded.as_str()) {
        return Ok(folded);
    }
    let what = format!("{text:?} is not a language by ISO 639-3{}", did_you_mean(text, LANGUAGES.into_iter()));
    Err(Wrong::new(what, accepted))
}

fn name(value: &DeValue<'_>) -> Result<String, Wrong> {
    let text = string(value, NAME)?.trim();
    let is_short = (1..=NAME_CHARACTERS_MAX).contains(&text.chars().count());
    if !is_short || text.chars().any(char::is_control) {
        return Err(Wrong::new("is empty, too long or not on one line", NAME));
    }
    // What folds to no word could never be found.
    if !text.chars().any(char::is_alphanumeric) {
        return Err(Wrong::new(format!("{text:?} has neither a letter nor a digit: it would be found nowhere"), NAME));
    }
    Ok(text.to_owned())
}
