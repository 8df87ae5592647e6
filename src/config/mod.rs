//! The validated configuration: plain parts, one per stage, impossible to hold invalid. `load` reads them from a file.

mod access;
mod endpoint;
mod excerpt;
mod extract;
mod feed_list;
mod keys;
mod layers;
mod limits;
mod lines;
mod load;
mod mail;
mod narrow;
mod problem;
mod push;
mod reader;
mod schema;
mod secret;
mod show;
mod signing;
mod traffic;
mod transport;
mod units;
mod web;

pub use units::{age, parse_duration, show_duration};

#[cfg(test)]
mod reference;
#[cfg(test)]
mod tests;

use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use ipnet::IpNet;
use url::Url;

use crate::model::{FeedId, OwnWords, shown_address, shown_endpoint};
use crate::rule::Limits;
pub use crate::rule::Rule as RuleConfig;
use crate::template::Form;

pub use access::FeedAccess;
pub use feed_list::{FeedListConfig, ListSource};
pub use layers::{Layers, Origin};
pub use lines::{Fsync, LinesConfig, Rotation};
pub use load::{
    Loaded, PLACES, SecretPlace, Surroundings, find, load, load_layers, load_without_secrets, parse, parse_layers,
    parse_without_secrets, read,
};
pub use mail::{MailConfig, MailLogin, MailTls};
pub use problem::{ConfigError, Problem};
pub use push::WebsubConfig;
pub use schema::schema;
pub use secret::{InvalidSecret, Secret};
pub use show::show;
pub use signing::MoreSecret;
pub use traffic::{Rate, TrafficConfig};
pub use transport::{EndpointNetwork, EndpointTls, PemFile};
pub use web::{Scope, WebConfig, WebToken, own_token};

/// The reference of every key with its default, as text: what a new user starts from.
pub const DEFAULT_TOML: &str = include_str!("../../config/default.toml");

/// Everything `gainsay run` needs.
#[derive(Debug, Clone, PartialEq)]
pub struct Config {
    /// The SQLite file.
    pub database: PathBuf,
    /// How long a stop may take before what is left is abandoned.
    pub shutdown_grace: Duration,
    /// Where the daemon answers to HTTP.
    pub http: HttpConfig,
    /// Who may see and do what there.
    pub web: WebConfig,
    /// How hubs that push feeds reach the daemon.
    pub websub: WebsubConfig,
    /// What is logged and how.
    pub log: LogConfig,
    /// How feeds are polled.
    pub intake: IntakeConfig,
    /// A desk's own words for the extractor.
    pub extract: OwnWords,
    /// How long things are remembered.
    pub windows: WindowsConfig,
    /// Which feeds, in the order of the file; ids are unique. Shared: there may be thousands, and several parts of a daemon keep the config.
    pub feeds: Vec<Arc<FeedConfig>>,
    /// Lists of more feeds, read while the daemon runs; ids are unique.
    pub feed_lists: Vec<FeedListConfig>,
    /// Which changes become alerts, for whom; never empty (without `[[rule]]` it is [`Rule::everything`](RuleConfig::everything)).
    pub rules: Vec<RuleConfig>,
    /// Where alerts go; names are unique.
    pub sinks: Vec<SinkConfig>,
}

impl Config {
    /// Fails where there is nothing to watch: `run` needs a feed, a replay does not.
    ///
    /// # Errors
    /// `ConfigError::NoFeeds`.
    pub fn ensure_feeds(&self) -> Result<(), ConfigError> {
        if self.feeds.is_empty() && self.feed_lists.is_empty() { Err(ConfigError::NoFeeds) } else { Ok(()) }
    }
}

impl Default for Config {
    fn default() -> Self {
        Self {
            database: PathBuf::from("gainsay.db"),
            shutdown_grace: Duration::from_secs(10),
            http: HttpConfig::default(),
            web: WebConfig::default(),
            websub: WebsubConfig::default(),
            log: LogConfig::default(),
            intake: IntakeConfig::default(),
            extract: OwnWords::default(),
            windows: WindowsConfig::default(),
            feeds: Vec::new(),
            feed_lists: Vec::new(),
            rules: vec![RuleConfig::everything()],
            sinks: vec![SinkConfig::default()],
        }
    }
}

/// The daemon's own HTTP.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpConfig {
    /// Address and port; none: no HTTP.
    pub listen: Option<SocketAddr>,
}

impl Default for HttpConfig {
    fn default() -> Self {
        Self { listen: Some((Ipv4Addr::LOCALHOST, 8420).into()) }
    }
}

/// The log on standard error.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogConfig {
    /// What is logged: a level, or a list of `target=level`.
    pub filter: String,
    /// How lines are written.
    pub format: LogFormat,
}

impl Default for LogConfig {
    fn default() -> Self {
        Self { filter: "warn".to_owned(), format: LogFormat::Auto }
    }
}

/// How lines of the log are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum LogFormat {
    /// Human on a terminal, journald where standard error leads to the journal, else JSON.
    Auto,
    /// Time, level, words and fields.
    Human,
    /// One JSON object a line.
    Json,
    /// A priority and words, for systemd's journal.
    Journald,
}

impl LogFormat {
    /// All formats with their names.
    pub const NAMES: [(&str, Self); 4] =
        [("auto", Self::Auto), ("human", Self::Human), ("json", Self::Json), ("journald", Self::Journald)];

    /// Its name.
    pub fn as_str(self) -> &'static str {
        Self::NAMES.into_iter().find(|(_, format)| *format == self).map_or("", |(name, _)| name)
    }
}

/// Limits and manners of the poller.
#[derive(Debug, Clone, PartialEq)]
pub struct IntakeConfig {
    /// Shortest time between two polls of a healthy feed.
    pub poll_interval: Duration,
    /// Longest time; where it is the shortest, that is the interval.
    pub poll_interval_max: Duration,
    /// Share of the interval by which each poll is moved at random, never to before the shortest interval; 0 to 0.5.
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
    /// Fetches at once from one site: a registrable domain, or what `domains` calls one.
    pub fetches_per_host_max: usize,
    /// Shortest time between the starts of two fetches from one site.
    pub fetch_gap: Duration,
    /// Domains that are treated otherwise.
    pub domains: Vec<DomainConfig>,
    /// Sent as `User-Agent`.
    pub user_agent: String,
    /// How the operator can be reached, appended to it.
    pub contact: Option<String>,
    /// The proxy through which everything is fetched.
    pub proxy: Option<ProxyAddress>,
    /// Networks that may be fetched from although they are private, loopback, link-local or otherwise special.
    pub allow_networks: Vec<IpNet>,
    /// Entries of a feed's first fetch that are younger than this are news; the others only a baseline.
    pub backfill: Duration,
    /// Whence the text of entries comes, unless the feed says otherwise.
    pub text: TextPolicy,
    /// Pages of articles fetched after one poll.
    pub pages_max: usize,
    /// Longest that what a poll brought waits for its pages.
    pub page_wait: Duration,
}

/// Whence the text of a feed's entries comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TextPolicy {
    /// What the feed carries.
    Feed,
    /// The page of each entry.
    Page,
    /// The page of each entry that is only a teaser.
    Auto,
}

impl TextPolicy {
    /// All policies with their names.
    pub const NAMES: [(&str, Self); 3] = [("feed", Self::Feed), ("page", Self::Page), ("auto", Self::Auto)];

    /// Its name.
    pub fn as_str(self) -> &'static str {
        Self::NAMES.into_iter().find(|(_, policy)| *policy == self).map_or("", |(name, _)| name)
    }
}

impl Default for IntakeConfig {
    fn default() -> Self {
        Self {
            poll_interval: Duration::from_mins(2),
            poll_interval_max: Duration::from_hours(1),
            jitter: 0.1,
            backoff_max: Duration::from_hours(6),
            fetch_timeout: Duration::from_secs(30),
            connect_timeout: Duration::from_secs(10),
            body_bytes_max: 5 << 20,
            decoded_bytes_max: 20 << 20,
            redirects_max: 5,
            entries_max: 500,
            fetches_max: 16,
            fetches_per_host_max: 1,
            fetch_gap: Duration::from_secs(1),
            domains: Vec::new(),
            user_agent: concat!("gainsay/", env!("CARGO_PKG_VERSION")).to_owned(),
            contact: None,
            proxy: None,
            allow_networks: Vec::new(),
            backfill: Duration::ZERO,
            text: TextPolicy::Feed,
            pages_max: 10,
            page_wait: Duration::from_mins(1),
        }
    }
}

/// Where a proxy is, with what it is shown.
#[derive(Clone, PartialEq, Eq)]
pub struct ProxyAddress(pub Url);

impl fmt::Debug for ProxyAddress {
    /// The address as people are shown it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&shown_address(&self.0))
    }
}

/// How a domain and all names below it are treated by the poller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DomainConfig {
    /// The domain, in lower case, or an IP address.
    pub name: String,
    /// Fetches at once, where it is not as for all.
    pub fetches_max: Option<usize>,
    /// Shortest time between the starts of two fetches, where it is not as for all.
    pub fetch_gap: Option<Duration>,
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
    /// Texts and attempts of alerts that were delivered or silenced, to look them up and replay them.
    pub deliveries: Duration,
}

impl Default for WindowsConfig {
    fn default() -> Self {
        let days = |days: u64| Duration::from_hours(24 * days);
        Self { stories: days(7), claims: days(30), threads: days(90), deliveries: days(30) }
    }
}

/// One polled feed.
#[derive(Clone, PartialEq)]
pub struct FeedConfig {
    /// Its name, kept when the address changes: lower-case letters, digits, `.`, `_`, `-`; 1 to 64 characters.
    pub id: FeedId,
    /// Its address.
    pub url: Url,
    /// Who publishes it.
    pub outlet: String,
    /// As in `IntakeConfig`.
    pub poll_interval: Duration,
    /// As in `IntakeConfig`.
    pub poll_interval_max: Duration,
    /// As in `IntakeConfig`.
    pub backfill: Duration,
    /// What its server is shown to let us in.
    pub access: FeedAccess,
    /// Whence the text of its entries comes.
    pub text: TextPolicy,
}

impl fmt::Debug for FeedConfig {
    /// The address as people are shown it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { id, url, outlet, poll_interval, poll_interval_max, backfill, access, text } = self;
        f.debug_struct("FeedConfig")
            .field("id", id)
            .field("url", &shown_address(url))
            .field("outlet", outlet)
            .field("poll_interval", poll_interval)
            .field("poll_interval_max", poll_interval_max)
            .field("backfill", backfill)
            .field("access", access)
            .field("text", text)
            .finish()
    }
}

/// Where alerts go.
#[derive(Debug, Clone, PartialEq)]
pub struct SinkConfig {
    /// Its name.
    pub name: String,
    /// What it is.
    pub target: SinkTarget,
    /// How much it takes, and when.
    pub limits: Limits,
}

impl SinkConfig {
    /// A sink with the default limits.
    pub fn new(name: String, target: SinkTarget) -> Self {
        Self { name, target, limits: Limits::default() }
    }
}

impl Default for SinkConfig {
    /// The sink of a config without sinks: JSON Lines to standard output.
    fn default() -> Self {
        Self::new("stdout".to_owned(), SinkTarget::JsonLines(LinesConfig::default()))
    }
}

/// A kind of sink with its settings.
#[derive(Debug, Clone, PartialEq)]
pub enum SinkTarget {
    /// One JSON object a line; to standard output without a path.
    JsonLines(LinesConfig),
    /// HTTP POST, signed by Standard Webhooks 1.0.
    Webhook(Box<WebhookConfig>),
    /// E-mail over SMTP.
    Mail(Box<MailConfig>),
}

impl SinkTarget {
    /// The endpoint, where it is one.
    pub fn webhook(&self) -> Option<&WebhookConfig> {
        match self {
            Self::JsonLines(_) | Self::Mail(_) => None,
            Self::Webhook(webhook) => Some(webhook),
        }
    }

    /// What it wants alerts as, where that is not gainsay's own JSON.
    pub fn form(&self) -> Option<Form> {
        match self {
            Self::JsonLines(_) => None,
            Self::Webhook(webhook) => webhook.form.clone(),
            Self::Mail(mail) => Some(Form::Mail(Arc::clone(&mail.form))),
        }
    }
}

/// A webhook endpoint. Its address may itself be a secret, so problems do not repeat it.
#[derive(Clone, PartialEq)]
pub struct WebhookConfig {
    /// The endpoint.
    pub url: Url,
    /// Signing key; without it, which only a template allows, requests are not signed.
    pub secret: Option<Secret>,
    /// Keys that sign beside it.
    pub more_secrets: Vec<MoreSecret>,
    /// What the endpoint is shown to let us in.
    pub access: FeedAccess,
    /// What TLS with it needs.
    pub tls: EndpointTls,
    /// Where it may be.
    pub network: EndpointNetwork,
    /// What it wants alerts as; without it the body is the alert.
    pub form: Option<Form>,
    /// Whole time for one attempt.
    pub timeout: Duration,
    /// Time for a connection, within it.
    pub connect_timeout: Duration,
    /// Attempts at once.
    pub concurrency_max: usize,
    /// Waits between attempts; when they are used up the delivery is dead, kept and visible.
    pub retry_schedule: Vec<Duration>,
    /// How much it is sent, and when it is left alone.
    pub traffic: TrafficConfig,
}

impl fmt::Debug for WebhookConfig {
    /// The endpoint as people are shown it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { url, secret, more_secrets, access, tls, network, form, .. } = self;
        let Self { timeout, connect_timeout, concurrency_max, retry_schedule, traffic, .. } = self;
        f.debug_struct("WebhookConfig")
            .field("url", &shown_endpoint(url))
            .field("secret", secret)
            .field("more_secrets", more_secrets)
            .field("access", access)
            .field("tls", tls)
            .field("network", network)
            .field("form", form)
            .field("timeout", timeout)
            .field("connect_timeout", connect_timeout)
            .field("concurrency_max", concurrency_max)
            .field("retry_schedule", retry_schedule)
            .field("traffic", traffic)
            .finish()
    }
}

/// The waits by default: retries over about three days.
fn retry_schedule() -> Vec<Duration> {
    let (minute, hour) = (60, 3_600);
    let waits = [5, 5 * minute, 30 * minute, 2 * hour, 5 * hour, 10 * hour, 14 * hour, 20 * hour, 24 * hour];
    waits.map(Duration::from_secs).to_vec()
}

impl WebhookConfig {
    /// An endpoint with the default manners: retries over about three days.
    pub fn new(url: Url, secret: impl Into<Option<Secret>>) -> Self {
        Self {
            url,
            secret: secret.into(),
            more_secrets: Vec::new(),
            access: FeedAccess::default(),
            tls: EndpointTls::default(),
            network: EndpointNetwork::default(),
            form: None,
            timeout: Duration::from_secs(15),
            connect_timeout: Duration::from_secs(5),
            concurrency_max: 4,
            retry_schedule: retry_schedule(),
            traffic: TrafficConfig::default(),
        }
    }
}
