//! `[[feed_list]]`: a list of feeds that is read anew from time to time; read from its table.

use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::time::Duration;

use toml::de::DeValue;
use url::Url;

use super::load::{BACKFILL, Names, PACE, Surroundings, address, file_path, label, read_intervals, text_policy};
use super::reader::{Section, Wrong, count, duration, string};
use super::{FeedAccess, FeedConfig, IntakeConfig, TextPolicy};
use crate::model::FeedId;

/// Characters of a list's id; what tells its feeds apart comes behind it.
pub(super) const ID_CHARS_MAX: usize = 32;
/// Bounds of the number of feeds.
pub(super) const FEEDS: RangeInclusive<i64> = 1..=10_000;
/// Bounds of the time between two readings.
pub(super) const INTERVAL: RangeInclusive<Duration> = *PACE.start()..=*PACE.end();

const ID: &str = "1 to 32 lower-case letters, digits, '.', '_' or '-'";

/// A list of feeds.
#[derive(Debug, Clone, PartialEq)]
pub struct FeedListConfig {
    /// Its name, with which the ids of its feeds begin.
    pub id: String,
    /// Where it is.
    pub source: ListSource,
    /// Time between two readings.
    pub interval: Duration,
    /// Most feeds taken of it.
    pub feeds_max: usize,
    /// The outlet of all its feeds; without it each has the title that the list gives it.
    pub outlet: Option<String>,
    /// Of its feeds.
    pub poll_interval: Duration,
    /// Of its feeds.
    pub poll_interval_max: Duration,
    /// Of its feeds.
    pub backfill: Duration,
    /// Of its feeds.
    pub text: TextPolicy,
}

/// Where a list is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ListSource {
    /// In this file.
    Path(PathBuf),
    /// At this address.
    Url(Url),
}

impl FeedListConfig {
    /// A feed of the list.
    pub fn feed(&self, id: String, url: Url, title: &str) -> FeedConfig {
        let host = || url.host_str().unwrap_or_default().to_owned();
        let titled = || if title.is_empty() { host() } else { title.to_owned() };
        FeedConfig {
            id: FeedId::new(id),
            outlet: self.outlet.clone().unwrap_or_else(titled),
            url,
            poll_interval: self.poll_interval,
            poll_interval_max: self.poll_interval_max,
            backfill: self.backfill,
            access: FeedAccess::default(),
            text: self.text,
        }
    }
}

/// Reads a `[[feed_list]]`; nothing together with a problem in the report.
pub(super) fn read_feed_list(
    mut section: Section<'_>,
    intake: &IntakeConfig,
    surroundings: &Surroundings<'_>,
    taken: &mut Names<'_, '_>,
) -> Option<FeedListConfig> {
    let place = section.place("id");
    let id = section.require("id", ID, |value| taken.claim(list_id(value)?, place));
    if section.has("url") == section.has("path") {
        let what = if section.has("url") { "has an url and a path" } else { "has neither url nor path" };
        section.problem(Wrong::new(what, "one of url and path"));
    }
    let url = section.read("url", address).map(ListSource::Url);
    let path = section.read("path", |value| file_path(value, surroundings)).map(ListSource::Path);
    let interval = section.read("interval", |value| duration(value, INTERVAL));
    let feeds_max = section.read("feeds_max", |value| count(value, &FEEDS));
    let outlet = section.read("outlet", label);
    let (poll_interval, poll_interval_max) =
        read_intervals(&mut section, (intake.poll_interval, intake.poll_interval_max));
    let backfill = section.read("backfill", |value| duration(value, BACKFILL));
    let text = section.read("text", text_policy);
    section.finish();
    Some(FeedListConfig {
        id: id?,
        source: url.or(path)?,
        interval: interval.unwrap_or(Duration::from_hours(1)),
        feeds_max: feeds_max.unwrap_or(1_000),
        outlet,
        poll_interval,
        poll_interval_max,
        backfill: backfill.unwrap_or(intake.backfill),
        text: text.unwrap_or(intake.text),
    })
}

fn list_id(value: &DeValue<'_>) -> Result<String, Wrong> {
    let text = string(value, ID)?;
    let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "._-".contains(c);
    if (1..=ID_CHARS_MAX).contains(&text.len()) && text.chars().all(fits) {
        Ok(text.to_owned())
    } else {
        Err(Wrong::new(format!("{text:?} has not the form of a list's id"), ID))
    }
}
