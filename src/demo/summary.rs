//! The end of the demo: counts what was polled, collapsed, alerted and delivered, and checks that all of it arrived.

use std::collections::BTreeMap;

use anyhow::{Result, ensure};

use super::receiver::Receipts;
use super::screen::{BOLD, DIM, HEADING, wrapped};
use super::wire::Traffic;
use crate::model::AlertType;
use crate::store::{EmbeddedStore, Store as _, StoreError};

/// Columns before the texts.
const INDENT: usize = 13;

/// What the daemon left behind.
pub(super) struct Summary {
    pub(super) traffic: Traffic,
    pub(super) repairs: u32,
    pub(super) alerts: BTreeMap<AlertType, usize>,
    pub(super) receipts: Receipts,
    pub(super) stored: Stored,
}

/// What the database says.
pub(super) struct Stored {
    documents: usize,
    /// Outlets of each story, fewest first.
    stories: Vec<usize>,
    claims: u64,
    threads: u64,
    /// Alerts that the outbox ever held.
    outbox: u64,
    delivered: u64,
}

impl Stored {
    /// Reads the database of a daemon that has stopped.
    ///
    /// # Errors
    /// If it cannot be read.
    pub(super) fn read(store: &EmbeddedStore) -> Result<Self, StoreError> {
        let (records, counts) = (store.load()?, store.counts()?);
        let mut stories: Vec<usize> = records.stories.iter().map(|story| story.outlets.len()).collect();
        stories.sort_unstable();
        Ok(Self {
            documents: records.documents.len(),
            stories,
            claims: counts.claims,
            threads: counts.threads,
            outbox: counts.pending + counts.delivered + counts.dead,
            delivered: counts.delivered,
        })
    }
}

impl Summary {
    /// Fails unless the receiver has verified every alert of the outbox.
    ///
    /// # Errors
    /// How many are missing, or did not verify.
    pub(super) fn check(&self) -> Result<()> {
        let Self { receipts, stored, .. } = self;
        let (verified, outbox) = (receipts.verified.len() as u64, stored.outbox);
        ensure!(receipts.rejected == 0, "{} webhooks did not verify", receipts.rejected);
        ensure!(
            verified == outbox && stored.delivered == outbox,
            "the outbox holds {outbox} alerts, {} of them delivered; the receiver verified {verified}",
            stored.delivered
        );
        Ok(())
    }

    /// The summary as coloured lines.
    pub(super) fn drawing(&self, width: usize) -> String {
        let Self { traffic, repairs, alerts, receipts, stored } = self;
        let shared: Vec<String> = stored.stories.iter().filter(|&&n| n > 1).map(ToString::to_string).collect();
        let by_type: Vec<String> = alerts.iter().map(|(kind, count)| format!("{} {count}", kind.as_str())).collect();
        let rows = [
            (
                "polled",
                format!(
                    "{} polls: {} not modified (304), {} bodies of {} KiB in all, {} failed (503), {} redirected",
                    traffic.polls(),
                    traffic.not_modified,
                    traffic.bodies,
                    traffic.bytes.div_ceil(1024),
                    traffic.failures,
                    traffic.redirects
                ),
            ),
            ("repaired", format!("{repairs} defects in what came from the dirty feed")),
            (
                "collapsed",
                format!(
                    "{} documents into {} stories, {} of them in several outlets{}",
                    stored.documents,
                    stored.stories.len(),
                    shared.len(),
                    list(&shared)
                ),
            ),
            ("claims", format!("{} in {} threads", stored.claims, stored.threads)),
            ("alerts", format!("{}{}", alerts.values().sum::<usize>(), list(&by_type))),
            (
                "delivered",
                format!(
                    "{} attempts, {} retried; {} of {} alerts in the outbox verified by the receiver",
                    receipts.attempts,
                    receipts.turned_away.len(),
                    receipts.verified.len(),
                    stored.outbox
                ),
            ),
        ];
        let mut lines = format!("\n{HEADING}Summary{HEADING:#}\n");
        for (label, text) in rows {
            lines += &wrapped(&[(BOLD, &text)], &format!("  {DIM}{label:<11}{DIM:#}"), INDENT, width);
        }
        lines
    }
}

/// In brackets what there is.
fn list(words: &[String]) -> String {
    if words.is_empty() { String::new() } else { format!(" ({})", words.join(", ")) }
}
