//! Writes an outlet's entries as the bytes of its feed: RSS, Atom or JSON Feed, clean or as dirty as real ones are.

use std::fmt::Write as _;

use anyhow::Result;
use encoding_rs::WINDOWS_1252;
use htmlize::escape_text;
use jiff::fmt::rfc2822::DateTimePrinter;
use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use super::script::{Entry, FeedFormat, FeedScript};

/// The feed of an outlet as it is sent, with its media type. Its entries are dated within
/// the day before `start`, an hour apart from act to act.
pub(super) fn feed(feed: &FeedScript, entries: &[&Entry], start: Timestamp) -> Result<(&'static str, Vec<u8>)> {
    let dated: Vec<Dated<'_>> = entries.iter().map(|entry| Dated::new(entry, start)).collect();
    let (media_type, text) = match feed.format {
        FeedFormat::Rss => ("application/rss+xml", rss(feed, &dated)?),
        FeedFormat::Atom => ("application/atom+xml", atom(feed, &dated)?),
        FeedFormat::Json => ("application/feed+json", json_feed(feed, &dated)),
    };
    Ok((media_type, if feed.is_dirty { soil(&text) } else { text.into_bytes() }))
}

/// An entry ready to be written.
struct Dated<'a> {
    id: &'a str,
    url: &'a str,
    title: &'a str,
    html: String,
    published: Timestamp,
}

impl<'a> Dated<'a> {
    fn new(entry: &'a Entry, start: Timestamp) -> Self {
        let age = SignedDuration::from_hours(24) - SignedDuration::from_hours(i64::try_from(entry.act).unwrap_or(0));
        let paragraphs: Vec<String> =
            entry.line.text.split("\n\n").map(|paragraph| escape_text(paragraph).into_owned()).collect();
        Self {
            id: &entry.line.id,
            url: entry.line.url.as_deref().unwrap_or_default(),
            title: entry.line.title.as_deref().unwrap_or_default(),
            html: format!("<p>{}</p>", paragraphs.join("</p><p>")),
            published: start.saturating_sub(age).unwrap_or(start),
        }
    }
}

fn rss(feed: &FeedScript, entries: &[Dated<'_>]) -> Result<String> {
    let mut items = String::new();
    for Dated { id, url, title, html, published } in entries {
        let date = DateTimePrinter::new().timestamp_to_rfc9110_string(published)?;
        writeln!(
            items,
            "<item><guid isPermaLink=\"false\">{id}</guid><link>{url}</link><pubDate>{date}</pubDate>\
             <title>{}</title><description>{}</description></item>",
            escape_text(*title),
            escape_text(html),
        )?;
    }
    Ok(format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<rss version=\"2.0\"><channel><title>{}</title>\n{items}</channel></rss>\n",
        feed.outlet
    ))
}

fn atom(feed: &FeedScript, entries: &[Dated<'_>]) -> Result<String> {
    let mut items = String::new();
    for Dated { id, url, title, html, published } in entries {
        writeln!(
            items,
            "<entry><id>{id}</id><link href=\"{url}\"/><updated>{published}</updated><title>{}</title>\
             <content type=\"html\">{}</content></entry>",
            escape_text(*title),
            escape_text(html),
        )?;
    }
    Ok(format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<feed xmlns=\"http://www.w3.org/2005/Atom\"><title>{}</title>\n{items}</feed>\n",
        feed.outlet
    ))
}

fn json_feed(feed: &FeedScript, entries: &[Dated<'_>]) -> String {
    let item = |Dated { id, url, title, html, published }: &Dated<'_>| json!({"id": id, "url": url, "title": title, "content_html": html, "date_published": published});
    let items: Vec<serde_json::Value> = entries.iter().map(item).collect();
    json!({"version": "https://jsonfeed.org/version/1.1", "title": feed.outlet, "items": items}).to_string()
}

/// What content systems do to feeds: Windows-1252 under the label of UTF-8, bare ampersands, entities that XML does not
/// know, control characters, a missing end tag.
fn soil(xml: &str) -> Vec<u8> {
    let dirty = xml
        .replace("&amp;amp;", "&amp;")
        .replace(" &amp; ", " & ")
        .replace('’', "&rsquo;")
        .replace(". ", ".\u{b} ")
        .replacen("</guid>", "", 1);
    WINDOWS_1252.encode(&dirty).0.into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::demo::script::Script;
    use crate::intake::parse;

    /// Every feed, the dirty one too, gives its entries back word for word.
    #[test]
    fn what_is_served_is_what_is_read() {
        let script = Script::embedded().unwrap();
        let last = script.acts.len() - 1;
        for outlet in &script.feeds {
            let entries = script.carried(outlet, last);
            let (media_type, bytes) = feed(outlet, &entries, Timestamp::UNIX_EPOCH).unwrap();
            let parsed = parse(&bytes, Some(media_type), None, 100).unwrap();
            assert_eq!(outlet.is_dirty, !parsed.repairs.0.is_empty(), "{}: {:?}", outlet.id, parsed.repairs);
            assert_eq!(parsed.items.len(), entries.len(), "{}", outlet.id);
            for (item, entry) in parsed.items.iter().zip(entries) {
                let source = crate::model::SourceInfo {
                    feed: crate::model::FeedId::new(outlet.id.as_str()),
                    outlet: outlet.outlet.clone(),
                };
                let document = crate::text::document::document(source, item, Timestamp::UNIX_EPOCH, false);
                let body = entry.line.text.replace("\n\n", "\n");
                assert_eq!(document.text, format!("{}\n{body}", entry.line.title.as_deref().unwrap()));
            }
        }
    }
}
