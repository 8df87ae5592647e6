//! The task that tells of endpoints in trouble: it looks how they do, as their dispatchers store it, and lets the desk alert the other sinks
//! of what is new.
//!
//! What was told last is read from the outbox at the start, so that a restart neither repeats nor forgets it; the id of such an alert is made of the sink,
//! the beginning of its trouble and the type, so that it is there once in any case.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;
use tracing::warn;

use super::{Delivery, Order};
use crate::clock::Clock;
use crate::desk::Work;
use crate::model::{AlertType, EndpointRecord, SinkChange};
use crate::route::sink_order_key;
use crate::store::{EmbeddedStore, StoreError};

/// Between two looks.
const LOOK_INTERVAL: Duration = Duration::from_secs(5);

/// What was last told of each endpoint, by its order key.
type Told = BTreeMap<String, SinkChange>;

/// Tells the desk of endpoints in trouble.
pub(super) struct Alarm {
    store: Arc<EmbeddedStore>,
    clock: Arc<dyn Clock>,
    orders: mpsc::Sender<Order>,
    /// Nothing before it was read.
    told: Option<Told>,
}

impl Alarm {
    pub(super) fn new(store: Arc<EmbeddedStore>, clock: Arc<dyn Clock>, orders: mpsc::Sender<Order>) -> Self {
        Self { store, clock, orders, told: None }
    }

    /// Looks at once, and then every few seconds, until it is stopped.
    pub(super) async fn run(mut self, stop: CancellationToken) {
        loop {
            if let Err(error) = self.look().await {
                warn!(%error, "how the endpoints do cannot be read");
            }
            // Both branches only wait.
            tokio::select! {
                biased;
                () = stop.cancelled() => return,
                () = tokio::time::sleep(LOOK_INTERVAL) => {}
            }
        }
    }

    async fn look(&mut self) -> Result<(), StoreError> {
        let (store, is_first) = (Arc::clone(&self.store), self.told.is_none());
        let read = tokio::task::spawn_blocking(move || -> Result<_, StoreError> {
            let told = if is_first { Some(store.told_of_sinks()?) } else { None };
            Ok((told, store.endpoints()?))
        });
        let Ok(read) = read.await else { return Ok(()) };
        let (stored, records) = read?;
        let told = self.told.get_or_insert_with(|| stored.unwrap_or_default().into_iter().filter_map(known).collect());
        let now = self.clock.now();
        let news = |record: &EndpointRecord| record.news(told.get(&sink_order_key(&record.sink)).copied(), now);
        let sinks: Vec<_> = records.iter().filter_map(news).collect();
        if sinks.is_empty() {
            return Ok(());
        }
        let changes: Told = sinks.iter().map(|health| (sink_order_key(&health.sink), health.change)).collect();
        let (done, answer) = oneshot::channel();
        let delivery = Box::new(Delivery { work: Work { sinks, ..Work::default() }, done });
        // Why a commit failed was said by the desk; it is tried again.
        if self.orders.send(Order::Take(delivery)).await.is_ok() && answer.await.unwrap_or(false) {
            told.extend(changes);
        }
        Ok(())
    }
}

fn known((order_key, name): (String, String)) -> Option<(String, SinkChange)> {
    let changes = [
        (AlertType::SinkFailing, SinkChange::Failing),
        (AlertType::SinkDisabled, SinkChange::Disabled),
        (AlertType::SinkRecovered, SinkChange::Recovered),
    ];
    let (_, change) = changes.into_iter().find(|(alert_type, _)| alert_type.as_str() == name)?;
    Some((order_key, change))
}
