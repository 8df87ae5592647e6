//! Articles: the link of an entry in, what its page says out; hop by hop as the guard and `robots.txt` permit. Called by the feeds' tasks.
//!
//! A feed is asked for by its user and is fetched without asking; its entries' links are not, and may lead anywhere: every hop takes its
//! turn at its host, passes the guard and asks that host's `robots.txt` first.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use url::Url;

use super::fetch::{Body, BodyKind, FetchError, Fetcher, Hop, without_user};
use super::page_verdict::Unfit;
use super::poll::{PARSE_TIMEOUT, PollError, Poller};
use super::readable;
use super::robots::{DELAY_MAX, Permission, ROBOTS_BYTES_MAX, Robots, Rules, product_of};
use crate::config::{FeedConfig, IntakeConfig};
use crate::guard;
use crate::model::{ADDRESS_BYTES_MAX, Article, shown_address};

/// Bytes of a page, on the wire and decoded: the longest live blogs have two million.
const PAGE_BYTES_MAX: u64 = 3 << 20;
/// What a page may be.
const ACCEPT: &str = "text/html, application/xhtml+xml, text/plain;q=0.5, */*;q=0.1";
/// Redirects followed to a `robots.txt`, as RFC 9309 has it.
const ROBOTS_REDIRECTS_MAX: usize = 5;
/// How many feeds may be at their pages for each fetch at once: they hold what their polls brought meanwhile.
const STAGES_PER_FETCH: usize = 4;
/// How long a host is left alone that is too busy for us and does not say for how long.
const BUSY_TIME: Duration = Duration::from_mins(5);
/// Hosts remembered as busy.
const BUSY_MAX: usize = 1_000;

/// Why the page of an entry is not read, in words for the operator. URLs are given as [`shown_address`] shows them.
#[derive(Debug, thiserror::Error)]
pub enum PageError {
    /// The entry has no link to a page.
    #[error("the entry has no link to a page on the web")]
    NoLink,
    /// The site does not want it.
    #[error("robots.txt of its site keeps us from {url}")]
    Robots {
        /// The address.
        url: String,
    },
    /// Whether the site wants it cannot be known.
    #[error("whether robots.txt of its site permits {url} cannot be known now")]
    RobotsUnknown {
        /// The address.
        url: String,
    },
    /// The host asked to be left alone, or there was no time left, or too much to fetch.
    #[error("its page is left for a later poll")]
    Postponed,
    /// No body came.
    #[error(transparent)]
    Fetch(#[from] FetchError),
    /// What came is no page.
    #[error("{url} is of type {content_type:?}, not a page")]
    ContentType {
        /// The address.
        url: String,
        /// What the server calls it.
        content_type: String,
    },
    /// The page is no article.
    #[error("{url} {}", .unfit.words())]
    Unfit {
        /// The address.
        url: String,
        /// What it is.
        unfit: Unfit,
    },
    /// The page says no more than the feed.
    #[error("its page says no more than the feed")]
    NoFuller,
    /// Reading took too long or panicked: a defect of ours, as its work is bounded.
    #[error("reading {url} failed")]
    Defect {
        /// The address.
        url: String,
    },
}

impl PageError {
    /// Every [`reason`](Self::reason).
    pub const REASONS: [&str; 21] = [
        "no_link",
        "robots",
        "robots_unknown",
        "postponed",
        "refused",
        "transport",
        "timeout",
        "status",
        "too_large",
        "encoding",
        "redirect",
        "content_type",
        "paywall",
        "consent",
        "login",
        "challenge",
        "needs_script",
        "gone",
        "no_article",
        "no_fuller",
        "defect",
    ];

    /// What went wrong in a word, for metrics.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::NoLink => "no_link",
            Self::Robots { .. } => "robots",
            Self::RobotsUnknown { .. } => "robots_unknown",
            Self::Postponed => "postponed",
            Self::Fetch(error) => PollError::reason_of(error),
            Self::ContentType { .. } => "content_type",
            Self::Unfit { unfit, .. } => unfit.as_str(),
            Self::NoFuller => "no_fuller",
            Self::Defect { .. } => "defect",
        }
    }

    /// Whether a later poll may bring the page.
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::RobotsUnknown { .. } | Self::Postponed => true,
            Self::Fetch(error) => error.is_retryable(),
            _ => false,
        }
    }
}

/// What the poller needs for pages.
#[derive(Debug)]
pub(super) struct Pages {
    articles: Fetcher,
    robots_files: Fetcher,
    robots: Robots,
    /// Which of the groups of a `robots.txt` is ours.
    product: String,
    redirects_max: u32,
    stages: Arc<Semaphore>,
    /// Hosts that are too busy for us, and until when.
    busy: Mutex<BTreeMap<String, Instant>>,
}

impl Pages {
    /// With the limits of `config`.
    pub(super) fn new(fetcher: &Fetcher, config: &IntakeConfig) -> Self {
        let robots_file = BodyKind { accept: "text/plain, */*;q=0.1", bytes_max: ROBOTS_BYTES_MAX, is_cut: true };
        Self {
            articles: fetcher.for_kind(BodyKind { accept: ACCEPT, bytes_max: PAGE_BYTES_MAX, is_cut: false }),
            robots_files: fetcher.for_kind(robots_file),
            robots: Robots::default(),
            product: product_of(&config.user_agent).to_owned(),
            redirects_max: config.redirects_max,
            stages: Arc::new(Semaphore::new(config.fetches_max.saturating_mul(STAGES_PER_FETCH).max(1))),
            busy: Mutex::default(),
        }
    }

    fn is_busy(&self, url: &Url) -> bool {
        let busy = self.busy.lock().unwrap_or_else(PoisonError::into_inner);
        url.host_str().and_then(|host| busy.get(host)).is_some_and(|until| Instant::now() < *until)
    }

    /// Remembers a host that said that it is too busy.
    fn note_busy(&self, url: &Url, error: &FetchError) {
        let FetchError::Status { status, retry_after, .. } = error else { return };
        let (429 | 503, Some(host)) = (status.as_u16(), url.host_str()) else { return };
        let now = Instant::now();
        let mut busy = self.busy.lock().unwrap_or_else(PoisonError::into_inner);
        if busy.len() >= BUSY_MAX {
            busy.retain(|_, until| now < *until);
        }
        if let Some(until) = now.checked_add(retry_after.unwrap_or(BUSY_TIME)).filter(|_| busy.len() < BUSY_MAX) {
            busy.insert(host.to_owned(), until);
        }
    }
}

impl Poller {
    /// The right to be at pages with what a poll brought, or nothing where too many feeds are. Held until what the poll brought is durable.
    pub fn page_stage(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.pages.stages).try_acquire_owned().ok()
    }

    /// How long the site of this page asks us to wait before the next one; nothing where it asks for none, or was not asked.
    pub fn page_delay(&self, url: &Url) -> Option<Duration> {
        match self.pages.robots.known(url, Instant::now())? {
            Permission::Rules(rules) => rules.delay,
            Permission::Unknown => None,
        }
    }

    /// The longest such delay that is waited for.
    pub const PAGE_DELAY_MAX: Duration = DELAY_MAX;

    /// The article at `link`, an entry's of `feed`. The feed's credentials are shown to its own scheme, host and port alone, and no more once
    /// a redirect led elsewhere; to a `robots.txt` never. May be dropped.
    ///
    /// # Errors
    /// Anything but an article.
    pub async fn article(&self, feed: &FeedConfig, link: &Url, now: Timestamp) -> Result<Article, PageError> {
        let mut url = link.clone();
        let mut is_at_feed = true;
        for _ in 0..=self.pages.redirects_max {
            let refused = guard::check_url(&url, self.pages.articles.allowed());
            refused.map_err(|refused| FetchError::Refused { url: shown_address(&url), refused })?;
            if self.pages.is_busy(&url) {
                return Err(PageError::Postponed);
            }
            let _turn = self.turn_at(&url, now).await;
            self.permit(&url, now).await?;
            is_at_feed &= url.origin() == feed.url.origin();
            let access = is_at_feed.then_some(&feed.access);
            let answer = self.pages.articles.hop(&url, access, now).await;
            self.answered(&url, answer.as_ref().err());
            match answer {
                Ok(Hop::Redirect(target)) if target.as_str().len() > ADDRESS_BYTES_MAX => {
                    return Err(FetchError::RedirectTarget { url: shown_address(&url) }.into());
                }
                Ok(Hop::Redirect(target)) => url = target,
                Ok(Hop::Body(body)) => return read(*body, link.clone()).await,
                Err(error) => {
                    self.pages.note_busy(&url, &error);
                    return Err(error.into());
                }
            }
        }
        let limit = self.pages.redirects_max;
        Err(FetchError::TooManyRedirects { url: shown_address(link), limit }.into())
    }

    /// Whether `robots.txt` permits a page.
    async fn permit(&self, url: &Url, now: Timestamp) -> Result<(), PageError> {
        let known = self.pages.robots.known(url, Instant::now());
        let permission = match known {
            Some(permission) => permission,
            None => self.ask_robots(url, now).await?,
        };
        match permission {
            Permission::Rules(rules) if rules.allow(url) => Ok(()),
            Permission::Rules(_) => Err(PageError::Robots { url: shown_address(url) }),
            Permission::Unknown => Err(PageError::RobotsUnknown { url: shown_address(url) }),
        }
    }

    /// Asks a site for its `robots.txt`. One that has none permits everything; one whose own cannot be had may have one.
    async fn ask_robots(&self, page: &Url, now: Timestamp) -> Result<Permission, PageError> {
        let mut url = page.clone();
        url.set_path("/robots.txt");
        url.set_query(None);
        url.set_fragment(None);
        let mut found = Ok(None);
        for _ in 0..=ROBOTS_REDIRECTS_MAX {
            match self.pages.robots_files.hop(&url, None, now).await {
                Ok(Hop::Redirect(target)) => url = target,
                Ok(Hop::Body(body)) => {
                    found = Ok(Some(body));
                    break;
                }
                Err(error) => {
                    found = Err(error);
                    break;
                }
            }
        }
        let permission = match found {
            Ok(Some(body)) => Permission::Rules(Arc::new(self.rules(*body).await)),
            // Too many redirects count as no file.
            Ok(None) | Err(FetchError::Denied { .. } | FetchError::RedirectTarget { .. }) => {
                Permission::Rules(Arc::default())
            }
            Err(FetchError::Status { status, .. }) if status.is_client_error() && status.as_u16() != 429 => {
                Permission::Rules(Arc::default())
            }
            // The same guard keeps us from the page.
            Err(error @ FetchError::Refused { .. }) => return Err(error.into()),
            Err(_) => Permission::Unknown,
        };
        self.pages.robots.note(page, &permission, Instant::now());
        Ok(permission)
    }

    async fn rules(&self, body: Body) -> Rules {
        let product = self.pages.product.clone();
        let parse = move || Rules::parse(&String::from_utf8_lossy(&body.bytes), &product);
        tokio::task::spawn_blocking(parse).await.unwrap_or_default()
    }
}

/// The link of an entry to its page: the first that is an address on the web, without user, password and fragment.
pub fn page_link(links: &[String]) -> Option<Url> {
    let mut found =
        links.iter().filter(|link| link.len() <= ADDRESS_BYTES_MAX).filter_map(|link| Url::parse(link).ok());
    let mut url = found.find(|url| matches!(url.scheme(), "http" | "https") && url.has_host())?;
    without_user(&mut url);
    url.set_fragment(None);
    Some(url)
}

/// Reading takes long enough to stall other tasks, so it runs on a blocking thread. That cannot be cancelled: what bounds it are the limits
/// in the reader; the deadline only frees the turn, should one of them fail.
async fn read(body: Body, first: Url) -> Result<Article, PageError> {
    let url = shown_address(&body.url);
    let content_type = body.content_type.clone().unwrap_or_default();
    let kind = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    if !matches!(kind.as_str(), "" | "text/html" | "application/xhtml+xml" | "text/plain") {
        return Err(PageError::ContentType { url, content_type });
    }
    let read = move || readable::read(&body.bytes, body.content_type.as_deref(), &first, &body.url);
    match tokio::time::timeout(PARSE_TIMEOUT, tokio::task::spawn_blocking(read)).await {
        Ok(Ok(Ok(article))) => Ok(article),
        Ok(Ok(Err(unfit))) => Err(PageError::Unfit { url, unfit }),
        Ok(Err(_)) | Err(_) => Err(PageError::Defect { url }),
    }
}
