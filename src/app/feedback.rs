//! The task that hears what users say: it looks into the log of feedback, hands what waits there to the desk, and waits for the
//! commit. `gainsay feedback` writes that log from a process of its own.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;
use tracing::warn;

use super::{Delivery, Order};
use crate::desk::Work;
use crate::model::Feedback;
use crate::store::{EmbeddedStore, Store as _, StoreError};

/// Between two looks; each is one query of an index that is empty but for what waits.
const LOOK_INTERVAL: Duration = Duration::from_secs(1);
/// After a look that failed, or a commit.
const RETRY_INTERVAL: Duration = Duration::from_secs(30);

/// Hands what users said to the desk.
pub(super) struct FeedbackTask {
    pub(super) store: Arc<EmbeddedStore>,
    pub(super) orders: mpsc::Sender<Order>,
}

impl FeedbackTask {
    /// Looks at once, and then every second, until it is stopped. What waits at the stop is taken in at the next start.
    pub(super) async fn run(self, stop: CancellationToken) {
        loop {
            let delay = self.look().await;
            // Both branches only wait.
            tokio::select! {
                biased;
                () = stop.cancelled() => return,
                () = tokio::time::sleep(delay) => {}
            }
        }
    }

    /// Looks once, and says when to look again.
    async fn look(&self) -> Duration {
        match self.pending().await {
            Ok(feedback) if feedback.is_empty() => LOOK_INTERVAL,
            Ok(feedback) => {
                let is_durable = self.hand_over(feedback).await;
                // There may be more than one look takes. Why a commit failed was said by the desk.
                if is_durable { Duration::ZERO } else { RETRY_INTERVAL }
            }
            Err(error) => {
                warn!(%error, "what users said cannot be read");
                RETRY_INTERVAL
            }
        }
    }

    async fn pending(&self) -> Result<Vec<Feedback>, StoreError> {
        let store = Arc::clone(&self.store);
        let read = tokio::task::spawn_blocking(move || store.pending_feedback()).await;
        read.unwrap_or_else(|died| {
            warn!(error = %died, "reading what users said died");
            Ok(Vec::new())
        })
    }

    /// Gives the desk what users said. True once it is durable, with what follows from it.
    async fn hand_over(&self, feedback: Vec<Feedback>) -> bool {
        let work = Work { feedback, ..Work::default() };
        let (done, answer) = oneshot::channel();
        self.orders.send(Order::Take(Box::new(Delivery { work, done }))).await.is_ok() && answer.await.unwrap_or(false)
    }
}
