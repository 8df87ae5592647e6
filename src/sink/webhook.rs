//! Alerts as webhooks, signed by Standard Webhooks 1.0: takes the stored bytes and posts exactly those.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, RETRY_AFTER};
use reqwest::{Certificate, Client, ClientBuilder, Identity, Response, StatusCode, redirect};
use tokio::time::{Instant, timeout_at};

use crate::config::{EndpointTls, WebhookConfig};
use crate::guard::{Refused, endpoint_resolver};
use crate::http;
use crate::model::Rendering;

use super::error::on_one_line;
use super::sign::Keys;
use super::{DeliveryError, tls};

/// Bytes read of an answer.
const ANSWER_BYTES_MAX: usize = 4 << 10;

/// How long these may take after the status is known, which alone decides: a receiver that never ends its answer costs no more.
const ANSWER_WAIT: Duration = Duration::from_millis(500);

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
    keys: Keys,
    /// What the endpoint is shown to let us in.
    headers: HeaderMap,
    timeout: Duration,
    connect_timeout: Duration,
}

impl Webhook {
    pub(super) fn new(config: &WebhookConfig) -> Result<Self, DeliveryError> {
        // It may be there already: another part of the program needs the same one.
        drop(rustls::crypto::ring::default_provider().install_default());
        let unmade = |error| DeliveryError::Client { detail: in_words(error) };
        let client = with_tls(Client::builder(), &config.tls)
            .map_err(unmade)?
            .user_agent(concat!("gainsay/", env!("CARGO_PKG_VERSION")))
            .timeout(config.timeout)
            .connect_timeout(config.connect_timeout)
            // Asked at each connection, so that a name that changes its mind is judged by what it says then.
            .dns_resolver(Arc::new(endpoint_resolver(config.network.allow.clone().into())))
            .redirect(redirect::Policy::none())
            .retry(reqwest::retry::never())
            .no_proxy()
            .pool_max_idle_per_host(config.concurrency_max)
            .build()
            .map_err(unmade)?;
        Ok(Self {
            client,
            url: config.url.clone(),
            keys: Keys::of(config),
            headers: config.access.headers().clone(),
            timeout: config.timeout,
            connect_timeout: config.connect_timeout,
        })
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
        if let Some(refused) = http::cause::<Refused>(&error) {
            return DeliveryError::Refused(refused.clone());
        }
        match http::cause(&error).and_then(tls::in_words) {
            Some(what) => DeliveryError::Tls { what },
            None if error.is_timeout() && error.is_connect() => {
                DeliveryError::Unreachable { limit: self.connect_timeout.min(self.timeout) }
            }
            None if error.is_timeout() => DeliveryError::Timeout { limit: self.timeout },
            None => DeliveryError::Connection { detail: in_words(error) },
        }
    }

    /// One attempt, which starts at `now`. An answer that comes too late, or whose status never comes whole, is none.
    pub(super) async fn send(
        &self,
        id: &str,
        Rendering { content_type, headers, body }: Rendering,
        now: Timestamp,
    ) -> Result<Answer, DeliveryError> {
        // These go before what the config sets, which would be another event. What was stored is valid.
        let own = headers
            .iter()
            .filter_map(|(name, value)| Some((HeaderName::try_from(name).ok()?, HeaderValue::try_from(value).ok()?)));
        let mut request = self
            .client
            .post(self.url.clone())
            .headers(self.headers.clone())
            .headers(own.collect())
            .header(CONTENT_TYPE, content_type)
            .header("webhook-id", id)
            .header("webhook-timestamp", now.as_second());
        if let Some(signatures) = self.keys.signatures(id, now, &body) {
            request = request.header("webhook-signature", signatures);
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

/// One attempt outside the outbox, with exactly these bytes; gives the status of a success. For a test of the endpoint.
///
/// # Errors
/// When the endpoint does not take it.
pub async fn send(
    config: &WebhookConfig,
    id: &str,
    rendering: Rendering,
    now: Timestamp,
) -> Result<u16, DeliveryError> {
    Ok(Webhook::new(config)?.send(id, rendering, now).await?.status)
}

/// The client with the authorities and our certificate, which were tried when the config was read.
fn with_tls(mut client: ClientBuilder, tls: &EndpointTls) -> reqwest::Result<ClientBuilder> {
    if let Some(file) = &tls.authorities {
        client = client.tls_certs_merge(Certificate::from_pem_bundle(file.text.as_bytes())?);
    }
    if let Some((certificate, key)) = &tls.identity {
        client = client.identity(Identity::from_pem(format!("{}\n{}", certificate.text, key.text).as_bytes())?);
    }
    Ok(client)
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
    on_one_line(&String::from_utf8_lossy(&bytes))
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
