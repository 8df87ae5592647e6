//! Durations ("5m", "1h30m") and sizes ("2MiB"): whole numbers with units, as people write them in a config.

use std::time::Duration;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::Offset;

/// Units of a duration, in milliseconds.
const DURATION_UNITS: &[(&str, u64)] = &[("ms", 1), ("s", 1_000), ("m", 60_000), ("h", 3_600_000), ("d", 86_400_000)];

/// Units of a size, in bytes.
const SIZE_UNITS: &[(&str, u64)] = &[("B", 1), ("KiB", 1 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30)];

/// How long before `now` something was, as people give it on a command line: an age ("2h", "7d"), a date (its beginning in UTC) or
/// a time with its zone.
///
/// # Errors
/// With what would be right, where it is none of these or in the future.
pub fn age(text: &str, now: Timestamp) -> Result<Duration, String> {
    let date = || text.parse::<Date>().ok().and_then(|date| Offset::UTC.to_timestamp(date.at(0, 0, 0, 0)).ok());
    let time = || text.parse::<Timestamp>().ok().or_else(date);
    let since = || time().and_then(|time| Duration::try_from(now.duration_since(time)).ok());
    parse_duration(text).or_else(since).ok_or_else(|| {
        format!("{text:?} is no time before now (accepted: an age such as \"2h\" or \"7d\", a date such as \"2026-03-01\", a time such as \"2026-03-01T06:00Z\")")
    })
}

/// Reads a duration: one or more whole numbers, each with its unit (ms, s, m, h, d).
pub fn parse_duration(text: &str) -> Option<Duration> {
    sum(text, DURATION_UNITS).map(Duration::from_millis)
}

/// Reads a size: one or more whole numbers, each with its unit (B, KiB, MiB, GiB).
pub(super) fn parse_size(text: &str) -> Option<u64> {
    sum(text, SIZE_UNITS)
}

/// Writes a duration as a person would: in the largest unit that divides it.
pub fn show_duration(duration: Duration) -> String {
    show(u64::try_from(duration.as_millis()).unwrap_or(u64::MAX), DURATION_UNITS, "s")
}

/// Writes a size as a person would: in the largest unit that divides it.
pub(super) fn show_size(bytes: u64) -> String {
    show(bytes, SIZE_UNITS, "B")
}

fn sum(text: &str, units: &[(&str, u64)]) -> Option<u64> {
    let mut rest = text.trim();
    let mut total = None;
    while !rest.is_empty() {
        let (number, after) = rest.split_at(rest.find(|c: char| !c.is_ascii_digit())?);
        let after = after.trim_start();
        let (unit, next) = after.split_at(after.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(after.len()));
        let (_, factor) = units.iter().find(|(name, _)| *name == unit)?;
        let part = number.parse::<u64>().ok()?.checked_mul(*factor)?;
        total = Some(total.unwrap_or(0_u64).checked_add(part)?);
        rest = next.trim_start();
    }
    total
}

fn show(amount: u64, units: &[(&str, u64)], zero: &str) -> String {
    let whole = units.iter().rev().find(|(_, factor)| amount != 0 && amount.is_multiple_of(*factor));
    whole.map_or_else(|| format!("0{zero}"), |(name, factor)| format!("{}{name}", amount / factor))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected_ms: Option<u64>) {
        assert_eq!(parse_duration(text), expected_ms.map(Duration::from_millis));
    }

    #[track_caller]
    fn check_size(text: &str, expected: Option<u64>) {
        assert_eq!(parse_size(text), expected);
    }

    #[test]
    fn ages_dates_and_times() {
        let now: Timestamp = "2026-03-02T06:00:00Z".parse().unwrap();
        let hours = |text: &str| age(text, now).map(|age| age.as_secs() / 3600).ok();
        assert_eq!((hours("2h"), hours("7d")), (Some(2), Some(168)));
        assert_eq!((hours("2026-03-01"), hours("2026-03-02T03:00Z")), (Some(30), Some(3)));
        assert_eq!([hours("2026-03-03"), hours("yesterday"), hours("7")], [None; 3]);
    }

    #[test]
    fn durations_need_units() {
        check("5m", Some(300_000));
        check(" 1h 30m ", Some(5_400_000));
        check("250ms", Some(250));
        check("0s", Some(0));
        check("7d", Some(604_800_000));
        check("300", None);
        check("", None);
        check("5 minutes", None);
        check("-5m", None);
        check("1.5h", None);
        check("99999999999999999999s", None);
        check("18446744073709551615d", None);
        check("5мин", None);
    }

    #[test]
    fn sizes_need_units() {
        check_size("2MiB", Some(2_097_152));
        check_size("512 B", Some(512));
        check_size("2MB", None);
        check_size("2048", None);
    }

    #[test]
    fn shown_as_written() {
        assert_eq!(show_duration(Duration::from_mins(5)), "5m");
        assert_eq!(show_duration(Duration::from_mins(90)), "90m");
        assert_eq!(show_duration(Duration::ZERO), "0s");
        assert_eq!(show_size(5 << 20), "5MiB");
        assert_eq!(show_size(1_500), "1500B");
    }
}
