//! Bytes in, items out: decodes, recovers, parses behind a panic guard, and gives every entry its identity.

use std::collections::{BTreeMap, BTreeSet};
use std::panic::{AssertUnwindSafe, catch_unwind};

use feed_rs::model::{Entry, FeedType, Link, Text};
use jiff::Timestamp;
use url::Url;

use super::markup::Scanner;
use super::recover::{Clean, NoFeed, Repair, Repairs, Root, count_rest, find_root, recover};
use super::{charset, date, identity, json, newsml, sitemap};
use crate::model::{ADDRESS_BYTES_MAX, Item, Markup, MarkupFormat, Version};

/// Entries that are looked at of one feed, and so the most that can be kept.
pub(super) const ENTRIES_READ_MAX: usize = 10_000;
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
    let raw = if text.starts_with(['{', '[']) {
        guarded(|| json::read(text, base, &mut repairs))?
    } else {
        read_xml(parser, text, base, &mut repairs)?
    };
    let RawFeed { title, updated, mut items } = raw;
    keep_latest_versions(&mut items);
    repairs.count(Repair::EntriesLeftOut, u32::try_from(items.len().saturating_sub(entries_max)).unwrap_or(u32::MAX));
    keep_newest(&mut items, entries_max);
    give_identities(&mut items);
    repairs.count(Repair::TooLong, items.iter_mut().map(drop_too_long).sum());
    Ok(ParsedFeed { title, updated, items, repairs })
}

/// Reads XML of whichever format its root says.
fn read_xml(
    parser: &impl FeedParser,
    text: &str,
    base: Option<&Url>,
    repairs: &mut Repairs,
) -> Result<RawFeed, ParseError> {
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
            read_clean(parser, clean, base, repairs)
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
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::model::{EntryIdentity, IdentityRule};

    const WIRE: &str = include_str!("../../tests/fixtures/feeds/wire_rss.xml");
    const ATOM: &str = include_str!("../../tests/fixtures/feeds/atom_relative_links.xml");

    fn read(bytes: &[u8]) -> Result<ParsedFeed, ParseError> {
        parse(bytes, None, None, 100)
    }

    #[test]
    fn topics_are_read_in_every_format() {
        let topics = |feed: &str| read(feed.as_bytes()).unwrap().items.remove(0).topics;
        assert_eq!(
            topics(
                "<rss version=\"2.0\" xmlns:dc=\"http://purl.org/dc/elements/1.1/\"><channel><category>all</category><item><title>a</title>\
                 <category domain=\"x\"> World &amp; war </category><category/><dc:subject>Ships</dc:subject></item></channel></rss>"
            ),
            ["World & war", "Ships"]
        );
        assert_eq!(
            topics(
                "<feed xmlns=\"http://www.w3.org/2005/Atom\"><entry><title>a</title><category term=\"w\" label=\"World\"/>\
                 <category term=\"sport\"></category></entry></feed>"
            ),
            ["World", "sport"]
        );
        let json = |tags: &str| {
            topics(&format!(
                r#"{{"version":"https://jsonfeed.org/version/1.1","title":"","items":[{{"id":"1","tags":{tags}}}]}}"#
            ))
        };
        assert_eq!(json(r#"["World", 3, "sport"]"#), ["World", "sport"]);
        assert_eq!(json("7"), [""; 0]);
        let many = "<category>x</category>".repeat(1_000);
        assert_eq!(
            topics(&format!("<rss version=\"2.0\"><channel><item>{many}</item></channel></rss>")).len(),
            TOPICS_MAX
        );
    }

    #[test]
    fn what_a_publisher_says_reaches_the_item() {
        let feed = read(WIRE.as_bytes()).unwrap();
        let item = &feed.items[0];
        assert_eq!(item.guid.as_deref(), Some("wire-1"));
        assert_eq!(item.identity, EntryIdentity { rule: IdentityRule::Guid, key: "wire-1".to_owned() });
        assert_eq!(item.author.as_deref(), Some("Desk"));
        assert_eq!(item.published, Some("2024-10-31T08:01:00Z".parse().unwrap()));
        assert_eq!(item.updated, None);
        assert_eq!(item.title.as_ref().unwrap().format, MarkupFormat::Html);
        assert!(feed.repairs.0.is_empty(), "{:?}", feed.repairs);
    }

    #[test]
    fn an_atom_text_with_references_in_it_is_html() {
        let feed = |title: &str| {
            format!("<feed xmlns='http://www.w3.org/2005/Atom'><entry><title>{title}</title></entry></feed>")
        };
        let format = |title: &str| read(feed(title).as_bytes()).unwrap().items[0].title.clone().unwrap().format;
        assert_eq!(format("He &lt; she"), MarkupFormat::Text);
        assert_eq!(format("He said &amp;#8220;no&amp;#8221;"), MarkupFormat::Html);
    }

    #[track_caller]
    fn check_error(bytes: &[u8], expected: &ParseError) {
        assert_eq!(read(bytes).as_ref(), Err(expected), "{}", String::from_utf8_lossy(bytes));
    }

    #[test]
    fn what_is_no_feed_is_told_apart() {
        check_error(b"", &ParseError::Empty);
        check_error(b"\xef\xbb\xbf \r\n", &ParseError::Empty);
        check_error(b"<!DOCTYPE html><html></html>", &ParseError::HtmlPage);
        check_error(b"\x89PNG\r\n", &ParseError::NotAFeed);
        assert!(matches!(read(b"{\"version\": 1}"), Err(ParseError::Malformed(_))));
        assert!(matches!(read("{\"a\":".repeat(100_000).as_bytes()), Err(ParseError::Malformed(_))));
    }

    #[track_caller]
    fn check_kept(days: &[&str], expected: &[&str]) {
        let entry = |day: &&str| {
            let date = if day.is_empty() { String::new() } else { format!("<pubDate>2024-10-0{day}</pubDate>") };
            format!("<item><title>{day}</title>{date}</item>")
        };
        let feed = format!("<rss version='2.0'>{}</rss>", days.iter().map(entry).collect::<String>());
        let feed = parse(feed.as_bytes(), None, None, 2).unwrap();
        let titles = feed.items.iter().map(|item| item.title.as_ref().map_or("", |title| &title.body));
        assert_eq!(titles.collect::<Vec<_>>(), expected, "{days:?}");
        let left_out = u32::try_from(days.len() - expected.len()).unwrap();
        assert_eq!(feed.repairs.0.get(&Repair::EntriesLeftOut).copied().unwrap_or_default(), left_out);
    }

    #[test]
    fn what_is_too_long_to_be_an_address_or_a_name_goes() {
        let long = "x".repeat(3 << 20);
        let feed = format!(
            "<rss version='2.0'><item><title>T</title><guid>{long}</guid><link>https://a.example/{long}</link>\
             <link>https://a.example/1</link><author>{long}</author></item></rss>"
        );
        let feed = read(feed.as_bytes()).unwrap();
        let item = &feed.items[0];
        assert_eq!(
            (item.links.as_slice(), &item.guid, &item.author),
            (&["https://a.example/1".to_owned()][..], &None, &None)
        );
        assert!(item.identity.key.len() < 100, "{} bytes", item.identity.key.len());
        assert_eq!(feed.repairs.0.get(&Repair::TooLong), Some(&3));
    }

    #[test]
    fn the_newest_entries_are_kept() {
        check_kept(&["1", "2", "3", "4"], &["3", "4"]);
        check_kept(&["4", "3", "2", "1"], &["4", "3"]);
        check_kept(&["2", "4", "1", "3"], &["4", "3"]);
        check_kept(&["1", "2"], &["1", "2"]);
        check_kept(&["1", "2", "", "4"], &["", "4"]);
        check_kept(&["4", "", "2", "1"], &["4", ""]);
        check_kept(&["", "", ""], &["", ""]);
    }

    #[test]
    fn json_feeds_are_read() {
        let json = r#"{"version":"https://jsonfeed.org/version/1.1","title":"W","items":[
            {"id":"1","url":"https://a.example/1","title":"T","content_text":"x < y","date_published":"2024-10-31T08:01:00Z"}]}"#;
        let feed = read(json.as_bytes()).unwrap();
        assert_eq!(feed.items[0].identity.key, "1");
        assert_eq!(feed.items[0].content, Some(Markup { format: MarkupFormat::Text, body: "x < y".to_owned() }));
    }

    #[test]
    fn hostile_nesting_and_entities_cost_nothing() {
        let deep = format!("<rss version='2.0'><channel>{}", "<item><a>".repeat(200_000));
        assert_eq!(read(deep.as_bytes()).unwrap().items.len(), 100);
        let laughs =
            "<!DOCTYPE l [<!ENTITY a 'lol'><!ENTITY b '&a;&a;&a;'>]><rss><item><title>&b;</title></item></rss>";
        assert_eq!(read(laughs.as_bytes()).unwrap().items[0].title.as_ref().unwrap().body, "&b;");
    }

    /// `piece` by the hundred thousand, `#` in it being the number.
    fn many(piece: &str) -> String {
        (0..100_000).map(|number| piece.replace('#', &number.to_string())).collect()
    }

    #[test]
    fn hostile_things_by_the_million_cost_linear_time() {
        let long = "x".repeat(1 << 20);
        for document in [
            format!("<rss><channel>{}{}", many("<channel>"), many("</x>")),
            format!("<rss>{}", many("<channel xmlns:a#='x' xmlns:b#='x'>")),
            format!("<rss>{}{}", many("<channel xmlns:a#='x'>"), many("<a#:item/>")),
            format!("<rss><item>{}{}", many("<x>"), many("</y>")),
            format!("<rss xml:base='http://a.example/{long}/'><item>{}</item></rss>", many("<link>#</link>")),
            format!("<feed><entry>{}</entry></feed>", many("<link href='http://a.example/#'/>")),
            format!("<feed><entry>{}</entry></feed>", many("<author><name>#</name></author>")),
            format!("<rss>{}</rss>", many("<item><guid>same</guid></item>")),
            format!("<rss>{}</rss>", many("<item><guid>#</guid></item>")),
            format!(
                r#"{{"version":"https://jsonfeed.org/version/1","title":"","items":[{{}}],"authors":[{}{{}}]}}"#,
                many(r##"{"name":"#"},"##)
            ),
            format!(
                r#"{{"version":"https://jsonfeed.org/version/1","title":"","authors":[{}{{}}],"items":[{}{{}}]}}"#,
                many(r##"{"name":"#"},"##),
                many("{},")
            ),
        ] {
            let start = std::time::Instant::now();
            drop(parse(document.as_bytes(), None, None, ENTRIES_READ_MAX));
            let took = start.elapsed();
            assert!(took.as_secs() < 10, "{took:?} for {}", document.get(..120).unwrap_or_default());
        }
    }

    struct Panicking;

    impl FeedParser for Panicking {
        fn parse(&self, document: &str, _: Option<&Url>) -> Result<RawFeed, ParseError> {
            panic!("cannot read {} bytes", document.len())
        }
    }

    #[test]
    fn a_parsers_panic_costs_one_document() {
        let outcome = parse_with(&Panicking, b"<rss><item/></rss>", None, None, 9);
        assert!(matches!(outcome, Err(ParseError::Panicked(reason)) if reason.starts_with("cannot read ")));
    }

    #[test]
    fn a_feed_cut_anywhere_gives_only_whole_items() {
        for whole in [WIRE, ATOM] {
            let items = read(whole.as_bytes()).unwrap().items;
            assert!(items.len() >= 3);
            for length in 0..whole.len() {
                if let Ok(cut) = read(&whole.as_bytes()[..length]) {
                    assert_eq!(cut.items, items[..cut.items.len()], "cut at {length}");
                }
            }
        }
    }

    proptest! {
        #[test]
        fn any_damage_is_survived_and_read_the_same_twice(
            places in proptest::collection::vec((0..WIRE.len(), "[<>&\"'/!\\[\\]a-c;\\x00\\xff]{0,6}"), 1..12),
        ) {
            let mut bytes = WIRE.as_bytes().to_vec();
            for (at, junk) in places {
                let at = at.min(bytes.len());
                bytes.splice(at..(at + junk.len()).min(bytes.len()), junk.bytes());
            }
            let first = read(&bytes);
            prop_assert!(!matches!(first, Err(ParseError::Panicked(_))));
            prop_assert_eq!(&first, &read(&bytes));
            if let Ok(feed) = first {
                let keys: std::collections::BTreeSet<_> = feed.items.iter().map(|item| item.identity.bytes()).collect();
                prop_assert_eq!(keys.len(), feed.items.len());
            }
        }
    }
}

#[cfg(test)]
#[path = "parse_formats.rs"]
mod formats;
