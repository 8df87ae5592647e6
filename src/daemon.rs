//! The commands that keep running: `run` and `demo`, with their signals.

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context as _, Result};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};

use crate::app::Reload;
use crate::cli::{DemoArgs, ProbeArgs, RunArgs};
use crate::clock::{Clock, SystemClock};
use crate::config::{Config, ConfigError, Loaded, LogConfig};
use crate::exit::Exit;
use crate::running::Running;
use crate::settings::Source;
use crate::telemetry::{Supervisor, Telemetry};
use crate::{app, demo, memory, web};

/// `gainsay run`; `start_log` is called once the config has said how.
///
/// # Errors
/// If the config is bad or a stage cannot be built.
pub fn run(args: &RunArgs, start_log: impl FnOnce(LogConfig) -> Result<()>) -> Result<ExitCode> {
    memory::share_arenas();
    let source = Source::new(&args.source, args.database.as_deref())?;
    let Loaded { mut config, unknown_variables, .. } = source.load()?;
    config.ensure_feeds()?;
    if let Some(since) = &args.since {
        backfill_since(&mut config, since).map_err(|wrong| anyhow::anyhow!("--since: {wrong}"))?;
    }
    start_log(config.log.clone())?;
    for variable in &unknown_variables {
        warn!("{variable}");
    }
    let supervisor = Supervisor::from_env().context("cannot reach the supervisor")?.map(Arc::new);
    let runtime = runtime()?;
    let ended = runtime.block_on(async {
        let stop = CancellationToken::new();
        stop_on_signals(&stop)?;
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let telemetry = Telemetry::new(Arc::clone(&clock));
        let file = source.path().to_owned();
        let reloads = reload_on_signals(source, args.since.clone(), supervisor.clone())?;
        let _running = announce(&config.database, &file);
        let observer = Arc::new(app::LogObserver::default());
        let daemon = app::run_reloading(config, clock, observer, Arc::clone(&telemetry), stop, reloads);
        match &supervisor {
            Some(supervisor) => Box::pin(attended(daemon, supervisor, &telemetry)).await,
            None => daemon.await,
        }
    });
    // A call that cannot be cancelled, such as a write into a pipe that nobody empties, must not outlive the grace.
    runtime.shutdown_background();
    ended.map(|_| ExitCode::SUCCESS)
}

/// Runs the daemon while the supervisor is told how it is.
async fn attended<T>(daemon: impl Future<Output = T>, supervisor: &Supervisor, telemetry: &Arc<Telemetry>) -> T {
    let attend = async {
        supervisor.attend(telemetry).await;
        std::future::pending().await
    };
    // To be dropped at any time is what attending is made for.
    let ended = tokio::select! {
        ended = daemon => ended,
        ended = attend => ended,
    };
    supervisor.stopping();
    ended
}

/// `gainsay probe`.
///
/// # Errors
/// If the daemon is not ready or does not answer.
pub fn probe(args: &ProbeArgs) -> Result<ExitCode> {
    web::probe(args.address)?;
    Ok(ExitCode::SUCCESS)
}

/// Makes what was published since then news on the first fetch of each feed.
fn backfill_since(config: &mut Config, since: &str) -> Result<(), String> {
    let age = crate::config::age(since, SystemClock.now())?;
    config.feeds.iter_mut().for_each(|feed| Arc::make_mut(feed).backfill = age);
    config.feed_lists.iter_mut().for_each(|list| list.backfill = age);
    Ok(())
}

/// A database that cannot be written beside is said by the store; without announcement the daemon is only not told of changes.
fn announce(database: &Path, config: &Path) -> Option<Running> {
    Running::announce(database, config).unwrap_or_else(|error| {
        info!(%error, "feeds add, remove and import cannot tell this daemon, it reads its config on SIGHUP");
        None
    })
}

/// Reads the config anew at each SIGHUP; gives the sound ones. What is wrong with the others is logged, all of it.
#[expect(clippy::disallowed_methods, reason = "lives as long as the process and waits for nothing of the daemon's")]
fn reload_on_signals(
    source: Source,
    since: Option<String>,
    supervisor: Option<Arc<Supervisor>>,
) -> Result<mpsc::Receiver<Reload>> {
    let mut hangup = signal(SignalKind::hangup()).context("cannot listen for SIGHUP")?;
    let (configs, reloads) = mpsc::channel(1);
    tokio::spawn(async move {
        // Signals that come while a config is read count as one more.
        while hangup.recv().await.is_some() {
            if let Some(supervisor) = &supervisor {
                supervisor.reloading();
            }
            let (source, since) = (source.clone(), since.clone());
            let read = tokio::task::spawn_blocking(move || {
                let mut config = source.load()?.config;
                config.ensure_feeds()?;
                // It was a time before now when the daemon started, and is one still.
                if let Some(Err(wrong)) = since.map(|since| backfill_since(&mut config, &since)) {
                    warn!("--since no longer counts: {wrong}");
                }
                Ok::<_, ConfigError>(config)
            });
            let is_taken = match read.await {
                Ok(Ok(config)) => {
                    let (done, ended) = oneshot::channel();
                    if configs.send(Reload { config, done }).await.is_err() {
                        return;
                    }
                    // Not answered by a daemon that stops.
                    let Ok(is_taken) = ended.await else { return };
                    is_taken
                }
                Ok(Err(error)) => {
                    refuse(&error);
                    false
                }
                Err(error) => {
                    error!(%error, "reading the config died");
                    false
                }
            };
            if let Some(supervisor) = &supervisor {
                supervisor.reloaded(is_taken);
            }
        }
    });
    Ok(reloads)
}

fn refuse(error: &ConfigError) {
    match error {
        ConfigError::Invalid { problems } => problems.iter().for_each(|problem| error!(%problem, "bad config")),
        other => error!(error = %other, "bad config"),
    }
    error!("config not reloaded, everything stays as it was");
}

/// `gainsay demo`.
///
/// # Errors
/// If loopback sockets or a temporary folder cannot be had, the daemon fails, or not every alert arrives.
pub fn demo(args: &DemoArgs) -> Result<ExitCode> {
    runtime()?.block_on(async {
        let stop = CancellationToken::new();
        stop_on_signals(&stop)?;
        demo::run(args, stop).await
    })
}

fn runtime() -> Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread().enable_all().build().context("cannot start the runtime")
}

/// The first SIGTERM or SIGINT asks for a stop in order, a second one exits at once.
#[expect(clippy::disallowed_methods, reason = "lives as long as the process and waits for nothing of the daemon's")]
#[expect(clippy::exit, reason = "the operator asked twice")]
fn stop_on_signals(stop: &CancellationToken) -> Result<()> {
    let mut terminate = signal(SignalKind::terminate()).context("cannot listen for SIGTERM")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("cannot listen for SIGINT")?;
    let stop = stop.clone();
    tokio::spawn(async move {
        loop {
            // Waiting for a signal loses none when the other one comes first.
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
            if stop.is_cancelled() {
                std::process::exit(Exit::Impatient.code().into());
            }
            stop.cancel();
        }
    });
    Ok(())
}
