//! One poll of one feed, from the cursor of the last one to items and the next cursor; called by the app's feed tasks.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::fetch::{self, Body, FetchError, Fetched, Fetcher};
use super::parse::{ParseError, ParsedFeed, parse};
use super::recover::Repairs;
use super::schedule::{Ending, Pace, next_poll_after};
use crate::config::{FeedConfig, IntakeConfig};
use crate::model::{AlertType, FeedCursor, FeedHealth, FeedIncident, Item};

/// Failures in a row from which a feed counts as failing; fewer happen to every feed.
const FAILURES_MIN: u32 = 3;

/// Whole time for parsing one body; the largest ones permitted take a few seconds.
const PARSE_TIMEOUT: Duration = Duration::from_secs(30);

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
        /// The feed was never read before: what is in it is a baseline, not news.
        is_first: bool,
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
        Ok(Self {
            fetcher: Fetcher::new(config)?,
            fetches: Arc::new(Semaphore::new(config.fetches_max.max(1))),
            hosts: Mutex::default(),
            config: config.clone(),
        })
    }

    /// Polls `feed`, whose turn it is.
    pub async fn poll(&self, _turn: &Turn, feed: &FeedConfig, cursor: &FeedCursor, now: Timestamp) -> Poll {
        let fetched = self.fetcher.fetch(&feed.url, cursor, now).await;
        let read = match fetched {
            Ok(Fetched::NotModified) => Ok(None),
            Ok(Fetched::Body(body)) => self.read(body).await.map(Some),
            Err(error) => Err(error.into()),
        };
        let pace =
            Pace { interval: feed.poll_interval, jitter: self.config.jitter, backoff_max: self.config.backoff_max };
        conclude(feed, cursor, now, read, |ending| next_poll_after(pace, ending, fastrand::f64()))
    }

    /// Waits for the feed's turn at its host first, so that a slow host holds up only its own feeds. May be dropped.
    pub async fn turn(&self, feed: &FeedConfig) -> Turn {
        let host = feed.url.host_str().unwrap_or_default().to_ascii_lowercase();
        let host = {
            let mut hosts = self.hosts.lock().unwrap_or_else(PoisonError::into_inner);
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
            return Err(PollError::TooSlow { url: fetch::shown(&body.url) });
        };
        match parsed? {
            Ok(feed) => Ok((body, feed)),
            Err(source) => Err(PollError::Parse { url: fetch::shown(&body.url), source }),
        }
    }
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
    let is_first = cursor.last_success.is_none();
    let mut ending = Ending::Success;
    let outcome = match read {
        Err(error) => {
            cursor.failures = cursor.failures.saturating_add(1);
            let retry_after = if let PollError::Fetch(error) = &error { error.retry_after() } else { None };
            ending = Ending::Failure { failures: cursor.failures, is_retryable: error.is_retryable(), retry_after };
            if cursor.failures >= FAILURES_MIN {
                let detail = format!("{} polls failed in a row, the last one so: {error}", cursor.failures);
                incident = Some(FeedIncident { kind: AlertType::FeedFailing, detail });
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
                    incident = Some(FeedIncident { kind: AlertType::FeedEmpty, detail });
                }
                _ => {
                    cursor.etag = body.etag;
                    cursor.last_modified = body.last_modified;
                    cursor.last_item_count = Some(u32::try_from(parsed.items.len()).unwrap_or(u32::MAX));
                }
            }
            Outcome::Items { items: parsed.items, is_first }
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
        url: fetch::shown(&feed.url),
        outlet: feed.outlet.clone(),
        incident,
    });
    Poll { cursor, outcome, health, next_poll_after, repairs }
}

fn succeed(cursor: &mut FeedCursor, now: Timestamp) {
    cursor.last_success = Some(now);
    cursor.failures = 0;
}
