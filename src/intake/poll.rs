//! One poll of one feed, from the cursor of the last one to items and the next cursor; called by the app's feed tasks.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::conclude::{Answer, address_of, conclude};
use super::fetch::{Body, FetchError, Fetched, Fetcher};
use super::parse::{ParseError, parse};
use super::recover::Repairs;
use super::schedule::Pace;
use super::sites::{SiteTurn, Sites};
use crate::config::{FeedConfig, IntakeConfig};
use crate::model::{FeedCursor, FeedHealth, Item, shown_address};

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
    /// When to poll again; the cursor says why.
    pub next_poll_after: Duration,
    /// It brought something that the feed did not have before.
    pub is_new: bool,
    /// What had to be repaired in the body.
    pub repairs: Repairs,
    /// How much came, of bodies that came whole.
    pub size: BodySize,
    /// The site that was asked: a registrable domain, or what the config calls one.
    pub site: String,
    /// It said that it is asked too often.
    pub is_limited: bool,
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
            Self::Fetch(error) => match error {
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
            },
            Self::Parse { source: ParseError::Panicked(_), .. } | Self::TooSlow { .. } | Self::Task(_) => "defect",
            Self::Parse { .. } => "no_feed",
        }
    }

    /// Whether the next poll may well succeed.
    pub fn is_retryable(&self) -> bool {
        matches!(self, Self::Fetch(error) if error.is_retryable())
    }

    /// How long the server asks to be left alone, where it says that it is asked too often.
    fn limit(&self) -> Option<Duration> {
        match self {
            Self::Fetch(error) if error.is_limit() => Some(error.retry_after().unwrap_or_default()),
            _ => None,
        }
    }
}

/// Polls feeds, a limited number at once and fewer of one host.
#[derive(Debug)]
pub struct Poller {
    fetcher: Fetcher,
    config: IntakeConfig,
    fetches: Arc<Semaphore>,
    sites: Arc<Sites>,
}

/// The right to poll, held until dropped. Held until what the poll brought is durable, it bounds the memory: no more
/// bodies than `fetches_max` are on their way at once, however slow the desk is.
#[derive(Debug)]
pub struct Turn {
    _site: SiteTurn,
    _permit: Option<OwnedSemaphorePermit>,
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
            sites: Sites::new(config),
            config: config.clone(),
        })
    }

    /// Polls `feed`, whose turn it is.
    pub async fn poll(&self, _turn: &Turn, feed: &FeedConfig, cursor: &FeedCursor, now: Timestamp) -> Poll {
        let address = address_of(feed, cursor);
        let fetched = self.fetcher.fetch(&address, &feed.access, cursor, now).await;
        let size = match &fetched {
            Ok(Fetched::Body(body)) => BodySize { wire: body.wire_bytes, decoded: body.bytes.len() as u64 },
            _ => BodySize::default(),
        };
        let answer = match fetched {
            Ok(Fetched::NotModified(notes)) => Ok(Answer::NotModified(notes)),
            Ok(Fetched::Body(body)) => self.read(body).await,
            Err(error) => Err(error.into()),
        };
        let limit = answer.as_ref().err().and_then(PollError::limit);
        let site = self.sites.answered(&address, limit);
        let pace = Pace {
            shortest: feed.poll_interval,
            longest: feed.poll_interval_max,
            jitter: self.config.jitter,
            backoff_max: self.config.backoff_max,
        };
        let poll = conclude(feed, cursor, now, answer, size, (pace, fastrand::f64()));
        Poll { site, is_limited: limit.is_some(), ..poll }
    }

    /// Waits for the feed's turn at its site first, so that a slow site holds up only its own feeds; of those that wait for one site the
    /// one that was due first comes first. May be dropped.
    pub async fn turn(&self, feed: &FeedConfig, cursor: &FeedCursor, due: Timestamp) -> Turn {
        let site = self.sites.turn(&address_of(feed, cursor), due).await;
        // A semaphore that is closed would give no permit; this one never is.
        Turn { _site: site, _permit: Arc::clone(&self.fetches).acquire_owned().await.ok() }
    }

    /// Parsing takes long enough to stall other tasks, so it runs on a blocking thread. That cannot be cancelled: what
    /// bounds it are the limits in the parser; the deadline only frees the feed's turn, should one of them fail.
    async fn read(&self, mut body: Body) -> Result<Answer, PollError> {
        let entries_max = self.config.entries_max;
        let bytes = std::mem::take(&mut body.bytes);
        let (content_type, base) = (body.content_type.clone(), body.url.clone());
        let parsed =
            tokio::task::spawn_blocking(move || parse(&bytes, content_type.as_deref(), Some(&base), entries_max));
        let Ok(parsed) = tokio::time::timeout(PARSE_TIMEOUT, parsed).await else {
            return Err(PollError::TooSlow { url: shown_address(&body.url) });
        };
        match parsed? {
            Ok(feed) => Ok(Answer::Body(Box::new((body, feed)))),
            Err(source) => Err(PollError::Parse { url: shown_address(&body.url), source }),
        }
    }
}
