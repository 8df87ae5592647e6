//! `gainsay demo`: the real daemon on a bundled wire, served on loopback, with a webhook receiver that verifies what
//! arrives. Draws what happens and fails unless every alert was delivered.

mod drawing;
mod feed;
mod receiver;
mod screen;
mod script;
mod summary;
mod wire;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use axum::Router;
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::app::{self, Observer};
use crate::cli::DemoArgs;
use crate::clock::{Clock, SystemClock};
use crate::config::{
    Config, FeedAccess, FeedConfig, HttpConfig, IntakeConfig, Secret, SinkConfig, SinkTarget, TextPolicy, WebhookConfig,
};
use crate::desk::Outcome;
use crate::intake::Poll;
use crate::model::{Alert, AlertType, FeedId};
use crate::store::EmbeddedStore;
use crate::telemetry::Telemetry;

use receiver::Receiver;
use screen::{BOLD, DIM, HEADING, Screen, wrapped};
use script::Script;
use summary::{Stored, Summary};
use wire::Wire;

/// Polls of a feed in one act at the given pace.
const POLLS_PER_ACT: u32 = 5;
/// Fastest and slowest polling; the wire is our own.
const POLL_INTERVALS: (Duration, Duration) = (Duration::from_millis(20), Duration::from_secs(1));
/// How long an act may take beyond its pace until everything is read, and the last alerts until they are delivered.
const PATIENCE: Duration = Duration::from_secs(30);
/// Time between two looks at whether that is so.
const LOOK_INTERVAL: Duration = Duration::from_millis(10);
/// Waits between attempts to deliver.
const RETRY_SCHEDULE: [Duration; 6] = [Duration::from_millis(300); 6];

/// What to do next.
const NEXT: &str = "\nNext, your own feeds. Put this into gainsay.toml\n\n  \
    [[feed]]\n  id = \"un-news\"\n  url = \"https://news.un.org/feed/subscribe/en/news/all/rss.xml\"\n  outlet = \"UN News\"\n\n\
    and start the daemon; alerts are printed as JSON Lines until a [[sink]] says otherwise:\n\n  gainsay run -c gainsay.toml\n\n";

/// Runs the demo to its end, or until `stop` is cancelled.
///
/// # Errors
/// If loopback sockets or a temporary folder cannot be had, the daemon fails, or not every alert arrives.
pub async fn run(args: &DemoArgs, stop: CancellationToken) -> Result<ExitCode> {
    let pace = Duration::try_from_secs_f64(args.pace).with_context(|| format!("--pace {} is no time", args.pace))?;
    let script = Arc::new(Script::embedded()?);
    let folder = tempfile::tempdir().context("cannot make a temporary folder")?;
    let database = folder.path().join("demo.db");
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let screen = Arc::new(Screen::new(stop.clone()));
    let secret = Secret::new(std::iter::repeat_with(|| fastrand::u8(..)).take(32).collect());
    let wire = Wire::new(Arc::clone(&script), clock.now());
    let receiver = Receiver::new(secret.clone(), Arc::clone(&clock), Arc::clone(&screen));
    let mut servers = JoinSet::new();
    let wire_base = serve(&mut servers, wire.router()).await?;
    let endpoint = serve(&mut servers, receiver.router()).await?;
    screen.write(&greeting(&script, &wire_base, &endpoint));
    let config = config(&script, database.clone(), pace, &wire_base, &endpoint, secret)?;
    let spectator = Arc::new(Spectator { screen: Arc::clone(&screen), seen: Mutex::default() });
    let play = Play { script, wire, receiver, spectator, screen, pace };
    let observer: Arc<dyn Observer> = Arc::clone(&play.spectator) as _;
    // Whichever ends first, for good or bad, ends the other.
    let daemon = async {
        let telemetry = Telemetry::new(Arc::clone(&clock));
        let ended = app::run(config, clock, observer, telemetry, stop.clone()).await;
        stop.cancel();
        ended
    };
    let acts = async {
        let is_over = play.acts(&stop).await;
        stop.cancel();
        is_over
    };
    let (ended, is_over) = tokio::join!(daemon, acts);
    ended?;
    let summary = play.summary(database).await?;
    play.screen.write(&summary.drawing(play.screen.width()));
    if is_over? {
        summary.check()?;
        play.screen.write(NEXT);
    }
    play.screen.finish()?;
    Ok(ExitCode::SUCCESS)
}

/// Serves on a free port of loopback until the set is dropped.
async fn serve(servers: &mut JoinSet<std::io::Result<()>>, router: Router) -> Result<String> {
    let listener = TcpListener::bind("127.0.0.1:0").await.context("cannot listen on loopback")?;
    let base = format!("http://{}", listener.local_addr().context("cannot listen on loopback")?);
    servers.spawn(async move { axum::serve(listener, router).await });
    Ok(base)
}

fn greeting(script: &Script, wire: &str, endpoint: &str) -> String {
    let outlets = script.feeds.len();
    format!(
        "{BOLD}gainsay demo{BOLD:#}: {outlets} invented outlets on {wire}, webhooks to {endpoint}\n\
         {DIM}Real HTTP, the real daemon, a real database; nothing leaves this machine.{DIM:#}\n"
    )
}

/// The config that a user would write, but for the pace.
fn config(
    script: &Script,
    database: PathBuf,
    pace: Duration,
    wire: &str,
    endpoint: &str,
    secret: Secret,
) -> Result<Config> {
    let interval = (pace / POLLS_PER_ACT).clamp(POLL_INTERVALS.0, POLL_INTERVALS.1);
    let mut feeds = Vec::new();
    for feed in &script.feeds {
        feeds.push(Arc::new(FeedConfig {
            id: FeedId::new(feed.id.as_str()),
            url: format!("{wire}{}", Wire::path(feed)).parse()?,
            outlet: feed.outlet.clone(),
            poll_interval: interval,
            poll_interval_max: interval,
            backfill: Duration::ZERO,
            access: FeedAccess::default(),
            text: TextPolicy::Feed,
        }));
    }
    let webhook =
        WebhookConfig { retry_schedule: RETRY_SCHEDULE.to_vec(), ..WebhookConfig::new(endpoint.parse()?, secret) };
    Ok(Config {
        database,
        http: HttpConfig { listen: None },
        intake: IntakeConfig {
            poll_interval: interval,
            poll_interval_max: interval,
            backoff_max: interval,
            allow_networks: vec!["127.0.0.0/8".parse()?],
            fetches_per_host_max: script.feeds.len(),
            fetch_gap: Duration::ZERO,
            domains: Vec::new(),
            ..IntakeConfig::default()
        },
        feeds,
        sinks: vec![SinkConfig::new("demo".to_owned(), SinkTarget::Webhook(Box::new(webhook)))],
        ..Config::default()
    })
}

/// Sees what the daemon does: draws alerts and counts the rest.
struct Spectator {
    screen: Arc<Screen>,
    seen: Mutex<Seen>,
}

#[derive(Default, Clone)]
struct Seen {
    repairs: u32,
    read: usize,
    alerts: BTreeMap<AlertType, usize>,
    alert_ids: BTreeSet<String>,
}

impl Spectator {
    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Observer for Spectator {
    fn polled(&self, _feed: &FeedConfig, poll: &Poll) {
        self.seen().repairs += poll.repairs.0.values().sum::<u32>();
    }

    fn committed(&self, outcome: &Outcome) {
        self.seen().read += outcome.analysed;
    }

    fn alerted(&self, alert: &Alert) {
        let mut seen = self.seen();
        *seen.alerts.entry(alert.alert_type).or_default() += 1;
        seen.alert_ids.insert(alert.id.to_string());
        self.screen.write(&drawing::drawing(alert, self.screen.width()));
    }
}

/// The play and everybody who takes part in it.
struct Play {
    script: Arc<Script>,
    wire: Arc<Wire>,
    receiver: Arc<Receiver>,
    spectator: Arc<Spectator>,
    screen: Arc<Screen>,
    pace: Duration,
}

impl Play {
    /// Plays act by act and waits for the last alert's delivery. False if `stop` came before.
    async fn acts(&self, stop: &CancellationToken) -> Result<bool> {
        let play = async {
            for number in 0..self.script.acts.len() {
                self.act(number).await?;
            }
            self.wait_until("every alert was delivered", || {
                self.spectator.seen().alert_ids.is_subset(&self.receiver.receipts().verified)
            })
            .await
        };
        // Dropping the play in mid-act leaves nothing half done: the daemon drains by itself.
        tokio::select! {
            ended = play => ended.map(|()| true),
            () = stop.cancelled() => Ok(false),
        }
    }

    async fn act(&self, number: usize) -> Result<()> {
        let Some(act) = self.script.acts.get(number) else { return Ok(()) };
        let (traffic, seen) = (self.wire.traffic(), self.spectator.seen().clone());
        let label = format!("\n{HEADING}{}/{}{HEADING:#} ", number + 1, self.script.acts.len());
        let title = format!("{} ", act.title);
        self.screen.write(&wrapped(
            &[(HEADING, &title), (DIM, "· "), (DIM, &act.expect)],
            &label,
            4,
            self.screen.width(),
        ));
        self.wire.begin(number);
        tokio::time::sleep(self.pace).await;
        self.wait_until("every feed was read", || self.wire.is_read()).await?;
        let (traffic_after, seen_after) = (self.wire.traffic(), self.spectator.seen().clone());
        let alerts = seen_after.alert_ids.len() - seen.alert_ids.len();
        self.screen.write(&format!(
            "{}  {DIM}polls {}, not modified {} · new texts {} · alerts {alerts}{DIM:#}\n",
            if alerts > 0 { "\n" } else { "" },
            traffic_after.polls() - traffic.polls(),
            traffic_after.not_modified - traffic.not_modified,
            seen_after.read - seen.read,
        ));
        Ok(())
    }

    async fn wait_until(&self, what: &str, is_done: impl Fn() -> bool) -> Result<()> {
        let wait = async {
            while !is_done() {
                tokio::time::sleep(LOOK_INTERVAL).await;
            }
        };
        match tokio::time::timeout(PATIENCE, wait).await {
            Ok(()) => Ok(()),
            Err(_) => bail!("waited {} s in vain until {what}", PATIENCE.as_secs()),
        }
    }

    async fn summary(&self, database: PathBuf) -> Result<Summary> {
        let read = tokio::task::spawn_blocking(move || Stored::read(&EmbeddedStore::open(&database)?));
        let stored = read.await?.context("cannot read the demo's database")?;
        let Seen { repairs, alerts, .. } = self.spectator.seen().clone();
        Ok(Summary { traffic: self.wire.traffic(), repairs, alerts, receipts: self.receiver.receipts(), stored })
    }
}
