//! OPML: a list of feeds as other readers write it in, its feeds out; and back.
//!
//! A list may come from anywhere: its bytes, depth and number of outlines are bounded, entities of its own are not expanded.

use std::fmt::Write as _;

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};
use url::Url;

use crate::model::canonical_address;

/// Largest list that is read, in bytes.
pub const BYTES_MAX: usize = 5 << 20;
/// Feeds read of one list.
pub const FEEDS_MAX: usize = 10_000;
/// Outlines within outlines; deeper ones are not looked at.
const DEPTH_MAX: usize = 16;
/// Characters kept of a title.
const TITLE_CHARS_MAX: usize = 200;
/// The category by which the lists that come with the program mark what could not be tried.
const UNVERIFIED: &str = "unverified";

/// A feed as a list names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// Its address.
    pub url: Url,
    /// Its title, on one line; empty where the list gives none.
    pub title: String,
    /// Whoever made the list could not try it.
    pub is_unverified: bool,
}

/// Why a list cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OpmlError {
    /// Too large.
    #[error("the list is larger than 5 MiB")]
    TooLarge,
    /// No OPML.
    #[error("the list is no OPML: it has no outline with an xmlUrl")]
    NotOpml,
    /// Broken markup.
    #[error("the list breaks off at byte {at}: {what}")]
    Broken {
        /// Where.
        at: u64,
        /// How.
        what: String,
    },
}

/// What a list holds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct List {
    /// Its feeds, in order, each address once.
    pub feeds: Vec<Listed>,
    /// Outlines whose address is no http or https address.
    pub bad_addresses: usize,
    /// Outlines of an address that stands above.
    pub repeated: usize,
    /// There were more feeds or deeper outlines than are read.
    pub is_cut: bool,
}

/// Reads a list.
///
/// # Errors
/// When it is too large, broken or no OPML.
pub fn read(bytes: &[u8]) -> Result<List, OpmlError> {
    if bytes.len() > BYTES_MAX {
        return Err(OpmlError::TooLarge);
    }
    let text = String::from_utf8_lossy(bytes);
    let mut reader = Reader::from_str(text.trim_start_matches('\u{feff}'));
    reader.config_mut().check_end_names = false;
    let mut list = List::default();
    let mut seen = std::collections::BTreeSet::new();
    let mut depth = 0_usize;
    loop {
        let event = reader.read_event();
        match event {
            Ok(Event::Start(element)) if element.local_name().as_ref() == "outline" => {
                depth += 1;
                take(&element, depth, &mut list, &mut seen);
            }
            Ok(Event::Empty(element)) if element.local_name().as_ref() == "outline" => {
                take(&element, depth + 1, &mut list, &mut seen);
            }
            Ok(Event::End(element)) if element.local_name().as_ref() == "outline" => depth = depth.saturating_sub(1),
            Ok(Event::Eof) => break,
            Ok(_) => {}
            Err(error) => return Err(OpmlError::Broken { at: reader.error_position(), what: error.to_string() }),
        }
    }
    if list.feeds.is_empty() && list.bad_addresses == 0 { Err(OpmlError::NotOpml) } else { Ok(list) }
}

fn take(element: &BytesStart<'_>, depth: usize, list: &mut List, seen: &mut std::collections::BTreeSet<String>) {
    let attribute = |name: &str| {
        let found =
            element.attributes().flatten().find(|attribute| attribute.key.as_ref().eq_ignore_ascii_case(name))?;
        let raw = &found.value;
        Some(htmlize::unescape(raw.as_ref()).split_whitespace().collect::<Vec<_>>().join(" "))
    };
    let Some(address) = attribute("xmlUrl") else { return };
    if depth > DEPTH_MAX || list.feeds.len() >= FEEDS_MAX {
        list.is_cut = true;
        return;
    }
    let Some(url) = feed_address(&address) else {
        list.bad_addresses += 1;
        return;
    };
    if !seen.insert(canonical_address(url.as_str()).unwrap_or_else(|| url.to_string())) {
        list.repeated += 1;
        return;
    }
    let title = attribute("title").or_else(|| attribute("text")).unwrap_or_default();
    let is_unverified = attribute("category")
        .is_some_and(|categories| categories.split(',').any(|one| one.trim().trim_start_matches('/') == UNVERIFIED));
    list.feeds.push(Listed { url, title: self::title(&title), is_unverified });
}

/// The address of a feed, if it is one that can be polled.
pub(super) fn feed_address(text: &str) -> Option<Url> {
    Url::parse(text).ok().filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host())
}

/// A title as it is kept: bounded, without what could act on a terminal.
pub(super) fn title(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(TITLE_CHARS_MAX).collect()
}

/// Writes a list of addresses with their titles.
pub fn write<'f>(feeds: impl Iterator<Item = (&'f str, &'f str)>) -> String {
    let mut text = String::from(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<opml version=\"2.0\">\n  <head><title>gainsay</title></head>\n  <body>\n",
    );
    for (title, url) in feeds {
        let (title, url) = (escape(title), escape(url));
        // Writing to a string cannot fail.
        writeln!(text, "    <outline type=\"rss\" text=\"{title}\" title=\"{title}\" xmlUrl=\"{url}\"/>").ok();
    }
    text.push_str("  </body>\n</opml>\n");
    text
}

fn escape(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).fold(String::new(), |mut out, c| {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            other => out.push(other),
        }
        out
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_with_folders_is_read() {
        let text = "\u{feff}<?xml version='1.0'?><opml version=\"1.0\"><head><title>x</title></head><body><outline text=\"News\">\
            <outline text=\"A &amp; B\" xmlUrl=\"https://a.example/rss?x=1&amp;y=2\" type=\"rss\"/>\
            <outline title=\"C\nnews\" text=\"c\" category=\"/world,/unverified\" xmlUrl=\"http://c.example/\"></outline>\
            <outline text=\"again\" xmlUrl=\"https://a.example/rss?x=1&amp;y=2\"/>\
            <outline text=\"bad\" xmlUrl=\"file:///etc/passwd\"/></outline></body></opml>";
        let list = read(text.as_bytes()).unwrap();
        let found: Vec<_> =
            list.feeds.iter().map(|feed| (feed.title.as_str(), feed.url.as_str(), feed.is_unverified)).collect();
        assert_eq!(found, [("A & B", "https://a.example/rss?x=1&y=2", false), ("C news", "http://c.example/", true)]);
        assert_eq!((list.bad_addresses, list.repeated, list.is_cut), (1, 1, false));
    }

    #[test]
    fn what_is_written_is_read_again() {
        let text = write([("Le \"Monde\" & Co <x>", "https://m.example/?a=1&b=2")].into_iter());
        let feed = &read(text.as_bytes()).unwrap().feeds[0];
        assert_eq!((feed.title.as_str(), feed.url.as_str()), ("Le \"Monde\" & Co <x>", "https://m.example/?a=1&b=2"));
    }

    #[test]
    fn what_is_no_list_is_refused() {
        assert_eq!(read(b"<html><body>hello</body></html>"), Err(OpmlError::NotOpml));
        assert_eq!(read(b""), Err(OpmlError::NotOpml));
        assert_eq!(read(&vec![b' '; BYTES_MAX + 1]), Err(OpmlError::TooLarge));
        assert!(matches!(
            read(b"<opml><body><outline xmlUrl=\"https://a.example/\"/><"),
            Err(OpmlError::Broken { .. })
        ));
    }

    #[test]
    fn bombs_are_bounded() {
        let entity = |n: usize| format!("<!ENTITY e{n} \"{}\">", format!("&e{};", n - 1).repeat(10));
        let entities = (1..20).map(entity).collect::<Vec<_>>().concat();
        let bomb = format!(
            "<!DOCTYPE opml [<!ENTITY e0 \"x\">{entities}]><opml><body><outline text=\"&e19;\" xmlUrl=\"https://a.example/\"/></body></opml>"
        );
        assert_eq!(read(bomb.as_bytes()).unwrap().feeds[0].title, "&e19;");
        let deep = format!("<opml>{}<outline xmlUrl=\"https://a.example/\"/>", "<outline text=\"x\">".repeat(100_000));
        assert!(matches!(read(deep.as_bytes()), Err(OpmlError::NotOpml)));
        let outline = |n: usize| format!("<outline xmlUrl=\"https://a.example/{n}\"/>");
        let many = (0..FEEDS_MAX + 5).map(outline).collect::<Vec<_>>().concat();
        let list = read(many.as_bytes()).unwrap();
        assert_eq!((list.feeds.len(), list.is_cut), (FEEDS_MAX, true));
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_are_data(bytes in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..400)) {
            drop(read(&bytes));
        }
    }
}
