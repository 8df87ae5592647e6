//! Tables of waits.

use super::*;

const PACE: Pace = Pace {
    shortest: Duration::from_mins(5),
    longest: Duration::from_hours(1),
    jitter: 0.1,
    backoff_max: Duration::from_hours(1),
};

/// A Thursday.
fn now() -> Timestamp {
    "2024-10-31T09:30:00Z".parse().unwrap()
}

fn minutes(minutes: u64) -> Duration {
    Duration::from_mins(minutes)
}

fn failure(failures: u32, is_retryable: bool, retry_after: Option<u64>) -> Ending {
    Ending::Failure { failures, is_retryable, retry_after: retry_after.map(Duration::from_secs) }
}

#[track_caller]
fn check(ending: Ending, random: f64, seconds: u64, reason: PollReason) {
    assert_eq!(next_poll_after(PACE, ending, now(), random), (Duration::from_secs(seconds), reason));
}

#[track_caller]
fn check_said(said: Said, wait_minutes: u64, reason: PollReason) {
    check(Ending::Success(said), 0.5, wait_minutes * 60, reason);
}

#[test]
fn a_rhythm_moves_between_the_bounds_of_the_config() {
    let of = |rhythm: u64| Said { rhythm: Some(minutes(rhythm)), ..Said::default() };
    check_said(Said::default(), 5, PollReason::Interval);
    check_said(of(1), 5, PollReason::Interval);
    // The shortest interval is one: the jitter only makes it longer.
    check(Ending::Success(of(1)), 0.0, 300, PollReason::Interval);
    check(Ending::Success(of(1)), 1.0, 330, PollReason::Interval);
    check_said(of(12), 12, PollReason::Rhythm);
    check_said(of(600), 60, PollReason::IntervalMax);
    check(Ending::Success(of(20)), 0.0, 18 * 60, PollReason::Rhythm);
    check(Ending::Success(of(20)), 1.0, 22 * 60, PollReason::Rhythm);
    check(Ending::Success(of(20)), 7.0, 22 * 60, PollReason::Rhythm);
}

#[test]
fn the_publishers_word_is_a_lower_bound_and_the_users_longest_interval_goes_before_it() {
    let ttl = |ttl: u32| Wishes { ttl: Some(ttl * 60), ..Wishes::default() };
    let rhythm = Some(minutes(12));
    let said = |wishes, fresh| Said { rhythm, rate: None, wishes, fresh };
    let fresh = |max_age: Option<u64>, expires: Option<u64>| Freshness {
        max_age: max_age.map(minutes),
        expires: expires.map(minutes),
    };
    check_said(said(ttl(0), Freshness::default()), 12, PollReason::Rhythm);
    check_said(said(ttl(10), Freshness::default()), 12, PollReason::Rhythm);
    check_said(said(ttl(30), Freshness::default()), 30, PollReason::Ttl);
    check_said(said(ttl(30), fresh(Some(40), Some(50))), 40, PollReason::MaxAge);
    check_said(said(ttl(30), fresh(Some(0), Some(50))), 30, PollReason::Ttl);
    check_said(said(ttl(30), fresh(None, Some(50))), 50, PollReason::Expires);
    check_said(said(ttl(30), fresh(Some(525_600), None)), 60, PollReason::IntervalMax);
    // The jitter does not come too early.
    let asked = Ending::Success(said(ttl(30), Freshness::default()));
    check(asked, 0.0, 30 * 60, PollReason::Ttl);
    check(asked, 1.0, 33 * 60, PollReason::Ttl);
}

#[test]
fn an_update_period_that_the_feed_itself_outruns_is_a_default_that_nobody_chose() {
    let hourly = Wishes { update_period: Some(1800), ..Wishes::default() };
    let said = |per_hour: f64| Said {
        rhythm: Some(minutes(6)),
        rate: Some(per_hour / 3600.0),
        wishes: hourly,
        ..Said::default()
    };
    check_said(said(2.0), 30, PollReason::UpdatePeriod);
    check_said(said(7.0), 6, PollReason::Rhythm);
}

#[test]
fn a_fixed_interval_is_kept_whatever_the_feed_says() {
    let fixed = Pace { longest: minutes(5), ..PACE };
    let wishes = Wishes { ttl: Some(86_400), skip_hours: (1 << 24) - 1, ..Wishes::default() };
    let said = Said { rhythm: Some(minutes(50)), rate: None, wishes, fresh: Freshness::default() };
    let next = |random| next_poll_after(fixed, Ending::Success(said), now(), random);
    assert_eq!(next(0.5), (minutes(5), PollReason::Interval));
    assert_eq!((next(0.0).0, next(1.0).0), (minutes(5), Duration::from_secs(330)));
}

#[test]
fn skipped_hours_and_days_are_left_out_for_a_day_at_most() {
    let hours = |from: u32, to: u32| (from..=to).fold(0, |mask, hour| mask | 1 << hour);
    let said = |skip_hours, skip_days| Said {
        rhythm: Some(minutes(40)),
        wishes: Wishes { skip_hours, skip_days, ..Wishes::default() },
        ..Said::default()
    };
    let next = |said, random| {
        let pace = Pace { jitter: 0.0, ..PACE };
        let (wait, reason) = next_poll_after(pace, Ending::Success(said), now(), random);
        (now() + wait, reason)
    };
    let at = |time: &str| time.parse::<Timestamp>().unwrap();
    assert_eq!(next(said(hours(0, 9), 0), 0.0), (at("2024-10-31T10:10:00Z"), PollReason::Rhythm));
    assert_eq!(next(said(hours(10, 13), 0), 0.0), (at("2024-10-31T14:00:00Z"), PollReason::SkipHours));
    assert_eq!(next(said(hours(10, 13), 0), 1.0), (at("2024-10-31T14:05:00Z"), PollReason::SkipHours));
    // Thursday is the fourth day.
    assert_eq!(next(said(0, 1 << 3), 0.0), (at("2024-11-01T00:00:00Z"), PollReason::SkipDays));
    assert_eq!(next(said(hours(0, 23), 0), 0.0), (at("2024-11-01T10:10:00Z"), PollReason::SkipHours));
    assert_eq!(next(said(0, 0b111_1111), 0.0), (at("2024-11-01T10:10:00Z"), PollReason::SkipDays));
}

#[test]
fn passing_trouble_is_retried_soon_and_then_less_and_less() {
    for (failures, expected) in [(1, 30), (2, 60), (3, 120), (5, 480), (8, 3600), (40, 3600), (u32::MAX, 3600)] {
        check(failure(failures, true, None), 0.5, expected, PollReason::Backoff);
    }
}

#[test]
fn lasting_trouble_backs_off_from_the_interval() {
    for (failures, expected) in [(0, 300), (1, 300), (2, 600), (4, 2400), (5, 3600)] {
        check(failure(failures, false, None), 0.5, expected, PollReason::Backoff);
    }
    check(Ending::Retired, 0.5, 7 * 86_400, PollReason::Retired);
}

#[test]
fn the_servers_wish_is_a_lower_bound() {
    check(failure(1, true, Some(1000)), 0.0, 1000, PollReason::RetryAfter);
    check(failure(1, true, Some(86_400)), 0.5, 86_400, PollReason::RetryAfter);
    check(failure(8, true, Some(10)), 0.5, 3600, PollReason::Backoff);
}

#[test]
fn a_poll_that_is_asked_for_waits_for_nobody_but_the_server() {
    let at = |seconds: i64| now().checked_add(SignedDuration::from_secs(seconds)).ok();
    let cursor = |last: i64, until: Option<i64>| FeedCursor {
        last_poll: at(last),
        asked_until: until.and_then(at),
        left_alone_until: at(9_999),
        ..FeedCursor::new(crate::model::FeedId::new("a"))
    };
    let check = |cursor: FeedCursor, seconds, hold| {
        assert_eq!(soonest(&cursor, now()), (at(seconds).unwrap(), hold), "{cursor:?}");
    };
    check(cursor(-60, None), 0, None);
    check(cursor(-2, None), 3, Some(Hold::JustPolled));
    check(cursor(-60, Some(900)), 900, Some(Hold::RetryAfter));
    check(cursor(-1, Some(2)), 4, Some(Hold::JustPolled));
    check(cursor(-60, Some(-1)), 0, None);
    check(cursor(9_000, None), 0, None);
}

#[test]
fn a_start_does_not_wait_for_what_a_wrong_clock_noted() {
    let wait = |seconds: i64, is_left_alone| {
        let next = now().checked_add(SignedDuration::from_secs(seconds)).unwrap();
        wait_after_start(next, minutes(20), is_left_alone, now()).as_secs()
    };
    assert_eq!([wait(-5, false), wait(60, false), wait(100_000, false)], [0, 60, 1800]);
    assert_eq!([wait(60, true), wait(7200, true), wait(1_000_000, true)], [60, 7200, 86_400]);
}
