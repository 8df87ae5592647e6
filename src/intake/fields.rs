//! What the fields of an RSS or Atom entry mean: a field and its text in, the entry with it out; `assemble` calls it.

use std::sync::LazyLock;

use jiff::Timestamp;
use regex::Regex;
use url::Url;

use super::date;
use super::parse::LINKS_MAX;
use super::vocabulary::Field;
use crate::model::{Item, Markup, MarkupFormat};

/// Puts what `field` says into `item`. Of a field that comes twice the later counts, but the first byline; links and topics add up. A
/// relative address is resolved by the first of `bases` that can.
pub(super) fn take(item: &mut Item, field: Field, text: String, is_html: bool, is_rss: bool, bases: [Option<&Url>; 2]) {
    let is_html = is_html || is_rss;
    match field {
        Field::Title => item.title = markup(text, is_html),
        Field::Summary => item.summary = markup(text, is_html),
        Field::Content => item.content = markup(text, is_html),
        Field::Link => add_link(&mut item.links, &text, bases),
        Field::Id => item.guid = Some(text.trim().to_owned()).filter(|guid| !guid.is_empty()),
        Field::Published => item.published = date::read(&text),
        Field::Updated => item.updated = date::read(&text),
        Field::Creator if is_rss => item.author = item.author.take().or_else(|| name_of(&text)),
        Field::Creator => item.author = item.author.take().or(Some(text)),
        Field::Topic => item.topics.push(text),
        // Kept apart: an entry credits several.
        Field::Credit => {}
    }
}

/// The time to the millisecond, as entries keep it.
pub(super) fn to_milliseconds(time: Timestamp) -> Option<Timestamp> {
    Timestamp::from_millisecond(time.as_millisecond()).ok()
}

/// Adds an absolute address, each once.
fn add_link(links: &mut Vec<String>, address: &str, bases: [Option<&Url>; 2]) {
    if links.len() == LINKS_MAX {
        return;
    }
    let url = match Url::parse(address) {
        Err(url::ParseError::RelativeUrlWithoutBase) => {
            bases.into_iter().flatten().find_map(|base| base.join(address).ok())
        }
        parsed => parsed.ok(),
    };
    let known = url.map(String::from).filter(|address| !links.contains(address));
    links.extend(known);
}

/// RSS never says whether a text is HTML, and many an Atom feed says "text" of escaped HTML: a text with references in
/// it is none that a reader was meant to see.
fn markup(body: String, is_html: bool) -> Option<Markup> {
    let has_references = || htmlize::unescape(body.as_str()) != body;
    let format = if is_html || has_references() { MarkupFormat::Html } else { MarkupFormat::Text };
    (!body.trim().is_empty()).then_some(Markup { format, body })
}

/// The name in a byline of RSS, which is an address of mail with a name before or behind it, a bare name, or a bare address, which names nobody:
/// "desk@a.example (Jane Doe)". The longer side of the address is the name, less the sign next to the address.
fn name_of(byline: &str) -> Option<String> {
    let address = ADDRESS.as_ref().filter(|_| byline.contains('@')).and_then(|address| address.find(byline));
    let Some(address) = address else { return Some(byline.trim().to_owned()) };
    let (before, behind) = (byline.get(..address.start())?, byline.get(address.end()..)?);
    let mut name = if before.len() > behind.len() { before.chars() } else { behind.chars() };
    if before.len() > behind.len() {
        name.next_back()
    } else {
        name.next()
    };
    Some(name.as_str().trim().to_owned()).filter(|name| !name.is_empty())
}

/// An address of mail, as bylines write it.
static ADDRESS: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"\b(mailto:)?[A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+\.[A-Za-z]{2,}\b").ok());

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_name(byline: &str, expected: Option<&str>) {
        assert_eq!(name_of(byline).as_deref(), expected, "{byline}");
    }

    #[test]
    fn a_byline_gives_its_name() {
        check_name("Jane Doe", Some("Jane Doe"));
        check_name("@desk", Some("@desk"));
        check_name("desk@a.example (Jane Doe)", Some("(Jane Doe)"));
        check_name("Jane Doe <mailto:desk@a.example>", Some("Jane Doe"));
        check_name("desk@a.example", None);
        check_name("desk@a.example\u{a0}", None);
        check_name("editor–desk@a.example", Some("editor"));
        check_name("desk@a.example（記者）", Some("記者）"));
    }

    #[test]
    fn relative_addresses_take_the_first_base_that_can() {
        let base = |text: &str| Url::parse(text).unwrap();
        let (page, mail) = (base("https://a.example/feeds/"), base("mailto:desk@a.example"));
        let link = |address: &str, bases: [Option<&Url>; 2]| {
            let mut links = Vec::new();
            add_link(&mut links, address, bases);
            add_link(&mut links, address, bases);
            links.concat()
        };
        assert_eq!(link("1", [Some(&page), None]), "https://a.example/feeds/1");
        assert_eq!(link("/1", [Some(&mail), Some(&page)]), "https://a.example/1");
        assert_eq!(link("1", [None, None]), "");
        assert_eq!(link("HTTPS://B.example", [None, None]), "https://b.example/");
        assert_eq!(link("https://", [Some(&page), None]), "");
    }
}
