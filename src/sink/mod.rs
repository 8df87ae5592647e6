//! Delivery: takes alerts out of the outbox and brings them to JSON Lines files and webhooks; one [`Dispatcher`] a sink.

mod attempt;
mod body;
mod dispatch;
mod error;
mod jsonl;
mod rate;
mod retry;
mod sign;
mod tls;
mod traffic;
mod webhook;

pub use body::{BodyFormat, body};
pub use dispatch::{DispatchSummary, Dispatcher};
pub use error::DeliveryError;
pub use sign::{VerifyError, sign, verify};
pub use webhook::{reach, send};
