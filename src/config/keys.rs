//! The table of every key: its place, what it may hold and its bounds; read by the layers above the file, by `show` and by `schema`.
//!
//! `load` decodes the keys, this table tells others about them; tests hold the two and `config/default.toml` together.

use std::ops::RangeInclusive;
use std::time::Duration;

use super::access::{ENDPOINT_RESERVED, PASSWORD_KEYS, TOKEN_KEYS};
use super::endpoint::{FORMATS, TEMPLATES};
use super::extract::CUE_KEYS;
use super::feed_list::{FEEDS, INTERVAL};
use super::limits::{ALERTS, GROUP_WAIT, PRIORITY as LIMIT_PRIORITY};
use super::lines::{KEEP_FILES, ROTATE_BYTES, ROTATE_EVERY};
use super::load::{BACKFILL, GAP, GRACE, MEMORY, PACE, PAGES, SINK_TYPES, SIZE, TIMEOUT, WAITS};
use super::mail::TLS as MAIL_TLS;
use super::narrow::{KINDS, LANGUAGES, PRIORITY, PRIORITY_MIN};
use super::push::LEASE;
use super::traffic::{BREAKER_FAILURES, DISABLE_AFTER};
use super::web::LINK_LIFETIME;

/// What a key may hold.
#[derive(Debug, Clone)]
pub(super) enum Kind {
    /// A path.
    Path,
    /// Any text of which `load` knows more.
    Text,
    /// An address to listen at, or nothing.
    Listen,
    /// An id or a name, used once.
    Name,
    /// An http or https address.
    Address,
    /// An http or https address, or nothing.
    OptionalAddress,
    /// A way to reach the operator, or nothing.
    Contact,
    /// The address of a proxy, or nothing.
    Proxy,
    /// True or false.
    Boolean,
    /// The beginning of names, used once.
    Prefix,
    /// A domain or an IP address, used once.
    Domain,
    /// An address that a feed can be polled at.
    FeedAddress,
    /// A duration with its unit.
    Duration(RangeInclusive<Duration>),
    /// A size with its unit.
    Size(RangeInclusive<u64>),
    /// A whole number.
    Count(RangeInclusive<i64>),
    /// A number.
    Fraction(RangeInclusive<f64>),
    /// One of these words.
    OneOf(&'static [&'static str]),
    /// A media type.
    MediaType,
    /// A list of texts.
    Texts,
    /// A list of names with a bound.
    Names,
    /// A list of alert types.
    AlertTypes,
    /// A list of these words.
    ListOf(&'static [&'static str]),
    /// A filter expression.
    Expression,
    /// So many in a second, a minute or an hour, or nothing.
    Rate,
    /// A list of durations.
    Durations(RangeInclusive<Duration>),
    /// Headers of a request by name, but for those of every connection and these.
    Headers(&'static [&'static str]),
    /// More signing keys.
    MoreSecrets,
    /// Tokens that open the API.
    Tokens,
    /// Spans of the week.
    Spans,
    /// A duration, times of day, or nothing.
    Collect,
    /// A secret as it is.
    Secret,
    /// When lines are safe.
    Fsync,
    /// A host name or an IP address.
    Host,
    /// An address of mail, perhaps with a name.
    Mailbox,
    /// A list of these.
    Mailboxes,
}

/// Names of the forms of the log, those of `LogFormat`.
const LOG_FORMATS: [&str; 4] = ["auto", "human", "json", "journald"];

/// Names of the sources of text, those of `TextPolicy`.
const TEXTS: [&str; 3] = ["feed", "page", "auto"];

/// One key.
#[derive(Debug, Clone)]
pub(super) struct Key {
    /// The table it stands in: empty for the head of the file, `intake`, `feed` …; of sinks with their type, `sink.webhook`.
    pub(super) section: &'static str,
    /// Its name there.
    pub(super) name: &'static str,
    /// What it may hold.
    pub(super) kind: Kind,
    /// Whether its table is wrong without it.
    pub(super) is_required: bool,
}

impl Key {
    /// Whether it stands once in a file, so that a variable or a flag can name it.
    pub(super) fn is_single(&self) -> bool {
        let is_repeated =
            ["feed", "feed_list", "domain", "rule", "sink.jsonl", "sink.webhook", "sink.email"].contains(&self.section);
        // Tokens are tables, and no flag shows a secret to whoever lists processes.
        !is_repeated && !matches!(self.kind, Kind::Tokens | Kind::Secret)
    }

    /// Its path, as problems name it.
    pub(super) fn path(&self) -> String {
        if self.section.is_empty() { self.name.to_owned() } else { format!("{}.{}", self.section, self.name) }
    }

    /// The environment variable that sets it.
    pub(super) fn variable(&self) -> String {
        format!("{}{}", super::layers::PREFIX, self.path().replace('.', "__").to_uppercase())
    }
}

fn key(section: &'static str, name: &'static str, kind: Kind) -> Key {
    Key { section, name, kind, is_required: false }
}

fn required(section: &'static str, name: &'static str, kind: Kind) -> Key {
    Key { section, name, kind, is_required: true }
}

/// Every key, in the order of `config/default.toml`.
pub(super) fn keys() -> Vec<Key> {
    let mut keys = vec![key("", "database", Kind::Path), key("", "shutdown_grace", Kind::Duration(GRACE))];
    keys.extend([
        key("http", "listen", Kind::Listen),
        key("web", "api", Kind::Boolean),
        key("web", "hosts", Kind::Texts),
        key("web", "tokens", Kind::Tokens),
        key("web", "public_url", Kind::OptionalAddress),
        key("web", "link_secret_env", Kind::Text),
        key("web", "link_secret_file", Kind::Path),
        key("web", "link_secret", Kind::Secret),
        key("web", "link_lifetime", Kind::Duration(LINK_LIFETIME)),
        key("websub", "callback_url", Kind::OptionalAddress),
        key("websub", "listen", Kind::Listen),
        key("websub", "lease", Kind::Duration(LEASE)),
        key("websub", "backing_interval", Kind::Duration(PACE)),
        key("log", "filter", Kind::Text),
        key("log", "format", Kind::OneOf(&LOG_FORMATS)),
        key("intake", "poll_interval", Kind::Duration(PACE)),
        key("intake", "poll_interval_max", Kind::Duration(PACE)),
        key("intake", "jitter", Kind::Fraction(0.0..=0.5)),
        key("intake", "backoff_max", Kind::Duration(PACE)),
        key("intake", "fetch_timeout", Kind::Duration(TIMEOUT)),
        key("intake", "connect_timeout", Kind::Duration(TIMEOUT)),
        key("intake", "body_bytes_max", Kind::Size(SIZE)),
        key("intake", "decoded_bytes_max", Kind::Size(SIZE)),
        key("intake", "redirects_max", Kind::Count(0..=20)),
        key("intake", "entries_max", Kind::Count(1..=10_000)),
        key("intake", "fetches_max", Kind::Count(1..=1_024)),
        key("intake", "fetches_per_host_max", Kind::Count(1..=64)),
        key("intake", "fetch_gap", Kind::Duration(GAP)),
        key("intake", "user_agent", Kind::Text),
        key("intake", "contact", Kind::Contact),
        key("intake", "proxy", Kind::Proxy),
        key("intake", "allow_networks", Kind::Texts),
        key("intake", "backfill", Kind::Duration(BACKFILL)),
        key("intake", "text", Kind::OneOf(&TEXTS)),
        key("intake", "pages_max", Kind::Count(PAGES)),
        key("intake", "page_wait", Kind::Duration(TIMEOUT)),
    ]);
    let cues = CUE_KEYS.map(|(name, _)| name).into_iter();
    keys.extend(cues.chain(["never", "roles", "metonyms"]).map(|name| key("extract", name, Kind::Texts)));
    keys.extend(
        ["stories", "claims", "threads", "deliveries"].map(|name| key("windows", name, Kind::Duration(MEMORY))),
    );
    keys.extend(feed_keys());
    keys.extend(lines_keys());
    keys.extend(webhook_keys());
    keys.extend(mail_keys());
    keys.extend([
        required("rule", "name", Kind::Text),
        key("rule", "types", Kind::AlertTypes),
        key("rule", "kinds", Kind::ListOf(&KINDS)),
        key("rule", "confidence_min", Kind::Fraction(0.0..=1.0)),
        key("rule", "priority_min", Kind::Count(PRIORITY_MIN)),
        key("rule", "sinks", Kind::Texts),
        key("rule", "watch", Kind::Names),
        key("rule", "speakers", Kind::Names),
        key("rule", "outlets", Kind::Names),
        key("rule", "languages", Kind::ListOf(&LANGUAGES)),
        key("rule", "topics", Kind::Names),
        key("rule", "when", Kind::Expression),
        key("rule", "priority", Kind::Count(PRIORITY)),
    ]);
    keys
}

/// Of feeds, of lists of them, and of the sites that they are at.
fn feed_keys() -> Vec<Key> {
    let mut keys = vec![
        required("feed", "id", Kind::Name),
        required("feed", "url", Kind::FeedAddress),
        required("feed", "outlet", Kind::Text),
        key("feed", "poll_interval", Kind::Duration(PACE)),
        key("feed", "poll_interval_max", Kind::Duration(PACE)),
        key("feed", "backfill", Kind::Duration(BACKFILL)),
        key("feed", "text", Kind::OneOf(&TEXTS)),
        key("feed", "username", Kind::Text),
    ];
    keys.extend(login_keys("feed"));
    keys.push(key("feed", "headers", Kind::Headers(&[])));
    keys.push(key("feed", "cookies", Kind::Boolean));
    keys.extend([
        required("feed_list", "id", Kind::Prefix),
        key("feed_list", "url", Kind::Address),
        key("feed_list", "path", Kind::Path),
        key("feed_list", "interval", Kind::Duration(INTERVAL)),
        key("feed_list", "feeds_max", Kind::Count(FEEDS)),
        key("feed_list", "outlet", Kind::Text),
        key("feed_list", "poll_interval", Kind::Duration(PACE)),
        key("feed_list", "poll_interval_max", Kind::Duration(PACE)),
        key("feed_list", "backfill", Kind::Duration(BACKFILL)),
        key("feed_list", "text", Kind::OneOf(&TEXTS)),
    ]);
    keys.extend([
        required("domain", "name", Kind::Domain),
        key("domain", "fetches_max", Kind::Count(1..=64)),
        key("domain", "fetch_gap", Kind::Duration(GAP)),
    ]);
    keys
}

fn mail_keys() -> Vec<Key> {
    let mail = "sink.email";
    let mut keys = vec![
        required(mail, "name", Kind::Name),
        required(mail, "type", Kind::OneOf(&SINK_TYPES)),
        required(mail, "server", Kind::Host),
        key(mail, "port", Kind::Count(1..=65_535)),
        key(mail, "tls", Kind::OneOf(&MAIL_TLS)),
        key(mail, "unencrypted", Kind::Boolean),
        key(mail, "username", Kind::Text),
    ];
    keys.extend(PASSWORD_KEYS.map(|name| secret_key(mail, name)));
    keys.extend([
        required(mail, "from", Kind::Mailbox),
        required(mail, "to", Kind::Mailboxes),
        key(mail, "ca_file", Kind::Path),
    ]);
    keys.extend(limit_keys(mail));
    keys.extend([key(mail, "timeout", Kind::Duration(TIMEOUT)), key(mail, "retry_schedule", Kind::Durations(WAITS))]);
    keys
}

/// Of passwords and tokens.
fn login_keys(section: &'static str) -> impl Iterator<Item = Key> {
    [PASSWORD_KEYS, TOKEN_KEYS].into_iter().flatten().map(move |name| secret_key(section, name))
}

/// Of a secret: the name of its file, or a text.
fn secret_key(section: &'static str, name: &'static str) -> Key {
    key(section, name, if name.ends_with("_file") { Kind::Path } else { Kind::Text })
}

/// Of how much a sink takes and when.
fn limit_keys(section: &'static str) -> [Key; 7] {
    [
        key(section, "alerts_per_day", Kind::Count(ALERTS)),
        key(section, "alerts_per_hour", Kind::Count(ALERTS)),
        key(section, "group_wait", Kind::Duration(GROUP_WAIT)),
        key(section, "quiet_hours", Kind::Spans),
        key(section, "quiet_zone", Kind::Text),
        key(section, "quiet_priority", Kind::Count(LIMIT_PRIORITY)),
        key(section, "digest", Kind::Collect),
    ]
}

fn lines_keys() -> Vec<Key> {
    let jsonl = "sink.jsonl";
    let mut keys = vec![
        required(jsonl, "name", Kind::Name),
        required(jsonl, "type", Kind::OneOf(&SINK_TYPES)),
        key(jsonl, "path", Kind::Path),
        key(jsonl, "fsync", Kind::Fsync),
        key(jsonl, "rotate_bytes", Kind::Size(ROTATE_BYTES)),
        key(jsonl, "rotate_every", Kind::Duration(ROTATE_EVERY)),
        key(jsonl, "keep_files", Kind::Count(KEEP_FILES)),
        key(jsonl, "compress", Kind::Boolean),
    ];
    keys.extend(limit_keys(jsonl));
    keys
}

fn webhook_keys() -> Vec<Key> {
    let webhook = "sink.webhook";
    let mut keys = vec![
        required(webhook, "name", Kind::Name),
        required(webhook, "type", Kind::OneOf(&SINK_TYPES)),
        key(webhook, "url", Kind::Address),
        key(webhook, "url_env", Kind::Text),
        key(webhook, "url_file", Kind::Path),
        key(webhook, "format", Kind::OneOf(&FORMATS)),
        key(webhook, "template", Kind::OneOf(&TEMPLATES)),
        key(webhook, "template_file", Kind::Path),
        key(webhook, "content_type", Kind::MediaType),
        key(webhook, "secret_env", Kind::Text),
        key(webhook, "secret_file", Kind::Path),
        key(webhook, "secret", Kind::Text),
    ];
    keys.extend(limit_keys(webhook));
    keys.extend([
        key(webhook, "timeout", Kind::Duration(TIMEOUT)),
        key(webhook, "connect_timeout", Kind::Duration(TIMEOUT)),
        key(webhook, "concurrency_max", Kind::Count(1..=256)),
        key(webhook, "retry_schedule", Kind::Durations(WAITS)),
        key(webhook, "plain_http", Kind::Boolean),
        key(webhook, "allow_networks", Kind::Texts),
        key(webhook, "more_secrets", Kind::MoreSecrets),
        key(webhook, "username", Kind::Text),
    ]);
    keys.extend(login_keys(webhook));
    keys.extend([
        key(webhook, "headers", Kind::Headers(&ENDPOINT_RESERVED)),
        key(webhook, "ca_file", Kind::Path),
        key(webhook, "client_certificate_file", Kind::Path),
        key(webhook, "client_key_file", Kind::Path),
        key(webhook, "rate_max", Kind::Rate),
        key(webhook, "breaker_failures", Kind::Count(BREAKER_FAILURES)),
        key(webhook, "disable_after", Kind::Duration(DISABLE_AFTER)),
    ]);
    keys
}
