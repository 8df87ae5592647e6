//! Of feeds that need no repair, the same is read as feed-rs reads.

use feed_rs::model::{Entry, Text};
use proptest::prelude::*;

use super::super::entity;
use super::*;
use crate::model::MarkupFormat;

/// What both say of an entry.
#[derive(Debug, PartialEq, Eq)]
struct Said {
    guid: Option<String>,
    links: Vec<String>,
    texts: [Option<String>; 3],
    is_html: [bool; 2],
    published: Option<i64>,
    author: Option<String>,
    topics: Vec<String>,
}

fn ours(item: Item) -> Said {
    let is_html =
        [&item.title, &item.content].map(|text| text.as_ref().is_some_and(|text| text.format == MarkupFormat::Html));
    Said {
        guid: item.guid,
        links: item.links,
        texts: [item.title, item.summary, item.content].map(|text| text.map(|text| text.body)),
        is_html,
        published: item.published.map(Timestamp::as_millisecond),
        author: item.author,
        topics: item.topics,
    }
}

/// RSS does not say whether a text is HTML, so to us all of it is; nor is an Atom text with references in it plain.
fn theirs(entry: Entry, is_rss: bool) -> Said {
    let is_html = |kind: &str, text: &str| is_rss || kind == "html" || htmlize::unescape(text) != text;
    let is_html_text = |text: &Text| is_html(text.content_type.subty().as_str(), &text.content);
    let content = entry.content.and_then(|content| Some((content.content_type, content.body?)));
    Said {
        guid: Some(entry.id).filter(|id| !id.is_empty()),
        links: entry.links.into_iter().map(|link| link.href).collect(),
        is_html: [
            entry.title.as_ref().is_some_and(is_html_text),
            content.as_ref().is_some_and(|(kind, text)| is_html(kind.subty().as_str(), text)),
        ],
        texts: [
            entry.title.map(|text| text.content),
            entry.summary.map(|text| text.content),
            content.map(|(_, text)| text),
        ],
        published: entry.published.map(|time| time.timestamp_millis()),
        author: entry.authors.into_iter().find_map(|author| author.name),
        topics: entry.categories.into_iter().map(|topic| topic.term).collect(),
    }
}

fn text() -> impl Strategy<Value = String> {
    "[a-zA-Zéß“漢\u{a0}<>&\"';#/ \\]\\r\\n]{0,24}[a-z.]".prop_map(|text| text.trim().to_owned())
}

fn escaped(text: &str) -> String {
    let mut escaped = String::new();
    entity::escape(&mut escaped, text);
    escaped
}

fn element(name: &str, text: &str, in_cdata: bool) -> String {
    let inside = if in_cdata && !text.contains("]]>") && !text.contains('\r') {
        format!("<![CDATA[{text}]]>")
    } else {
        escaped(text)
    };
    format!("<{name}>{inside}</{}>", name.split(' ').next().unwrap_or_default())
}

/// An entry in either format, its elements in any order.
fn entry(is_rss: bool) -> impl Strategy<Value = String> {
    let date = "(0[1-9]|2[0-8])"
        .prop_map(|day| (format!("Thu, {day} Aug 2024 08:01:00 +0100"), format!("2024-08-{day}T08:01:00+01:00")));
    (text(), text(), text(), text(), text(), date, "[a-z]{1,9}(/[a-z]{1,9})?", any::<[bool; 3]>())
        .prop_flat_map(move |(title, summary, content, name, topic, date, path, in_cdata)| {
            let [one, two, three] = in_cdata;
            let link = escaped(&format!("https://a.example/{path}?a=1&b=2"));
            let elements = if is_rss {
                vec![
                    element("title", &title, one),
                    element("description", &summary, two),
                    element("content:encoded", &content, three),
                    element("dc:creator", &name, false),
                    element("category", &topic, false),
                    format!("<link>{link}</link>"),
                    format!("<guid isPermaLink=\"false\">{path}</guid>"),
                    element("pubDate", &date.0, false),
                    "<media:thumbnail url=\"https://a.example/y\"/><enclosure url=\"https://a.example/x\"/>".to_owned(),
                ]
            } else {
                vec![
                    element(if one { "title type=\"html\"" } else { "title" }, &title, two),
                    element("summary type=\"html\"", &summary, two),
                    element(if two { "content type=\"html\"" } else { "content" }, &content, three),
                    format!("<author>{}</author>", element("name", &name, false)),
                    format!("<category term=\"{}\"/>", escaped(&topic)),
                    format!("<link rel=\"alternate\" href=\"{link}\"/>"),
                    format!("<id>{path}</id>"),
                    element("published", &date.1, false),
                    "<rights>none</rights><media:thumbnail url=\"https://a.example/y\"/>".to_owned(),
                ]
            };
            let most = elements.len();
            proptest::sample::subsequence(elements, 1..=most).prop_shuffle()
        })
        .prop_map(|elements| elements.join("\n"))
}

fn feed() -> impl Strategy<Value = (bool, String)> {
    any::<bool>().prop_flat_map(|is_rss| {
        let (root, inner, name) = if is_rss { ("rss version=\"2.0\"", "channel", "item") } else { ("feed xmlns=\"http://www.w3.org/2005/Atom\"", "", "entry") };
        proptest::collection::vec(entry(is_rss), 0..4).prop_map(move |entries| {
            let entries = entries.into_iter().map(|entry| format!("<{name}>{entry}</{name}>\n"));
            let entries = entries.collect::<Vec<_>>().concat();
            let body = if inner.is_empty() { entries } else { format!("<{inner}><title>W</title>{entries}</{inner}>") };
            let spaces = "xmlns:content=\"http://purl.org/rss/1.0/modules/content/\" xmlns:dc=\"http://purl.org/dc/elements/1.1/\" \
                          xmlns:media=\"http://search.yahoo.com/mrss/\"";
            let end = root.split(' ').next().unwrap_or_default();
            (is_rss, format!("<?xml version=\"1.0\" encoding=\"utf-8\"?><{root} {spaces}>{body}</{end}>"))
        })
    })
}

proptest! {
    #[test]
    fn clean_feeds_are_read_as_feed_rs_reads_them((is_rss, document) in feed()) {
        let read = parse(document.as_bytes(), None, None, 100).unwrap();
        prop_assert_eq!(&read.repairs, &Repairs::default());
        let parser = feed_rs::parser::Builder::new().id_generator(|_, _, _| String::new()).build();
        let peer = parser.parse(document.as_bytes()).unwrap();
        let peer: Vec<Said> = peer.entries.into_iter().map(|entry| theirs(entry, is_rss)).collect();
        prop_assert_eq!(read.items.into_iter().map(ours).collect::<Vec<_>>(), peer, "{}", document);
    }
}
