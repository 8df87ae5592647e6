//! Dates as publishers write them: RFC 822 and ISO 8601 with all their broken relatives. Never guesses "now".

use jiff::Timestamp;
use jiff::civil::{Date, Time};
use jiff::tz::Offset;

use crate::model::zone_seconds;

/// Longest text that can be a date.
const DATE_BYTES_MAX: usize = 100;

/// The instant that `text` means; a date without time means 00:00, one without zone UTC.
pub(super) fn read(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    if text.is_empty() || text.len() > DATE_BYTES_MAX {
        return None;
    }
    let mut parts = Parts::default();
    // "2024-10-31T08:01:00Z" is one word, "Thu, 31 Oct 2024 08:01:00 GMT" is six.
    let is_iso = text.get(..4).is_some_and(is_digits) && text.len() != 4 || text.parse::<i16>().is_ok();
    if is_iso {
        parts.take_iso(text)?;
    } else {
        parts.take_words(text)?;
    }
    parts.timestamp()
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

#[derive(Debug, Default)]
struct Parts {
    year: Option<i16>,
    month: Option<i8>,
    day: Option<i8>,
    time: Option<Time>,
    is_afternoon: Option<bool>,
    offset: Option<Offset>,
}

impl Parts {
    fn timestamp(self) -> Option<Timestamp> {
        let date = Date::new(self.year?, self.month.unwrap_or(1), self.day.unwrap_or(1)).ok()?;
        let mut time = self.time.unwrap_or_default();
        if let Some(is_afternoon) = self.is_afternoon {
            let hour = time.hour() % 12 + if is_afternoon { 12 } else { 0 };
            time = time.with().hour(hour).build().ok()?;
        }
        self.offset.unwrap_or(Offset::UTC).to_timestamp(date.to_datetime(time)).ok()
    }

    /// `2024-10-31T08:01:00.5+01:00` and its shortenings: `2024`, `2024-10`, `20241031`, `2024/10/31 08:01`, `…0800Z`.
    fn take_iso(&mut self, text: &str) -> Option<()> {
        let date_end = text.find(|c: char| !(c.is_ascii_digit() || matches!(c, '-' | '/'))).unwrap_or(text.len());
        let (date, rest) = text.split_at(date_end);
        let digits: String = date.chars().filter(char::is_ascii_digit).collect();
        let fields: Vec<&str> = date.split(['-', '/']).filter(|field| !field.is_empty()).collect();
        match *fields.as_slice() {
            [year, month, day] => self.set_date(year, month, day)?,
            // An ordinal date.
            [year, day] if day.len() == 3 => {
                self.year = Some(year.parse().ok()?);
                let date = Date::new(self.year?, 1, 1).ok()?.with().day_of_year(day.parse().ok()?).build().ok()?;
                (self.month, self.day) = (Some(date.month()), Some(date.day()));
            }
            [year, month] => self.set_date(year, month, "1")?,
            [_] if digits.len() == 8 => self.set_date(digits.get(..4)?, digits.get(4..6)?, digits.get(6..)?)?,
            [_] if digits.len() == 6 => self.set_date(digits.get(..4)?, digits.get(4..)?, "1")?,
            [year] if year.len() == 4 => self.year = Some(year.parse().ok()?),
            _ => return None,
        }
        let rest = rest.trim_start_matches(['T', 't', ' ', ',']).trim();
        let zone_at = rest.find(|c: char| !(c.is_ascii_digit() || matches!(c, ':' | '.' | ','))).unwrap_or(rest.len());
        let (time, zone) = rest.split_at(zone_at);
        if !time.is_empty() {
            self.time = Some(read_time(time)?);
        }
        zone.split_whitespace().try_for_each(|word| self.take_zone(word))
    }

    fn set_date(&mut self, year: &str, month: &str, day: &str) -> Option<()> {
        self.year = Some(year.parse().ok()?);
        self.month = Some(month.parse().ok()?);
        self.day = Some(day.parse().ok()?);
        Some(())
    }

    /// `Thu, 31 Oct 2024 08:01:00 GMT` with its words in any order.
    fn take_words(&mut self, text: &str) -> Option<()> {
        for word in text.split([' ', ',', '\t', '\n', '\r', '(', ')']).filter(|word| !word.is_empty()) {
            if word.contains(':') && word.starts_with(|c: char| c.is_ascii_digit()) {
                let zone_at = word.find(|c: char| !(c.is_ascii_digit() || matches!(c, ':' | '.')));
                let (time, zone) = word.split_at(zone_at.unwrap_or(word.len()));
                self.time = Some(read_time(time)?);
                if !zone.is_empty() {
                    self.take_zone(zone)?;
                }
            } else if word.starts_with(['+', '-']) {
                self.take_zone(word)?;
            } else if word.starts_with(|c: char| c.is_ascii_digit()) {
                self.take_number(word)?;
            } else if let Some(month) = month(word) {
                self.month = Some(month);
            } else if !is_weekday(word) {
                self.take_zone(word)?;
            }
        }
        self.month.and(self.day).map(|_| ())
    }

    fn take_number(&mut self, word: &str) -> Option<()> {
        // "31-Oct-2024", "2006/09/15"
        if let Some((first, rest)) = word.split_once(['-', '/']) {
            let (second, third) = rest.split_once(['-', '/'])?;
            return match month(second) {
                Some(month) => {
                    self.month = Some(month);
                    self.take_number(first)?;
                    self.take_number(third)
                }
                None => self.set_date(first, second, third).filter(|()| first.len() == 4),
            };
        }
        let digits = word.trim_end_matches(|c: char| c.is_alphabetic() || c == '.');
        if !is_digits(digits) {
            return None;
        }
        if digits.len() <= 2 && self.day.is_none() {
            self.day = Some(digits.parse().ok()?);
            return Some(());
        }
        let year: i16 = digits.parse().ok()?;
        // RFC 2822, section 4.3.
        self.year = Some(match (digits.len(), year) {
            (2, 0..50) => year + 2000,
            (2 | 3, _) => year + 1900,
            _ => year,
        });
        Some(())
    }

    fn take_zone(&mut self, word: &str) -> Option<()> {
        let upper = word.to_ascii_uppercase();
        let half = match upper.as_str() {
            "AM" => Some(false),
            "PM" => Some(true),
            _ => None,
        };
        if half.is_some() {
            self.is_afternoon = half;
            return Some(());
        }
        // "GMT+01:00" states its offset twice, and the numbers mean it.
        let numeric = upper.trim_start_matches("GMT").trim_start_matches("UTC");
        let seconds = if numeric.starts_with(['+', '-']) { read_offset(numeric)? } else { zone_seconds(&upper)? };
        // "+0100 (CET)": the number came first and is the plainer.
        self.offset = self.offset.filter(|offset| !offset.is_zero()).or(Offset::from_seconds(seconds).ok());
        Some(())
    }
}

/// `08`, `08:01`, `8:01:00`, `08:01:00.5`, `080100`.
fn read_time(text: &str) -> Option<Time> {
    let (whole, fraction) = text.split_once(['.', ',']).unwrap_or((text, ""));
    let mut fields: Vec<&str> = whole.split(':').collect();
    if let [digits] = *fields.as_slice()
        && digits.len() > 2
    {
        fields =
            vec![digits.get(..2)?, digits.get(2..4)?, digits.get(4..).filter(|rest| !rest.is_empty()).unwrap_or("0")];
    }
    let mut numbers = [0_i8; 3];
    for (number, field) in numbers.iter_mut().zip(&fields) {
        *number = field.parse().ok()?;
    }
    let [hour, minute, second] = numbers;
    let fraction: String = fraction.chars().chain("000000000".chars()).take(9).collect();
    // Midnight is "24:00" to some, and a leap second is no second of ours.
    Time::new(if hour == 24 { 0 } else { hour }, minute, second.min(59), fraction.parse().ok()?).ok()
}

/// `+0100`, `-07:00`, `+1` in seconds.
fn read_offset(text: &str) -> Option<i32> {
    let sign = if text.starts_with('-') { -1 } else { 1 };
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    let (hours, minutes) = if digits.len() <= 2 { (digits.as_str(), "0") } else { digits.split_at(digits.len() - 2) };
    Some(sign * (hours.parse::<i32>().ok()? * 3600 + minutes.parse::<i32>().ok()? * 60))
}

fn month(word: &str) -> Option<i8> {
    let start = word.get(..3)?.to_ascii_lowercase();
    let months = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
    let at = months.iter().position(|month| *month == start)?;
    i8::try_from(at + 1).ok()
}

fn is_weekday(word: &str) -> bool {
    let start = word.get(..3).unwrap_or_default().to_ascii_lowercase();
    ["mon", "tue", "wed", "thu", "fri", "sat", "sun"].contains(&start.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: Option<&str>) {
        assert_eq!(read(text).map(|time| time.to_string()).as_deref(), expected, "{text}");
    }

    #[test]
    fn mail_dates_are_read_with_their_errors() {
        let eight = Some("2024-10-31T08:01:00Z");
        check("Thu, 31 Oct 2024 08:01:00 GMT", eight);
        check("Wed, 31 Oct 2024 09:01:00 +0100", eight);
        check("31 October 2024 08:01 UTC", eight);
        check("Thu, 31 Oct 24 03:01:00 EST", Some("2024-10-31T08:01:00Z"));
        check("Thu Oct 31 08:01:00 2024", eight);
        check("Thu, Oct 31 2024 08:01:00 AM", eight);
        check("Thu, 31 Oct 2024 8:01:00PM", Some("2024-10-31T20:01:00Z"));
        check("Thu, 31 Oct 2024 01:01:00 GMT-07:00", eight);
        check("Thu, 31 Oct 2024 09:01:00 +0100 (CET)", eight);
        check("Thursday, 31-Oct-24 08:01:00 GMT", eight);
        check("Thu, 2024/10/31 04:01:00 EDT", eight);
        check("Thu, 31 Oct 2024", Some("2024-10-31T00:00:00Z"));
    }

    #[test]
    fn iso_dates_are_read_with_their_shortenings() {
        let eight = Some("2024-10-31T08:01:00Z");
        check("2024-10-31T08:01:00Z", eight);
        check("2024-10-31T09:01:00.000+01:00", eight);
        check("2024-10-31 08:01:00 +0000", eight);
        check("2024-10-31T08:01", eight);
        check("20241031T080100Z", eight);
        check("2024-305T08:01Z", eight);
        check("2024-10-31", Some("2024-10-31T00:00:00Z"));
        check("2024-10", Some("2024-10-01T00:00:00Z"));
        check("2024", Some("2024-01-01T00:00:00Z"));
        check("2024-10-31T08:01:00.25Z", Some("2024-10-31T08:01:00.25Z"));
    }

    #[test]
    fn nonsense_is_no_date() {
        for text in
            ["", "yesterday", "31", "Thu", "2024-13-01", "31 Feb 2024", "Thu, 31 Oct 2024 08:01:00 IST", "99:99"]
        {
            check(text, None);
        }
        check(&"1".repeat(200), None);
        check("2024-10-31T99:01:00Z", None);
        check("12345", None);
    }
}
