//! ninjs, the IPTC's JSON for news, versions 1 to 3: an item's fields in, an entry out; called by `json`.
//!
//! <https://iptc.org/std/ninjs/>. Version 1 writes `body_xhtml` and `pubstatus`, 2 and 3 write `bodies` and `pubStatus`; both are read
//! wherever they stand, as providers mix them.

use std::collections::BTreeMap;

use serde_json::{Map, Value};
use url::Url;

use super::json::{author, instant, value_line as line};
use super::parse::TOPICS_MAX;
use super::tree::address;
use super::wire::{self, Status};
use crate::model::{Item, Markup, MarkupFormat, RevisionLabel, Version};

/// Whether an object is a ninjs item: it has its address and something that only news has.
pub(super) fn is_item(fields: &Map<String, Value>) -> bool {
    let fields = Fields::of(fields);
    let is_news = |key: &&String| {
        matches!(
            key.as_str(),
            "pubstatus"
                | "versioncreated"
                | "firstcreated"
                | "embargoed"
                | "headline"
                | "headlines"
                | "bodies"
                | "slugline"
                | "representationtype"
        ) || key.starts_with("bodytext")
            || key.starts_with("bodyxhtml")
    };
    (fields.line("uri").is_some() || fields.line("guid").is_some()) && fields.0.keys().any(|key| is_news(&key))
}

/// The entry that an item is. Pictures and the like have captions, which are read as any text.
pub(super) fn item(fields: &Map<String, Value>, base: Option<&Url>) -> Item {
    let by_author = author(fields);
    let fields = Fields::of(fields);
    let created = fields.instant("versioncreated");
    let published = fields.instant("firstcreated").or_else(|| fields.instant("contentcreated")).or(created);
    let guid = fields.line("uri").or_else(|| fields.line("guid"));
    let headline = fields.line("headline").or_else(|| fields.best("headlines", &["main"]).map(|markup| markup.body));
    let title = headline.or_else(|| fields.line("title")).or_else(|| fields.line("slugline"));
    let embargo = fields.0.get("embargoed").filter(|value| !value.is_null() && **value != &Value::Bool(false));
    let embargo = embargo.map(|value| value.as_str().unwrap_or_default());
    let status = fields.line("pubstatus").map_or(Status::Usable, |code| Status::of(&code));
    Item {
        links: fields.links(base),
        title: title.map(text),
        summary: fields.body("description", "descriptions", &["summary"]),
        content: fields.body("body", "bodies", &["main", "body"]),
        published,
        updated: created.filter(|at| published != Some(*at)),
        author: fields.line("byline").or_else(|| fields.line("by")).or(by_author),
        topics: fields.topics(),
        credits: fields.credits(),
        dateline: fields.line("dateline"),
        release: wire::release(status, embargo),
        version: Version { number: fields.line("version").and_then(|number| number.parse().ok()), created },
        label: fields.label(),
        guid,
        ..Item::default()
    }
}

fn text(body: String) -> Markup {
    Markup { format: MarkupFormat::Text, body }
}

/// The fields of an item by their names in lower case and without underscores.
struct Fields<'a>(BTreeMap<String, &'a Value>);

impl<'a> Fields<'a> {
    fn of(fields: &'a Map<String, Value>) -> Self {
        let plain = |name: &str| name.chars().filter(|c| *c != '_').collect::<String>().to_ascii_lowercase();
        Self(fields.iter().map(|(name, value)| (plain(name), value)).collect())
    }

    fn line(&self, name: &str) -> Option<String> {
        line(self.0.get(name)?)
    }

    fn instant(&self, name: &str) -> Option<jiff::Timestamp> {
        instant(self.0.get(name)?)
    }

    fn list(&self, name: &str) -> impl Iterator<Item = &'a Value> {
        self.0.get(name).and_then(|value| value.as_array()).into_iter().flatten()
    }

    /// A body or a description: of version 1 in XHTML or HTML before plain text, of the later ones by role.
    fn body(&self, name: &str, list: &str, roles: &[&str]) -> Option<Markup> {
        let in_form = |form: &str, format| self.line(&format!("{name}{form}")).map(|body| Markup { format, body });
        let html = in_form("xhtml", MarkupFormat::Html).or_else(|| in_form("html", MarkupFormat::Html));
        let plain = || in_form("text", MarkupFormat::Text);
        // Bodies of a provider's own: "body_short", "body_nitf".
        let own = || {
            let named = self.0.iter().filter(|(key, _)| key.starts_with(name) && key.as_str() != list);
            named.filter_map(|(_, value)| line(value)).max_by_key(String::len).map(marked_up)
        };
        html.or_else(plain).or_else(|| self.best(list, roles)).or_else(own)
    }

    /// Of a list of values the one in the role that is asked for, else the longest.
    fn best(&self, list: &str, roles: &[&str]) -> Option<Markup> {
        let values = self.list(list).filter_map(|value| {
            let role = value.get("role").and_then(Value::as_str).unwrap_or_default();
            let kind = value.get("contentType").or_else(|| value.get("contenttype")).and_then(Value::as_str);
            let body = line(value.get("value").unwrap_or(value))?;
            let markup = match kind {
                Some(kind) if kind.contains("html") || kind.contains("xml") => {
                    Markup { format: MarkupFormat::Html, body }
                }
                Some(_) => text(body),
                None => marked_up(body),
            };
            Some((roles.contains(&role.rsplit(':').next().unwrap_or_default()), markup))
        });
        let of_kind =
            |(is_asked, markup): &(bool, Markup)| (*is_asked, markup.format == MarkupFormat::Html, markup.body.len());
        values.max_by_key(of_kind).map(|(_, markup)| markup)
    }

    /// The addresses of the story's page; the item's own is one only where it is no name for it.
    fn links(&self, base: Option<&Url>) -> Vec<String> {
        let alternate = self.list("altids").chain(self.list("links")).filter_map(|link| {
            let role = link.get("role").or_else(|| link.get("rel")).and_then(Value::as_str).unwrap_or_default();
            let is_page = ["permalink", "web", "alternate", "canonical", "url"].iter().any(|page| role.contains(page));
            link.get("value").or_else(|| link.get("href")).and_then(Value::as_str).filter(|_| is_page)
        });
        let renditions = self.0.get("renditions").into_iter().flat_map(|value| match value {
            Value::Array(list) => list.iter().collect::<Vec<_>>(),
            Value::Object(named) => named.values().collect(),
            _ => Vec::new(),
        });
        let pages = renditions.filter_map(|rendition| {
            let kind = rendition.get("mimetype").or_else(|| rendition.get("contentType")).and_then(Value::as_str);
            rendition.get("href")?.as_str().filter(|_| kind.is_some_and(|kind| kind.contains("html")))
        });
        let own = ["canonicalurl", "url", "link"].into_iter().filter_map(|name| self.0.get(name)?.as_str());
        let mut links = Vec::new();
        for link in own.chain(alternate).chain(pages).filter_map(|link| address(link, base)) {
            if !links.contains(&link) && links.len() < 8 {
                links.push(link);
            }
        }
        links
    }

    fn topics(&self) -> Vec<String> {
        let named =
            ["subject", "subjects", "service", "keywords", "genre"].into_iter().flat_map(|name| self.list(name));
        named.filter_map(party).take(TOPICS_MAX).collect()
    }

    /// Who is credited, best first.
    fn credits(&self) -> Vec<String> {
        let names = ["creditline", "infosource", "infosources", "source", "provider", "copyrightholder"];
        let values = names.into_iter().filter_map(|name| self.0.get(name)).flat_map(|value| match value {
            Value::Array(list) => list.iter().collect::<Vec<&Value>>(),
            _ => vec![*value],
        });
        values.filter_map(party).collect()
    }

    fn label(&self) -> RevisionLabel {
        let single = self.0.get("signal").copied().filter(|value| !value.is_array());
        let codes = self.list("signals").chain(self.list("signal")).chain(single);
        let code = |value: &Value| value.as_str().or_else(|| value.get("code")?.as_str()).map(str::to_owned);
        let labels = codes.filter_map(code).map(|code| wire::signal(code.rsplit(':').next().unwrap_or_default()));
        labels.into_iter().find(|label| *label != RevisionLabel::None).unwrap_or_default()
    }
}

/// A text, or an object's name, literal or code.
fn party(value: &Value) -> Option<String> {
    line(value).or_else(|| ["name", "literal", "code"].into_iter().find_map(|key| line(value.get(key)?)))
}

/// A text that does not say what it is: HTML where it has an end tag.
fn marked_up(body: String) -> Markup {
    let format = if body.contains("</") { MarkupFormat::Html } else { MarkupFormat::Text };
    Markup { format, body }
}
