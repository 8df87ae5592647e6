//! Readers of the database: a few read-only connections on blocking threads, each request one at a time and for a bounded time, so that
//! clients never hold up the writer, the executor or each other for long.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::Semaphore;

use super::problem::Problem;
use crate::store::{StoreError, View};

/// Requests that read at once.
const READERS: usize = 4;
/// Time for which a request waits for its turn.
const TURN_TIMEOUT: Duration = Duration::from_secs(10);
/// Time that a request reads.
pub(super) const READ_TIME: Duration = Duration::from_secs(5);

/// The readers.
#[derive(Debug)]
pub(super) struct Pool {
    path: PathBuf,
    turns: Arc<Semaphore>,
    idle: Mutex<Vec<View>>,
}

impl Pool {
    pub(super) fn new(path: PathBuf) -> Self {
        Self { path, turns: Arc::new(Semaphore::new(READERS)), idle: Mutex::default() }
    }

    /// Runs `read` on a view of the present that fails what runs longer than `time`.
    pub(super) async fn read<T: Send + 'static>(
        self: &Arc<Self>,
        time: Duration,
        read: impl FnOnce(&View) -> T + Send + 'static,
    ) -> Result<T, Problem> {
        let turn = tokio::time::timeout(TURN_TIMEOUT, Arc::clone(&self.turns).acquire_owned()).await;
        let Ok(Ok(turn)) = turn else { return Err(Problem::busy("too many requests are being answered")) };
        let pool = Arc::clone(self);
        let answer = tokio::task::spawn_blocking(move || {
            let _turn = turn;
            let view = pool.take(time)?;
            let answer = read(&view);
            pool.put(view);
            Ok::<T, StoreError>(answer)
        });
        match answer.await {
            Ok(answer) => Ok(answer?),
            Err(error) => {
                tracing::error!(%error, "a request of the API panicked");
                Err(Problem::new(axum::http::StatusCode::INTERNAL_SERVER_ERROR, "this request cannot be answered"))
            }
        }
    }

    fn take(&self, time: Duration) -> Result<View, StoreError> {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let mut view = match idle {
            Some(view) => {
                view.renew()?;
                view
            }
            None => View::open(&self.path)?,
        };
        view.limit_time(Instant::now() + time)?;
        Ok(view)
    }

    /// One that cannot let go of its moment is not used again.
    fn put(&self, view: View) {
        if view.rest().is_ok() {
            self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(view);
        }
    }
}
