//! Where a webhook goes and in what form: its address, which may be the secret itself, and its format or template.

use std::sync::Arc;

use toml::de::DeValue;
use url::Url;

use super::load::{ADDRESS, STAND_IN, Surroundings, address, file_path, quoted};
use super::reader::{Section, Wrong, did_you_mean, string};
use crate::template::{CloudEventMode, Form, Preset, Template};

/// The names of the templates that come with gainsay, those of `Preset`.
pub(super) const TEMPLATES: [&str; 5] = ["slack", "discord", "teams", "mattermost", "ntfy"];
/// The names of the formats.
pub(super) const FORMATS: [&str; 3] = ["gainsay", "cloudevents", "cloudevents-binary"];
/// An address for the one that is not looked up.
const STAND_IN_ADDRESS: &str = "https://endpoint.example/topic";
const CONTENT_TYPE: &str = "a media type such as \"text/plain; charset=utf-8\"";

/// Exactly one of `url_env`, `url_file` and `url`. Problems never say what they hold.
pub(super) fn read_url(section: &mut Section<'_>, surroundings: &Surroundings<'_>) -> Option<Url> {
    let given = ["url_env", "url_file", "url"].into_iter().filter(|key| section.has(key)).count();
    if given > 1 {
        section.problem(Wrong::new("has more than one address", "one of url_env, url_file or url"));
    }
    let decode = |text: &str| {
        let text = if text == STAND_IN { STAND_IN_ADDRESS } else { text.trim() };
        address(&DeValue::String(text.into()))
    };
    let from_env = section.read("url_env", |value| {
        let variable = string(value, "the name of an environment variable")?;
        let text = (surroundings.env)(variable)
            .ok_or_else(|| Wrong::new(format!("environment variable {variable:?} is not set"), ""))?;
        decode(&text)
    });
    let from_file = section.read("url_file", |value| {
        let path = file_path(value, surroundings)?;
        let text = (surroundings.read)(&path)
            .map_err(|error| Wrong::new(format!("cannot read {}: {error}", path.display()), ""))?;
        decode(&text)
    });
    let inline = if given == 0 { section.require("url", ADDRESS, address) } else { section.read("url", address) };
    from_env.or(from_file).or(inline)
}

/// What alerts are made into: nothing for gainsay's own JSON. Gives the address back, without the topic that ntfy has in it.
pub(super) fn read_form(
    section: &mut Section<'_>,
    surroundings: &Surroundings<'_>,
    url: Option<Url>,
) -> (Option<Url>, Option<Form>) {
    let format = section.read("format", format);
    if section.has("format") && (section.has("template") || section.has("template_file")) {
        section.problem(Wrong::new("has a format and a template", "format, template or template_file"));
    }
    let (url, template) = read_template(section, surroundings, url);
    (url, template.map(Arc::new).map(Form::Template).or(format.flatten()))
}

fn format(value: &DeValue<'_>) -> Result<Option<Form>, Wrong> {
    let accepted = quoted(&FORMATS);
    match string(value, &accepted)? {
        "gainsay" => Ok(None),
        "cloudevents" => Ok(Some(Form::CloudEvent(CloudEventMode::Structured))),
        "cloudevents-binary" => Ok(Some(Form::CloudEvent(CloudEventMode::Binary))),
        other => {
            let guess = did_you_mean(other, FORMATS.into_iter());
            Err(Wrong::new(format!("{other:?} is not a format{guess}"), accepted))
        }
    }
}

/// The name of the format; of a template there is none.
pub(super) fn format_name(form: Option<&Form>) -> &'static str {
    let [gainsay, structured, binary] = FORMATS;
    match form {
        Some(Form::CloudEvent(CloudEventMode::Structured)) => structured,
        Some(Form::CloudEvent(CloudEventMode::Binary)) => binary,
        Some(Form::Template(_) | Form::Mail(_)) | None => gainsay,
    }
}

/// The template, if one is wanted: one that comes with gainsay, or a file.
fn read_template(
    section: &mut Section<'_>,
    surroundings: &Surroundings<'_>,
    url: Option<Url>,
) -> (Option<Url>, Option<Template>) {
    let preset = section.read("template", preset);
    let content_type = section.read("content_type", content_type);
    if section.has("template") && section.has("template_file") {
        section.problem(Wrong::new("has two templates", "template or template_file"));
    }
    if section.has("content_type") && !section.has("template_file") {
        section.problem(Wrong::new("has a content_type without a template_file", "content_type beside template_file"));
    }
    let own = section.read("template_file", |value| {
        let path = file_path(value, surroundings)?;
        let source = (surroundings.read)(&path)
            .map_err(|error| Wrong::new(format!("cannot read {}: {error}", path.display()), ""))?;
        if source == STAND_IN {
            return Ok(None);
        }
        Template::own(path.clone(), source, content_type.clone()).map(Some).map_err(|error| {
            let line = error.line.map_or_else(String::new, |line| format!(":{line}"));
            Wrong::new(format!("{}{line}: {}", path.display(), error.what), "")
        })
    });
    let Some(preset) = preset else { return (url, own.flatten()) };
    let parted = url.as_ref().filter(|_| preset == Preset::Ntfy).map(without_topic);
    if matches!(parted, Some(None)) {
        let accepted = "an address such as https://ntfy.sh/TOPIC";
        section.problem(Wrong::new("the address of its ntfy does not end in a topic", accepted));
    }
    let (url, topic) = match parted.flatten() {
        Some((root, topic)) => (Some(root), Some(topic)),
        None => (url, None),
    };
    // Tests see to it that these compile.
    (url, Template::preset(preset, topic).ok())
}

/// ntfy takes JSON at its root, with the topic in it.
fn without_topic(url: &Url) -> Option<(Url, String)> {
    let topic = url.path().trim_matches('/');
    let fits = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    if !(1..=64).contains(&topic.len()) || !topic.chars().all(fits) {
        return None;
    }
    let (mut root, topic) = (url.clone(), topic.to_owned());
    root.set_path("/");
    Some((root, topic))
}

fn preset(value: &DeValue<'_>) -> Result<Preset, Wrong> {
    let accepted = quoted(&TEMPLATES);
    let text = string(value, &accepted)?;
    Preset::NAMES.into_iter().find(|(name, _)| *name == text).map(|(_, preset)| preset).ok_or_else(|| {
        let guess = did_you_mean(text, TEMPLATES.into_iter());
        Wrong::new(format!("{text:?} is not a template{guess}"), accepted)
    })
}

fn content_type(value: &DeValue<'_>) -> Result<String, Wrong> {
    let text = string(value, CONTENT_TYPE)?;
    let essence = text.split(';').next().unwrap_or_default();
    let is_token =
        |part: &str| !part.is_empty() && part.chars().all(|c| c.is_ascii_alphanumeric() || "+-._".contains(c));
    let is_type = essence.trim().split_once('/').is_some_and(|(kind, subtype)| is_token(kind) && is_token(subtype));
    if is_type && text.len() <= 100 && text.bytes().all(|byte| (b' '..=b'~').contains(&byte)) {
        Ok(text.to_owned())
    } else {
        Err(Wrong::new("is no media type", CONTENT_TYPE))
    }
}
