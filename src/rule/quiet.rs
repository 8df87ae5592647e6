//! Quiet hours: spans of the week in a time zone, and whether an instant lies in one. Texts in, pure answers out; by the clock on
//! the wall there, so that they begin and end at the same time of day in summer and in winter.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use jiff::civil::{DateTime, Weekday};
use jiff::tz::TimeZone;

/// What a span may look like.
pub const SPAN: &str = "days, times or both, such as \"22:00-07:00\", \"Sat-Sun\" or \"Mon-Fri 18:00-08:00\"";
/// Spans of one sink.
pub const SPANS_MAX: usize = 32;

const DAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
const DAY_MINUTES: u16 = 24 * 60;

/// When a sink is to be left alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QuietHours {
    spans: Vec<QuietSpan>,
    zone: TimeZone,
}

impl QuietHours {
    /// These spans by the clocks of this zone.
    pub fn new(spans: Vec<QuietSpan>, zone: TimeZone) -> Self {
        Self { spans, zone }
    }

    /// Never.
    pub fn none() -> Self {
        Self::new(Vec::new(), TimeZone::UTC)
    }

    /// The spans as they were given.
    pub fn spans(&self) -> &[QuietSpan] {
        &self.spans
    }

    /// The name of their zone.
    pub fn zone_name(&self) -> &str {
        self.zone.iana_name().unwrap_or("UTC")
    }

    /// Whether it is quiet at this instant.
    pub fn hold(&self, time: Timestamp) -> bool {
        !self.spans.is_empty() && self.hold_at(self.zone.to_datetime(time))
    }

    /// Whether they leave no minute of the week.
    pub fn are_endless(&self) -> bool {
        let monday = jiff::civil::date(2024, 1, 1).at(0, 0, 0, 0);
        let minute = |minute: i64| monday.saturating_add(jiff::Span::new().minutes(minute));
        (0..7 * i64::from(DAY_MINUTES)).all(|at| self.hold_at(minute(at)))
    }

    fn hold_at(&self, time: DateTime) -> bool {
        self.spans.iter().any(|span| span.holds(time))
    }
}

/// Days of the week, and times on each of them. Times that end before they begin end on the next day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QuietSpan {
    /// First and last day, from Monday = 0; the last may come before the first.
    days: (u8, u8),
    /// Minutes of the day, the second excluded; none: the whole day.
    times: Option<(u16, u16)>,
}

impl QuietSpan {
    fn holds(self, time: DateTime) -> bool {
        let minute = u16::from(time.hour().unsigned_abs()) * 60 + u16::from(time.minute().unsigned_abs());
        let today = self.has(time.weekday());
        let Some((from, to)) = self.times else { return today };
        if from < to {
            today && (from..to).contains(&minute)
        } else {
            (today && minute >= from) || (self.has(time.weekday().previous()) && minute < to)
        }
    }

    fn has(self, day: Weekday) -> bool {
        let (first, last) = self.days;
        let day = day.to_monday_zero_offset().unsigned_abs();
        if first <= last { (first..=last).contains(&day) } else { day >= first || day <= last }
    }
}

impl FromStr for QuietSpan {
    /// What is wrong, in words.
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut span = Self { days: (0, 6), times: None };
        let words: Vec<&str> = text.split_whitespace().collect();
        match words[..] {
            [times] if times.contains(':') => span.times = Some(read_times(times)?),
            [days] => span.days = read_days(days)?,
            [days, times] => (span.days, span.times) = (read_days(days)?, Some(read_times(times)?)),
            _ => return Err(format!("{text:?} is no span of the week")),
        }
        Ok(span)
    }
}

fn read_days(text: &str) -> Result<(u8, u8), String> {
    let day = |name: &str| {
        let place = DAYS.iter().position(|day| day.eq_ignore_ascii_case(name));
        place
            .and_then(|place| u8::try_from(place).ok())
            .ok_or_else(|| format!("{name:?} is no day: {}", DAYS.join(", ")))
    };
    match text.split_once('-') {
        Some((first, last)) => Ok((day(first)?, day(last)?)),
        None => day(text).map(|only| (only, only)),
    }
}

fn read_times(text: &str) -> Result<(u16, u16), String> {
    let (from, to) = text.split_once('-').ok_or_else(|| format!("{text:?} has no end"))?;
    let (from, to) = (read_time(from)?, read_time(to)?);
    if from == to || from == DAY_MINUTES {
        return Err(format!("{text:?} ends where it begins; a whole day has no times"));
    }
    // Midnight as an end is that at the end of the day.
    Ok((from, if to == 0 { DAY_MINUTES } else { to }))
}

/// Minutes of the day.
pub(super) fn read_time(text: &str) -> Result<u16, String> {
    let wrong = || format!("{text:?} is no time of day from 00:00 to 24:00");
    let (hours, minutes) = text.split_once(':').ok_or_else(wrong)?;
    let number = |digits: &str| {
        let is_number = digits.len() == 2 && digits.bytes().all(|byte| byte.is_ascii_digit());
        is_number.then(|| digits.parse::<u16>().ok()).flatten().ok_or_else(wrong)
    };
    let (hours, minutes) = (number(hours)?, number(minutes)?);
    let total = hours * 60 + minutes;
    if minutes < 60 && total <= DAY_MINUTES { Ok(total) } else { Err(wrong()) }
}

impl fmt::Display for QuietSpan {
    /// As it would be written.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = |day: u8| DAYS.get(usize::from(day)).copied().unwrap_or_default();
        let days = match self.days {
            (0, 6) => None,
            (first, last) if first == last => Some(name(first).to_owned()),
            (first, last) => Some(format!("{}-{}", name(first), name(last))),
        };
        let time = |minute: u16| format!("{:02}:{:02}", minute / 60, minute % 60);
        let times = self.times.map(|(from, to)| format!("{}-{}", time(from), time(to)));
        match (days, times) {
            (None, None) => f.write_str("Mon-Sun"),
            (Some(days), None) => f.write_str(&days),
            (None, Some(times)) => f.write_str(&times),
            (Some(days), Some(times)) => write!(f, "{days} {times}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn quiet(spans: &[&str], zone: &str) -> QuietHours {
        let spans = spans.iter().map(|span| span.parse().unwrap()).collect();
        QuietHours::new(spans, TimeZone::get(zone).unwrap())
    }

    #[track_caller]
    fn check(hours: &QuietHours, expected: &[(&str, bool)]) {
        for &(time, is_quiet) in expected {
            assert_eq!(hours.hold(time.parse().unwrap()), is_quiet, "{time}");
        }
    }

    #[test]
    fn a_night_goes_over_midnight() {
        let hours = quiet(&["22:00-07:00"], "UTC");
        let expected = [
            ("2026-03-03T21:59:59Z", false),
            ("2026-03-03T22:00:00Z", true),
            ("2026-03-04T00:00:00Z", true),
            ("2026-03-04T06:59:59Z", true),
            ("2026-03-04T07:00:00Z", false),
        ];
        check(&hours, &expected);
    }

    #[test]
    fn days_are_those_on_which_a_span_begins() {
        // 2026-03-06 is a Friday.
        let hours = quiet(&["Fri 22:00-07:00", "Sun"], "UTC");
        let expected = [
            ("2026-03-05T23:00:00Z", false),
            ("2026-03-06T06:00:00Z", false),
            ("2026-03-06T23:00:00Z", true),
            ("2026-03-07T06:00:00Z", true),
            ("2026-03-07T23:00:00Z", false),
            ("2026-03-08T00:00:00Z", true),
            ("2026-03-08T23:59:59Z", true),
            ("2026-03-09T00:00:00Z", false),
        ];
        check(&hours, &expected);
        check(&quiet(&["sat-mon"], "UTC"), &[("2026-03-09T12:00:00Z", true), ("2026-03-10T12:00:00Z", false)]);
    }

    #[test]
    fn the_clock_on_the_wall_counts_when_it_is_changed() {
        // In Berlin 02:00 becomes 03:00 on 2026-03-29, and 03:00 becomes 02:00 on 2026-10-25.
        let hours = quiet(&["22:00-07:00"], "Europe/Berlin");
        let expected = [
            ("2026-03-28T20:59:59Z", false),
            ("2026-03-28T21:00:00Z", true),
            ("2026-03-29T04:59:59Z", true),
            ("2026-03-29T05:00:00Z", false),
            ("2026-10-24T20:00:00Z", true),
            ("2026-10-25T05:59:59Z", true),
            ("2026-10-25T06:00:00Z", false),
        ];
        check(&hours, &expected);
        let twice = quiet(&["02:00-03:00"], "Europe/Berlin");
        check(
            &twice,
            &[("2026-10-25T00:30:00Z", true), ("2026-10-25T01:30:00Z", true), ("2026-03-29T01:00:00Z", false)],
        );
    }

    #[test]
    fn spans_are_written_as_they_are_read() {
        for text in ["22:00-07:00", "Sat-Sun", "Mon-Fri 18:00-24:00", "Wed", "Fri-Mon 00:30-01:00"] {
            assert_eq!(text.parse::<QuietSpan>().unwrap().to_string(), text);
        }
        assert_eq!("tue 09:00-00:00".parse::<QuietSpan>().unwrap().to_string(), "Tue 09:00-24:00");
        for wrong in [
            "",
            "22-07",
            "22:00",
            "7:00-8:00",
            "22:00-22:00",
            "24:00-01:00",
            "00:00-25:00",
            "Someday",
            "Mon Tue",
            "Mon 1 2",
        ] {
            assert!(wrong.parse::<QuietSpan>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn what_leaves_no_minute_is_endless() {
        assert!(quiet(&["Mon-Sun"], "UTC").are_endless());
        assert!(quiet(&["22:00-07:00", "07:00-22:00"], "UTC").are_endless());
        assert!(!quiet(&["22:00-07:00", "07:01-22:00"], "UTC").are_endless());
        assert!(!QuietHours::none().are_endless());
    }
}
