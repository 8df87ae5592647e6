//! JSON in, entries out: JSON Feed of every version and ninjs, alone, in a list or in an object's `items`; called by `parse`.
//!
//! Each entry is read by itself, so that one of a wrong shape costs only itself, and one that the end of the text cuts is never read.
//! What is nearly JSON (line feeds in texts, commas too many) is put right by `relaxed` and read again.

use std::cell::RefCell;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};

use serde::de::{DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;
use serde_json::{Map, Value};
use url::Url;

use super::parse::{ENTRIES_READ_MAX, ParseError, RawFeed, TOPICS_MAX};
use super::recover::{Repair, Repairs};
use super::websub::links_in_json;
use super::{date, ninjs, relaxed, tree};
use crate::model::{Item, Markup, MarkupFormat};

/// Largest entry; one of values without texts takes sixteen times as much memory.
const ENTRY_BYTES_MAX: usize = 4 << 20;
/// Largest value of the feed's own that is read: its version, title and author.
const VALUE_BYTES_MAX: usize = 64 << 10;

/// Where the JSON begins in a document that is one, also in the call of a function (JSONP) and behind a line that guards against that.
pub(super) fn start(document: &str) -> Option<&str> {
    let is_name = |c: char| c.is_alphanumeric() || matches!(c, '_' | '$' | '.');
    let document =
        document.strip_prefix(")]}'").map_or(document, |rest| rest.trim_start_matches([',', '\r', '\n', ' ']));
    let called = document.trim_start_matches("/**/").trim_start_matches(is_name).strip_prefix('(').map(str::trim_start);
    [Some(document), called].into_iter().flatten().find(|text| text.starts_with(['{', '[']))
}

/// The feed in `document`.
///
/// # Errors
/// When it is no JSON at all, or neither a JSON Feed nor ninjs.
pub(super) fn read(document: &str, base: Option<&Url>, repairs: &mut Repairs) -> Result<RawFeed, ParseError> {
    let (mut found, mut ending) = scan(document);
    let clean;
    if ending.is_err() {
        clean = relaxed::rewrite(document);
        let (again, end) = scan(&clean);
        if end.is_ok() || again.entries.len() > found.entries.len() {
            repairs.count(Repair::JsonSyntax, 1);
            (found, ending) = (again, end);
        }
    }
    let Found { head, entries, left_out, is_list } = found;
    if let Err(error) = ending {
        if entries.is_empty() {
            return Err(ParseError::Malformed(error.to_string()));
        }
        repairs.count(Repair::Truncated, 1);
    }
    repairs.count(Repair::EntriesLeftOut, left_out);
    if !is_list {
        // An entry by itself: its keys are those of the object.
        let item = read_entry(document, None, base, repairs).filter(|item| item.guid.is_some());
        let is_message = ninjs::is_item(&head);
        return match item.filter(|_| is_message) {
            Some(item) => Ok(RawFeed { items: vec![item], ..RawFeed::default() }),
            None => Err(ParseError::Malformed("neither a JSON Feed with items nor a ninjs item".to_owned())),
        };
    }
    let author = author(&head);
    let count = entries.len();
    let items: Vec<Item> =
        entries.iter().filter_map(|entry| read_entry(entry.get(), author.as_deref(), base, repairs)).collect();
    repairs.count(Repair::Unreadable, u32::try_from(count - items.len()).unwrap_or(u32::MAX));
    let title = line(&head, "title").map(text);
    Ok(RawFeed { title, items, links: links_in_json(&head), ..RawFeed::default() })
}

/// An entry of whichever format it is in; nothing where it is none.
fn read_entry(entry: &str, author: Option<&str>, base: Option<&Url>, repairs: &mut Repairs) -> Option<Item> {
    if entry.len() > ENTRY_BYTES_MAX {
        return None;
    }
    let Value::Object(fields) = serde_json::from_str(entry).ok()? else { return None };
    let read = || if ninjs::is_item(&fields) { ninjs::item(&fields, base) } else { feed_item(&fields, author, base) };
    let item = catch_unwind(AssertUnwindSafe(read));
    let mut item = item.ok()?;
    let controls =
        [&mut item.title, &mut item.summary, &mut item.content].into_iter().flatten().map(drop_controls).sum();
    repairs.count(Repair::ControlCharacter, controls);
    Some(item)
}

/// Takes the characters from a text that no text has; how many.
fn drop_controls(markup: &mut Markup) -> u32 {
    let before = markup.body.chars().count();
    if markup.body.chars().all(super::entity::is_permitted) {
        return 0;
    }
    markup.body.retain(super::entity::is_permitted);
    u32::try_from(before - markup.body.chars().count()).unwrap_or(u32::MAX)
}

/// An entry of a JSON Feed.
fn feed_item(fields: &Map<String, Value>, author_of_feed: Option<&str>, base: Option<&Url>) -> Item {
    let instant = |name: &str| fields.get(name).and_then(instant);
    let body = |name: &str, format| line(fields, name).map(|body| Markup { format, body });
    let (html, plain) = (body("content_html", MarkupFormat::Html), body("content_text", MarkupFormat::Text));
    let summary = body("summary", MarkupFormat::Text).or_else(|| plain.clone().filter(|_| html.is_some()));
    let mut links: Vec<String> = Vec::new();
    for link in ["url", "external_url"].iter().filter_map(|name| tree::address(&line(fields, name)?, base)) {
        if !links.contains(&link) {
            links.push(link);
        }
    }
    let tags = fields.get("tags").and_then(Value::as_array).into_iter().flatten();
    Item {
        guid: line(fields, "id"),
        links,
        title: line(fields, "title").map(text),
        summary: summary.map(as_parsed),
        content: html.or(plain).map(as_parsed),
        published: instant("date_published"),
        updated: instant("date_modified"),
        author: author(fields).or_else(|| author_of_feed.map(str::to_owned)),
        topics: tags.filter_map(Value::as_str).take(TOPICS_MAX).map(|tag| tag.trim().to_owned()).collect(),
        ..Item::default()
    }
}

/// A text that says that it is plain and has references in it is none that a reader was meant to see.
fn text(body: String) -> Markup {
    as_parsed(Markup { format: MarkupFormat::Text, body })
}

fn as_parsed(markup: Markup) -> Markup {
    let has_references = || htmlize::unescape(markup.body.as_str()) != markup.body;
    if markup.format == MarkupFormat::Text && has_references() {
        return Markup { format: MarkupFormat::Html, ..markup };
    }
    markup
}

/// A text, or a number as text; nothing where there is none or it is blank.
pub(super) fn line(fields: &Map<String, Value>, name: &str) -> Option<String> {
    value_line(fields.get(name)?)
}

/// A text, or a number as text, unless it is blank.
pub(super) fn value_line(value: &Value) -> Option<String> {
    let text = match value {
        Value::String(text) => text.trim().to_owned(),
        Value::Number(number) => number.to_string(),
        _ => return None,
    };
    (!text.is_empty()).then_some(text)
}

/// A date in words or as a number of seconds or milliseconds.
pub(super) fn instant(value: &Value) -> Option<jiff::Timestamp> {
    match value {
        Value::String(text) => date::read(text),
        Value::Number(number) => date::read(&number.to_string()),
        _ => None,
    }
}

/// The name of the first author, who may be an object, a text or in a list of either.
pub(super) fn author(fields: &Map<String, Value>) -> Option<String> {
    let named = |value: &Value| match value {
        Value::String(name) => Some(name.trim().to_owned()).filter(|name| !name.is_empty()),
        Value::Object(person) => line(person, "name"),
        _ => None,
    };
    let listed = fields.get("authors").and_then(Value::as_array).into_iter().flatten();
    fields.get("author").into_iter().chain(listed).find_map(named)
}

/// What a document holds: its own values, and its entries as they stand.
#[derive(Default)]
struct Found<'a> {
    head: Map<String, Value>,
    entries: Vec<&'a RawValue>,
    left_out: u32,
    is_list: bool,
}

/// What is found up to the end or to the first error.
fn scan(document: &str) -> (Found<'_>, serde_json::Result<()>) {
    let found = RefCell::new(Found::default());
    let mut deserializer = serde_json::Deserializer::from_str(document);
    let outcome = Document(&found).deserialize(&mut deserializer);
    (found.into_inner(), outcome)
}

struct Document<'f, 'a>(&'f RefCell<Found<'a>>);

impl<'de> DeserializeSeed<'de> for Document<'_, 'de> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Document<'_, 'de> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object or a list")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(key) = map.next_key::<std::borrow::Cow<'de, str>>()? {
            if key == "items" {
                map.next_value_seed(Entries(self.0))?;
                continue;
            }
            let value: &RawValue = map.next_value()?;
            let is_short = value.get().len() <= VALUE_BYTES_MAX;
            let value = if is_short { serde_json::from_str(value.get()).unwrap_or(Value::Null) } else { Value::Null };
            self.0.borrow_mut().head.insert(key.into_owned(), value);
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<(), A::Error> {
        Entries(self.0).visit_seq(list)
    }
}

/// A list of entries.
struct Entries<'f, 'a>(&'f RefCell<Found<'a>>);

impl<'de> DeserializeSeed<'de> for Entries<'_, 'de> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Entries<'_, 'de> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of items")
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        if std::mem::replace(&mut self.0.borrow_mut().is_list, true) {
            return Err(A::Error::custom("two lists of items"));
        }
        while self.0.borrow().entries.len() < ENTRIES_READ_MAX {
            let Some(entry) = list.next_element::<&RawValue>()? else { return Ok(()) };
            self.0.borrow_mut().entries.push(entry);
        }
        while list.next_element::<IgnoredAny>()?.is_some() {
            let mut found = self.0.borrow_mut();
            found.left_out = found.left_out.saturating_add(1);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(document: &str, guids: &[&str], repaired: &[(Repair, u32)]) {
        let mut repairs = Repairs::default();
        let feed = read(document, None, &mut repairs).unwrap_or_else(|error| panic!("{document}: {error}"));
        let found: Vec<&str> = feed.items.iter().map(|item| item.guid.as_deref().unwrap_or("none")).collect();
        assert_eq!(found, guids, "{document}");
        assert_eq!(repairs.0, repaired.iter().copied().collect(), "{document}");
    }

    #[test]
    fn an_entry_of_a_wrong_shape_costs_itself() {
        check(
            r#"{"version":"https://jsonfeed.org/version/1","items":[{"id":1,"title":7},4,{"id":"b","tags":3},{"id":"c","authors":"x"}]}"#,
            &["1", "b", "c"],
            &[(Repair::Unreadable, 1)],
        );
        check(r#"{"items":[],"title":null}"#, &[], &[]);
    }

    #[test]
    fn a_cut_entry_is_never_read() {
        let whole = r#"{"version":"1","items":[{"id":"a"},{"id":"b","title":"cut"#;
        for length in whole.find("},").unwrap() + 1..whole.len() {
            check(whole.get(..length).unwrap(), &["a"], &[(Repair::Truncated, 1)]);
        }
        let error = read(r#"{"items":[{"id":"a""#, None, &mut Repairs::default()).unwrap_err();
        assert!(matches!(error, ParseError::Malformed(_)), "{error}");
    }

    #[test]
    fn json_is_known_in_its_wrappings() {
        assert_eq!(start("{}"), Some("{}"));
        assert_eq!(start("jsonCallback_1({\"a\":1});"), Some("{\"a\":1});"));
        assert_eq!(start(")]}',\n[1]"), Some("[1]"));
        assert_eq!((start("<rss/>"), start("words (and [brackets])"), start("")), (None, None, None));
        check(start("f({\"items\":[{\"id\":\"a\"}]});").unwrap_or_default(), &["a"], &[]);
    }

    #[test]
    fn what_is_nearly_json_is_put_right() {
        check(
            "{\"items\":[{\"id\":\"a\",\"title\":\"two\nlines\"},{\"id\":\"b\",},]}",
            &["a", "b"],
            &[(Repair::JsonSyntax, 1)],
        );
    }

    #[test]
    fn lists_are_bounded_and_what_is_left_out_is_counted() {
        let entries = r#"{"id":"1"},"#.repeat(ENTRIES_READ_MAX + 2);
        let feed = format!(r#"{{"items":[{}]}}"#, entries.trim_end_matches(','));
        let mut repairs = Repairs::default();
        assert_eq!(read(&feed, None, &mut repairs).unwrap().items.len(), ENTRIES_READ_MAX);
        assert_eq!(repairs.0.get(&Repair::EntriesLeftOut), Some(&2));
    }

    #[test]
    fn the_author_of_the_feed_is_that_of_its_entries() {
        let feed = r#"{"author":{"name":"Desk"},"items":[{"id":"1"},{"id":"2","authors":[{"name":"Own"}]}]}"#;
        let items = read(feed, None, &mut Repairs::default()).unwrap().items;
        let authors: Vec<_> = items.iter().map(|item| item.author.as_deref().unwrap_or_default()).collect();
        assert_eq!(authors, ["Desk", "Own"]);
    }
}
