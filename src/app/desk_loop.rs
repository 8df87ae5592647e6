//! The loop of the desk: takes what comes to it, in batches, and reads what waits in the backlog meanwhile.

use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use tokio::sync::mpsc::error::TryRecvError;
use tokio::sync::{Notify, mpsc, oneshot};
use tracing::{error, info};

use super::{Delivery, Order, Routing, Watchers};
use crate::desk::{BACKLOG_MAX, Desk, Outcome, Work};
use crate::model::{Document, DocumentId, Knowledge};
use crate::store::StoreError;

/// Polls that the desk takes in one transaction.
const DESK_BATCH: usize = 32;
/// How often some of the backlog is read although more comes.
const CATCH_UP_EVERY: Duration = Duration::from_secs(5);
/// How long the desk waits after it could not commit what it read of the backlog.
const BACKLOG_RETRY: Duration = Duration::from_secs(1);
/// How long the desk lets wait on what it could not commit when its time came, unless something else comes: to rebuild it is much work.
const TICK_RETRY: Duration = Duration::from_secs(10);

/// The desk's thread: takes what has queued up as one batch.
pub(super) struct DeskLoop {
    desk: Desk,
    wake: Vec<Arc<Notify>>,
    watchers: Watchers,
    /// When some of the backlog was last read.
    caught_up: Instant,
    /// When what was due could not be committed, if it could not be the last time.
    failed: Option<Instant>,
}

impl DeskLoop {
    /// Of a desk whose alerts wake these sinks.
    pub(super) fn new(desk: Desk, wake: Vec<Arc<Notify>>, watchers: Watchers) -> Self {
        Self { desk, wake, watchers, caught_up: Instant::now(), failed: None }
    }

    /// Ends when no poller is left, or with an error that only a person can mend.
    pub(super) fn run(mut self, mut inbox: mpsc::Receiver<Order>) -> Result<(), StoreError> {
        while let Some(first) = self.next(&mut inbox)? {
            let (mut deliveries, mut next, mut routing) = (Vec::new(), Some(first), None);
            while let Some(order) = next.take() {
                match order {
                    // What came before it is still done by the old config.
                    Order::Follow(new) => routing = Some(new),
                    Order::Tick => {
                        self.tick()?;
                        next = inbox.try_recv().ok();
                    }
                    Order::Ask(documents, answer) => {
                        self.answer(documents, answer)?;
                        next = inbox.try_recv().ok();
                    }
                    Order::Take(delivery) => {
                        deliveries.push(*delivery);
                        next = if deliveries.len() < DESK_BATCH { inbox.try_recv().ok() } else { None };
                    }
                }
            }
            self.take(deliveries)?;
            if let Some(Routing { router, settings, windows, wake, done }) = routing {
                self.desk.reconfigure(router, settings, windows);
                self.wake = wake;
                // Who waited for it may be stopping.
                done.send(()).unwrap_or_default();
            }
        }
        Ok(())
    }

    /// The next order; until it comes, what is in the backlog is read.
    fn next(&mut self, inbox: &mut mpsc::Receiver<Order>) -> Result<Option<Order>, StoreError> {
        while self.desk.backlog() > 0 {
            if self.desk.backlog() < BACKLOG_MAX {
                match inbox.try_recv() {
                    Ok(order) if self.caught_up.elapsed() < CATCH_UP_EVERY => return Ok(Some(order)),
                    Ok(order) => {
                        self.catch_up()?;
                        return Ok(Some(order));
                    }
                    // What is in the backlog is read after the next start.
                    Err(TryRecvError::Disconnected) => return Ok(None),
                    Err(TryRecvError::Empty) => {}
                }
            }
            self.catch_up()?;
        }
        Ok(inbox.blocking_recv())
    }

    fn catch_up(&mut self) -> Result<(), StoreError> {
        self.caught_up = Instant::now();
        self.watchers.telemetry.pulse.desk_began();
        let caught_up = self.process(Desk::catch_up);
        if let Err(error) = caught_up {
            self.watchers.telemetry.not_committed(0, &error);
            error!(%error, "commit failed, the backlog stays as it is");
            if !error.is_retryable() {
                return Err(error);
            }
            std::thread::sleep(BACKLOG_RETRY);
        }
        Ok(())
    }

    /// Lets out what has waited long enough. What cannot be committed waits on until a later tick.
    fn tick(&mut self) -> Result<(), StoreError> {
        let is_too_soon = self.failed.is_some_and(|failed| failed.elapsed() < TICK_RETRY);
        if is_too_soon || !self.desk.is_due(self.watchers.clock.now()) {
            return Ok(());
        }
        self.watchers.telemetry.pulse.desk_began();
        let ticked = self.process(|desk, now| desk.process(Vec::new(), now));
        if let Err(error) = ticked {
            self.watchers.telemetry.not_committed(0, &error);
            error!(%error, "commit failed, what waits goes on to wait");
            if !error.is_retryable() {
                return Err(error);
            }
            self.failed = Some(Instant::now());
        } else {
            self.failed = None;
        }
        Ok(())
    }

    /// Says how documents are known. Who asked may be gone; who gets no answer reads the feed again.
    fn answer(
        &mut self,
        documents: Vec<Document>,
        answer: oneshot::Sender<Vec<(DocumentId, Knowledge)>>,
    ) -> Result<(), StoreError> {
        match self.desk.knowledge(documents) {
            Ok(known) => drop(answer.send(known)),
            Err(error) if error.is_retryable() => error!(%error, "the database cannot be read now"),
            Err(error) => return Err(error),
        }
        Ok(())
    }

    fn take(&mut self, deliveries: Vec<Delivery>) -> Result<(), StoreError> {
        if deliveries.is_empty() {
            return Ok(());
        }
        let (works, waiting): (Vec<Work>, Vec<oneshot::Sender<bool>>) =
            deliveries.into_iter().map(|delivery| (delivery.work, delivery.done)).unzip();
        self.watchers.telemetry.pulse.desk_began();
        let documents = works.iter().map(|work| work.documents.len() as u64).sum();
        let processed = self.process(|desk, now| desk.take(works, now));
        if let Err(error) = &processed {
            self.watchers.telemetry.not_committed(documents, error);
        }
        for done in waiting {
            // A poller that is gone needs no answer.
            done.send(processed.is_ok()).unwrap_or_default();
        }
        if let Err(error) = processed {
            error!(%error, "commit failed, the feeds will be read again");
            if !error.is_retryable() {
                return Err(error);
            }
        }
        Ok(())
    }

    fn process(
        &mut self,
        work: impl FnOnce(&mut Desk, Timestamp) -> Result<Outcome, StoreError>,
    ) -> Result<(), StoreError> {
        let Watchers { clock, observer, telemetry, news, .. } = &self.watchers;
        let had_backlog = self.desk.backlog() > 0;
        let outcome = work(&mut self.desk, clock.now())?;
        match (had_backlog, self.desk.backlog()) {
            (false, waiting @ 1..) => {
                info!(documents = waiting, "more came than can be read at once; it waits in the database");
            }
            (true, 0) => info!("all that waited in the database is read"),
            _ => {}
        }
        telemetry.committed(&outcome);
        // Observers see an alert before any endpoint does.
        outcome.alerts().for_each(|alert| observer.alerted(alert));
        if !outcome.routed.is_empty() {
            self.wake.iter().for_each(|notify| notify.notify_one());
            news.notify_one();
        }
        observer.committed(&outcome);
        Ok(())
    }
}
