//! The bundled wire as a web server: answers the poller's requests as the outlets would, and counts what it sent.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Redirect, Response};
use axum::routing::get;
use jiff::Timestamp;

use super::feed::feed;
use super::script::{FeedScript, Script};

/// Fetches of every feed that an act lasts for at least. A feed is fetched again only when what it brought is durable,
/// so after the second one everything has been read; a feed that is down counts as failing from the third on.
const FETCHES_MIN: u64 = 3;

/// The outlets' server.
pub(super) struct Wire {
    script: Arc<Script>,
    start: Timestamp,
    stage: Mutex<Stage>,
}

#[derive(Default)]
struct Stage {
    act: usize,
    /// Fetches since the act began, by feed.
    fetches: BTreeMap<String, u64>,
    traffic: Traffic,
}

/// What was asked and answered.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Traffic {
    /// Answers with a feed.
    pub(super) bodies: u64,
    /// Bytes of these.
    pub(super) bytes: u64,
    /// Answers that nothing changed.
    pub(super) not_modified: u64,
    /// Answers that the server is down.
    pub(super) failures: u64,
    /// Redirects.
    pub(super) redirects: u64,
}

impl Traffic {
    /// Polls of a feed, however they ended.
    pub(super) fn polls(self) -> u64 {
        self.bodies + self.not_modified + self.failures
    }
}

impl Wire {
    pub(super) fn new(script: Arc<Script>, start: Timestamp) -> Arc<Self> {
        Arc::new(Self { script, start, stage: Mutex::default() })
    }

    /// Begins an act.
    pub(super) fn begin(&self, act: usize) {
        let mut stage = self.stage();
        stage.act = act;
        stage.fetches.clear();
    }

    /// Whether the daemon has read everything that the act brought.
    pub(super) fn is_read(&self) -> bool {
        let stage = self.stage();
        let fetches = |feed: &FeedScript| stage.fetches.get(&feed.id).copied().unwrap_or(0);
        self.script.feeds.iter().all(|feed| fetches(feed) >= FETCHES_MIN)
    }

    pub(super) fn traffic(&self) -> Traffic {
        self.stage().traffic
    }

    /// Where the config says that a feed is.
    pub(super) fn path(feed: &FeedScript) -> String {
        format!("/{}/{}", if feed.has_moved { "old" } else { "feeds" }, feed.id)
    }

    pub(super) fn router(self: &Arc<Self>) -> Router {
        let redirect = async |State(wire): State<Arc<Self>>, Path(id): Path<String>| wire.redirect(&id);
        let serve = async |State(wire): State<Arc<Self>>, Path(id): Path<String>, headers: HeaderMap| {
            wire.serve(&id, headers.get(header::IF_NONE_MATCH).map(HeaderValue::as_bytes))
        };
        Router::new()
            .route("/old/{feed}", get(redirect))
            .route("/feeds/{feed}", get(serve))
            .with_state(Arc::clone(self))
    }

    fn redirect(&self, id: &str) -> Redirect {
        self.stage().traffic.redirects += 1;
        Redirect::permanent(&format!("/feeds/{id}"))
    }

    /// Answers for the feed with this id; `known` is the `ETag` that the poller has.
    fn serve(&self, id: &str, known: Option<&[u8]>) -> Response {
        let Some(outlet) = self.script.feeds.iter().find(|feed| feed.id == id) else {
            return StatusCode::NOT_FOUND.into_response();
        };
        let mut stage = self.stage();
        *stage.fetches.entry(outlet.id.clone()).or_default() += 1;
        if outlet.down_in_act == Some(stage.act) {
            stage.traffic.failures += 1;
            return StatusCode::SERVICE_UNAVAILABLE.into_response();
        }
        let entries = self.script.carried(outlet, stage.act);
        let changed_in = entries.iter().map(|entry| entry.act).max().unwrap_or(0);
        let etag = format!("\"act-{changed_in}\"");
        if known == Some(etag.as_bytes()) {
            stage.traffic.not_modified += 1;
            return (StatusCode::NOT_MODIFIED, [(header::ETAG, etag)]).into_response();
        }
        let Ok((media_type, bytes)) = feed(outlet, &entries, self.start) else {
            return StatusCode::INTERNAL_SERVER_ERROR.into_response();
        };
        stage.traffic.bodies += 1;
        stage.traffic.bytes += bytes.len() as u64;
        ([(header::ETAG, etag), (header::CONTENT_TYPE, media_type.to_owned())], Bytes::from(bytes)).into_response()
    }

    fn stage(&self) -> MutexGuard<'_, Stage> {
        self.stage.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
