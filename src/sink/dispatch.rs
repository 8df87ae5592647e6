//! From the outbox to one sink: takes what is due, sends it, writes the attempt down; each sink has its own [`Dispatcher`],
//! so that a slow one holds up nobody else.
//!
//! At least once: an attempt that could not be written down is made again, with the same id and the same bytes. In order:
//! of each order key only the first undelivered entry is ever on its way.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::Notify;
use tokio::task::{JoinError, JoinSet, spawn_blocking};
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;
use tracing::{debug, error, warn};

use crate::clock::Clock;
use crate::config::{SinkConfig, SinkTarget};
use crate::model::{Attempt, AttemptResult, Outbox, OutboxEntry, OutboxRow, Rendering};

use super::jsonl::JsonLines;
use super::mail::Mail;
use super::webhook::Webhook;
use super::{DeliveryError, retry};

/// Longest time between two looks into the outbox: the wall clock, by which entries are due, may have been set.
const LOOK_INTERVAL_MAX: Duration = Duration::from_secs(30);

/// Waits after failures of the store.
const STORE_WAITS: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(30));

/// Failures of the store in a row that are put up with while stopping.
const STORE_FAILURES_MAX: u32 = 4;

/// Waits after failed writes of JSON Lines; these are tried until they succeed.
const LINE_WAITS: (Duration, Duration) = (Duration::from_secs(1), Duration::from_mins(1));

/// Empties the outbox of one sink.
pub struct Dispatcher<O: Outbox> {
    delivery: Arc<Delivery<O>>,
    wake: Arc<Notify>,
    concurrency_max: usize,
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

/// What all attempts for one sink share.
struct Delivery<O> {
    sink: String,
    target: Target,
    outbox: Arc<O>,
    clock: Arc<dyn Clock>,
    /// The receiver wants nothing more: nothing is sent to it until the next start or a reload of its config, when the operator may have seen to it.
    is_gone: AtomicBool,
}

enum Target {
    JsonLines(Arc<JsonLines>),
    Webhook { webhook: Box<Webhook>, retry_schedule: Vec<Duration> },
    Mail { mail: Box<Mail>, retry_schedule: Vec<Duration> },
}

/// What is on its way.
struct Flight {
    tasks: JoinSet<Ended>,
    /// Order keys that have an attempt under way. The key of an attempt that panicked stays: the entry would only panic
    /// again; it is tried after the next start.
    order_keys: BTreeSet<String>,
    summary: DispatchSummary,
    /// Failed looks into the outbox in a row.
    failures: u32,
}

struct Ended {
    order_key: String,
    result: AttemptResult,
    is_recorded: bool,
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
        let (target, concurrency_max) = match &sink.target {
            // Lines come in order, so one at a time.
            SinkTarget::JsonLines(config) => {
                (Target::JsonLines(Arc::new(JsonLines::new(config, Arc::clone(&clock))?)), 1)
            }
            // One after the other, so that nobody gets an answer before what it answers.
            SinkTarget::Mail(config) => {
                let mail = Box::new(Mail::new(config)?);
                (Target::Mail { mail, retry_schedule: config.retry_schedule.clone() }, 1)
            }
            SinkTarget::Webhook(config) => {
                let webhook = Box::new(Webhook::new(config)?);
                (Target::Webhook { webhook, retry_schedule: config.retry_schedule.clone() }, config.concurrency_max)
            }
        };
        let is_gone = AtomicBool::new(false);
        let delivery = Arc::new(Delivery { sink: sink.name.clone(), target, outbox, clock, is_gone });
        Ok(Self { delivery, wake, concurrency_max: concurrency_max.max(1), is_leaving: Arc::default() })
    }

    /// Set before the stop, it spares the last pass: attempts under way end, everything else is left in the outbox for a
    /// successor.
    pub fn leaving(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.is_leaving)
    }

    /// Works until `stop` is cancelled; then attempts once more what is due at that moment, waits for the attempts under
    /// way and returns. May be dropped at any time: what is then under way counts as not attempted.
    pub async fn run(self, stop: CancellationToken) -> DispatchSummary {
        let summary = DispatchSummary { sink: self.delivery.sink.clone(), ..DispatchSummary::default() };
        let mut flight = Flight { tasks: JoinSet::new(), order_keys: BTreeSet::new(), summary, failures: 0 };
        while !stop.is_cancelled() {
            // Listens from here on, before the outbox is read: what is put in between is not overlooked.
            let woken = self.wake.notified();
            let wait = self.start_due(&mut flight, self.delivery.clock.now(), &stop).await;
            // All four may be dropped without loss: a task that ended stays in the set until it is taken out.
            tokio::select! {
                () = stop.cancelled() => {}
                () = woken, if flight.failures == 0 => {}
                () = sleep(wait) => {}
                Some(ended) = flight.tasks.join_next() => flight.settle(ended),
            }
        }
        if self.is_leaving.load(Ordering::Relaxed) {
            while let Some(ended) = flight.tasks.join_next().await {
                flight.settle(ended);
            }
            return flight.summary;
        }
        let stopped_at = self.delivery.clock.now();
        loop {
            // What fails in this pass is due later than `stopped_at`, so that this comes to an end.
            let wait = self.start_due(&mut flight, stopped_at, &stop).await;
            if let Some(ended) = flight.tasks.join_next().await {
                flight.settle(ended);
            } else if flight.failures == 0 || flight.failures >= STORE_FAILURES_MAX {
                return flight.summary;
            } else {
                sleep(wait).await;
            }
        }
    }

    /// Starts attempts at what is due at `now`, as many as may run. Says how long to wait before the next look.
    async fn start_due(&self, flight: &mut Flight, now: Timestamp, stop: &CancellationToken) -> Duration {
        let room = self.concurrency_max.saturating_sub(flight.tasks.len());
        if room == 0 || self.delivery.is_gone.load(Ordering::Relaxed) {
            return LOOK_INTERVAL_MAX;
        }
        // An entry stays due while it is under way, so there must be place for these in the answer, too.
        let (entries, next) = match self.delivery.look(now, room + flight.order_keys.len()).await {
            Ok(found) => found,
            Err(error) => {
                flight.failures = flight.failures.saturating_add(1);
                error!(sink = self.delivery.sink, %error, "cannot read the outbox");
                return retry::back_off(flight.failures, STORE_WAITS.0, STORE_WAITS.1);
            }
        };
        flight.failures = 0;
        for entry in entries {
            if flight.tasks.len() < self.concurrency_max && flight.order_keys.insert(entry.row.order_key.clone()) {
                flight.tasks.spawn(Arc::clone(&self.delivery).attempt(entry, stop.clone()));
            }
        }
        let wait =
            next.map_or(LOOK_INTERVAL_MAX, |next| Duration::try_from(next.duration_since(now)).unwrap_or_default());
        wait.min(LOOK_INTERVAL_MAX)
    }
}

impl Flight {
    fn settle(&mut self, ended: Result<Ended, JoinError>) {
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
    }
}

impl<O: Outbox + 'static> Delivery<O> {
    /// What is due, and when the next entry will be.
    async fn look(
        self: &Arc<Self>,
        now: Timestamp,
        limit: usize,
    ) -> Result<(Vec<OutboxEntry>, Option<Timestamp>), String> {
        let delivery = Arc::clone(self);
        let found = spawn_blocking(move || {
            let entries = delivery.outbox.due(&delivery.sink, now, limit)?;
            Ok((entries, delivery.outbox.next_due(&delivery.sink, now)?))
        });
        found.await.map_err(|error| error.to_string())?.map_err(|error: O::Error| error.to_string())
    }

    /// One attempt, from start to record.
    async fn attempt(self: Arc<Self>, entry: OutboxEntry, stop: CancellationToken) -> Ended {
        let at = self.clock.now();
        let started = Instant::now();
        let OutboxEntry { row, attempts } = entry;
        let OutboxRow { alert, order_key, body, rendering, .. } = row;
        let sent = match &self.target {
            Target::JsonLines(lines) => {
                let lines = Arc::clone(lines);
                spawn_blocking(move || lines.write(&body)).await.unwrap_or(Err(DeliveryError::Abandoned))
            }
            // A sink may have been of another type when this was put in.
            Target::Mail { mail, .. } => match rendering.filter(Rendering::is_mail) {
                Some(rendering) => mail.send(&rendering.body).await,
                None => Err(DeliveryError::Unrendered),
            },
            Target::Webhook { webhook, .. } => {
                let rendering = rendering.filter(|made| !made.is_mail()).unwrap_or_else(|| Rendering::json(body));
                webhook.send(&alert.to_string(), rendering, at).await.map(drop)
            }
        };
        let result = match sent {
            Ok(()) => AttemptResult::Delivered,
            Err(error) => self.judge(&error, attempts),
        };
        match &result {
            AttemptResult::Delivered => debug!(sink = self.sink, %alert, attempts, "delivered"),
            AttemptResult::Retry { due, error } => {
                warn!(sink = self.sink, %alert, attempts, %error, %due, "delivery failed");
            }
            AttemptResult::Held { error } => {
                // Attempts that were under way get the same answer: it is said once.
                if !self.is_gone.swap(true, Ordering::Relaxed) {
                    warn!(sink = self.sink, %error, "endpoint is gone, nothing is sent to it until the next start");
                }
            }
            AttemptResult::Dead { error } => error!(sink = self.sink, %alert, attempts, %error, "delivery given up"),
        }
        let attempt = Attempt { alert, sink: self.sink.clone(), at, duration: started.elapsed(), result };
        let is_recorded = self.record(&attempt, &stop).await;
        if let (Target::JsonLines(_), AttemptResult::Retry { due, .. }) = (&self.target, &attempt.result) {
            // A closed pipe or a full disk would refuse the next line too: it waits behind this one, so that a backlog
            // does not turn into as many failures.
            let wait = Duration::try_from(due.duration_since(self.clock.now())).unwrap_or_default();
            // Both branches only wait.
            tokio::select! {
                () = sleep(wait) => {}
                () = stop.cancelled() => {}
            }
        }
        Ended { order_key, result: attempt.result, is_recorded }
    }

    /// What becomes of an entry whose attempt failed, after `attempts` others.
    fn judge(&self, error: &DeliveryError, attempts: u32) -> AttemptResult {
        let wait = match &self.target {
            Target::JsonLines(_) => Some(retry::back_off(attempts.saturating_add(1), LINE_WAITS.0, LINE_WAITS.1)),
            Target::Mail { .. } if error.is_final() => None,
            Target::Webhook { retry_schedule, .. } | Target::Mail { retry_schedule, .. } if error.is_retryable() => {
                retry::wait(retry_schedule, attempts, error.retry_after(), fastrand::f64())
            }
            Target::Webhook { .. } | Target::Mail { .. } => return AttemptResult::Held { error: error.to_string() },
        };
        let error = error.to_string();
        match wait {
            Some(wait) => {
                let now = self.clock.now();
                AttemptResult::Retry { due: now.saturating_add(wait).unwrap_or(Timestamp::MAX), error }
            }
            None => AttemptResult::Dead { error },
        }
    }

    /// Writes the attempt down, however long the store fails; while stopping only a few times. Says whether it succeeded.
    async fn record(self: &Arc<Self>, attempt: &Attempt, stop: &CancellationToken) -> bool {
        let mut failures = 0;
        loop {
            let (delivery, copy) = (Arc::clone(self), attempt.clone());
            let error = match spawn_blocking(move || delivery.outbox.record_attempt(copy)).await {
                Ok(Ok(())) => return true,
                Ok(Err(error)) => error.to_string(),
                Err(error) => error.to_string(),
            };
            failures += 1;
            error!(sink = self.sink, alert = %attempt.alert, %error, "cannot write an attempt down");
            if stop.is_cancelled() && failures >= STORE_FAILURES_MAX {
                return false;
            }
            let wait = retry::back_off(failures, STORE_WAITS.0, STORE_WAITS.1);
            tokio::select! {
                () = sleep(wait) => {}
                // A stop cuts a long wait short, but does not spare the waits after it.
                () = stop.cancelled(), if !stop.is_cancelled() => {}
            }
        }
    }
}
