//! Dates as publishers write them: RFC 822 and ISO 8601 with all their broken relatives. Never guesses "now".

use jiff::Timestamp;
use jiff::civil::{Date, ISOWeekDate, Time, Weekday};
use jiff::tz::{Offset, TimeZone, TimeZoneDatabase};

use super::date_strict;
use super::date_text::{plain, without_asides};
use super::date_words::{Meaning, folded, meaning};

/// Longest text that can be a date.
const DATE_BYTES_MAX: usize = 120;
/// Years that a date in a feed can be of: the first ones are what clocks and programs say that were never set.
pub(super) const YEARS: std::ops::RangeInclusive<i16> = 1971..=2199;
/// Seconds since 1970 of a bare number: from 2001 to 2033, which is also before any number that is a date without separators.
const EPOCH_SECONDS: std::ops::Range<i64> = 1_000_000_000..2_000_000_000;

/// The instant that `text` means; a date without time means 00:00, one without zone UTC. What may mean two days, and what names a zone
/// that is not known or is several, means none.
pub(super) fn read(text: &str) -> Option<Timestamp> {
    if text.len() > DATE_BYTES_MAX { None } else { date_strict::read(text).or_else(|| read_any(text)) }
}

/// Reads a date of any form.
pub(super) fn read_any(text: &str) -> Option<Timestamp> {
    if let Some(number) = text.trim().strip_prefix("/Date(").and_then(|rest| rest.strip_suffix(")/")) {
        return epoch(number);
    }
    let (text, aside) = without_asides(&plain(text));
    let text = text.trim();
    if let Some(time) = epoch(text) {
        return Some(time);
    }
    let mut parts = Parts::default();
    // "2024-10-31T08:01:00Z" is one word, "Thu, 31 Oct 2024 08:01:00 GMT" is six.
    let behind_year = text.get(4..).filter(|_| text.get(..4).is_some_and(is_digits));
    if behind_year.and_then(|rest| rest.strip_prefix('-')).is_some_and(|rest| rest.starts_with(is_letter)) {
        // "2024-Oct-31 08:01"
        parts.take_words(&text.replacen('-', " ", 2))?;
    } else if behind_year.is_some_and(|rest| !rest.starts_with(is_letter)) {
        parts.take_iso(text)?;
    } else {
        parts.take_words(text)?;
    }
    aside.iter().try_for_each(|words| parts.take_aside(words))?;
    parts.timestamp()
}

/// A number of seconds, milliseconds or microseconds since 1970.
fn epoch(text: &str) -> Option<Timestamp> {
    let number = text.split_once('.').map_or(text, |(whole, fraction)| if is_digits(fraction) { whole } else { text });
    let number: i64 = Some(number).filter(|number| is_digits(number))?.parse().ok()?;
    let (seconds, milliseconds) = match number {
        1_000_000_000..=9_999_999_999 => (number, 0),
        1_000_000_000_000..=9_999_999_999_999 if text.len() == 13 => (number / 1_000, number % 1_000),
        1_000_000_000_000_000..=9_999_999_999_999_999 => (number / 1_000_000, number / 1_000 % 1_000),
        _ => return None,
    };
    let milliseconds = EPOCH_SECONDS.contains(&seconds).then_some(seconds * 1_000 + milliseconds)?;
    Timestamp::from_millisecond(milliseconds).ok()
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn is_letter(character: char) -> bool {
    character.is_alphabetic() && !matches!(character, 'T' | 't' | 'W')
}

#[derive(Debug, Default)]
struct Parts {
    year: Option<i16>,
    month: Option<i8>,
    day: Option<i8>,
    time: Option<Time>,
    /// "24:00" is the end of the day.
    is_end_of_day: bool,
    is_afternoon: Option<bool>,
    offset: Option<Offset>,
    zone: Option<TimeZone>,
}

impl Parts {
    fn timestamp(self) -> Option<Timestamp> {
        let year = self.year.filter(|year| YEARS.contains(year))?;
        let mut date = Date::new(year, self.month.unwrap_or(1), self.day.unwrap_or(1)).ok()?;
        if self.is_end_of_day {
            date = date.tomorrow().ok()?;
        }
        let mut time = self.time.unwrap_or_default();
        if let Some(is_afternoon) = self.is_afternoon {
            // "20:01 AM" contradicts itself.
            if time.hour() > 12 && !is_afternoon {
                return None;
            }
            let hour = time.hour() % 12 + if is_afternoon { 12 } else { 0 };
            time = time.with().hour(hour).build().ok()?;
        }
        let at = date.to_datetime(time);
        match (self.offset, self.zone) {
            (None, Some(zone)) => zone.to_timestamp(at).ok(),
            (offset, _) => offset.unwrap_or(Offset::UTC).to_timestamp(at).ok(),
        }
    }

    /// `2024-10-31T08:01:00.5+01:00` and its shortenings: `2024`, `2024-10`, `20241031`, `2024/10/31 08:01`, `…0800Z`; days of the
    /// year, weeks, and dates with points.
    fn take_iso(&mut self, text: &str) -> Option<()> {
        let date_end = text.find(|c: char| !(c.is_ascii_digit() || matches!(c, '-' | '/' | 'W'))).unwrap_or(text.len());
        let (date, rest) = match text.get(4..)?.strip_prefix('.') {
            Some(_) => pointed(text),
            None => text.split_at(date_end),
        };
        let fields: Vec<&str> = date.split(['-', '/', '.']).map(str::trim).filter(|field| !field.is_empty()).collect();
        let rest = rest.trim_start_matches(['T', 't', ' ', ',', '.', '-']).trim();
        match *fields.as_slice() {
            [year, week, day] if week.starts_with('W') => self.set_week(year, week, day)?,
            [week] if week.contains('W') => self.set_week(week.get(..4)?, week.get(4..7)?, week.get(7..)?)?,
            [year, month, day] => self.set_date(year, month, day)?,
            [year, day] if day.len() == 3 => self.set_day_of_year(year, day)?,
            [year, month] => self.set_date(year, month, "1")?,
            [whole] => self.set_compact(whole)?,
            _ => return None,
        }
        let (time, zone) = match rest.find(|c: char| !(c.is_ascii_digit() || matches!(c, ':' | '.' | ','))) {
            Some(end) => rest.split_at(end),
            None => (rest, ""),
        };
        if self.day.is_none() || !rest.starts_with(|c: char| c.is_ascii_digit()) {
            // "2024", or "2024-10-31 下午 8:01", or "2024 Oct 31".
            return if rest.is_empty() { Some(()) } else { self.take_words(rest) };
        }
        self.set_time(time)?;
        self.take_each(zone)
    }

    fn set_compact(&mut self, digits: &str) -> Option<()> {
        if !is_digits(digits) {
            return None;
        }
        let part = |from: usize, to: usize| digits.get(from..to);
        match digits.len() {
            4 => self.year = Some(digits.parse().ok()?),
            6 => self.set_date(part(0, 4)?, part(4, 6)?, "1")?,
            7 => self.set_day_of_year(part(0, 4)?, part(4, 7)?)?,
            8 => self.set_date(part(0, 4)?, part(4, 6)?, part(6, 8)?)?,
            12 | 14 => {
                self.set_date(part(0, 4)?, part(4, 6)?, part(6, 8)?)?;
                self.set_time(digits.get(8..)?)?;
            }
            _ => return None,
        }
        Some(())
    }

    fn set_date(&mut self, year: &str, month: &str, day: &str) -> Option<()> {
        self.year = Some(year.parse().ok()?);
        self.month = Some(month.parse().ok()?);
        self.day = Some(day.parse().ok()?);
        Some(())
    }

    fn set_civil(&mut self, date: Date) {
        (self.year, self.month, self.day) = (Some(date.year()), Some(date.month()), Some(date.day()));
    }

    /// An ordinal date.
    fn set_day_of_year(&mut self, year: &str, day: &str) -> Option<()> {
        let first = Date::new(year.parse().ok()?, 1, 1).ok()?;
        self.set_civil(first.with().day_of_year(day.parse().ok()?).build().ok()?);
        Some(())
    }

    /// A week date: "2024-W44-4".
    fn set_week(&mut self, year: &str, week: &str, day: &str) -> Option<()> {
        let day = Weekday::from_monday_one_offset(day.parse().ok()?).ok()?;
        let week = ISOWeekDate::new(year.parse().ok()?, week.strip_prefix('W')?.parse().ok()?, day).ok()?;
        self.set_civil(week.date());
        Some(())
    }

    fn set_time(&mut self, text: &str) -> Option<()> {
        let time = read_time(text.trim_end_matches([':', '.', ',']))?;
        (self.time, self.is_end_of_day) = (Some(time.0), time.1);
        Some(())
    }

    /// `Thu, 31 Oct 2024 08:01:00 GMT` with its words in any order.
    fn take_words(&mut self, text: &str) -> Option<()> {
        self.take_each(text)?;
        self.month.and(self.day).map(|_| ())
    }

    fn take_each(&mut self, text: &str) -> Option<()> {
        let mut words = text.split([' ', ',', '\t', '\n', '\r', ';']).filter(|word| !word.is_empty()).peekable();
        while let Some(word) = words.next() {
            let half = words.peek().and_then(|next| half_of(next));
            // "8 PM"
            if half.is_some() && self.time.is_none() && word.len() <= 2 && is_digits(word) {
                self.set_time(word)?;
            } else {
                self.take_word(word)?;
            }
        }
        Some(())
    }

    fn take_word(&mut self, word: &str) -> Option<()> {
        let is_number = word.starts_with(|c: char| c.is_ascii_digit());
        if word.chars().all(|c| matches!(c, '-' | '/' | '.' | ':' | '+')) {
            return Some(());
        }
        if is_number && word.contains(':') {
            return self.take_time(word);
        }
        if word.starts_with(['+', '-']) {
            return self.take_offset(word);
        }
        if is_number { self.take_number(word) } else { self.take_meaning(word) }
    }

    /// A time, with its zone or half of the day right behind; a date before it, as in the logs of web servers.
    fn take_time(&mut self, word: &str) -> Option<()> {
        if let Some((date, time)) = word.split_once(':').filter(|(date, _)| date.contains('/')) {
            self.take_number(date)?;
            return self.take_time(time);
        }
        if self.time.is_some() {
            // The plus of "+00:00" is a space to those who take an address for a text.
            return (word == "00:00").then(|| self.offset = Some(Offset::UTC));
        }
        let end = word.find(|c: char| !(c.is_ascii_digit() || matches!(c, ':' | '.'))).unwrap_or(word.len());
        let (time, zone) = word.split_at(end);
        self.set_time(time)?;
        if zone.is_empty() { Some(()) } else { self.take_word(zone) }
    }

    fn take_number(&mut self, word: &str) -> Option<()> {
        let end = word.find(|c: char| !c.is_ascii_digit()).unwrap_or(word.len());
        let (digits, rest) = word.split_at(end);
        if let Some(separator @ ('-' | '/' | '.')) = rest.chars().next()
            && rest.len() > 1
        {
            return self.take_separated(word, separator);
        }
        let suffix = folded(rest);
        // "8pm", "08h01", "8h"
        if let Some(is_afternoon) = half_of(&suffix) {
            self.is_afternoon = Some(is_afternoon);
            return self.set_time(digits);
        }
        if let Some(minutes) = suffix.strip_prefix('h')
            && digits.len() <= 2
        {
            let minutes = minutes.trim_end_matches(|c: char| c.is_alphabetic());
            return self.set_time(&format!("{digits}:{}", if minutes.is_empty() { "00" } else { minutes }));
        }
        // "31st", "1er", "31."
        if !suffix.chars().all(char::is_alphabetic) {
            return None;
        }
        if digits.len() <= 2 && self.day.is_none() {
            self.day = Some(digits.parse().ok()?);
            return Some(());
        }
        if self.year.is_some() {
            return None;
        }
        self.year = Some(full_year(digits)?);
        Some(())
    }

    /// "31-Oct-2024", "2006/09/15", "31.10.2024", "10/31/2024"; once there is a date, "08.01" is a time.
    fn take_separated(&mut self, word: &str, separator: char) -> Option<()> {
        let fields: Vec<&str> = word.trim_end_matches('.').split(separator).collect();
        match *fields.as_slice() {
            [hour, minute] if separator == '.' && self.day.is_some() && self.year.is_some() => {
                self.set_time(&format!("{hour}:{minute}"))
            }
            [first, second, third] => match meaning(second) {
                Some(Meaning::Month(month)) => {
                    self.month = Some(month);
                    self.take_number(first)?;
                    self.take_number(third)
                }
                _ if first.len() == 4 => self.set_date(first, second, third),
                _ => self.set_by_size(first, second, third, separator),
            },
            _ => None,
        }
    }

    /// A date of two or four digits a part: with points the day comes first, otherwise only what can be no month tells.
    fn set_by_size(&mut self, first: &str, second: &str, year: &str, separator: char) -> Option<()> {
        let (a, b): (u8, u8) = (first.parse().ok()?, second.parse().ok()?);
        if year.len() == 2 && (separator == '-' || separator == '/' && a > 12) {
            // "31/10/24" is written by those who mean 2031 as well.
            return None;
        }
        let year = full_year(year)?.to_string();
        match (separator, a > 12, b > 12) {
            ('.', _, false) | (_, true, false) => self.set_date(&year, second, first),
            (_, false, true) => self.set_date(&year, first, second),
            _ if a == b => self.set_date(&year, first, second),
            _ => None,
        }
    }

    fn take_meaning(&mut self, word: &str) -> Option<()> {
        match meaning(word.trim_end_matches(':')) {
            Some(Meaning::Month(month)) => self.month = Some(month),
            Some(Meaning::Weekday | Meaning::Filler) => {}
            Some(Meaning::Morning) => self.is_afternoon = Some(false),
            Some(Meaning::Afternoon) => self.is_afternoon = Some(true),
            Some(Meaning::Zone(seconds)) => self.set_offset(seconds)?,
            None => return self.take_zone(word),
        }
        Some(())
    }

    /// "GMT+01:00" states its offset twice, and the numbers mean it; "Europe/Brussels" is in the database of zones.
    fn take_zone(&mut self, word: &str) -> Option<()> {
        let upper = word.to_ascii_uppercase();
        // What follows a "T" in the middle of a text, or a zone with a weekday.
        if let Some(numeric) = ["GMT", "UTC", "UT", "Z"].iter().find_map(|name| upper.strip_prefix(name)) {
            return if numeric.starts_with(['+', '-']) { self.take_offset(numeric) } else { None };
        }
        if upper.starts_with('T') && upper.get(1..).is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit())) {
            return self.take_word(word.get(1..)?);
        }
        let zone = Some(word).filter(|word| word.contains('/'))?;
        self.zone = Some(TimeZoneDatabase::bundled().get(zone).ok()?);
        Some(())
    }

    fn take_offset(&mut self, word: &str) -> Option<()> {
        let end = word
            .char_indices()
            .skip(1)
            .find(|(_, c)| !(c.is_ascii_digit() || *c == ':'))
            .map_or(word.len(), |(at, _)| at);
        let (numeric, rest) = word.split_at(end);
        let seconds = read_offset(numeric)?;
        self.set_offset(seconds)?;
        if rest.is_empty() { Some(()) } else { self.take_word(rest) }
    }

    fn set_offset(&mut self, seconds: i32) -> Option<()> {
        let offset = Offset::from_seconds(seconds).ok()?;
        // "+0100 (CET)": the number came first and is the plainer.
        self.offset = self.offset.filter(|offset| !offset.is_zero()).or(Some(offset));
        Some(())
    }

    /// What stands in brackets: words of a zone where none stands outside, else anything.
    fn take_aside(&mut self, words: &str) -> Option<()> {
        if self.offset.is_some() {
            return Some(());
        }
        // RFC 9557 also has calendars there: "[u-ca=hebrew]".
        if words.contains('=') {
            return Some(());
        }
        self.take_each(words.trim_start_matches('!'))
    }
}

/// "2024.10.31 08:01" and "2024. 10. 31.": the date and the rest.
fn pointed(text: &str) -> (&str, &str) {
    let mut points = 0;
    let end = text.char_indices().find(|&(at, c)| {
        points += usize::from(c == '.');
        let is_third = points >= 2
            && !c.is_ascii_digit()
            && c != '.'
            && !text.get(..at).is_some_and(|t| t.trim_end().ends_with('.'));
        !(c.is_ascii_digit() || matches!(c, '.' | ' ')) || points > 2 || is_third
    });
    let end = end.map_or(text.len(), |(at, _)| at);
    let (date, rest) = text.split_at(end);
    // "2024. október 31.": only the year stands before its month.
    if date.matches('.').count() < 2 { text.split_at(4) } else { (date, rest) }
}

fn half_of(word: &str) -> Option<bool> {
    match meaning(word)? {
        Meaning::Morning => Some(false),
        Meaning::Afternoon => Some(true),
        _ => None,
    }
}

/// RFC 2822, section 4.3.
fn full_year(digits: &str) -> Option<i16> {
    let year: i16 = Some(digits).filter(|digits| is_digits(digits))?.parse().ok()?;
    Some(match (digits.len(), year) {
        (2, 0..50) => year + 2000,
        (2 | 3, _) => year + 1900,
        _ => year,
    })
}

/// `08`, `08:01`, `8:01:00`, `08:01:00.5`, `080100`, and whether it is the end of the day.
fn read_time(text: &str) -> Option<(Time, bool)> {
    let (whole, fraction) = text.split_once(['.', ',']).unwrap_or((text, ""));
    let mut fields: Vec<&str> = whole.split(':').collect();
    if let [digits] = *fields.as_slice()
        && digits.len() > 2
    {
        fields =
            vec![digits.get(..2)?, digits.get(2..4)?, digits.get(4..).filter(|rest| !rest.is_empty()).unwrap_or("0")];
    }
    if fields.len() > 3 || !fields.iter().all(|field| is_digits(field)) {
        return None;
    }
    let mut numbers = [0_i8; 3];
    for (number, field) in numbers.iter_mut().zip(&fields) {
        *number = field.parse().ok()?;
    }
    let [hour, minute, second] = numbers;
    if hour == 24 {
        return (minute == 0 && second == 0).then_some((Time::midnight(), true));
    }
    let fraction: String = fraction.chars().chain("000000000".chars()).take(9).collect();
    // A leap second is no second of ours.
    let second = if second == 60 { 59 } else { second };
    Time::new(hour, minute, second, fraction.parse().ok()?).ok().map(|time| (time, false))
}

/// `+0100`, `-07:00`, `+1` in seconds.
fn read_offset(text: &str) -> Option<i32> {
    let sign = if text.starts_with('-') { -1 } else { 1 };
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    let (hours, minutes) = match digits.len() {
        1 | 2 => (digits.as_str(), "0"),
        3 | 4 => digits.split_at(digits.len() - 2),
        _ => return None,
    };
    let (hours, minutes): (i32, i32) = (hours.parse().ok()?, minutes.parse().ok()?);
    (hours <= 14 && minutes < 60).then_some(sign * (hours * 3600 + minutes * 60))
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

    /// Every date of the table, one by one, so that all that are read wrong are told at once.
    #[test]
    fn the_table_of_real_dates_is_read() {
        let table = include_str!("../../tests/fixtures/dates.tsv").lines().filter(|line| !line.starts_with('#'));
        let mut wrong = Vec::new();
        let mut count = 0;
        for line in table {
            let (text, expected) = line.split_once('\t').unwrap();
            let text = text.replace("\\n", "\n").replace("\\t", "\t");
            let found = read(&text).map_or_else(|| "-".to_owned(), |time| time.to_string());
            count += 1;
            if found != expected {
                wrong.push(format!("{text:?} is {found}, not {expected}"));
            }
        }
        assert!(count >= 150 && wrong.is_empty(), "{} of {count}:\n{}", wrong.len(), wrong.join("\n"));
    }
}
