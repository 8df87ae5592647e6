//! One attempt at one entry of the outbox, from its start until it is written down, and what a dispatcher asks of the outbox otherwise.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::task::spawn_blocking;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;
use tracing::{debug, error, warn};

use super::jsonl::JsonLines;
use super::mail::Mail;
use super::traffic::Outcome;
use super::webhook::Webhook;
use super::{DeliveryError, retry};
use crate::clock::Clock;
use crate::failpoint::{Point, reach};
use crate::model::{AlertId, Attempt, AttemptResult, EndpointRecord, Outbox, OutboxEntry, OutboxRow, Rendering};

/// Waits after failures of the store.
pub(super) const STORE_WAITS: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(30));

/// Failures of the store in a row that are put up with while stopping.
pub(super) const STORE_FAILURES_MAX: u32 = 4;

/// Waits after failed writes of JSON Lines; these are tried until they succeed.
const LINE_WAITS: (Duration, Duration) = (Duration::from_secs(1), Duration::from_mins(1));

/// What all attempts for one sink share.
pub(super) struct Delivery<O> {
    pub(super) sink: String,
    pub(super) target: Target,
    pub(super) outbox: Arc<O>,
    pub(super) clock: Arc<dyn Clock>,
}

pub(super) enum Target {
    JsonLines(Arc<JsonLines>),
    Webhook { webhook: Box<Webhook>, retry_schedule: Vec<Duration> },
    Mail { mail: Box<Mail>, retry_schedule: Vec<Duration> },
}

/// An attempt that has ended.
pub(super) struct Ended {
    pub(super) order_key: String,
    pub(super) begun: Instant,
    /// What it tells of the endpoint, and that in words.
    pub(super) outcome: Outcome,
    pub(super) why: String,
    pub(super) result: AttemptResult,
    pub(super) is_recorded: bool,
}

/// What of the outbox is looked at.
#[derive(Debug, Clone, Copy)]
pub(super) struct Look {
    pub(super) now: Timestamp,
    pub(super) limit: usize,
    /// Where nothing is due: also what was tried before and has its next turn later.
    pub(super) may_be_early: bool,
}

impl<O: Outbox + 'static> Delivery<O> {
    /// What can be attempted, and when the next entry will be due.
    pub(super) async fn look(
        self: &Arc<Self>,
        Look { now, limit, may_be_early }: Look,
    ) -> Result<(Vec<OutboxEntry>, Option<Timestamp>), String> {
        self.ask(move |delivery| {
            let mut entries = delivery.outbox.due(&delivery.sink, now, limit)?;
            if entries.is_empty() && may_be_early {
                entries = delivery.outbox.tried(&delivery.sink, now, limit)?;
            }
            Ok((entries, delivery.outbox.next_due(&delivery.sink, now)?))
        })
        .await
    }

    /// Lets nothing wait longer because the clock was set back.
    pub(super) async fn hasten(self: &Arc<Self>, now: Timestamp) -> Result<(), String> {
        self.ask(move |delivery| delivery.outbox.hasten(&delivery.sink, now)).await
    }

    /// Nothing more is to be sent for now.
    pub(super) async fn rest(&self) {
        if let Target::Mail { mail, .. } = &self.target {
            mail.rest().await;
        }
    }

    /// What is stored of the endpoint.
    pub(super) async fn endpoint(self: &Arc<Self>) -> Result<Option<EndpointRecord>, String> {
        self.ask(|delivery| delivery.outbox.endpoint(&delivery.sink)).await
    }

    /// Stores what is known of the endpoint.
    pub(super) async fn keep_endpoint(self: &Arc<Self>, record: EndpointRecord, is_back: bool) -> Result<(), String> {
        self.ask(move |delivery| delivery.outbox.keep_endpoint(record, is_back)).await
    }

    /// Asks the outbox something on a thread that may wait for it.
    async fn ask<T: Send + 'static>(
        self: &Arc<Self>,
        question: impl FnOnce(&Self) -> Result<T, O::Error> + Send + 'static,
    ) -> Result<T, String> {
        let delivery = Arc::clone(self);
        let answer = spawn_blocking(move || question(&delivery));
        answer.await.map_err(|error| error.to_string())?.map_err(|error: O::Error| error.to_string())
    }

    /// One attempt, from start to record.
    pub(super) async fn attempt(self: Arc<Self>, entry: OutboxEntry, stop: CancellationToken) -> Ended {
        let (at, begun) = (self.clock.now(), Instant::now());
        let OutboxEntry { row, attempts } = entry;
        let OutboxRow { alert, order_key, body, rendering, due, .. } = row;
        reach(Point::SendBefore);
        let sent = match &self.target {
            Target::JsonLines(lines) => {
                let lines = Arc::clone(lines);
                let written = spawn_blocking(move || lines.write(&body)).await;
                written.unwrap_or(Err(DeliveryError::Abandoned)).map(|()| (None, None))
            }
            // A sink may have been of another type when this was put in.
            Target::Mail { mail, .. } => match rendering.filter(Rendering::is_mail) {
                Some(rendering) => mail.send(&rendering.body).await.map(|()| (None, None)),
                None => Err(DeliveryError::Unrendered),
            },
            Target::Webhook { webhook, .. } => {
                let rendering = rendering.filter(|made| !made.is_mail()).unwrap_or_else(|| Rendering::json(body));
                let answer = webhook.send(&alert.to_string(), rendering, at).await;
                answer.map(|answer| (Some(answer.status), Some(answer.head)))
            }
        };
        reach(Point::SendAfter);
        let (outcome, why) = match &sent {
            Ok(_) => (Outcome::Delivered, String::new()),
            Err(error) => (error.outcome(), error.to_string()),
        };
        let (result, (status, head)) = match sent {
            Ok(answer) => (AttemptResult::Delivered, answer),
            Err(error) => (self.judge(&error, attempts, due > at), error.into_answer()),
        };
        self.tell(&result, &alert, attempts);
        let duration = begun.elapsed();
        let attempt = Attempt { alert, sink: self.sink.clone(), at, duration, status, head, result };
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
        Ended { order_key, begun, outcome, why, result: attempt.result, is_recorded }
    }

    fn tell(&self, result: &AttemptResult, alert: &AlertId, attempts: u32) {
        match result {
            AttemptResult::Delivered => debug!(sink = self.sink, %alert, attempts, "delivered"),
            AttemptResult::Retry { due, error } => {
                warn!(sink = self.sink, %alert, attempts, %error, %due, "delivery failed");
            }
            AttemptResult::Held { error } => debug!(sink = self.sink, %alert, attempts, %error, "still waits"),
            AttemptResult::Dead { error } => error!(sink = self.sink, %alert, attempts, %error, "delivery given up"),
        }
    }

    /// What becomes of an entry whose attempt failed, after `attempts` others. One that came before its turn (`is_early`), to see
    /// whether the endpoint is back, leaves the entry as it was: alerts are not to die sooner because they were asked about more often.
    fn judge(&self, error: &DeliveryError, attempts: u32, is_early: bool) -> AttemptResult {
        let wait = match &self.target {
            Target::JsonLines(_) => Some(retry::back_off(attempts.saturating_add(1), LINE_WAITS.0, LINE_WAITS.1)),
            Target::Mail { .. } if error.is_final() => None,
            Target::Webhook { .. } | Target::Mail { .. } if is_early || !error.is_retryable() => {
                return AttemptResult::Held { error: error.to_string() };
            }
            Target::Webhook { retry_schedule, .. } | Target::Mail { retry_schedule, .. } => {
                retry::wait(retry_schedule, attempts, error.retry_after(), fastrand::f64())
            }
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
            let copy = attempt.clone();
            let Err(error) = self.ask(move |delivery| delivery.outbox.record_attempt(copy)).await else { return true };
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
