//! The commands that look at a database, also while a daemon works on it: `claims`, `threads`, `feeds status`, `deliveries`,
//! `explain`, `doctor`, `backup`; `feeds pause|resume|poll`; `feedback` and `silence`, which log what a user says of it; `endpoint`, the webhook endpoints of a config, how they do and their keys;
//! and `completions` and `man`, which look at the command line. Arguments in, tables for a terminal
//! or JSON Lines for a pipe out; called by `main`. `feedlist` prints the feeds of a config with it.

pub mod args;
mod backup;
mod claims;
mod deliveries;
mod doctor;
mod endpoint;
mod explain;
mod feed_control;
mod feedback;
mod feeds;
mod filter;
mod id;
mod manual;
#[cfg(test)]
mod reference;
mod silence;
mod sources;
mod table;
mod threads;
mod timeline;
pub(crate) mod words;

pub(crate) use claims::{ClaimLine, Outlets, Speech};
pub(crate) use deliveries::{Chosen, DeliveryLine, STATUSES, Wanted, status_style, tells};
pub(crate) use doctor::{Level, checks};
pub(crate) use explain::{Explanation, explained};
pub(crate) use feed_control::{ControlError, add_feed, ask_poll, drop_feed, ensure_new, hold_in_words, pause_feed};
pub(crate) use feeds::{
    FeedLine, STATES as FEED_STATES, TROUBLES, paused_in_words, state_style as feed_style, statuses,
};
pub(crate) use filter::{Needle, Period, moment};
pub(crate) use sources::{print_feeds, print_feeds_of};
pub(crate) use threads::{STATES as THREAD_STATES, ThreadLine, state_style as thread_style};
pub(crate) use timeline::{Line as TimelineLine, events};
pub(crate) use words::alert_of;

pub use backup::backup;
pub use claims::claims;
pub use deliveries::deliveries;
pub use doctor::doctor;
pub use endpoint::endpoint;
pub use explain::explain;
pub use feed_control::{pause_feeds, poll_feed};
pub use feedback::feedback;
pub use feeds::feeds_status;
pub use manual::{completions, man};
pub use silence::silence;
pub use threads::threads;

use std::io::{self, IsTerminal as _};
use std::path::PathBuf;

use anyhow::{Context as _, Result};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::clock::{Clock as _, SystemClock};
use crate::config::Config;
use crate::remote::{Remote, RemoteArgs};
use crate::store::View;
use crate::terminal::{self, print_json, print_text, tell};
use args::{DatabaseArgs, FilterArgs, FormatArgs, SpeechArgs};
use table::{Cell, Column, table};

/// Columns where neither the terminal nor COLUMNS says.
const WIDTH: usize = 100;
/// Fewest columns that are written in.
const WIDTH_MIN: usize = 40;
/// Where to look.
struct Source {
    database: PathBuf,
    /// The config, where one names the database.
    config: Option<Config>,
}

impl Source {
    /// Finds the database: named itself, by a config, or by the config that `run` would take.
    fn find(args: &DatabaseArgs) -> Result<Self> {
        if let Some(database) = &args.database {
            return Ok(Self { database: database.clone(), config: None });
        }
        let path = crate::config::find(args.config.as_deref())
            .ok()
            .context("which database? name a config (-c FILE) or the database itself (--database FILE)")?;
        // Looking delivers nothing, so it needs no secrets.
        let config = crate::config::load_without_secrets(&path)?;
        Ok(Self { database: config.database.clone(), config: Some(config) })
    }

    fn open(&self) -> Result<View> {
        Ok(View::open(&self.database)?)
    }
}

/// The daemon that is asked in place of the database, if one is.
///
/// # Errors
/// If the database is named, too, or the daemon's address or token are none.
fn remote(at: &RemoteArgs, database: &DatabaseArgs) -> Result<Option<Remote>> {
    let remote = at.remote()?;
    let is_both = remote.is_some() && (database.config.is_some() || database.database.is_some());
    anyhow::ensure!(
        !is_both,
        "--at asks a running daemon, which knows its database: leave out --config and --database"
    );
    Ok(remote)
}

/// A listing's arguments as parameters of the API.
#[derive(Default)]
struct Asked(Vec<(&'static str, String)>);

impl Asked {
    /// A parameter for each value.
    fn with<T: ToString>(mut self, name: &'static str, values: impl IntoIterator<Item = T>) -> Self {
        self.0.extend(values.into_iter().map(|value| (name, value.to_string())));
        self
    }

    /// What listings of claims, threads and deliveries have in common.
    fn of(speech: &SpeechArgs, filter: &FilterArgs) -> Self {
        let period = Period::new(filter.since, filter.until, SystemClock.now());
        Self::default()
            .with("kind", speech.kind.iter().map(|kind| kind.as_str()))
            .with("speaker", &speech.speaker)
            .with("outlet", &speech.outlet)
            .with("since", filter.since.map(|_| period.from))
            .with("until", filter.until.map(|_| period.to))
            .with("q", &filter.text)
    }

    /// Asks for the lines of a list: one more than `limit`, which says that there are more; all where it is 0.
    fn lines<L: DeserializeOwned>(&self, remote: &Remote, list: &str, limit: usize) -> Result<Vec<L>> {
        remote.first(list, &self.0, (limit > 0).then(|| limit.saturating_add(1)))
    }

    /// Asks for a list and prints it.
    fn print<L: Listed + DeserializeOwned>(
        &self,
        remote: &Remote,
        list: &str,
        format: FormatArgs,
        limit: usize,
    ) -> Result<()> {
        print_list::<L>(format, &self.lines(remote, list, limit)?, limit)
    }
}

/// Lines of a listing.
trait Listed: Serialize {
    /// What they are called, one and several.
    const NAMES: (&'static str, &'static str);
    /// The columns of their table.
    const COLUMNS: &'static [Column];
    /// One as a row of it.
    fn row(&self) -> Vec<Cell>;
}

fn is_json(format: FormatArgs) -> bool {
    format.json || !format.table && !io::stdout().is_terminal()
}

/// Columns to write in.
fn width() -> usize {
    let stated = std::env::var("COLUMNS").ok().and_then(|columns| columns.parse().ok()).filter(|columns| *columns > 0);
    stated.or_else(terminal::columns).unwrap_or(WIDTH).max(WIDTH_MIN)
}

/// Prints a listing of which at most `limit` lines are wanted (0: all); one more says that there are more.
fn print_list<L: Listed>(format: FormatArgs, found: &[L], limit: usize) -> Result<()> {
    let shown = if limit == 0 { found } else { found.get(..limit).unwrap_or(found) };
    if is_json(format) {
        return print_json(shown);
    }
    if shown.is_empty() {
        tell(format_args!("no {} found\n", L::NAMES.1));
        return Ok(());
    }
    let rows: Vec<Vec<Cell>> = shown.iter().map(Listed::row).collect();
    print_text(&table(L::COLUMNS, &rows, width()))?;
    if shown.len() < found.len() {
        let names = if shown.len() == 1 { L::NAMES.0 } else { L::NAMES.1 };
        tell(format_args!("the newest {} {names}; there are more: --limit 0 shows all\n", shown.len()));
    }
    Ok(())
}
