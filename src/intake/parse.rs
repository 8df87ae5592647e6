//! Bytes in, items out: decodes, recovers, parses behind a panic guard, and gives every entry its identity.

use std::collections::{BTreeMap, BTreeSet};
use std::panic::{AssertUnwindSafe, catch_unwind};

use feed_rs::model::{Entry, FeedType, Link, Text};
use jiff::Timestamp;
use url::Url;

use super::markup::Scanner;
use super::recover::{Clean, NoFeed, Repair, Repairs, Root, count_rest, find_root, recover};
use super::websub::{HubLinks, links_in_feed};
use super::{charset, date, entity, identity, json, newsml, sitemap, wishes};
use crate::model::{ADDRESS_BYTES_MAX, Item, Markup, MarkupFormat, Version, Wishes};

/// Entries that are looked at of one feed, and so the most that can be kept.
pub(super) const ENTRIES_READ_MAX: usize = 10_000;
/// Longest head of a feed that is read with each entry by itself.
const HEAD_BYTES_MAX: usize = 64 << 10;
/// Longest byline.
const AUTHOR_BYTES_MAX: usize = 500;
/// Links kept of one entry; each is compared with those before.
const LINKS_MAX: usize = 8;
/// Topics of one entry.
pub(super) const TOPICS_MAX: usize = 32;

/// A feed as parsed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParsedFeed {
    /// Its title, entities decoded, markup possibly left.
    pub title: Option<Markup>,
    /// When the publisher says it was last changed, else published.
    pub updated: Option<Timestamp>,
    /// Its entries in its own order.
    pub items: Vec<Item>,
    /// What had to be repaired.
    pub repairs: Repairs,
    /// The hub that it names.
    pub links: HubLinks,
    /// What it says about how often it may be read.
    pub wishes: Wishes,
}

/// Why bytes are not a feed, in words for the operator.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ParseError {
    /// Nothing at all.
    #[error("the body is empty")]
    Empty,
    /// A web page.
    #[error("the body is a web page, not a feed: a wrong address, a log-in or a block page")]
    HtmlPage,
    /// A list of feeds.
    #[error("the body is an OPML list of feeds, not a feed: import it with `gainsay feeds import`")]
    Opml,
    /// A sitemap of everything that a site has.
    #[error("the body is a sitemap without news: no news:news element in it")]
    PlainSitemap,
    /// A list of sitemaps, with its first.
    #[error(
        "the body is an index of sitemaps, not a news sitemap: poll the ones in it that are for news (the first is {0})"
    )]
    SitemapIndex(String),
    /// Something else.
    #[error("the body is not a feed: neither RSS, Atom, RDF, CDF, a news sitemap, NewsML-G2 nor NITF, and no JSON")]
    NotAFeed,
    /// A feed that cannot be read even after repairs.
    #[error("the feed is malformed: {0}")]
    Malformed(String),
    /// The parser died: a defect of ours.
    #[error("the parser panicked: {0}")]
    Panicked(String),
}

/// Parses a clean feed. What comes in is well-formed XML or JSON in UTF-8; it can still be hostile.
pub trait FeedParser {
    /// The feed in `document`; identities are not its business, entries without guid have none.
    ///
    /// # Errors
    /// When the document is no feed that the parser knows.
    fn parse(&self, document: &str, base: Option<&Url>) -> Result<RawFeed, ParseError>;
}

/// A feed before its entries have identities.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RawFeed {
    /// As in [`ParsedFeed`].
    pub title: Option<Markup>,
    /// As in [`ParsedFeed`].
    pub updated: Option<Timestamp>,
    /// Entries, their identities still to be given.
    pub items: Vec<Item>,
    /// As in [`ParsedFeed`].
    pub links: HubLinks,
    /// As in [`ParsedFeed`].
    pub wishes: Wishes,
}

/// Parses a feed's bytes as they came, with feed-rs.
///
/// # Errors
/// When they are no feed.
pub fn parse(
    bytes: &[u8],
    content_type: Option<&str>,
    base: Option<&Url>,
    entries_max: usize,
) -> Result<ParsedFeed, ParseError> {
    parse_with(&FeedRs, bytes, content_type, base, entries_max)
}

fn parse_with(
    parser: &impl FeedParser,
    bytes: &[u8],
    content_type: Option<&str>,
    base: Option<&Url>,
    entries_max: usize,
) -> Result<ParsedFeed, ParseError> {
    let decoded = charset::decode(bytes, content_type);
    let text = decoded.text.trim_start_matches(|c: char| c.is_whitespace() || c == '\u{feff}');
    if text.is_empty() {
        return Err(ParseError::Empty);
    }
    let mut repairs = Repairs::default();
    repairs.count(Repair::Charset, u32::from(decoded.is_converted));
    let raw = if let Some(text) = json::start(text) {
        let read = guarded(|| json::read(text, base, &mut repairs));
        // A line of a log before a feed may begin like a list.
        let is_other = read.is_err() && text.contains('<');
        if is_other { read_xml(parser, text, base, &mut repairs).or(read)? } else { read? }
    } else if let Some(text) = entity::declared(text) {
        repairs.count(Repair::Entity, 1);
        read_xml(parser, &text, base, &mut repairs)?
    } else {
        read_xml(parser, text, base, &mut repairs)?
    };
    let RawFeed { title, updated, mut items, links, wishes } = raw;
    keep_latest_versions(&mut items);
    repairs.count(Repair::EntriesLeftOut, u32::try_from(items.len().saturating_sub(entries_max)).unwrap_or(u32::MAX));
    keep_newest(&mut items, entries_max);
    give_identities(&mut items);
    repairs.count(Repair::TooLong, items.iter_mut().map(drop_too_long).sum());
    Ok(ParsedFeed { title, updated, items, repairs, links, wishes })
}

/// Reads XML of whichever format its root says.
fn read_xml(
    parser: &impl FeedParser,
    text: &str,
    base: Option<&Url>,
    repairs: &mut Repairs,
) -> Result<RawFeed, ParseError> {
    // What the recovery drops, since it is no part of an entry.
    let (links, wishes) = (links_in_feed(text), wishes::read(text));
    let mut scanner = Scanner::new(text);
    let (kind, root) = find_root(&mut scanner, repairs).map_err(|no_feed| match no_feed {
        NoFeed::HtmlPage => ParseError::HtmlPage,
        NoFeed::Opml => ParseError::Opml,
        NoFeed::Other => ParseError::NotAFeed,
    })?;
    let scanner = &mut scanner;
    match kind {
        Root::Feed => {
            let clean = recover(root, scanner, base, ENTRIES_READ_MAX, repairs);
            read_clean(parser, clean, base, repairs).map(|feed| RawFeed { links, wishes, ..feed })
        }
        Root::SitemapIndex => Err(sitemap::index(scanner)),
        Root::Sitemap | Root::Newsml => guarded(|| {
            let feed = match kind {
                Root::Sitemap => sitemap::read(root, scanner, base, repairs)?,
                _ => newsml::read(root, scanner, base, repairs),
            };
            count_rest(scanner, repairs);
            Ok(feed)
        }),
    }
}

/// Parses a clean feed; where the parser cannot, each of its entries by itself, so that only those are lost that cannot be read.
fn read_clean(
    parser: &impl FeedParser,
    clean: Clean,
    base: Option<&Url>,
    repairs: &mut Repairs,
) -> Result<RawFeed, ParseError> {
    let whole = guarded(|| parser.parse(&clean.text, base));
    let is_complete = whole.as_ref().is_ok_and(|feed| feed.items.len() == clean.entries.len());
    if is_complete || clean.entries.is_empty() {
        let mut feed = whole?;
        for (item, credits) in feed.items.iter_mut().zip(clean.credits) {
            item.credits = credits;
        }
        return Ok(feed);
    }
    let head = clean.entries.first().and_then(|first| clean.text.get(..first.start)).unwrap_or_default();
    let tail = clean.entries.last().and_then(|last| clean.text.get(last.end..)).unwrap_or_default();
    let mut feed = RawFeed::default();
    // Read with each entry, so short.
    let (head, tail) = if head.len() > HEAD_BYTES_MAX { clean.bare() } else { (head, tail) };
    let head_alone = guarded(|| parser.parse(&format!("{head}{tail}"), base));
    let (head, tail) = match &head_alone {
        Ok(_) => (head, tail),
        // What the feed says of itself is what cannot be read.
        Err(_) => clean.bare(),
    };
    if let Ok(RawFeed { title, updated, .. }) = head_alone {
        (feed.title, feed.updated) = (title, updated);
    }
    for (place, credits) in clean.entries.iter().zip(clean.credits) {
        let entry = clean.text.get(place.clone()).unwrap_or_default();
        let alone = guarded(|| parser.parse(&format!("{head}{entry}{tail}"), base));
        match alone.ok().and_then(|mut alone| alone.items.pop()) {
            Some(item) => feed.items.push(Item { credits, ..item }),
            None => repairs.count(Repair::Unreadable, 1),
        }
    }
    match whole {
        Err(error) if feed.items.is_empty() => Err(error),
        _ => Ok(feed),
    }
}

/// Of entries that are versions of one only the latest is kept; those of formats without versions are left alone.
fn keep_latest_versions(items: &mut Vec<Item>) {
    let mut latest: BTreeMap<String, (usize, Version)> = BTreeMap::new();
    let mut older: BTreeSet<usize> = BTreeSet::new();
    for (place, item) in items.iter().enumerate() {
        let Some(guid) = item.guid.clone().filter(|_| !item.version.is_empty()) else { continue };
        match latest.get_mut(&guid) {
            Some((_, known)) if item.version.is_older_than(*known) => {
                older.insert(place);
            }
            Some(known) => {
                older.insert(known.0);
                *known = (place, item.version);
            }
            None => {
                latest.insert(guid, (place, item.version));
            }
        }
    }
    let mut place = 0..;
    items.retain(|_| place.next().is_some_and(|place| !older.contains(&place)));
}

/// A panic costs this one document. Its message still reaches standard error, as the hook that prints it
/// belongs to the whole program.
fn guarded(parse: impl FnOnce() -> Result<RawFeed, ParseError>) -> Result<RawFeed, ParseError> {
    // Safe to unwind through: nothing of it is used after a panic.
    catch_unwind(AssertUnwindSafe(parse)).unwrap_or_else(|panic| {
        let message = panic.downcast_ref::<String>().map(String::as_str);
        let message = message.or_else(|| panic.downcast_ref::<&str>().copied());
        Err(ParseError::Panicked(message.unwrap_or("without a message").to_owned()))
    })
}

/// Leaves out the oldest entries over the limit: by date where all are dated, else at the end at which the dates that there are,
/// or the habit of feeds, put the oldest. The others keep their order.
fn keep_newest(items: &mut Vec<Item>, entries_max: usize) {
    let left_out = items.len().saturating_sub(entries_max);
    if left_out == 0 {
        return;
    }
    let mut stated = items.iter().filter_map(date_of);
    let (first, last) = (stated.next(), stated.next_back());
    let is_oldest_first = first < last;
    let dates: Option<Vec<Timestamp>> = items.iter().map(date_of).collect();
    if let Some(dates) = dates {
        let mut places: Vec<usize> = (0..dates.len()).collect();
        // Of entries of the same date those at the feed's newer end stay.
        if is_oldest_first {
            places.reverse();
        }
        places.sort_by_key(|&place| std::cmp::Reverse(dates.get(place)));
        places.truncate(entries_max);
        let kept: BTreeSet<usize> = places.into_iter().collect();
        let mut place = 0..;
        items.retain(|_| place.next().is_some_and(|place| kept.contains(&place)));
    } else if is_oldest_first {
        items.drain(..left_out);
    } else {
        items.truncate(entries_max);
    }
}

/// Takes from an entry what is too long to be an address, a guid or a name; how much. Its identity was given before.
fn drop_too_long(item: &mut Item) -> u32 {
    let links = item.links.len();
    item.links.retain(|link| link.len() <= ADDRESS_BYTES_MAX);
    let lost_guid = item.guid.take_if(|guid| guid.len() > identity::GUID_BYTES_MAX);
    item.credits.retain(|credit| credit.len() <= AUTHOR_BYTES_MAX);
    item.dateline.take_if(|dateline| dateline.len() > AUTHOR_BYTES_MAX);
    let lost_author = item.author.take_if(|author| author.len() > AUTHOR_BYTES_MAX);
    let lost_links = u32::try_from(links - item.links.len()).unwrap_or(u32::MAX);
    lost_links + u32::from(lost_guid.is_some()) + u32::from(lost_author.is_some())
}

/// When an entry was published, else changed.
fn date_of(item: &Item) -> Option<Timestamp> {
    item.published.or(item.updated)
}

fn give_identities(items: &mut [Item]) {
    let marks: Vec<identity::Marks<'_>> = items
        .iter()
        .map(|item| identity::Marks {
            guid: item.guid.as_deref(),
            link: item.links.first().map(String::as_str),
            title: item.title.as_ref().map_or("", |title| &title.body),
            date: date_of(item).map(|at| at.to_string()),
            text: item.content.as_ref().or(item.summary.as_ref()).map_or("", |text| &text.body),
        })
        .collect();
    let identities = identity::identify(&marks);
    for (item, identity) in items.iter_mut().zip(identities) {
        item.identity = identity;
    }
}

/// feed-rs behind the trait.
struct FeedRs;

impl FeedParser for FeedRs {
    fn parse(&self, document: &str, base: Option<&Url>) -> Result<RawFeed, ParseError> {
        let feed = feed_rs::parser::Builder::new()
            .base_uri(base.map(Url::as_str).filter(|base| base.len() <= ADDRESS_BYTES_MAX))
            .sanitize_content(false)
            // Left alone it would invent a random id, and so a new entry with every poll.
            .id_generator(|_, _, _| String::new())
            .timestamp_parser(|text| date::read(text)?.to_string().parse().ok())
            .build()
            .parse(document.as_bytes())
            .map_err(|error| ParseError::Malformed(error.to_string()))?;
        let is_rss = matches!(feed.feed_type, FeedType::RSS0 | FeedType::RSS1 | FeedType::RSS2);
        let instant = |time: Option<i64>| time.and_then(|millis| Timestamp::from_millisecond(millis).ok());
        let updated = feed.updated.or(feed.published).map(|time| time.timestamp_millis());
        Ok(RawFeed {
            title: feed.title.and_then(|title| markup(title, is_rss)),
            updated: instant(updated),
            items: feed.entries.into_iter().map(|entry| item(entry, is_rss)).collect(),
            ..RawFeed::default()
        })
    }
}

fn item(entry: Entry, is_rss: bool) -> Item {
    let stated = |time: Option<i64>| Timestamp::from_millisecond(time?).ok();
    let content = entry.content.and_then(|content| {
        let is_html = content.content_type.subty().as_str().contains("html");
        plain_or_html(content.body?, is_html || is_rss)
    });
    Item {
        guid: Some(entry.id.trim().to_owned()).filter(|guid| !guid.is_empty()),
        links: links(entry.links),
        title: entry.title.and_then(|title| markup(title, is_rss)),
        summary: entry.summary.and_then(|summary| markup(summary, is_rss)),
        content,
        published: stated(entry.published.map(|time| time.timestamp_millis())),
        // feed-rs repeats an RSS item's date of publication here, which the publisher never said.
        updated: stated(
            entry.updated.filter(|_| !is_rss || entry.updated != entry.published).map(|t| t.timestamp_millis()),
        ),
        author: entry.authors.into_iter().find_map(|author| author.name).filter(|name| !name.trim().is_empty()),
        topics: entry.categories.into_iter().take(TOPICS_MAX).map(|topic| topic.label.unwrap_or(topic.term)).collect(),
        // Its identity is given once all entries of the feed are known.
        ..Item::default()
    }
}

/// Absolute links to the article itself, each once; attachments and comments are something else.
fn links(links: Vec<Link>) -> Vec<String> {
    let mut kept: Vec<String> = Vec::new();
    for link in links {
        if kept.len() == LINKS_MAX {
            break;
        }
        let is_article = link.rel.as_deref().is_none_or(|rel| rel == "alternate") && link.target.is_none();
        if is_article && link.length.is_none() && Url::parse(&link.href).is_ok() && !kept.contains(&link.href) {
            kept.push(link.href);
        }
    }
    kept
}

fn markup(text: Text, is_rss: bool) -> Option<Markup> {
    let is_html = text.content_type.subty().as_str().contains("html");
    plain_or_html(text.content, is_html || is_rss)
}

/// RSS never says whether a text is HTML, and many an Atom feed says "text" of escaped HTML: a text with references in
/// it is none that a reader was meant to see.
fn plain_or_html(body: String, is_html: bool) -> Option<Markup> {
    let has_references = || htmlize::unescape(body.as_str()) != body;
    let format = if is_html || has_references() { MarkupFormat::Html } else { MarkupFormat::Text };
    (!body.trim().is_empty()).then_some(Markup { format, body })
}

#[cfg(test)]
mod formats;
#[cfg(test)]
mod tests;
