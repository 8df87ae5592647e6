//! A request's parameters: each is one that the route knows, read with its own check; what is wrong is said with what would be right.

use std::fmt::Display;
use std::str::FromStr;

use jiff::Timestamp;

use super::problem::Problem;
use crate::look::{Period, moment};
use crate::model::Kind;
use crate::store::has_words;

/// Bytes of a query.
const QUERY_BYTES_MAX: usize = 4096;
/// Values of one parameter.
const VALUES_MAX: usize = 32;
/// Characters of a text that is looked for.
const TEXT_CHARACTERS_MAX: usize = 300;

/// A parameter that a route knows.
#[derive(Debug, Clone, Copy)]
pub(super) struct Parameter {
    pub(super) name: &'static str,
    pub(super) what: Take,
    pub(super) about: &'static str,
}

/// What a parameter takes.
#[derive(Debug, Clone, Copy)]
pub(super) enum Take {
    /// Any text.
    Text,
    /// One or several of these words.
    Words(&'static [&'static str]),
    /// A date, an instant or an age.
    Moment,
    /// A number from 0 to 1.
    Share,
    /// `true` or `false`.
    Flag,
    /// An id, whole.
    Id,
    /// A whole number in these bounds.
    Number(u64, u64),
    /// What a page gave as `next`; empty for the first page.
    Cursor,
}

/// The kinds that claims have.
pub(super) const KINDS: [&str; 6] = ["allegation", "denial", "confirmation", "no_comment", "retraction", "statement"];

/// The parameters of a request.
#[derive(Debug, Clone, Default)]
pub(super) struct Query {
    pairs: Vec<(String, String)>,
    pub(super) now: Timestamp,
}

impl Query {
    /// Reads a query of which only these parameters may be part.
    pub(super) fn new(text: &str, known: &[&Parameter], now: Timestamp) -> Result<Self, Problem> {
        if text.len() > QUERY_BYTES_MAX {
            return Err(Problem::bad(format!("the query is too long: at most {QUERY_BYTES_MAX} bytes")));
        }
        let pairs: Vec<(String, String)> = url::form_urlencoded::parse(text.as_bytes()).into_owned().collect();
        for (name, value) in &pairs {
            let Some(parameter) = known.iter().find(|known| known.name == name) else {
                let mut names: Vec<&str> = known.iter().map(|known| known.name).collect();
                names.sort_unstable();
                let accepted = if names.is_empty() { "none".to_owned() } else { names.join(", ") };
                return Err(Problem::bad(format!("{name:?} is no parameter here; accepted: {accepted}")));
            };
            let count = pairs.iter().filter(|(other, _)| other == name).count();
            let is_list = matches!(parameter.what, Take::Words(_));
            if count > 1 && !is_list || count > VALUES_MAX {
                return Err(Problem::bad(format!("{name} is given {count} times")));
            }
            // The first page has no cursor yet.
            if value.is_empty() && !matches!(parameter.what, Take::Text | Take::Cursor) {
                return Err(Problem::bad(format!("{name} is empty: give a value or leave it out")));
            }
        }
        Ok(Self { pairs, now })
    }

    /// What a parameter holds; an empty text or cursor counts as absent.
    pub(super) fn text(&self, name: &str) -> Result<Option<&str>, Problem> {
        let found = self.all(name).next();
        match found {
            Some(text) if text.chars().count() > TEXT_CHARACTERS_MAX => {
                Err(Problem::bad(format!("{name} is too long: at most {TEXT_CHARACTERS_MAX} characters")))
            }
            found => Ok(found),
        }
    }

    /// A text in which something can be looked for.
    pub(super) fn words(&self, name: &str) -> Result<Option<String>, Problem> {
        match self.text(name)? {
            Some(text) if !has_words(text) => {
                Err(Problem::bad(format!("{name} has no word in it: a letter or a digit is needed")))
            }
            found => Ok(found.map(str::to_owned)),
        }
    }

    fn all<'q>(&'q self, name: &str) -> impl Iterator<Item = &'q str> {
        let name = name.to_owned();
        self.pairs.iter().filter(move |(key, value)| *key == name && !value.is_empty()).map(|(_, value)| value.as_str())
    }

    /// All values of a parameter, each one of `accepted`.
    pub(super) fn one_of(&self, name: &str, accepted: &[&str]) -> Result<Vec<String>, Problem> {
        let one = |value: &str| {
            if accepted.contains(&value) {
                Ok(value.to_owned())
            } else {
                Err(Problem::bad(format!("{name}: {value:?} is not accepted; accepted: {}", accepted.join(", "))))
            }
        };
        self.all(name).map(one).collect()
    }

    pub(super) fn kinds(&self) -> Result<Vec<Kind>, Problem> {
        let names = self.one_of("kind", &KINDS)?;
        Ok(names.iter().filter_map(|name| Kind::ALL.into_iter().find(|kind| kind.as_str() == name)).collect())
    }

    pub(super) fn flag(&self, name: &str) -> Result<Option<bool>, Problem> {
        Ok(self.one_of(name, &["true", "false"])?.first().map(|value| value == "true"))
    }

    pub(super) fn share(&self, name: &str) -> Result<Option<f64>, Problem> {
        let Some(text) = self.text(name)? else { return Ok(None) };
        let number = text.parse::<f64>().ok().filter(|number| (0.0..=1.0).contains(number));
        number.map(Some).ok_or_else(|| Problem::bad(format!("{name}: {text:?} is not accepted; accepted: 0 to 1")))
    }

    pub(super) fn number(&self, name: &str, (from, to): (u64, u64)) -> Result<Option<u64>, Problem> {
        let Some(text) = self.text(name)? else { return Ok(None) };
        let number = text.parse::<u64>().ok().filter(|number| (from..=to).contains(number));
        number
            .map(Some)
            .ok_or_else(|| Problem::bad(format!("{name}: {text:?} is not accepted; accepted: {from} to {to}")))
    }

    pub(super) fn id<I: FromStr>(&self, name: &str) -> Result<Option<I>, Problem>
    where
        I::Err: Display,
    {
        self.text(name)?.map(|text| id(name, text)).transpose()
    }

    /// From `since` to `until`, where they are given.
    pub(super) fn period(&self) -> Result<(Option<Timestamp>, Option<Timestamp>), Problem> {
        let (since, until) = (self.text("since")?, self.text("until")?);
        let period = period(since, until, self.now)?;
        Ok((since.map(|_| period.from), until.map(|_| period.to)))
    }
}

/// From `since` to `until`, as they are given in words.
pub(super) fn period(since: Option<&str>, until: Option<&str>, now: Timestamp) -> Result<Period, Problem> {
    let read = |name: &str, text: Option<&str>| {
        text.map(|text| moment(text).map_err(|accepted| Problem::bad(format!("{name}: {text:?}: {accepted}"))))
            .transpose()
    };
    Ok(Period::new(read("since", since)?, read("until", until)?, now))
}

/// An id of a path or parameter.
pub(super) fn id<I: FromStr>(name: &str, text: &str) -> Result<I, Problem>
where
    I::Err: Display,
{
    text.parse().map_err(|_| Problem::bad(format!("{name}: {text:?} is no id: 32 hexadecimal digits are")))
}
