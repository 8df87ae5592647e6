//! The lists of names by which a rule is narrowed: `watch`, `speakers` and `outlets`, within a bound for all rules together.

use toml::de::DeValue;

use super::reader::{Section, Wrong, string};
use crate::model::Rule;

/// Names on the lists of all rules: more are a mistake, and each costs a little for every claim.
pub(super) const NAMES_MAX: usize = 1_000;
/// Characters of a name.
pub(super) const NAME_CHARACTERS_MAX: usize = 200;

const NAME: &str = "a name of 1 to 200 characters on one line, with a letter or a digit in it";

/// Reads the lists of one rule; `taken` counts the names of all rules so far.
pub(super) fn read(section: &mut Section<'_>, taken: &mut usize) -> (Vec<String>, Vec<String>, Vec<String>) {
    let mut list = |key| section.list(key, "names", name).unwrap_or_default();
    let lists = (list("watch"), list("speakers"), list("outlets"));
    let before = *taken;
    *taken += lists.0.len() + lists.1.len() + lists.2.len();
    if before <= NAMES_MAX && *taken > NAMES_MAX {
        let what = format!("with this rule there are {taken} names on watch, speakers and outlets of the rules");
        section.problem(Wrong::new(what, format!("at most {NAMES_MAX} names in all rules together")));
    }
    lists
}

/// Puts the lists into a rule.
pub(super) fn narrowed(rule: Rule, (watch, speakers, outlets): (Vec<String>, Vec<String>, Vec<String>)) -> Rule {
    Rule { watch, speakers, outlets, ..rule }
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
