//! The feeds of a config as `gainsay feeds list` prints them; called by `feedlist`.

use std::sync::Arc;

use anyhow::Result;
use serde::{Deserialize, Serialize};

use super::args::FormatArgs;
use super::feeds::STATES;
use super::table::{Cell, Column};
use super::{Asked, Listed, paused_in_words, print_list};
use crate::config::FeedConfig;
use crate::feedlist::plain::Origin;
use crate::model::{FeedControl, PausedFeed, shown_address};
use crate::remote::Remote;
use crate::terminal::DIM;

/// A feed as `gainsay feeds list` prints it.
#[derive(Debug, Serialize, Deserialize)]
struct SourceLine {
    id: String,
    outlet: String,
    /// Without user, password and the values of its query.
    url: String,
    /// Where it stands.
    origin: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    paused: Option<PausedFeed>,
}

impl Listed for SourceLine {
    const NAMES: (&'static str, &'static str) = ("feed", "feeds");
    const COLUMNS: &'static [Column] = &[
        Column::whole("FEED"),
        Column::text("OUTLET", 12),
        Column::text("ADDRESS", 24),
        Column::text("FROM", 6).spare(),
        Column::text("", 6).spare(),
    ];

    fn row(&self) -> Vec<Cell> {
        vec![
            Cell::new(&self.id),
            Cell::new(&self.outlet),
            Cell::new(&self.url),
            Cell::styled(&self.origin, DIM),
            Cell::new(&self.paused.as_ref().map(paused_in_words).unwrap_or_default()),
        ]
    }
}

/// Prints the feeds that a running daemon polls, each with where it stands and whether it is paused.
///
/// # Errors
/// If the daemon does not answer, or the output cannot be written.
pub(crate) fn print_feeds_of(remote: &Remote, format: FormatArgs) -> Result<()> {
    let polled = STATES.into_iter().filter(|state| *state != "dropped");
    let lines: Vec<SourceLine> = Asked::default().with("state", polled).lines(remote, "feeds", 0)?;
    print_list(format, &lines, 0)
}

/// Prints feeds, each with where it stands and whether it is paused.
///
/// # Errors
/// If the output cannot be written.
pub(crate) fn print_feeds(
    format: FormatArgs,
    feeds: &[(Arc<FeedConfig>, Origin)],
    controls: &[FeedControl],
) -> Result<()> {
    let line = |(feed, origin): &(Arc<FeedConfig>, Origin)| SourceLine {
        id: feed.id.as_str().to_owned(),
        outlet: feed.outlet.clone(),
        url: shown_address(&feed.url),
        origin: origin.to_string(),
        paused: controls.iter().find(|control| control.feed == feed.id).and_then(|control| control.paused.clone()),
    };
    let lines: Vec<SourceLine> = feeds.iter().map(line).collect();
    print_list(format, &lines, 0)
}
