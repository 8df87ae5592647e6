//! What both ends of the program must know of HTTP: `Retry-After` in, a wait out, dates, and what is behind an error; read by `intake` and `sink`.

use std::error::Error;
use std::io;
use std::time::Duration;

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::fmt::strtime;
use jiff::tz::Offset;

/// Longest wait that the other side may ask for.
const RETRY_AFTER_MAX: Duration = Duration::from_hours(24);

/// The three forms of a date that RFC 9110 tells recipients to accept; all mean GMT.
const DATE_FORMS: [&str; 3] = ["%a, %d %b %Y %H:%M:%S GMT", "%A, %d-%b-%y %H:%M:%S GMT", "%a %b %e %H:%M:%S %Y"];

/// Reads a `Retry-After`: seconds or an HTTP date, at most a day. Nonsense counts as absent.
pub(crate) fn retry_after(value: &str, now: Timestamp) -> Option<Duration> {
    let value = value.trim();
    let wait = if !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit()) {
        // More digits than fit are a very long time.
        Duration::from_secs(value.parse().unwrap_or(u64::MAX))
    } else {
        // Compared as civil times: the last two days of the year 9999, which some servers mean by "never", lie beyond
        // the range of a timestamp.
        Duration::try_from(date(value)?.duration_since(utc(now))).unwrap_or_default()
    };
    Some(wait.min(RETRY_AFTER_MAX))
}

/// Reads an HTTP date as a time in UTC.
pub(crate) fn date(value: &str) -> Option<DateTime> {
    DATE_FORMS.iter().find_map(|form| strtime::parse(form, value.trim()).ok()?.to_datetime().ok())
}

/// A moment as a time in UTC, to be compared with a [`date`].
pub(crate) fn utc(now: Timestamp) -> DateTime {
    Offset::UTC.to_datetime(now)
}

/// The cause of this kind in a chain of errors, also within an `io::Error`, which hides what it was made of.
pub(crate) fn cause<'e, E: Error + 'static>(error: &'e (dyn Error + 'static)) -> Option<&'e E> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(found) = error.downcast_ref() {
            return Some(found);
        }
        let within = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        if let Some(found) = within.and_then(|within| cause(within)) {
            return Some(found);
        }
        next = error.source();
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(value: &str, expected: Option<u64>) {
        let now = "1994-11-06T08:49:07Z".parse().unwrap();
        assert_eq!(retry_after(value, now).map(|wait| wait.as_secs()), expected, "{value}");
    }

    #[test]
    fn retry_after_is_seconds_or_a_date_and_capped() {
        const DAY: u64 = 24 * 60 * 60;
        check("120", Some(120));
        check(" 0 ", Some(0));
        check("86401", Some(DAY));
        check("99999999999999999999999", Some(DAY));
        check("Sun, 06 Nov 1994 08:49:37 GMT", Some(30));
        check("Sun, 06 Nov 1994 08:48:37 GMT", Some(0));
        check("Sunday, 06-Nov-94 08:49:37 GMT", Some(30));
        check("Sun Nov  6 08:49:37 1994", Some(30));
        check("Fri, 31 Dec 9999 23:59:59 GMT", Some(DAY));
        for nonsense in ["", "soon", "-1", "1.5", "1 s", "Sun, 99 Nov 1994", "Sun, 06 Nov 1994 08:49:37"] {
            check(nonsense, None);
        }
    }
}
