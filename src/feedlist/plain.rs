//! Lists of feeds as others keep them: OPML, or text with an address a line, in; addresses and titles, and the feeds of a
//! `[[feed_list]]` with ids that stay, out.

use std::collections::BTreeSet;
use std::sync::Arc;

use sha2::{Digest as _, Sha256};
use url::Url;

use super::opml::{self, BYTES_MAX, FEEDS_MAX, List, Listed, OpmlError};
use crate::config::{Config, FeedAccess, FeedConfig, FeedListConfig, ListSource};
use crate::model::{AddedFeed, AddressHash, FeedControl, FeedId, KeptList, ListedFeed, canonical_address};

/// Characters of a host in an id.
const HOST_CHARS_MAX: usize = 22;
/// Bytes of the hash in an id.
const HASH_BYTES: usize = 4;

/// What the ids of feeds begin with that were added while the daemon ran.
const ADDED: &str = "added";

/// Where a feed stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// In the config itself.
    Config,
    /// In the list with this id.
    List(String),
    /// It was added by the page, the API or a command.
    Added,
}

impl std::fmt::Display for Origin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Config => f.write_str("config"),
            Self::List(list) => write!(f, "list {list}"),
            Self::Added => f.write_str("added"),
        }
    }
}

/// Why a list cannot be used; what was known of it stays.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ListError {
    /// OPML that cannot be read.
    #[error(transparent)]
    Opml(#[from] OpmlError),
    /// OPML without its end.
    #[error("the list breaks off before </opml>")]
    CutOff,
    /// Larger than is read.
    #[error("the list is larger than 5 MiB")]
    TooLarge,
    /// A web page.
    #[error("the list is a web page: a wrong address, a log-in or a block page")]
    HtmlPage,
    /// No address in it.
    #[error("the list has no address of a feed")]
    Empty,
}

/// Reads a list: OPML where it is markup, else an http or https address a line. Behind the address may stand a title; `#` begins a
/// comment at the beginning of a line or behind a space.
///
/// # Errors
/// When it holds no feed, or is not whole.
pub fn read(bytes: &[u8]) -> Result<List, ListError> {
    if bytes.len() > BYTES_MAX {
        return Err(ListError::TooLarge);
    }
    let text = String::from_utf8_lossy(bytes);
    let text = text.trim_start_matches('\u{feff}').trim();
    let list = if text.starts_with('<') {
        let head: String = text.chars().take(200).collect::<String>().to_ascii_lowercase();
        if head.contains("<html") || head.contains("<!doctype html") {
            return Err(ListError::HtmlPage);
        }
        if !text.to_ascii_lowercase().ends_with("</opml>") {
            return Err(ListError::CutOff);
        }
        opml::read(text.as_bytes())?
    } else {
        lines(text)
    };
    if list.feeds.is_empty() { Err(ListError::Empty) } else { Ok(list) }
}

fn lines(text: &str) -> List {
    let mut list = List::default();
    let mut seen = BTreeSet::new();
    for line in text.lines() {
        let line = if line.trim_start().starts_with('#') { "" } else { line.split(" #").next().unwrap_or_default() };
        let mut words = line.split_whitespace();
        let Some(address) = words.next() else { continue };
        if list.feeds.len() >= FEEDS_MAX {
            list.is_cut = true;
            break;
        }
        let Some(url) = opml::feed_address(address) else {
            list.bad_addresses += 1;
            continue;
        };
        if !seen.insert(canonical_address(url.as_str()).unwrap_or_else(|| url.to_string())) {
            list.repeated += 1;
            continue;
        }
        let title = opml::title(&words.collect::<Vec<_>>().join(" "));
        list.feeds.push(Listed { url, title, is_unverified: false });
    }
    list
}

/// What marks where a list is.
pub fn address(list: &FeedListConfig) -> AddressHash {
    match &list.source {
        ListSource::Url(url) => AddressHash::of(&[b"url", url.as_str().as_bytes()]),
        ListSource::Path(path) => AddressHash::of(&[b"path", path.as_os_str().as_encoded_bytes()]),
    }
}

/// What is kept of a list.
pub fn keep(list: &FeedListConfig, read: List) -> Vec<ListedFeed> {
    let feeds = read.feeds.into_iter().take(list.feeds_max);
    feeds.map(|feed| ListedFeed { url: feed.url.to_string(), title: feed.title }).collect()
}

/// All feeds: those of the config itself, then those of its lists, then those that were added. An address or an id that is there already
/// is not taken again. A list that has moved keeps the feeds of its last copy until it is read where it is now.
pub fn all_feeds(config: &Config, kept: &[KeptList], controls: &[FeedControl]) -> Vec<(Arc<FeedConfig>, Origin)> {
    let mut addresses: BTreeSet<String> = config.feeds.iter().map(|feed| canonical(&feed.url)).collect();
    let mut ids: BTreeSet<String> = config.feeds.iter().map(|feed| feed.id.to_string()).collect();
    let mut all: Vec<_> = config.feeds.iter().map(|feed| (Arc::clone(feed), Origin::Config)).collect();
    for list in &config.feed_lists {
        let Some(kept) = kept.iter().find(|kept| kept.id == list.id) else { continue };
        for listed in kept.feeds.iter().take(list.feeds_max) {
            let Some(url) = opml::feed_address(&listed.url) else { continue };
            let id = id(&list.id, &url);
            if addresses.insert(canonical(&url)) && ids.insert(id.clone()) {
                all.push((Arc::new(list.feed(id, url, &listed.title)), Origin::List(list.id.clone())));
            }
        }
    }
    for (id, added) in controls.iter().filter_map(|control| Some((&control.feed, control.added.as_ref()?))) {
        let Some(url) = opml::feed_address(&added.url) else { continue };
        if addresses.insert(canonical(&url)) && ids.insert(id.to_string()) {
            all.push((Arc::new(added_feed(config, id, url, added)), Origin::Added));
        }
    }
    all
}

/// An address in the form in which two spellings of it are one.
pub fn canonical(url: &Url) -> String {
    canonical_address(url.as_str()).unwrap_or_else(|| url.to_string())
}

/// The id of a feed that is added: its address alone makes it, so that one that was taken out and comes back is the same feed.
pub fn added_id(url: &Url) -> FeedId {
    FeedId::new(id(ADDED, url))
}

/// Polled as a feed of the config that says nothing but its address.
fn added_feed(config: &Config, id: &FeedId, url: Url, added: &AddedFeed) -> FeedConfig {
    FeedConfig {
        id: id.clone(),
        outlet: added.outlet.clone(),
        url,
        poll_interval: config.intake.poll_interval,
        poll_interval_max: config.intake.poll_interval_max,
        backfill: config.intake.backfill,
        access: FeedAccess::default(),
        text: config.intake.text,
    }
}

/// The id of a list's feed: it depends on the list's id and the address alone, so that neither order nor titles change it.
fn id(list: &str, url: &Url) -> String {
    use std::fmt::Write as _;

    let address = canonical(url);
    let host = url.host_str().unwrap_or_default();
    let host: String =
        host.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' }).collect();
    let host: String = host.trim_start_matches("www-").chars().take(HOST_CHARS_MAX).collect();
    let mut id = format!("{list}.{}-", host.trim_matches('-'));
    for byte in Sha256::digest(address.as_bytes()).iter().take(HASH_BYTES) {
        // Writing to a string cannot fail.
        write!(id, "{byte:02x}").ok();
    }
    id
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_addresses_with_titles_and_comments() {
        let text = "\u{feff}# politics\n\nhttps://a.example/rss  The A  Post # daily\n  #https://no.example/\nhttps://b.example/x#part\n\
                    ftp://c.example/\nnonsense\nhttps://A.example/rss again\n";
        let list = read(text.as_bytes()).unwrap();
        let feeds: Vec<(&str, &str)> = list.feeds.iter().map(|feed| (feed.url.as_str(), feed.title.as_str())).collect();
        assert_eq!(feeds, [("https://a.example/rss", "The A Post"), ("https://b.example/x#part", "")]);
        assert_eq!((list.bad_addresses, list.repeated), (2, 1));
    }

    #[test]
    fn what_is_no_whole_list_is_refused() {
        let opml = "<opml><body><outline xmlUrl='https://a.example/'/></body></opml>";
        assert_eq!(read(opml.as_bytes()).unwrap().feeds.len(), 1);
        assert_eq!(read(&opml.as_bytes()[..opml.len() - 9]), Err(ListError::CutOff));
        assert_eq!(read(b"<!DOCTYPE html><html></html>"), Err(ListError::HtmlPage));
        assert_eq!(read(b"<opml></opml>"), Err(ListError::Opml(OpmlError::NotOpml)));
        for empty in ["", "# nothing\n", "404 not found\n"] {
            assert_eq!(read(empty.as_bytes()), Err(ListError::Empty), "{empty}");
        }
        assert_eq!(read(&vec![b'a'; BYTES_MAX + 1]), Err(ListError::TooLarge));
    }

    #[test]
    fn what_is_added_comes_last_and_gives_way_to_the_config() {
        let text = "database = \"g.db\"\n[[feed]]\nid = \"mine\"\nurl = \"https://a.example/rss\"\noutlet = \"A\"\n\
                    [[sink]]\nname = \"log\"\ntype = \"jsonl\"\n";
        let config = crate::config::parse_without_secrets(text, std::path::Path::new("g.toml")).unwrap();
        let added = |url: &str| {
            let at = jiff::Timestamp::UNIX_EPOCH;
            let added = AddedFeed { url: url.to_owned(), outlet: "B".to_owned(), at, by: None };
            FeedControl { added: Some(added), ..FeedControl::new(added_id(&Url::parse(url).unwrap())) }
        };
        let controls = [added("https://A.example/rss"), added("https://b.example/rss")];
        let all = all_feeds(&config, &[], &controls);
        let shown: Vec<(&str, String)> = all.iter().map(|(feed, from)| (feed.id.as_str(), from.to_string())).collect();
        assert_eq!(shown.len(), 2, "{shown:?}");
        assert_eq!(shown[0], ("mine", "config".to_owned()));
        assert!(shown[1].0.starts_with("added.b-example-") && shown[1].1 == "added", "{shown:?}");
        assert_eq!(all[1].0.poll_interval, config.intake.poll_interval);
    }

    #[test]
    fn ids_stay_whatever_else_a_list_says() {
        let url = |text: &str| Url::parse(text).unwrap();
        let one = id("team", &url("https://www.News-Example.com/politics/rss.xml"));
        assert!(one.starts_with("team.news-example-com-") && one.len() == 30, "{one}");
        assert_ne!(one, id("team", &url("https://www.news-example.com/world/rss.xml")));
        let long = id(&"x".repeat(32), &url(&format!("https://{}.example/", "a".repeat(60))));
        assert!(long.len() <= 64, "{long}");
    }
}
