//! When to try again: pure arithmetic over a schedule and the number of attempts; the caller brings the random number.

use std::time::Duration;

use jiff::Timestamp;
use jiff::fmt::rfc2822::DateTimeParser;

/// Longest wait that a receiver may ask for.
const RETRY_AFTER_MAX: Duration = Duration::from_hours(24);

/// Share of a wait by which it is moved at random, so that receivers that recover are not met by everybody at once.
const JITTER: f64 = 0.2;

/// Shortest wait: what has failed must not be due at the same moment again.
const WAIT_MIN: Duration = Duration::from_millis(1);

/// The wait after the attempt that followed `attempts` others: the schedule's, moved by up to a fifth (`random` is 0 to
/// 1), but not shorter than what the receiver asked for. `None` when the schedule is used up.
pub(super) fn wait(
    schedule: &[Duration],
    attempts: u32,
    retry_after: Option<Duration>,
    random: f64,
) -> Option<Duration> {
    let planned = *schedule.get(usize::try_from(attempts).ok()?)?;
    let moved = Duration::try_from_secs_f64(planned.as_secs_f64() * (1.0 - JITTER + 2.0 * JITTER * random))
        .unwrap_or(Duration::MAX);
    Some(moved.max(retry_after.unwrap_or_default()).max(WAIT_MIN))
}

/// The wait after `failures` failures in a row of something local that must work again in the end: doubles up to `longest`.
pub(super) fn back_off(failures: u32, shortest: Duration, longest: Duration) -> Duration {
    shortest.saturating_mul(1 << failures.saturating_sub(1).min(20)).min(longest)
}

/// Reads a `Retry-After`: seconds or an HTTP date. Nonsense counts as absent.
pub(super) fn retry_after(value: &str, now: Timestamp) -> Option<Duration> {
    let value = value.trim();
    let wait = if value.bytes().all(|byte| byte.is_ascii_digit()) && !value.is_empty() {
        // More digits than fit are a very long time.
        Duration::from_secs(value.parse().unwrap_or(u64::MAX))
    } else {
        let date = DateTimeParser::new().parse_timestamp(value).ok()?;
        Duration::try_from(date.duration_since(now)).unwrap_or_default()
    };
    Some(wait.min(RETRY_AFTER_MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SCHEDULE: [Duration; 2] = [Duration::from_secs(10), Duration::from_mins(5)];

    #[track_caller]
    fn check(attempts: u32, asked: Option<u64>, random: f64, expected: Option<f64>) {
        let found = wait(&SCHEDULE, attempts, asked.map(Duration::from_secs), random);
        assert_eq!(found, expected.map(Duration::from_secs_f64));
    }

    #[test]
    fn waits_follow_the_schedule_within_a_fifth() {
        check(0, None, 0.5, Some(10.0));
        check(0, None, 0.0, Some(8.0));
        check(0, None, 1.0, Some(12.0));
        check(1, None, 0.5, Some(300.0));
        check(2, None, 0.5, None);
        check(u32::MAX, None, 0.5, None);
    }

    #[test]
    fn receivers_may_ask_for_longer_waits_but_not_for_more_attempts() {
        check(0, Some(60), 0.5, Some(60.0));
        check(0, Some(1), 0.5, Some(10.0));
        check(2, Some(60), 0.5, None);
    }

    #[test]
    fn no_wait_is_empty() {
        assert_eq!(wait(&[Duration::ZERO], 0, None, 0.5), Some(WAIT_MIN));
    }

    #[test]
    fn back_off_doubles_up_to_its_end() {
        let seconds = |failures| back_off(failures, Duration::from_secs(1), Duration::from_mins(1)).as_secs();
        assert_eq!([1, 2, 3, 7, 100, u32::MAX].map(seconds), [1, 2, 4, 60, 60, 60]);
    }

    #[track_caller]
    fn check_retry_after(value: &str, expected: Option<u64>) {
        let now = "1994-11-06T08:49:07Z".parse().unwrap();
        assert_eq!(retry_after(value, now).map(|wait| wait.as_secs()), expected, "{value}");
    }

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        const DAY: u64 = 24 * 60 * 60;
        check_retry_after("120", Some(120));
        check_retry_after(" 0 ", Some(0));
        check_retry_after("86401", Some(DAY));
        check_retry_after("99999999999999999999999", Some(DAY));
        check_retry_after("Sun, 06 Nov 1994 08:49:37 GMT", Some(30));
        check_retry_after("Sun, 06 Nov 1994 08:48:37 GMT", Some(0));
        check_retry_after("Fri, 31 Dec 9999 23:59:59 GMT", Some(DAY));
        for nonsense in ["", "soon", "-1", "1.5", "1 s", "Sun, 99 Nov 1994"] {
            check_retry_after(nonsense, None);
        }
    }
}
