//! One poll of one feed, from the cursor of the last one to items and the next cursor; called by the app's feed tasks.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use reqwest::StatusCode;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use url::Url;

use super::conclude::{Answer, address_of, conclude};
use super::fetch::{Body, FetchError, Fetched, Fetcher, Notes};
use super::folder::{self, FolderError, Limits};
use super::page::Pages;
use super::parse::{ParseError, ParsedFeed, parse};
use super::recover::Repairs;
use super::schedule::Pace;
use super::sites::{SiteTurn, Sites};
use super::websub::{Hub, Mode, request};
use crate::config::{FeedAccess, FeedConfig, IntakeConfig};
use crate::model::{FeedCursor, FeedHealth, FeedId, Item, Subscription, shown_address};

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
    /// What it says of a hub.
    pub discovery: Discovery,
}

/// What a poll says of a hub that pushes the feed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Discovery {
    /// Nothing: no body came.
    Unknown,
    /// The feed has none.
    None,
    /// This one.
    Hub(Hub),
}

/// What a hub sent, its signature checked.
#[derive(Debug)]
pub struct Pushed {
    /// The body as it came.
    pub bytes: Vec<u8>,
    /// `Content-Type`.
    pub content_type: Option<String>,
    /// `Content-Encoding`.
    pub encoding: String,
    /// Bounds how much of its kind waits; given back when it is durable.
    pub place: OwnedSemaphorePermit,
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
    /// The watched directory cannot be read.
    #[error(transparent)]
    Folder(#[from] FolderError),
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
            Self::Folder(_) => "transport",
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

    /// The status of the answer, where it is what went wrong.
    pub fn status(&self) -> Option<u16> {
        match self {
            Self::Fetch(FetchError::Status { status, .. } | FetchError::Denied { status, .. }) => Some(status.as_u16()),
            _ => None,
        }
    }

    /// Whether the next poll may well succeed.
    pub fn is_retryable(&self) -> bool {
        matches!(self, Self::Fetch(error) if error.is_retryable())
    }

    /// Whether the server says "too many requests".
    pub fn is_rate_limit(&self) -> bool {
        matches!(self, Self::Fetch(FetchError::Status { status, .. }) if *status == StatusCode::TOO_MANY_REQUESTS)
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
    pub(super) pages: Pages,
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
        let fetcher = Fetcher::new(config)?;
        Ok(Self {
            pages: Pages::new(&fetcher, config),
            fetcher,
            fetches: Arc::new(Semaphore::new(config.fetches_max.max(1))),
            sites: Sites::new(config),
            config: config.clone(),
        })
    }

    /// Polls `feed`, whose turn it is.
    pub async fn poll(&self, _turn: &Turn, feed: &FeedConfig, cursor: &FeedCursor, now: Timestamp) -> Poll {
        if feed.url.scheme() == "file" {
            return self.poll_folder(feed, cursor, now).await;
        }
        let address = address_of(feed, cursor);
        let fetched = self.fetcher.fetch(&address, &feed.access, cursor, now).await;
        let size = match &fetched {
            Ok(Fetched::Body(body)) => BodySize { wire: body.wire_bytes, decoded: body.bytes.len() as u64 },
            _ => BodySize::default(),
        };
        let answer = match fetched {
            Ok(Fetched::NotModified(notes)) => Ok(Answer::NotModified(notes)),
            Ok(Fetched::Body(body)) => self.read(body).await.map(Box::new).map(Answer::Body),
            Err(error) => Err(error.into()),
        };
        let limit = answer.as_ref().err().and_then(PollError::limit);
        let site = self.sites.answered(&address, limit);
        let poll = conclude(feed, cursor, now, answer, size, (self.pace(feed), fastrand::f64()));
        Poll { site, is_limited: limit.is_some(), ..poll }
    }

    /// Notes how a site answered that was asked for a page.
    pub(super) fn answered(&self, url: &Url, error: Option<&FetchError>) {
        let limit = error.filter(|error| error.is_limit()).map(|error| error.retry_after().unwrap_or_default());
        self.sites.answered(url, limit);
    }

    /// As [`turn`](Self::turn), for a page of an article.
    pub(super) async fn turn_at(&self, url: &Url, due: Timestamp) -> Turn {
        let site = self.sites.turn(url, due).await;
        Turn { _site: site, _permit: Arc::clone(&self.fetches).acquire_owned().await.ok() }
    }

    fn pace(&self, feed: &FeedConfig) -> Pace {
        Pace {
            shortest: feed.poll_interval,
            longest: feed.poll_interval_max,
            jitter: self.config.jitter,
            backoff_max: self.config.backoff_max,
        }
    }

    /// Polls a watched directory.
    async fn poll_folder(&self, feed: &FeedConfig, cursor: &FeedCursor, now: Timestamp) -> Poll {
        let limits = Limits { bytes_max: self.config.body_bytes_max, entries_max: self.config.entries_max };
        let (id, url, known) = (feed.id.clone(), feed.url.clone(), cursor.files.clone());
        let found = tokio::task::spawn_blocking(move || {
            let path = url.to_file_path().map_err(|()| FolderError::NoPath(url.to_string()))?;
            folder::read(&id, &path, &known, limits, now)
        });
        // To look into a directory costs nobody anything.
        let pace = self.pace(feed);
        let spread = (Pace { longest: pace.shortest, ..pace }, fastrand::f64());
        let unread = Ok(Answer::NotModified(Notes::default()));
        let found = match found.await.map_err(PollError::Task).and_then(|found| Ok(found?)) {
            Ok(found) => found,
            Err(error) => return conclude(feed, cursor, now, Err(error), BodySize::default(), spread),
        };
        let is_first_pass = !cursor.files.is_caught_up;
        let mut poll = conclude(feed, cursor, now, unread, BodySize::default(), spread);
        poll.repairs = found.repairs;
        poll.size = BodySize { wire: found.bytes, decoded: found.bytes };
        if found.has_more {
            poll.next_poll_after = Duration::ZERO;
        } else if !found.files.waiting.is_empty() {
            poll.next_poll_after = poll.next_poll_after.min(folder::SETTLED_AFTER.unsigned_abs());
        }
        poll.cursor.next_poll = now.saturating_add(poll.next_poll_after).ok();
        poll.cursor.files = found.files;
        if found.bytes > 0 {
            poll.cursor.last_body = Some(now);
            poll.cursor.last_item_count = Some(u32::try_from(found.items.len()).unwrap_or(u32::MAX));
            // Until the last of the files that were there at first is read, they are all what was there before.
            let read_before = cursor.last_success.filter(|_| !is_first_pass);
            poll.outcome = Outcome::Items { items: found.items, read_before };
        }
        poll
    }

    /// Reads what a hub pushed, as a poll's body is read; nothing of the cursor moves, as the feed carries more than that.
    pub async fn read_pushed(&self, feed: &FeedConfig, cursor: &FeedCursor, pushed: &mut Pushed) -> Poll {
        let bytes = std::mem::take(&mut pushed.bytes);
        let wire_bytes = bytes.len() as u64;
        let read = match self.fetcher.decode(&feed.url, pushed.encoding.clone(), bytes).await {
            Ok(bytes) => {
                let size = BodySize { wire: wire_bytes, decoded: bytes.len() as u64 };
                let content_type = pushed.content_type.take();
                let (url, links) = (feed.url.clone(), Box::default());
                let (etag, last_modified, notes) = (None, None, Notes::default());
                let body = Body { bytes, wire_bytes, content_type, url, etag, last_modified, links, notes };
                self.read(body).await.map(|(_, parsed)| (parsed, size))
            }
            Err(error) => Err(error.into()),
        };
        let (outcome, repairs, size) = match read {
            Ok((parsed, size)) => {
                let outcome = Outcome::Items { items: parsed.items, read_before: cursor.last_success };
                (outcome, parsed.repairs, size)
            }
            Err(error) => (Outcome::Failed(error), Repairs::default(), BodySize::default()),
        };
        Poll {
            cursor: cursor.clone(),
            outcome,
            health: None,
            next_poll_after: feed.poll_interval,
            is_new: true,
            repairs,
            size,
            site: String::new(),
            is_limited: false,
            discovery: Discovery::Unknown,
        }
    }

    /// Fetches what is no feed, such as a list of feeds or a web page, conditionally where validators are given.
    ///
    /// # Errors
    /// As of a feed.
    pub async fn fetch_page(
        &self,
        url: &Url,
        etag: Option<String>,
        last_modified: Option<String>,
        now: Timestamp,
    ) -> Result<Fetched, FetchError> {
        let cursor = FeedCursor { etag, last_modified, ..FeedCursor::new(FeedId::new("")) };
        self.fetcher.fetch(url, &FeedAccess::default(), &cursor, now).await
    }

    /// Asks a feed's hub.
    ///
    /// # Errors
    /// When it does not take the request; in words for the operator.
    pub async fn ask_hub(&self, subscription: &Subscription, mode: Mode, now: Timestamp) -> Result<(), FetchError> {
        let wrong = || FetchError::RedirectTarget { url: String::new() };
        let hub = Url::parse(&subscription.hub).map_err(|_| wrong())?;
        self.fetcher.post_form(&hub, request(subscription, mode), now).await
    }

    /// How long the feed's site rests, whoever waits for it: the rest of the gap behind its last fetch, or of the pause that it asked for.
    pub fn rest(&self, feed: &FeedConfig, cursor: &FeedCursor) -> Duration {
        self.sites.rest(&address_of(feed, cursor))
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
