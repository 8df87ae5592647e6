//! What is told of the daemon's work as it happens: polls, commits, alerts. The daemon logs it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};

use tracing::{info, warn};

use crate::config::FeedConfig;
use crate::desk::Outcome;
use crate::intake::{Outcome as PollOutcome, Poll, Repair, Repairs};
use crate::model::{Alert, FeedId};

/// Told what the daemon does, as it happens. The daemon logs; the demo draws.
pub trait Observer: Send + Sync {
    /// A feed was polled.
    fn polled(&self, feed: &FeedConfig, poll: &Poll);
    /// A batch is durable.
    fn committed(&self, outcome: &Outcome);
    /// An alert is durable.
    fn alerted(&self, alert: &Alert);
}

/// An observer that leaves a line in the log.
#[derive(Debug, Default)]
pub struct LogObserver {
    /// What was lost of each feed at its last poll that brought a body, so that a lasting loss is one warning.
    losses: Mutex<BTreeMap<FeedId, BTreeSet<Repair>>>,
}

impl LogObserver {
    /// Which repairs lost entries of the feed and did not at the poll before.
    fn new_losses(&self, feed: &FeedId, repairs: &Repairs) -> BTreeMap<Repair, u32> {
        let losses: BTreeMap<Repair, u32> =
            repairs.0.iter().map(|(&repair, &times)| (repair, times)).filter(|(repair, _)| repair.is_loss()).collect();
        let mut known = self.losses.lock().unwrap_or_else(PoisonError::into_inner);
        let before = known.remove(feed).unwrap_or_default();
        if !losses.is_empty() {
            known.insert(feed.clone(), losses.keys().copied().collect());
        }
        losses.into_iter().filter(|(repair, _)| !before.contains(repair)).collect()
    }
}

/// Repairs in words.
fn in_words(repairs: &BTreeMap<Repair, u32>) -> String {
    let words: Vec<String> = repairs.iter().map(|(repair, times)| format!("{} {times}", repair.as_str())).collect();
    words.join(", ")
}

impl Observer for LogObserver {
    fn polled(&self, feed: &FeedConfig, poll: &Poll) {
        match &poll.outcome {
            PollOutcome::NotModified => tracing::debug!(feed = %feed.id, "not modified"),
            PollOutcome::Items { items, .. } => {
                let repairs = in_words(&poll.repairs.0);
                tracing::debug!(feed = %feed.id, items = items.len(), repairs, "polled");
                let losses = self.new_losses(&feed.id, &poll.repairs);
                if !losses.is_empty() {
                    warn!(feed = %feed.id, items = items.len(), lost = in_words(&losses), "not all of the feed is read");
                }
            }
            PollOutcome::Failed(error) => warn!(feed = %feed.id, %error, "poll failed"),
        }
    }

    fn committed(&self, outcome: &Outcome) {
        tracing::debug!(analysed = outcome.analysed, known = outcome.known, alerts = outcome.routed.len(), "committed");
    }

    fn alerted(&self, alert: &Alert) {
        info!(alert = %alert.id, kind = alert.alert_type.as_str(), "alert");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lasting_loss_is_told_once() {
        let observer = LogObserver::default();
        let poll = |repairs: &[Repair]| {
            let repairs = Repairs(repairs.iter().map(|&repair| (repair, 7)).collect());
            in_words(&observer.new_losses(&FeedId::new("a"), &repairs))
        };
        assert_eq!(poll(&[Repair::Entity]), "");
        assert_eq!(poll(&[Repair::EntriesLeftOut]), "entries_left_out 7");
        assert_eq!(poll(&[Repair::EntriesLeftOut]), "");
        assert_eq!(poll(&[Repair::EntriesLeftOut, Repair::Truncated]), "truncated 7");
        assert_eq!(poll(&[]), "");
        assert_eq!(poll(&[Repair::Truncated]), "truncated 7");
    }
}
