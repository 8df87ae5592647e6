//! Alerts as chat services and other receivers want them: a template and an alert in, the bytes of a request out. `config` reads and
//! tries templates, the desk renders each alert once, when it enters the outbox.
//!
//! Templates are those of minijinja. What `{{ … }}` prints is JSON (a string comes with its quotes and escapes), so that no text of a
//! feed can break out of its string; with a content type that is not JSON it is printed as it is. They are given `alert`, as
//! `gainsay schema alert` describes it, `message`, its parts made ready for people, `links` and `topic`.

mod cloud_event;
mod escape;
mod form;
mod link;
mod mail;
mod mail_text;
mod message;
mod sample;

use std::fmt;
use std::io::{self, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::Arc;

use minijinja::{AutoEscape, Environment, UndefinedBehavior, Value, context};
use serde::Deserialize as _;

use crate::model::{Alert, Rendering};

pub use cloud_event::Mode as CloudEventMode;
pub use escape::html;
pub use form::Form;
pub use link::{LinkAct, LinkError, Links, Permit, Sent};
pub use mail::MailForm;
pub use sample::test_alert;

/// Bytes of a rendered body: chat services take less.
pub const BODY_BYTES_MAX: usize = 64 << 10;
/// Steps of the template engine for one alert: far more than a template of a page takes for a digest of a thousand entries.
const FUEL: u64 = 500_000;
/// Bytes of a template.
pub const SOURCE_BYTES_MAX: usize = 256 << 10;
/// What an alert is cut to whose body would be too large: characters of a text …
const SHORT_CHARACTERS: usize = 300;
/// … and elements of a list.
const SHORT_ELEMENTS: usize = 20;

const JSON: &str = "application/json";
/// The one template of an environment.
const NAME: &str = "template";

/// A template that comes with gainsay.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Preset {
    /// Slack's incoming webhooks.
    Slack,
    /// Discord's webhooks.
    Discord,
    /// Teams' workflows: an Adaptive Card.
    Teams,
    /// Mattermost's incoming webhooks.
    Mattermost,
    /// ntfy's publishing as JSON.
    Ntfy,
}

impl Preset {
    /// All with their names.
    pub const NAMES: [(&str, Self); 5] = [
        ("slack", Self::Slack),
        ("discord", Self::Discord),
        ("teams", Self::Teams),
        ("mattermost", Self::Mattermost),
        ("ntfy", Self::Ntfy),
    ];

    fn source(self) -> &'static str {
        match self {
            Self::Slack => include_str!("../config/templates/slack.jinja"),
            Self::Discord => include_str!("../config/templates/discord.jinja"),
            Self::Teams => include_str!("../config/templates/teams.jinja"),
            Self::Mattermost => include_str!("../config/templates/mattermost.jinja"),
            Self::Ntfy => include_str!("../config/templates/ntfy.jinja"),
        }
    }

    /// Its name.
    pub fn as_str(self) -> &'static str {
        Self::NAMES.into_iter().find(|(_, preset)| *preset == self).map_or("", |(name, _)| name)
    }
}

/// What is wrong with a template, or with what came out of it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}{what}", line.map_or_else(String::new, |line| format!("line {line}: ")))]
pub struct TemplateError {
    /// Line of the template, from 1, where it is known.
    pub line: Option<usize>,
    /// In words.
    pub what: String,
}

/// Where a template comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TemplateName {
    /// It comes with gainsay.
    Preset(Preset),
    /// From this file.
    File(PathBuf),
}

/// A template that has been tried on every type of alert.
#[derive(Clone)]
pub struct Template {
    name: TemplateName,
    source: Arc<str>,
    content_type: String,
    topic: Option<String>,
    environment: Arc<Environment<'static>>,
}

impl PartialEq for Template {
    fn eq(&self, other: &Self) -> bool {
        let parts =
            |one: &Self| (one.name.clone(), Arc::clone(&one.source), one.content_type.clone(), one.topic.clone());
        parts(self) == parts(other)
    }
}

impl fmt::Debug for Template {
    /// Without the topic, which may be all that keeps strangers out.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Template")
            .field("name", &self.name)
            .field("content_type", &self.content_type)
            .finish_non_exhaustive()
    }
}

impl Template {
    /// A template that comes with gainsay; `topic` is what ntfy publishes under.
    ///
    /// # Errors
    /// None that its tests have not seen.
    pub fn preset(preset: Preset, topic: Option<String>) -> Result<Self, TemplateError> {
        Self::compiled(TemplateName::Preset(preset), preset.source().into(), JSON.to_owned(), topic)
    }

    /// A template of the operator's own, for bodies of this content type; tried on samples of every type of alert.
    ///
    /// # Errors
    /// When it cannot be read, or fails for a sample, or gives no JSON where the content type says so.
    pub fn own(file: PathBuf, source: String, content_type: Option<String>) -> Result<Self, TemplateError> {
        if source.len() > SOURCE_BYTES_MAX {
            return Err(TemplateError { line: None, what: format!("is larger than {} KiB", SOURCE_BYTES_MAX >> 10) });
        }
        let content_type = content_type.unwrap_or_else(|| JSON.to_owned());
        let template = Self::compiled(TemplateName::File(file), source.into(), content_type, None)?;
        let links = sample::links();
        for (number, alert) in sample::alerts().into_iter().enumerate() {
            // Bare alerts have no links, full ones have all.
            let sent = if number % 2 == 0 { Sent::NONE } else { Sent { links: links.as_ref(), sink: "sample" } };
            template.render(&alert, sent).map_err(|error| TemplateError {
                what: format!("{} (with a sample alert of type {})", error.what, alert.alert_type.as_str()),
                ..error
            })?;
        }
        Ok(template)
    }

    /// Where it comes from.
    pub fn name(&self) -> &TemplateName {
        &self.name
    }

    /// The media type of its bodies.
    pub fn content_type(&self) -> &str {
        &self.content_type
    }

    fn compiled(
        name: TemplateName,
        source: Arc<str>,
        content_type: String,
        topic: Option<String>,
    ) -> Result<Self, TemplateError> {
        let is_json = is_json(&content_type);
        let mut environment = Environment::new();
        environment.set_auto_escape_callback(move |_| if is_json { AutoEscape::Json } else { AutoEscape::None });
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        environment.set_fuel(Some(FUEL));
        environment.add_filter("slack", |text: String| escape::slack(&text));
        environment.add_filter("discord", |text: String| escape::discord(&text));
        environment.add_filter("mattermost", |text: String| escape::mattermost(&text));
        environment.add_filter("plain", |text: String| escape::plain(&text));
        environment.add_filter("cut", |text: String, characters: usize| escape::cut(&text, characters));
        environment.add_filter("cut_bytes", |text: String, bytes: usize| escape::cut_bytes(&text, bytes));
        environment.add_template_owned(NAME, source.to_string()).map_err(|error| told(&error))?;
        Ok(Self { name, source, content_type, topic, environment: Arc::new(environment) })
    }

    /// The body for an alert, with links where there are any. One that comes out too large is rendered again from the alert with its texts and lists cut short.
    ///
    /// # Errors
    /// When the template fails or gives no JSON where it should.
    pub fn render(&self, alert: &Alert, sent: Sent<'_>) -> Result<Rendering, TemplateError> {
        let whole = serde_json::to_value(alert).map_err(|error| untold(&error))?;
        let body = self.body(alert, sent, &whole).or_else(|_| self.body(alert, sent, &shortened(whole)))?;
        Ok(Rendering { content_type: self.content_type.clone(), headers: Vec::new(), body })
    }

    fn body(&self, alert: &Alert, sent: Sent<'_>, value: &serde_json::Value) -> Result<Vec<u8>, TemplateError> {
        let message = serde_json::to_value(message::of(alert, sent)).map_err(|error| untold(&error))?;
        let links = serde_json::to_value(sent.of(alert)).map_err(|error| untold(&error))?;
        let seen = |value: &serde_json::Value| Value::deserialize(value).map_err(|error| untold(&error));
        let (alert, message, links) = (seen(value)?, seen(&message)?, seen(&links)?);
        let context = context! { alert, message, links, topic => self.topic.clone() };
        let template = self.environment.get_template(NAME).map_err(|error| told(&error))?;
        let mut body = Bounded(Vec::new());
        // A fault of the engine may cost a message its form, not the desk.
        let written = catch_unwind(AssertUnwindSafe(|| template.render_captured_to(context, &mut body)))
            .map_err(|_| TemplateError { line: None, what: "the template engine panicked".to_owned() })?;
        if body.0.len() > BODY_BYTES_MAX {
            let what = format!("the body is larger than {} KiB", BODY_BYTES_MAX >> 10);
            return Err(TemplateError { line: None, what });
        }
        written.map_err(|error| told(&error))?;
        if is_json(&self.content_type)
            && let Err(error) = serde_json::from_slice::<serde::de::IgnoredAny>(&body.0)
        {
            return Err(TemplateError { line: None, what: format!("what comes out is no JSON: {error}") });
        }
        Ok(body.0)
    }
}

/// A text of a feed on one line, without what could hide or turn it round.
pub fn one_line(text: &str) -> String {
    escape::plain(text)
}

/// The same, at most so many characters of it.
pub fn shortened_line(text: &str, characters: usize) -> String {
    escape::cut(&escape::plain(text), characters)
}

/// Whether bodies of this type are JSON: `application/json`, `application/x+json`.
fn is_json(content_type: &str) -> bool {
    let essence = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    essence.ends_with("/json") || essence.ends_with("+json")
}

fn told(error: &minijinja::Error) -> TemplateError {
    let what = error.detail().map_or_else(|| error.kind().to_string(), |detail| format!("{}: {detail}", error.kind()));
    TemplateError { line: error.line(), what }
}

/// What an alert has can always be JSON; if that should fail, it is told and not hidden.
fn untold(error: &serde_json::Error) -> TemplateError {
    TemplateError { line: None, what: format!("the alert is no JSON: {error}") }
}

/// Takes so many bytes that it can be seen that they are too many.
struct Bounded(Vec<u8>);

impl Write for Bounded {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.extend(bytes.iter().take((BODY_BYTES_MAX + 1).saturating_sub(self.0.len())));
        if self.0.len() > BODY_BYTES_MAX { Err(io::ErrorKind::FileTooLarge.into()) } else { Ok(bytes.len()) }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The alert with long texts and lists cut.
fn shortened(value: serde_json::Value) -> serde_json::Value {
    use serde_json::Value as Json;
    match value {
        Json::String(text) => Json::String(escape::cut(&text, SHORT_CHARACTERS)),
        Json::Array(list) => list.into_iter().take(SHORT_ELEMENTS).map(shortened).collect(),
        Json::Object(object) => object.into_iter().map(|(key, value)| (key, shortened(value))).collect(),
        other => other,
    }
}

#[cfg(test)]
mod tests;
