//! The webhook receiver: verifies every signature, knows repeats by their `webhook-id`, and fails at first, so that a retry
//! is seen.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;

use super::screen::Screen;
use crate::clock::Clock;
use crate::config::Secret;
use crate::sink::verify;

/// Webhooks that are turned away at first.
const TURNED_AWAY: usize = 2;

/// The endpoint that the demo's alerts go to.
pub(super) struct Receiver {
    secret: Secret,
    clock: Arc<dyn Clock>,
    screen: Arc<Screen>,
    receipts: Mutex<Receipts>,
}

/// What came in.
#[derive(Debug, Clone, Default)]
pub(super) struct Receipts {
    /// All attempts.
    pub(super) attempts: usize,
    /// Ids that were answered 500, on purpose.
    pub(super) turned_away: BTreeSet<String>,
    /// Ids whose signature and timestamp hold.
    pub(super) verified: BTreeSet<String>,
    /// Attempts with an id that was there before.
    pub(super) repeats: usize,
    /// Attempts that did not verify.
    pub(super) rejected: usize,
}

impl Receiver {
    pub(super) fn new(secret: Secret, clock: Arc<dyn Clock>, screen: Arc<Screen>) -> Arc<Self> {
        Arc::new(Self { secret, clock, screen, receipts: Mutex::default() })
    }

    pub(super) fn receipts(&self) -> Receipts {
        self.lock().clone()
    }

    pub(super) fn router(self: &Arc<Self>) -> Router {
        let receive =
            async |State(receiver): State<Arc<Self>>, headers: HeaderMap, body: Bytes| receiver.take(&headers, &body);
        Router::new().route("/", post(receive)).with_state(Arc::clone(self))
    }

    fn take(&self, headers: &HeaderMap, body: &[u8]) -> StatusCode {
        let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let id = header("webhook-id");
        let mut receipts = self.lock();
        receipts.attempts += 1;
        if receipts.turned_away.len() < TURNED_AWAY && receipts.turned_away.insert(id.to_owned()) {
            self.screen.aside("webhook answered 500 on purpose; it will come again under the same id");
            return StatusCode::INTERNAL_SERVER_ERROR;
        }
        let (timestamp, signatures) = (header("webhook-timestamp"), header("webhook-signature"));
        if let Err(error) = verify(&self.secret, id, timestamp, signatures, body, self.clock.now()) {
            receipts.rejected += 1;
            self.screen.aside(&format!("webhook refused: {error}"));
            return StatusCode::UNAUTHORIZED;
        }
        if receipts.turned_away.contains(id) && !receipts.verified.contains(id) {
            self.screen.aside("webhook came again, signature verified");
        }
        receipts.repeats += usize::from(!receipts.verified.insert(id.to_owned()));
        StatusCode::NO_CONTENT
    }

    fn lock(&self) -> MutexGuard<'_, Receipts> {
        self.receipts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use tokio_util::sync::CancellationToken;

    use super::*;
    use crate::clock::SystemClock;
    use crate::sink::sign;

    #[test]
    fn only_what_verifies_counts_and_only_once() {
        let secret = Secret::new(vec![7; 32]);
        let screen = Arc::new(Screen::new(CancellationToken::new()));
        let receiver = Receiver::new(secret.clone(), Arc::new(SystemClock), screen);
        let send = |id: &str, body: &str| {
            let timestamp = SystemClock.now().as_second();
            let signature = sign(&secret, id, timestamp, b"{}");
            let mut headers = HeaderMap::new();
            headers.insert("webhook-id", id.parse().unwrap());
            headers.insert("webhook-timestamp", timestamp.to_string().parse().unwrap());
            headers.insert("webhook-signature", signature.parse().unwrap());
            receiver.take(&headers, body.as_bytes()).as_u16()
        };
        assert_eq!([send("a", "{}"), send("a", "{}"), send("b", "{}"), send("b", "{}")], [500, 204, 500, 204]);
        assert_eq!([send("c", "{ }"), send("c", "{}"), send("c", "{}")], [401, 204, 204]);
        let Receipts { attempts, verified, repeats, rejected, .. } = receiver.receipts();
        assert_eq!((attempts, verified.len(), repeats, rejected), (7, 3, 1, 1));
    }
}
