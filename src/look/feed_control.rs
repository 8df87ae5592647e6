//! `gainsay feeds pause|resume|poll`, and what the API does of the same: what an operator says of a feed goes into the database, where a
//! daemon that runs looks for it; the config stays as it is.

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use clap::Args;
use jiff::Timestamp;
use url::Url;

use super::Source;
use super::args::DatabaseArgs;
use super::feedback::args::name;
use super::words::{minute, second};
use crate::clock::{Clock as _, SystemClock};
use crate::config::{Config, FeedConfig};
use crate::feedlist::plain::{Origin, added_id, all_feeds, canonical};
use crate::intake::{Hold, soonest};
use crate::model::{AddedFeed, FeedControl, FeedCursor, FeedId, PausedFeed};
use crate::running;
use crate::store::{StoreError, View, control_feed};
use crate::terminal::print_text;

/// Feeds that may be added beside the config: all of them are read whenever one changes.
const ADDED_MAX: usize = 1_000;

/// Why what is said of a feed cannot be done.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ControlError {
    /// No such feed is polled.
    #[error("there is no feed {0:?}; `gainsay feeds list` names those that there are")]
    Missing(FeedId),
    /// It has this address already.
    #[error("the feed {0} has this address already")]
    Known(FeedId),
    /// Another feed has the id that it would get.
    #[error(
        "the id that it would get, {0}, is that of a feed with another address: put it into the config, with an id of its own"
    )]
    Taken(FeedId),
    /// Only its config can drop it.
    #[error(
        "the feed {0} was not added beside the config but stands in its {1}: take it out there (`gainsay feeds remove`), or pause it"
    )]
    InConfig(FeedId, Origin),
    /// It is paused.
    #[error("the feed {0} is paused since {since}: resume it first", since = minute(.1.since))]
    Paused(FeedId, PausedFeed),
    /// Too many were added.
    #[error(
        "{ADDED_MAX} feeds were added beside the config, which is as many as may be: put some into the config, or into a [[feed_list]]"
    )]
    Full,
    /// The database cannot be read or written.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Arguments of `feeds pause` and `feeds resume`.
#[derive(Debug, Args)]
pub struct FeedsPauseArgs {
    #[command(flatten)]
    database: DatabaseArgs,
    /// Who says so; shown with the feed.
    #[arg(long, value_name = "NAME", value_parser = name)]
    by: Option<String>,
    /// The ids of the feeds.
    #[arg(value_name = "FEED", required = true)]
    feeds: Vec<String>,
}

/// Arguments of `feeds poll`.
#[derive(Debug, Args)]
pub struct FeedsPollArgs {
    #[command(flatten)]
    database: DatabaseArgs,
    /// The id of the feed.
    #[arg(value_name = "FEED")]
    feed: String,
}

/// `gainsay feeds pause` and `resume`.
///
/// # Errors
/// If there is no such feed, or the database cannot be written.
pub fn pause_feeds(args: &FeedsPauseArgs, is_pause: bool) -> Result<ExitCode> {
    let (database, config) = find(&args.database)?;
    let now = SystemClock.now();
    for feed in &args.feeds {
        let paused = is_pause.then(|| PausedFeed { since: now, by: args.by.clone() });
        pause_feed(&database, &config, &FeedId::new(feed.as_str()), paused, now)?;
    }
    let done = if is_pause { "paused" } else { "resumed" };
    print_text(&format!("{done} {}; {}\n", args.feeds.join(", "), running::takes_up(&database)))?;
    Ok(ExitCode::SUCCESS)
}

/// `gainsay feeds poll`.
///
/// # Errors
/// If there is no such feed, it is paused, no daemon runs, or the database cannot be written.
pub fn poll_feed(args: &FeedsPollArgs) -> Result<ExitCode> {
    let (database, config) = find(&args.database)?;
    if running::is_running(&database) == Some(false) {
        bail!("no gainsay runs on {}: there is nobody to poll", database.display());
    }
    let feed = FeedId::new(args.feed.as_str());
    // How its site does the daemon alone knows.
    let (at, hold) = ask_poll(&database, &config, &feed, SystemClock.now(), |_, _| Duration::ZERO)?;
    let when = hold.map_or_else(|| "now".to_owned(), |hold| format!("at {}: {}", second(at), hold_in_words(hold)));
    print_text(&format!("{feed} is polled {when}; later where its site has just been asked\n"))?;
    Ok(ExitCode::SUCCESS)
}

fn find(args: &DatabaseArgs) -> Result<(std::path::PathBuf, Config)> {
    let source = Source::find(args)?;
    let config = source.config.context("the config says which feeds there are: name it (-c FILE)")?;
    Ok((source.database, config))
}

/// Why a poll waits.
pub(crate) fn hold_in_words(hold: Hold) -> &'static str {
    match hold {
        Hold::JustPolled => "it was polled a moment ago",
        Hold::RetryAfter => "its server asks to be left alone until then (Retry-After)",
        Hold::SiteRests => "its site rests until then: it was just asked, or said that it is asked too often",
    }
}

/// All feeds that a daemon may poll, with what stands of them in its database.
struct Feeds {
    view: View,
    all: Vec<(Arc<FeedConfig>, Origin)>,
    controls: Vec<FeedControl>,
}

impl Feeds {
    fn read(database: &Path, config: &Config) -> Result<Self, StoreError> {
        let view = View::open(database)?;
        let controls = view.feed_controls()?;
        let all = all_feeds(config, &view.feed_lists()?, &controls);
        Ok(Self { view, all, controls })
    }

    /// Where a feed stands.
    fn origin(&self, feed: &FeedId) -> Result<&Origin, ControlError> {
        let known = self.all.iter().find(|(known, _)| known.id == *feed);
        known.map(|(_, origin)| origin).ok_or_else(|| ControlError::Missing(feed.clone()))
    }

    /// How a feed is polled.
    fn config(&self, feed: &FeedId) -> Result<&FeedConfig, ControlError> {
        let known = self.all.iter().find(|(known, _)| known.id == *feed);
        known.map(|(known, _)| known.as_ref()).ok_or_else(|| ControlError::Missing(feed.clone()))
    }

    fn control(&self, feed: &FeedId) -> Option<&FeedControl> {
        self.controls.iter().find(|control| control.feed == *feed)
    }
}

/// Pauses a feed, or lets it be polled again where `paused` is nothing; gives what is said of it then. A pause that is there stays as it is.
pub(crate) fn pause_feed(
    database: &Path,
    config: &Config,
    feed: &FeedId,
    paused: Option<PausedFeed>,
    now: Timestamp,
) -> Result<FeedControl, ControlError> {
    Feeds::read(database, config)?.origin(feed)?;
    control_feed(database, feed, now, |control, _| {
        control.paused = paused.map(|new| control.paused.take().unwrap_or(new));
        Ok(())
    })
}

/// Asks for a poll; says when it is at the earliest, and why not at once. `rest` is how long the site of a feed rests.
pub(crate) fn ask_poll(
    database: &Path,
    config: &Config,
    feed: &FeedId,
    now: Timestamp,
    rest: impl FnOnce(&FeedConfig, &FeedCursor) -> Duration,
) -> Result<(Timestamp, Option<Hold>), ControlError> {
    let feeds = Feeds::read(database, config)?;
    let known = feeds.config(feed)?;
    if let Some(paused) = feeds.control(feed).and_then(|control| control.paused.clone()) {
        return Err(ControlError::Paused(feed.clone(), paused));
    }
    let cursor = feeds.view.cursors()?.into_iter().find(|cursor| cursor.feed == *feed);
    let cursor = cursor.unwrap_or_else(|| FeedCursor::new(feed.clone()));
    let (at, hold) = soonest(&cursor, now);
    let rested = now.checked_add(rest(known, &cursor)).unwrap_or(now);
    control_feed(database, feed, now, |control, _| {
        control.poll_asked = Some(now);
        Ok::<_, ControlError>(())
    })?;
    Ok(if rested > at { (rested, Some(Hold::SiteRests)) } else { (at, hold) })
}

/// Fails where a feed has this address already, or the id that it would get.
pub(crate) fn ensure_new(database: &Path, config: &Config, url: &Url) -> Result<(), ControlError> {
    let (wanted, id) = (canonical(url), added_id(url));
    let all = Feeds::read(database, config)?.all;
    if let Some((known, _)) = all.iter().find(|(feed, _)| canonical(&feed.url) == wanted) {
        return Err(ControlError::Known(known.id.clone()));
    }
    if all.iter().any(|(feed, _)| feed.id == id) { Err(ControlError::Taken(id)) } else { Ok(()) }
}

/// Adds a feed beside the config; gives its id.
pub(crate) fn add_feed(database: &Path, config: &Config, url: &Url, added: AddedFeed) -> Result<FeedId, ControlError> {
    ensure_new(database, config, url)?;
    let (id, now) = (added_id(url), added.at);
    control_feed(database, &id, now, |control, all| {
        if all.iter().filter(|other| other.added.is_some() && other.feed != id).count() >= ADDED_MAX {
            return Err(ControlError::Full);
        }
        // It may have been paused when it was taken out.
        (control.added, control.paused) = (Some(added), None);
        Ok(())
    })?;
    Ok(id)
}

/// Takes a feed out that was added beside the config.
pub(crate) fn drop_feed(database: &Path, config: &Config, feed: &FeedId, now: Timestamp) -> Result<(), ControlError> {
    let feeds = Feeds::read(database, config)?;
    if feeds.control(feed).is_none_or(|control| control.added.is_none()) {
        return Err(ControlError::InConfig(feed.clone(), feeds.origin(feed)?.clone()));
    }
    control_feed(database, feed, now, |control, _| {
        (control.added, control.paused) = (None, None);
        Ok::<_, ControlError>(())
    })?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::EmbeddedStore;

    #[test]
    fn neither_an_address_nor_an_id_is_taken_twice() {
        let folder = tempfile::tempdir().unwrap();
        let database = folder.path().join("g.db");
        drop(EmbeddedStore::open(&database).unwrap());
        let (known, taken) =
            ["https://a.example/rss", "https://b.example/rss"].map(|url| url.parse::<Url>().unwrap()).into();
        let text = format!(
            "database = \"g.db\"\n[[feed]]\nid = \"{}\"\nurl = \"{known}\"\noutlet = \"A\"\n[[sink]]\nname = \"log\"\ntype = \"jsonl\"\n",
            added_id(&taken)
        );
        let config = crate::config::parse_without_secrets(&text, Path::new("g.toml")).unwrap();
        let add = |url: &Url| {
            let at = Timestamp::UNIX_EPOCH;
            add_feed(&database, &config, url, AddedFeed { url: url.to_string(), outlet: "B".to_owned(), at, by: None })
        };
        assert!(matches!(add(&known), Err(ControlError::Known(_))));
        assert!(matches!(add(&taken), Err(ControlError::Taken(_))));
        let other: Url = "https://c.example/rss".parse().unwrap();
        assert_eq!(add(&other).unwrap(), added_id(&other));
        assert!(matches!(add(&other), Err(ControlError::Known(_))));
    }
}
