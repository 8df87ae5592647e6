//! Real feeds are dirty: takes any text that is meant to be an RSS or Atom feed and reads what is whole in it.
//!
//! One tolerant pass over the tags, and no parser behind it, which one bad attribute could cost the whole feed. The elements that we read
//! are kept, with whatever markup is inside them as text; the others go. Missing end tags are closed
//! where the next element shows that they are missing, and an entry that the end of the text cuts is never read:
//! half a sentence would become a claim, and the whole one later its correction. What is repaired is counted.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use url::Url;

use super::assemble::Assembler;
use super::markup::{Scanner, Tag, Token, local};
use super::parse::RawFeed;

/// A kind of repair.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Repair {
    /// The bytes were not UTF-8, or not all of them.
    Charset,
    /// Something stood before the feed.
    LeadingJunk,
    /// Something stood after it.
    TrailingJunk,
    /// The root's name, version or namespace is not one of a known format.
    Root,
    /// A character that XML cannot hold was dropped.
    ControlCharacter,
    /// A bare ampersand, or an entity that only HTML knows.
    Entity,
    /// A prefix that is bound to no namespace.
    UnboundPrefix,
    /// An end tag was missing.
    MissingEndTag,
    /// An end tag was there for nothing.
    StrayEndTag,
    /// The feed was cut; an entry cut with it was left out.
    Truncated,
    /// The feed has more entries than are read.
    EntriesLeftOut,
    /// An address or a name too long to be one was ignored; of an id that is too long, its hash is taken.
    TooLong,
    /// An entry could not be read and was left out.
    Unreadable,
    /// JSON with commas too many, line feeds in texts or other things that it does not allow.
    JsonSyntax,
}

impl Repair {
    /// Every repair.
    pub const ALL: [Self; 14] = [
        Self::Charset,
        Self::LeadingJunk,
        Self::TrailingJunk,
        Self::Root,
        Self::ControlCharacter,
        Self::Entity,
        Self::UnboundPrefix,
        Self::MissingEndTag,
        Self::StrayEndTag,
        Self::Truncated,
        Self::EntriesLeftOut,
        Self::TooLong,
        Self::Unreadable,
        Self::JsonSyntax,
    ];

    /// Whether entries were lost by it.
    pub fn is_loss(self) -> bool {
        matches!(self, Self::Truncated | Self::EntriesLeftOut | Self::Unreadable)
    }

    /// Its name in logs and metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Charset => "charset",
            Self::LeadingJunk => "leading_junk",
            Self::TrailingJunk => "trailing_junk",
            Self::Root => "root",
            Self::ControlCharacter => "control_character",
            Self::Entity => "entity",
            Self::UnboundPrefix => "unbound_prefix",
            Self::MissingEndTag => "missing_end_tag",
            Self::StrayEndTag => "stray_end_tag",
            Self::Truncated => "truncated",
            Self::EntriesLeftOut => "entries_left_out",
            Self::TooLong => "too_long",
            Self::Unreadable => "unreadable",
            Self::JsonSyntax => "json_syntax",
        }
    }
}

/// How often each repair was made.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Repairs(pub BTreeMap<Repair, u32>);

impl Repairs {
    pub(super) fn count(&mut self, repair: Repair, times: u32) {
        if times > 0 {
            *self.0.entry(repair).or_default() += times;
        }
    }
}

/// Why there is nothing to recover.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NoFeed {
    /// A web page: a block page, a log-in or a wrong address.
    HtmlPage,
    /// A list of feeds.
    Opml,
    /// Neither a feed nor a web page.
    Other,
}

/// What a document is, by its root.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Root {
    /// RSS, RDF, Atom or CDF, or an entry of one by itself.
    Feed,
    /// A sitemap.
    Sitemap,
    /// A list of sitemaps.
    SitemapIndex,
    /// NewsML-G2 or NITF.
    Newsml,
}

impl Root {
    /// The root that an element of this name, in lower case, is. Names that other documents have too count only where they come first.
    fn of(name: &str, is_first: bool) -> Option<Self> {
        match name {
            "rss" | "feed" | "rdf" => Some(Self::Feed),
            "channel" | "item" | "entry" if is_first => Some(Self::Feed),
            "urlset" => Some(Self::Sitemap),
            "sitemapindex" => Some(Self::SitemapIndex),
            "newsmessage" | "newsitem" | "packageitem" | "nitf" => Some(Self::Newsml),
            _ => None,
        }
    }
}

/// Reads what is whole behind `root` as a feed of at most `entries_max` entries, their identities still to be given. Relative links are
/// resolved by `base` and `xml:base`.
pub(super) fn recover<'a>(
    root: Tag<'a>,
    scanner: &mut Scanner<'a>,
    base: Option<&Url>,
    entries_max: usize,
    repairs: &mut Repairs,
) -> RawFeed {
    let mut assembler = Assembler::new(root, base, entries_max);
    while assembler.is_open() {
        match scanner.next() {
            Some(Token::Start(tag)) => assembler.start(tag),
            Some(Token::End(name, raw)) => assembler.end(name, raw),
            Some(Token::Text(text)) => assembler.text(text),
            Some(Token::Cdata(text)) => assembler.cdata(text),
            Some(Token::Doctype(_) | Token::Aside) => {}
            None => assembler.cut(),
        }
    }
    assembler.finish(repairs)
}

/// Counts what stands after a document.
pub(super) fn count_rest(scanner: &mut Scanner<'_>, repairs: &mut Repairs) {
    let has_more =
        scanner.any(|token| !matches!(token, Token::Aside) && !matches!(token, Token::Text(t) if is_blank(t)));
    repairs.count(Repair::TrailingJunk, u32::from(has_more));
}

fn is_blank(text: &str) -> bool {
    text.trim_matches(|c: char| c.is_whitespace() || c == '\u{feff}').is_empty()
}

/// Finds the element in which the feed begins.
pub(super) fn find_root<'a>(scanner: &mut Scanner<'a>, repairs: &mut Repairs) -> Result<(Root, Tag<'a>), NoFeed> {
    let mut has_junk = false;
    let mut is_first = true;
    let mut is_page = false;
    for token in scanner {
        match token {
            Token::Start(tag) => {
                let name = local(tag.name).to_ascii_lowercase();
                if let Some(root) = Root::of(&name, is_first) {
                    repairs.count(Repair::LeadingJunk, u32::from(has_junk));
                    return Ok((root, tag));
                }
                match name.as_str() {
                    "opml" => return Err(NoFeed::Opml),
                    "html" | "head" | "body" => return Err(NoFeed::HtmlPage),
                    _ => (has_junk, is_first) = (true, false),
                }
            }
            // Some blogs' software puts a web page's declaration before its feeds.
            Token::Doctype(name) => is_page |= name.get(..4).is_some_and(|name| name.eq_ignore_ascii_case("html")),
            Token::Text(text) => has_junk |= !is_blank(text),
            Token::Cdata(_) | Token::End(..) => has_junk = true,
            Token::Aside => {}
        }
    }
    Err(if is_page { NoFeed::HtmlPage } else { NoFeed::Other })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Item, Markup};

    const ENTRIES_MAX: usize = 3;

    #[track_caller]
    fn check(document: &str, expected: &[&str], repaired: &[(Repair, u32)]) {
        let mut repairs = Repairs::default();
        let base = Url::parse("https://a.example/feeds/").unwrap();
        let mut scanner = Scanner::new(document);
        let (_, root) = find_root(&mut scanner, &mut repairs).unwrap();
        let feed = recover(root, &mut scanner, Some(&base), ENTRIES_MAX, &mut repairs);
        count_rest(&mut scanner, &mut repairs);
        let title = |text: &Option<Markup>| text.as_ref().map(|text| format!("title {}", text.body));
        let entry = |item: &Item| {
            let text = |name: &str, text: &Option<String>| text.as_ref().map(|text| format!("{name} {text}"));
            let body = |name: &str, text: &Option<Markup>| text.as_ref().map(|text| format!("{name} {}", text.body));
            let said = [
                title(&item.title),
                body("summary", &item.summary),
                body("content", &item.content),
                text("guid", &item.guid),
                text("link", &item.links.first().cloned()),
                text("published", &item.published.map(|time| time.to_string())),
                text("by", &item.author),
            ];
            said.into_iter().flatten().collect::<Vec<_>>().join(" | ")
        };
        let shown: Vec<String> = title(&feed.title).into_iter().chain(feed.items.iter().map(entry)).collect();
        assert_eq!(shown, expected, "{document}");
        assert_eq!(repairs.0, repaired.iter().copied().collect(), "{document}");
    }

    #[test]
    fn what_we_read_is_kept_and_the_rest_goes() {
        check(
            "<rss version='2.0' xmlns:m='http://m.example/'><channel><title>W</title><image><title>no</title></image>\
             <item><title>T</title><m:thing a='&'><title>no</title></m:thing><guid>g</guid></item></channel></rss>",
            &["title W", "title T | guid g"],
            &[],
        );
    }

    #[test]
    fn markup_inside_texts_becomes_text() {
        check(
            "<rss version='2.0'><item><title>He <b>denies</i> it</title><description>a<br>b &amp; c</description></item></rss>",
            &["title He <b>denies</i> it | summary a<br>b & c"],
            &[],
        );
        check(
            "<feed xmlns='http://www.w3.org/2005/Atom'><entry><content type='xhtml'><div>1 &lt; 2</div></content></entry></feed>",
            &["content <div>1 &lt; 2</div>"],
            &[],
        );
    }

    #[test]
    fn missing_end_tags_are_closed_where_the_next_element_shows_it() {
        check(
            "<rss version='2.0'><item><title>One<link>https://a.example/1</link><item><title>Two</title></item></rss>",
            &["title One | link https://a.example/1", "title Two"],
            &[(Repair::MissingEndTag, 2)],
        );
        check(
            "<rss version='2.0'><item><description>Text <b>bold<pubDate>1 Jan 2024</pubDate></item></foo></rss>",
            &["summary Text <b>bold | published 2024-01-01T00:00:00Z"],
            &[(Repair::MissingEndTag, 1), (Repair::StrayEndTag, 1)],
        );
    }

    #[test]
    fn a_cut_entry_is_never_read() {
        let whole = "<item><title>One</title></item>";
        for cut in [
            "<item><title>Tw",
            "<item><title>Two</title>",
            "<item><title><![CDATA[Tw",
            "<item",
            "<item><title>Two</tit",
        ] {
            check(&format!("<rss version='2.0'><channel>{whole}{cut}"), &["title One"], &[(Repair::Truncated, 1)]);
        }
        check(&format!("<rss version='2.0'><channel>{whole}"), &["title One"], &[(Repair::Truncated, 1)]);
    }

    #[test]
    fn roots_prefixes_and_junk_are_put_right() {
        check(
            "<b>Warning</b>: x<?xml version='1.0'?><RSS><channel><ITEM><TITLE>T</TITLE></ITEM></channel></RSS>junk",
            &["title T"],
            &[(Repair::LeadingJunk, 1), (Repair::TrailingJunk, 1), (Repair::Root, 1)],
        );
        check(
            "<rss version='2.0' xmlns='https://publisher.example/'><item><title>T</title><dc:creator>AFP</dc:creator>\
             <media:title>IMG</media:title></item></rss>",
            &["title T | by AFP"],
            &[(Repair::UnboundPrefix, 1)],
        );
        check(
            "<rdf:RDF xmlns:rdf='r' xmlns='http://purl.org/rss/1.0/'><channel><title>W</title></channel>\
             <item rdf:about='https://a.example/1'><title>T</title></item></rdf:RDF>",
            &["title W", "title T | guid https://a.example/1 | link https://a.example/1"],
            &[],
        );
    }

    #[test]
    fn characters_and_references_are_put_right() {
        check(
            "<rss version='2.0'><item><title>A\u{b}B &#11;&nbsp;AT&T</title><link>/1?a=1&b=2</link></item></rss>",
            &["title AB \u{a0}AT&T | link https://a.example/1?a=1&b=2"],
            &[(Repair::ControlCharacter, 2), (Repair::Entity, 3)],
        );
    }

    #[test]
    fn a_second_xml_declaration_goes() {
        check(
            "<?xml version='1.0'?><rss version='2.0'><?xml version='1.0' encoding='windows-1251'?><item><title>T</title></item></rss>",
            &["title T"],
            &[],
        );
    }

    #[test]
    fn of_two_that_say_the_same_the_better_counts() {
        check(
            "<rss version='2.0'><item><title>T</title><dc:title xmlns:dc='http://purl.org/dc/elements/1.1/'>D</dc:title></item></rss>",
            &["title T"],
            &[],
        );
    }

    #[test]
    fn entries_over_the_limit_are_counted() {
        let entries = "<item><title>T</title></item>".repeat(5);
        let kept = ["title T"; ENTRIES_MAX];
        check(&format!("<rss version='2.0'>{entries}</rss>"), &kept, &[(Repair::EntriesLeftOut, 2)]);
    }

    #[track_caller]
    fn check_no_feed(document: &str, expected: NoFeed) {
        assert_eq!(find_root(&mut Scanner::new(document), &mut Repairs::default()), Err(expected), "{document}");
    }

    #[test]
    fn pages_are_told_from_other_things() {
        check_no_feed("<!DOCTYPE html><html><body>403 <rss></rss></body></html>", NoFeed::HtmlPage);
        check_no_feed("<!doctype HTML><p>Sorry</p>", NoFeed::HtmlPage);
        check_no_feed("<opml><body/></opml>", NoFeed::Opml);
        check_no_feed("Service unavailable", NoFeed::Other);
        check_no_feed("<response><item/></response>", NoFeed::Other);
    }
}
