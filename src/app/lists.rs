//! Lists of feeds in the daemon: each has a task that reads it anew from time to time, keeps the last good copy in the database and tells
//! the daemon, which starts and stops feeds as a reload does.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result};
use jiff::Timestamp;
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use super::{Manners, Tasks};
use crate::clock::Clock;
use crate::config::{Config, FeedConfig, FeedListConfig, ListSource};
use crate::feedlist::{self, plain};
use crate::intake::{Fetched, Poller};
use crate::model::{FeedControl, FeedId, KeptList, ListedFeed};
use crate::store::{EmbeddedStore, Store as _, StoreError};

/// Longest wait after a reading that failed, unless the interval is shorter.
const RETRY_MAX: Duration = Duration::from_mins(10);
/// A list that loses more than half of at least so many feeds is believed when it is read so twice.
const SHRINK_MIN: usize = 4;
/// Wait before the feeds of a list are begun whose cursors could not be read.
const START_RETRY: Duration = Duration::from_secs(10);

/// A list that has a task.
pub(super) struct RunningList {
    config: FeedListConfig,
    stop: CancellationToken,
}

/// One list's task.
struct ListTask {
    config: FeedListConfig,
    kept: Option<KeptList>,
    /// What was read last and not believed yet.
    doubted: Option<Vec<ListedFeed>>,
    manners: watch::Receiver<Arc<Manners>>,
    clock: Arc<dyn Clock>,
    store: Arc<EmbeddedStore>,
    updates: mpsc::Sender<ListUpdate>,
}

/// What the daemon is to do about a list.
pub(super) enum ListUpdate {
    /// Go on with this copy.
    Read(KeptList),
    /// Begin the feeds of the copy that it has: it could not before.
    Again(String),
}

/// What a reading brought.
enum Reading {
    Same,
    Feeds { feeds: Vec<ListedFeed>, etag: Option<String>, last_modified: Option<String> },
}

impl ListTask {
    /// Reads until it is stopped, at the start as soon as it is due.
    async fn run(mut self, stop: CancellationToken) {
        let mut delay = self.first_delay();
        loop {
            // Waiting loses nothing, and a reading that is cut short is done again at the next start.
            tokio::select! {
                biased;
                () = stop.cancelled() => return,
                next = async {
                    tokio::time::sleep(delay).await;
                    self.turn().await
                } => delay = next,
            }
        }
    }

    fn first_delay(&self) -> Duration {
        let is_file = matches!(self.config.source, ListSource::Path(_));
        let Some(kept) = self.kept.as_ref().filter(|kept| !is_file && kept.trouble.is_none()) else {
            return Duration::ZERO;
        };
        let since = Duration::try_from(self.clock.now().duration_since(kept.read_at)).unwrap_or_default();
        self.config.interval.saturating_sub(since)
    }

    /// Reads once; when to read again.
    async fn turn(&mut self) -> Duration {
        let now = self.clock.now();
        let retry = self.config.interval.min(RETRY_MAX);
        match self.read(now).await {
            Ok(Reading::Same) => {
                self.doubted = None;
                self.note(now, None).await;
            }
            Ok(Reading::Feeds { feeds, etag, last_modified }) => {
                if self.is_doubtful(&feeds) {
                    warn!(
                        list = self.config.id,
                        feeds = feeds.len(),
                        "the list has lost most of its feeds: believed if it says so again"
                    );
                    self.doubted = Some(feeds);
                    return retry;
                }
                self.doubted = None;
                let kept = KeptList {
                    id: self.config.id.clone(),
                    address: plain::address(&self.config),
                    feeds,
                    etag,
                    last_modified,
                    read_at: now,
                    trouble: None,
                };
                if !self.keep(kept).await {
                    return retry;
                }
            }
            Err(error) => {
                let error = format!("{error:#}");
                warn!(list = self.config.id, error, "the list cannot be read: its feeds stay as they were");
                self.note(now, Some(error)).await;
                return retry;
            }
        }
        self.config.interval.mul_f64(0.95 + 0.1 * fastrand::f64())
    }

    fn known(&self) -> usize {
        self.kept.as_ref().map_or(0, |kept| kept.feeds.len())
    }

    fn is_doubtful(&self, feeds: &[ListedFeed]) -> bool {
        self.known() >= SHRINK_MIN && feeds.len() * 2 < self.known() && self.doubted.as_deref() != Some(feeds)
    }

    async fn read(&self, now: Timestamp) -> Result<Reading> {
        let (bytes, etag, last_modified) = match &self.config.source {
            ListSource::Url(url) => {
                let poller = Arc::clone(&self.manners.borrow().poller);
                let kept = self.kept.as_ref().filter(|_| self.doubted.is_none());
                match fetch(&poller, url, kept, now).await? {
                    Fetched::NotModified(_) => return Ok(Reading::Same),
                    Fetched::Body(body) => (body.bytes, body.etag, body.last_modified),
                }
            }
            ListSource::Path(path) => (read_file(path.clone()).await?, None, None),
        };
        let config = self.config.clone();
        let read = tokio::task::spawn_blocking(move || plain::read(&bytes).map(|list| plain::keep(&config, list)));
        Ok(Reading::Feeds { feeds: read.await??, etag, last_modified })
    }

    /// Notes that the list was read, or why not.
    async fn note(&mut self, now: Timestamp, trouble: Option<String>) {
        let Some(kept) = &self.kept else { return };
        let read_at = if trouble.is_none() { now } else { kept.read_at };
        self.keep(KeptList { read_at, trouble, ..kept.clone() }).await;
    }

    /// Makes a copy durable and tells the daemon of it.
    async fn keep(&mut self, kept: KeptList) -> bool {
        let (store, copy) = (Arc::clone(&self.store), kept.clone());
        let written = tokio::task::spawn_blocking(move || store.keep_list(copy)).await;
        match written.map_err(anyhow::Error::from).and_then(|written| Ok(written?)) {
            Ok(()) => {}
            Err(error) => {
                warn!(list = self.config.id, error = %format_args!("{error:#}"), "the list cannot be kept");
                return false;
            }
        }
        let has_changed = self.kept.as_ref().is_none_or(|before| before.feeds != kept.feeds);
        self.kept = Some(kept.clone());
        // The daemon may be stopping.
        !has_changed || self.updates.send(ListUpdate::Read(kept)).await.is_ok()
    }
}

async fn fetch(poller: &Poller, url: &url::Url, kept: Option<&KeptList>, now: Timestamp) -> Result<Fetched> {
    let validators = kept.map(|kept| (kept.etag.clone(), kept.last_modified.clone()));
    let (etag, last_modified) = validators.unwrap_or_default();
    Ok(poller.fetch_page(url, etag, last_modified, now).await?)
}

async fn read_file(path: std::path::PathBuf) -> Result<Vec<u8>> {
    tokio::task::spawn_blocking(move || feedlist::read_bounded(&path).with_context(|| unreadable(&path))).await?
}

fn unreadable(path: &Path) -> String {
    format!("cannot read {}", path.display())
}

/// The ids of a config's lists.
pub(super) fn list_ids(config: &Config) -> Vec<String> {
    config.feed_lists.iter().map(|list| list.id.clone()).collect()
}

/// The feeds that are polled: those of a config, of the copies of its lists and those that were added, but for those that are paused.
pub(super) fn all_feeds(config: &Config, kept: &[KeptList], controls: &[FeedControl]) -> Vec<Arc<FeedConfig>> {
    let paused: BTreeSet<&FeedId> =
        controls.iter().filter(|control| control.paused.is_some()).map(|control| &control.feed).collect();
    let all = plain::all_feeds(config, kept, controls).into_iter().map(|(feed, _)| feed);
    all.filter(|feed| !paused.contains(&feed.id)).collect()
}

impl Tasks {
    /// Starts and stops tasks of lists, so that each list of the config has one.
    pub(super) fn swap_lists(&mut self) {
        let wanted = self.config.feed_lists.clone();
        self.lists.retain(|_, running| {
            let is_kept = wanted.contains(&running.config);
            if !is_kept {
                running.stop.cancel();
            }
            is_kept
        });
        for config in wanted {
            if self.lists.contains_key(&config.id) {
                continue;
            }
            let stop = self.stop.child_token();
            let kept =
                self.kept_lists.iter().find(|kept| kept.id == config.id && kept.address == plain::address(&config));
            let task = ListTask {
                kept: kept.cloned(),
                doubted: None,
                manners: self.manners.subscribe(),
                clock: Arc::clone(&self.watchers.clock),
                store: Arc::clone(&self.store),
                updates: self.list_updates.clone(),
                config: config.clone(),
            };
            self.intake.spawn(task.run(stop.clone()));
            self.lists.insert(config.id.clone(), RunningList { config, stop });
        }
    }

    /// Forgets the copies of lists that are not in the config any more: another list may get an id of theirs.
    pub(super) async fn forget_lists(&mut self) {
        let ids = list_ids(&self.config);
        self.kept_lists.retain(|kept| ids.contains(&kept.id));
        let store = Arc::clone(&self.store);
        let forgotten = tokio::task::spawn_blocking(move || store.forget_lists(ids)).await;
        if let Err(error) = forgotten.unwrap_or(Err(StoreError::WriterEnded)) {
            warn!(%error, "lists of feeds that left the config are forgotten at the next start only");
        }
    }

    /// Starts and stops feeds as a list says.
    pub(super) async fn take_list(&mut self, update: ListUpdate) {
        let id = match update {
            ListUpdate::Read(kept) => {
                let id = kept.id.clone();
                if !self.config.feed_lists.iter().any(|list| list.id == id) {
                    // It was under way when a reload took the list out.
                    return self.forget_lists().await;
                }
                self.kept_lists.retain(|other| other.id != id);
                self.kept_lists.push(kept);
                id
            }
            ListUpdate::Again(id) => id,
        };
        match self.follow_feeds().await {
            Ok((started, stopped)) => {
                info!(list = id, feeds_started = started, feeds_stopped = stopped, "a list of feeds was read");
            }
            Err(error) => {
                warn!(list = id, %error, "the feeds of a list cannot be started yet");
                self.take_list_later(id);
            }
        }
    }

    /// Starts and stops feeds, so that those have tasks that are to be polled; says how many. Fails where the cursors cannot be read: begun
    /// without its cursor, a feed would be read as if for the first time.
    pub(super) async fn follow_feeds(&mut self) -> Result<(usize, usize), StoreError> {
        let store = Arc::clone(&self.store);
        let cursors = tokio::task::spawn_blocking(move || store.cursors()).await;
        let cursors = cursors.unwrap_or(Err(StoreError::WriterEnded))?;
        let cursors = cursors.into_iter().map(|cursor| (cursor.feed.clone(), cursor)).collect();
        let feeds = all_feeds(&self.config, &self.kept_lists, &self.controls);
        let changed = self.swap_feeds(&feeds, &cursors);
        let config = Config { feeds, ..self.config.clone() };
        self.watchers.telemetry.watch_config(&config, &cursors);
        Ok(changed)
    }

    fn take_list_later(&mut self, id: String) {
        let (updates, stop) = (self.list_updates.clone(), self.stop.clone());
        self.intake.spawn(async move {
            // Both branches only wait; the daemon may be stopping.
            tokio::select! {
                () = stop.cancelled() => {}
                () = tokio::time::sleep(START_RETRY) => {
                    updates.send(ListUpdate::Again(id)).await.ok();
                }
            }
        });
    }
}
