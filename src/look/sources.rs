//! The feeds of a config as `gainsay feeds list` prints them; called by `feedlist`.

use anyhow::Result;
use serde::Serialize;

use super::args::FormatArgs;
use super::table::{Cell, Column};
use super::{Listed, print_list};
use crate::config::FeedConfig;
use crate::model::shown_address;
use crate::terminal::DIM;

/// A feed as `gainsay feeds list` prints it.
#[derive(Debug, Serialize)]
struct SourceLine {
    id: String,
    outlet: String,
    /// Without user, password and the values of its query.
    url: String,
    /// The list of feeds that it comes from, if from one.
    list: Option<String>,
}

impl Listed for SourceLine {
    const NAMES: (&'static str, &'static str) = ("feed", "feeds");
    const COLUMNS: &'static [Column] = &[
        Column::whole("FEED"),
        Column::text("OUTLET", 12),
        Column::text("ADDRESS", 24),
        Column::text("LIST", 6).spare(),
    ];

    fn row(&self) -> Vec<Cell> {
        vec![
            Cell::new(&self.id),
            Cell::new(&self.outlet),
            Cell::new(&self.url),
            Cell::styled(self.list.as_deref().unwrap_or_default(), DIM),
        ]
    }
}

/// Prints feeds, each with the list that it comes from, if from one.
///
/// # Errors
/// If the output cannot be written.
pub(crate) fn print_feeds<'f>(
    format: FormatArgs,
    feeds: impl Iterator<Item = (&'f FeedConfig, Option<&'f str>)>,
) -> Result<()> {
    let line = |(feed, list): (&FeedConfig, Option<&str>)| SourceLine {
        id: feed.id.as_str().to_owned(),
        outlet: feed.outlet.clone(),
        url: shown_address(&feed.url),
        list: list.map(str::to_owned),
    };
    let lines: Vec<SourceLine> = feeds.map(line).collect();
    print_list(format, &lines, 0)
}
