//! Filters of listings: texts that are looked for and spans of time.

use jiff::{SignedDuration, Timestamp};

use crate::config::parse_duration;
use crate::text::normalize::fold;

/// A text that is looked for; case and accents do not count.
#[derive(Debug, Clone)]
pub(crate) struct Needle(Option<String>);

impl Needle {
    pub(crate) fn new(text: Option<&str>) -> Self {
        Self(text.map(fold))
    }

    /// Whether it is part of one of the texts; nothing is part of everything.
    pub(crate) fn is_in<'a>(&self, texts: impl IntoIterator<Item = &'a str>) -> bool {
        self.0.as_ref().is_none_or(|needle| texts.into_iter().any(|text| fold(text).contains(needle.as_str())))
    }
}

/// A moment as people give it on the command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    /// This instant.
    At(Timestamp),
    /// The day that begins here.
    Day(Timestamp),
    /// So long before now.
    Ago(SignedDuration),
}

/// Reads a date ("2026-03-31"), an instant ("2026-03-31T08:00:00Z") or an age ("90m", "1d12h").
pub(crate) fn moment(text: &str) -> Result<Moment, String> {
    let text = text.trim();
    if let Ok(instant) = text.parse::<Timestamp>() {
        return Ok(Moment::At(instant));
    }
    if let Ok(day) = format!("{text}T00:00:00Z").parse::<Timestamp>() {
        return Ok(Moment::Day(day));
    }
    let age = parse_duration(text).and_then(|age| SignedDuration::try_from(age).ok());
    age.map(Moment::Ago).ok_or_else(|| {
        "expected a date (2026-03-31), an instant (2026-03-31T08:00:00Z) or an age (90m, 2h, 7d, 1d12h)".to_owned()
    })
}

/// From one moment to another, both included where they are given.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Period {
    /// The first instant.
    pub(crate) from: Timestamp,
    /// The last.
    pub(crate) to: Timestamp,
}

impl Period {
    /// The period between two moments as of `now`.
    pub(crate) fn new(since: Option<Moment>, until: Option<Moment>, now: Timestamp) -> Self {
        let ago = |age: SignedDuration| now.checked_sub(age).unwrap_or(Timestamp::MIN);
        let from = match since {
            None => Timestamp::MIN,
            Some(Moment::At(instant) | Moment::Day(instant)) => instant,
            Some(Moment::Ago(age)) => ago(age),
        };
        let to = match until {
            None => Timestamp::MAX,
            Some(Moment::At(instant)) => instant,
            // Its last nanosecond.
            Some(Moment::Day(day)) => {
                day.checked_add(SignedDuration::new(86_399, 999_999_999)).unwrap_or(Timestamp::MAX)
            }
            Some(Moment::Ago(age)) => ago(age),
        };
        Self { from, to }
    }

    /// Whether an instant lies in it.
    pub(super) fn holds(&self, instant: Timestamp) -> bool {
        (self.from..=self.to).contains(&instant)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn case_and_accents_do_not_count() {
        let is_in = |needle: &str, text: &str| Needle::new(Some(needle)).is_in([text]);
        assert!(
            is_in("renee", "Governor Renée Dufaux") && is_in("RENÉE d", "renee dufaux") && !is_in("rene f", "Renée")
        );
        assert!(Needle::new(None).is_in([]));
    }

    #[test]
    fn moments_are_dates_instants_and_ages() {
        let hours = |hours| Ok(Moment::Ago(SignedDuration::from_hours(hours)));
        assert_eq!((moment("2h"), moment("7d"), moment("1d12h")), (hours(2), hours(168), hours(36)));
        assert_eq!(moment("2024-10-31"), Ok(Moment::Day("2024-10-31T00:00:00Z".parse().unwrap())));
        assert_eq!(moment("2024-10-31T08:00:00+01:00"), Ok(Moment::At("2024-10-31T07:00:00Z".parse().unwrap())));
        for bad in ["", "2", "h", "yesterday", "2 years", "99999999999999999999d"] {
            assert!(moment(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_day_ends_with_its_last_moment() {
        let day = moment("2024-10-31").ok();
        let at = |text: &str| text.parse().unwrap();
        let period = Period::new(day, day, at("2025-01-01T00:00:00Z"));
        assert!(period.holds(at("2024-10-31T00:00:00Z")) && period.holds(at("2024-10-31T23:59:59.999Z")));
        assert!(!period.holds(at("2024-10-30T23:59:59.999Z")) && !period.holds(at("2024-11-01T00:00:00Z")));
        let recent = Period::new(moment("2h").ok(), None, at("2025-01-01T02:00:00Z"));
        assert!(recent.holds(at("2025-01-01T00:00:00Z")) && !recent.holds(at("2024-12-31T23:59:59Z")));
    }
}
