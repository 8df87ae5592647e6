//! Delivery: takes alerts out of the outbox and brings them to JSON Lines files, webhooks and mail servers; one [`Dispatcher`] a sink.

mod attempt;
mod body;
mod closed;
mod dispatch;
mod error;
mod fsync;
mod jsonl;
mod mail;
mod rate;
mod retry;
mod sign;
mod tls;
mod traffic;
mod webhook;

pub use body::{BodyFormat, body};
pub use dispatch::{DispatchSummary, Dispatcher};
pub use error::DeliveryError;
pub use mail::send_mail;
pub use sign::{VerifyError, sign, verify};
pub use webhook::{reach, send};
