//! What operators say of feeds while the daemon runs: a task looks for it in the database, where the API and commands write it, and the
//! daemon starts, stops and hurries feeds accordingly.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::{Notify, mpsc};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use super::Tasks;
use crate::model::{FeedControl, FeedId};
use crate::store::{EmbeddedStore, StoreError};

/// Between two looks, unless somebody says that there is something; each is one query of one number.
const LOOK_INTERVAL: Duration = Duration::from_secs(1);
/// After a look that failed, or where feeds could not be started.
const RETRY_INTERVAL: Duration = Duration::from_secs(10);

/// Looks for what operators say of feeds.
pub(super) struct ControlTask {
    pub(super) store: Arc<EmbeddedStore>,
    /// What was last seen.
    pub(super) mark: i64,
    /// Notified by the API.
    pub(super) changed: Arc<Notify>,
    pub(super) updates: mpsc::Sender<Vec<FeedControl>>,
}

impl ControlTask {
    /// Looks every second, and when it is told to, until it is stopped.
    pub(super) async fn run(mut self, stop: CancellationToken) {
        let mut delay = LOOK_INTERVAL;
        loop {
            // All branches only wait; a look that is missed by one is caught by the other.
            tokio::select! {
                biased;
                () = stop.cancelled() => return,
                () = self.changed.notified() => {}
                () = tokio::time::sleep(delay) => {}
            }
            delay = match self.look().await {
                Ok(None) => LOOK_INTERVAL,
                Ok(Some((mark, controls))) => {
                    if self.updates.send(controls).await.is_err() {
                        return;
                    }
                    self.mark = mark;
                    LOOK_INTERVAL
                }
                Err(error) => {
                    warn!(%error, "what is said of feeds cannot be read");
                    RETRY_INTERVAL
                }
            };
        }
    }

    async fn look(&self) -> Result<Option<(i64, Vec<FeedControl>)>, StoreError> {
        let (store, mark) = (Arc::clone(&self.store), self.mark);
        let read = tokio::task::spawn_blocking(move || store.feed_controls(Some(mark))).await;
        read.unwrap_or(Err(StoreError::WriterEnded))
    }
}

/// The feeds that were asked for a poll since `before`.
fn asked<'a>(before: &[FeedControl], now: &'a [FeedControl]) -> Vec<&'a FeedId> {
    let known: BTreeMap<&FeedId, Option<Timestamp>> =
        before.iter().map(|control| (&control.feed, control.poll_asked)).collect();
    let is_new = |control: &&FeedControl| {
        let before = known.get(&control.feed).copied().flatten();
        control.poll_asked.is_some() && control.poll_asked != before
    };
    now.iter().filter(is_new).map(|control| &control.feed).collect()
}

/// Whether other feeds are to be polled than before.
fn changes_feeds(before: &[FeedControl], now: &[FeedControl]) -> bool {
    let telling = |controls: &[FeedControl]| -> BTreeMap<FeedId, (Option<(String, String)>, bool)> {
        let of = |control: &FeedControl| {
            let added = control.added.as_ref().map(|added| (added.url.clone(), added.outlet.clone()));
            (control.feed.clone(), (added, control.paused.is_some()))
        };
        controls.iter().map(of).filter(|(_, said)| *said != (None, false)).collect()
    };
    telling(before) != telling(now)
}

impl Tasks {
    /// Starts the task that looks for what operators say of feeds.
    pub(super) fn start_controls(&mut self, mark: i64, updates: mpsc::Sender<Vec<FeedControl>>) {
        let (store, changed) = (Arc::clone(&self.store), Arc::clone(&self.watchers.controls));
        let task = ControlTask { store, mark, changed, updates };
        self.intake.spawn(task.run(self.stop.clone()));
    }

    /// Starts, stops and hurries feeds as operators have said.
    pub(super) async fn take_controls(&mut self, controls: Vec<FeedControl>) {
        let before = std::mem::replace(&mut self.controls, controls);
        if changes_feeds(&before, &self.controls) {
            match self.follow_feeds().await {
                Ok((started, stopped)) => {
                    info!(
                        feeds_started = started,
                        feeds_stopped = stopped,
                        "feeds were added, removed, paused or resumed"
                    );
                }
                Err(error) => {
                    warn!(%error, "what was said of feeds cannot be followed yet");
                    self.controls = before;
                    self.look_again_later();
                    return;
                }
            }
        }
        for feed in asked(&before, &self.controls) {
            if let Some(running) = self.feeds.get(feed) {
                running.hurry();
            }
        }
    }

    /// Takes up once more what could not be followed.
    fn look_again_later(&mut self) {
        let (store, updates, stop) = (Arc::clone(&self.store), self.control_updates.clone(), self.stop.clone());
        self.intake.spawn(async move {
            // Both branches only wait; the daemon may be stopping.
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(RETRY_INTERVAL) => {}
            }
            let read = tokio::task::spawn_blocking(move || store.feed_controls(None)).await;
            match read.unwrap_or(Err(StoreError::WriterEnded)) {
                Ok(Some((_, controls))) => updates.send(controls).await.unwrap_or_default(),
                Ok(None) => {}
                Err(error) => {
                    warn!(%error, "what is said of feeds cannot be read: it counts with the next word on any feed");
                }
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{AddedFeed, PausedFeed};

    fn control(feed: &str) -> FeedControl {
        FeedControl::new(FeedId::new(feed))
    }

    #[test]
    fn a_poll_is_asked_for_once() {
        let at = |second| Timestamp::from_second(second).ok();
        let asking = |feed, second| FeedControl { poll_asked: at(second), ..control(feed) };
        let ids = |before: &[FeedControl], now: &[FeedControl]| {
            asked(before, now).into_iter().map(FeedId::to_string).collect::<Vec<_>>()
        };
        let before = [asking("a", 1), control("b")];
        assert_eq!(ids(&before, &before), [""; 0]);
        assert_eq!(ids(&before, &[asking("a", 2), asking("b", 1), asking("c", 1)]), ["a", "b", "c"]);
        assert_eq!(ids(&before, &[]), [""; 0]);
    }

    #[test]
    fn feeds_are_followed_only_where_they_change() {
        let at = Timestamp::UNIX_EPOCH;
        let added = |url: &str| FeedControl {
            added: Some(AddedFeed { url: url.to_owned(), outlet: "A".to_owned(), at, by: None }),
            ..control("a")
        };
        let paused =
            |by: &str| FeedControl { paused: Some(PausedFeed { since: at, by: Some(by.to_owned()) }), ..control("b") };
        assert!(!changes_feeds(&[], &[control("a"), FeedControl { poll_asked: Some(at), ..control("b") }]));
        assert!(changes_feeds(&[], &[added("https://a.example/")]));
        assert!(changes_feeds(&[added("https://a.example/")], &[added("https://b.example/")]));
        assert!(changes_feeds(&[paused("x")], &[control("b")]));
        assert!(!changes_feeds(&[paused("x")], &[paused("y")]));
    }
}
