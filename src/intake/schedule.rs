//! When a feed is polled next: pure arithmetic over what the last poll brought.

use std::time::Duration;

/// Wait after the first failure that may well pass: an item must not be a whole interval late for one lost packet.
const RETRY_MIN: Duration = Duration::from_secs(30);

/// How a poll ended, as far as the next one's time goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// The feed answered.
    Success,
    /// It did not.
    Failure {
        /// Failures in a row, this one included.
        failures: u32,
        /// The trouble may well pass.
        is_retryable: bool,
        /// How long the server asks to be left alone.
        retry_after: Option<Duration>,
    },
}

/// What the config says about waiting.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Pace {
    /// Time between two polls of a healthy feed.
    pub interval: Duration,
    /// Share of the wait by which it is moved at random.
    pub jitter: f64,
    /// Longest wait of a failing feed, unless the interval or the server's wish is longer.
    pub backoff_max: Duration,
}

/// How long to wait for the next poll. `random` lies in 0 to 1 and spreads the polls: without it all feeds of a host
/// that was down come back in one burst, and bring it down again.
pub fn next_poll_after(pace: Pace, ending: Ending, random: f64) -> Duration {
    let (wait, at_least) = match ending {
        Ending::Success => (pace.interval, Duration::ZERO),
        Ending::Failure { failures, is_retryable, retry_after } => {
            let first = if is_retryable { RETRY_MIN.min(pace.interval) } else { pace.interval };
            let factor = 1_u32.checked_shl(failures.saturating_sub(1)).unwrap_or(u32::MAX);
            let wait = first.saturating_mul(factor).min(pace.backoff_max.max(pace.interval));
            (wait, retry_after.unwrap_or_default())
        }
    };
    let factor = 1.0 + pace.jitter.clamp(0.0, 0.5) * (2.0 * random.clamp(0.0, 1.0) - 1.0);
    wait.mul_f64(factor).max(at_least)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PACE: Pace = Pace { interval: Duration::from_mins(5), jitter: 0.1, backoff_max: Duration::from_hours(1) };

    fn failure(failures: u32, is_retryable: bool, retry_after: Option<u64>) -> Ending {
        Ending::Failure { failures, is_retryable, retry_after: retry_after.map(Duration::from_secs) }
    }

    #[track_caller]
    fn check(ending: Ending, random: f64, expected: u64) {
        assert_eq!(next_poll_after(PACE, ending, random), Duration::from_secs(expected));
    }

    #[test]
    fn a_healthy_feed_keeps_its_interval_but_for_the_jitter() {
        check(Ending::Success, 0.5, 300);
        check(Ending::Success, 0.0, 270);
        check(Ending::Success, 1.0, 330);
        check(Ending::Success, 7.0, 330);
    }

    #[test]
    fn passing_trouble_is_retried_soon_and_then_less_and_less() {
        for (failures, expected) in [(1, 30), (2, 60), (3, 120), (5, 480), (8, 3600), (40, 3600), (u32::MAX, 3600)] {
            check(failure(failures, true, None), 0.5, expected);
        }
    }

    #[test]
    fn lasting_trouble_backs_off_from_the_interval() {
        for (failures, expected) in [(0, 300), (1, 300), (2, 600), (4, 2400), (5, 3600)] {
            check(failure(failures, false, None), 0.5, expected);
        }
    }

    #[test]
    fn the_servers_wish_is_a_lower_bound() {
        check(failure(1, true, Some(1000)), 0.0, 1000);
        check(failure(1, true, Some(86_400)), 0.5, 86_400);
        check(failure(8, true, Some(10)), 0.5, 3600);
    }
}
