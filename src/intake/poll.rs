//! One poll of one feed, from the cursor of the last one to items and the next cursor; called by the app's feed tasks.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use url::Url;

use super::fetch::{Body, FetchError, Fetched, Fetcher};
use super::page::Pages;
use super::parse::{ParseError, ParsedFeed, parse};
use super::recover::Repairs;
use super::schedule::{Ending, Pace, next_poll_after};
use crate::config::{FeedConfig, IntakeConfig};
use crate::model::{AddressHash, AlertType, FeedCursor, FeedHealth, FeedIncident, Item, shown_address};

/// Failures in a row from which a feed counts as failing; fewer happen to every feed.
pub const FAILURES_MIN: u32 = 3;

/// Hosts with a queue, from which on those without one are forgotten.
const HOSTS_MAX: usize = 4_096;
/// Whole time for parsing one body; the largest ones permitted take a few seconds.
pub(super) const PARSE_TIMEOUT: Duration = Duration::from_secs(30);

/// What a poll brought.
#[derive(Debug)]
pub struct Poll {
    /// For the next poll; to be committed together with what this one brought.
    pub cursor: FeedCursor,
    /// What it brought.
    pub outcome: Outcome,
    /// What it says about the feed's health; nothing after a failure that does not make an incident yet, so that an
    /// open incident is not taken for over.
    pub health: Option<FeedHealth>,
    /// When to poll again.
    pub next_poll_after: Duration,
    /// What had to be repaired in the body.
    pub repairs: Repairs,
    /// How much came, of bodies that came whole.
    pub size: BodySize,
}

/// Bytes of a body.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct BodySize {
    /// On the wire.
    pub wire: u64,
    /// After decompression.
    pub decoded: u64,
}

/// What a poll brought.
#[derive(Debug)]
pub enum Outcome {
    /// Nothing new.
    NotModified,
    /// The feed's entries, old and new.
    Items {
        /// Entries in the feed's order.
        items: Vec<Item>,
        /// When the feed was last known to carry what it carries; never, on its first fetch.
        read_before: Option<Timestamp>,
    },
    /// Nothing, and why.
    Failed(PollError),
}

/// Why a poll failed.
#[derive(Debug, thiserror::Error)]
pub enum PollError {
    /// No body came.
    #[error(transparent)]
    Fetch(#[from] FetchError),
    /// The body is no feed.
    #[error("cannot read {url}: {source}")]
    Parse {
        /// Where the body came from.
        url: String,
        /// What is wrong with it.
        source: ParseError,
    },
    /// Parsing took too long: a defect of ours, as its work is bounded.
    #[error("parsing {url} took longer than {} s", PARSE_TIMEOUT.as_secs())]
    TooSlow {
        /// Where the body came from.
        url: String,
    },
    /// The task that parses died.
    #[error("parsing failed: {0}")]
    Task(#[from] tokio::task::JoinError),
}

impl PollError {
    /// Every [`reason`](Self::reason).
    pub const REASONS: [&str; 9] =
        ["refused", "transport", "timeout", "status", "too_large", "encoding", "redirect", "no_feed", "defect"];

    /// What went wrong in a word, for metrics.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Fetch(error) => Self::reason_of(error),
            Self::Parse { source: ParseError::Panicked(_), .. } | Self::TooSlow { .. } | Self::Task(_) => "defect",
            Self::Parse { .. } => "no_feed",
        }
    }

    /// Why no body came, in a word.
    pub(super) fn reason_of(error: &FetchError) -> &'static str {
        match error {
            FetchError::Refused { .. } => "refused",
            FetchError::Transport { .. } => "transport",
            FetchError::Timeout { .. } => "timeout",
            FetchError::Status { .. } | FetchError::Denied { .. } => "status",
            FetchError::TooLarge { .. } => "too_large",
            FetchError::Decompress { .. } => "encoding",
            FetchError::RedirectTarget { .. }
            | FetchError::RedirectLoop { .. }
            | FetchError::TooManyRedirects { .. } => "redirect",
            FetchError::Setup(_) | FetchError::Decoder { .. } => "defect",
        }
    }

    /// Whether the next poll may well succeed.
    pub fn is_retryable(&self) -> bool {
        matches!(self, Self::Fetch(error) if error.is_retryable())
    }
}

/// Polls feeds, a limited number at once and fewer of one host.
#[derive(Debug)]
pub struct Poller {
    fetcher: Fetcher,
    config: IntakeConfig,
    fetches: Arc<Semaphore>,
    hosts: Mutex<BTreeMap<String, Arc<Semaphore>>>,
    pub(super) pages: Pages,
}

/// The right to poll, held until dropped. Held until what the poll brought is durable, it bounds the memory: no more
/// bodies than `fetches_max` are on their way at once, however slow the desk is.
#[derive(Debug)]
pub struct Turn {
    _permits: [Option<OwnedSemaphorePermit>; 2],
}

impl Poller {
    /// A poller with the limits of `config`.
    ///
    /// # Errors
    /// When the HTTP client cannot be set up.
    pub fn new(config: &IntakeConfig) -> Result<Self, FetchError> {
        let fetcher = Fetcher::new(config)?;
        Ok(Self {
            pages: Pages::new(&fetcher, config),
            fetcher,
            fetches: Arc::new(Semaphore::new(config.fetches_max.max(1))),
            hosts: Mutex::default(),
            config: config.clone(),
        })
    }

    /// Polls `feed`, whose turn it is.
    pub async fn poll(&self, _turn: &Turn, feed: &FeedConfig, cursor: &FeedCursor, now: Timestamp) -> Poll {
        let fetched = self.fetcher.fetch(&feed.url, &feed.access, cursor, now).await;
        let size = match &fetched {
            Ok(Fetched::Body(body)) => BodySize { wire: body.wire_bytes, decoded: body.bytes.len() as u64 },
            _ => BodySize::default(),
        };
        let read = match fetched {
            Ok(Fetched::NotModified) => Ok(None),
            Ok(Fetched::Body(body)) => self.read(body).await.map(Some),
            Err(error) => Err(error.into()),
        };
        let pace =
            Pace { interval: feed.poll_interval, jitter: self.config.jitter, backoff_max: self.config.backoff_max };
        let poll = conclude(feed, cursor, now, read, |ending| next_poll_after(pace, ending, fastrand::f64()));
        Poll { size, ..poll }
    }

    /// Waits for the feed's turn at its host first, so that a slow host holds up only its own feeds. May be dropped.
    pub async fn turn(&self, feed: &FeedConfig) -> Turn {
        self.turn_at(&feed.url).await
    }

    /// As [`turn`](Self::turn), at the host of this address.
    pub(super) async fn turn_at(&self, url: &Url) -> Turn {
        let host = url.host_str().unwrap_or_default().to_ascii_lowercase();
        let host = {
            let mut hosts = self.hosts.lock().unwrap_or_else(PoisonError::into_inner);
            if hosts.len() >= HOSTS_MAX {
                // Entries link to any host they like; those where nobody is or waits are forgotten.
                hosts.retain(|_, host| Arc::strong_count(host) > 1);
            }
            let limit = self.config.fetches_per_host_max.max(1);
            Arc::clone(hosts.entry(host).or_insert_with(|| Arc::new(Semaphore::new(limit))))
        };
        // A semaphore that is closed would give no permit; these never are.
        let at_host = host.acquire_owned().await.ok();
        Turn { _permits: [at_host, Arc::clone(&self.fetches).acquire_owned().await.ok()] }
    }

    /// Parsing takes long enough to stall other tasks, so it runs on a blocking thread. That cannot be cancelled: what
    /// bounds it are the limits in the parser; the deadline only frees the feed's turn, should one of them fail.
    async fn read(&self, mut body: Body) -> Result<(Body, ParsedFeed), PollError> {
        let entries_max = self.config.entries_max;
        let bytes = std::mem::take(&mut body.bytes);
        let (content_type, base) = (body.content_type.clone(), body.url.clone());
        let parsed =
            tokio::task::spawn_blocking(move || parse(&bytes, content_type.as_deref(), Some(&base), entries_max));
        let Ok(parsed) = tokio::time::timeout(PARSE_TIMEOUT, parsed).await else {
            return Err(PollError::TooSlow { url: shown_address(&body.url) });
        };
        match parsed? {
            Ok(feed) => Ok((body, feed)),
            Err(source) => Err(PollError::Parse { url: shown_address(&body.url), source }),
        }
    }
}

/// The cursor to go on with after a start. With another address in the config goes what the server of the old one said:
/// its validators would let the new server answer "not modified" to what was never read, and its wish to be left alone is
/// not the new one's. What was read stays read: a feed keeps its name, and so its documents, when it moves. One that did not let us in
/// is asked at once, as whoever started or reloaded may just have set its credentials right.
pub fn resume(feed: &FeedConfig, stored: Option<FeedCursor>) -> FeedCursor {
    let address = Some(AddressHash::of(&[feed.url.as_str().as_bytes()]));
    let mut cursor = stored.unwrap_or_else(|| FeedCursor::new(feed.id.clone()));
    if cursor.address == address {
        if cursor.is_denied && !feed.access.is_empty() {
            (cursor.last_poll, cursor.left_alone_until) = (None, None);
        }
        return cursor;
    }
    FeedCursor { address, etag: None, last_modified: None, last_poll: None, left_alone_until: None, ..cursor }
}

/// What follows from a poll. Validators move only with a body that parsed, and never with one that is suddenly empty:
/// with the old ones the server goes on to answer with a body, and the feed counts as empty until it has entries again.
fn conclude(
    feed: &FeedConfig,
    cursor: &FeedCursor,
    now: Timestamp,
    read: Result<Option<(Body, ParsedFeed)>, PollError>,
    next: impl Fn(Ending) -> Duration,
) -> Poll {
    let mut cursor = FeedCursor { last_poll: Some(now), ..cursor.clone() };
    let mut repairs = Repairs::default();
    let mut incident = None;
    let read_before = cursor.last_success;
    let mut ending = Ending::Success;
    let outcome = match read {
        Err(error) => {
            cursor.failures = cursor.failures.saturating_add(1);
            cursor.is_denied = matches!(error, PollError::Fetch(FetchError::Denied { .. }));
            let since = *cursor.failing_since.get_or_insert(now);
            let retry_after = if let PollError::Fetch(error) = &error { error.retry_after() } else { None };
            ending = Ending::Failure { failures: cursor.failures, is_retryable: error.is_retryable(), retry_after };
            if cursor.failures >= FAILURES_MIN {
                let detail = format!("{} polls failed in a row, the last one so: {error}", cursor.failures);
                incident = Some(FeedIncident { kind: AlertType::FeedFailing, since, detail });
            }
            Outcome::Failed(error)
        }
        Ok(None) => {
            succeed(&mut cursor, now);
            Outcome::NotModified
        }
        Ok(Some((body, parsed))) => {
            succeed(&mut cursor, now);
            repairs = parsed.repairs;
            match cursor.last_item_count {
                Some(count) if count > 0 && parsed.items.is_empty() => {
                    let detail = format!("the feed has no entries; it had {count}");
                    incident = Some(FeedIncident { kind: AlertType::FeedEmpty, since: now, detail });
                }
                _ => {
                    cursor.etag = body.etag;
                    cursor.last_modified = body.last_modified;
                    cursor.last_body = Some(now);
                    cursor.last_item_count = Some(u32::try_from(parsed.items.len()).unwrap_or(u32::MAX));
                }
            }
            Outcome::Items { items: parsed.items, read_before }
        }
    };
    let next_poll_after = next(ending);
    cursor.left_alone_until = match &outcome {
        Outcome::Failed(_) => Some(now.saturating_add(next_poll_after).unwrap_or(Timestamp::MAX)),
        Outcome::NotModified | Outcome::Items { .. } => None,
    };
    let is_known = incident.is_some() || cursor.failures == 0;
    let health = is_known.then(|| FeedHealth {
        feed: feed.id.clone(),
        url: shown_address(&feed.url),
        outlet: feed.outlet.clone(),
        incident,
    });
    Poll { cursor, outcome, health, next_poll_after, repairs, size: BodySize::default() }
}

fn succeed(cursor: &mut FeedCursor, now: Timestamp) {
    cursor.last_success = Some(now);
    cursor.failures = 0;
    cursor.is_denied = false;
    cursor.failing_since = None;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{FeedAccess, TextPolicy};
    use crate::model::FeedId;

    fn feed(url: &str) -> FeedConfig {
        FeedConfig {
            id: FeedId::new("wire"),
            url: url.parse().unwrap(),
            outlet: "Wire".to_owned(),
            poll_interval: Duration::from_mins(5),
            backfill: Duration::ZERO,
            access: FeedAccess::default(),
            text: TextPolicy::Feed,
        }
    }

    #[test]
    fn an_incident_begins_with_the_first_failure() {
        let start: Timestamp = "2024-10-31T08:00:00Z".parse().unwrap();
        let feed = feed("https://a.example/feed");
        let mut cursor = resume(&feed, None);
        let mut poll = |minute: u64, fails: bool| {
            let now = start + Duration::from_mins(minute);
            let failure = FetchError::RedirectTarget { url: String::new() };
            let read = if fails { Err(failure.into()) } else { Ok(None) };
            let poll = conclude(&feed, &cursor, now, read, |_| Duration::ZERO);
            cursor = poll.cursor;
            poll.health.and_then(|health| health.incident).map(|incident| incident.since)
        };
        let minute = |minute: u64| Some(start + Duration::from_mins(minute));
        assert_eq!([poll(0, false), poll(1, true), poll(2, true)], [None; 3]);
        assert_eq!([poll(4, true), poll(8, true)], [minute(1); 2]);
        assert_eq!([poll(9, false), poll(10, true), poll(11, true)], [None; 3]);
        assert_eq!(poll(13, true), minute(10));
    }

    #[test]
    fn another_address_is_asked_at_once_and_without_the_validators_of_the_old_one() {
        let at = "2024-10-31T08:00:00Z".parse().ok();
        let stored = FeedCursor {
            etag: Some("\"v1\"".to_owned()),
            last_modified: Some("Thu, 31 Oct 2024 08:00:00 GMT".to_owned()),
            last_success: at,
            last_poll: at,
            left_alone_until: at,
            last_item_count: Some(3),
            ..resume(&feed("https://a.example/feed"), None)
        };
        assert_eq!(resume(&feed("https://a.example/feed"), Some(stored.clone())), stored);
        let moved = resume(&feed("https://b.example/feed"), Some(stored.clone()));
        assert_eq!(
            (&moved.etag, &moved.last_modified, moved.last_poll, moved.left_alone_until),
            (&None, &None, None, None)
        );
        assert_eq!((moved.last_success, moved.last_item_count), (at, Some(3)));
        let of_unknown_address = FeedCursor { address: None, ..stored };
        assert_eq!(resume(&feed("https://a.example/feed"), Some(of_unknown_address)).etag, None);
    }
}
