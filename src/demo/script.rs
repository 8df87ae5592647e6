//! The bundled wire as data: which outlets there are, what happens in which act, and every entry of their feeds.

use anyhow::{Context as _, Result};
use serde::Deserialize;

use crate::archive::ArchiveLine;

/// Feeds and acts.
const SCRIPT: &str = include_str!("../../config/demo/script.json");
/// The entries: an archive like any other, each line with the act in which it appears. `gainsay replay` reads it, too.
const ENTRIES: &str = include_str!("../../config/demo/wire.jsonl");

/// What is played.
#[derive(Debug, Deserialize)]
pub(super) struct Script {
    /// The outlets' feeds.
    pub(super) feeds: Vec<FeedScript>,
    /// The acts in order; the first one is what the feeds hold when they are first read.
    pub(super) acts: Vec<Act>,
    /// What the feeds carry, in order of appearance.
    #[serde(skip)]
    pub(super) entries: Vec<Entry>,
}

/// One outlet's feed.
#[derive(Debug, Deserialize)]
pub(super) struct FeedScript {
    /// Its id in the config.
    pub(super) id: String,
    /// Who publishes it.
    pub(super) outlet: String,
    /// How it is written.
    pub(super) format: FeedFormat,
    /// It is served in a wrong encoding and with defects that break XML parsers.
    #[serde(default)]
    pub(super) is_dirty: bool,
    /// Its address in the config redirects to where it is.
    #[serde(default)]
    pub(super) has_moved: bool,
    /// In this act it answers 503.
    #[serde(default)]
    pub(super) down_in_act: Option<usize>,
}

/// How a feed is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum FeedFormat {
    /// RSS 2.0.
    Rss,
    /// Atom 1.0.
    Atom,
    /// JSON Feed 1.1.
    Json,
}

/// One act, in words for the spectator.
#[derive(Debug, Deserialize)]
pub(super) struct Act {
    /// What happens.
    pub(super) title: String,
    /// What gainsay should make of it.
    pub(super) expect: String,
}

/// One entry of a feed. The same id again in a later act is an edit in place.
#[derive(Debug, Deserialize)]
pub(super) struct Entry {
    /// The act in which it appears.
    pub(super) act: usize,
    /// The story as the outlet carries it.
    #[serde(flatten)]
    pub(super) line: ArchiveLine,
}

impl Script {
    /// The script that is compiled in.
    ///
    /// # Errors
    /// If the data cannot be read, which a test rules out.
    pub(super) fn embedded() -> Result<Self> {
        let mut script: Self = serde_json::from_str(SCRIPT).context("the demo's script cannot be read")?;
        let entries = ENTRIES.lines().map(serde_json::from_str);
        script.entries = entries.collect::<Result<_, _>>().context("the demo's wire cannot be read")?;
        Ok(script)
    }

    /// What a feed carries in an act: latest first, an edited entry in its latest wording.
    pub(super) fn carried(&self, feed: &FeedScript, act: usize) -> Vec<&Entry> {
        let mut carried: Vec<&Entry> = Vec::new();
        let published = |entry: &&Entry| entry.act <= act && entry.line.outlet.as_ref() == Some(&feed.outlet);
        for entry in self.entries.iter().filter(published) {
            match carried.iter_mut().find(|known| known.line.id == entry.line.id) {
                Some(known) => *known = entry,
                None => carried.insert(0, entry),
            }
        }
        carried
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_entry_has_a_feed_and_an_act() {
        let script = Script::embedded().unwrap();
        for Entry { act, line } in &script.entries {
            assert!(*act < script.acts.len(), "{}", line.id);
            assert!(script.feeds.iter().any(|feed| Some(&feed.outlet) == line.outlet.as_ref()), "{}", line.id);
            assert!(line.title.is_some() && line.url.is_some(), "{}", line.id);
        }
        for feed in &script.feeds {
            assert!(!script.carried(feed, 0).is_empty(), "{} has no baseline", feed.id);
        }
    }

    #[test]
    fn an_edit_takes_the_place_of_what_it_edits() {
        let script = Script::embedded().unwrap();
        let vesper = script.feeds.iter().find(|feed| feed.id == "vesper").unwrap();
        let titles = |act| -> Vec<&str> {
            script.carried(vesper, act).iter().filter_map(|entry| entry.line.title.as_deref()).collect()
        };
        assert_eq!(titles(3).len(), titles(4).len());
        assert!(titles(4)[0].starts_with("UPDATE 1-") && titles(4)[1] == titles(0)[0]);
    }
}
