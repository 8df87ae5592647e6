//! The API under `/api/v1`: requests of the page, of programs and of people come in, JSON, files and events go out; what
//! `gainsay` commands show and say, over HTTP. Built by `app`, served by `web`.
//!
//! `guard` lets a request in, `routes` leads it, `query` reads its parameters, `pool` reads the database for it, `lists` and `state`
//! make its answer, `operate` and `feeds` do what changes something, `act` what signed links of messages ask for, `stream` tells alerts as they
//! come. Everything that a client can take is bounded.

mod act;
mod export;
mod feeds;
mod guard;
mod likely;
mod lists;
mod openapi;
mod operate;
mod pool;
mod problem;
mod query;
mod routes;
mod state;
mod stream;
mod table;

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{Extension, Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use tokio::sync::{Notify, Semaphore, watch};

use self::export::Form;
use self::guard::{Caller, Guard, check_change};
use self::operate::Changing;
use self::pool::{Pool, READ_TIME};
use self::problem::Problem;
use self::query::Query;
use self::routes::{Act, LIMITS, Led, Route, lead, routes};
use self::stream::Hub;
use crate::clock::Clock;
use crate::config::Config;
use crate::intake::Poller;
use crate::pipeline::Models;
use crate::store::{EmbeddedStore, View};
use crate::telemetry::{Phase, Telemetry};
use crate::web::Peer;

/// Bytes of a body.
const BODY_BYTES_MAX: usize = 64 * 1024;
/// Time for a body.
const BODY_TIMEOUT: Duration = Duration::from_secs(10);
/// Items of a page where nothing is said.
const LIMIT: u64 = 50;

/// The API of a daemon.
#[derive(Clone)]
pub struct Api {
    shared: Arc<Shared>,
}

/// What all requests share.
struct Shared {
    guard: Guard,
    pool: Arc<Pool>,
    hub: Hub,
    configs: watch::Receiver<Arc<Config>>,
    /// What polls feeds, once it is there: it knows which sites rest.
    pollers: watch::Receiver<Option<Arc<Poller>>>,
    clock: Arc<dyn Clock>,
    telemetry: Arc<Telemetry>,
    /// Notified when something was said of a feed.
    controls: Arc<Notify>,
    /// Bounds how many addresses are looked at for feeds at once.
    searches: Semaphore,
    /// Those of the desk, once it is there.
    models: OnceLock<Arc<Models>>,
    started: Timestamp,
    /// Held while a signed link is used.
    acting: tokio::sync::Mutex<()>,
    routes: Vec<Route>,
    document: OnceLock<Bytes>,
}

impl Shared {
    fn config(&self) -> Arc<Config> {
        Arc::clone(&self.configs.borrow())
    }
}

/// A request that reads, on its way through the database.
struct Looking<'a> {
    view: &'a View,
    config: &'a Config,
    query: &'a Query,
    /// What the path names.
    id: &'a str,
    /// What is open to the caller.
    scope: crate::config::Scope,
    shared: &'a Shared,
}

impl Api {
    /// The API of a daemon that runs by the newest of `configs` and polls by the newest of `pollers`; notifies `controls` when it was told
    /// something of a feed.
    pub fn new(
        configs: watch::Receiver<Arc<Config>>,
        pollers: watch::Receiver<Option<Arc<Poller>>>,
        clock: Arc<dyn Clock>,
        telemetry: Arc<Telemetry>,
        controls: Arc<Notify>,
    ) -> Self {
        let config = Arc::clone(&configs.borrow());
        let shared = Shared {
            guard: Guard::new(config.web.clone(), config.http.listen),
            pool: Arc::new(Pool::new(config.database.clone())),
            hub: Hub::new(),
            configs,
            pollers,
            started: clock.now(),
            acting: tokio::sync::Mutex::new(()),
            clock,
            telemetry,
            controls,
            searches: Semaphore::new(feeds::SEARCHES),
            models: OnceLock::new(),
            routes: routes(),
            document: OnceLock::new(),
        };
        Self { shared: Arc::new(shared) }
    }

    /// Explains with these models rather than with a second copy of them.
    pub fn share_models(&self, models: Arc<Models>) {
        // Those that came first are as good.
        self.shared.models.set(models).unwrap_or_default();
    }

    /// Tells listeners of alerts whenever `committed` is notified, until dropped.
    pub async fn tell(self, store: Arc<EmbeddedStore>, committed: Arc<Notify>) {
        let shared = &self.shared;
        shared.hub.run(&shared.pool, store, Arc::clone(&shared.clock), committed).await;
    }

    /// What serves it.
    pub fn router(&self) -> Router {
        Router::new().fallback(answer).with_state(Arc::clone(&self.shared))
    }
}

/// Answers a request below `/api/v1`.
async fn answer(State(shared): State<Arc<Shared>>, peer: Option<Extension<Peer>>, request: Request) -> Response {
    // Without an address nobody is at home here.
    let peer = peer.map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |Extension(Peer(address))| plain(address));
    let mut response = respond(shared, peer, request).await.unwrap_or_else(IntoResponse::into_response);
    let headers = response.headers_mut();
    for (name, value) in [
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'"),
        (header::HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}

/// An address of IPv4 also where it came in over IPv6.
fn plain(address: SocketAddr) -> IpAddr {
    address.ip().to_canonical()
}

async fn respond(shared: Arc<Shared>, peer: IpAddr, request: Request) -> Result<Response, Problem> {
    shared.guard.check_rate(peer)?;
    let (head, body) = request.into_parts();
    // Without the `/api/v1` that led here.
    let led = lead(&shared.routes, head.method.as_str(), head.uri.path());
    let scope = if let Led::To(route, _) = &led { route.scope() } else { crate::config::Scope::Read };
    let caller = shared.guard.admit(peer, &head.headers, scope)?;
    let (route, id) = match led {
        Led::To(route, id) => (route, unescaped(id)?),
        Led::Method(allow) => {
            let detail = format!("{} is no method of this path; accepted: {allow}", head.method);
            return Err(Problem::new(StatusCode::METHOD_NOT_ALLOWED, detail).allowing(allow));
        }
        Led::Nowhere => {
            return Err(Problem::new(StatusCode::NOT_FOUND, "there is no such path; /api/v1/openapi.json lists them"));
        }
    };
    if let Act::Change(_) = route.act {
        check_change(&head.headers)?;
    }
    if let Act::Document = route.act {
        return Ok(document(&shared, &head.headers));
    }
    if !matches!(shared.telemetry.pulse.phase(), Phase::Ready | Phase::Stopping) {
        return Err(Problem::busy("the daemon is starting"));
    }
    let query = Query::new(head.uri.query().unwrap_or_default(), &route.known(), shared.clock.now())?;
    match route.act {
        Act::List(read) => match Form::of(&query)? {
            Some(form) => export::file(shared, route.path, read, query, form).await,
            None => page(&shared, read, query, &head.headers).await,
        },
        Act::Single { read, rows } => {
            let file = Form::of(&query)?.zip(rows);
            let found = look_for(&caller, &shared, READ_TIME, (query, id), read).await?;
            match file {
                Some((form, rows)) => export::whole(route.path, form, &rows(&found)),
                None => Ok(tagged(lists::line(&found)?.into(), &head.headers)),
            }
        }
        Act::Stream => stream::stream(shared, &query, &head.headers).await,
        Act::Document => Ok(document(&shared, &head.headers)),
        Act::Change(act) => change(shared, caller, id, body, act).await,
    }
}

/// A segment of a path without its escapes.
fn unescaped(segment: &str) -> Result<String, Problem> {
    // As a form has them, but for the plus, which is itself in a path.
    let form = segment.replace('+', "%2B");
    let text =
        url::form_urlencoded::parse(form.as_bytes()).next().map(|(name, _)| name.into_owned()).unwrap_or_default();
    if text.chars().count() > 300 || text.contains(char::is_control) {
        return Err(Problem::bad("what the path names is no name"));
    }
    Ok(text)
}

/// Looks for whoever may read.
async fn look<T: Send + 'static>(
    shared: &Arc<Shared>,
    time: Duration,
    query: Query,
    id: String,
    read: impl FnOnce(&Looking<'_>) -> Result<T, Problem> + Send + 'static,
) -> Result<T, Problem> {
    let reader = Caller { name: None, scope: crate::config::Scope::Read };
    look_for(&reader, shared, time, (query, id), read).await
}

async fn look_for<T: Send + 'static>(
    caller: &Caller,
    shared: &Arc<Shared>,
    time: Duration,
    (query, id): (Query, String),
    read: impl FnOnce(&Looking<'_>) -> Result<T, Problem> + Send + 'static,
) -> Result<T, Problem> {
    let (inner, config, scope) = (Arc::clone(shared), shared.config(), caller.scope);
    let read =
        move |view: &View| read(&Looking { view, config: &config, query: &query, id: &id, scope, shared: &inner });
    shared.pool.read(time, read).await?
}

type Read = fn(&Looking<'_>, Option<&str>, u32) -> Result<lists::Page, Problem>;

/// A page of a list.
async fn page(shared: &Arc<Shared>, read: Read, query: Query, headers: &HeaderMap) -> Result<Response, Problem> {
    let limit = query.number("limit", (1, LIMITS.0))?.unwrap_or(LIMIT);
    let limit = u32::try_from(limit).unwrap_or(u32::MAX);
    let text = look(shared, READ_TIME, query, String::new(), move |looking| {
        let cursor = looking.query.text("cursor")?;
        let lists::Page { items, next } = read(looking, cursor, limit)?;
        Ok(format!("{{\"items\":[{}],\"next\":{}}}", items.join(","), Value::from(next)))
    });
    Ok(tagged(text.await?.into(), headers))
}

/// Reads the body of a change and does it.
async fn change(
    shared: Arc<Shared>,
    caller: Caller,
    id: String,
    body: Body,
    act: fn(Changing) -> std::pin::Pin<Box<dyn Future<Output = operate::Changed> + Send>>,
) -> Result<Response, Problem> {
    let read = tokio::time::timeout(BODY_TIMEOUT, to_bytes(body, BODY_BYTES_MAX)).await;
    let body = match read {
        Ok(Ok(body)) => body.to_vec(),
        Ok(Err(_)) => {
            let detail = format!("the body is larger than {BODY_BYTES_MAX} bytes, or broke off");
            return Err(Problem::new(StatusCode::PAYLOAD_TOO_LARGE, detail));
        }
        Err(_) => return Err(Problem::new(StatusCode::REQUEST_TIMEOUT, "the body did not come in time")),
    };
    let (status, answer) = act(Changing { shared, caller, id, body }).await?;
    Ok(match answer {
        Some(answer) => (status, [(header::CONTENT_TYPE, "application/json")], lists::line(&answer)?).into_response(),
        None => status.into_response(),
    })
}

fn document(shared: &Shared, headers: &HeaderMap) -> Response {
    let made = || {
        serde_json::to_vec_pretty(&openapi::document(&shared.routes, shared.guard.needs_token()))
            .unwrap_or_default()
            .into()
    };
    tagged(shared.document.get_or_init(made).clone(), headers)
}

/// JSON with its tag; nothing but the tag where the client has it already.
fn tagged(body: Bytes, headers: &HeaderMap) -> Response {
    let hash = Sha256::digest(&body);
    let tag = hash.iter().take(12).fold("\"".to_owned(), |tag, byte| format!("{tag}{byte:02x}")) + "\"";
    let known = headers.get(header::IF_NONE_MATCH).and_then(|known| known.to_str().ok()).unwrap_or_default();
    let is_known = known.split(',').any(|known| known.trim().trim_start_matches("W/") == tag || known.trim() == "*");
    let fields = [(header::ETAG, tag), (header::CACHE_CONTROL, "private, no-cache".to_owned())];
    if is_known {
        return (StatusCode::NOT_MODIFIED, fields).into_response();
    }
    (fields, [(header::CONTENT_TYPE, "application/json")], body).into_response()
}
