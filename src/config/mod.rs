//! The validated configuration: plain parts, one per stage, impossible to hold invalid. `load` reads them from a file.

use std::path::PathBuf;
use std::time::Duration;

use ipnet::IpNet;
use url::Url;

use crate::model::FeedId;
pub use crate::model::Rule as RuleConfig;

/// Everything `gainsay run` needs.
#[derive(Debug, Clone, PartialEq)]
pub struct Config {
    /// The SQLite file.
    pub database: PathBuf,
    /// How long a stop may take before what is left is abandoned.
    pub shutdown_grace: Duration,
    /// How feeds are polled.
    pub intake: IntakeConfig,
    /// How long things are remembered.
    pub windows: WindowsConfig,
    /// Which feeds, in the order of the file; ids are unique.
    pub feeds: Vec<FeedConfig>,
    /// Which changes become alerts, for whom; never empty (without `[[rule]]` one rule lets everything through).
    pub rules: Vec<RuleConfig>,
    /// Where alerts go; names are unique.
    pub sinks: Vec<SinkConfig>,
}

/// Limits and manners of the poller.
#[derive(Debug, Clone, PartialEq)]
pub struct IntakeConfig {
    /// Time between two polls of a feed, unless the feed says otherwise.
    pub poll_interval: Duration,
    /// Share of the interval by which each poll is moved at random, 0 to 0.5.
    pub jitter: f64,
    /// Longest time between two polls of a failing feed.
    pub backoff_max: Duration,
    /// Whole time for one fetch, redirects and body included.
    pub fetch_timeout: Duration,
    /// Time for one connection.
    pub connect_timeout: Duration,
    /// Bytes on the wire.
    pub body_bytes_max: u64,
    /// Bytes after decompression.
    pub decoded_bytes_max: u64,
    /// Hops.
    pub redirects_max: u32,
    /// Entries read of one feed.
    pub entries_max: usize,
    /// Fetches at once.
    pub fetches_max: usize,
    /// Fetches at once to one host.
    pub fetches_per_host_max: usize,
    /// Sent as `User-Agent`.
    pub user_agent: String,
    /// Networks that may be fetched from although they are private, loopback, link-local or otherwise special.
    pub allow_networks: Vec<IpNet>,
    /// Entries of a feed's first fetch that are younger than this are news; the others only a baseline.
    pub backfill: Duration,
}

/// How long things are remembered.
#[derive(Debug, Clone, PartialEq)]
pub struct WindowsConfig {
    /// Stories, for near-duplicates.
    pub stories: Duration,
    /// Claims, for repeats.
    pub claims: Duration,
    /// Threads, for answers.
    pub threads: Duration,
}

/// One polled feed.
#[derive(Debug, Clone, PartialEq)]
pub struct FeedConfig {
    /// Its name, kept when the address changes: lower-case letters, digits, `.`, `_`, `-`; 1 to 64 characters.
    pub id: FeedId,
    /// Its address.
    pub url: Url,
    /// Who publishes it.
    pub outlet: String,
    /// Time between two polls.
    pub poll_interval: Duration,
    /// As in `IntakeConfig`.
    pub backfill: Duration,
}

/// Where alerts go.
#[derive(Debug, Clone, PartialEq)]
pub struct SinkConfig {
    /// Its name.
    pub name: String,
    /// What it is.
    pub target: SinkTarget,
}

/// A kind of sink with its settings.
#[derive(Debug, Clone, PartialEq)]
pub enum SinkTarget {
    /// One JSON object a line; to standard output without a path.
    JsonLines {
        /// The file, appended to.
        path: Option<PathBuf>,
    },
    /// HTTP POST, signed by Standard Webhooks 1.0.
    Webhook(WebhookConfig),
}

/// A webhook endpoint.
#[derive(Debug, Clone, PartialEq)]
pub struct WebhookConfig {
    /// The endpoint.
    pub url: Url,
    /// Signing key.
    pub secret: Secret,
    /// Whole time for one attempt.
    pub timeout: Duration,
    /// Attempts at once.
    pub concurrency_max: usize,
    /// Waits between attempts; when they are used up the delivery is dead, kept and visible.
    pub retry_schedule: Vec<Duration>,
}

/// A signing key of 24 to 64 bytes. Never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Vec<u8>);

impl Secret {
    /// Wraps the decoded key.
    pub fn new(key: Vec<u8>) -> Self {
        Self(key)
    }

    /// The key.
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("***")
    }
}
