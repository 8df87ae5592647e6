//! Fetches one feed over HTTP: a conditional GET with its own redirect loop, guarded, capped and under one deadline.

use std::sync::Arc;
use std::time::Duration;

use ipnet::IpNet;
use jiff::Timestamp;
use reqwest::header::{self, HeaderMap, HeaderName, HeaderValue};
use reqwest::{Client, ClientBuilder, Response, StatusCode};
use url::Url;

use super::cookies::Jars;
use super::decompress::{self, ACCEPT_ENCODING, DecompressError};
use super::schedule::Freshness;
use super::websub::{HubLinks, links_in_headers};
use crate::config::{FeedAccess, IntakeConfig};
use crate::guard::{self, GuardedResolver, Refused};
use crate::http;
use crate::model::{AddressHash, FeedCursor, FeedId, shown_address};

/// What a feed may be; some servers answer 406 without.
const ACCEPT: &str = "application/rss+xml, application/atom+xml, application/feed+json, application/rdf+xml, \
                      application/xml;q=0.9, text/xml;q=0.9, application/json;q=0.8, */*;q=0.1";
/// How a hub is asked.
const FORM: &str = "application/x-www-form-urlencoded";
/// Longest `ETag` or `Last-Modified` that is kept; a longer one is no validator but an attack.
const VALIDATOR_BYTES_MAX: usize = 1024;
/// How long a host is left alone whose quota is used up and that does not say until when.
const USED_UP: Duration = Duration::from_mins(15);
/// How long an idle connection is kept, up to twice of it: polls are minutes apart, redirects and sibling feeds a second. One that nobody
/// will use costs 13 KiB here and a place at its server.
const IDLE_TIMEOUT: Duration = Duration::from_secs(2);

/// Why a feed could not be fetched, in words for the operator. URLs are given as [`shown_address`] shows them.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// The HTTP client could not be set up.
    #[error("cannot set up the HTTP client: {}", chain(.0))]
    Setup(reqwest::Error),
    /// The address, or one that it redirects to, must not be fetched.
    #[error("refused to fetch {url}: {refused}")]
    Refused {
        /// The address.
        url: String,
        /// Why.
        refused: Refused,
    },
    /// No connection, a broken one, or one that ended in mid-body.
    #[error("cannot fetch {url}: {}", chain(.source))]
    Transport {
        /// The address.
        url: String,
        /// What went wrong.
        source: reqwest::Error,
    },
    /// The whole fetch took too long.
    #[error("fetching {url} took longer than {} s", .limit.as_secs_f64())]
    Timeout {
        /// The feed's address.
        url: String,
        /// Time permitted.
        limit: Duration,
    },
    /// The server says no.
    #[error("{url} answers {status}")]
    Status {
        /// The address.
        url: String,
        /// Its answer.
        status: StatusCode,
        /// How long it asks to be left alone.
        retry_after: Option<Duration>,
    },
    /// The server lets nobody in whom it does not know, or not us.
    #[error("{url} answers {status}: {}", .shown.denial(.status.as_u16()))]
    Denied {
        /// The address.
        url: String,
        /// Its answer: 401 or 403.
        status: StatusCode,
        /// Whether it was shown credentials.
        shown: Shown,
        /// How long it asks to be left alone, where it refuses because it was asked too often.
        retry_after: Option<Duration>,
    },
    /// More bytes on the wire than permitted.
    #[error("the body of {url} is over {limit} bytes")]
    TooLarge {
        /// The address.
        url: String,
        /// Bytes permitted.
        limit: u64,
    },
    /// The body cannot be decoded.
    #[error("cannot decode the body of {url}: {source}")]
    Decompress {
        /// The address.
        url: String,
        /// Why.
        source: DecompressError,
    },
    /// A redirect without a target, or to something that is no address.
    #[error("{url} redirects to no valid address")]
    RedirectTarget {
        /// The address that redirects.
        url: String,
    },
    /// A redirect back to where it came from.
    #[error("{url} redirects in a loop")]
    RedirectLoop {
        /// The feed's address.
        url: String,
    },
    /// More redirects than permitted.
    #[error("{url} redirects more than {limit} times")]
    TooManyRedirects {
        /// The feed's address.
        url: String,
        /// Redirects permitted.
        limit: u32,
    },
    /// Decoding died: a defect of a decoder, not of the feed's server.
    #[error("decoding the body of {url} failed: {source}")]
    Decoder {
        /// The address.
        url: String,
        /// What became of the task.
        source: tokio::task::JoinError,
    },
}

impl FetchError {
    /// Whether the same request may well succeed soon: the trouble is the network's or a busy server's.
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Transport { .. } | Self::Timeout { .. } => true,
            Self::Status { status, .. } => status.is_server_error() || matches!(status.as_u16(), 408 | 425 | 429),
            _ => false,
        }
    }

    /// How long the server asks to be left alone (429, 503, and 403 of one that limits so), at most a day.
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Status { retry_after, .. } | Self::Denied { retry_after, .. } => *retry_after,
            _ => None,
        }
    }

    /// Whether the server says that it is asked too often. A 503 that does not say until when is trouble of what was asked for, which
    /// the site's other feeds need not share.
    pub fn is_limit(&self) -> bool {
        match self {
            Self::Status { status, retry_after, .. } => {
                *status == StatusCode::TOO_MANY_REQUESTS
                    || (*status == StatusCode::SERVICE_UNAVAILABLE && retry_after.is_some())
            }
            Self::Denied { retry_after, .. } => retry_after.is_some(),
            _ => false,
        }
    }

    /// Whether the server says that the feed is gone for good.
    pub fn is_gone(&self) -> bool {
        matches!(self, Self::Status { status, .. } if *status == StatusCode::GONE)
    }

    /// Whether the trouble, should it go on for days, means that there is no feed any more: nothing at the address, or no such host.
    pub fn is_absence(&self) -> bool {
        match self {
            Self::Status { status, .. } => status.is_client_error() && !self.is_limit() && !self.is_retryable(),
            Self::Transport { source, .. } => is_unknown_host(source),
            Self::RedirectTarget { .. } | Self::RedirectLoop { .. } | Self::TooManyRedirects { .. } => true,
            _ => false,
        }
    }
}

/// Whether the resolver knows no such host. It tells so in words alone, those of the C library; that it could not ask is told in others.
fn is_unknown_host(error: &reqwest::Error) -> bool {
    let text = chain(error).to_ascii_lowercase();
    [
        "name or service not known",
        "no address associated",
        "nodename nor servname",
        "name does not resolve",
        "no such host",
    ]
    .iter()
    .any(|words| text.contains(words))
}

/// Whether a server was shown credentials.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shown {
    /// There are none in the config.
    None,
    /// It was shown those of the feed.
    All,
    /// It is another than the feed's own, to which a redirect led, and was shown none.
    Withheld,
}

impl Shown {
    /// What an answer of 401 or 403 says, in words.
    fn denial(self, status: u16) -> &'static str {
        match (status == 401, self) {
            (true, Self::None) => "the feed wants credentials, and its [[feed]] has none",
            (true, Self::All) => "the feed does not know the credentials of its [[feed]], or wants others",
            (false, Self::None) => "the server refuses us; some want credentials, and the [[feed]] has none",
            (false, Self::All) => "the credentials of the [[feed]] do not give access to this",
            (_, Self::Withheld) => {
                "the feed redirects to another server, which is not shown the credentials of the [[feed]]: if it is to have them, \
             its address is the url to give"
            }
        }
    }
}

/// What a fetch brought.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fetched {
    /// The server says that nothing changed.
    NotModified(Notes),
    /// A body.
    Body(Body),
}

/// What an answer says beside its body.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Notes {
    /// How long it stays fresh.
    pub fresh: Freshness,
    /// Where the address leads by redirects that are permanent, one after the other from the first.
    pub moved_to: Option<Url>,
}

/// A decoded body with what the server says about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Body {
    /// The bytes, content encodings undone.
    pub bytes: Vec<u8>,
    /// Bytes on the wire, before that.
    pub wire_bytes: u64,
    /// `Content-Type`.
    pub content_type: Option<String>,
    /// Where it came from in the end.
    pub url: Url,
    /// `ETag`.
    pub etag: Option<String>,
    /// `Last-Modified`.
    pub last_modified: Option<String>,
    /// The hub that the headers name.
    pub links: Box<HubLinks>,
    /// What else the answer says.
    pub notes: Notes,
}

/// What one request brought.
#[derive(Debug)]
pub(super) enum Hop {
    /// A body.
    Body(Box<Body>),
    /// Another address to ask.
    Redirect(Url),
}

/// Fetches feeds. Cheap to clone; clones share their connections.
#[derive(Debug, Clone)]
pub struct Fetcher {
    client: Client,
    jars: Jars,
    has_proxy: bool,
    allow: Arc<[IpNet]>,
    timeout: Duration,
    redirects_max: u32,
    body_bytes_max: u64,
    decoded_bytes_max: u64,
    kind: Option<BodyKind>,
}

/// What is asked for where that is no feed.
#[derive(Debug, Clone, Copy)]
pub(super) struct BodyKind {
    /// Sent as `Accept`.
    pub(super) accept: &'static str,
    /// Bytes of it, on the wire and decoded.
    pub(super) bytes_max: u64,
    /// A longer one is cut rather than refused, for which it must come uncompressed.
    pub(super) is_cut: bool,
}

impl Fetcher {
    /// A fetcher with the limits of `config`.
    ///
    /// # Errors
    /// When the HTTP client cannot be set up.
    pub fn new(config: &IntakeConfig) -> Result<Self, FetchError> {
        let allow: Arc<[IpNet]> = config.allow_networks.clone().into();
        Ok(Self {
            client: client(config, &allow)?,
            jars: Jars::default(),
            has_proxy: config.proxy.is_some(),
            allow,
            timeout: config.fetch_timeout,
            redirects_max: config.redirects_max,
            body_bytes_max: config.body_bytes_max,
            decoded_bytes_max: config.decoded_bytes_max,
            kind: None,
        })
    }

    /// A fetcher for bodies of another kind, over the same connections and behind the same guard.
    pub(super) fn for_kind(&self, kind: BodyKind) -> Self {
        let (body_bytes_max, decoded_bytes_max) =
            (self.body_bytes_max.min(kind.bytes_max), self.decoded_bytes_max.min(kind.bytes_max));
        Self { body_bytes_max, decoded_bytes_max, kind: Some(kind), ..self.clone() }
    }

    /// The networks that may be fetched from although they are special.
    pub(super) fn allowed(&self) -> &[IpNet] {
        &self.allow
    }

    /// Asks once, unconditionally, and follows no redirect: who calls judges each hop.
    ///
    /// # Errors
    /// Anything but a body within the limits or a redirect.
    pub(super) async fn hop(&self, url: &Url, access: Option<&FeedAccess>, now: Timestamp) -> Result<Hop, FetchError> {
        let ask = async {
            let response = self.request(url, access, None, (&FeedId::new(""), HeaderMap::new())).await?;
            let status = response.status();
            if status.is_success() {
                return self.read(url.clone(), response, Notes::default()).await.map(Box::new).map(Hop::Body);
            }
            if matches!(status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) {
                let shown = if access.is_some() { Shown::All } else { Shown::None };
                let retry_after = retry_after(status, response.headers(), now);
                return Err(FetchError::Denied { url: shown_address(url), status, shown, retry_after });
            }
            if !matches!(status.as_u16(), 301 | 302 | 303 | 307 | 308) {
                let retry_after = retry_after(status, response.headers(), now);
                return Err(FetchError::Status { url: shown_address(url), status, retry_after });
            }
            let mut target = redirect_target(url, response.headers())?;
            without_user(&mut target);
            Ok(Hop::Redirect(target))
        };
        match tokio::time::timeout(self.timeout, ask).await {
            Ok(outcome) => outcome,
            Err(_) => Err(FetchError::Timeout { url: shown_address(url), limit: self.timeout }),
        }
    }

    /// Fetches `url`, conditionally where `cursor` has validators, with `access` for its own scheme, host and port alone. `now` serves
    /// to read a date in `Retry-After`.
    ///
    /// # Errors
    /// Anything but a body or "not modified" within the limits.
    pub async fn fetch(
        &self,
        url: &Url,
        access: &FeedAccess,
        cursor: &FeedCursor,
        now: Timestamp,
    ) -> Result<Fetched, FetchError> {
        match tokio::time::timeout(self.timeout, self.follow(url, access, cursor, now)).await {
            Ok(outcome) => outcome,
            Err(_) => Err(FetchError::Timeout { url: shown_address(url), limit: self.timeout }),
        }
    }

    async fn follow(
        &self,
        start: &Url,
        access: &FeedAccess,
        cursor: &FeedCursor,
        now: Timestamp,
    ) -> Result<Fetched, FetchError> {
        let mut visited = vec![start.clone()];
        let mut url = start.clone();
        let has_credentials = !access.is_empty() || has_user(start);
        let mut shown = if has_credentials { Shown::All } else { Shown::None };
        let mut permanent = Permanent::default();
        loop {
            let own = (shown == Shown::All).then_some(access);
            let jar = access.takes_cookies().then_some(&self.jars);
            let validators = validators(cursor, &url);
            let is_conditional = !validators.is_empty();
            let response = self.request(&url, own, jar, (&cursor.feed, validators)).await?;
            if let Some(jar) = jar {
                jar.take(&cursor.feed, &url, response.headers());
            }
            let status = response.status();
            // A part that was not asked for is no feed, and what is missing of it would never be asked for again.
            if status.is_success() && status != StatusCode::PARTIAL_CONTENT {
                let notes = Notes { fresh: freshness(response.headers(), now), moved_to: permanent.end() };
                return self.read(url, response, notes).await.map(Fetched::Body);
            }
            if status == StatusCode::NOT_MODIFIED && is_conditional {
                let notes = Notes { fresh: freshness(response.headers(), now), moved_to: permanent.end() };
                return Ok(Fetched::NotModified(notes));
            }
            if matches!(status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) {
                let retry_after = retry_after(status, response.headers(), now);
                return Err(FetchError::Denied { url: shown_address(&url), status, shown, retry_after });
            }
            if !matches!(status.as_u16(), 301 | 302 | 303 | 307 | 308) {
                let retry_after = retry_after(status, response.headers(), now);
                return Err(FetchError::Status { url: shown_address(&url), status, retry_after });
            }
            url = redirect_target(&url, response.headers())?;
            permanent.follow(status, &url);
            // For good: what another server redirects to is its choice, even where that is the feed's own.
            if url.origin() != start.origin() && has_credentials {
                shown = Shown::Withheld;
            }
            if shown == Shown::Withheld {
                without_user(&mut url);
            }
            if visited.contains(&url) {
                return Err(FetchError::RedirectLoop { url: shown_address(start) });
            }
            if visited.len() > self.redirects_max as usize {
                return Err(FetchError::TooManyRedirects { url: shown_address(start), limit: self.redirects_max });
            }
            visited.push(url.clone());
        }
    }

    async fn request(
        &self,
        url: &Url,
        access: Option<&FeedAccess>,
        jar: Option<&Jars>,
        (feed, validators): (&FeedId, HeaderMap),
    ) -> Result<Response, FetchError> {
        self.check(url).await?;
        let mut request = self.client.get(url.clone());
        if let Some(kind) = self.kind {
            request = request.header(header::ACCEPT, kind.accept);
            if kind.is_cut {
                request = request.header(header::ACCEPT_ENCODING, "identity");
            }
        }
        if let Some(cookies) = jar.and_then(|jar| jar.header(feed, url)) {
            request = request.header(header::COOKIE, cookies);
        }
        if let Some(access) = access {
            request = request.headers(access.headers().clone());
        }
        request.headers(validators).send().await.map_err(|error| transport(url, error))
    }

    /// Whether the guard lets an address through. A proxy resolves names itself, so they are looked up here for the guard alone.
    async fn check(&self, url: &Url) -> Result<(), FetchError> {
        let mut checked = guard::check_url(url, &self.allow);
        if self.has_proxy && checked.is_ok() {
            checked = guard::check_name(url, &self.allow).await;
        }
        checked.map_err(|refused| FetchError::Refused { url: shown_address(url), refused })
    }

    async fn read(&self, url: Url, mut response: Response, notes: Notes) -> Result<Body, FetchError> {
        let limit = self.body_bytes_max;
        let mut bytes = Vec::new();
        let is_cut = self.kind.is_some_and(|kind| kind.is_cut);
        let mut is_too_large = !is_cut && response.content_length().is_some_and(|length| length > limit);
        while !is_too_large {
            let Some(chunk) = response.chunk().await.map_err(|error| transport(&url, error))? else { break };
            is_too_large = (bytes.len() + chunk.len()) as u64 > limit;
            bytes.extend_from_slice(&chunk);
        }
        if is_too_large && is_cut {
            bytes.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
        } else if is_too_large {
            return Err(FetchError::TooLarge { url: shown_address(&url), limit });
        }
        let headers = response.headers();
        let encodings: Vec<String> = headers
            .get_all(header::CONTENT_ENCODING)
            .iter()
            .map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())
            .collect();
        let content_type = text_of(headers, &header::CONTENT_TYPE);
        let etag = text_of(headers, &header::ETAG);
        let last_modified = text_of(headers, &header::LAST_MODIFIED);
        let links = Box::new(links_in_headers(headers));
        let wire_bytes = bytes.len() as u64;
        let bytes = self.decode(&url, encodings.join(","), bytes).await?;
        Ok(Body { bytes, wire_bytes, content_type, url, etag, last_modified, links, notes })
    }

    /// Posts a form to a hub, and again where it redirects with the method kept (307 and 308), each hop guarded; the answer's body is not
    /// read.
    ///
    /// # Errors
    /// Anything but a success within the limits. `now` serves to read a date in `Retry-After`.
    pub async fn post_form(&self, url: &Url, form: String, now: Timestamp) -> Result<(), FetchError> {
        let post = async {
            let mut target = url.clone();
            for _ in 0..=self.redirects_max {
                self.check(&target).await?;
                let request = self.client.post(target.clone()).header(header::CONTENT_TYPE, FORM).body(form.clone());
                let response = request.send().await.map_err(|error| transport(&target, error))?;
                let status = response.status();
                if status.is_success() {
                    return Ok(());
                }
                if !matches!(status.as_u16(), 307 | 308) {
                    let retry_after = retry_after(status, response.headers(), now);
                    return Err(FetchError::Status { url: shown_address(&target), status, retry_after });
                }
                target = redirect_target(&target, response.headers())?;
            }
            Err(FetchError::TooManyRedirects { url: shown_address(url), limit: self.redirects_max })
        };
        match tokio::time::timeout(self.timeout, post).await {
            Ok(outcome) => outcome,
            Err(_) => Err(FetchError::Timeout { url: shown_address(url), limit: self.timeout }),
        }
    }

    /// Decoding takes long enough to stall other tasks, so it runs on a blocking thread; what came plain needs none.
    pub(super) async fn decode(&self, url: &Url, encodings: String, bytes: Vec<u8>) -> Result<Vec<u8>, FetchError> {
        let limit = self.decoded_bytes_max;
        let is_plain = encodings.is_empty();
        let decode = move || decompress::decompress(&encodings, bytes, limit);
        let decoded = if is_plain { Ok(decode()) } else { tokio::task::spawn_blocking(decode).await };
        decoded
            .map_err(|source| FetchError::Decoder { url: shown_address(url), source })?
            .map_err(|source| FetchError::Decompress { url: shown_address(url), source })
    }
}

fn client(config: &IntakeConfig, allow: &Arc<[IpNet]>) -> Result<Client, FetchError> {
    if rustls::crypto::CryptoProvider::get_default().is_none() {
        // Fails only when another thread was quicker, which is as good.
        rustls::crypto::ring::default_provider().install_default().ok();
    }
    match builder(config, allow).and_then(ClientBuilder::build) {
        Ok(client) => Ok(client),
        // A machine without CA certificates can still read feeds over http.
        Err(error) => {
            let without = builder(config, allow).map_err(FetchError::Setup)?.tls_certs_only([]);
            let client = without.build().map_err(FetchError::Setup)?;
            tracing::warn!(error = chain(&error), "no CA certificates, feeds over https will fail");
            Ok(client)
        }
    }
}

fn builder(config: &IntakeConfig, allow: &Arc<[IpNet]>) -> Result<ClientBuilder, reqwest::Error> {
    let mut headers = HeaderMap::new();
    headers.insert(header::ACCEPT, HeaderValue::from_static(ACCEPT));
    headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_static(ACCEPT_ENCODING));
    let trusted = config.proxy.as_ref().and_then(|proxy| proxy.0.host_str()).map(str::to_owned);
    let builder = Client::builder()
        .user_agent(user_agent(config))
        .default_headers(headers)
        .redirect(reqwest::redirect::Policy::none())
        .referer(false)
        // A proxy from the environment would resolve names itself, past the guard; one of the config was meant so.
        .no_proxy()
        .dns_resolver(GuardedResolver::new(Arc::clone(allow)).trusting(trusted))
        .connect_timeout(config.connect_timeout)
        .pool_idle_timeout(IDLE_TIMEOUT)
        .pool_max_idle_per_host(config.fetches_per_host_max);
    match &config.proxy {
        Some(proxy) => Ok(builder.proxy(reqwest::Proxy::all(proxy.0.clone())?)),
        None => Ok(builder),
    }
}

/// What makes a request of `url` conditional: the validators of `cursor`, as they came, where they came from that address. To another one
/// they mean nothing; one that happens to know the same `ETag` would answer "not modified" to what was never read.
fn validators(cursor: &FeedCursor, url: &Url) -> HeaderMap {
    let mut headers = HeaderMap::new();
    if cursor.validators_of.is_some_and(|of| of != AddressHash::of(&[url.as_str().as_bytes()])) {
        return headers;
    }
    for (name, validator) in [(header::IF_NONE_MATCH, &cursor.etag), (header::IF_MODIFIED_SINCE, &cursor.last_modified)]
    {
        if let Some(value) = validator.as_deref().and_then(|text| HeaderValue::from_str(text).ok()) {
            headers.insert(name, value);
        }
    }
    headers
}

/// The program with how its operator can be reached, in the form that crawlers use.
fn user_agent(config: &IntakeConfig) -> String {
    match &config.contact {
        Some(contact) => format!("{} (+{contact})", config.user_agent),
        None => config.user_agent.clone(),
    }
}

/// Where a redirect leads. User and password stay with the host that they were given for.
fn redirect_target(from: &Url, headers: &HeaderMap) -> Result<Url, FetchError> {
    let location = headers.get(header::LOCATION).map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
    let Some(mut target) = location.and_then(|location| from.join(location.trim()).ok()) else {
        return Err(FetchError::RedirectTarget { url: shown_address(from) });
    };
    if target.origin() != from.origin() {
        without_user(&mut target);
    }
    target.set_fragment(None);
    Ok(target)
}

fn has_user(url: &Url) -> bool {
    !url.username().is_empty() || url.password().is_some()
}

/// Neither call can fail for a URL that has a host; one without is refused by the guard.
pub(super) fn without_user(url: &mut Url) {
    url.set_username("").ok();
    url.set_password(None).ok();
}

/// The permanent redirects with which a fetch began. What comes after a temporary one is for today alone.
#[derive(Debug, Default)]
struct Permanent {
    end: Option<Url>,
    is_over: bool,
}

impl Permanent {
    fn follow(&mut self, status: StatusCode, target: &Url) {
        self.is_over |= !matches!(status, StatusCode::MOVED_PERMANENTLY | StatusCode::PERMANENT_REDIRECT);
        if !self.is_over {
            self.end = Some(target.clone());
        }
    }

    fn end(self) -> Option<Url> {
        self.end
    }
}

/// `Retry-After` of 429 and 503, as seconds or as a date, at most a day. Some hosts say 403 to whom they would else say 429: one that
/// says when to come back, or that nothing is left of a quota, is no matter of credentials.
fn retry_after(status: StatusCode, headers: &HeaderMap, now: Timestamp) -> Option<Duration> {
    let text = |name: &str| headers.get(name)?.to_str().ok().map(str::trim);
    let stated = || http::retry_after(text("retry-after")?, now);
    match status {
        StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => stated(),
        StatusCode::FORBIDDEN => stated().or_else(|| {
            let is_used_up = ["x-ratelimit-remaining", "ratelimit-remaining"]
                .iter()
                .any(|name| text(name).is_some_and(|left| left.parse::<f64>().is_ok_and(|left| left < 1.0)));
            is_used_up.then_some(USED_UP)
        }),
        _ => None,
    }
}

/// How long an answer stays fresh. What forbids to keep it says nothing about how often it may be asked for.
fn freshness(headers: &HeaderMap, now: Timestamp) -> Freshness {
    let text = |name: HeaderName| headers.get(name)?.to_str().ok();
    let seconds = |text: &str| {
        let text = text.trim().trim_matches('"');
        (!text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())).then(|| text.parse().unwrap_or(u64::MAX))
    };
    let directives: Vec<&str> = headers
        .get_all(header::CACHE_CONTROL)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(str::trim)
        .collect();
    let is_kept =
        !directives.iter().any(|one| one.eq_ignore_ascii_case("no-store") || one.eq_ignore_ascii_case("no-cache"));
    let max_age = directives
        .iter()
        .filter_map(|one| one.split_once('='))
        .find_map(|(name, value)| name.trim().eq_ignore_ascii_case("max-age").then(|| seconds(value)).flatten());
    let age = text(header::AGE).and_then(seconds).unwrap_or_default();
    let expires = || {
        let until = |name| http::date(text(name)?);
        let date = until(header::DATE).unwrap_or_else(|| http::utc(now));
        Duration::try_from(until(header::EXPIRES)?.duration_since(date)).ok()
    };
    Freshness {
        max_age: max_age.filter(|_| is_kept).map(|seconds| Duration::from_secs(seconds.saturating_sub(age))),
        expires: if is_kept && max_age.is_none() { expires() } else { None },
    }
}

/// A header as text, unless it is absurdly long or no text.
fn text_of(headers: &HeaderMap, name: &HeaderName) -> Option<String> {
    let text = headers.get(name)?.to_str().ok()?;
    (!text.is_empty() && text.len() <= VALIDATOR_BYTES_MAX).then(|| text.to_owned())
}

/// A guard's refusal comes wrapped in the client's errors; it is taken out again, as nothing was wrong with the network.
fn transport(url: &Url, error: reqwest::Error) -> FetchError {
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(&error);
    while let Some(error) = cause {
        if let Some(refused) = error.downcast_ref::<Refused>() {
            return FetchError::Refused { url: shown_address(url), refused: refused.clone() };
        }
        cause = error.source();
    }
    FetchError::Transport { url: shown_address(url), source: error.without_url() }
}

/// The causes of an error. What the client says around them (that it was sending, or in which of its parts) tells the operator nothing,
/// and stands only where there is no cause.
fn chain(error: &reqwest::Error) -> String {
    let mut text = String::new();
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        let part = error.to_string();
        if !part.starts_with("client error (") && !text.contains(&part) {
            text.push_str(if text.is_empty() { "" } else { ": " });
            text.push_str(&part);
        }
        cause = error.source();
    }
    if text.is_empty() { error.to_string() } else { text }
}

#[cfg(test)]
mod tests;
