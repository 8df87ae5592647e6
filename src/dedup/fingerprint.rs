//! Fingerprints: a document in, the hashes by which its copies find each other out; called by `pipeline::analyse`.

use std::hash::Hasher as _;

use rustc_hash::FxHasher;

use super::label::label;
use crate::model::{Document, Fingerprint, Lists, Markup, MarkupFormat, Span};
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
/// Figures kept.
const FIGURES_MAX: usize = 48;
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
    let telling = telling(&words);
    let mut exact = FxHasher::default();
    for word in &words {
        exact.write(word.as_bytes());
        exact.write_u8(0);
    }
    let pairs: Vec<u32> = telling.windows(2).map(|pair| hash(&[&pair[0].1, &pair[1].1])).collect();
    let lead = ascending(pairs.iter().take(LEAD_WORDS).copied().collect());
    let shingles = ascending(pairs.into_iter().filter(|pair| pair.is_multiple_of(SAMPLE)).collect());
    let (title, figures) = (title_hashes(title), figures(&telling));
    let lists = Lists { shingles: &shingles, lead: &lead, title: &title, figures: &figures };
    Fingerprint::new(exact.finish(), u32::try_from(words.len()).unwrap_or(u32::MAX), lists)
}

/// What of a fingerprint would be kept now: earlier versions kept the hashes of names beside those of figures.
pub(super) fn thinned(fingerprint: &Fingerprint) -> Fingerprint {
    let lists = fingerprint.lists();
    let figures: Vec<u32> = lists.figures.iter().copied().filter(|hash| hash % 2 == 1).collect();
    Fingerprint::new(fingerprint.exact, fingerprint.word_count, Lists { figures: &figures, ..lists })
}

/// The words that are no function words, with their stems.
fn telling(words: &[String]) -> Vec<(&str, String)> {
    words.iter().filter(|word| !is_stop_word(word)).map(|word| (word.as_str(), stem(word))).collect()
}

/// The words of a text, folded.
fn words(text: &str) -> Vec<String> {
    let mut found = Vec::with_capacity(text.len() / 6);
    for span in tokens(text, Span::new(0, text.len())) {
        let word = span.of(text);
        if !word.starts_with(char::is_alphanumeric) {
            continue;
        }
        let folded = fold(word);
        for part in folded.split('-').filter(|part| !part.is_empty()) {
            found.push(part.chars().filter(|c| !matches!(c, ',' | '\'')).collect());
        }
    }
    found
}

fn title_hashes(title: &str) -> Vec<u32> {
    ascending(telling(&words(title)).iter().take(TITLE_WORDS_MAX).map(|(_, stem)| hash(&[stem])).collect())
}

/// Hashes of the figures, odd ones.
fn figures(telling: &[(&str, String)]) -> Vec<u32> {
    let figures = telling.iter().filter(|(word, _)| word.starts_with(|c: char| c.is_ascii_digit()));
    ascending(figures.take(FIGURES_MAX).map(|(word, _)| hash(&[word]) | 1).collect())
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
        let is_furniture =
            trimmed.is_empty() || trimmed.len() <= FURNITURE_LINE_BYTES_MAX && !ends && dateline(trimmed).is_none();
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
        let is_place =
            letters.len() > 2 && !letters.contains(char::is_lowercase) && letters.starts_with(char::is_uppercase);
        let rest = text.get(at..).unwrap_or_default();
        if (is_place || at == 0)
            && let Some(found) = dateline(rest)
        {
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

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::text::document::archive_document;

    fn of(title: &str, body: &str) -> Fingerprint {
        fingerprint(&archive_document(
            "1",
            None,
            Some(title),
            body,
            None,
            None,
            Timestamp::UNIX_EPOCH,
            MarkupFormat::Text,
        ))
    }

    #[track_caller]
    fn check_same(one: &str, other: &str) {
        assert_eq!(of("Envoy leaves", one), of("Envoy leaves", other));
    }

    const STORY: &str = "The envoy left the talks on Monday, the ministry said. He had refused to sign 2 papers.";

    #[test]
    fn dress_does_not_count() {
        check_same(STORY, &format!("PARIS, Oct 31 (AFP) - {STORY}"));
        check_same(STORY, &format!("<p>Sign up for news</p><p>By A. Reporter</p><p>PARIS (AP) — {STORY}</p>"));
        check_same(STORY, &format!("Share this story: Facebook Email LONDON, Oct. 28 (Reuters) - {STORY}"));
        check_same(STORY, &STORY.replace("refused", "re\u{ad}fused"));
    }

    #[test]
    fn words_count() {
        let (one, other) = (of("Envoy leaves", STORY), of("Envoy stays", &STORY.replace('2', "3")));
        assert!(
            one.exact != other.exact && one.lists() != other.lists() && one.lists().figures != other.lists().figures
        );
        assert_eq!(one.word_count, 17);
    }

    #[test]
    fn names_of_an_earlier_version_go() {
        let now = of("Envoy leaves", STORY);
        let figures = [&[2, 4], now.lists().figures].concat();
        let then = Fingerprint::new(now.exact, now.word_count, Lists { figures: &figures, ..now.lists() });
        assert_eq!(thinned(&then), now);
    }

    #[test]
    fn labels_are_no_part_of_the_title() {
        assert_eq!(of("UPDATE 2-Envoy leaves", STORY).lists().title, of("Envoy leaves", STORY).lists().title);
    }

    #[test]
    fn empty_documents_have_empty_fingerprints() {
        let empty = of("", "");
        assert_eq!((empty.lists(), empty.word_count), (Lists::default(), 0));
    }

    #[test]
    fn long_copy_is_sampled() {
        let text: String =
            (0..3_000).flat_map(|number| ["word".to_owned(), number.to_string(), " ".to_owned()]).collect();
        let found = of("Envoy leaves", &text);
        let lists = found.lists();
        assert!(lists.lead.len() == LEAD_WORDS && (600..900).contains(&lists.shingles.len()));
    }
}
