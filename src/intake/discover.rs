//! From the address of a web page to its feeds: what the page names is fetched and parsed; where it names none, the places where feeds
//! commonly are, one after the other and with pauses. Called by `gainsay feeds discover` and `feeds add`.
//!
//! A page is hostile: the bytes looked at, the tags, the candidates and the requests are bounded, and each address passes the guard.

use std::time::Duration;

use jiff::Timestamp;
use url::Url;

use super::fetch::{Body, FetchError, Fetched, Fetcher};
use super::parse::{ParseError, ParsedFeed, parse};
use super::poll::PollError;
use crate::config::FeedAccess;
use crate::model::{ADDRESS_BYTES_MAX, FeedCursor, FeedId, canonical_address, shown_address};

/// Bytes of a page that are looked at, and tags in them.
const PAGE_BYTES_MAX: usize = 1 << 20;
const TAGS_MAX: usize = 20_000;
/// Candidates of a page that are fetched.
const NAMED_MAX: usize = 12;
/// News sitemaps of a robots.txt that are fetched.
const SITEMAPS_MAX: usize = 3;
/// Pause between two guesses.
const PAUSE: Duration = Duration::from_millis(500);

/// Where feeds commonly are, relative to the page's host.
const COMMON_PLACES: [&str; 9] = [
    "/feed",
    "/rss",
    "/rss.xml",
    "/feed.xml",
    "/atom.xml",
    "/index.xml",
    "/feed.json",
    "/?feed=rss2",
    "/feeds/posts/default",
];
/// Types of `<link rel="alternate">` that are feeds.
const FEED_TYPES: [&str; 7] = [
    "application/rss+xml",
    "application/atom+xml",
    "application/feed+json",
    "application/rdf+xml",
    "application/xml",
    "text/xml",
    "application/rss",
];

/// How a feed was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FoundBy {
    /// The address that was asked about is one.
    Itself,
    /// The page says so (`<link rel="alternate">`).
    Named,
    /// The page links to it.
    Linked,
    /// It was where feeds commonly are.
    Guessed,
    /// The site's robots.txt names it.
    Sitemap,
}

impl FoundBy {
    /// In words.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Itself => "the address itself",
            Self::Named => "named by the page",
            Self::Linked => "linked by the page",
            Self::Guessed => "at a common place",
            Self::Sitemap => "named by robots.txt",
        }
    }
}

/// A feed that was found, fetched and parsed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundFeed {
    /// Its address.
    pub url: Url,
    /// Its title, on one line; that of the link where it has none itself.
    pub title: String,
    /// Its format in a word or two.
    pub format: &'static str,
    /// Its entries.
    pub entries: usize,
    /// The date of its newest entry.
    pub newest: Option<Timestamp>,
    /// How it was found.
    pub by: FoundBy,
}

/// What came of looking for feeds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Discovered {
    /// The feeds, in the order of the page.
    pub feeds: Vec<FoundFeed>,
    /// Addresses that looked like feeds and are none, each with what is wrong with it.
    pub failed: Vec<(String, String)>,
}

/// What a page says may be a feed.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Candidate {
    url: Url,
    title: String,
    by: FoundBy,
}

/// Looks for feeds at `start` and behind it; `guesses` says whether places are tried that the page does not name.
///
/// # Errors
/// When `start` itself cannot be fetched.
pub async fn discover(
    fetcher: &Fetcher,
    start: &Url,
    guesses: bool,
    entries_max: usize,
    now: Timestamp,
) -> Result<Discovered, PollError> {
    let body = get(fetcher, start, now).await?;
    let page = body.url.clone();
    let bytes = body.bytes.clone();
    let mut found = Discovered::default();
    match read(body, entries_max).await? {
        Ok((parsed, format)) => {
            found.feeds.push(found_feed(start.clone(), String::new(), FoundBy::Itself, format, &parsed));
            return Ok(found);
        }
        Err(ParseError::HtmlPage | ParseError::NotAFeed) => {}
        Err(source) => return Err(PollError::Parse { url: shown_address(&page), source }),
    }
    for candidate in candidates(&bytes, &page) {
        try_candidate(fetcher, candidate, entries_max, now, &mut found).await?;
    }
    if found.feeds.is_empty() && guesses {
        guess(fetcher, &page, entries_max, now, &mut found).await?;
    }
    Ok(found)
}

/// Tries the common places until one is a feed, or the server has had enough of it; then what robots.txt names as news.
async fn guess(
    fetcher: &Fetcher,
    page: &Url,
    entries_max: usize,
    now: Timestamp,
    found: &mut Discovered,
) -> Result<(), PollError> {
    let by = FoundBy::Guessed;
    for url in COMMON_PLACES.iter().filter_map(|place| page.join(place).ok()) {
        tokio::time::sleep(PAUSE).await;
        let goes_on =
            try_candidate(fetcher, Candidate { url, title: String::new(), by }, entries_max, now, found).await?;
        if !goes_on || !found.feeds.is_empty() {
            return Ok(());
        }
    }
    tokio::time::sleep(PAUSE).await;
    let Ok(robots) = page.join("/robots.txt") else { return Ok(()) };
    let Ok(body) = get(fetcher, &robots, now).await else { return Ok(()) };
    for url in news_sitemaps(&body.bytes, &robots) {
        tokio::time::sleep(PAUSE).await;
        let candidate = Candidate { url, title: String::new(), by: FoundBy::Sitemap };
        if !try_candidate(fetcher, candidate, entries_max, now, found).await? {
            break;
        }
    }
    Ok(())
}

/// Fetches and parses a candidate; false where the server asks to be left alone or cannot be reached.
async fn try_candidate(
    fetcher: &Fetcher,
    candidate: Candidate,
    entries_max: usize,
    now: Timestamp,
    found: &mut Discovered,
) -> Result<bool, PollError> {
    let Candidate { url, title, by } = candidate;
    let body = match get(fetcher, &url, now).await {
        Ok(body) => body,
        Err(error) => {
            let goes_on = matches!(&error, FetchError::Status { status, .. } if status.as_u16() != 429 && !status.is_server_error());
            // A guess that is not there is no news.
            if by != FoundBy::Guessed || !goes_on {
                found.failed.push((shown_address(&url), error.to_string()));
            }
            return Ok(goes_on);
        }
    };
    match read(body, entries_max).await? {
        Ok((parsed, format)) => found.feeds.push(found_feed(url, title, by, format, &parsed)),
        Err(error) if by != FoundBy::Guessed => found.failed.push((shown_address(&url), error.to_string())),
        Err(_) => {}
    }
    Ok(true)
}

async fn get(fetcher: &Fetcher, url: &Url, now: Timestamp) -> Result<Body, FetchError> {
    let nobody = FeedCursor::new(FeedId::new(""));
    match fetcher.fetch(url, &FeedAccess::default(), &nobody, now).await? {
        Fetched::Body(body) => Ok(body),
        // Only what was asked conditionally is answered so.
        Fetched::NotModified(_) => Err(FetchError::RedirectTarget { url: shown_address(url) }),
    }
}

/// Parsing takes long enough to stall other tasks, so it runs on a blocking thread.
async fn read(body: Body, entries_max: usize) -> Result<Result<(ParsedFeed, &'static str), ParseError>, PollError> {
    let parsed = tokio::task::spawn_blocking(move || {
        let parsed = parse(&body.bytes, body.content_type.as_deref(), Some(&body.url), entries_max)?;
        Ok((parsed, format(&body.bytes)))
    });
    Ok(parsed.await?)
}

fn found_feed(url: Url, title: String, by: FoundBy, format: &'static str, parsed: &ParsedFeed) -> FoundFeed {
    let own = parsed.title.as_ref().map(|title| on_one_line(&htmlize::unescape(title.body.as_str())));
    FoundFeed {
        url,
        title: own.filter(|own| !own.is_empty()).unwrap_or(title),
        format,
        entries: parsed.items.len(),
        newest: parsed.items.iter().filter_map(|item| item.published.or(item.updated)).max(),
        by,
    }
}

fn on_one_line(text: &str) -> String {
    let visible: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(200).collect();
    visible.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// What the bytes of a feed look like, for people.
fn format(bytes: &[u8]) -> &'static str {
    let head = String::from_utf8_lossy(bytes.get(..4_096).unwrap_or(bytes)).replace('\0', "").to_ascii_lowercase();
    if head.trim_start_matches(['\u{feff}', ' ', '\n', '\r', '\t']).starts_with('{') {
        return "JSON";
    }
    let roots = [
        ("<rss", "RSS"),
        ("<rdf:rdf", "RSS 1.0"),
        ("<feed", "Atom"),
        ("<urlset", "news sitemap"),
        ("<newsmessage", "NewsML-G2"),
    ];
    let first = roots.iter().filter_map(|(root, name)| Some((head.find(root)?, *name))).min();
    first.map_or("feed", |(_, name)| name)
}

/// News sitemaps of a robots.txt.
fn news_sitemaps(robots: &[u8], base: &Url) -> Vec<Url> {
    let text = String::from_utf8_lossy(robots.get(..PAGE_BYTES_MAX).unwrap_or(robots));
    let named = text.lines().filter_map(|line| {
        let (key, value) = line.split_once(':')?;
        key.trim().eq_ignore_ascii_case("sitemap").then(|| base.join(value.trim()).ok())?
    });
    named.filter(|url| url.path().to_ascii_lowercase().contains("news")).take(SITEMAPS_MAX).collect()
}

/// The candidates of a page, those that it names before those that it links to, each address once.
fn candidates(bytes: &[u8], page: &Url) -> Vec<Candidate> {
    let text = String::from_utf8_lossy(bytes.get(..PAGE_BYTES_MAX).unwrap_or(bytes));
    let mut base = page.clone();
    let (mut named, mut linked) = (Vec::new(), Vec::new());
    let mut seen = std::collections::BTreeSet::new();
    for tag in Tags::new(&text).take(TAGS_MAX) {
        let attribute = |name: &str| tag.attribute(name);
        let Some(address) = attribute("href").filter(|href| href.len() <= ADDRESS_BYTES_MAX) else { continue };
        let Some(url) = base.join(address.trim()).ok().filter(|url| matches!(url.scheme(), "http" | "https")) else {
            continue;
        };
        let title = || on_one_line(&attribute("title").unwrap_or_default());
        let (list, by) = match tag.name.as_str() {
            "base" => {
                base = url;
                continue;
            }
            "link" if is_feed_link(&tag) => (&mut named, FoundBy::Named),
            "a" if url.host_str() == page.host_str() && looks_like_feed(&url) => (&mut linked, FoundBy::Linked),
            _ => continue,
        };
        if list.len() < NAMED_MAX && seen.insert(canonical_address(url.as_str()).unwrap_or_else(|| url.to_string())) {
            list.push(Candidate { url, title: title(), by });
        }
    }
    // A page that names its feeds has said it all.
    if named.is_empty() { linked } else { named }
}

fn is_feed_link(tag: &Tag<'_>) -> bool {
    let has_rel = |word: &str| {
        tag.attribute("rel").is_some_and(|rel| rel.split_ascii_whitespace().any(|one| one.eq_ignore_ascii_case(word)))
    };
    let media_type = tag.attribute("type").unwrap_or_default();
    let media_type = media_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    (has_rel("alternate") && FEED_TYPES.contains(&media_type.as_str())) || has_rel("feed")
}

/// Whether the last part of a path is a word for feeds.
fn looks_like_feed(url: &Url) -> bool {
    let path = url.path().trim_end_matches('/').to_ascii_lowercase();
    let last = path.rsplit('/').next().unwrap_or_default();
    let (stem, ending) = last.rsplit_once('.').unwrap_or((last, ""));
    matches!(stem, "rss" | "feed" | "atom" | "rdf") || matches!(ending, "rss" | "atom" | "rdf")
}

/// A start tag of a page.
struct Tag<'a> {
    name: String,
    attributes: &'a str,
}

impl Tag<'_> {
    /// The value of an attribute, with its references resolved.
    fn attribute(&self, name: &str) -> Option<String> {
        let mut rest = self.attributes;
        loop {
            rest = rest.trim_start_matches(|c: char| c.is_ascii_whitespace() || c == '/');
            let end = rest.find(|c: char| c == '=' || c.is_ascii_whitespace()).unwrap_or(rest.len());
            let (key, behind) = rest.split_at_checked(end)?;
            if key.is_empty() && behind.is_empty() {
                return None;
            }
            let Some(value) = behind.trim_start().strip_prefix('=') else {
                rest = behind;
                continue;
            };
            let value = value.trim_start();
            let (value, next) = match value.chars().next() {
                Some(mark @ ('"' | '\'')) => {
                    let inner = value.strip_prefix(mark)?;
                    inner.split_once(mark).unwrap_or((inner, ""))
                }
                _ => value.split_at_checked(value.find(|c: char| c.is_ascii_whitespace()).unwrap_or(value.len()))?,
            };
            if key.eq_ignore_ascii_case(name) {
                return Some(htmlize::unescape_attribute(value).into_owned());
            }
            rest = next;
        }
    }
}

/// The start tags of a page, without those in comments and scripts.
struct Tags<'a> {
    rest: &'a str,
}

impl<'a> Tags<'a> {
    fn new(text: &'a str) -> Self {
        Self { rest: text }
    }

    /// Goes on behind `mark`, or to the end.
    fn skip(&mut self, mark: &str) {
        self.rest = self.rest.split_once(mark).map_or("", |(_, behind)| behind);
    }
}

impl<'a> Iterator for Tags<'a> {
    type Item = Tag<'a>;

    fn next(&mut self) -> Option<Tag<'a>> {
        loop {
            (_, self.rest) = self.rest.split_once('<')?;
            if self.rest.starts_with("!--") {
                self.skip("-->");
                continue;
            }
            if !self.rest.starts_with(|c: char| c.is_ascii_alphabetic()) {
                continue;
            }
            let mut quote = None;
            let end = self.rest.find(|c: char| {
                if let Some(open) = quote {
                    quote = Some(open).filter(|open| c != *open);
                    return false;
                }
                quote = Some(c).filter(|c| matches!(c, '"' | '\''));
                c == '>'
            })?;
            let (inside, behind) = self.rest.split_at_checked(end)?;
            let name_end = inside.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(inside.len());
            let (name, attributes) = inside.split_at_checked(name_end)?;
            self.rest = behind;
            let name = name.to_ascii_lowercase();
            if matches!(name.as_str(), "script" | "style") {
                self.skip(if name == "script" { "</script" } else { "</style" });
                continue;
            }
            return Some(Tag { name, attributes });
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn page() -> Url {
        "https://news.example/world/".parse().unwrap()
    }

    #[track_caller]
    fn check(html: &str, expected: &[&str]) {
        let found = candidates(html.as_bytes(), &page());
        assert_eq!(found.iter().map(|one| one.url.as_str()).collect::<Vec<_>>(), expected, "{html}");
    }

    #[test]
    fn what_a_page_names_goes_before_what_it_links_to() {
        let link = "<LINK Rel='alternate home' TYPE=\"application/rss+xml; charset=utf-8\" title='A &amp;\nB' href=/rss?a=1&amp;b=2>";
        check(link, &["https://news.example/rss?a=1&b=2"]);
        assert_eq!(candidates(link.as_bytes(), &page())[0].title, "A & B");
        check(
            "<a href=rss.xml>x</a><a href='https://other.example/feed'>y</a><a href='/politics/feed/'>z</a>",
            &["https://news.example/world/rss.xml", "https://news.example/politics/feed/"],
        );
        check(&format!("<a href=/feed>x</a>{link}{link}"), &["https://news.example/rss?a=1&b=2"]);
        check("<base href='https://cdn.example/x/'><link rel=feed href=f>", &["https://cdn.example/x/f"]);
    }

    #[test]
    fn what_is_no_feed_is_no_candidate() {
        check("<link rel=stylesheet href=/rss.css><link rel=alternate hreflang=fr href=/fr>", &[]);
        check("<!-- <link rel=feed href=a> --><script>'<link rel=feed href=b>'</script>", &[]);
        check("<link rel=feed href='javascript:alert(1)'><link rel=feed href='file:///etc/passwd'>", &[]);
        check("<link rel=feed href='never closed", &[]);
        check(&format!("<link rel=feed href='/{}'>", "x".repeat(ADDRESS_BYTES_MAX)), &[]);
        let many = (0..1_000).map(|number| format!("<link rel=feed href=/{number}>")).collect::<Vec<_>>().concat();
        assert_eq!(candidates(many.as_bytes(), &page()).len(), NAMED_MAX);
    }

    #[test]
    fn robots_name_sitemaps_of_news() {
        let robots = "User-agent: *\nSitemap: https://news.example/sitemap.xml\nsitemap:/news-sitemap.xml\n";
        let found = news_sitemaps(robots.as_bytes(), &page());
        assert_eq!(found.iter().map(Url::as_str).collect::<Vec<_>>(), ["https://news.example/news-sitemap.xml"]);
    }

    proptest! {
        #[test]
        fn no_page_panics(text in "[<>/=\"'! a-zé-]{0,60}", href in "\\PC{0,20}") {
            candidates(text.as_bytes(), &page());
            candidates(format!("<link rel=feed {text} href=\"{href}\">").as_bytes(), &page());
        }
    }
}
