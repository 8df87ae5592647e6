//! Bytes in, items out: decodes, recovers behind a panic guard, and gives every entry its identity.

use std::collections::{BTreeMap, BTreeSet};
use std::panic::{AssertUnwindSafe, catch_unwind};

use jiff::Timestamp;
use url::Url;

use super::markup::Scanner;
use super::recover::{NoFeed, Repair, Repairs, Root, count_rest, find_root, recover};
use super::websub::{HubLinks, links_in_feed};
use super::{charset, entity, identity, json, newsml, sitemap, wishes};
use crate::model::{ADDRESS_BYTES_MAX, Item, Markup, Version, Wishes};

/// Entries that are looked at of one feed, and so the most that can be kept.
pub(super) const ENTRIES_READ_MAX: usize = 10_000;
/// Longest byline.
const AUTHOR_BYTES_MAX: usize = 500;
/// Links kept of one entry; each is compared with those before.
pub(super) const LINKS_MAX: usize = 8;
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

/// A feed before its entries have identities.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct RawFeed {
    /// As in [`ParsedFeed`].
    pub(super) title: Option<Markup>,
    /// As in [`ParsedFeed`].
    pub(super) updated: Option<Timestamp>,
    /// Entries, their identities still to be given.
    pub(super) items: Vec<Item>,
    /// As in [`ParsedFeed`].
    pub(super) links: HubLinks,
    /// As in [`ParsedFeed`].
    pub(super) wishes: Wishes,
}

/// Parses a feed's bytes as they came.
///
/// # Errors
/// When they are no feed.
pub fn parse(
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
        if is_other { read_xml(text, base, &mut repairs).or(read)? } else { read? }
    } else if let Some(text) = entity::declared(text) {
        repairs.count(Repair::Entity, 1);
        read_xml(&text, base, &mut repairs)?
    } else {
        read_xml(text, base, &mut repairs)?
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
fn read_xml(text: &str, base: Option<&Url>, repairs: &mut Repairs) -> Result<RawFeed, ParseError> {
    // What is no part of an entry.
    let (links, wishes) = (links_in_feed(text), wishes::read(text));
    let mut scanner = Scanner::new(text);
    let (kind, root) = find_root(&mut scanner, repairs).map_err(|no_feed| match no_feed {
        NoFeed::HtmlPage => ParseError::HtmlPage,
        NoFeed::Opml => ParseError::Opml,
        NoFeed::Other => ParseError::NotAFeed,
    })?;
    let scanner = &mut scanner;
    guarded(|| {
        let feed = match kind {
            Root::Feed => RawFeed { links, wishes, ..recover(root, scanner, base, ENTRIES_READ_MAX, repairs) },
            Root::SitemapIndex => return Err(sitemap::index(scanner)),
            Root::Sitemap => sitemap::read(root, scanner, base, repairs)?,
            Root::Newsml => newsml::read(root, scanner, base, repairs),
        };
        count_rest(scanner, repairs);
        Ok(feed)
    })
}

/// Of entries that are versions of one only the latest is kept; those of formats without versions are left alone.
fn keep_latest_versions(items: &mut Vec<Item>) {
    let mut latest: BTreeMap<String, (usize, Version)> = BTreeMap::new();
    let mut older: BTreeSet<usize> = BTreeSet::new();
    for (place, item) in items.iter().enumerate() {
        let Some(guid) = item.guid.as_ref().filter(|_| !item.version.is_empty()).cloned() else { continue };
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
            date: date_of(item),
            text: item.content.as_ref().or(item.summary.as_ref()).map_or("", |text| &text.body),
        })
        .collect();
    let identities = identity::identify(&marks);
    for (item, identity) in items.iter_mut().zip(identities) {
        item.identity = identity;
    }
}

#[cfg(test)]
mod formats;
#[cfg(test)]
mod peer;
#[cfg(test)]
mod tests;
