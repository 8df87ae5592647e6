//! What a client did wrong, or what cannot be done, as `application/problem+json` (RFC 9457).

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use schemars::JsonSchema;
use serde::Serialize;

use crate::store::StoreError;

/// An error as it is answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub(super) struct Problem {
    /// Always `about:blank`: the status says what kind it is.
    #[serde(rename = "type")]
    kind: &'static str,
    /// The status in words.
    title: &'static str,
    /// The status of the answer.
    pub(super) status: u16,
    /// What is wrong with this request, and what would be accepted.
    pub(super) detail: String,
    /// Feeds that could be added in place of what was asked for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(default)]
    feeds: Vec<Choice>,
    /// Methods that the path takes, where it was asked for another one.
    #[serde(skip)]
    allow: Option<String>,
}

/// A feed that was found behind an address.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub(super) struct Choice {
    /// Its address.
    pub(super) url: String,
    /// Its title, which may be empty.
    pub(super) title: String,
    /// Its format in a word or two.
    pub(super) format: &'static str,
    /// Its entries.
    pub(super) entries: usize,
    /// When its newest entry was published.
    pub(super) newest: Option<String>,
    /// How it was found, in words.
    pub(super) found: &'static str,
}

impl Problem {
    pub(super) fn new(status: StatusCode, detail: impl Into<String>) -> Self {
        let title = status.canonical_reason().unwrap_or("Error");
        Self {
            kind: "about:blank",
            title,
            status: status.as_u16(),
            detail: detail.into(),
            feeds: Vec::new(),
            allow: None,
        }
    }

    pub(super) fn allowing(self, methods: String) -> Self {
        Self { allow: Some(methods), ..self }
    }

    pub(super) fn offering(self, feeds: Vec<Choice>) -> Self {
        Self { feeds, ..self }
    }

    pub(super) fn bad(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, detail)
    }

    pub(super) fn missing(what: &str) -> Self {
        Self::new(StatusCode::NOT_FOUND, format!("there is no such {what}, or it is no longer kept"))
    }

    pub(super) fn busy(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, detail)
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        if let StoreError::Database(inner) = &error
            && inner.sqlite_error_code() == Some(rusqlite::ErrorCode::OperationInterrupted)
        {
            return Self::busy("this takes too long: narrow it, for example with since");
        }
        tracing::warn!(%error, "the API cannot read the database");
        Self::busy("the database cannot be read")
    }
}

impl From<anyhow::Error> for Problem {
    fn from(error: anyhow::Error) -> Self {
        match error.downcast::<StoreError>() {
            Ok(error) => error.into(),
            Err(error) => Self::new(StatusCode::UNPROCESSABLE_ENTITY, format!("{error:#}")),
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut body = Vec::new();
        // Only memory is written to.
        crate::json::write(&mut body, &self).unwrap_or_default();
        let mut response = (status, [(header::CONTENT_TYPE, "application/problem+json")], body).into_response();
        let headers = response.headers_mut();
        if status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"gainsay\""));
        }
        if matches!(status, StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE) {
            headers.insert(header::RETRY_AFTER, HeaderValue::from_static("2"));
        }
        if let Some(allow) = self.allow.and_then(|allow| HeaderValue::from_str(&allow).ok()) {
            headers.insert(header::ALLOW, allow);
        }
        response
    }
}
