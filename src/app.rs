//! Builds every stage of the daemon from the config, owns its tasks and stop tokens, and drains them in order.

mod alarm;
mod control;
mod desk_loop;
mod feed;
mod feedback;
mod lists;
mod observer;
mod pages;
mod push;
mod reload;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result};
use jiff::{SignedDuration, Timestamp};
use tokio::sync::{Notify, mpsc, oneshot, watch};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};

use crate::api::Api;
use crate::clock::Clock;
use crate::config::{Config, IntakeConfig, SinkConfig, WindowsConfig};
use crate::desk::{Desk, SinkSettings, Work};
use crate::failpoint::{Point, reach};
use crate::intake::Poller;
use crate::memory;
use crate::model::{Document, DocumentId, FeedControl, FeedCursor, FeedId, KeptList, Knowledge};
use crate::pipeline::{Models, Windows};
use crate::route::Router;
use crate::sink::{BodyFormat, DispatchSummary, Dispatcher};
use crate::store::{EmbeddedStore, Orphan, Store, StoreError};
use crate::telemetry::{CountedOutbox, Phase, Telemetry};
use crate::web::{self, Callbacks, Web};

use alarm::Alarm;
use desk_loop::DeskLoop;
use feed::FeedTask;
use feedback::FeedbackTask;
use lists::{ListUpdate, RunningList, all_feeds, list_ids};
use push::Hubs;
use reload::{RunningFeed, RunningSink};

pub use observer::{LogObserver, Observer};

/// Polls that wait for the desk; a full queue makes the pollers wait, and feeds can be read later.
const DESK_QUEUE: usize = 64;
/// Copies of lists of feeds that wait to be followed.
const LISTS_QUEUE: usize = 16;
/// How often memory that is free goes back to the system.
const GIVE_BACK: Duration = Duration::from_mins(1);
/// States of what operators say that wait to be followed.
const CONTROLS_QUEUE: usize = 4;
/// How often the desk looks after what waits for a time.
const TICK: Duration = Duration::from_secs(1);
/// The desk's windows from the config.
pub fn windows(windows: &WindowsConfig) -> Windows {
    let signed = |duration: Duration| SignedDuration::try_from(duration).unwrap_or(SignedDuration::MAX);
    Windows { stories: signed(windows.stories), claims: signed(windows.claims), threads: signed(windows.threads) }
}

/// What the desk is asked to do, in order.
enum Order {
    /// To take what a poll brought.
    Take(Box<Delivery>),
    /// To say how it knows a poll's documents, which have the text of the feed's entries.
    Ask(Vec<Document>, oneshot::Sender<Vec<(DocumentId, Knowledge)>>),
    /// To see to what waits for a time that may have come.
    Tick,
    /// To go on by another config from here on.
    Follow(Routing),
}

/// One poll's work on its way to the desk; the answer says whether it is durable.
struct Delivery {
    work: Work,
    done: oneshot::Sender<bool>,
}

/// What of a config the desk follows.
struct Routing {
    router: Router,
    settings: Vec<SinkSettings>,
    windows: Windows,
    /// Told when there is something in the outbox.
    wake: Vec<Arc<Notify>>,
    done: oneshot::Sender<()>,
}

/// Runs the daemon until `stop` is cancelled, then drains: fetches in flight finish, the desk commits, the dispatchers
/// make a last pass. What is not done when the grace has passed is abandoned; nothing durable is lost by that.
///
/// # Errors
/// If a stage cannot be built (the HTTP server, the database, the models, the HTTP client or a sink) or dies.
pub async fn run(
    config: Config,
    clock: Arc<dyn Clock>,
    observer: Arc<dyn Observer>,
    telemetry: Arc<Telemetry>,
    stop: CancellationToken,
) -> Result<Vec<DispatchSummary>> {
    // While nobody sends, the config stays as it is.
    let (_configs, reloads) = mpsc::channel(1);
    run_reloading(config, clock, observer, telemetry, stop, reloads).await
}

/// A config to go on by.
#[derive(Debug)]
pub struct Reload {
    /// The config.
    pub config: Config,
    /// Told whether it counts from now on; dropped when the daemon stops.
    pub done: oneshot::Sender<bool>,
}

/// As [`run`], and goes on by each config that comes out of `reloads`, all or nothing: a config whose parts cannot be built, or with
/// another database or another address to listen at, changes nothing and is logged.
///
/// # Errors
/// As [`run`].
pub async fn run_reloading(
    config: Config,
    clock: Arc<dyn Clock>,
    observer: Arc<dyn Observer>,
    telemetry: Arc<Telemetry>,
    stop: CancellationToken,
    mut reloads: mpsc::Receiver<Reload>,
) -> Result<Vec<DispatchSummary>> {
    // Served from before the state is rebuilt until all is drained: that it is not ready, or no longer, must be answered too.
    let mut web = JoinSet::new();
    let (configs, read_configs) = watch::channel(Arc::new(config.clone()));
    let (pollers, read_pollers) = watch::channel(None);
    let controls = Arc::new(Notify::new());
    let api = config.web.api.then(|| {
        Api::new(read_configs, read_pollers, Arc::clone(&clock), Arc::clone(&telemetry), Arc::clone(&controls))
    });
    if let Some(address) = config.http.listen {
        let probes = web::router(Arc::clone(&telemetry));
        let router = match &api {
            Some(api) => {
                let all = probes.merge(web::page()).nest_service("/api/v1", api.router());
                all.nest_service("/act", api.acts())
            }
            None => probes,
        };
        web.spawn(Web::bind(address, "http.listen").await?.serve(router));
    }
    let hubs = hubs(&config, &telemetry, &mut web).await?;
    let path = config.database.clone();
    let store = tokio::task::spawn_blocking(move || EmbeddedStore::open(&path)).await?;
    let store = Arc::new(store.with_context(|| format!("cannot open the database {}", config.database.display()))?);
    store.keep_deliveries_for(config.windows.deliveries);
    let stages = Stages::build(&config, &store, &telemetry, Arc::clone(&clock)).await?;
    info!(feeds = config.feeds.len(), sinks = config.sinks.len(), "started");
    let news = Arc::new(Notify::new());
    if let Some(api) = api.filter(|_| config.http.listen.is_some()) {
        api.share_models(Arc::clone(&stages.models));
        web.spawn(api.tell(Arc::clone(&store), Arc::clone(&news)));
    }
    pollers.send_replace(Some(Arc::clone(&stages.poller)));
    let watchers = Watchers { clock, observer, telemetry, news, controls, configs, pollers };
    let mut tasks = Tasks::start(config, stages, store, watchers.clone(), hubs, &stop);
    watchers.telemetry.pulse.enter(Phase::Ready);
    let ended = tasks.until_stopped(&mut reloads).await;
    watchers.telemetry.pulse.enter(Phase::Stopping);
    info!("stopping");
    stop.cancel();
    let grace = tasks.config.shutdown_grace;
    let drained = tokio::time::timeout(grace, tasks.drain(grace)).await;
    if drained.is_err() {
        warn!(?grace, "not everything had stopped when the grace was over; what is durable goes on at the next start");
    }
    ended.map(|()| drained.unwrap_or_default())
}

/// Opens the way for hubs, where the config wants them.
async fn hubs(config: &Config, telemetry: &Arc<Telemetry>, web: &mut JoinSet<()>) -> Result<Option<Arc<Hubs>>> {
    let settings = &config.websub;
    let (Some(_), Some(address)) = (&settings.callback_url, settings.listen) else { return Ok(None) };
    let callbacks = Arc::new(Callbacks::new(config.intake.body_bytes_max, Arc::clone(telemetry)));
    web.spawn(Web::bind(address, "websub.listen").await?.serve_calls(callbacks.router()));
    Ok(Some(Arc::new(Hubs::new(settings.clone(), callbacks))))
}

/// What every stage tells the time by and tells what it does.
#[derive(Clone)]
struct Watchers {
    clock: Arc<dyn Clock>,
    observer: Arc<dyn Observer>,
    telemetry: Arc<Telemetry>,
    /// Told when alerts are durable.
    news: Arc<Notify>,
    /// Tells that an operator has said something of a feed.
    controls: Arc<Notify>,
    /// Told by which config the daemon runs.
    configs: watch::Sender<Arc<Config>>,
    /// Told what polls its feeds.
    pollers: watch::Sender<Option<Arc<Poller>>>,
}

/// Everything that is built before the first poll, so that what cannot work is said at once.
struct Stages {
    desk: Desk,
    models: Arc<Models>,
    poller: Arc<Poller>,
    cursors: Vec<FeedCursor>,
    kept_lists: Vec<KeptList>,
    /// What operators have said of feeds, and its mark.
    controls: (i64, Vec<FeedControl>),
    outbox: Arc<Queue>,
    dispatchers: Vec<(SinkConfig, Dispatcher<Queue>, Arc<Notify>)>,
}

impl Stages {
    async fn build(
        config: &Config,
        store: &Arc<EmbeddedStore>,
        telemetry: &Arc<Telemetry>,
        clock: Arc<dyn Clock>,
    ) -> Result<Self> {
        let names = sink_names(config);
        let (router, settings) = routing(config);
        let (windows, now) = (windows(&config.windows), clock.now());
        let (desk_store, other_store) = (Arc::clone(store), Arc::clone(store));
        let (told, opened) = (Arc::clone(telemetry), config.clone());
        let (desk, models, cursors, kept_lists, controls) = tokio::task::spawn_blocking(move || -> Result<_> {
            let models =
                Arc::new(Models::embedded().context("the built-in models cannot be read")?.with_words(&opened.extract));
            let models_hash = models.hash().0;
            let desk = Desk::open(desk_store, Arc::clone(&models), router, settings, windows)
                .context("cannot rebuild the desk")?;
            told.backlog_at_start(desk.backlog());
            let waiting = other_store.orphans(&[], now).context("cannot read the outbox")?;
            told.opened(&opened, Arc::clone(&other_store) as _, &models_hash, &waiting);
            tell_orphans(other_store.as_ref(), &names, now, &told).context("cannot read the outbox")?;
            // A list that gets the id of one that left the config begins anew.
            other_store.forget_lists(list_ids(&opened)).context("cannot forget lists of feeds that left the config")?;
            let kept_lists = other_store.kept_lists().context("cannot read the lists of feeds")?;
            let controls = other_store.feed_controls(None).context("cannot read what is said of feeds")?;
            let cursors = other_store.cursors().context("cannot read the feeds' cursors")?;
            Ok((desk, models, cursors, kept_lists, controls.unwrap_or_default()))
        })
        .await??;
        let poller = Arc::new(Poller::new(&config.intake).context("cannot build the HTTP client")?);
        let outbox = Arc::new(CountedOutbox::new(Arc::clone(store), Arc::clone(telemetry)));
        let dispatchers = config.sinks.iter().map(|sink| dispatcher(sink, &outbox, &clock)).collect::<Result<_>>()?;
        Ok(Self { desk, models, poller, cursors, kept_lists, controls, outbox, dispatchers })
    }
}

fn sink_names(config: &Config) -> Vec<String> {
    config.sinks.iter().map(|sink| sink.name.clone()).collect()
}

/// What the desk needs to route by this config.
fn routing(config: &Config) -> (Router, Vec<SinkSettings>) {
    let settings = config.sinks.iter().map(|sink| SinkSettings {
        name: sink.name.clone(),
        format: BodyFormat::of(&sink.target),
        form: sink.target.form(),
        links: config.web.links.clone(),
        limits: sink.limits.clone(),
    });
    (Router::new(config.rules.clone(), sink_names(config)), settings.collect())
}

/// The outbox as dispatchers see it: what becomes of alerts is counted.
type Queue = CountedOutbox<EmbeddedStore>;

/// A sink's dispatcher, and what wakes it.
fn dispatcher(
    sink: &SinkConfig,
    outbox: &Arc<Queue>,
    clock: &Arc<dyn Clock>,
) -> Result<(SinkConfig, Dispatcher<Queue>, Arc<Notify>)> {
    let wake = Arc::new(Notify::new());
    let dispatcher = Dispatcher::new(sink, Arc::clone(outbox), Arc::clone(clock), Arc::clone(&wake))
        .with_context(|| format!("cannot open the sink {:?}", sink.name))?;
    Ok((sink.clone(), dispatcher, wake))
}

/// Says which sinks the config no longer has although alerts wait for them. These are delivered if the sink comes back;
/// it may be gone by mistake, or only have another name now. After a long time nobody wants them any more.
fn tell_orphans(
    store: &EmbeddedStore,
    sinks: &[String],
    now: Timestamp,
    telemetry: &Telemetry,
) -> Result<(), StoreError> {
    for Orphan { sink, waiting, is_stale } in store.orphans(sinks, now)? {
        if is_stale {
            store.give_up(&sink, now)?;
            telemetry.given_up(&sink, waiting);
            warn!(
                sink,
                alerts = waiting,
                "sink is no longer in the config: its alerts waited too long and are given up"
            );
        } else {
            warn!(sink, alerts = waiting, "sink is no longer in the config: alerts wait for it");
        }
    }
    for (sink, alerts) in store.held_for_others(sinks)? {
        warn!(sink, alerts, "sink is no longer in the config: alerts are held for its digests and groups");
    }
    Ok(())
}

/// All tasks of the daemon, by stage, and the config by which they run.
struct Tasks {
    config: Config,
    store: Arc<EmbeddedStore>,
    outbox: Arc<Queue>,
    watchers: Watchers,
    stop: CancellationToken,
    intake: JoinSet<()>,
    desk: JoinSet<Result<(), StoreError>>,
    dispatch: JoinSet<DispatchSummary>,
    stop_dispatch: CancellationToken,
    /// The way to the desk, until the drain: the desk ends when nobody holds it any more.
    orders: Option<mpsc::Sender<Order>>,
    manners: watch::Sender<Arc<Manners>>,
    /// Where feeds are pushed, if the config wants that.
    hubs: Option<Arc<Hubs>>,
    /// The last good copies of lists of feeds, and the tasks that read them anew.
    kept_lists: Vec<KeptList>,
    lists: BTreeMap<String, RunningList>,
    list_updates: mpsc::Sender<ListUpdate>,
    list_inbox: mpsc::Receiver<ListUpdate>,
    /// What operators have said of feeds, and how more of it comes.
    controls: Vec<FeedControl>,
    control_updates: mpsc::Sender<Vec<FeedControl>>,
    control_inbox: mpsc::Receiver<Vec<FeedControl>>,
    feeds: BTreeMap<FeedId, RunningFeed>,
    sinks: BTreeMap<String, RunningSink>,
    /// Of dispatchers that a reload ended.
    summaries: Vec<DispatchSummary>,
}

/// How all feeds are polled.
#[derive(Debug)]
struct Manners {
    poller: Arc<Poller>,
    windows: Windows,
    /// Longest that a fetch may take.
    fetch_timeout: Duration,
    /// Pages of articles after one poll, and the longest wait for them.
    pages_max: usize,
    page_wait: Duration,
}

impl Manners {
    fn new(poller: Arc<Poller>, config: &Config) -> Self {
        let IntakeConfig { fetch_timeout, pages_max, page_wait, .. } = config.intake;
        Self { poller, windows: windows(&config.windows), fetch_timeout, pages_max, page_wait }
    }
}

impl Tasks {
    /// Starts every stage.
    fn start(
        config: Config,
        stages: Stages,
        store: Arc<EmbeddedStore>,
        watchers: Watchers,
        hubs: Option<Arc<Hubs>>,
        stop: &CancellationToken,
    ) -> Self {
        let (orders, inbox) = mpsc::channel(DESK_QUEUE);
        let wake = stages.dispatchers.iter().map(|(_, _, wake)| Arc::clone(wake)).collect();
        let desk_loop = DeskLoop::new(stages.desk, wake, watchers.clone());
        let (manners, _) = watch::channel(Arc::new(Manners::new(stages.poller, &config)));
        let (mark, controls) = stages.controls;
        let feeds = all_feeds(&config, &stages.kept_lists, &controls);
        let (control_updates, control_inbox) = mpsc::channel(CONTROLS_QUEUE);
        let (list_updates, list_inbox) = mpsc::channel(LISTS_QUEUE);
        let mut tasks = Self {
            config,
            store,
            outbox: stages.outbox,
            watchers,
            stop: stop.clone(),
            intake: JoinSet::new(),
            desk: JoinSet::new(),
            dispatch: JoinSet::new(),
            stop_dispatch: CancellationToken::new(),
            orders: Some(orders),
            manners,
            hubs,
            kept_lists: stages.kept_lists,
            lists: BTreeMap::new(),
            list_updates,
            list_inbox,
            controls,
            control_updates: control_updates.clone(),
            control_inbox,
            feeds: BTreeMap::new(),
            sinks: BTreeMap::new(),
            summaries: Vec::new(),
        };
        tasks.desk.spawn_blocking(move || desk_loop.run(inbox));
        for (sink, dispatcher, wake) in stages.dispatchers {
            tasks.start_sink(sink, dispatcher, wake);
        }
        tasks.start_feedback();
        tasks.start_alarm();
        tasks.start_ticks();
        tasks.start_giving_back();
        let mut cursors: BTreeMap<FeedId, FeedCursor> =
            stages.cursors.into_iter().map(|cursor| (cursor.feed.clone(), cursor)).collect();
        let watched = Config { feeds: feeds.clone(), ..tasks.config.clone() };
        tasks.watchers.telemetry.watch_config(&watched, &cursors);
        for feed in feeds {
            let cursor = cursors.remove(&feed.id);
            tasks.start_feed(feed, cursor);
        }
        tasks.swap_lists();
        tasks.start_controls(mark, control_updates);
        tasks
    }

    /// Starts the task that hears what users say.
    fn start_feedback(&mut self) {
        let Some(orders) = self.orders.clone() else { return };
        let task = FeedbackTask { store: Arc::clone(&self.store), orders };
        self.intake.spawn(task.run(self.stop.clone()));
    }

    /// Starts the task that tells of endpoints in trouble.
    fn start_alarm(&mut self) {
        let Some(orders) = self.orders.clone() else { return };
        let (store, clock) = (Arc::clone(&self.store), Arc::clone(&self.watchers.clock));
        self.intake.spawn(Alarm::new(store, clock, orders).run(self.stop.clone()));
    }

    /// Starts the task that lets the desk see to what waits, however quiet the feeds are.
    fn start_ticks(&mut self) {
        let Some(orders) = self.orders.clone() else { return };
        let stop = self.stop.clone();
        self.intake.spawn(async move {
            loop {
                // All branches only wait.
                tokio::select! {
                    biased;
                    () = stop.cancelled() => return,
                    () = tokio::time::sleep(TICK) => {}
                }
                // A desk whose queue is full is at work: it closes what is over with its next batch.
                if matches!(orders.try_send(Order::Tick), Err(mpsc::error::TrySendError::Closed(_))) {
                    return;
                }
            }
        });
    }

    /// Starts the task that keeps memory small after floods.
    fn start_giving_back(&mut self) {
        let stop = self.stop.clone();
        self.intake.spawn(async move {
            loop {
                // Both branches only wait.
                tokio::select! {
                    () = stop.cancelled() => return,
                    () = tokio::time::sleep(GIVE_BACK) => {}
                }
                tokio::task::spawn_blocking(memory::give_back).await.unwrap_or_default();
            }
        });
    }

    /// Waits until the daemon is to stop, and reloads meanwhile. A stage that ends before is a failure: without it the daemon would
    /// look alive and alert nothing, so it is better off restarted. Tasks of feeds and sinks that a reload ended are none.
    async fn until_stopped(&mut self, reloads: &mut mpsc::Receiver<Reload>) -> Result<()> {
        loop {
            // Biased, so that tasks which end because of the stop are not taken for dead. Waiting loses nothing.
            tokio::select! {
                biased;
                () = self.stop.cancelled() => return Ok(()),
                Some(ended) = self.desk.join_next() => {
                    ended.context("the desk died")?.context("the database cannot be used any more")?;
                    anyhow::bail!("the desk ended");
                }
                Some(ended) = self.intake.join_next() => ended.context("a feed's task died")?,
                Some(ended) = self.dispatch.join_next() => self.summaries.push(ended.context("a dispatcher died")?),
                Some(update) = self.list_inbox.recv() => self.take_list(update).await,
                Some(controls) = self.control_inbox.recv() => self.take_controls(controls).await,
                Some(Reload { config, done }) = reloads.recv() => {
                    let is_taken = self.reload(config).await;
                    // Who sent it may be gone.
                    done.send(is_taken).unwrap_or_default();
                }
            }
        }
    }

    /// In order: pollers finish and let go of the desk's queue, the desk empties it, the dispatchers make a last pass. A
    /// fetch that takes more than half of the grace is abandoned, so that a slow feed leaves time for what is already
    /// here; its cursor has not moved.
    async fn drain(&mut self, grace: Duration) -> Vec<DispatchSummary> {
        self.orders = None;
        let fetches_end = async { while self.intake.join_next().await.is_some() {} };
        if tokio::time::timeout(grace / 2, fetches_end).await.is_err() {
            warn!("fetches under way are abandoned, their feeds are read again at the next start");
            self.intake.shutdown().await;
        }
        while let Some(ended) = self.desk.join_next().await {
            if let Err(error) = ended {
                error!(%error, "the desk died");
            }
        }
        reach(Point::Drain);
        self.stop_dispatch.cancel();
        let mut summaries = std::mem::take(&mut self.summaries);
        while let Some(joined) = self.dispatch.join_next().await {
            match joined {
                Ok(summary) => summaries.push(summary),
                Err(error) => error!(%error, "a dispatcher died"),
            }
        }
        summaries
    }
}
