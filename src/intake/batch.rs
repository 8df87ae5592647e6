//! Parses a list of feed files and prints each as one JSON line: what `gainsay feeds parse --batch` does.

use std::io::{self, BufRead, Write};
use std::path::Path;

use serde::Serialize;
use url::Url;

use super::entity::{self, Oddities};
use super::markup::{Scanner, Token};
use super::parse::{ENTRIES_READ_MAX, ParseError, ParsedFeed, parse};
use crate::model::{Item, Markup, MarkupFormat};

/// Largest file that is read; far above any feed, below what would hurt.
const FILE_BYTES_MAX: u64 = 64 << 20;

#[derive(Serialize)]
struct FeedLine<'a> {
    path: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    title: Option<String>,
    updated: Option<i64>,
    entries: Vec<EntryLine<'a>>,
}

#[derive(Serialize)]
struct EntryLine<'a> {
    id: &'a str,
    title: Option<String>,
    links: &'a [String],
    published: Option<i64>,
    updated: Option<i64>,
    text: Option<&'a str>,
}

/// Why a file of the list cannot be printed as a feed.
#[derive(Debug, thiserror::Error)]
enum FileError {
    #[error("cannot read the file: {0}")]
    Read(#[from] io::Error),
    #[error(transparent)]
    Parse(#[from] ParseError),
}

/// Reads lines `path TAB content type TAB base URL` (the last two may be empty or missing; paths are relative to
/// `root`) and writes a JSON line for each: `{"path","error"?,"title","updated","entries":[{"id","title","links",
/// "published","updated","text"}]}`, times in epoch seconds. Whether every file was read as a feed.
///
/// # Errors
/// When the list cannot be read or the output not be written; a file's own trouble is in its line.
pub fn parse_batch(list: impl BufRead, root: &Path, out: &mut impl Write) -> io::Result<bool> {
    let mut is_clean = true;
    for line in list.lines() {
        let line = line?;
        if line.trim().is_empty() {
            continue;
        }
        let mut fields = line.split('\t');
        let path = fields.next().unwrap_or_default();
        let content_type = fields.next().filter(|text| !text.is_empty());
        let base = fields.next().and_then(|text| Url::parse(text).ok());
        let outcome = parse_file(&root.join(path), content_type, base.as_ref());
        is_clean &= outcome.is_ok();
        let line = match &outcome {
            Ok(feed) => FeedLine {
                path,
                error: None,
                title: feed.title.as_ref().map(readable),
                updated: feed.updated.map(jiff::Timestamp::as_second),
                entries: feed.items.iter().map(entry_line).collect(),
            },
            Err(error) => {
                FeedLine { path, error: Some(error.to_string()), title: None, updated: None, entries: Vec::new() }
            }
        };
        crate::json::write(&mut *out, &line)?;
        writeln!(out)?;
    }
    Ok(is_clean)
}

fn parse_file(path: &Path, content_type: Option<&str>, base: Option<&Url>) -> Result<ParsedFeed, FileError> {
    let mut bytes = Vec::new();
    io::Read::read_to_end(&mut io::Read::take(std::fs::File::open(path)?, FILE_BYTES_MAX), &mut bytes)?;
    Ok(parse(&bytes, content_type, base, ENTRIES_READ_MAX)?)
}

fn entry_line(item: &Item) -> EntryLine<'_> {
    EntryLine {
        id: &item.identity.key,
        title: item.title.as_ref().map(readable),
        links: &item.links,
        published: item.published.map(jiff::Timestamp::as_second),
        updated: item.updated.map(jiff::Timestamp::as_second),
        text: item.content.as_ref().or(item.summary.as_ref()).map(|text| text.body.as_str()),
    }
}

/// A title without tags and references.
fn readable(title: &Markup) -> String {
    if title.format == MarkupFormat::Text {
        return title.body.clone();
    }
    let mut oddities = Oddities::default();
    Scanner::new(&title.body)
        .map(|token| match token {
            Token::Text(text) => entity::resolve(text, &mut oddities),
            Token::Cdata(text) => text.to_owned(),
            _ => String::new(),
        })
        .collect()
}
