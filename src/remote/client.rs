//! The API of a running daemon: requests in, what it answers or why it does not out.

use std::net::SocketAddr;
use std::time::Duration;

use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue};
use reqwest::{RequestBuilder, Response, StatusCode, redirect};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use url::Url;

use crate::terminal::visible;

/// Longest wait for a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// Longest wait for a whole answer; the daemon itself gives a request five seconds at the database.
const TIMEOUT: Duration = Duration::from_secs(20);
/// Bytes of an answer: 200 alerts take about one.
const ANSWER_BYTES_MAX: usize = 32 << 20;
/// Items of a page, and pages of a list that is read whole.
const PAGE: u32 = 200;
const PAGES_MAX: usize = 50;
/// Pages, and their bytes, of a list that is read with its filters: about two million items. Where few rows fit, a daemon gives short pages, so
/// that the items alone bound nothing.
const LIST_PAGES_MAX: usize = 10_000;
const LIST_BYTES_MAX: u64 = 2 << 30;
/// How long a daemon is left alone that was asked for too many pages in a second, and how often in one list.
const BUSY_WAIT: Duration = Duration::from_millis(500);
const BUSY_MAX: usize = 1_000;
/// Bytes of an error's words.
const ERROR_BYTES_MAX: usize = 16 << 10;

/// Why the daemon did not do what it was asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ClientError {
    /// Nobody answers.
    #[error("no gainsay answers at {at}: {detail}")]
    Unreachable {
        /// The address.
        at: String,
        /// Why.
        detail: String,
    },
    /// It wants a token, or another one.
    #[error("the gainsay at {at} lets nobody in so: {detail}")]
    Closed {
        /// The address.
        at: String,
        /// What it says.
        detail: String,
    },
    /// It has no such thing as this program asks for.
    #[error(
        "at {at} is no API of a gainsay: either it is another program, or an older gainsay, or its config says `api = false` in [web]"
    )]
    NoApi {
        /// The address.
        at: String,
    },
    /// It refuses.
    #[error("{detail} ({status})")]
    Refused {
        /// With this status.
        status: u16,
        /// In these words.
        detail: String,
    },
    /// What it says cannot be read.
    #[error("what is at {at} answers, but not as a gainsay does: {detail}")]
    Garbled {
        /// The address.
        at: String,
        /// What is wrong.
        detail: String,
    },
}

/// A page of a list.
#[derive(Debug, Deserialize)]
pub(crate) struct Page {
    pub(crate) items: Vec<Value>,
    /// The cursor of the next page.
    pub(crate) next: Option<String>,
}

impl Page {
    /// Its items, and how many of them are of no kind that is known.
    pub(crate) fn read<T: DeserializeOwned>(self) -> (Vec<T>, usize) {
        let all = self.items.len();
        let items: Vec<T> = self.items.into_iter().filter_map(|item| serde_json::from_value(item).ok()).collect();
        let unknown = all - items.len();
        (items, unknown)
    }
}

/// Asks one daemon.
#[derive(Debug, Clone)]
pub(crate) struct Client {
    http: reqwest::Client,
    base: Url,
    headers: HeaderMap,
}

impl Client {
    /// A client of the daemon at `base`, shown this token.
    ///
    /// # Errors
    /// When a token cannot stand in a header, or TLS cannot be had.
    pub(crate) fn new(base: Url, token: Option<&str>) -> anyhow::Result<Self> {
        // Needed for https alone; it may be there already.
        drop(rustls::crypto::ring::default_provider().install_default());
        let mut headers = HeaderMap::new();
        if let Some(token) = token {
            let value = HeaderValue::from_str(&format!("Bearer {token}"));
            let mut value = value.map_err(|_| anyhow::anyhow!("the token holds what no header can"))?;
            value.set_sensitive(true);
            headers.insert(AUTHORIZATION, value);
        }
        let http = reqwest::Client::builder()
            .user_agent(concat!("gainsay/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(CONNECT_TIMEOUT)
            // The token is for this address alone.
            .redirect(redirect::Policy::none())
            .no_proxy()
            .build()?;
        Ok(Self { http, base, headers })
    }

    /// The address as it is shown.
    pub(crate) fn at(&self) -> String {
        let host = self.base.host_str().unwrap_or_default();
        self.base.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
    }

    /// Asks for something below `/api/v1`.
    ///
    /// # Errors
    /// When there is no such answer.
    pub(crate) async fn get<T: DeserializeOwned>(
        &self,
        path: &[&str],
        query: &[(&str, String)],
    ) -> Result<T, ClientError> {
        self.read(&self.answer(path, query).await?)
    }

    async fn answer(&self, path: &[&str], query: &[(&str, String)]) -> Result<Vec<u8>, ClientError> {
        let request = self.http.get(self.url(path, query)).timeout(TIMEOUT);
        self.body(self.send(request).await?, ANSWER_BYTES_MAX).await
    }

    fn read<T: DeserializeOwned>(&self, body: &[u8]) -> Result<T, ClientError> {
        serde_json::from_slice(body).map_err(|error| self.garbled(&error.to_string()))
    }

    /// All items of a list that are known; a daemon has no more feeds and endpoints than a few pages hold.
    ///
    /// # Errors
    /// As [`Client::get`], and when there are items and none is known.
    pub(crate) async fn all<T: DeserializeOwned>(&self, path: &[&str]) -> Result<Vec<T>, ClientError> {
        let (mut items, mut unknown, mut query) = (Vec::new(), 0, vec![("limit", PAGE.to_string())]);
        for _ in 0..PAGES_MAX {
            let page: Page = self.get(path, &query).await?;
            query.truncate(1);
            let next = page.next.clone();
            let (known, left_out) = page.read();
            items.extend(known);
            unknown += left_out;
            let Some(next) = next else { break };
            query.push(("cursor", next));
        }
        if items.is_empty() && unknown > 0 {
            // An empty list would say that there is nothing.
            return Err(self.garbled(&format!("none of its {unknown} {} can be read here", path.join("/"))));
        }
        Ok(items)
    }

    /// The first items of a list that fit a query, so many at most or all where that is nothing. Each is read whole or not at all: what another
    /// version says is an error.
    ///
    /// # Errors
    /// As [`Client::get`], and when an item cannot be read, or the list does not end.
    pub(crate) async fn first<T: DeserializeOwned>(
        &self,
        list: &str,
        query: &[(&str, String)],
        most: Option<usize>,
    ) -> Result<Vec<T>, ClientError> {
        let (mut found, mut cursor, mut bytes, mut busy) = (Vec::new(), None::<String>, 0, 0);
        for _ in 0..LIST_PAGES_MAX {
            let left = most.map_or(PAGE as usize, |most| (most - found.len()).min(PAGE as usize));
            let more = [("limit", left.to_string())].into_iter().chain(cursor.clone().map(|cursor| ("cursor", cursor)));
            let query: Vec<(&str, String)> = query.iter().cloned().chain(more).collect();
            let body = match self.answer(&[list], &query).await {
                Err(ClientError::Refused { status: 429, .. }) if busy < BUSY_MAX => {
                    busy += 1;
                    tokio::time::sleep(BUSY_WAIT).await;
                    continue;
                }
                answer => answer?,
            };
            bytes += body.len() as u64;
            let page: Page = self.read(&body)?;
            for item in page.items {
                let read = serde_json::from_value(item);
                found.push(
                    read.map_err(|error| self.garbled(&format!("one of its {list} is of another version: {error}")))?,
                );
            }
            cursor = page.next;
            if cursor.is_none() || most.is_some_and(|most| found.len() >= most) {
                return Ok(found);
            }
            if bytes > LIST_BYTES_MAX {
                break;
            }
        }
        Err(self.garbled(&format!("its {list} do not end; --limit or --since asks for fewer")))
    }

    /// Says something.
    ///
    /// # Errors
    /// When the daemon does not take it.
    pub(crate) async fn post(&self, path: &[&str], said: &Value) -> Result<(), ClientError> {
        let request = self.http.post(self.url(path, &[])).timeout(TIMEOUT);
        // What a page of the web cannot send without being asked back.
        let request = request.header(CONTENT_TYPE, "application/json").header("x-gainsay", "1").body(said.to_string());
        self.send(request).await.map(drop)
    }

    /// The stream of alerts behind a position; without one, from when it begins. It has no end of its own.
    ///
    /// # Errors
    /// When it does not begin.
    pub(crate) async fn stream(&self, after: Option<i64>) -> Result<Response, ClientError> {
        let mut request = self.http.get(self.url(&["alerts", "stream"], &[]));
        if let Some(after) = after {
            request = request.header("last-event-id", after);
        }
        let answer = tokio::time::timeout(TIMEOUT, self.send(request)).await;
        answer.unwrap_or_else(|_| Err(self.unreachable("it does not begin to answer")))
    }

    /// The next bytes of a stream, none at its end.
    ///
    /// # Errors
    /// When the connection breaks.
    pub(crate) async fn next(&self, stream: &mut Response) -> Result<Option<impl AsRef<[u8]> + use<>>, ClientError> {
        stream.chunk().await.map_err(|error| self.unreachable(&in_words(&error)))
    }

    fn url(&self, path: &[&str], query: &[(&str, String)]) -> Url {
        let mut url = self.base.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(["api", "v1"]).extend(path);
        }
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        url
    }

    async fn send(&self, request: RequestBuilder) -> Result<Response, ClientError> {
        let answer = request.headers(self.headers.clone()).send().await;
        let answer = answer.map_err(|error| self.unreachable(&in_words(&error)))?;
        let status = answer.status();
        if status.is_success() {
            return Ok(answer);
        }
        let detail = self.body(answer, ERROR_BYTES_MAX).await.ok().and_then(|body| problem(&body));
        Err(match (status, detail) {
            (StatusCode::UNAUTHORIZED, detail) => {
                ClientError::Closed { at: self.at(), detail: detail.unwrap_or_else(|| "a token is needed".to_owned()) }
            }
            (_, Some(detail)) => ClientError::Refused { status: status.as_u16(), detail },
            (StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED, None) => ClientError::NoApi { at: self.at() },
            (status, None) => self.garbled(&format!("status {status}")),
        })
    }

    async fn body(&self, mut answer: Response, max: usize) -> Result<Vec<u8>, ClientError> {
        let mut body = Vec::new();
        while let Some(piece) = self.next(&mut answer).await? {
            body.extend_from_slice(piece.as_ref());
            if body.len() > max {
                return Err(self.garbled(&format!("more than {} KiB", max >> 10)));
            }
        }
        Ok(body)
    }

    fn unreachable(&self, detail: &str) -> ClientError {
        ClientError::Unreachable { at: self.at(), detail: visible(detail).into_owned() }
    }

    fn garbled(&self, detail: &str) -> ClientError {
        ClientError::Garbled { at: self.at(), detail: visible(detail).into_owned() }
    }
}

/// The words of a problem document, as they may be shown: anybody may have written them.
fn problem(body: &[u8]) -> Option<String> {
    #[derive(Deserialize)]
    struct Problem {
        detail: String,
    }
    serde_json::from_slice::<Problem>(body).ok().map(|problem| visible(&problem.detail).into_owned())
}

/// What went wrong in the end: the causes before only say that something did.
fn in_words(error: &reqwest::Error) -> String {
    if error.is_timeout() {
        return "no answer in time".to_owned();
    }
    let mut last: &dyn std::error::Error = error;
    while let Some(source) = last.source() {
        last = source;
    }
    last.to_string()
}

impl ClientError {
    /// With what can be done about it.
    pub(crate) fn explained(self) -> anyhow::Error {
        match self {
            Self::Unreachable { .. } => anyhow::anyhow!(
                "{self}; does `gainsay run` run? Its config says in [http] where it listens; --at URL names another place"
            ),
            Self::Closed { .. } => anyhow::anyhow!("{self}; --token-file or --token-env gives a token of its [web]"),
            error => error.into(),
        }
    }
}

/// Where a daemon that listens at `listen` is reached from this machine.
pub(crate) fn address_of(mut listen: SocketAddr) -> Option<Url> {
    if listen.ip().is_unspecified() {
        listen.set_ip(match listen {
            SocketAddr::V4(_) => std::net::Ipv4Addr::LOCALHOST.into(),
            SocketAddr::V6(_) => std::net::Ipv6Addr::LOCALHOST.into(),
        });
    }
    format!("http://{listen}/").parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_built_below_the_base_and_escaped() {
        let client =
            Client::new("http://proxy.example/gainsay/".parse().unwrap(), Some("secret-secret-secret")).unwrap();
        let url = client.url(&["threads", "a/../b?c"], &[("q", "x&y=ü".to_owned())]);
        assert_eq!(url.as_str(), "http://proxy.example/gainsay/api/v1/threads/a%2F..%2Fb%3Fc?q=x%26y%3D%C3%BC");
        assert!(!format!("{client:?}").contains("secret-secret"), "the token is shown");
        assert!(Client::new("http://x/".parse().unwrap(), Some("a\nb")).is_err());
    }

    /// The address of a server that answers each request with the next of these statuses and bodies, the last one for good.
    fn answering(answers: &'static [(&str, &str)]) -> Url {
        use std::io::{Read as _, Write as _};
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let at = address_of(listener.local_addr().unwrap()).unwrap();
        std::thread::spawn(move || {
            let mut next = answers.iter().chain(std::iter::repeat(answers.last().unwrap()));
            for mut stream in listener.incoming().map_while(Result::ok) {
                let mut head = [0; 4096];
                while stream.read(&mut head).is_ok_and(|read| read > 0) {
                    let (status, body) = next.next().unwrap();
                    let answer = format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\n\r\n{body}", body.len());
                    if stream.write_all(answer.as_bytes()).is_err() {
                        break;
                    }
                }
            }
        });
        at
    }

    fn first(at: Url, most: Option<usize>) -> Result<Vec<Value>, ClientError> {
        let client = Client::new(at, None).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(client.first("claims", &[], most))
    }

    #[test]
    fn a_list_without_an_end_is_given_up() {
        let error = first(answering(&[("200 OK", r#"{"items": [], "next": "x"}"#)]), Some(3)).unwrap_err();
        assert!(error.to_string().contains("do not end"), "{error}");
        let more = answering(&[("200 OK", r#"{"items": [1, 2, 3, 4, 5], "next": "x"}"#)]);
        assert_eq!(first(more, Some(3)).unwrap().len(), 5);
    }

    #[test]
    fn a_daemon_that_is_asked_too_often_is_asked_again() {
        const BUSY: (&str, &str) = ("429 Too Many", r#"{"detail": "at most 60 requests in a second"}"#);
        const LAST: (&str, &str) = ("200 OK", r#"{"items": [2], "next": null}"#);
        let at = answering(&[("200 OK", r#"{"items": [1], "next": "x"}"#), BUSY, BUSY, LAST]);
        assert_eq!(first(at, None).unwrap(), [1, 2]);
    }

    #[test]
    fn what_a_server_says_moves_no_cursor() {
        let at = answering(&[("500 Odd", r#"{"detail": "no\u001b]0;x\u0007\u202e way"}"#)]);
        let refused = first(at, None).unwrap_err().to_string();
        assert_eq!(refused, "no\\u{1b}]0;x\\u{7}\\u{202e} way (500)");
    }

    #[test]
    fn any_address_is_reached_on_loopback() {
        for (listen, expected) in [
            ("0.0.0.0:8420", "http://127.0.0.1:8420/"),
            ("[::]:80", "http://[::1]/"),
            ("192.0.2.1:1", "http://192.0.2.1:1/"),
        ] {
            assert_eq!(address_of(listen.parse().unwrap()).unwrap().as_str(), expected);
        }
    }
}
