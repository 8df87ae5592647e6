//! From the text of a config file to a validated `Config`, or to all the problems in it at once.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read as _};
use std::net::SocketAddr;
use std::ops::RangeInclusive;
use std::os::unix::fs::{FileTypeExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use ipnet::IpNet;
use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};
use toml::de::{DeTable, DeValue};
use url::Url;

use super::access::{self, read_access, read_endpoint_access};
use super::feed_list::read_feed_list;
use super::layers::{Layers, Origin};
use super::limits::read_limits;
use super::lines::read_lines;
use super::mail::read_mail;
use super::problem::{ConfigError, Problem};
use super::push::read_websub;
use super::reader::{Report, Section, Wrong, count, did_you_mean, duration, fraction, size, string};
use super::traffic::read_traffic;
use super::web::read_web;
use super::{
    Config, DomainConfig, FeedConfig, HttpConfig, IntakeConfig, LogConfig, LogFormat, ProxyAddress, RuleConfig,
    SinkConfig, SinkTarget, TextPolicy, WebhookConfig, WindowsConfig, retry_schedule,
};
use super::{endpoint, narrow, signing, transport};
use crate::model::{AlertType, FeedId};

/// Larger files are not read: no config is.
const FILE_BYTES_MAX: u64 = 16 << 20;

/// Retries beyond this are a mistake.
pub(super) const RETRIES_MAX: usize = 100;

/// A secret that signs nothing.
pub(super) const STAND_IN: &str = "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

const SECOND: Duration = Duration::from_secs(1);

/// Bounds of durations. The upper ones keep sums of times far from overflow.
pub(super) const PACE: RangeInclusive<Duration> = SECOND..=Duration::from_hours(24 * 31);
pub(super) const GAP: RangeInclusive<Duration> = Duration::ZERO..=Duration::from_hours(1);
pub(super) const TIMEOUT: RangeInclusive<Duration> = SECOND..=Duration::from_hours(1);
pub(super) const GRACE: RangeInclusive<Duration> = Duration::ZERO..=Duration::from_hours(1);
pub(super) const MEMORY: RangeInclusive<Duration> = Duration::from_hours(1)..=Duration::from_hours(24 * 3_660);
pub(super) const BACKFILL: RangeInclusive<Duration> = Duration::ZERO..=Duration::from_hours(24 * 3_660);
/// Bounds of the pages fetched after one poll.
pub(super) const PAGES: RangeInclusive<i64> = 1..=100;
pub(super) const SIZE: RangeInclusive<u64> = 1 << 10..=1 << 30;

/// Waits between attempts of a delivery.
pub(super) const WAITS: RangeInclusive<Duration> = Duration::ZERO..=Duration::from_hours(24 * 7);

const NAME: &str = "1 to 64 lower-case letters, digits, '.', '_' or '-'";
const LABEL: &str = "a string of 1 to 200 characters on one line";
pub(super) const ADDRESS: &str = "an absolute http or https address";
/// How proxies are spoken to.
const PROXY_SCHEMES: [&str; 4] = ["http", "https", "socks5", "socks5h"];
const OPTIONAL_ADDRESS: &str = "an absolute http or https address, or \"\" for none";
const DOMAIN: &str = "a domain such as \"example.com\" or an IP address, used once";
pub(super) const FEED_ADDRESS: &str = "an absolute http or https address, or file:///path of a directory or file";
pub(super) const SINK_TYPES: [&str; 3] = ["jsonl", "webhook", "email"];

/// What a config may refer to outside its own text.
pub struct Surroundings<'a> {
    /// Relative paths in the config start here.
    pub folder: &'a Path,
    /// Looks up an environment variable.
    pub env: &'a dyn Fn(&str) -> Option<String>,
    /// Reads a small file.
    pub read: &'a dyn Fn(&Path) -> io::Result<String>,
}

/// Where a config is looked for that is not named, in this order.
pub const PLACES: [&str; 2] = ["gainsay.toml", "/etc/gainsay/gainsay.toml"];

/// A config with the story of its making.
#[derive(Debug, Clone, PartialEq)]
pub struct Loaded {
    /// The file it was read from.
    pub path: PathBuf,
    /// The config.
    pub config: Config,
    /// Where the value of each key comes from, by its path (`intake.jitter`, `feed[2].url`); absent: built in.
    pub origins: BTreeMap<String, Origin>,
    /// Where each secret is kept, by its path (`sink[2].secret`, `feed[1].password`, `feed[1].headers.X-Api-Key`), and the address of
    /// an endpoint, where that is kept outside the config (`sink[2].url`).
    pub secrets: BTreeMap<String, SecretPlace>,
    /// `GAINSAY_*` variables that are no key and hold no secret, each in words.
    pub unknown_variables: Vec<String>,
}

/// Where a secret is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SecretPlace {
    /// In this environment variable.
    Environment(String),
    /// In this file.
    File(PathBuf),
    /// In the config itself.
    Inline,
}

/// The config file: the one that is named, else the first of [`PLACES`] that exists.
///
/// # Errors
/// `ConfigError::NotFound`.
pub fn find(named: Option<&Path>) -> Result<PathBuf, ConfigError> {
    let places = PLACES.map(PathBuf::from);
    let found = named.map(Path::to_owned).or_else(|| places.iter().find(|place| place.exists()).cloned());
    found.ok_or(ConfigError::NotFound { looked: places })
}

/// Reads and checks the config file at `path`, with the `GAINSAY_*` variables of this process over it; relative paths in it
/// start at its folder.
///
/// # Errors
/// When the file cannot be read, and otherwise with everything that is wrong in it.
pub fn load(path: &Path) -> Result<Config, ConfigError> {
    load_layers(path, &Layers::of_process(&[])).map(|loaded| loaded.config)
}

/// As [`load`], with these layers over the file.
///
/// # Errors
/// As [`load`].
pub fn load_layers(path: &Path, layers: &Layers) -> Result<Loaded, ConfigError> {
    let surroundings = Surroundings { folder: folder(path), env: &|name| std::env::var(name).ok(), read: &read_text };
    let loaded = parse_layers(&text(path)?, &path.display().to_string(), &surroundings, layers)?;
    Ok(Loaded { path: path.to_owned(), ..loaded })
}

/// As [`load`], for a run that delivers nothing: keys that the file refers to are not looked up, so that a config can be tried
/// out where its secrets are not.
///
/// # Errors
/// As [`load`].
pub fn load_without_secrets(path: &Path) -> Result<Config, ConfigError> {
    parse_without_secrets(&text(path)?, path)
}

/// As [`load_without_secrets`], for a text that is to be written to `path`.
///
/// # Errors
/// With everything that is wrong in it.
pub fn parse_without_secrets(text: &str, path: &Path) -> Result<Config, ConfigError> {
    // Variables and files hold secrets only; this stands in for each.
    let surroundings =
        Surroundings { folder: folder(path), env: &|_| Some(STAND_IN.to_owned()), read: &|_| Ok(STAND_IN.to_owned()) };
    let layers = Layers::of_process(&[]);
    parse_layers(text, &path.display().to_string(), &surroundings, &layers).map(|loaded| loaded.config)
}

fn folder(path: &Path) -> &Path {
    path.parent().unwrap_or(Path::new(""))
}

fn text(path: &Path) -> Result<String, ConfigError> {
    read_text(path).map_err(|error| ConfigError::Unreadable { path: path.to_owned(), error })
}

/// Checks the text of a config; `name` stands for the file in problems.
///
/// # Errors
/// With everything that is wrong in it, in the order of the text.
pub fn parse(text: &str, name: &str, surroundings: &Surroundings<'_>) -> Result<Config, ConfigError> {
    parse_layers(text, name, surroundings, &Layers::default()).map(|loaded| loaded.config)
}

/// As [`parse`], with layers over the text.
///
/// # Errors
/// With everything that is wrong in the text and in the layers.
pub fn parse_layers(
    text: &str,
    name: &str,
    surroundings: &Surroundings<'_>,
    layers: &Layers,
) -> Result<Loaded, ConfigError> {
    let mut report = Report::new(name, text);
    let (table, errors) = DeTable::parse_recoverable(text);
    for error in &errors {
        let at = error.span().map_or(text.len(), |span| span.start);
        report.add(at, "syntax", Wrong::new(error.message(), ""));
    }
    // What was saved of broken syntax is guesswork: problems with its keys would be noise.
    let mut unknown_variables = Vec::new();
    let config = if errors.is_empty() {
        (report.settings, unknown_variables) = layers.resolve(table.get_ref(), &report);
        read_config(Section::root(&report, table.get_ref()), &report, surroundings)
    } else {
        None
    };
    let (origins, secrets) = (report.origins(), secret_places(table.get_ref(), surroundings));
    let config = finish(config, report.into_problems())?;
    Ok(Loaded { path: PathBuf::from(name), config, origins, secrets, unknown_variables })
}

/// Where the secrets of a sound file are kept.
fn secret_places(root: &DeTable<'_>, surroundings: &Surroundings<'_>) -> BTreeMap<String, SecretPlace> {
    let sinks = root.get("sink").and_then(|sinks| sinks.get_ref().as_array());
    let web = root.get("web").and_then(|web| web.get_ref().as_table());
    let mut places = web.map(|web| super::web::places(web, surroundings.folder)).unwrap_or_default();
    for (number, sink) in sinks.into_iter().flat_map(|sinks| sinks.iter()).enumerate() {
        let Some(sink) = sink.get_ref().as_table() else { continue };
        let path = format!("sink[{}]", number + 1);
        places.extend(signing::places(sink, &path, surroundings.folder));
        places.extend(access::places(sink, &path, surroundings.folder));
        let text = |key| sink.get(key).and_then(|value| value.get_ref().as_str());
        let key_file = text("client_key_file").map(|file| SecretPlace::File(surroundings.folder.join(file)));
        places.extend(key_file.map(|place| (format!("{path}.client_key"), place)));
        let address = text("url_env")
            .map(|variable| SecretPlace::Environment(variable.to_owned()))
            .or_else(|| text("url_file").map(|path| SecretPlace::File(surroundings.folder.join(path))));
        places.extend(address.map(|place| (format!("{path}.url"), place)));
    }
    let feeds = root.get("feed").and_then(|feeds| feeds.get_ref().as_array());
    for (number, feed) in feeds.into_iter().flat_map(|feeds| feeds.iter()).enumerate() {
        let feed = feed.get_ref().as_table();
        let found = feed.map(|feed| access::places(feed, &format!("feed[{}]", number + 1), surroundings.folder));
        places.extend(found.into_iter().flatten());
    }
    places
}

fn finish(config: Option<Config>, problems: Vec<Problem>) -> Result<Config, ConfigError> {
    match config {
        Some(config) if problems.is_empty() => Ok(config),
        _ => Err(ConfigError::Invalid { problems }),
    }
}

/// The text of a config file.
///
/// # Errors
/// `ConfigError::Unreadable` when it is missing, no text, absurdly large, or a pipe that nobody writes to.
pub fn read(path: &Path) -> Result<String, ConfigError> {
    text(path)
}

pub(super) fn read_text(path: &Path) -> io::Result<String> {
    let mut text = String::new();
    let read = open(path)?.take(FILE_BYTES_MAX + 1).read_to_string(&mut text)?;
    if read as u64 > FILE_BYTES_MAX {
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, "larger than 16 MiB"));
    }
    if read == 0 && std::fs::metadata(path).is_ok_and(|metadata| metadata.file_type().is_fifo()) {
        return Err(io::Error::other("it is a pipe that nobody writes to"));
    }
    Ok(text)
}

/// Opens a file to be read. To open a pipe that nobody writes to would wait for a writer, for ever: that one is empty instead. One
/// with a writer, such as a shell makes of `<(...)`, is read to its end.
fn open(path: &Path) -> io::Result<File> {
    let file = File::options().read(true).custom_flags(OFlags::NONBLOCK.bits().cast_signed()).open(path)?;
    fcntl_setfl(&file, fcntl_getfl(&file)? - OFlags::NONBLOCK)?;
    Ok(file)
}

/// `None` only together with a problem in the report.
fn read_config(mut root: Section<'_>, report: &Report<'_>, surroundings: &Surroundings<'_>) -> Option<Config> {
    let default = Config::default();
    let database = root.read("database", |value| file_path(value, surroundings));
    let shutdown_grace = root.read("shutdown_grace", |value| duration(value, GRACE));
    let http = read_http(root.table("http"));
    let web = read_web(root.table("web"), surroundings);
    let websub = read_websub(root.table("websub"));
    let log = read_log(root.table("log"));
    let mut intake = read_intake(root.table("intake"));
    let mut taken = Names::new(report);
    let domains: Vec<_> = root.tables("domain").into_iter().map(|section| read_domain(section, &mut taken)).collect();
    intake.domains = domains.into_iter().flatten().collect();
    let extract = super::extract::read(root.table("extract"));
    let windows = read_windows(root.table("windows"));

    let mut taken = Names::new(report);
    let feeds = root.tables("feed").into_iter();
    let feeds: Vec<_> =
        feeds.map(|section| read_feed(section, &intake, surroundings, &mut taken).map(Arc::new)).collect();
    let mut taken = Names::new(report);
    let lists = root.tables("feed_list").into_iter();
    let feed_lists: Vec<_> = lists.map(|section| read_feed_list(section, &intake, surroundings, &mut taken)).collect();
    let mut taken = Names::new(report);
    let mut sinks: Vec<_> =
        root.tables("sink").into_iter().map(|section| read_sink(section, surroundings, &mut taken)).collect();
    if sinks.is_empty() {
        let sink = SinkConfig::default();
        taken.0.insert(sink.name.clone(), 0);
        sinks.push(Some(sink));
    }
    let sink_names = taken;
    let (mut taken, mut names_taken) = (Names::new(report), 0);
    let mut rules: Vec<_> = root
        .tables("rule")
        .into_iter()
        .map(|section| read_rule(section, &sink_names, &mut taken, &mut names_taken))
        .collect();
    if rules.is_empty() {
        rules.push(Some(RuleConfig::everything()));
    }
    root.finish();

    let mut feeds: Vec<_> = feeds.into_iter().collect::<Option<_>>()?;
    // Collected in the place of their sections, of which they need a tenth.
    feeds.shrink_to_fit();
    Some(Config {
        database: database.unwrap_or_else(|| surroundings.folder.join(default.database)),
        shutdown_grace: shutdown_grace.unwrap_or(default.shutdown_grace),
        http,
        web,
        websub,
        log,
        intake,
        extract,
        windows,
        feeds,
        feed_lists: feed_lists.into_iter().collect::<Option<_>>()?,
        rules: rules.into_iter().collect::<Option<_>>()?,
        sinks: sinks.into_iter().collect::<Option<_>>()?,
    })
}

fn read_http(mut section: Section<'_>) -> HttpConfig {
    let listen = section.read("listen", listen);
    section.finish();
    listen.map_or_else(HttpConfig::default, |listen| HttpConfig { listen })
}

fn read_log(mut section: Section<'_>) -> LogConfig {
    let default = LogConfig::default();
    let log = LogConfig {
        filter: section.read("filter", log_filter).unwrap_or(default.filter),
        format: section.read("format", log_format).unwrap_or(default.format),
    };
    section.finish();
    log
}

fn read_intake(mut section: Section<'_>) -> IntakeConfig {
    let default = IntakeConfig::default();
    let body_bytes_max = section.read("body_bytes_max", |value| size(value, SIZE));
    let decoded_bytes_max = section.read("decoded_bytes_max", |value| size(value, SIZE));
    let (poll_interval, poll_interval_max) =
        read_intervals(&mut section, (default.poll_interval, default.poll_interval_max));
    let intake = IntakeConfig {
        poll_interval,
        poll_interval_max,
        jitter: section.read("jitter", |value| fraction(value, &(0.0..=0.5))).unwrap_or(default.jitter),
        backoff_max: section.read("backoff_max", |value| duration(value, PACE)).unwrap_or(default.backoff_max),
        fetch_timeout: section.read("fetch_timeout", |value| duration(value, TIMEOUT)).unwrap_or(default.fetch_timeout),
        connect_timeout: section
            .read("connect_timeout", |value| duration(value, TIMEOUT))
            .unwrap_or(default.connect_timeout),
        body_bytes_max: body_bytes_max.unwrap_or(default.body_bytes_max),
        decoded_bytes_max: decoded_bytes_max.unwrap_or(default.decoded_bytes_max),
        redirects_max: section.read("redirects_max", |value| count(value, &(0..=20))).unwrap_or(default.redirects_max),
        entries_max: section.read("entries_max", |value| count(value, &(1..=10_000))).unwrap_or(default.entries_max),
        fetches_max: section.read("fetches_max", |value| count(value, &(1..=1_024))).unwrap_or(default.fetches_max),
        fetches_per_host_max: section
            .read("fetches_per_host_max", |value| count(value, &(1..=64)))
            .unwrap_or(default.fetches_per_host_max),
        fetch_gap: section.read("fetch_gap", |value| duration(value, GAP)).unwrap_or(default.fetch_gap),
        domains: Vec::new(),
        user_agent: section.read("user_agent", user_agent).unwrap_or(default.user_agent),
        contact: section.read("contact", contact).unwrap_or(default.contact),
        proxy: section.read("proxy", proxy).unwrap_or(default.proxy),
        allow_networks: section
            .list("allow_networks", "networks such as \"127.0.0.0/8\"", network)
            .unwrap_or(default.allow_networks),
        backfill: section.read("backfill", |value| duration(value, BACKFILL)).unwrap_or(default.backfill),
        text: section.read("text", text_policy).unwrap_or(default.text),
        pages_max: section.read("pages_max", |value| count(value, &PAGES)).unwrap_or(default.pages_max),
        page_wait: section.read("page_wait", |value| duration(value, TIMEOUT)).unwrap_or(default.page_wait),
    };
    section.finish();
    intake
}

/// The shortest and the longest interval. Who writes down an interval and nothing else wants that one: there the shortest is the longest.
pub(super) fn read_intervals(section: &mut Section<'_>, default: (Duration, Duration)) -> (Duration, Duration) {
    let shortest = section.read("poll_interval", |value| duration(value, PACE));
    let longest = section.read("poll_interval_max", |value| duration(value, PACE));
    let (shortest, longest) = match (shortest, longest) {
        (Some(shortest), None) => (shortest, shortest),
        (None, Some(longest)) => (default.0.min(longest), longest),
        (shortest, longest) => (shortest.unwrap_or(default.0), longest.unwrap_or(default.1)),
    };
    if longest < shortest {
        section.problem(Wrong::new("poll_interval_max is shorter than poll_interval", "at least poll_interval"));
    }
    (shortest, longest)
}

/// `None` only together with a problem in the report.
fn read_domain(mut section: Section<'_>, taken: &mut Names<'_, '_>) -> Option<DomainConfig> {
    let place = section.place("name");
    let name = section.require("name", DOMAIN, |value| taken.claim(domain(value)?.to_owned(), place));
    let fetches_max = section.read("fetches_max", |value| count(value, &(1..=64)));
    let fetch_gap = section.read("fetch_gap", |value| duration(value, GAP));
    section.finish();
    Some(DomainConfig { name: name?, fetches_max, fetch_gap })
}

/// A domain as addresses name it: in lower case, in ASCII.
fn domain<'v>(value: &'v DeValue<'_>) -> Result<&'v str, Wrong> {
    let text = string(value, DOMAIN)?;
    let is_label = |label: &str| {
        !label.is_empty() && label.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || "-_".contains(c))
    };
    let is_v6 = |text: &str| text.chars().all(|c| c.is_ascii_hexdigit() || ":.".contains(c)) && !text.is_empty();
    let inside = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    let is_domain = inside.map_or_else(|| text.split('.').all(is_label), is_v6);
    if is_domain && text.len() <= 253 {
        return Ok(text);
    }
    Err(Wrong::new(format!("{text:?} is neither a domain in lower case nor an IP address"), DOMAIN))
}

fn read_windows(mut section: Section<'_>) -> WindowsConfig {
    let default = WindowsConfig::default();
    let mut window = |key, default| section.read(key, |value| duration(value, MEMORY)).unwrap_or(default);
    let windows = WindowsConfig {
        stories: window("stories", default.stories),
        claims: window("claims", default.claims),
        threads: window("threads", default.threads),
        deliveries: window("deliveries", default.deliveries),
    };
    section.finish();
    windows
}

fn read_feed(
    mut section: Section<'_>,
    intake: &IntakeConfig,
    surroundings: &Surroundings<'_>,
    taken: &mut Names<'_, '_>,
) -> Option<FeedConfig> {
    let place = section.place("id");
    let id = section.require("id", NAME, |value| taken.claim(name(value)?, place));
    let url = section.require("url", FEED_ADDRESS, feed_address);
    let outlet = section.require("outlet", LABEL, label);
    let (poll_interval, poll_interval_max) =
        read_intervals(&mut section, (intake.poll_interval, intake.poll_interval_max));
    let backfill = section.read("backfill", |value| duration(value, BACKFILL));
    let text = section.read("text", text_policy);
    let access = read_access(&mut section, url.as_ref(), surroundings);
    section.finish();
    Some(FeedConfig {
        id: FeedId::new(id?),
        url: url?,
        outlet: outlet?,
        poll_interval,
        poll_interval_max,
        backfill: backfill.unwrap_or(intake.backfill),
        access,
        text: text.unwrap_or(intake.text),
    })
}

fn read_rule(
    mut section: Section<'_>,
    sinks: &Names<'_, '_>,
    taken: &mut Names<'_, '_>,
    names_taken: &mut usize,
) -> Option<RuleConfig> {
    let place = section.place("name");
    let name = section.require("name", LABEL, |value| taken.claim(label(value)?, place));
    let types = section.list("types", "alert types", alert_type);
    let sinks = section.list("sinks", "names of sinks", |value| sinks.existing(value));
    let rule = narrow::read(&mut section, names_taken, RuleConfig::everything());
    section.finish();
    Some(RuleConfig { name: name?, types: types.unwrap_or(rule.types), sinks: sinks.unwrap_or(rule.sinks), ..rule })
}

fn read_sink(
    mut section: Section<'_>,
    surroundings: &Surroundings<'_>,
    taken: &mut Names<'_, '_>,
) -> Option<SinkConfig> {
    let place = section.place("name");
    let name = section.require("name", NAME, |value| taken.claim(name(value)?, place));
    let accepted = quoted(&SINK_TYPES);
    let sink_type = section.require("type", &accepted, |value| match string(value, &accepted)? {
        known if SINK_TYPES.contains(&known) => Ok(known.to_owned()),
        other => {
            let what = format!("{other:?} is not a type of sink{}", did_you_mean(other, SINK_TYPES.into_iter()));
            Err(Wrong::new(what, accepted.clone()))
        }
    });
    // Without a type nobody knows which other keys belong here, so they are not judged.
    let target = match sink_type?.as_str() {
        "webhook" => read_webhook(&mut section, surroundings).map(Box::new).map(SinkTarget::Webhook),
        "email" => read_mail(&mut section, surroundings, retry_schedule()).map(Box::new).map(SinkTarget::Mail),
        _ => Some(SinkTarget::JsonLines(read_lines(&mut section, surroundings))),
    };
    let limits = read_limits(&mut section);
    section.finish();
    let mut sink = SinkConfig::new(name?, target?);
    sink.limits = limits;
    Some(sink)
}

fn read_webhook(section: &mut Section<'_>, surroundings: &Surroundings<'_>) -> Option<WebhookConfig> {
    let url = endpoint::read_url(section, surroundings);
    let (url, form) = endpoint::read_form(section, surroundings, url);
    let secret = signing::read_secret(section, surroundings);
    let more_secrets = signing::read_more_secrets(section, secret.as_ref(), surroundings);
    let access = read_endpoint_access(section, url.as_ref(), surroundings);
    let tls = transport::read_tls(section, surroundings);
    let network = transport::read_network(section, url.as_ref());
    let timeout = section.read("timeout", |value| duration(value, TIMEOUT));
    let connect_timeout = section.read("connect_timeout", |value| duration(value, TIMEOUT));
    let concurrency_max = section.read("concurrency_max", |value| count(value, &(1..=256)));
    let schedule = section.list("retry_schedule", "durations", |value| duration(value, WAITS));
    if schedule.as_ref().is_some_and(|schedule| schedule.len() > RETRIES_MAX) {
        section.problem(Wrong::new("retry_schedule is too long", format!("at most {RETRIES_MAX} waits")));
    }
    let traffic = read_traffic(section);
    let mut webhook = WebhookConfig::new(url?, secret);
    webhook.form = form;
    webhook.more_secrets = more_secrets;
    webhook.access = access;
    webhook.tls = tls;
    webhook.network = network;
    webhook.timeout = timeout.unwrap_or(webhook.timeout);
    webhook.connect_timeout = connect_timeout.unwrap_or(webhook.connect_timeout);
    webhook.concurrency_max = concurrency_max.unwrap_or(webhook.concurrency_max);
    webhook.retry_schedule = schedule.unwrap_or(webhook.retry_schedule);
    webhook.traffic = traffic;
    Some(webhook)
}

/// Names that are taken, with the byte of the file at which each stands.
pub(super) struct Names<'r, 'a>(BTreeMap<String, usize>, &'r Report<'a>);

impl<'r, 'a> Names<'r, 'a> {
    fn new(report: &'r Report<'a>) -> Self {
        Self(BTreeMap::new(), report)
    }

    /// Takes a name, once.
    pub(super) fn claim(&mut self, name: String, place: usize) -> Result<String, Wrong> {
        if let Some(first) = self.0.get(&name) {
            return Err(Wrong::new(format!("{name:?} is taken by line {}", self.1.line(*first)), "a name used once"));
        }
        self.0.insert(name.clone(), place);
        Ok(name)
    }

    /// One of the taken names.
    fn existing(&self, value: &DeValue<'_>) -> Result<String, Wrong> {
        let names: Vec<&str> = self.0.keys().map(String::as_str).collect();
        let accepted = quoted(&names);
        let wanted = string(value, &accepted)?;
        if self.0.contains_key(wanted) {
            return Ok(wanted.to_owned());
        }
        let what = format!("there is no sink {wanted:?}{}", did_you_mean(wanted, names.into_iter()));
        Err(Wrong::new(what, accepted))
    }
}

pub(super) fn quoted(words: &[&str]) -> String {
    words.iter().map(|word| format!("{word:?}")).collect::<Vec<_>>().join(", ")
}

fn name(value: &DeValue<'_>) -> Result<String, Wrong> {
    let text = string(value, NAME)?;
    let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "._-".contains(c);
    if (1..=64).contains(&text.len()) && text.chars().all(fits) {
        Ok(text.to_owned())
    } else {
        Err(Wrong::new(format!("{text:?} has not the form of a name"), NAME))
    }
}

pub(super) fn label(value: &DeValue<'_>) -> Result<String, Wrong> {
    let text = string(value, LABEL)?.trim();
    if (1..=200).contains(&text.chars().count()) && !text.chars().any(char::is_control) {
        Ok(text.to_owned())
    } else {
        Err(Wrong::new("is empty, too long or not on one line", LABEL))
    }
}

/// The address is not repeated in problems: it may carry a token.
pub(super) fn address(value: &DeValue<'_>) -> Result<Url, Wrong> {
    let url = Url::parse(string(value, ADDRESS)?).map_err(|error| match error {
        url::ParseError::RelativeUrlWithoutBase => Wrong::new("does not begin with http:// or https://", ADDRESS),
        error => Wrong::new(error.to_string(), ADDRESS),
    })?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(Wrong::new(format!("the scheme {:?} cannot be used", url.scheme()), ADDRESS));
    }
    Ok(url)
}

/// An address, or nothing.
pub(super) fn optional_address(value: &DeValue<'_>) -> Result<Option<Url>, Wrong> {
    if string(value, OPTIONAL_ADDRESS)?.trim().is_empty() {
        return Ok(None);
    }
    address(value).map(Some)
}

/// An address that a feed can be polled at: also a path of this machine.
fn feed_address(value: &DeValue<'_>) -> Result<Url, Wrong> {
    let text = string(value, FEED_ADDRESS)?.trim();
    if !text.get(..5).is_some_and(|scheme| scheme.eq_ignore_ascii_case("file:")) {
        return address(value).map_err(|wrong| wrong.accepting(FEED_ADDRESS));
    }
    let url = Url::parse(text).map_err(|error| Wrong::new(error.to_string(), FEED_ADDRESS))?;
    if url.to_file_path().is_err() || !text.get(5..).is_some_and(|path| path.starts_with('/')) {
        return Err(Wrong::new("is no path of this machine", FEED_ADDRESS));
    }
    Ok(url)
}

pub(super) fn file_path(value: &DeValue<'_>, surroundings: &Surroundings<'_>) -> Result<PathBuf, Wrong> {
    let accepted = "a path, relative to the folder of the config file";
    match string(value, accepted)? {
        "" => Err(Wrong::new("is empty", accepted)),
        path if path.contains('\0') => Err(Wrong::new("holds a null character", accepted)),
        path => Ok(surroundings.folder.join(path)),
    }
}

pub(super) fn listen(value: &DeValue<'_>) -> Result<Option<SocketAddr>, Wrong> {
    let accepted = "an address with its port, such as \"127.0.0.1:8420\" or \"[::1]:8420\", or \"\" for none";
    match string(value, accepted)?.trim() {
        "" => Ok(None),
        text => {
            text.parse().map(Some).map_err(|_| Wrong::new(format!("{text:?} is no address to listen on"), accepted))
        }
    }
}

fn log_filter(value: &DeValue<'_>) -> Result<String, Wrong> {
    let accepted = "error, warn, info, debug, trace, or a list such as \"gainsay::intake=debug,warn\"";
    let text = string(value, accepted)?;
    match text.parse::<tracing_subscriber::EnvFilter>() {
        Ok(_) if !text.is_empty() => Ok(text.to_owned()),
        _ => Err(Wrong::new(format!("{text:?} is no filter"), accepted)),
    }
}

fn log_format(value: &DeValue<'_>) -> Result<LogFormat, Wrong> {
    let names = LogFormat::NAMES.map(|(name, _)| name);
    let accepted = quoted(&names);
    let text = string(value, &accepted)?;
    LogFormat::NAMES.into_iter().find(|(name, _)| *name == text).map(|(_, format)| format).ok_or_else(|| {
        Wrong::new(format!("{text:?} is not a format{}", did_you_mean(text, names.into_iter())), accepted)
    })
}

pub(super) fn text_policy(value: &DeValue<'_>) -> Result<TextPolicy, Wrong> {
    let names = TextPolicy::NAMES.map(|(name, _)| name);
    let accepted = quoted(&names);
    let text = string(value, &accepted)?;
    TextPolicy::NAMES.into_iter().find(|(name, _)| *name == text).map(|(_, policy)| policy).ok_or_else(|| {
        Wrong::new(format!("{text:?} is no source of text{}", did_you_mean(text, names.into_iter())), accepted)
    })
}

fn user_agent(value: &DeValue<'_>) -> Result<String, Wrong> {
    let accepted = "1 to 200 printable ASCII characters";
    let text = string(value, accepted)?.trim();
    if (1..=200).contains(&text.len()) && text.bytes().all(|byte| (b' '..=b'~').contains(&byte)) {
        Ok(text.to_owned())
    } else {
        Err(Wrong::new("cannot be sent as User-Agent", accepted))
    }
}

/// How the operator can be reached, or nothing.
fn contact(value: &DeValue<'_>) -> Result<Option<String>, Wrong> {
    let accepted = "\"mailto:\" with an address, an http or https address, or \"\" for none";
    let text = string(value, accepted)?.trim();
    let begins = ["mailto:", "http://", "https://"].iter().any(|scheme| text.starts_with(scheme));
    match text {
        "" => Ok(None),
        _ if begins
            && text.len() <= 200
            && text.bytes().all(|byte| byte.is_ascii_graphic() && !b"()".contains(&byte)) =>
        {
            Ok(Some(text.to_owned()))
        }
        _ => Err(Wrong::new("is no way to reach anybody", accepted)),
    }
}

/// The address of a proxy, or nothing. Not repeated in problems: it may carry a password.
fn proxy(value: &DeValue<'_>) -> Result<Option<ProxyAddress>, Wrong> {
    let accepted = "\"http://host:port\", \"https://host:port\", \"socks5://host:port\" or \"socks5h://host:port\", with user and password if need be, or \"\" for none";
    let text = string(value, accepted)?.trim();
    if text.is_empty() {
        return Ok(None);
    }
    let url = Url::parse(text).map_err(|error| Wrong::new(error.to_string(), accepted))?;
    if !PROXY_SCHEMES.contains(&url.scheme()) || !url.has_host() {
        return Err(Wrong::new("is no proxy", accepted));
    }
    Ok(Some(ProxyAddress(url)))
}

pub(super) fn network(value: &DeValue<'_>) -> Result<IpNet, Wrong> {
    let accepted = "a network such as \"127.0.0.0/8\" or \"fd00::/8\", or one address";
    let text = string(value, accepted)?;
    text.parse::<IpNet>()
        .or_else(|_| text.parse().map(|address: std::net::IpAddr| IpNet::from(address)))
        .map_err(|_| Wrong::new(format!("{text:?} is not a network"), accepted))
}

fn alert_type(value: &DeValue<'_>) -> Result<AlertType, Wrong> {
    let names: Vec<&str> = AlertType::ruled().map(AlertType::as_str).collect();
    let accepted = quoted(&names);
    let text = string(value, &accepted)?;
    AlertType::ruled().find(|known| known.as_str() == text).ok_or_else(|| {
        Wrong::new(format!("{text:?} is not an alert type{}", did_you_mean(text, names.into_iter())), accepted)
    })
}
