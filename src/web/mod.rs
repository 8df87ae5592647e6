//! The daemon's own HTTP: requests of a supervisor, of Prometheus or of a person come in, `/healthz`, `/readyz` and `/metrics` go
//! out; bound and owned by `app`.
//!
//! | path | answers |
//! |---|---|
//! | `/healthz` | 200 while the stages live, 503 with the names of those that have made no progress for five minutes |
//! | `/readyz` | 200 once the state is rebuilt and the sinks are open, 503 before and from the stop on, and while the database takes nothing, with the reason |
//! | `/metrics` | Prometheus text, or `OpenMetrics` where the client asks for it |
//! | `/` and the page's files | the page, where the config has it |
//! | `/api/v1/…` | what the caller puts there |
//!
//! Everything that a client can take is bounded: connections, the size and time of a request's head, how long it may read nothing,
//! and, where hubs call, the time of the whole and one request a connection.

mod assets;
mod callback;
mod patience;
mod probe;

pub use assets::page;
pub use callback::{Callback, Callbacks, Told};
pub use probe::{ProbeError, probe};

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{Extension, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::middleware::map_response;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tracing::{debug, info, warn};

use patience::Patient;

use crate::telemetry::{Exposition, PATIENCE, Phase, Telemetry};

/// Connections at once; more wait in the system's queue. People and programs stay, and listen to the stream; hubs do not.
const CONNECTIONS_MAX: usize = 640;
const CALLS_MAX: usize = 64;
/// Bytes of a request's head, the least that the server takes.
const HEAD_BYTES_MAX: usize = 8 * 1024;
/// Header fields of a request.
const HEADERS_MAX: usize = 64;
/// Time for a request's head.
const HEAD_TIMEOUT: Duration = Duration::from_secs(5);
/// Time for a whole connection of a hub.
const CONNECTION_TIMEOUT: Duration = Duration::from_secs(30);
/// Time for looking up what only the database knows.
const LOOK_UP_TIMEOUT: Duration = Duration::from_secs(10);
/// Wait after the system could not give us a connection: it is out of files, which passes.
const ACCEPT_RETRY: Duration = Duration::from_millis(200);

/// Why there is no server.
#[derive(Debug, thiserror::Error)]
pub enum WebError {
    /// The address cannot be had.
    #[error("cannot listen on {address} (key {key}): {source}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// The key of the config that names it.
        key: &'static str,
        /// Why: most often another program, or another gainsay, has the port.
        source: std::io::Error,
    },
}

/// Who asks: the address of the other end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Peer(pub SocketAddr);

/// A server that has its port.
#[derive(Debug)]
pub struct Web {
    listener: TcpListener,
}

impl Web {
    /// Takes the port that `key` of the config names, before anything else is begun.
    ///
    /// # Errors
    /// When it cannot be had.
    pub async fn bind(address: SocketAddr, key: &'static str) -> Result<Self, WebError> {
        let refused = |source| WebError::Listen { address, key, source };
        let listener = TcpListener::bind(address).await.map_err(refused)?;
        info!(address = %listener.local_addr().map_err(refused)?, "listening for HTTP");
        Ok(Self { listener })
    }

    /// Serves people and programs, who may ask again and listen on, until dropped.
    pub async fn serve(self, router: Router) {
        self.serve_with(router, CONNECTIONS_MAX, true).await;
    }

    /// Serves callers with one request each, until dropped.
    pub async fn serve_calls(self, router: Router) {
        self.serve_with(router, CALLS_MAX, false).await;
    }

    async fn serve_with(self, router: Router, connections_max: usize, keeps_alive: bool) {
        let places = Arc::new(Semaphore::new(connections_max));
        let mut connections = JoinSet::new();
        loop {
            // The semaphore is never closed.
            let Ok(place) = Arc::clone(&places).acquire_owned().await else { return };
            let (stream, peer) = match self.listener.accept().await {
                Ok(accepted) => accepted,
                Err(error) => {
                    warn!(%error, "cannot take a connection");
                    tokio::time::sleep(ACCEPT_RETRY).await;
                    continue;
                }
            };
            let router = router.clone().layer(Extension(Peer(peer)));
            connections.spawn(async move {
                converse(stream, router, keeps_alive).await;
                drop(place);
            });
            while connections.try_join_next().is_some() {}
        }
    }
}

/// One connection, with one request or several.
async fn converse(stream: TcpStream, router: Router, keeps_alive: bool) {
    let mut server = http1::Builder::new();
    server
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .max_buf_size(HEAD_BYTES_MAX)
        .max_headers(HEADERS_MAX)
        .keep_alive(keeps_alive);
    let connection = server.serve_connection(TokioIo::new(Patient::new(stream)), TowerToHyperService::new(router));
    if keeps_alive {
        if let Err(error) = connection.await {
            debug!(%error, "a connection broke");
        }
        return;
    }
    // Dropping it in the middle cuts a client off that has had its time.
    match tokio::time::timeout(CONNECTION_TIMEOUT, connection).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => debug!(%error, "a connection broke"),
        Err(_) => debug!("a connection took too long"),
    }
}

/// What serves supervisors, Prometheus and people.
pub fn router(telemetry: Arc<Telemetry>) -> Router {
    Router::new()
        .route("/healthz", get(health))
        .route("/readyz", get(readiness))
        .route("/metrics", get(metrics))
        .fallback(async || {
            text(StatusCode::NOT_FOUND, "there is /healthz, /readyz and /metrics, and perhaps the page at /\n")
        })
        .layer(map_response(closing))
        .with_state(telemetry)
}

/// Supervisors ask seldom, and some wait for the end of the connection.
async fn closing(mut response: Response) -> Response {
    response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    response
}

async fn health(State(telemetry): State<Arc<Telemetry>>) -> Response {
    let stuck: Vec<&str> = telemetry.pulse.stuck(PATIENCE).into_iter().map(crate::telemetry::Stage::as_str).collect();
    if stuck.is_empty() {
        text(StatusCode::OK, "ok\n")
    } else {
        text(StatusCode::SERVICE_UNAVAILABLE, &format!("no progress: {}\n", stuck.join(", ")))
    }
}

async fn readiness(State(telemetry): State<Arc<Telemetry>>) -> Response {
    match (telemetry.pulse.phase(), telemetry.pulse.refused()) {
        (Phase::Ready, None) => text(StatusCode::OK, "ready\n"),
        (Phase::Ready, Some(error)) => {
            text(StatusCode::SERVICE_UNAVAILABLE, &format!("nothing can be stored: {error}\n"))
        }
        (phase, _) => text(StatusCode::SERVICE_UNAVAILABLE, &format!("{}\n", phase.as_str())),
    }
}

async fn metrics(State(telemetry): State<Arc<Telemetry>>, headers: HeaderMap) -> Response {
    let accept = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let exposition = Exposition::negotiate(accept);
    let looked_up = tokio::task::spawn_blocking(move || telemetry.samples());
    match tokio::time::timeout(LOOK_UP_TIMEOUT, looked_up).await {
        Ok(Ok(Ok(samples))) => {
            ([(header::CONTENT_TYPE, exposition.content_type())], samples.render(exposition)).into_response()
        }
        Ok(Ok(Err(error))) => {
            warn!(%error, "cannot read the outbox for the metrics");
            text(StatusCode::SERVICE_UNAVAILABLE, "the database cannot be read\n")
        }
        Ok(Err(_)) | Err(_) => text(StatusCode::SERVICE_UNAVAILABLE, "the database does not answer\n"),
    }
}

fn text(status: StatusCode, body: &str) -> Response {
    let headers = [(header::CONTENT_TYPE, "text/plain; charset=utf-8"), (header::CACHE_CONTROL, "no-store")];
    (status, headers, body.to_owned()).into_response()
}
