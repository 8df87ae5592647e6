//! Finds the article in a page: bytes in, an `Article` or what the page is instead out; called by `page` on a blocking thread.

use std::panic::{AssertUnwindSafe, catch_unwind};

use dom_smoothie::{Config, Readability};
use url::Url;

use super::charset;
use super::page_facts::{Facts, facts};
use super::page_scan::{Scan, scan};
use super::page_verdict::{Unfit, verdict};
use crate::model::{Article, Markup, MarkupFormat};

/// How far into a page its encoding is looked for, as browsers do.
const CHARSET_BYTES_MAX: usize = 1024;
/// Bytes of text up to which it is doubted that what was left out stood only around the article.
const SHORT_BYTES_MAX: usize = 300;

/// The article of a page that came from `last`, to which the link to `first` led.
///
/// # Errors
/// What the page is if it is none.
pub(super) fn read(bytes: &[u8], content_type: Option<&str>, first: &Url, last: &Url) -> Result<Article, Unfit> {
    let is_plain =
        content_type.is_some_and(|stated| stated.trim_start().to_ascii_lowercase().starts_with("text/plain"));
    let label = content_type.filter(|stated| stated.contains("charset")).map(str::to_owned).or_else(|| declared(bytes));
    let text = charset::decode(bytes, label.as_deref()).text;
    if is_plain {
        let body = Markup { format: MarkupFormat::Text, body: text.into_owned() };
        return Ok(Article {
            body,
            headline: None,
            published: None,
            updated: None,
            author: None,
            publisher: None,
            url: None,
        });
    }
    let trimmed = scan(&text, true);
    let facts = facts(&trimmed, last);
    let found = find(&trimmed).unwrap_or_default();
    let found = if found.words.len() < SHORT_BYTES_MAX { fuller(&text, found) } else { found };
    let found = from_facts(found, &facts);
    if let Some(unfit) = verdict(&trimmed, &facts, &found.words, first, last) {
        return Err(unfit);
    }
    Ok(Article {
        body: Markup { format: found.format, body: found.markup },
        headline: facts.headline,
        published: facts.published,
        updated: facts.updated,
        author: facts.author,
        publisher: facts.publisher,
        url: facts.url,
    })
}

/// What was found of an article.
#[derive(Debug)]
struct Found {
    markup: String,
    format: MarkupFormat,
    words: String,
}

impl Default for Found {
    fn default() -> Self {
        Self { markup: String::new(), format: MarkupFormat::Html, words: String::new() }
    }
}

/// The article in scanned markup. A panic of the library is no article.
fn find(scan: &Scan) -> Option<Found> {
    let read = || {
        let config = Config { disable_json_ld: true, ..Config::default() };
        let page = format!("<html><head><title>{}</title></head><body>{}</body></html>", scan.title, scan.html);
        let article = Readability::new(page, None, Some(config)).ok()?.parse().ok()?;
        let words = article.text_content.split_whitespace().collect::<Vec<_>>().join(" ");
        Some(Found { markup: article.content.to_string(), format: MarkupFormat::Html, words })
    };
    catch_unwind(AssertUnwindSafe(read)).ok().flatten()
}

/// The article with what was left out for its class: taken where it is twice as long, as a site may call the article itself by a word
/// that others give to what stands around it.
fn fuller(html: &str, found: Found) -> Found {
    let whole = find(&scan(html, false)).unwrap_or_default();
    if whole.words.len() > found.words.len() * 2 { whole } else { found }
}

/// The text that the page's metadata hold, where the page shows a lesser part of it. Not where the article is for those who pay: it stands
/// there for search engines, not for us.
fn from_facts(found: Found, facts: &Facts) -> Found {
    match &facts.body {
        Some(body) if facts.is_free != Some(false) && found.words.len() < body.len() / 2 => {
            // Some write markup into it.
            let words = body.split_whitespace().collect::<Vec<_>>().join(" ");
            Found { markup: body.clone(), format: MarkupFormat::Html, words }
        }
        _ => found,
    }
}

/// The encoding that the page itself states, as a `Content-Type`.
fn declared(bytes: &[u8]) -> Option<String> {
    let head: String = bytes.iter().take(CHARSET_BYTES_MAX).map(|&byte| char::from(byte)).collect();
    let (_, stated) = head.split_once("charset=")?;
    let name = stated.trim_start_matches(['"', '\'']);
    let end = name.find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '-' | '_'))).unwrap_or(name.len());
    Some(format!("text/html; charset={}", name.get(..end)?))
}

#[cfg(test)]
mod tests;
