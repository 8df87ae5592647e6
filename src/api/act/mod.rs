//! Signed links of messages: a GET asks, and changes nothing whoever makes it (chat services and scanners of mail open links); a POST of
//! the form that it shows does it, once. The link is the permission: no token is asked for.
//!
//! What is done goes into the log of feedback, as what commands and the API say, with the sink that was sent the link.

mod matter;
mod page;

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Extension, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use url::form_urlencoded;

use self::matter::{Matter, Refusal};
use super::pool::READ_TIME;
use super::problem::Problem;
use super::{Api, BODY_TIMEOUT, Shared, plain};
use crate::model::{Feedback, FeedbackAct};
use crate::store::log_feedback;
use crate::telemetry::Phase;
use crate::template::{LinkError, Permit};
use crate::web::Peer;

/// Bytes of a form.
const FORM_BYTES_MAX: usize = 4 * 1024;
/// What a browser lets these pages do: one sheet of styles, and a form that comes back here.
const POLICY: &str =
    "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";
/// Who says what a link says: this, and the name of the sink.
const BY_LINK: &str = "link in ";
const STYLE: &str = include_str!("style.css");

impl Api {
    /// What serves the links, below `/act`.
    pub fn acts(&self) -> Router {
        Router::new().fallback(answer).with_state(Arc::clone(&self.shared))
    }
}

/// A page: status, heading, and what stands below, as markup.
struct Page {
    status: StatusCode,
    heading: String,
    below: String,
}

impl Page {
    fn words(status: StatusCode, heading: &str, words: &str) -> Self {
        Self { status, heading: heading.to_owned(), below: page::paragraph(words) }
    }
}

impl From<Problem> for Page {
    fn from(problem: Problem) -> Self {
        let status = StatusCode::from_u16(problem.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        Self::words(status, "This cannot be done now", &problem.detail)
    }
}

impl From<LinkError> for Page {
    fn from(error: LinkError) -> Self {
        match error {
            LinkError::Forged => {
                let words = format!("{error}. Open it from the message once more, or do it on the page.");
                Self::words(StatusCode::FORBIDDEN, "This link is not valid", &words)
            }
            LinkError::Expired(_) => {
                let words = format!("{error}. The page can still do it, and so can newer messages of the thread.");
                Self::words(StatusCode::GONE, "This link is too old", &words)
            }
        }
    }
}

impl From<Refusal> for Page {
    fn from(refusal: Refusal) -> Self {
        Self::words(refusal.status(), refusal.heading(), &refusal.to_string())
    }
}

async fn answer(State(shared): State<Arc<Shared>>, peer: Option<Extension<Peer>>, request: Request) -> Response {
    // Without an address nobody is at home here.
    let peer = peer.map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |Extension(Peer(address))| plain(address));
    let (kind, status, body) = match respond(&shared, peer, request).await {
        Ok(Answer::Style) => ("text/css; charset=utf-8", StatusCode::OK, STYLE.to_owned()),
        Ok(Answer::Page(shown)) | Err(shown) => {
            ("text/html; charset=utf-8", shown.status, page::document(&shown.heading, &shown.below))
        }
    };
    let mut response = (status, body).into_response();
    let headers = response.headers_mut();
    for (name, value) in [
        (header::CONTENT_TYPE, kind),
        (header::CACHE_CONTROL, "no-store"),
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (HeaderName::from_static("x-robots-tag"), "noindex, nofollow"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    if status == StatusCode::METHOD_NOT_ALLOWED {
        headers.insert(header::ALLOW, HeaderValue::from_static("GET, HEAD, POST"));
    }
    response
}

enum Answer {
    Style,
    Page(Page),
}

async fn respond(shared: &Arc<Shared>, peer: IpAddr, request: Request) -> Result<Answer, Page> {
    shared.guard.check_rate(peer)?;
    let (head, body) = request.into_parts();
    shared.guard.check_host(&head.headers)?;
    let name = head.uri.path().trim_start_matches("/act").trim_start_matches('/');
    if name == "style.css" {
        return Ok(Answer::Style);
    }
    let is_change = head.method == Method::POST;
    if !is_change && !matches!(head.method, Method::GET | Method::HEAD) {
        let words = "Links are opened (GET), and their forms are sent (POST).";
        return Err(Page::words(StatusCode::METHOD_NOT_ALLOWED, "This is not how links are used", words));
    }
    let config = shared.config();
    let links = config.web.links.as_ref().filter(|links| links.are_signed()).ok_or_else(|| {
        let words = "The config of this gainsay has no secret of links any more.";
        Page::words(StatusCode::NOT_FOUND, "There are no such links", words)
    })?;
    let now = shared.clock.now();
    let permit = links.verify(name, head.uri.query().unwrap_or_default(), now)?;
    if !matches!(shared.telemetry.pulse.phase(), Phase::Ready | Phase::Stopping) {
        return Err(Problem::busy("the daemon is starting: come back in a minute").into());
    }
    if is_change {
        let form = form(&head.headers, body).await?;
        return perform(shared, permit, form).await.map(Answer::Page);
    }
    let matter = shared.pool.read(READ_TIME, move |view| Matter::of(view, &permit, now)).await??;
    let (heading, below) = page::question(&matter?);
    Ok(Answer::Page(Page { status: StatusCode::OK, heading, below }))
}

/// The fields of a form; of several of one name the first.
async fn form(headers: &HeaderMap, body: Body) -> Result<Vec<(String, String)>, Page> {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let essence = kind.split(';').next().unwrap_or_default().trim();
    if !essence.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
        let words = "What was sent is not the form of this page.";
        return Err(Page::words(StatusCode::UNSUPPORTED_MEDIA_TYPE, "This is not the form", words));
    }
    match tokio::time::timeout(BODY_TIMEOUT, to_bytes(body, FORM_BYTES_MAX)).await {
        Ok(Ok(body)) => Ok(form_urlencoded::parse(&body).into_owned().collect()),
        Ok(Err(_)) => {
            let words = format!("It is larger than {FORM_BYTES_MAX} bytes, or broke off.");
            Err(Page::words(StatusCode::PAYLOAD_TOO_LARGE, "The form cannot be read", &words))
        }
        Err(_) => {
            Err(Page::words(StatusCode::REQUEST_TIMEOUT, "The form did not come", "It took too long: send it again."))
        }
    }
}

/// Does what the form says, unless that is so already.
async fn perform(shared: &Arc<Shared>, permit: Permit, form: Vec<(String, String)>) -> Result<Page, Page> {
    // One after the other, so that of two equal forms the second finds what the first has done.
    let _turn = shared.acting.lock().await;
    let (sink, now) = (permit.sink.clone(), shared.clock.now());
    let chosen = move |view: &crate::store::View| -> Result<Result<(FeedbackAct, bool, String), Refusal>, Problem> {
        let matter = match Matter::of(view, &permit, now)? {
            Ok(matter) => matter,
            Err(refusal) => return Ok(Err(refusal)),
        };
        let act = match matter.choice(&form) {
            Ok(act) => act,
            Err(refusal) => return Ok(Err(refusal)),
        };
        let (is_done, words) = (matter.is_done(view, &act)?, page::done(&act));
        if !is_done && matter.is_worn_out(view, now)? {
            return Ok(Err(Refusal::TooOften));
        }
        Ok(Ok((act, is_done, words)))
    };
    let (act, is_done, words) = shared.pool.read(READ_TIME, chosen).await???;
    if is_done {
        return Ok(Page::words(StatusCode::OK, "That was done already", &words));
    }
    let feedback = Feedback::new(now, Some(format!("{BY_LINK}{sink}")), act);
    let (path, logged) = (shared.config().database.clone(), feedback.clone());
    let written = tokio::task::spawn_blocking(move || log_feedback(&path, &logged)).await;
    written.map_err(|error| Problem::busy(error.to_string()))?.map_err(Problem::from)?;
    tracing::info!(feedback = %feedback.id, sink, "a reader of a message used its link");
    Ok(Page::words(StatusCode::OK, "Done", &format!("{words} It counts within a second.")))
}
