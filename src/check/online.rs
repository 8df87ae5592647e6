//! `check --online`: each feed is fetched and parsed once as the daemon would, each endpoint is connected to; sends no alert, no key,
//! and of an endpoint's address only the host.

use std::sync::Arc;

use anyhow::{Context as _, Result};
use jiff::{SignedDuration, Timestamp};
use tokio::task::JoinSet;

use crate::clock::{Clock as _, SystemClock};
use crate::config::{Config, FeedConfig, SinkConfig, SinkTarget};
use crate::intake::{Body, Fetched, Fetcher, ParsedFeed, Poller, count_files, parse};
use crate::model::{FeedCursor, shown_address, shown_endpoint};
use crate::sink::reach;

/// What came of one trial.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Tried {
    /// The feed or the sink.
    pub(super) what: String,
    /// Whether it answered as it should.
    pub(super) is_good: bool,
    /// What it answered, or why not.
    pub(super) answer: String,
}

/// Tries all feeds and sinks at once, within the config's limits; results in the order of the config.
pub(super) async fn try_all(config: &Config) -> Result<Vec<Tried>> {
    let poller = Arc::new(Poller::new(&config.intake).context("cannot build the HTTP client")?);
    let fetcher = Fetcher::new(&config.intake).context("cannot build the HTTP client")?;
    let mut trials = JoinSet::new();
    for (position, feed) in config.feeds.iter().cloned().enumerate() {
        let (poller, fetcher, entries_max) = (Arc::clone(&poller), fetcher.clone(), config.intake.entries_max);
        trials.spawn(async move {
            let cursor = FeedCursor::new(feed.id.clone());
            let _turn = poller.turn(&feed, &cursor, SystemClock.now()).await;
            (position, try_feed(&fetcher, &feed, entries_max).await)
        });
    }
    for (position, sink) in config.sinks.iter().cloned().enumerate() {
        trials.spawn(async move { (behind_feeds(position), try_sink(&sink).await) });
    }
    let mut results = trials.join_all().await;
    results.sort_by_key(|(position, _)| *position);
    Ok(results.into_iter().map(|(_, tried)| tried).collect())
}

/// Sinks come behind all feeds.
fn behind_feeds(sink: usize) -> usize {
    (usize::MAX / 2).saturating_add(sink)
}

async fn try_feed(fetcher: &Fetcher, feed: &FeedConfig, entries_max: usize) -> Tried {
    let now = SystemClock.now();
    let answer = read_feed(fetcher, feed, entries_max, now).await;
    let is_good = answer.is_ok();
    Tried { what: format!("feed {}", feed.id), is_good, answer: answer.unwrap_or_else(|error| error) }
}

async fn read_feed(fetcher: &Fetcher, feed: &FeedConfig, entries_max: usize, now: Timestamp) -> Result<String, String> {
    if feed.url.scheme() == "file" {
        let url = feed.url.clone();
        let files = tokio::task::spawn_blocking(move || count_files(&url)).await.map_err(|error| error.to_string())?;
        return files.map(|count| format!("files to read: {count}")).map_err(|error| error.to_string());
    }
    let fetched = fetcher.fetch(&feed.url, &feed.access, &FeedCursor::new(feed.id.clone()), now).await;
    let Fetched::Body(body) = fetched.map_err(|error| error.to_string())? else {
        return Err("answers \"not modified\" although nothing was read before".to_owned());
    };
    let Body { bytes, content_type, url, .. } = body;
    let target = url.clone();
    // Parsing is long work for a thread that serves others; its own limits bound it.
    let parsed = tokio::task::spawn_blocking(move || parse(&bytes, content_type.as_deref(), Some(&url), entries_max));
    let parsed = parsed.await.map_err(|error| error.to_string())?;
    let parsed = parsed.map_err(|error| format!("cannot read {}: {error}", shown_address(&target)))?;
    let moved = if target == feed.url { String::new() } else { format!(", redirects to {}", shown_address(&target)) };
    Ok(format!("{}{moved}", in_words(&parsed, now)))
}

fn in_words(feed: &ParsedFeed, now: Timestamp) -> String {
    let count = feed.items.len();
    let entries = if count == 1 { "1 entry".to_owned() } else { format!("{count} entries") };
    let newest = match feed.items.iter().filter_map(|item| item.published.or(item.updated)).max() {
        Some(newest) => format!(", newest {}", age(now.duration_since(newest))),
        None if count == 0 => String::new(),
        None => ", none is dated".to_owned(),
    };
    let repairs: Vec<String> =
        feed.repairs.0.iter().map(|(repair, times)| format!("{} {times}", repair.as_str())).collect();
    let repaired = if repairs.is_empty() { String::new() } else { format!(", repaired: {}", repairs.join(", ")) };
    format!("{entries}{newest}{repaired}")
}

/// An age in its largest unit.
fn age(age: SignedDuration) -> String {
    let seconds = age.as_secs();
    let (count, unit) = match seconds.unsigned_abs() {
        count @ 0..60 => (count, "s"),
        count @ 60..3_600 => (count / 60, "min"),
        count @ 3_600..172_800 => (count / 3_600, "h"),
        count => (count / 86_400, "days"),
    };
    if seconds < 0 { format!("{count} {unit} in the future") } else { format!("{count} {unit} old") }
}

async fn try_sink(sink: &SinkConfig) -> Tried {
    let what = format!("sink {}", sink.name);
    let SinkTarget::Webhook(webhook) = &sink.target else {
        return Tried { what, is_good: true, answer: "JSON Lines, nothing to connect to".to_owned() };
    };
    let host = shown_endpoint(&webhook.url);
    match reach(webhook).await {
        Ok(status) => Tried {
            what,
            is_good: true,
            answer: format!("{host} can be reached (HEAD / answers {status}); no alert was sent"),
        },
        Err(error) => Tried { what, is_good: false, answer: format!("{host} cannot be reached: {error}") },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_are_told_in_their_largest_unit() {
        let told = [-90, 5, 120, 7_200, 172_800].map(|seconds| age(SignedDuration::from_secs(seconds)));
        assert_eq!(told, ["1 min in the future", "5 s old", "2 min old", "2 h old", "2 days old"]);
    }
}
