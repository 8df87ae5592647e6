//! A receiver of gainsay's webhooks: verifies each signature, takes each alert once, answers 204, or 401 to anybody else.
//!
//! In a checkout: `WEBHOOK_KEY=whsec_... PORT=8000 cargo run --example receiver`. Elsewhere it needs `axum` 0.8, `serde_json`,
//! `standardwebhooks` 1.0 and `tokio` with `net` and `rt-multi-thread`.

use std::collections::HashSet;
use std::error::Error;
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use standardwebhooks::Webhook;

const BODY_BYTES_MAX: usize = 1 << 20;

struct Receiver {
    webhook: Webhook,
    /// What was taken. A receiver that must not act twice keeps the ids where it keeps what it does, in one transaction, and drops
    /// those of last month.
    seen: Mutex<HashSet<String>>,
}

/// Takes what this key has signed.
pub(crate) fn router(key: &str) -> Result<Router, Box<dyn Error>> {
    let receiver = Arc::new(Receiver { webhook: Webhook::new(key)?, seen: Mutex::default() });
    Ok(Router::new().route("/", post(receive)).layer(DefaultBodyLimit::max(BODY_BYTES_MAX)).with_state(receiver))
}

async fn receive(State(receiver): State<Arc<Receiver>>, headers: HeaderMap, body: Bytes) -> StatusCode {
    // Also fails where the timestamp is more than five minutes from now.
    if receiver.webhook.verify(&body, &headers).is_err() {
        return StatusCode::UNAUTHORIZED;
    }
    let Some(id) = headers.get("webhook-id").and_then(|id| id.to_str().ok()) else { return StatusCode::UNAUTHORIZED };
    if receiver.seen.lock().unwrap_or_else(PoisonError::into_inner).insert(id.to_owned()) {
        act_on(id, &body);
    }
    StatusCode::NO_CONTENT
}

#[expect(clippy::print_stdout, reason = "this is what the example does with an alert")]
fn act_on(id: &str, body: &[u8]) {
    let alert: serde_json::Value = serde_json::from_slice(body).unwrap_or_default();
    println!("{id} {}", alert["type"]);
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let port: u16 = std::env::var("PORT").unwrap_or_else(|_| "8000".to_owned()).parse()?;
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", port)).await?;
    axum::serve(listener, router(&std::env::var("WEBHOOK_KEY")?)?).await?;
    Ok(())
}
