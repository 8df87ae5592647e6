//! When a feed is polled next, and why: pure arithmetic over what the last poll brought, its rhythm, and what its publisher asks.

use std::time::Duration;

use jiff::tz::Offset;
use jiff::{SignedDuration, Timestamp};

use crate::model::{FeedCursor, PollReason, Wishes};

/// Wait after the first failure that may well pass: an item must not be a whole interval late for one lost packet.
const RETRY_MIN: Duration = Duration::from_secs(30);
/// A feed that is gone is looked at so seldom.
const RETIRED: Duration = Duration::from_hours(7 * 24);
/// Longest that `skipHours` and `skipDays` hold a poll back: a slip of the publisher costs a day, not all news.
const SKIP_MAX: Duration = Duration::from_hours(24);
/// Feeds that wait for the end of a skipped hour are spread over this.
const SKIP_SPREAD: Duration = Duration::from_mins(5);
/// Where a feed was seen to publish so often in one of its own update periods, the period is no more than a content management
/// system's default: the most common one says "hourly" of every feed.
const UPDATES_PER_PERIOD_MAX: f64 = 3.0;
/// Shortest time between two polls of a feed, however much somebody wants one.
const ASKED_GAP: SignedDuration = SignedDuration::from_secs(5);
/// Longest time of a publisher that is believed; what counts in the end is the `poll_interval_max` of the config.
const WISH_MAX: Duration = Duration::from_hours(31 * 24);

/// What a feed and its server say after a poll that succeeded.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Said {
    /// The interval that fits when the feed publishes; nothing as long as nothing is known of it.
    pub rhythm: Option<Duration>,
    /// Moments a second at which it publishes now.
    pub rate: Option<f64>,
    /// What the feed says in itself.
    pub wishes: Wishes,
    /// How long the answer stays fresh.
    pub fresh: Freshness,
}

/// How long an answer stays fresh, as its server says (RFC 9111, section 4.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Freshness {
    /// `Cache-Control: max-age`, less `Age`.
    pub max_age: Option<Duration>,
    /// `Expires`, from its `Date`; counts where there is no `max-age`.
    pub expires: Option<Duration>,
}

/// How a poll ended, as far as the next one's time goes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Ending {
    /// The feed answered.
    Success(Said),
    /// It did not.
    Failure {
        /// Failures in a row, this one included.
        failures: u32,
        /// The trouble may well pass.
        is_retryable: bool,
        /// How long the server asks to be left alone.
        retry_after: Option<Duration>,
    },
    /// It did not, and counts as gone.
    Retired,
}

/// What the config says about waiting.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Pace {
    /// Shortest time between two polls of a healthy feed.
    pub shortest: Duration,
    /// Longest time. Where it is not above the shortest, the interval is that and nothing else: neither rhythm nor publisher changes
    /// what somebody has written down.
    pub longest: Duration,
    /// Share of the wait by which it is moved at random; never to below `shortest` where the feed is healthy.
    pub jitter: f64,
    /// Longest wait of a failing feed, unless the interval or the server's wish is longer.
    pub backoff_max: Duration,
}

/// How long to wait for the next poll after one at `now`, and why so long. `random` lies in 0 to 1 and spreads the polls: without it
/// all feeds of a host that was down come back in one burst, and bring it down again.
pub fn next_poll_after(pace: Pace, ending: Ending, now: Timestamp, random: f64) -> (Duration, PollReason) {
    let factor = 1.0 + pace.jitter.clamp(0.0, 0.5) * (2.0 * random.clamp(0.0, 1.0) - 1.0);
    match ending {
        Ending::Success(said) => {
            let (wait, at_least, reason) = healthy(pace, said);
            // Never sooner than the shortest interval or what was asked for.
            let wait = wait.mul_f64(factor).max(at_least).max(pace.shortest);
            if pace.longest > pace.shortest { skip(wait, reason, said.wishes, now, random) } else { (wait, reason) }
        }
        Ending::Failure { failures, is_retryable, retry_after } => {
            let first = if is_retryable { RETRY_MIN.min(pace.shortest) } else { pace.shortest };
            let doubled = 1_u32.checked_shl(failures.saturating_sub(1)).unwrap_or(u32::MAX);
            let wait = first.saturating_mul(doubled).min(pace.backoff_max.max(pace.shortest)).mul_f64(factor);
            let asked = retry_after.unwrap_or_default();
            if asked > wait { (asked, PollReason::RetryAfter) } else { (wait, PollReason::Backoff) }
        }
        Ending::Retired => (RETIRED.max(pace.longest).mul_f64(factor), PollReason::Retired),
    }
}

/// The interval of a healthy feed, below what the jitter may not move it, and why.
fn healthy(pace: Pace, said: Said) -> (Duration, Duration, PollReason) {
    if pace.longest <= pace.shortest {
        return (pace.shortest, Duration::ZERO, PollReason::Interval);
    }
    let wanted = said.rhythm.unwrap_or(pace.shortest);
    let (wait, reason) = match wanted {
        wanted if wanted <= pace.shortest => (pace.shortest, PollReason::Interval),
        wanted if wanted >= pace.longest => (pace.longest, PollReason::IntervalMax),
        wanted => (wanted, PollReason::Rhythm),
    };
    match asked(said) {
        Some((asked, _)) if asked <= wait => (wait, asked, reason),
        // The longest interval is the user's own word, and goes before the publisher's.
        Some((asked, _)) if asked >= pace.longest => (pace.longest, Duration::ZERO, PollReason::IntervalMax),
        Some((asked, why)) => (asked, asked, why),
        None => (wait, Duration::ZERO, reason),
    }
}

/// The longest of the times for which the publisher asks to be left alone, and which one it is.
fn asked(said: Said) -> Option<(Duration, PollReason)> {
    let seconds = |seconds: Option<u32>| seconds.map(|seconds| Duration::from_secs(seconds.into()));
    let is_outrun =
        |period: &Duration| said.rate.is_some_and(|rate| rate * period.as_secs_f64() > UPDATES_PER_PERIOD_MAX);
    let fresh = match said.fresh {
        Freshness { max_age: Some(age), .. } => Some((age, PollReason::MaxAge)),
        Freshness { expires, .. } => expires.map(|expires| (expires, PollReason::Expires)),
    };
    let all = [
        seconds(said.wishes.ttl).map(|ttl| (ttl, PollReason::Ttl)),
        fresh,
        seconds(said.wishes.update_period)
            .filter(|period| !is_outrun(period))
            .map(|period| (period, PollReason::UpdatePeriod)),
    ];
    let longest = all.into_iter().flatten().max_by_key(|(time, _)| *time)?;
    Some((longest.0.min(WISH_MAX), longest.1))
}

/// Moves a poll out of the hours and days at which the feed is not to be read.
fn skip(wait: Duration, reason: PollReason, wishes: Wishes, now: Timestamp, random: f64) -> (Duration, PollReason) {
    const HOUR: i64 = 3600;
    let skipped = |at: Timestamp| {
        let time = Offset::UTC.to_datetime(at);
        let is_hour = wishes.skip_hours >> time.hour() & 1 == 1;
        let is_day = wishes.skip_days >> time.weekday().to_monday_zero_offset() & 1 == 1;
        if is_day { Some(PollReason::SkipDays) } else { is_hour.then_some(PollReason::SkipHours) }
    };
    let Ok(mut at) = now.checked_add(wait) else { return (wait, reason) };
    let latest = at.saturating_add(SKIP_MAX).unwrap_or(at);
    let Some(why) = skipped(at) else { return (wait, reason) };
    while skipped(at).is_some() && at < latest {
        let next = (at.as_second().div_euclid(HOUR) + 1).saturating_mul(HOUR);
        let Ok(next) = Timestamp::from_second(next) else { break };
        at = next.min(latest);
    }
    let spread = SKIP_SPREAD.mul_f64(random.clamp(0.0, 1.0));
    let moved = Duration::try_from(at.duration_since(now)).unwrap_or(wait);
    (moved.saturating_add(spread), why)
}

/// When to poll a feed after a start, given when it was to be polled next: never later than its config allows by now, or than a day,
/// whatever was noted; the clock may have been wrong then.
pub fn wait_after_start(next_poll: Timestamp, longest: Duration, is_left_alone: bool, now: Timestamp) -> Duration {
    let longest = if is_left_alone { SKIP_MAX } else { longest.mul_f64(1.5).min(SKIP_MAX) };
    let wait = next_poll.duration_since(now).max(SignedDuration::ZERO);
    Duration::try_from(wait).unwrap_or_default().min(longest)
}

/// Why a poll that somebody asks for waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hold {
    /// The feed was polled a moment ago.
    JustPolled,
    /// Its server asks to be left alone (`Retry-After`).
    RetryAfter,
    /// Its whole site rests: it was asked a moment ago, or said that it is asked too often.
    SiteRests,
}

/// The soonest that a feed is polled when somebody asks for it at `now`, and what holds it back if that is later. It goes before rhythm, wishes
/// of the publisher and our own patience with failures, but not before what its server asks for. The gap between two
/// fetches of one site, and how many go at once, hold beside it.
pub fn soonest(cursor: &FeedCursor, now: Timestamp) -> (Timestamp, Option<Hold>) {
    let after = cursor.last_poll.and_then(|last| last.checked_add(ASKED_GAP).ok());
    match (after.filter(|after| *after > now), cursor.asked_until.filter(|until| *until > now)) {
        (Some(after), Some(until)) if after > until => (after, Some(Hold::JustPolled)),
        (_, Some(until)) => (until, Some(Hold::RetryAfter)),
        // A clock that was set back must not hold a feed for long.
        (Some(after), None) if after.duration_since(now) <= ASKED_GAP => (after, Some(Hold::JustPolled)),
        _ => (now, None),
    }
}

#[cfg(test)]
mod tests;
