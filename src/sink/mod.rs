//! Delivery: takes alerts out of the outbox and brings them to JSON Lines files and webhooks; one [`Dispatcher`] a sink.

mod body;
mod closed;
mod dispatch;
mod error;
mod fsync;
mod jsonl;
mod retry;
mod sign;
mod tls;
mod webhook;

pub use body::{BodyFormat, body};
pub use dispatch::{DispatchSummary, Dispatcher};
pub use error::DeliveryError;
pub use sign::{VerifyError, sign, verify};
pub use webhook::{reach, send};
