//! When a feed publishes, learned from what its polls brought, and the interval that follows from it: pure arithmetic over
//! [`Rhythm`]; called by `poll`.
//!
//! A feed publishes by the time of day and week, and in bursts. Both are counted: moments of publication by three-hour bins of weekdays
//! and weekends, which fade over weeks, and those of the last hour. A rate is a count by a time, and where little was seen it leans on
//! what is known of more: the last hour on its bin, a bin on the whole, the whole on a guess (gamma-Poisson shrinkage, as Gelman et
//! al., *Bayesian Data Analysis*, section 2.6). The interval is inversely proportional to the square root of the rate: of all ways to
//! spend a number of polls on feeds of different rates this one makes the mean delay of an entry least (the mean delay is half the
//! interval, weighted by the rate; Lagrange's multipliers give the root).

use std::time::Duration;

use jiff::tz::Offset;
use jiff::{SignedDuration, Timestamp};
use rustc_hash::FxHasher;

use crate::model::{Item, RHYTHM_BINS, Rhythm};

/// Interval of a feed with one moment a second; of one with n moments an hour it is this times the root of 3600 / n. It sets how many
/// polls are spent in all: chosen by the simulation in `BENCHMARKS.md`, section "Schedule".
const INTERVAL_FACTOR: f64 = 3.8;
/// Moments closer together than this are one: a publisher's tool lets several entries out at a time.
const MOMENT: SignedDuration = SignedDuration::from_secs(60);
/// How far back entries say something about the rhythm.
const HISTORY: SignedDuration = SignedDuration::from_hours(28 * 24);
/// After so long a count is worth half.
const HALF_LIFE_DAYS: f64 = 14.0;
/// What "the last hour" fades with, in seconds.
const RECENT: f64 = 3600.0;
/// Moments that the guess, the whole and the bin are worth where another count leans on them.
const GUESS_WEIGHT: f64 = 1.0;
const WHOLE_WEIGHT: f64 = 2.0;
const BIN_WEIGHT: f64 = 0.7;
/// Rate of a feed of which nothing is known: four moments an hour.
const GUESS: f64 = 4.0 / 3600.0;
/// The bin that begins within this time counts already: its first entries must not wait for a poll of the night's interval.
const AHEAD: SignedDuration = SignedDuration::from_mins(20);
/// A thousandth is one.
const MILLI: f64 = 1000.0;
const BIN: i64 = 3 * 3600;
const DAY: i64 = 24 * 3600;

/// A feed is stale only where so many moments were seen ...
const STALE_MOMENTS_MIN: f64 = 20.0;
/// ... over so long, that weekends are known ...
const STALE_HISTORY_MIN: SignedDuration = SignedDuration::from_hours(8 * 24);
/// ... and when it has been silent for at least this ...
const STALE_SILENCE_MIN: SignedDuration = SignedDuration::from_hours(12);
/// ... and while it would have published so often by its rhythm. Publishing comes in bursts, so that this is far above what chance
/// alone would ask for (e^-10).
const STALE_EXPECTED_MIN: f64 = 10.0;

/// Takes in what a poll at `now` brought: the entries of a body, or nothing where the feed says that nothing changed. True where
/// something was new.
pub(super) fn observe(rhythm: &mut Rhythm, items: Option<&[Item]>, now: Timestamp) -> bool {
    let Some(items) = items else { return learn(rhythm, &[], now) };
    let listing = listing(items);
    let is_changed = std::mem::replace(&mut rhythm.listing, listing) != listing && rhythm.until.is_some();
    let mut dates: Vec<Timestamp> = items.iter().filter_map(|item| item.published.or(item.updated)).collect();
    // A day without a time says nothing about the time; a feed of which half is so is taken for one without dates.
    let timed = dates.iter().filter(|date| date.as_second().rem_euclid(DAY) != 0).count();
    if rhythm.until.is_some() && !is_changed {
        // What was dated ahead before is here already.
        dates.retain(|date| *date <= now);
    }
    if timed * 2 > items.len() {
        return learn(rhythm, &dates, now);
    }
    let moment = is_changed.then_some(now);
    learn(rhythm, moment.as_slice(), now)
}

/// Takes in the dates of the entries that a poll at `now` found, old and new. True where one is new.
pub fn learn(rhythm: &mut Rhythm, dates: &[Timestamp], now: Timestamp) -> bool {
    let moments = new_moments(rhythm, dates, now);
    // What a first body holds reaches back to its oldest entry: that one begins the count, and is not counted.
    let is_first = rhythm.until.is_none();
    let since = moments.first().copied().filter(|_| is_first).unwrap_or(now);
    let until = *rhythm.until.get_or_insert(since);
    rhythm.since.get_or_insert(since);
    // A clock that was set back: nothing is counted twice.
    if now > until {
        fade(rhythm, until, now);
        watch(rhythm, until, now);
        rhythm.until = Some(now);
    }
    let mut before = rhythm.newest;
    for &moment in &moments {
        if let Some(before) = before {
            let pause = u32::try_from(moment.duration_since(before).as_secs()).unwrap_or_default();
            rhythm.longest_pause = rhythm.longest_pause.max(pause);
        }
        before = Some(moment);
    }
    rhythm.newest = before;
    moments.iter().skip(usize::from(is_first)).for_each(|moment| count(rhythm, *moment, now));
    !moments.is_empty()
}

/// The rate at which the feed publishes at `now`, in moments a second.
pub fn rate(rhythm: &Rhythm, now: Timestamp) -> f64 {
    let ahead = now.saturating_add(AHEAD).unwrap_or(now);
    let of_bin = bin_rate(rhythm, now).max(bin_rate(rhythm, ahead));
    leaning(f64::from(rhythm.recent_moments) / MILLI, f64::from(rhythm.recent_watched), BIN_WEIGHT, of_bin)
}

/// The interval for a feed of this rhythm at `now`, before any bounds; nothing before its first success.
pub fn interval(rhythm: &Rhythm, now: Timestamp) -> Option<Duration> {
    rhythm.until?;
    let seconds = INTERVAL_FACTOR / rate(rhythm, now).max(1e-9).sqrt();
    Some(Duration::from_secs_f64(seconds.clamp(1.0, 31.0 * 86_400.0)))
}

/// The mean time between two moments, over the whole week; nothing where fewer than three were seen.
pub fn mean_gap(rhythm: &Rhythm) -> Option<Duration> {
    let (moments, watched) = whole(rhythm);
    (moments >= 3.0).then(|| Duration::from_secs_f64((watched / moments).clamp(1.0, 1e9)))
}

/// Since when the feed is silent against its own rhythm; nothing where it is not, or has none.
pub(super) fn stale_since(rhythm: &Rhythm, now: Timestamp) -> Option<Timestamp> {
    let (newest, since) = (rhythm.newest?, rhythm.since?);
    let silence = now.duration_since(newest);
    let pause = SignedDuration::from_secs(i64::from(rhythm.longest_pause).saturating_mul(2));
    let is_known = whole(rhythm).0 >= STALE_MOMENTS_MIN && newest.duration_since(since) >= STALE_HISTORY_MIN;
    let is_long = silence >= STALE_SILENCE_MIN.max(pause);
    (is_known && is_long && expected(rhythm, newest, now) >= STALE_EXPECTED_MIN).then_some(newest)
}

/// Moments to be expected between two times.
fn expected(rhythm: &Rhythm, from: Timestamp, to: Timestamp) -> f64 {
    let mut sum = 0.0;
    // The silence itself is no part of what was usual: it would make itself expected. As it fades in slowly, that is left aside.
    stretches(from, to, |bin, seconds| sum += bin_rate_at(rhythm, bin) * seconds);
    sum
}

/// The moments of publication among the dates, after what is known, each once and in order.
fn new_moments(rhythm: &Rhythm, dates: &[Timestamp], now: Timestamp) -> Vec<Timestamp> {
    let oldest = now.saturating_sub(HISTORY).unwrap_or(Timestamp::MIN);
    let after = rhythm.newest.map_or(oldest, |newest| newest.max(oldest));
    // What is dated ahead was not published then: it is here now.
    let mut new: Vec<Timestamp> = dates.iter().map(|date| (*date).min(now)).filter(|date| *date > after).collect();
    new.sort_unstable();
    let mut moments: Vec<Timestamp> = Vec::new();
    for date in new {
        if moments.last().or(rhythm.newest.as_ref()).is_none_or(|last| date.duration_since(*last) >= MOMENT) {
            moments.push(date);
        }
    }
    moments
}

/// A hash of the identities, in whatever order they come: it is only ever compared with itself.
fn listing(items: &[Item]) -> u64 {
    let hash = |item: &Item| {
        let mut hasher = FxHasher::default();
        std::hash::Hash::hash(&item.identity.key, &mut hasher);
        std::hash::Hasher::finish(&hasher)
    };
    items.iter().map(hash).fold(0, u64::wrapping_add)
}

/// Makes what was counted until `from` older by the time to `now`.
fn fade(rhythm: &mut Rhythm, from: Timestamp, now: Timestamp) {
    // Once a day: in steps of a poll the rounding would eat the fading.
    let days = now.as_second().div_euclid(DAY) - from.as_second().div_euclid(DAY);
    if days > 0 {
        let factor = 0.5_f64.powf(f64::from(i32::try_from(days).unwrap_or(i32::MAX)) / HALF_LIFE_DAYS);
        for number in rhythm.moments.iter_mut().chain(&mut rhythm.watched) {
            *number = whole_number(f64::from(*number) * factor);
        }
        rhythm.longest_pause = whole_number(f64::from(rhythm.longest_pause) * factor.powf(0.25));
    }
    let factor = recent_factor(from, now);
    rhythm.recent_moments = whole_number(f64::from(rhythm.recent_moments) * factor);
    rhythm.recent_watched =
        whole_number((f64::from(rhythm.recent_watched) - RECENT).mul_add(factor, RECENT)).min(whole_number(RECENT));
}

fn recent_factor(from: Timestamp, now: Timestamp) -> f64 {
    (-now.duration_since(from).as_secs_f64().max(0.0) / RECENT).exp()
}

fn watch(rhythm: &mut Rhythm, from: Timestamp, now: Timestamp) {
    stretches(from, now, |bin, seconds| {
        if let Some(watched) = rhythm.watched.get_mut(bin) {
            *watched = watched.saturating_add(whole_number(seconds));
        }
    });
}

fn count(rhythm: &mut Rhythm, moment: Timestamp, now: Timestamp) {
    if let Some(moments) = rhythm.moments.get_mut(bin_of(moment)) {
        *moments = moments.saturating_add(whole_number(MILLI));
    }
    rhythm.recent_moments = rhythm.recent_moments.saturating_add(whole_number(MILLI * recent_factor(moment, now)));
}

/// Calls `take` with the bin and the seconds of each stretch between two times that lies in one bin.
fn stretches(from: Timestamp, to: Timestamp, mut take: impl FnMut(usize, f64)) {
    let end = to.as_second();
    // Bounded whatever the clock says: more than the history is never asked for.
    let mut at = from.as_second().max(end.saturating_sub(2 * HISTORY.as_secs()));
    while at < end {
        let next = ((at.div_euclid(BIN) + 1) * BIN).min(end);
        let seconds = f64::from(u32::try_from(next - at).unwrap_or_default());
        take(bin_of_second(at), seconds);
        at = next;
    }
}

fn bin_of(time: Timestamp) -> usize {
    bin_of_second(time.as_second())
}

fn bin_of_second(second: i64) -> usize {
    let of_day = usize::try_from(second.rem_euclid(DAY) / BIN).unwrap_or_default();
    let weekday = Timestamp::from_second(second)
        .map_or(0, |time| Offset::UTC.to_datetime(time).weekday().to_monday_zero_offset());
    if weekday < 5 { of_day } else { of_day + RHYTHM_BINS / 2 }
}

fn bin_rate(rhythm: &Rhythm, at: Timestamp) -> f64 {
    bin_rate_at(rhythm, bin_of(at))
}

fn bin_rate_at(rhythm: &Rhythm, bin: usize) -> f64 {
    let (moments, watched) = whole(rhythm);
    let overall = leaning(moments, watched, GUESS_WEIGHT, GUESS);
    let moments = rhythm.moments.get(bin).copied().unwrap_or_default();
    let watched = rhythm.watched.get(bin).copied().unwrap_or_default();
    leaning(f64::from(moments) / MILLI, f64::from(watched), WHOLE_WEIGHT, overall)
}

/// Moments of all bins, and seconds.
fn whole(rhythm: &Rhythm) -> (f64, f64) {
    let sum = |numbers: &[u32]| numbers.iter().map(|&number| f64::from(number)).sum::<f64>();
    (sum(&rhythm.moments) / MILLI, sum(&rhythm.watched))
}

/// The rate of so many moments in so many seconds, together with `weight` moments at the rate `prior`.
fn leaning(moments: f64, seconds: f64, weight: f64, prior: f64) -> f64 {
    (moments + weight) / (seconds + weight / prior.max(1e-9))
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "within the bounds of the type before")]
fn whole_number(number: f64) -> u32 {
    number.round().clamp(0.0, f64::from(u32::MAX)) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(time: &str) -> Timestamp {
        time.parse().unwrap()
    }

    /// A rhythm after polls every ten minutes from a Monday on, of a feed that publishes whenever `publishes` says so.
    fn learned(days: i64, publishes: impl Fn(i64) -> bool) -> (Rhythm, Timestamp) {
        let start = at("2024-10-28T00:00:00Z");
        let (mut rhythm, mut now) = (Rhythm::default(), start);
        for step in 0..days * 144 {
            now = start.checked_add(SignedDuration::from_mins(step * 10)).unwrap();
            let date = [now];
            learn(&mut rhythm, if publishes(step) { &date } else { &[] }, now);
        }
        (rhythm, now)
    }

    fn minutes(rhythm: &Rhythm, now: Timestamp) -> u64 {
        interval(rhythm, now).unwrap().as_secs() / 60
    }

    #[test]
    fn the_interval_follows_the_root_of_the_rate() {
        let mut last = 0;
        for (every, expected) in [(1, 1..=2), (6, 3..=5), (24, 6..=9), (144, 8..=25)] {
            let (rhythm, now) = learned(14, |step| step % every == 0);
            let found = minutes(&rhythm, now);
            assert!(expected.contains(&found) && found > last, "one every {every}: {found} min");
            last = found;
            let gap = mean_gap(&rhythm).unwrap().as_secs().cast_signed();
            assert!((gap - every * 600).abs() < every * 60, "one every {every}: {gap} s");
        }
        assert_eq!(interval(&Rhythm::default(), at("2024-10-28T00:00:00Z")), None);
    }

    #[test]
    fn nights_and_weekends_are_polled_less_and_bursts_more() {
        let is_office = |step: i64| (step / 144) % 7 < 5 && (48..102).contains(&(step % 144)) && step % 3 == 0;
        let (rhythm, _) = learned(21, is_office);
        let [day, night, weekend] =
            ["2024-11-19T10:00:00Z", "2024-11-19T01:00:00Z", "2024-11-23T10:00:00Z"].map(|time| {
                let mut rhythm = rhythm.clone();
                let now = at(time);
                learn(&mut rhythm, &[], now);
                minutes(&rhythm, now)
            });
        assert!(day * 2 < night && day * 2 < weekend, "{day} {night} {weekend}");
        let mut burst = rhythm;
        let now = at("2024-11-23T10:00:00Z");
        learn(&mut burst, &[], now.checked_sub(SignedDuration::from_mins(30)).unwrap());
        let dates: Vec<Timestamp> =
            (1..=10).map(|back| now.checked_sub(SignedDuration::from_mins(back * 2)).unwrap()).collect();
        assert!(learn(&mut burst, &dates, now));
        assert!(minutes(&burst, now) * 3 < weekend, "{}", minutes(&burst, now));
    }

    #[test]
    fn a_first_body_tells_the_rhythm_of_days() {
        let now = at("2024-10-30T12:00:00Z");
        let mut rhythm = Rhythm::default();
        let mut dates: Vec<Timestamp> =
            (0..48).map(|back| now.checked_sub(SignedDuration::from_hours(back)).unwrap()).collect();
        // What is absurd says nothing: the far past is left out, the future is now.
        dates.extend([at("1970-01-01T00:00:01Z"), at("2037-01-01T00:00:01Z")]);
        assert!(learn(&mut rhythm, &dates, now));
        assert!(!learn(&mut rhythm, &dates, now), "old ones are not new");
        let gap = mean_gap(&rhythm).unwrap().as_secs();
        assert!((3500..3700).contains(&gap), "{gap}");
        assert_eq!((rhythm.longest_pause, rhythm.newest), (3600, Some(now)));
    }

    #[test]
    fn nothing_that_a_clock_or_a_feed_says_breaks_the_arithmetic() {
        let times = [Timestamp::MIN, Timestamp::UNIX_EPOCH, at("2024-10-28T00:00:00Z"), Timestamp::MAX];
        for first in times {
            for second in times {
                let mut rhythm = Rhythm::default();
                learn(&mut rhythm, &times, first);
                learn(&mut rhythm, &times, second);
                learn(&mut rhythm, &[], first);
                let found = interval(&rhythm, second).unwrap();
                assert!(found >= Duration::from_secs(1) && found <= Duration::from_hours(31 * 24), "{found:?}");
                assert!(stale_since(&rhythm, second).is_none_or(|since| since < second));
                let stored = serde_json::to_string(&rhythm).unwrap();
                assert!(stored.len() < 900, "{stored}");
                assert_eq!(serde_json::from_str::<Rhythm>(&stored).unwrap(), rhythm);
            }
        }
        assert_eq!(serde_json::from_str::<Rhythm>("{}").unwrap(), Rhythm::default());
    }
}
