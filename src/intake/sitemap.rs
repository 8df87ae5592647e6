//! News sitemaps: a `urlset` with `news:news` in it, as Google asks publishers for, in; entries without a text out.
//!
//! <https://www.google.com/schemas/sitemap-news/0.9/>; a sitemap index and a sitemap without news are told apart in words.

use jiff::Timestamp;
use url::Url;

use super::date;
use super::markup::{Scanner, Tag, Token, local};
use super::parse::{ParseError, RawFeed, TOPICS_MAX};
use super::recover::Repairs;
use super::tree::{Node, address, entries};
use crate::model::{Item, Markup, MarkupFormat};

/// The entries of the sitemap that `root` begins: those of its addresses that are news.
pub(super) fn read<'a>(
    root: Tag<'a>,
    scanner: &mut Scanner<'a>,
    base: Option<&Url>,
    repairs: &mut Repairs,
) -> Result<RawFeed, ParseError> {
    let is_meant_for_news = root.rest.contains("sitemap-news");
    let mut has_addresses = false;
    let mut items = entries(root, scanner, |name| name == "url", |url| Some(item(url, base)), repairs);
    items.retain(|item| {
        has_addresses = true;
        item.title.is_some()
    });
    if items.is_empty() && has_addresses && !is_meant_for_news {
        return Err(ParseError::PlainSitemap);
    }
    Ok(RawFeed { items, ..RawFeed::default() })
}

/// The error that a sitemap index is, with its first child.
pub(super) fn index(scanner: &mut Scanner<'_>) -> ParseError {
    let mut is_address = false;
    let first = scanner.find_map(|token| match token {
        Token::Start(tag) => {
            is_address = local(tag.name).eq_ignore_ascii_case("loc");
            None
        }
        Token::Text(text) | Token::Cdata(text) if is_address && !text.trim().is_empty() => {
            Some(super::entity::resolve(text.trim(), &mut super::entity::Oddities::default()))
        }
        _ => None,
    });
    ParseError::SitemapIndex(first.unwrap_or_else(|| "nothing".to_owned()))
}

fn item(url: &Node, base: Option<&Url>) -> Item {
    let news = url.at(&["news"]);
    let line = |name: &str| news.and_then(|news| news.at(&[name])).and_then(Node::line);
    let instant = |text: Option<String>| -> Option<Timestamp> { date::read(&text?) };
    let published = instant(line("publication_date"));
    let keywords = line("keywords").unwrap_or_default();
    let topics = keywords.split(',').map(str::trim).filter(|topic| !topic.is_empty());
    Item {
        links: url.at(&["loc"]).and_then(|loc| address(&loc.text(), base)).into_iter().collect(),
        title: line("title").map(|body| Markup { format: MarkupFormat::Text, body }),
        published,
        updated: instant(url.at(&["lastmod"]).and_then(Node::line)).filter(|at| published != Some(*at)),
        topics: topics.take(TOPICS_MAX).map(str::to_owned).collect(),
        credits: news.and_then(|news| news.at(&["publication", "name"])).and_then(Node::line).into_iter().collect(),
        ..Item::default()
    }
}
