//! What WebSub hubs call: questions and content come in over HTTP, on an address of their own; what is genuine goes to the task of the
//! feed whose callback it is. Bound and owned by `app`.
//!
//! Open to the internet, so everything is bounded: requests a second, connections, heads and times (as of the other server), bodies in
//! size and in number. Who does not know the name of a subscription learns nothing and takes nothing up; who knows it must sign.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use tokio::sync::{Semaphore, mpsc};
use tracing::warn;

use super::text;
use crate::intake::{Pushed, Question, is_signed};
use crate::telemetry::Telemetry;

/// Bodies that are read or wait for their feeds at once.
const BODIES_MAX: usize = 16;
/// Requests that are answered at once and in each second after that.
const BURST: f64 = 200.0;
const RATE: f64 = 50.0;
/// How long after the start a subscription that is not known may yet be: what is left of the last run is told of feed by feed.
const START: Duration = Duration::from_mins(1);
/// Subscriptions that were ended and that their hubs have not asked about yet.
const LEAVING_MAX: usize = 1_000;

/// What a feed's task hears of its hub.
#[derive(Debug)]
pub enum Told {
    /// The hub has asked and knows now that it is to push.
    Verified {
        /// Seconds for which it says it will.
        lease: Option<u64>,
    },
    /// It will not.
    Denied {
        /// Why, in its words.
        reason: String,
    },
    /// Content with a good signature.
    Content(Pushed),
}

/// A subscription as the server knows it.
#[derive(Debug)]
pub struct Callback {
    /// What the hub must say it is about.
    pub topic: String,
    /// What it must sign with.
    pub secret: String,
    /// Where what it says goes.
    pub inbox: mpsc::Sender<Told>,
}

/// All subscriptions by the names of their callbacks.
#[derive(Debug)]
pub struct Callbacks {
    known: Mutex<Known>,
    bucket: Mutex<(f64, Instant)>,
    bodies: Arc<Semaphore>,
    body_bytes_max: usize,
    telemetry: Arc<Telemetry>,
    since: Instant,
}

#[derive(Debug, Default)]
struct Known {
    callbacks: BTreeMap<String, Callback>,
    /// Topics of subscriptions that are to end.
    leaving: BTreeMap<String, String>,
    /// Those of this run that have ended.
    gone: BTreeSet<String>,
}

impl Callbacks {
    /// None yet; of what hubs send, so many bytes are read.
    pub fn new(body_bytes_max: u64, telemetry: Arc<Telemetry>) -> Self {
        Self {
            known: Mutex::default(),
            bucket: Mutex::new((BURST, Instant::now())),
            bodies: Arc::new(Semaphore::new(BODIES_MAX)),
            body_bytes_max: usize::try_from(body_bytes_max).unwrap_or(usize::MAX),
            telemetry,
            since: Instant::now(),
        }
    }

    /// From now on the hub is heard that knows this name.
    pub fn hear(&self, token: &str, callback: Callback) {
        let mut known = self.known();
        known.leaving.remove(token);
        known.callbacks.insert(token.to_owned(), callback);
    }

    /// From now on it is not, and told that the subscription is gone.
    pub fn forget(&self, token: &str) {
        let mut known = self.known();
        let Some(callback) = known.callbacks.remove(token) else { return };
        if known.leaving.len() >= LEAVING_MAX {
            known.leaving.pop_first();
        }
        known.leaving.insert(token.to_owned(), callback.topic);
        if known.gone.len() >= LEAVING_MAX {
            known.gone.pop_first();
        }
        known.gone.insert(token.to_owned());
    }

    /// What serves the hubs.
    pub fn router(self: &Arc<Self>) -> Router {
        Router::new().fallback(answer).with_state(Arc::clone(self))
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether another request may be answered now: a bucket that fills with time.
    fn is_in_time(&self) -> bool {
        let mut bucket = self.bucket.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        let filled = (bucket.0 + now.duration_since(bucket.1).as_secs_f64() * RATE).min(BURST);
        let is_in_time = filled >= 1.0;
        *bucket = (if is_in_time { filled - 1.0 } else { filled }, now);
        is_in_time
    }

    /// Whether there may be subscriptions that it has not been told of yet.
    fn is_starting(&self) -> bool {
        self.since.elapsed() < START
    }

    fn count(&self, result: &str) {
        self.telemetry.pushed(result);
    }

    /// Answers a hub's question: the challenge back where we want what it says we want.
    fn reply(&self, token: &str, query: &str) -> Response {
        let nothing = || text(StatusCode::NOT_FOUND, "no such subscription\n");
        let Some((question, topic)) = Question::read(query) else { return nothing() };
        let mut known = self.known();
        match question {
            Question::Unsubscribe { challenge } if known.leaving.get(token) == Some(&topic) => {
                known.leaving.remove(token);
                text(StatusCode::OK, &challenge)
            }
            Question::Subscribe { challenge, lease } => match known.callbacks.get(token) {
                Some(callback) if callback.topic == topic => {
                    told(&callback.inbox.try_send(Told::Verified { lease }), &challenge)
                }
                _ => nothing(),
            },
            Question::Denied { reason } => match known.callbacks.get(token) {
                Some(callback) if callback.topic == topic => {
                    told(&callback.inbox.try_send(Told::Denied { reason }), "")
                }
                _ => nothing(),
            },
            Question::Unsubscribe { .. } => nothing(),
        }
    }

    /// Takes content: what is not signed, or not rightly, is thanked for and thrown away, as the Recommendation wants it.
    async fn take(&self, token: &str, headers: &HeaderMap, body: Body) -> Response {
        let callback =
            self.known().callbacks.get(token).map(|callback| (callback.secret.clone(), callback.inbox.clone()));
        let Some((secret, inbox)) = callback else {
            if self.is_starting() && !self.known().gone.contains(token) {
                return busy();
            }
            // A hub that hears this pushes no more.
            self.count("unknown");
            return text(StatusCode::GONE, "no such subscription\n");
        };
        let Ok(place) = Arc::clone(&self.bodies).try_acquire_owned() else {
            self.count("busy");
            return busy();
        };
        let Ok(bytes) = to_bytes(body, self.body_bytes_max).await else {
            self.count("too_large");
            return text(StatusCode::PAYLOAD_TOO_LARGE, "too large, or broken off\n");
        };
        let value = |name: HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
        let signature = value(HeaderName::from_static("x-hub-signature")).unwrap_or_default();
        if !is_signed(signature, &secret, &bytes) {
            self.count("bad_signature");
            warn!("a push without a good signature was thrown away");
            return text(StatusCode::ACCEPTED, "");
        }
        let pushed = Pushed {
            bytes: bytes.into(),
            content_type: value(header::CONTENT_TYPE).map(str::to_owned),
            encoding: value(header::CONTENT_ENCODING).unwrap_or_default().to_owned(),
            place,
        };
        if inbox.try_send(Told::Content(pushed)).is_err() {
            self.count("busy");
            return busy();
        }
        self.count("taken");
        text(StatusCode::ACCEPTED, "")
    }
}

async fn answer(State(callbacks): State<Arc<Callbacks>>, request: Request) -> Response {
    if !callbacks.is_in_time() {
        callbacks.count("too_many");
        return ([(header::RETRY_AFTER, "60")], text(StatusCode::TOO_MANY_REQUESTS, "too many requests\n"))
            .into_response();
    }
    let (head, body) = request.into_parts();
    let token = head.uri.path().rsplit('/').next().unwrap_or_default();
    match head.method {
        Method::GET => callbacks.reply(token, head.uri.query().unwrap_or_default()),
        Method::POST => callbacks.take(token, &head.headers, body).await,
        _ => text(StatusCode::METHOD_NOT_ALLOWED, "GET and POST\n"),
    }
}

/// The answer to a question that went on to the feed's task; where that has no room, the hub is to ask again.
fn told(sent: &Result<(), mpsc::error::TrySendError<Told>>, answer: &str) -> Response {
    if sent.is_ok() { text(StatusCode::OK, answer) } else { busy() }
}

fn busy() -> Response {
    ([(header::RETRY_AFTER, "60")], text(StatusCode::SERVICE_UNAVAILABLE, "busy\n")).into_response()
}
