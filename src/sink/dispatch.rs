//! From the outbox to one sink: takes what is due, sends it, writes the attempt down; each sink has its own [`Dispatcher`],
//! so that a slow one holds up nobody else.
//!
//! At least once: an attempt that could not be written down is made again, with the same id and the same bytes. In order:
//! of each order key only the first undelivered entry is ever on its way.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::sync::Notify;
use tokio::task::{JoinError, JoinSet};
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};

use crate::clock::Clock;
use crate::config::{SinkConfig, SinkTarget, TrafficConfig};
use crate::model::{AddressHash, AttemptResult, EndpointState, Outbox};

use super::attempt::{Delivery, Ended, Look, STORE_FAILURES_MAX, STORE_WAITS, Target};
use super::jsonl::JsonLines;
use super::mail::Mail;
use super::traffic::{Permit, Shift, Traffic};
use super::webhook::Webhook;
use super::{DeliveryError, retry};

/// Longest time between two looks into the outbox: the wall clock, by which entries are due, may have been set.
const LOOK_INTERVAL_MAX: Duration = Duration::from_secs(30);

/// A clock that is set back by less is only corrected.
const CLOCK_STEP_MIN: SignedDuration = SignedDuration::from_secs(1);

/// Empties the outbox of one sink.
pub struct Dispatcher<O: Outbox> {
    delivery: Arc<Delivery<O>>,
    wake: Arc<Notify>,
    concurrency_max: usize,
    /// How an endpoint is treated, the longest wait between two attempts, and the hash of its address; nothing of a file.
    endpoint: Option<(TrafficConfig, Duration, AddressHash)>,
    is_leaving: Arc<AtomicBool>,
}

/// What a dispatcher did until it was stopped.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DispatchSummary {
    /// Name of the sink.
    pub sink: String,
    /// Alerts that it has.
    pub delivered: u64,
    /// Attempts that failed; their alerts wait.
    pub failed: u64,
    /// Alerts that were given up.
    pub dead: u64,
    /// Attempts that the store could not take: the receiver gets these again after the next start.
    pub unrecorded: u64,
}

/// What is on its way.
struct Flight {
    tasks: JoinSet<Ended>,
    /// Order keys that have an attempt under way. The key of an attempt that panicked stays: the entry would only panic
    /// again; it is tried after the next start.
    order_keys: BTreeSet<String>,
    summary: DispatchSummary,
    /// Failures of the store in a row, at looks into the outbox and with the endpoint's record.
    failures: u32,
    /// Of an endpoint, once what is stored of it is known.
    traffic: Option<Traffic>,
    /// By the clock, when the outbox was looked into last.
    looked_at: Option<Timestamp>,
}

impl<O: Outbox + 'static> Dispatcher<O> {
    /// Prepares the sink. `wake` is to be notified when something was put into the outbox.
    ///
    /// # Errors
    /// When the file cannot be opened or no HTTP client can be made.
    pub fn new(
        sink: &SinkConfig,
        outbox: Arc<O>,
        clock: Arc<dyn Clock>,
        wake: Arc<Notify>,
    ) -> Result<Self, DeliveryError> {
        let (target, concurrency_max, endpoint) = match &sink.target {
            // Lines come in order, so one at a time.
            SinkTarget::JsonLines(config) => {
                (Target::JsonLines(Arc::new(JsonLines::new(config, Arc::clone(&clock))?)), 1, None)
            }
            // One after the other, so that nobody gets an answer before what it answers.
            SinkTarget::Mail(config) => {
                let mail = Box::new(Mail::new(config)?);
                let address = AddressHash::of(&[config.server.as_bytes(), &config.port.to_be_bytes()]);
                // What a mail server does not take for days dies by its schedule.
                let traffic = TrafficConfig { disable_after: Duration::ZERO, ..TrafficConfig::default() };
                let endpoint = (traffic, retry::longest(&config.retry_schedule), address);
                (Target::Mail { mail, retry_schedule: config.retry_schedule.clone() }, 1, Some(endpoint))
            }
            SinkTarget::Webhook(config) => {
                let webhook = Box::new(Webhook::new(config)?);
                let target = Target::Webhook { webhook, retry_schedule: config.retry_schedule.clone() };
                let address = AddressHash::of(&[config.url.as_str().as_bytes()]);
                let endpoint = (config.traffic.clone(), retry::longest(&config.retry_schedule), address);
                (target, config.concurrency_max, Some(endpoint))
            }
        };
        let delivery = Arc::new(Delivery { sink: sink.name.clone(), target, outbox, clock });
        Ok(Self { delivery, wake, concurrency_max: concurrency_max.max(1), endpoint, is_leaving: Arc::default() })
    }

    /// Set before the stop, it spares the last pass: attempts under way end, everything else is left in the outbox for a
    /// successor.
    pub fn leaving(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.is_leaving)
    }

    /// Works until `stop` is cancelled; then attempts once more what is due at that moment, waits for the attempts under
    /// way and returns. May be dropped at any time: what is then under way counts as not attempted.
    pub async fn run(self, stop: CancellationToken) -> DispatchSummary {
        let summary = self.work(stop).await;
        self.delivery.rest().await;
        summary
    }

    async fn work(&self, stop: CancellationToken) -> DispatchSummary {
        let summary = DispatchSummary { sink: self.delivery.sink.clone(), ..DispatchSummary::default() };
        let (tasks, order_keys) = (JoinSet::new(), BTreeSet::new());
        let mut flight = Flight { tasks, order_keys, summary, failures: 0, traffic: None, looked_at: None };
        while !stop.is_cancelled() {
            // Listens from here on, before the outbox is read: what is put in between is not overlooked.
            let woken = self.wake.notified();
            let wait = self.start_due(&mut flight, self.delivery.clock.now(), &stop).await;
            if flight.tasks.is_empty() {
                self.delivery.rest().await;
            }
            // All four may be dropped without loss: a task that ended stays in the set until it is taken out.
            tokio::select! {
                () = stop.cancelled() => {}
                () = woken, if flight.failures == 0 => {}
                () = sleep(wait) => {}
                Some(ended) = flight.tasks.join_next() => flight.settle(ended, self.delivery.clock.now()),
            }
        }
        if self.is_leaving.load(Ordering::Relaxed) {
            while let Some(ended) = flight.tasks.join_next().await {
                flight.settle(ended, self.delivery.clock.now());
            }
            // What cannot be stored of the endpoint now is found out anew.
            self.keep(&mut flight).await;
            return flight.summary;
        }
        let stopped_at = self.delivery.clock.now();
        loop {
            // What fails in this pass is due later than `stopped_at`, so that this comes to an end.
            let wait = self.start_due(&mut flight, stopped_at, &stop).await;
            if let Some(ended) = flight.tasks.join_next().await {
                flight.settle(ended, self.delivery.clock.now());
            } else if flight.failures == 0 || flight.failures >= STORE_FAILURES_MAX {
                return flight.summary;
            } else {
                sleep(wait).await;
            }
        }
    }

    /// Starts attempts at what is due at `now`, as many as may run. Says how long to wait before the next look.
    async fn start_due(&self, flight: &mut Flight, now: Timestamp, stop: &CancellationToken) -> Duration {
        if !self.resume(flight).await || !self.keep(flight).await || !self.hasten(flight, now).await {
            return retry::back_off(flight.failures, STORE_WAITS.0, STORE_WAITS.1);
        }
        let under_way = flight.tasks.len();
        let permit = match &mut flight.traffic {
            Some(traffic) => traffic.permit(Instant::now(), under_way, self.concurrency_max),
            None => Permit::of(self.concurrency_max.saturating_sub(under_way)),
        };
        let (room, may_be_early) = match permit {
            Permit::Wait(wait) => {
                // The store took and gave what it was asked.
                flight.failures = 0;
                return wait.min(LOOK_INTERVAL_MAX);
            }
            Permit::Start { room, may_be_early } => (room, may_be_early && !stop.is_cancelled()),
        };
        // An entry stays due while it is under way, so there must be place for these in the answer, too.
        let look = Look { now, limit: room.saturating_add(flight.order_keys.len()), may_be_early };
        let (entries, next) = match self.delivery.look(look).await {
            Ok(found) => found,
            Err(error) => {
                flight.failures = flight.failures.saturating_add(1);
                error!(sink = self.delivery.sink, %error, "cannot read the outbox");
                return retry::back_off(flight.failures, STORE_WAITS.0, STORE_WAITS.1);
            }
        };
        flight.failures = 0;
        for entry in entries {
            if flight.tasks.len() < under_way + room && flight.order_keys.insert(entry.row.order_key.clone()) {
                if let Some(traffic) = &mut flight.traffic {
                    traffic.start(Instant::now());
                }
                flight.tasks.spawn(Arc::clone(&self.delivery).attempt(entry, stop.clone()));
            }
        }
        let wait =
            next.map_or(LOOK_INTERVAL_MAX, |next| Duration::try_from(next.duration_since(now)).unwrap_or_default());
        // What is over the rate is due already.
        let over = flight.traffic.as_mut().and_then(|traffic| traffic.wait_for_rate(Instant::now()));
        wait.min(LOOK_INTERVAL_MAX).min(over.unwrap_or(LOOK_INTERVAL_MAX))
    }

    /// Sees to it that nothing waits longer because the clock was set back, before the start or since the last look. False where the store fails.
    async fn hasten(&self, flight: &mut Flight, now: Timestamp) -> bool {
        let is_back = flight.looked_at.is_none_or(|before| before.duration_since(now) > CLOCK_STEP_MIN);
        if is_back && let Err(error) = self.delivery.hasten(now).await {
            flight.failures = flight.failures.saturating_add(1);
            error!(sink = self.delivery.sink, %error, "cannot look for what waits too long");
            return false;
        }
        flight.looked_at = Some(now);
        true
    }

    /// Learns what is stored of the endpoint: at the start, and while it is left alone, as somebody may have put that to an end. False
    /// where the store fails.
    async fn resume(&self, flight: &mut Flight) -> bool {
        let Some((config, wait_max, address)) = &self.endpoint else { return true };
        if flight.traffic.as_ref().is_some_and(|traffic| traffic.record().state == EndpointState::Healthy) {
            return true;
        }
        let stored = match self.delivery.endpoint().await {
            Ok(stored) => stored,
            Err(error) => {
                flight.failures = flight.failures.saturating_add(1);
                error!(sink = self.delivery.sink, %error, "cannot read how the endpoint does");
                return false;
            }
        };
        let sink = self.delivery.sink.as_str();
        if let Some(traffic) = &mut flight.traffic {
            if traffic.take_over(stored) {
                info!(sink, "endpoint is enabled, alerts go out to it again");
            }
            return true;
        }
        let now = (self.delivery.clock.now(), Instant::now());
        let traffic = Traffic::resume((config.clone(), *wait_max), (sink, *address), stored, now);
        if traffic.record().state == EndpointState::Disabled {
            let error = traffic.record().why.as_deref().unwrap_or_default();
            warn!(sink, error, "endpoint is disabled, alerts wait for `gainsay endpoint enable`");
        }
        flight.traffic = Some(traffic);
        true
    }

    /// Stores what has changed of the endpoint. False where the store fails.
    async fn keep(&self, flight: &mut Flight) -> bool {
        let Some(traffic) = &mut flight.traffic else { return true };
        let Some((record, is_back)) = traffic.unstored() else { return true };
        match self.delivery.keep_endpoint(record, is_back).await {
            Ok(()) => {
                traffic.stored();
                true
            }
            Err(error) => {
                flight.failures = flight.failures.saturating_add(1);
                error!(sink = self.delivery.sink, %error, "cannot store how the endpoint does");
                false
            }
        }
    }
}

impl Flight {
    fn settle(&mut self, ended: Result<Ended, JoinError>, at: Timestamp) {
        let ended = match ended {
            Ok(ended) => ended,
            Err(error) => {
                error!(sink = self.summary.sink, %error, "an attempt panicked, its entry waits for the next start");
                return;
            }
        };
        self.order_keys.remove(&ended.order_key);
        let summary = &mut self.summary;
        match ended.result {
            _ if !ended.is_recorded => summary.unrecorded += 1,
            AttemptResult::Delivered => summary.delivered += 1,
            AttemptResult::Retry { .. } | AttemptResult::Held { .. } => summary.failed += 1,
            AttemptResult::Dead { .. } => summary.dead += 1,
        }
        let Some(traffic) = &mut self.traffic else { return };
        let Some(shift) = traffic.note(&ended.outcome, &ended.why, ended.begun, (at, Instant::now())) else { return };
        let (sink, error) = (&self.summary.sink, &ended.why);
        match shift {
            Shift::Paused(pause) => {
                warn!(sink, error, ?pause, "endpoint is too busy, nothing is sent to it for a while");
            }
            Shift::Failing => {
                warn!(sink, error, "endpoint fails: alerts wait, an attempt now and then finds out whether it is back");
            }
            Shift::Disabled => error!(sink, error, "endpoint is disabled, alerts wait for `gainsay endpoint enable`"),
            Shift::Back => info!(sink, "endpoint is back"),
        }
    }
}
