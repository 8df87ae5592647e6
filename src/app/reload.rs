//! Another config for a running daemon, all or nothing: everything of it that can fail is built first, then feeds and sinks that
//! differ are replaced; those that do not keep running. Called by `Tasks::until_stopped`.
//!
//! Nothing is lost or repeated: a feed's old task ends after its poll in flight is committed and hands its cursor to the new one;
//! a sink's old dispatcher ends after its attempts in flight are written down, and only then does the new one look into the outbox.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use tokio::sync::{Notify, oneshot};
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};

use super::lists::{all_feeds, list_ids};
use super::push::Ear;
use super::{FeedTask, Manners, Order, Queue, Routing, Tasks, dispatcher, routing, sink_names, tell_orphans, windows};
use crate::config::{Config, FeedConfig, SinkConfig};
use crate::failpoint::{Point, reach};
use crate::intake::{Poller, resume};
use crate::model::{FeedCursor, FeedId};
use crate::sink::Dispatcher;
use crate::store::Store as _;

/// A feed that has a task, or had one.
pub(super) struct RunningFeed {
    /// Nothing where the feed was taken out and its task is ending.
    config: Option<Arc<FeedConfig>>,
    stop: CancellationToken,
    /// Set before the stop where the feed is taken out for good: its hub is told.
    is_leaving: Arc<AtomicBool>,
    /// Notified when it is to be polled soon.
    hurry: Arc<Notify>,
    /// Where the task stood when it ended.
    end: oneshot::Receiver<Box<FeedCursor>>,
}

/// A sink that has a dispatcher, or had one.
pub(super) struct RunningSink {
    /// Nothing where the sink was taken out and its dispatcher is ending.
    config: Option<SinkConfig>,
    stop: CancellationToken,
    is_leaving: Arc<AtomicBool>,
    wake: Arc<Notify>,
    /// Cancelled when the dispatcher has ended, in whatever way.
    ended: CancellationToken,
}

/// Feeds that may be polled at once when the daemon starts.
const STARTS_AT_ONCE: usize = 50;
/// Time between the first polls of those beyond.
const START_GAP: Duration = Duration::from_millis(5);

/// The time over which the first polls of so many feeds are spread: a few come at once, thousands by the minute.
fn spread(feeds: usize) -> Duration {
    START_GAP.saturating_mul(u32::try_from(feeds.saturating_sub(STARTS_AT_ONCE)).unwrap_or(u32::MAX))
}

/// What is built of a new config before anything changes.
struct Prepared {
    poller: Option<Arc<Poller>>,
    dispatchers: BTreeMap<String, (SinkConfig, Dispatcher<Queue>, Arc<Notify>)>,
    cursors: BTreeMap<FeedId, FeedCursor>,
}

impl RunningFeed {
    /// Lets it be polled as soon as good manners permit.
    pub(super) fn hurry(&self) {
        self.hurry.notify_one();
    }
}

impl Tasks {
    /// Starts a feed's task at `cursor`, or where its former task ended, if it had one.
    pub(super) fn start_feed(&mut self, feed: Arc<FeedConfig>, cursor: Option<FeedCursor>) {
        let Some(orders) = self.orders.clone() else { return };
        let (stop, (last, end)) = (self.stop.child_token(), oneshot::channel());
        let is_leaving = Arc::new(AtomicBool::new(false));
        let leaving = Arc::clone(&is_leaving);
        let hurry = Arc::new(Notify::new());
        let running = RunningFeed {
            config: Some(Arc::clone(&feed)),
            stop: stop.clone(),
            is_leaving,
            hurry: Arc::clone(&hurry),
            end,
        };
        let former = self.feeds.insert(feed.id.clone(), running).map(|former| former.end);
        let watchers = self.watchers.clone();
        let manners = self.manners.subscribe();
        let ear = Ear::new(self.hubs.clone());
        let spread = spread(self.config.feeds.len().max(self.feeds.len()));
        let cursor = Box::new(resume(&feed, cursor));
        let is_leaving = leaving;
        let mut task = Box::new(FeedTask { feed, cursor, spread, manners, watchers, orders, ear, hurry, is_leaving });
        self.intake.spawn(async move {
            if let Some(Ok(last)) = async { Some(former?.await) }.await {
                *task.cursor = resume(&task.feed, Some(*last));
            }
            // Nobody waits for it at the stop of the daemon.
            last.send(task.run(stop).await).unwrap_or_default();
        });
    }

    /// Starts a sink's dispatcher, after the end of its former one, if it had one.
    pub(super) fn start_sink(&mut self, sink: SinkConfig, dispatcher: Dispatcher<Queue>, wake: Arc<Notify>) {
        let (stop, ended) = (self.stop_dispatch.child_token(), CancellationToken::new());
        let running = RunningSink {
            config: Some(sink.clone()),
            stop: stop.clone(),
            is_leaving: dispatcher.leaving(),
            wake,
            ended: ended.clone(),
        };
        let former = self.sinks.insert(sink.name, running).map(|former| former.ended);
        self.dispatch.spawn(async move {
            let _ended = ended.drop_guard();
            if let Some(former) = former {
                former.cancelled().await;
            }
            dispatcher.run(stop).await
        });
    }

    /// Goes on by another config, or logs why not; says whether it does.
    pub(super) async fn reload(&mut self, config: Config) -> bool {
        let prepared = match self.prepare(&config).await {
            Ok(prepared) => prepared,
            Err(error) => {
                error!(error = %format_args!("{error:#}"), "config not reloaded, everything stays as it was");
                return false;
            }
        };
        reach(Point::ReloadPrepared);
        self.watchers.telemetry.watch_sinks(sink_names(&config));
        let (has_lost_sinks, sinks) = self.swap_sinks(&config, prepared.dispatchers).await;
        reach(Point::ReloadHalf);
        let poller = prepared.poller.unwrap_or_else(|| Arc::clone(&self.manners.borrow().poller));
        self.watchers.pollers.send_replace(Some(Arc::clone(&poller)));
        self.manners.send_replace(Arc::new(Manners::new(poller, &config)));
        let all = all_feeds(&config, &self.kept_lists, &self.controls);
        let feeds = self.swap_feeds(&all, &prepared.cursors);
        self.watchers.telemetry.watch_config(&Config { feeds: all, ..config.clone() }, &prepared.cursors);
        self.store.keep_deliveries_for(config.windows.deliveries);
        if config.log != self.config.log {
            warn!("[log] has changed: that counts from the next start");
        }
        if config.extract != self.config.extract {
            warn!("[extract] has changed: that counts from the next start");
        }
        self.watchers.configs.send_replace(Arc::new(config.clone()));
        let has_lost_lists = list_ids(&self.config) != list_ids(&config);
        self.config = config;
        self.swap_lists();
        if has_lost_lists {
            self.forget_lists().await;
        }
        info!(
            feeds_started = feeds.0,
            feeds_stopped = feeds.1,
            sinks_started = sinks.0,
            sinks_stopped = sinks.1,
            "config reloaded"
        );
        if has_lost_sinks {
            let (store, names, now) = (Arc::clone(&self.store), sink_names(&self.config), self.watchers.clock.now());
            let telemetry = Arc::clone(&self.watchers.telemetry);
            let told = tokio::task::spawn_blocking(move || tell_orphans(store.as_ref(), &names, now, &telemetry)).await;
            match told.map_err(anyhow::Error::from).and_then(|told| told.map_err(anyhow::Error::from)) {
                Ok(()) => {}
                Err(error) => {
                    warn!(error = %format_args!("{error:#}"), "cannot say what waits for the sinks that went");
                }
            }
        }
        true
    }

    /// Builds everything that can fail; changes nothing.
    async fn prepare(&self, config: &Config) -> Result<Prepared> {
        ensure!(
            config.database == self.config.database,
            "the database was {} and is now {}: that needs a restart",
            self.config.database.display(),
            config.database.display()
        );
        let listen = |config: &Config| config.http.listen.map_or_else(|| "nowhere".to_owned(), |at| at.to_string());
        ensure!(
            config.http == self.config.http,
            "[http] listen was {} and is now {}: that needs a restart",
            listen(&self.config),
            listen(config)
        );
        ensure!(config.web == self.config.web, "[web] has changed: that needs a restart");
        ensure!(config.websub == self.config.websub, "[websub] has changed: that needs a restart");
        let poller = if config.intake == self.config.intake {
            None
        } else {
            Some(Arc::new(Poller::new(&config.intake).context("cannot build the HTTP client")?))
        };
        let mut dispatchers = BTreeMap::new();
        for sink in config.sinks.iter().filter(|sink| !self.has_sink(sink)) {
            dispatchers.insert(sink.name.clone(), dispatcher(sink, &self.outbox, &self.watchers.clock)?);
        }
        let store = Arc::clone(&self.store);
        let cursors = tokio::task::spawn_blocking(move || store.cursors()).await?;
        let cursors = cursors.context("cannot read the feeds' cursors")?;
        let cursors = cursors.into_iter().map(|cursor| (cursor.feed.clone(), cursor)).collect();
        Ok(Prepared { poller, dispatchers, cursors })
    }

    fn has_sink(&self, sink: &SinkConfig) -> bool {
        self.sinks.get(&sink.name).is_some_and(|running| running.config.as_ref() == Some(sink))
    }

    /// Lets the desk route by the new config, then replaces the dispatchers that differ. Says whether sinks went for good, and how
    /// many were started and stopped.
    async fn swap_sinks(
        &mut self,
        config: &Config,
        mut dispatchers: BTreeMap<String, (SinkConfig, Dispatcher<Queue>, Arc<Notify>)>,
    ) -> (bool, (usize, usize)) {
        let wake = |sink: &SinkConfig| match dispatchers.get(&sink.name) {
            Some((_, _, wake)) => Some(Arc::clone(wake)),
            None => self.sinks.get(&sink.name).map(|running| Arc::clone(&running.wake)),
        };
        let wake = config.sinks.iter().filter_map(wake).collect();
        self.reroute(config, wake).await;
        let (mut stopped, mut has_lost) = (0, false);
        for (name, running) in &mut self.sinks {
            let is_kept = config.sinks.iter().any(|sink| running.config.as_ref() == Some(sink));
            if running.config.is_some() && !is_kept {
                running.config = None;
                running.is_leaving.store(true, Ordering::Relaxed);
                running.stop.cancel();
                stopped += 1;
                has_lost |= !dispatchers.contains_key(name);
            }
        }
        let started = dispatchers.len();
        while let Some((_, (sink, dispatcher, wake))) = dispatchers.pop_first() {
            self.start_sink(sink, dispatcher, wake);
        }
        (has_lost, (started, stopped))
    }

    /// Tells the desk and waits until it has finished what came before, so that nothing is put in any more for sinks that go.
    async fn reroute(&self, config: &Config, wake: Vec<Arc<Notify>>) {
        let Some(orders) = &self.orders else { return };
        let (router, settings) = routing(config);
        let (done, answer) = oneshot::channel();
        let routing = Routing { router, settings, windows: windows(&config.windows), wake, done };
        let told = async {
            if orders.send(Order::Follow(routing)).await.is_ok() {
                answer.await.unwrap_or_default();
            }
        };
        // A stop does not wait for a slow desk here: its own grace is for that. What the desk follows then does not matter.
        tokio::select! {
            () = told => {}
            () = self.stop.cancelled() => {}
        }
    }

    /// Replaces the tasks of feeds that differ; says how many were started and stopped.
    pub(super) fn swap_feeds(
        &mut self,
        feeds: &[Arc<FeedConfig>],
        cursors: &BTreeMap<FeedId, FeedCursor>,
    ) -> (usize, usize) {
        let wanted: BTreeMap<&FeedId, &FeedConfig> = feeds.iter().map(|feed| (&feed.id, feed.as_ref())).collect();
        let mut stopped = 0;
        for (id, running) in &mut self.feeds {
            if running.config.is_some() && running.config.as_deref() != wanted.get(id).copied() {
                running.config = None;
                running.is_leaving.store(!wanted.contains_key(id), Ordering::Relaxed);
                running.stop.cancel();
                self.watchers.telemetry.pulse.feed_left(id);
                stopped += 1;
            }
        }
        let is_running = |id: &FeedId| self.feeds.get(id).is_some_and(|running| running.config.is_some());
        let missing: Vec<&Arc<FeedConfig>> = feeds.iter().filter(|feed| !is_running(&feed.id)).collect();
        let started = missing.len();
        for feed in missing {
            let cursor = cursors.get(&feed.id).cloned();
            self.start_feed(Arc::clone(feed), cursor);
        }
        (started, stopped)
    }
}
