//! Dates as the standards have them: the forms that nearly all feeds use, without looking words up; `date` reads the others.

use jiff::Timestamp;
use jiff::civil::{Date, Time};
use jiff::tz::Offset;

use super::date::YEARS;

const MONTHS: [&[u8; 3]; 12] =
    [b"Jan", b"Feb", b"Mar", b"Apr", b"May", b"Jun", b"Jul", b"Aug", b"Sep", b"Oct", b"Nov", b"Dec"];
const DAYS: [&[u8; 3]; 7] = [b"Mon", b"Tue", b"Wed", b"Thu", b"Fri", b"Sat", b"Sun"];

/// `Thu, 31 Oct 2024 08:01:00 GMT` (RFC 822 with the years of RFC 1123; also without weekday or seconds, and with a number for the zone)
/// and `2024-10-31T08:01:00.5+01:00` (RFC 3339). Nothing for any other form; that is not to say that it is no date.
pub(super) fn read(text: &str) -> Option<Timestamp> {
    let mut rest = Rest(text.as_bytes());
    let is_rfc_3339 = text.as_bytes().get(4) == Some(&b'-');
    let (date, time, offset) = if is_rfc_3339 { rest.rfc_3339()? } else { rest.rfc_822()? };
    let is_read = rest.0.is_empty() && YEARS.contains(&date.year());
    if is_read { offset.to_timestamp(date.to_datetime(time)).ok() } else { None }
}

/// What is still to be read.
struct Rest<'a>(&'a [u8]);

impl Rest<'_> {
    fn rfc_822(&mut self) -> Option<(Date, Time, Offset)> {
        if self.one_of(&DAYS).is_some() {
            self.signs(b", ")?;
        }
        let day = match self.number(2) {
            Some(day) => day,
            None => self.number(1)?,
        };
        self.signs(b" ")?;
        let month = i8::try_from(self.one_of(&MONTHS)? + 1).ok()?;
        self.signs(b" ")?;
        let year = self.number(4)?;
        self.signs(b" ")?;
        let (hour, minute) = self.hour_and_minute()?;
        let second = if self.signs(b":").is_some() { self.small(2)? } else { 0 };
        self.signs(b" ")?;
        let offset = if self.signs(b"GMT").is_some() { Offset::UTC } else { self.offset(b"")? };
        Some((date(year, month, day)?, Time::new(hour, minute, second, 0).ok()?, offset))
    }

    fn rfc_3339(&mut self) -> Option<(Date, Time, Offset)> {
        let year = self.number(4)?;
        self.signs(b"-")?;
        let month = self.small(2)?;
        self.signs(b"-")?;
        let day = self.number(2)?;
        self.signs(b"T")?;
        let (hour, minute) = self.hour_and_minute()?;
        self.signs(b":")?;
        let second = self.small(2)?;
        let nanosecond = if self.signs(b".").is_some() { self.nanosecond()? } else { 0 };
        let offset = if self.signs(b"Z").is_some() { Offset::UTC } else { self.offset(b":")? };
        Some((date(year, month, day)?, Time::new(hour, minute, second, nanosecond).ok()?, offset))
    }

    fn hour_and_minute(&mut self) -> Option<(i8, i8)> {
        let hour = self.small(2)?;
        self.signs(b":")?;
        Some((hour, self.small(2)?))
    }

    /// `+0100`, or with `separator` before the minutes.
    fn offset(&mut self, separator: &[u8]) -> Option<Offset> {
        let sign = if self.signs(b"+").is_some() {
            1
        } else {
            self.signs(b"-")?;
            -1
        };
        let hours = self.number(2).filter(|hours| *hours <= 14)?;
        self.signs(separator)?;
        let minutes = self.number(2).filter(|minutes| *minutes < 60)?;
        Offset::from_seconds(sign * (i32::from(hours) * 3600 + i32::from(minutes) * 60)).ok()
    }

    /// The digits of a fraction of a second, at most nine.
    fn nanosecond(&mut self) -> Option<i32> {
        let digits = self.0.iter().take_while(|byte| byte.is_ascii_digit()).count();
        if !(1..=9).contains(&digits) {
            return None;
        }
        let (fraction, rest) = self.0.split_at_checked(digits)?;
        self.0 = rest;
        let number = fraction.iter().fold(0, |number, digit| 10 * number + i32::from(digit - b'0'));
        Some((digits..9).fold(number, |number, _| 10 * number))
    }

    fn small(&mut self, digits: usize) -> Option<i8> {
        i8::try_from(self.number(digits)?).ok()
    }

    /// A number of exactly so many digits, at most four.
    fn number(&mut self, digits: usize) -> Option<i16> {
        let (number, rest) = self.0.split_at_checked(digits)?;
        if !number.iter().all(u8::is_ascii_digit) {
            return None;
        }
        self.0 = rest;
        Some(number.iter().fold(0, |number, digit| 10 * number + i16::from(digit - b'0')))
    }

    fn signs(&mut self, signs: &[u8]) -> Option<()> {
        self.0 = self.0.strip_prefix(signs)?;
        Some(())
    }

    fn one_of(&mut self, names: &[&[u8; 3]]) -> Option<usize> {
        let place = names.iter().position(|name| self.0.starts_with(name.as_slice()))?;
        self.signs(names.get(place)?.as_slice())?;
        Some(place)
    }
}

fn date(year: i16, month: i8, day: i16) -> Option<Date> {
    Date::new(year, month, i8::try_from(day).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::date::read_any;
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: Option<&str>) {
        assert_eq!(read(text).map(|time| time.to_string()).as_deref(), expected, "{text}");
    }

    #[test]
    fn the_forms_of_the_standards_are_read() {
        let eight = Some("2024-10-31T08:01:00Z");
        check("Thu, 31 Oct 2024 08:01:00 GMT", eight);
        check("31 Oct 2024 08:01 +0000", eight);
        check("Thu, 1 Aug 2024 08:01:09 -0330", Some("2024-08-01T11:31:09Z"));
        check("2024-10-31T08:01:00Z", eight);
        check("2024-10-31T09:01:00.000+01:00", eight);
        check("2024-10-31T08:01:00.25Z", Some("2024-10-31T08:01:00.25Z"));
    }

    #[test]
    fn other_forms_are_left_to_others() {
        for text in [
            "",
            "2024-10-31",
            "2024-10-31T24:00:00Z",
            "2024-10-31T08:01:60Z",
            "2024-10-31T08:01:00",
            "2024-10-31T08:01:00Z ",
            "2024-10-31T08:01:00.0123456789Z",
            "2024-02-30T08:01:00Z",
            "1970-01-01T00:00:00Z",
            "Thu, 31 Oct 2024 08:01:00 EST",
            "Thu, 31 Okt 2024 08:01:00 GMT",
            "Thu, 31 Oct 2024 08:01:00 +1500",
            "Thu, 31 Oct 24 08:01:00 GMT",
            "thu, 31 Oct 2024 08:01:00 GMT",
        ] {
            check(text, None);
        }
    }

    proptest! {
        #[test]
        fn what_is_read_quickly_is_read_the_same_slowly(
            text in "((Mon|Tue|Thu|Sun), )?[0-3]?[0-9] (Jan|Feb|May|Sep|Dec) (19[6-9][0-9]|20[0-9][0-9]) [0-2][0-9]:[0-6][0-9](:[0-6][0-9])? (GMT|[+-][01][0-9][0-6]0)\
                     |(19[6-9][0-9]|20[0-9][0-9])-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-6][0-9]:[0-6][0-9](\\.[0-9]{1,9})?(Z|[+-][01][0-9]:[0-6]0)"
        ) {
            if let Some(time) = read(&text) {
                prop_assert_eq!(read_any(&text), Some(time));
            }
        }
    }
}
