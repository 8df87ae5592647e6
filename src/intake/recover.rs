//! Real feeds are dirty: takes any text that is meant to be an XML feed and writes what is whole in it as clean RSS 2.0
//! or Atom 1.0 for the parser behind.
//!
//! One tolerant pass over the tags. The elements that we read are kept, with whatever markup is inside them as escaped
//! text; the others go, as one bad attribute in them can cost the parser the whole feed. Missing end tags are closed
//! where the next element shows that they are missing, and an entry that the end of the text cuts is never written:
//! half a sentence would become a claim, and the whole one later its correction. What is repaired is counted.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use url::Url;

use super::markup::{Scanner, Tag, Token, local};
use super::rewrite::Writer;

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
}

impl Repair {
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
    /// Neither a feed nor a web page.
    Other,
}

/// Writes what is whole in `document` as a clean feed of at most `entries_max` entries. Relative links are resolved by
/// `base` and `xml:base`.
pub(super) fn recover(
    document: &str,
    base: Option<&Url>,
    entries_max: usize,
    repairs: &mut Repairs,
) -> Result<String, NoFeed> {
    let mut scanner = Scanner::new(document);
    let root = find_root(&mut scanner, repairs)?;
    let mut writer = Writer::new(root, base, entries_max);
    while writer.is_open() {
        match scanner.next() {
            Some(Token::Start(tag)) => writer.start(tag),
            Some(Token::End(name, raw)) => writer.end(name, raw),
            Some(Token::Text(text)) => writer.text(text),
            Some(Token::Cdata(text)) => writer.cdata(text),
            Some(Token::Doctype(_) | Token::Aside) => {}
            None => writer.cut(),
        }
    }
    let has_more =
        scanner.any(|token| !matches!(token, Token::Aside) && !matches!(token, Token::Text(t) if is_blank(t)));
    repairs.count(Repair::TrailingJunk, u32::from(has_more));
    Ok(writer.finish(repairs))
}

fn is_blank(text: &str) -> bool {
    text.trim_matches(|c: char| c.is_whitespace() || c == '\u{feff}').is_empty()
}

fn find_root<'a>(scanner: &mut Scanner<'a>, repairs: &mut Repairs) -> Result<Tag<'a>, NoFeed> {
    let mut has_junk = false;
    let mut is_page = false;
    for token in scanner {
        match token {
            Token::Start(tag) => match local(tag.name).to_ascii_lowercase().as_str() {
                "rss" | "feed" | "rdf" => {
                    repairs.count(Repair::LeadingJunk, u32::from(has_junk));
                    return Ok(tag);
                }
                "html" | "head" | "body" => return Err(NoFeed::HtmlPage),
                _ => has_junk = true,
            },
            // Some blogs' software puts a web page's declaration before its feeds.
            Token::Doctype(name) => is_page |= name.get(..4).is_some_and(|name| name.eq_ignore_ascii_case("html")),
            Token::Text(text) => has_junk |= !is_blank(text),
            Token::Cdata(_) | Token::End(..) => has_junk = true,
            Token::Aside => {}
        }
    }
    Err(if is_page { NoFeed::HtmlPage } else { NoFeed::Other })
}
