//! How the endpoint of a sink does, as it is kept over restarts: `sink` makes the record, `store` keeps it, `look` shows it.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::AddressHash;

/// What is known of the endpoint of a sink. One that never failed has no record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EndpointRecord {
    /// Name of the sink.
    pub sink: String,
    /// Hash of its address, of which all of this was learned; the address itself may be a secret.
    pub address: AddressHash,
    /// How it does.
    pub state: EndpointState,
    /// Since when.
    pub since: Timestamp,
    /// Why, in words; nothing of one that is well.
    #[serde(default)]
    pub why: Option<String>,
    /// Attempts in a row that failed.
    #[serde(default)]
    pub failures: u32,
    /// When the first attempt failed after which none succeeded.
    #[serde(default)]
    pub failing_since: Option<Timestamp>,
    /// For how many seconds it was seen to fail since then, by a clock that nobody sets; times when the daemon was down do not count.
    #[serde(default)]
    pub failing_seconds: u64,
    /// Until when it asked to be left alone.
    #[serde(default)]
    pub left_alone_until: Option<Timestamp>,
}

impl EndpointRecord {
    /// Of an endpoint of which nothing bad is known.
    pub fn healthy(sink: String, address: AddressHash, since: Timestamp) -> Self {
        Self {
            sink,
            address,
            state: EndpointState::Healthy,
            since,
            why: None,
            failures: 0,
            failing_since: None,
            failing_seconds: 0,
            left_alone_until: None,
        }
    }
}

/// How an endpoint does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EndpointState {
    /// Alerts go out.
    Healthy,
    /// It is too busy, and is left alone for a while.
    Paused,
    /// It fails: an attempt now and then finds out whether it is back, everything else waits.
    Failing,
    /// Nothing is sent until somebody says so.
    Disabled,
}

impl EndpointState {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Healthy, Self::Paused, Self::Failing, Self::Disabled];

    /// Its name, in metrics and listings.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Healthy => "healthy",
            Self::Paused => "paused",
            Self::Failing => "failing",
            Self::Disabled => "disabled",
        }
    }
}

impl fmt::Display for EndpointState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
