//! Simulated days of 300 feeds: how long entries wait for their poll, and how many polls bring something, with the adaptive schedule and
//! with a poll every five minutes. No network, virtual time; `BENCHMARKS.md`, section "Schedule".
//!
//! `cargo run --release --example schedule [SEED…]`. The same seed gives the same numbers.
//!
//! The model of a feed, drawn per feed from the seed:
//! - its mean rate: log-normal, median 14 entries a day, sigma 1.3 (a few in ten minutes to one in days);
//! - its day: entries come by a cosine of the local hour with its top at 14:00 to 17:00 and a depth of 0 (an agency that never sleeps) to
//!   0.98 (an office), in one of the time zones from -8 to +9;
//! - its weekend: a factor of 0.1 to 1 on the rate;
//! - its bursts: 4 in 10 feeds publish in clusters of 2 to 8 entries, minutes apart, as a story unfolds;
//! - its tool: 3 in 10 feeds are written by a job that runs every 5 to 30 minutes, so that entries appear together at its runs;
//! - what it holds: the latest 10 to 100 entries, dated to the second when they appear (1 in 10 feeds: no dates at all).
//!
//! Nothing in it says how the schedule learns: no three-hour bins, no Poisson rates that stay, no bounds of the config.

#![expect(clippy::print_stdout, reason = "a report")]
#![expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "small numbers"
)]

use std::time::Duration;

use fastrand::Rng;
use gainsay::intake::rhythm::{interval, learn, rate};
use gainsay::intake::{Ending, Pace, Said, next_poll_after};
use gainsay::model::Rhythm;
use jiff::Timestamp;

const FEEDS: usize = 300;
/// Days of which the schedule has polled before the count begins, and days that are counted: one of each kind of day.
const WARM_UP_DAYS: i64 = 14;
const DAYS: i64 = 7;
const DAY: i64 = 86_400;
/// A Monday.
const START: i64 = 1_730_073_600;
const FIXED: Pace = Pace {
    shortest: Duration::from_mins(5),
    longest: Duration::from_mins(5),
    jitter: 0.1,
    backoff_max: Duration::from_hours(6),
};

/// A feed: when its entries appear, in seconds, sorted.
struct Feed {
    entries: Vec<i64>,
    length: usize,
    is_dated: bool,
}

/// What came of polling.
#[derive(Default)]
struct Tally {
    delays: Vec<i64>,
    polls: u64,
    useful: u64,
}

fn main() {
    let seeds: Vec<u64> = std::env::args().skip(1).filter_map(|seed| seed.parse().ok()).collect();
    let seeds = if seeds.is_empty() { vec![1, 2, 3, 4, 5] } else { seeds };
    println!(
        "{:<28} {:>8} {:>8} {:>8} {:>10} {:>14}",
        "schedule, seed", "p50 s", "p95 s", "mean s", "useful %", "polls a day"
    );
    for seed in seeds {
        let mut rng = Rng::with_seed(seed);
        let feeds: Vec<Feed> = (0..FEEDS).map(|_| feed(&mut rng)).collect();
        let fixed = simulate(&feeds, FIXED, false, seed);
        let adaptive = adaptive_pace();
        print("every 5 min", seed, fixed, DAYS);
        print("adaptive", seed, simulate(&feeds, adaptive, false, seed), DAYS);
        print("adaptive, first day", seed, simulate(&feeds, adaptive, true, seed), 1);
    }
}

/// That of a config that sets nothing.
fn adaptive_pace() -> Pace {
    let intake = gainsay::config::IntakeConfig::default();
    Pace {
        shortest: intake.poll_interval,
        longest: intake.poll_interval_max,
        jitter: intake.jitter,
        backoff_max: intake.backoff_max,
    }
}

fn print(name: &str, seed: u64, mut tally: Tally, days: i64) {
    tally.delays.sort_unstable();
    let quantile =
        |share: f64| tally.delays.get((tally.delays.len() as f64 * share) as usize).copied().unwrap_or_default();
    let mean = tally.delays.iter().sum::<i64>() as f64 / tally.delays.len().max(1) as f64;
    let useful = 100.0 * tally.useful as f64 / tally.polls.max(1) as f64;
    let polls = tally.polls / days.unsigned_abs();
    let name = format!("{name}, {seed}");
    println!("{name:<28} {:>8} {:>8} {mean:>8.0} {useful:>10.1} {polls:>14}", quantile(0.5), quantile(0.95));
}

/// Polls each feed from the start of the warm-up, or from the first day that is counted.
fn simulate(feeds: &[Feed], pace: Pace, is_cold: bool, seed: u64) -> Tally {
    let mut tally = Tally::default();
    let (counted, end) = (START + WARM_UP_DAYS * DAY, if is_cold { 1 } else { DAYS });
    let end = counted + end * DAY;
    for (number, feed) in feeds.iter().enumerate() {
        let mut rng = Rng::with_seed(seed.wrapping_mul(1_000_003).wrapping_add(number as u64));
        let mut rhythm = Rhythm::default();
        let mut at = if is_cold { counted } else { START } + rng.i64(0..300);
        let mut seen = feed.entries.partition_point(|entry| *entry <= at);
        let mut first = seen.saturating_sub(feed.length);
        while at < end {
            let known = feed.entries.partition_point(|entry| *entry <= at);
            let new = feed.entries.get(seen..known).unwrap_or_default();
            if at >= counted {
                tally.polls += 1;
                tally.useful += u64::from(!new.is_empty());
                tally.delays.extend(new.iter().filter(|entry| **entry >= counted).map(|entry| at - entry));
            }
            first = first.max(known.saturating_sub(feed.length));
            let now = Timestamp::from_second(at).unwrap_or_default();
            let stated = feed.entries.get(first..known).unwrap_or_default();
            let stated: Vec<Timestamp> =
                stated.iter().filter_map(|entry| Timestamp::from_second(*entry).ok()).collect();
            let dates = if feed.is_dated {
                &stated[..]
            } else if new.is_empty() {
                &[]
            } else {
                &[now][..]
            };
            learn(&mut rhythm, dates, now);
            seen = known;
            let said = Said { rhythm: interval(&rhythm, now), rate: Some(rate(&rhythm, now)), ..Said::default() };
            let (wait, _) = next_poll_after(pace, Ending::Success(said), now, rng.f64());
            at += wait.as_secs().max(1).cast_signed();
        }
    }
    tally
}

/// A feed drawn from the model.
fn feed(rng: &mut Rng) -> Feed {
    let per_day = 14.0 * (1.3 * normal(rng)).exp();
    let (depth, top, zone) = (rng.f64() * 0.98, 14.0 + 3.0 * rng.f64(), rng.i64(-8..=9));
    let weekend = 0.1 + 0.9 * rng.f64();
    let cluster = if rng.f64() < 0.4 { 2 + rng.usize(0..7) } else { 1 };
    let job = if rng.f64() < 0.3 { 300 * rng.i64(1..=6) } else { 1 };
    let mut entries = Vec::new();
    for minute in 0..(WARM_UP_DAYS + DAYS + 14) * 1440 {
        let at = START - 14 * DAY + minute * 60;
        let hour = ((at + zone * 3600).rem_euclid(DAY)) as f64 / 3600.0;
        let of_day = 1.0 + depth * ((hour - top) / 24.0 * std::f64::consts::TAU).cos();
        let of_week = if (at - START).div_euclid(DAY).rem_euclid(7) < 5 { 1.0 } else { weekend };
        if rng.f64() < per_day / 1440.0 / cluster as f64 * of_day * of_week {
            let mut time = at + rng.i64(0..60);
            for _ in 0..cluster {
                entries.push((time + job - 1).div_euclid(job) * job);
                time += 30 + (-rng.f64().max(1e-9).ln() * 400.0) as i64;
            }
        }
    }
    entries.sort_unstable();
    Feed { entries, length: rng.usize(10..=100), is_dated: rng.f64() >= 0.1 }
}

/// A normal deviate, by Box and Muller.
fn normal(rng: &mut Rng) -> f64 {
    (-2.0 * rng.f64().max(1e-12).ln()).sqrt() * (std::f64::consts::TAU * rng.f64()).cos()
}
