//! Alerts as webhooks, signed by Standard Webhooks 1.0 (`v1`): takes the stored bytes and posts exactly those.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac};
use jiff::Timestamp;
use reqwest::header::{CONTENT_TYPE, RETRY_AFTER};
use reqwest::{Client, Response, StatusCode, redirect};
use sha2::Sha256;
use tokio::time::{Instant, timeout_at};

use crate::config::{Secret, WebhookConfig};
use crate::http;

use super::DeliveryError;

/// Bytes read of an answer.
const ANSWER_BYTES_MAX: usize = 4 << 10;

/// How long these may take after the status is known, which alone decides: a receiver that never ends its answer costs no more.
const ANSWER_WAIT: Duration = Duration::from_millis(500);

/// Characters kept of it.
const DETAIL_CHARACTERS_MAX: usize = 200;

/// How far a receiver's clock may be from ours.
const TOLERANCE: Duration = Duration::from_mins(5);

/// The answer of a receiver that has the alert.
pub(super) struct Answer {
    /// Its status code.
    pub(super) status: u16,
    /// The beginning of its body.
    pub(super) head: String,
}

/// One endpoint with its client.
pub(super) struct Webhook {
    client: Client,
    url: reqwest::Url,
    secret: Option<Secret>,
    timeout: Duration,
}

impl Webhook {
    pub(super) fn new(config: &WebhookConfig) -> Result<Self, DeliveryError> {
        // It may be there already: another part of the program needs the same one.
        drop(rustls::crypto::ring::default_provider().install_default());
        let client = Client::builder()
            .user_agent(concat!("gainsay/", env!("CARGO_PKG_VERSION")))
            .timeout(config.timeout)
            .redirect(redirect::Policy::none())
            .retry(reqwest::retry::never())
            .no_proxy()
            .pool_max_idle_per_host(config.concurrency_max)
            .build()
            .map_err(|error| DeliveryError::Client { detail: in_words(error) })?;
        Ok(Self { client, url: config.url.clone(), secret: config.secret.clone(), timeout: config.timeout })
    }

    /// Connects to the endpoint's host and asks for `/` with HEAD: no alert, no signature, nothing of the path, which may be a
    /// secret. Whatever is answered, the host is there.
    async fn reach(&self) -> Result<u16, DeliveryError> {
        let mut origin = self.url.clone();
        origin.set_path("/");
        origin.set_query(None);
        origin.set_fragment(None);
        // Neither can fail for an address with a host.
        origin.set_username("").ok();
        origin.set_password(None).ok();
        let answer = self.client.head(origin).send().await;
        answer.map(|response| response.status().as_u16()).map_err(|error| self.failure(error))
    }

    fn failure(&self, error: reqwest::Error) -> DeliveryError {
        if error.is_timeout() {
            DeliveryError::Timeout { limit: self.timeout }
        } else {
            DeliveryError::Connection { detail: in_words(error) }
        }
    }

    /// One attempt, which starts at `now`. An answer that comes too late, or whose status never comes whole, is none.
    pub(super) async fn send(
        &self,
        id: &str,
        content_type: &str,
        body: Vec<u8>,
        now: Timestamp,
    ) -> Result<Answer, DeliveryError> {
        let timestamp = now.as_second();
        let mut request = self
            .client
            .post(self.url.clone())
            .header(CONTENT_TYPE, content_type)
            .header("webhook-id", id)
            .header("webhook-timestamp", timestamp);
        if let Some(secret) = &self.secret {
            request = request.header("webhook-signature", sign(secret.bytes(), id, timestamp, &body));
        }
        let response = request.body(body).send().await.map_err(|error| self.failure(error))?;
        let status = response.status();
        let retry_after = retry_after(&response, now);
        let (status, head) = (status.as_u16(), beginning(response).await);
        if (200..300).contains(&status) {
            return Ok(Answer { status, head });
        }
        Err(DeliveryError::Status { status, retry_after, detail: head })
    }
}

/// Whether the endpoint's host can be reached, over TLS where the address says so: the status with which it answers HEAD on `/`.
/// Sends neither an alert nor anything secret.
///
/// # Errors
/// When there is no answer.
pub async fn reach(config: &WebhookConfig) -> Result<u16, DeliveryError> {
    Webhook::new(config)?.reach().await
}

fn retry_after(response: &Response, now: Timestamp) -> Option<Duration> {
    matches!(
        response.status(),
        StatusCode::TOO_MANY_REQUESTS
            | StatusCode::BAD_GATEWAY
            | StatusCode::SERVICE_UNAVAILABLE
            | StatusCode::GATEWAY_TIMEOUT
    )
    .then(|| http::retry_after(response.headers().get(RETRY_AFTER)?.to_str().ok()?, now))
    .flatten()
}

/// The beginning of an answer on one line, without what could upset a terminal; what cannot be read soon is left out.
async fn beginning(mut response: Response) -> String {
    let mut bytes = Vec::new();
    let deadline = Instant::now() + ANSWER_WAIT;
    while bytes.len() < ANSWER_BYTES_MAX
        && let Ok(Ok(Some(chunk))) = timeout_at(deadline, response.chunk()).await
    {
        bytes.extend(chunk.into_iter().take(ANSWER_BYTES_MAX - bytes.len()));
    }
    let text = String::from_utf8_lossy(&bytes);
    let words = text.split(|character: char| character.is_whitespace() || character.is_control());
    let line = words.filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ");
    line.chars().take(DETAIL_CHARACTERS_MAX).collect()
}

/// An error with its causes but without the address, which may hold a password.
fn in_words(error: reqwest::Error) -> String {
    let error = error.without_url();
    let mut words = error.to_string();
    let mut cause = std::error::Error::source(&error);
    while let Some(error) = cause {
        words.push_str(": ");
        words.push_str(&error.to_string());
        cause = error.source();
    }
    words
}

/// The value of `webhook-signature` for a webhook.
pub fn sign(secret: &[u8], id: &str, timestamp: i64, body: &[u8]) -> String {
    let signature = mac(secret, id, &timestamp.to_string(), body).finalize().into_bytes();
    format!("v1,{}", STANDARD.encode(signature))
}

/// Why a webhook is not to be trusted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum VerifyError {
    /// The timestamp is no number of seconds since 1970.
    #[error("the timestamp is not a number of seconds")]
    Timestamp,
    /// The timestamp is more than five minutes from now: an old webhook, played again, or a clock that is wrong.
    #[error("the timestamp is more than five minutes from now")]
    Stale,
    /// None of the signatures fits.
    #[error("no signature fits")]
    Signature,
}

/// Whether somebody who knows the secret has signed this webhook in the last five minutes. `signatures` is the list in
/// `webhook-signature`; one that fits is enough. Takes the same time whichever byte differs.
///
/// # Errors
/// When the timestamp is too far from `now` or no signature fits.
pub fn verify(
    secret: &[u8],
    id: &str,
    timestamp: &str,
    signatures: &str,
    body: &[u8],
    now: Timestamp,
) -> Result<(), VerifyError> {
    let seconds = timestamp.parse().map_err(|_| VerifyError::Timestamp)?;
    let signed_at = Timestamp::from_second(seconds).map_err(|_| VerifyError::Timestamp)?;
    if signed_at.duration_since(now).unsigned_abs() > TOLERANCE {
        return Err(VerifyError::Stale);
    }
    let mac = mac(secret, id, timestamp, body);
    let fits = |signature: &str| {
        let bytes = signature.strip_prefix("v1,").and_then(|encoded| STANDARD.decode(encoded).ok());
        bytes.is_some_and(|bytes| mac.clone().verify_slice(&bytes).is_ok())
    };
    signatures.split(' ').any(fits).then_some(()).ok_or(VerifyError::Signature)
}

fn mac(secret: &[u8], id: &str, timestamp: &str, body: &[u8]) -> Hmac<Sha256> {
    #[expect(clippy::expect_used, reason = "HMAC is defined for keys of every length")]
    let mac = Hmac::<Sha256>::new_from_slice(secret).expect("HMAC takes keys of every length");
    [id.as_bytes(), b".", timestamp.as_bytes(), b".", body].into_iter().fold(mac, Mac::chain_update)
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "C2FVsBQIhrscChlQIMV+b5sSYspob7oD";
    const ID: &str = "msg_27UH4WbU6Z5A5EzD8u03UvzRbpk";
    const BODY: &[u8] = br#"{"email":"test@example.com","username":"test_user"}"#;
    const SIGNATURE: &str = "v1,tZ1I4/hDygAJgO5TYxiSd6Sd0kDW6hPenDe+bTa3Kkw=";
    const SIGNED_AT: i64 = 1_649_367_553;

    fn key() -> Vec<u8> {
        STANDARD.decode(KEY).unwrap()
    }

    #[test]
    fn signs_as_the_reference_does() {
        assert_eq!(sign(&key(), ID, SIGNED_AT, BODY), SIGNATURE);
    }

    #[track_caller]
    fn check(id: &str, timestamp: &str, signatures: &str, body: &[u8], age: i64, expected: Result<(), VerifyError>) {
        let now = Timestamp::from_second(SIGNED_AT + age).unwrap();
        assert_eq!(verify(&key(), id, timestamp, signatures, body, now), expected);
    }

    #[test]
    fn trusts_only_what_was_signed() {
        let timestamp = SIGNED_AT.to_string();
        check(ID, &timestamp, SIGNATURE, BODY, 0, Ok(()));
        check(ID, &timestamp, &format!("v1a,AAAA v1,AAAA {SIGNATURE}"), BODY, 0, Ok(()));
        let refused = Err(VerifyError::Signature);
        check("msg_1", &timestamp, SIGNATURE, BODY, 0, refused);
        check(ID, &(SIGNED_AT + 1).to_string(), SIGNATURE, BODY, 0, refused);
        check(ID, &timestamp, SIGNATURE, b"{}", 0, refused);
        for signatures in
            ["", " ", "v1", "v1,", "v1,AAAA", "v1,%%%", &SIGNATURE.replace("v1", "v2"), SIGNATURE.trim_end_matches('=')]
        {
            check(ID, &timestamp, signatures, BODY, 0, refused);
        }
    }

    #[test]
    fn trusts_only_for_five_minutes() {
        let timestamp = SIGNED_AT.to_string();
        check(ID, &timestamp, SIGNATURE, BODY, 300, Ok(()));
        check(ID, &timestamp, SIGNATURE, BODY, -300, Ok(()));
        check(ID, &timestamp, SIGNATURE, BODY, 301, Err(VerifyError::Stale));
        check(ID, &timestamp, SIGNATURE, BODY, -301, Err(VerifyError::Stale));
        for nonsense in ["", "now", "1.5", "99999999999999999", "99999999999999999999"] {
            check(ID, nonsense, SIGNATURE, BODY, 0, Err(VerifyError::Timestamp));
        }
    }
}
