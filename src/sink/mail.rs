//! Alerts as e-mail over SMTP: takes the stored bytes of a message and hands exactly those to the mail server.
//!
//! One connection for mails that follow one another, and all recipients or none: where the server refuses one, nobody gets the mail.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use lettre::address::Envelope;
use lettre::transport::smtp;
use lettre::transport::smtp::authentication::{Credentials, DEFAULT_MECHANISMS};
use lettre::transport::smtp::client::{AsyncSmtpConnection, AsyncTokioStream, Certificate, TlsParameters};
use lettre::transport::smtp::extension::ClientId;
use rustls::ClientConfig;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls_platform_verifier::Verifier;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::error::on_one_line;
use super::{DeliveryError, tls};
use crate::config::{MailConfig, MailTls};
use crate::http;

/// Bytes read of one connection: what a server has to say is short.
const ANSWER_BYTES_MAX: usize = 256 << 10;
/// Mails over one connection: servers put an end to more, and what they say to so many is within [`ANSWER_BYTES_MAX`].
const MAILS_MAX: u32 = 50;
/// Time for the farewell, when the server has the mail already.
const FAREWELL: Duration = Duration::from_secs(2);
/// Refusals that are about us and not about the mail: it may be taken when the operator has seen to them.
const ABOUT_US: [u16; 4] = [530, 534, 535, 538];

/// One mail server.
pub(super) struct Mail {
    config: MailConfig,
    envelope: Envelope,
    name: ClientId,
    encryption: Encryption,
    /// The connection of the last mail, for the next one.
    kept: Mutex<Option<Kept>>,
}

/// A connection over which so many mails went.
struct Kept {
    connection: AsyncSmtpConnection,
    mails: u32,
}

enum Encryption {
    None,
    /// Begun in the midst of the conversation.
    Within(Box<TlsParameters>),
    /// Around all of it.
    Around {
        connector: TlsConnector,
        server: ServerName<'static>,
    },
}

impl Mail {
    pub(super) fn new(config: &MailConfig) -> Result<Self, DeliveryError> {
        // It may be there already: another part of the program needs the same one.
        drop(rustls::crypto::ring::default_provider().install_default());
        let form = &config.form;
        let to = form.to.iter().map(|mailbox| mailbox.email.clone()).collect();
        let envelope = Envelope::new(Some(form.from.email.clone()), to).map_err(unmade)?;
        let encryption = match config.tls {
            MailTls::None => Encryption::None,
            MailTls::StartTls => Encryption::Within(Box::new(parameters(config).map_err(unmade)?)),
            MailTls::Tls => Encryption::Around {
                connector: connector(config)?,
                server: ServerName::try_from(config.server.clone()).map_err(unmade)?,
            },
        };
        let name = ClientId::Domain(form.from.email.domain().to_owned());
        Ok(Self { config: config.clone(), envelope, name, encryption, kept: Mutex::default() })
    }

    /// One attempt to hand over a message. The connection is kept for the next one, until [`rest`](Self::rest).
    pub(super) async fn send(&self, message: &[u8]) -> Result<(), DeliveryError> {
        let limit = self.config.timeout;
        let handed = timeout(limit, self.hand_over(message)).await;
        let kept = handed.unwrap_or(Err(DeliveryError::Timeout { limit }))?;
        self.keep(Some(kept));
        Ok(())
    }

    /// Takes leave of the server, when no other mail follows.
    pub(super) async fn rest(&self) {
        if let Some(mut kept) = self.keep(None) {
            // The server has the mails, whatever becomes of the farewell.
            drop(timeout(FAREWELL, kept.connection.quit()).await);
        }
    }

    /// Puts a connection in the place of the one that is kept.
    fn keep(&self, kept: Option<Kept>) -> Option<Kept> {
        std::mem::replace(&mut *self.kept.lock().unwrap_or_else(PoisonError::into_inner), kept)
    }

    async fn hand_over(&self, message: &[u8]) -> Result<Kept, DeliveryError> {
        let mut kept = self.conversation().await?;
        let sent = kept.connection.send(&self.envelope, message).await;
        sent.map_err(|error| failure(&error, About::Mail))?;
        kept.mails += 1;
        Ok(kept)
    }

    /// The connection of the last mail where the server still answers on it, else a new one. It is asked before the mail: one whose
    /// fate is not known would be sent twice.
    async fn conversation(&self) -> Result<Kept, DeliveryError> {
        if let Some(mut kept) = self.keep(None) {
            if kept.mails < MAILS_MAX && kept.connection.test_connected().await {
                return Ok(kept);
            }
            drop(timeout(FAREWELL, kept.connection.quit()).await);
        }
        Ok(Kept { connection: self.let_in().await?, mails: 0 })
    }

    async fn let_in(&self) -> Result<AsyncSmtpConnection, DeliveryError> {
        let mut connection = self.connect().await?;
        if let Some(login) = &self.config.login {
            let credentials = Credentials::new(login.username.clone(), login.password.clone());
            let let_in = connection.auth(DEFAULT_MECHANISMS, &credentials).await;
            let_in.map_err(|error| failure(&error, About::Us))?;
        }
        Ok(connection)
    }

    async fn connect(&self) -> Result<AsyncSmtpConnection, DeliveryError> {
        let stream = TcpStream::connect((self.config.server.as_str(), self.config.port)).await.map_err(cut)?;
        let address = stream.peer_addr().map_err(cut)?;
        let stream = Bounded { stream, left: ANSWER_BYTES_MAX };
        let stream: Box<dyn AsyncTokioStream> = match &self.encryption {
            Encryption::Around { connector, server } => {
                let stream = connector.connect(server.clone(), stream).await.map_err(cut)?;
                Box::new(Conversation { stream: Over::Tls(Box::new(stream)), address })
            }
            _ => Box::new(Conversation { stream: Over::Tcp(stream), address }),
        };
        let greeted = AsyncSmtpConnection::connect_with_transport(stream, &self.name).await;
        let mut connection = greeted.map_err(|error| failure(&error, About::Us))?;
        if let Encryption::Within(parameters) = &self.encryption {
            let begun = connection.starttls((**parameters).clone(), &self.name).await;
            begun.map_err(|error| failure(&error, About::Us))?;
        }
        Ok(connection)
    }
}

/// What a refusal is about.
#[derive(Clone, Copy, PartialEq, Eq)]
enum About {
    /// The connection and who we are.
    Us,
    /// This mail and its recipients.
    Mail,
}

fn failure(error: &smtp::Error, about: About) -> DeliveryError {
    if let Some(what) = http::cause(error).and_then(tls::in_words) {
        return DeliveryError::Tls { what };
    }
    let detail = std::error::Error::source(error).map_or_else(|| error.to_string(), ToString::to_string);
    let detail = on_one_line(&detail);
    let Some(code) = error.status().and_then(|code| code.to_string().parse::<u16>().ok()) else {
        return DeliveryError::Connection { detail };
    };
    let is_final = about == About::Mail && error.is_permanent() && !ABOUT_US.contains(&code);
    DeliveryError::Mail { code, is_final, detail }
}

#[expect(clippy::needless_pass_by_value, reason = "what map_err gives")]
fn cut(error: io::Error) -> DeliveryError {
    match http::cause(&error).and_then(tls::in_words) {
        Some(what) => DeliveryError::Tls { what },
        None => DeliveryError::Connection { detail: on_one_line(&error.to_string()) },
    }
}

#[expect(clippy::needless_pass_by_value, reason = "what map_err gives")]
fn unmade(error: impl ToString) -> DeliveryError {
    DeliveryError::Client { detail: error.to_string() }
}

/// For TLS within: the system's authorities and ours, as everywhere else.
fn parameters(config: &MailConfig) -> Result<TlsParameters, smtp::Error> {
    let mut builder = TlsParameters::builder(config.server.clone());
    if let Some(file) = &config.authorities {
        builder = builder.add_root_certificate(Certificate::from_pem(file.text.as_bytes())?);
    }
    builder.build()
}

/// For TLS around: the same.
fn connector(config: &MailConfig) -> Result<TlsConnector, DeliveryError> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let text = config.authorities.as_ref().map_or("", |file| &file.text);
    let ours: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(text.as_bytes()).collect();
    let verifier = Verifier::new_with_extra_roots(ours.map_err(unmade)?, Arc::clone(&provider)).map_err(unmade)?;
    let tls = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(unmade)?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier))
        .with_no_client_auth();
    Ok(TlsConnector::from(Arc::new(tls)))
}

/// A connection of which so much is read and no more: a server that answers without end costs no memory.
#[derive(Debug)]
struct Bounded {
    stream: TcpStream,
    left: usize,
}

impl AsyncRead for Bounded {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if self.left == 0 {
            return Poll::Ready(Err(io::Error::other("the mail server answers without end")));
        }
        let before = bytes.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(context, bytes);
        self.left = self.left.saturating_sub(bytes.filled().len() - before);
        read
    }
}

impl AsyncWrite for Bounded {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

/// What the conversation goes over.
#[derive(Debug)]
struct Conversation {
    stream: Over,
    address: SocketAddr,
}

#[derive(Debug)]
enum Over {
    Tcp(Bounded),
    Tls(Box<TlsStream<Bounded>>),
}

impl AsyncTokioStream for Conversation {
    fn peer_addr(&self) -> io::Result<SocketAddr> {
        Ok(self.address)
    }
}

impl AsyncRead for Conversation {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match &mut self.stream {
            Over::Tcp(stream) => Pin::new(stream).poll_read(context, bytes),
            Over::Tls(stream) => Pin::new(stream).poll_read(context, bytes),
        }
    }
}

impl AsyncWrite for Conversation {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match &mut self.stream {
            Over::Tcp(stream) => Pin::new(stream).poll_write(context, bytes),
            Over::Tls(stream) => Pin::new(stream).poll_write(context, bytes),
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.stream {
            Over::Tcp(stream) => Pin::new(stream).poll_flush(context),
            Over::Tls(stream) => Pin::new(stream).poll_flush(context),
        }
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.stream {
            Over::Tcp(stream) => Pin::new(stream).poll_shutdown(context),
            Over::Tls(stream) => Pin::new(stream).poll_shutdown(context),
        }
    }
}

/// One attempt outside the outbox, with exactly these bytes. For a test of the server.
///
/// # Errors
/// When the server does not take it.
pub async fn send_mail(config: &MailConfig, message: &[u8]) -> Result<(), DeliveryError> {
    let mail = Mail::new(config)?;
    mail.send(message).await?;
    mail.rest().await;
    Ok(())
}
