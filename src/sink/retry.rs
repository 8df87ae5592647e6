//! When to try again: pure arithmetic over a schedule and the number of attempts; the caller brings the random number.

use std::time::Duration;

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

/// The longest wait that [`wait`] gives where the receiver asks for none.
pub(super) fn longest(schedule: &[Duration]) -> Duration {
    let planned = schedule.iter().max().copied().unwrap_or_default();
    Duration::try_from_secs_f64(planned.as_secs_f64() * (1.0 + JITTER)).unwrap_or(Duration::MAX)
}

/// The wait after `failures` failures in a row of something local that must work again in the end: doubles up to `longest`.
pub(super) fn back_off(failures: u32, shortest: Duration, longest: Duration) -> Duration {
    shortest.saturating_mul(1 << failures.saturating_sub(1).min(20)).min(longest)
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
        assert_eq!([longest(&SCHEDULE), longest(&[])], [Duration::from_mins(6), Duration::ZERO]);
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
}
