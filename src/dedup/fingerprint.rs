//! Fingerprints: a document in, the hashes by which its copies find each other out; called by `pipeline::analyse`.

use std::hash::Hasher as _;

use rustc_hash::FxHasher;

use super::label::label;
use crate::model::{Document, Fingerprint, Markup, MarkupFormat, Span};
use crate::text::clean::{clean, looks_like_html};
use crate::text::dateline::dateline;
use crate::text::normalize::{fold, is_stop_word, stem};
use crate::text::token::tokens;

/// Body bytes looked at: longer copy is known by its first pages.
const BODY_BYTES_MAX: usize = 40_000;
/// Of the body's shingles, those whose hash is divisible by this are kept; the lead's are kept all.
const SAMPLE: u32 = 4;
/// Telling words that make the lead, about two sentences.
const LEAD_WORDS: usize = 40;
/// Names and figures kept, each.
const PARTICULARS_MAX: usize = 48;
/// Telling words of a headline.
const TITLE_WORDS_MAX: usize = 24;
/// Bytes at the start in which the outlet's own furniture may stand before the story.
const FURNITURE_BYTES_MAX: usize = 400;
/// Bytes of a line that may be furniture.
const FURNITURE_LINE_BYTES_MAX: usize = 90;

/// The fingerprint of a document. Shingles are pairs of neighbouring telling words, folded and stemmed, so that another house
/// style ("will" for "is set to") changes few of them. Bodies of archives can be HTML that nobody declared; it is cleaned here.
pub fn fingerprint(document: &Document) -> Fingerprint {
    let from = document.headline.map_or(0, |span| span.end);
    let body = document.text.get(from..).unwrap_or_default();
    let body = body.get(..body.floor_char_boundary(BODY_BYTES_MAX)).unwrap_or_default();
    let (_, title) = label(document.headline_text());
    if looks_like_html(body) {
        let markup = Markup { format: MarkupFormat::Html, body: body.to_owned() };
        of_parts(title, &clean(&markup).text)
    } else {
        of_parts(title, body)
    }
}

fn of_parts(title: &str, body: &str) -> Fingerprint {
    let story = body.get(story_start(body)..).unwrap_or_default();
    let words = words(story);
    let telling: Vec<&Word> = words.iter().filter(|word| !is_stop_word(&word.folded)).collect();
    let mut exact = FxHasher::default();
    for word in &words {
        exact.write(word.folded.as_bytes());
        exact.write_u8(0);
    }
    let pairs: Vec<u32> = telling.windows(2).map(|pair| hash(&[&pair[0].stem, &pair[1].stem])).collect();
    let lead = pairs.iter().take(LEAD_WORDS).copied().collect();
    let shingles = pairs.iter().filter(|&&pair| pair.is_multiple_of(SAMPLE)).copied().collect();
    Fingerprint {
        exact: exact.finish(),
        shingles: ascending(shingles),
        lead: ascending(lead),
        title: title_hashes(title),
        particulars: particulars(&telling),
        word_count: u32::try_from(words.len()).unwrap_or(u32::MAX),
    }
}

/// One word with its normal forms.
struct Word {
    folded: String,
    stem: String,
    is_capitalised: bool,
}

fn words(text: &str) -> Vec<Word> {
    let mut found = Vec::with_capacity(text.len() / 6);
    for span in tokens(text, Span::new(0, text.len())) {
        let word = span.of(text);
        if !word.starts_with(char::is_alphanumeric) {
            continue;
        }
        let is_capitalised = word.starts_with(char::is_uppercase);
        let folded = fold(word);
        for part in folded.split('-').filter(|part| !part.is_empty()) {
            let folded: String = part.chars().filter(|c| !matches!(c, ',' | '\'')).collect();
            let stem = stem(&folded);
            found.push(Word { folded, stem, is_capitalised });
        }
    }
    found
}

fn title_hashes(title: &str) -> Vec<u32> {
    let words = words(title);
    let telling = words.iter().filter(|word| !is_stop_word(&word.folded));
    ascending(telling.take(TITLE_WORDS_MAX).map(|word| hash(&[&word.stem])).collect())
}

/// Names have even hashes, figures odd ones.
fn particulars(words: &[&Word]) -> Vec<u32> {
    let is_figure = |word: &Word| word.folded.starts_with(|c: char| c.is_ascii_digit());
    let figures = words.iter().filter(|word| is_figure(word)).take(PARTICULARS_MAX).map(|word| hash(&[&word.folded]) | 1);
    let names = words.iter().filter(|word| word.is_capitalised).take(PARTICULARS_MAX).map(|word| hash(&[&word.stem]) & !1);
    ascending(figures.chain(names).collect())
}

/// Where the story proper begins: behind short lines without a full stop ("Sign up for our newsletter", "By A Reporter") and behind the
/// dateline, which another outlet writes otherwise.
fn story_start(body: &str) -> usize {
    let mut start = 0;
    while let Some(rest) = body.get(start..).filter(|_| start < FURNITURE_BYTES_MAX) {
        let line = rest.lines().next().unwrap_or_default();
        let trimmed = line.trim();
        let has_more = rest.get(line.len()..).is_some_and(|more| !more.trim().is_empty());
        let ends = trimmed.ends_with(['.', '!', '?', '"', '”', '…', '\'', '’']);
        let is_furniture = trimmed.is_empty() || trimmed.len() <= FURNITURE_LINE_BYTES_MAX && !ends && dateline(trimmed).is_none();
        if !has_more || !is_furniture {
            break;
        }
        start += line.len() + 1;
    }
    let rest = body.get(start..).unwrap_or_default();
    start + dateline_end(rest)
}

/// Where the first dateline ends that stands at a word near the start: markup that lost its line ends glues furniture to it.
fn dateline_end(text: &str) -> usize {
    let window = text.get(..text.floor_char_boundary(FURNITURE_BYTES_MAX)).unwrap_or_default();
    if !window.contains(['-', '–', '—', ':']) {
        return 0;
    }
    let mut at = 0;
    for word in window.split_inclusive(char::is_whitespace) {
        let letters = word.trim();
        let is_place = letters.len() > 2 && !letters.contains(char::is_lowercase) && letters.starts_with(char::is_uppercase);
        let rest = text.get(at..).unwrap_or_default();
        if (is_place || at == 0) && let Some(found) = dateline(rest) {
            return at + found.span.end;
        }
        at += word.len();
    }
    0
}

fn hash(words: &[&str]) -> u32 {
    let mut hasher = FxHasher::default();
    for word in words {
        hasher.write(word.as_bytes());
        hasher.write_u8(0xff);
    }
    // The high half is the better mixed one.
    (hasher.finish() >> 32) as u32
}

fn ascending(mut hashes: Vec<u32>) -> Vec<u32> {
    hashes.sort_unstable();
    hashes.dedup();
    hashes
}
