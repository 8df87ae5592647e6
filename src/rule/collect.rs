//! `Collect`: when a sink that collects its alerts gets them, all in one; a text in, the next such moment out.

use std::ops::RangeInclusive;
use std::str::FromStr;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, ToSpan as _};

use super::quiet::read_time;

/// What it may look like.
pub const COLLECT: &str = "a duration such as \"1h\", or times of day such as \"07:00\" or \"07:00 17:30\", at most 24";
/// Bounds of a duration: what waits longer is nothing that one alerts of.
pub const COLLECT_EVERY: RangeInclusive<SignedDuration> = SignedDuration::from_mins(1)..=SignedDuration::from_hours(24);
/// Times of a day.
const TIMES_MAX: usize = 24;
/// Minutes of an hour.
const HOUR: u16 = 60;

/// When what was collected goes out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Collect {
    /// So long after the first of it came.
    Every(SignedDuration),
    /// At these times of day, as minutes, by the clocks of a zone.
    At(Times, TimeZone),
}

/// Times of day: minutes, each once, the first first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Times(Vec<u16>);

impl FromStr for Times {
    /// What is wrong, in words.
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let words = text.split([' ', ',']).filter(|word| !word.is_empty());
        let mut times = words.map(read_time).collect::<Result<Vec<u16>, String>>()?;
        times.sort_unstable();
        times.dedup();
        if times.is_empty() || times.len() > TIMES_MAX || times.last().is_some_and(|last| *last >= 24 * HOUR) {
            return Err(format!("{text:?} are no times of day from 00:00 to 23:59"));
        }
        Ok(Self(times))
    }
}

impl std::fmt::Display for Times {
    /// As they would be written.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let time = |minute: &u16| format!("{:02}:{:02}", minute / HOUR, minute % HOUR);
        f.write_str(&self.0.iter().map(time).collect::<Vec<_>>().join(" "))
    }
}

impl Collect {
    /// When what begins to be collected now goes out.
    pub fn end(&self, now: Timestamp) -> Timestamp {
        match self {
            Self::Every(wait) => now.saturating_add(*wait).unwrap_or(Timestamp::MAX),
            Self::At(times, zone) => {
                let today = zone.to_datetime(now).date();
                let days = (0..3).filter_map(|days| today.checked_add(days.days()).ok());
                let moments = days.flat_map(|day| times.0.iter().filter_map(move |minute| moment(day, *minute, zone)));
                moments.into_iter().find(|moment| *moment > now).unwrap_or(Timestamp::MAX)
            }
        }
    }
}

/// A time that the clocks skip is the same distance behind the skip; one that comes twice is the first.
fn moment(day: Date, minute: u16, zone: &TimeZone) -> Option<Timestamp> {
    let [hour, minute] = [minute / HOUR, minute % HOUR].map(|part| i8::try_from(part).unwrap_or_default());
    zone.to_timestamp(day.at(hour, minute, 0, 0)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(times: &str, zone: &str, now: &str, expected: &str) {
        let collect = Collect::At(times.parse().unwrap(), TimeZone::get(zone).unwrap());
        assert_eq!(collect.end(now.parse().unwrap()).to_string(), expected, "{times} {zone} {now}");
    }

    #[test]
    fn the_next_time_of_day_is_by_the_clock_on_the_wall() {
        check("07:00", "UTC", "2026-03-01T06:59:59Z", "2026-03-01T07:00:00Z");
        check("07:00", "UTC", "2026-03-01T07:00:00Z", "2026-03-02T07:00:00Z");
        check("17:30 07:00", "UTC", "2026-03-01T07:00:00Z", "2026-03-01T17:30:00Z");
        check("07:00", "Europe/Berlin", "2026-03-28T12:00:00Z", "2026-03-29T05:00:00Z");
        check("07:00", "Europe/Berlin", "2026-03-27T12:00:00Z", "2026-03-28T06:00:00Z");
        // 02:30 is skipped in that night, and comes twice in the other.
        check("02:30", "Europe/Berlin", "2026-03-28T12:00:00Z", "2026-03-29T01:30:00Z");
        check("02:30", "Europe/Berlin", "2026-10-24T12:00:00Z", "2026-10-25T00:30:00Z");
        check("02:30", "Europe/Berlin", "2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z");
    }

    #[test]
    fn an_interval_begins_with_what_comes_first() {
        let every = Collect::Every(SignedDuration::from_hours(1));
        assert_eq!(every.end("2026-03-01T06:59:59Z".parse().unwrap()).to_string(), "2026-03-01T07:59:59Z");
        assert_eq!(every.end(Timestamp::MAX), Timestamp::MAX);
    }

    #[test]
    fn times_are_written_as_they_are_read() {
        for (text, expected) in [("07:00", "07:00"), ("17:30,07:00, 07:00", "07:00 17:30"), (" 00:00 ", "00:00")] {
            assert_eq!(text.parse::<Times>().unwrap().to_string(), expected);
        }
        for wrong in ["", ",", "7:00", "24:00", "07:60", "07:00-08:00", "daily", "07:00 x"] {
            assert!(wrong.parse::<Times>().is_err(), "{wrong}");
        }
    }
}
