//! How quickly feeds are read: bytes to entries by gainsay, and by feed-rs alone, in turns on the same bytes.
//!
//! `cargo run --release --example parse_speed -- FEED…` prints a JSON object for each file: its bytes, and for each reader the entries and
//! the megabytes a second of its median round.

#![allow(clippy::print_stdout, reason = "a tool for the developer")]

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use gainsay::intake::parse;

/// Rounds of each reader; an odd number has a median.
const ROUNDS: usize = 301;
const ENTRIES_MAX: usize = 10_000;

fn main() -> Result<()> {
    for path in std::env::args().skip(1) {
        let bytes = std::fs::read(&path).with_context(|| format!("cannot read {path}"))?;
        let ours = || parse(&bytes, None, None, ENTRIES_MAX).map_or(0, |feed| feed.items.len());
        let theirs = || feed_rs::parser::parse(bytes.as_slice()).map_or(0, |feed| feed.entries.len());
        let (mut our_times, mut their_times) = (Vec::new(), Vec::new());
        for _ in 0..ROUNDS {
            our_times.push(time(&ours));
            their_times.push(time(&theirs));
        }
        let told = |entries: usize, times: Vec<Duration>| serde_json::json!({ "entries": entries, "mb_per_s": megabytes_per_second(bytes.len(), times) });
        let line = serde_json::json!({
            "feed": path,
            "bytes": bytes.len(),
            "gainsay": told(ours(), our_times),
            "feed-rs": told(theirs(), their_times),
        });
        println!("{line}");
    }
    Ok(())
}

fn time(read: &impl Fn() -> usize) -> Duration {
    let begun = Instant::now();
    std::hint::black_box(read());
    begun.elapsed()
}

#[allow(clippy::cast_precision_loss, reason = "sizes of files are far below 2^52")]
fn megabytes_per_second(bytes: usize, mut times: Vec<Duration>) -> f64 {
    times.sort_unstable();
    let median = times.get(times.len() / 2).map_or(f64::NAN, Duration::as_secs_f64);
    (bytes as f64 / median / 1e5).round() / 10.0
}
