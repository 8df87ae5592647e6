//! `gainsay endpoint`: the webhook endpoints of a config and their keys, new keys, whether an endpoint answers and takes an alert; `health`
//! has how they do.

pub(super) mod args;
mod health;

use std::process::ExitCode;

use anyhow::{Context as _, Result, bail};
use jiff::Timestamp;
use serde::Serialize;
use tokio::time::Instant;

use super::table::{Cell, Column};
use super::words::minute;
use super::{Listed, print_list};
use crate::cli::ConfigArgs;
use crate::clock::{Clock as _, SystemClock};
use crate::config::{Config, Secret, SinkConfig, SinkTarget, WebhookConfig};
use crate::exit::Exit;
use crate::model::{AlertId, Rendering, shown_endpoint};
use crate::settings::Source;
use crate::sink::{BodyFormat, DeliveryError, body, reach, send, send_mail};
use crate::template::{Sent, test_alert};
use crate::terminal::{print_text, tell};
use args::{EndpointCommand, EndpointLsArgs, KeygenArgs, NamedArgs};

/// `gainsay endpoint`.
///
/// # Errors
/// If the config is bad, has no such endpoint, or the output cannot be written.
pub fn endpoint(command: &EndpointCommand) -> Result<ExitCode> {
    match command {
        EndpointCommand::Ls(args) => list(args),
        EndpointCommand::Keygen(args) => generate(*args),
        EndpointCommand::Ping(args) => ping(args),
        EndpointCommand::Test(args) => test(args),
        EndpointCommand::Status(args) => health::status(args),
        EndpointCommand::Enable(args) => health::enable(args),
    }
}

/// The config with its secrets, as the daemon reads it.
fn config(args: &ConfigArgs) -> Result<Config> {
    Ok(Source::new(args, None)?.load()?.config)
}

/// A key of an endpoint, without the key.
#[derive(Debug, Serialize)]
struct KeyLine {
    /// The version of its signatures.
    version: &'static str,
    /// What receivers verify with, where that is no secret.
    #[serde(skip_serializing_if = "Option::is_none")]
    public_key: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    until: Option<Timestamp>,
    is_expired: bool,
}

impl KeyLine {
    fn new(secret: &Secret, until: Option<Timestamp>, now: Timestamp) -> Self {
        let is_expired = until.is_some_and(|until| until <= now);
        Self { version: secret.version(), public_key: secret.public_key(), until, is_expired }
    }

    fn in_words(&self) -> String {
        let kind = self.public_key.as_deref().unwrap_or("HMAC");
        let until = self.until.map(|until| {
            let verb = if self.is_expired { "expired" } else { "until" };
            format!(", {verb} {}", minute(until))
        });
        format!("{} ({kind}{})", self.version, until.unwrap_or_default())
    }
}

/// An endpoint as `gainsay endpoint ls` prints it.
#[derive(Debug, Serialize)]
struct EndpointLine {
    name: String,
    /// Scheme, host and port: the rest may be a secret.
    address: String,
    /// In the order of their signatures.
    keys: Vec<KeyLine>,
    /// What it is shown to let us in: `basic`, `token`, `headers`, `certificate`.
    access: Vec<&'static str>,
}

impl EndpointLine {
    fn new(name: &str, webhook: &WebhookConfig, now: Timestamp) -> Self {
        let main = webhook.secret.iter().map(|secret| KeyLine::new(secret, None, now));
        let more = webhook.more_secrets.iter().map(|key| KeyLine::new(&key.secret, key.until, now));
        let headers = webhook.access.headers();
        let has_login = headers.contains_key("authorization");
        let access = [
            ("basic", webhook.access.username().is_some()),
            ("token", has_login && webhook.access.username().is_none()),
            ("headers", headers.len() > usize::from(has_login)),
            ("certificate", webhook.tls.identity.is_some()),
        ];
        Self {
            name: name.to_owned(),
            address: shown_endpoint(&webhook.url),
            keys: main.chain(more).collect(),
            access: access.into_iter().filter(|(_, is_used)| *is_used).map(|(what, _)| what).collect(),
        }
    }
}

impl Listed for EndpointLine {
    const NAMES: (&'static str, &'static str) = ("endpoint", "endpoints");
    const COLUMNS: &'static [Column] = &[
        Column::whole("NAME"),
        Column::text("ADDRESS", 16),
        Column::text("ACCESS", 6).spare(),
        Column::text("KEYS", 16),
    ];

    fn row(&self) -> Vec<Cell> {
        let keys: Vec<String> = self.keys.iter().map(KeyLine::in_words).collect();
        let keys = if keys.is_empty() { "none: not signed".to_owned() } else { keys.join(", ") };
        let access = if self.access.is_empty() { "-".to_owned() } else { self.access.join(", ") };
        vec![Cell::new(&self.name), Cell::new(&self.address), Cell::new(&access), Cell::new(&keys)]
    }
}

fn list(args: &EndpointLsArgs) -> Result<ExitCode> {
    let (config, now) = (config(&args.source)?, SystemClock.now());
    let sinks = config.sinks.iter().filter_map(|sink| Some((sink, sink.target.webhook()?)));
    let lines: Vec<EndpointLine> = sinks.map(|(sink, webhook)| EndpointLine::new(&sink.name, webhook, now)).collect();
    print_list(args.format, &lines, 0)?;
    Ok(ExitCode::SUCCESS)
}

/// The key alone on standard output, so that it can be led into a file; what else there is to say on standard error.
fn generate(args: KeygenArgs) -> Result<ExitCode> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).map_err(|error| anyhow::anyhow!("this system gives no random bytes: {error}"))?;
    let secret = if args.ed25519 { Secret::private(&bytes) } else { Secret::new(bytes.to_vec()) };
    print_text(&format!("{}\n", secret.reveal()))?;
    match secret.public_key() {
        Some(public) => tell(format_args!("receivers verify with the public key {public}\n")),
        None => tell(format_args!("receivers verify with the same key: hand it over where nobody listens\n")),
    }
    Ok(ExitCode::SUCCESS)
}

/// The webhook sink of this name.
fn named<'c>(config: &'c Config, name: &str) -> Result<(&'c SinkConfig, &'c WebhookConfig)> {
    let Some(sink) = config.sinks.iter().find(|sink| sink.name == name) else {
        let names: Vec<&str> =
            config.sinks.iter().filter(|sink| sink.target.webhook().is_some()).map(|sink| sink.name.as_str()).collect();
        bail!("there is no sink {name:?}; endpoints of this config: {}", names.join(", "));
    };
    let webhook = sink.target.webhook().with_context(|| format!("the sink {name:?} is no webhook"))?;
    Ok((sink, webhook))
}

fn ping(args: &NamedArgs) -> Result<ExitCode> {
    let config = config(&args.source)?;
    let (_, webhook) = named(&config, &args.name)?;
    let asked = timed(async { reach(webhook).await })?;
    report(&args.name, webhook, "HEAD / answers", asked)
}

fn test(args: &NamedArgs) -> Result<ExitCode> {
    let config = config(&args.source)?;
    let Some(sink) = config.sinks.iter().find(|sink| sink.name == args.name) else {
        named(&config, &args.name)?;
        return Ok(Exit::Failed.into());
    };
    let mut random = [0; 16];
    getrandom::fill(&mut random).map_err(|error| anyhow::anyhow!("this system gives no random bytes: {error}"))?;
    // Receivers drop ids that they have seen.
    let id = AlertId::of(&[b"test", &random]);
    let now = SystemClock.now();
    let alert = test_alert(id, now);
    let sent = Sent { links: config.web.links.as_deref(), sink: &sink.name };
    let rendering = match sink.target.form() {
        Some(form) => form.render(&alert, sent).context("the template fails for the test alert")?,
        None => Rendering::json(body(&alert, BodyFormat::of(&sink.target))),
    };
    let id = id.to_string();
    if let SinkTarget::Mail(mail) = &sink.target {
        let (sent, milliseconds) = timed(async { send_mail(mail, &rendering.body).await })?;
        let host = format!("{}:{}", mail.server, mail.port);
        let said = sent.map(|()| format!("the test alert {id} was taken"));
        return told(&args.name, &host, said, milliseconds);
    }
    let (_, webhook) = named(&config, &args.name)?;
    let sent = timed(async { send(webhook, &id, rendering, now).await })?;
    report(&args.name, webhook, &format!("the test alert {id} was answered"), sent)
}

/// Waits for an answer; gives the milliseconds that it took, too.
fn timed<T>(answer: impl Future<Output = Result<T, DeliveryError>>) -> Result<(Result<T, DeliveryError>, u128)> {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().context("cannot start the runtime")?;
    Ok(runtime.block_on(async {
        let started = Instant::now();
        let answer = answer.await;
        (answer, started.elapsed().as_millis())
    }))
}

/// Says what was answered; the exit code says whether that is a success.
fn report(
    name: &str,
    webhook: &WebhookConfig,
    what: &str,
    (answer, milliseconds): (Result<u16, DeliveryError>, u128),
) -> Result<ExitCode> {
    told(name, &shown_endpoint(&webhook.url), answer.map(|status| format!("{what} {status}")), milliseconds)
}

fn told(name: &str, host: &str, answer: Result<String, DeliveryError>, milliseconds: u128) -> Result<ExitCode> {
    match answer {
        Ok(what) => {
            print_text(&format!("{name}: {host}: {what} in {milliseconds} ms\n"))?;
            Ok(ExitCode::SUCCESS)
        }
        Err(error) => {
            tell(format_args!("{name}: {host}: {error} ({milliseconds} ms)\n"));
            Ok(Exit::Failed.into())
        }
    }
}
