//! Windows: the sentences of a document to be judged in, stretches that the network reads at once out.
//!
//! The network reads a few hundred wordpieces. A sentence that is judged has the one before it in view, and those of the first window the
//! headline. Copies and updates of a story begin with other headlines and bylines, and a sentence may be new in them. That their other windows
//! should read the same, so that the cache knows them, only the first window has the headline; what stands above the text, a byline or the name of
//! a column, is no sentence's context; and a window ends where its sentences say so, not where they happen to fill it.

use super::wordpiece::{END, START, UNKNOWN, WordPieces};
use crate::extract::reading::{Reading, Sentence};

/// Wordpieces of one window.
const PIECES_MAX: usize = 384;
/// Wordpieces of the headline that are read.
const HEADLINE_PIECES_MAX: usize = 79;
/// Wordpieces of one sentence that are read.
const SENTENCE_PIECES_MAX: usize = 200;
/// Wordpieces from which a window may end. The further below the most, the sooner two texts that differ are cut alike again, and the more is read
/// twice for context: at two thirds three in two hundred wordpieces of long articles.
const PIECES_ENOUGH: usize = PIECES_MAX * 2 / 3;
/// Bytes of a line that may stand above the text.
const LINE_BYTES_MAX: usize = 90;
/// Sentences before the first one of a window that are read again for context.
const CONTEXT: usize = 1;

/// Where a word of a window stands in the document; the end of a sentence is a word of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    /// Position of the sentence in the window.
    pub(super) sentence: usize,
    /// Position of the token in it; `None` for the sentence's end.
    pub(super) token: Option<usize>,
}

/// What the network reads at once.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Window {
    /// Numbers of the wordpieces.
    pub(super) pieces: Vec<i32>,
    /// For each, the shape of its token.
    pub(super) shapes: Vec<i32>,
    /// For each, 1 between quotation marks.
    pub(super) quoted: Vec<i32>,
    /// For each, 1 in the headline.
    pub(super) heading: Vec<i32>,
    /// For each word, its first wordpiece.
    pub(super) first: Vec<i32>,
    /// For each word, where it stands.
    pub(super) places: Vec<Place>,
    /// The sentences that this window decides on: positions in the window.
    pub(super) judged: Vec<usize>,
    /// All its sentences in order: positions in the document, which nothing that the networks say depends on.
    pub(super) sentences: Vec<usize>,
}

/// The windows in which all `wanted` sentences are judged, each once.
pub(super) fn windows(reading: &Reading<'_>, wanted: &[bool], vocabulary: &WordPieces) -> Vec<Window> {
    let is_wanted = |at: usize| wanted.get(at).copied().unwrap_or_default();
    if !wanted.contains(&true) {
        return Vec::new();
    }
    let headline = reading.sentences.first().filter(|first| first.is_headline);
    let text_start = text_start(reading);
    let is_read = |at: usize| is_wanted(at) || at >= text_start && is_wanted(at + 1);
    let body: Vec<(usize, Pieces<'_>)> = reading
        .sentences
        .iter()
        .enumerate()
        .skip(usize::from(headline.is_some()))
        .filter(|&(at, sentence)| is_read(at) && !sentence.tokens.is_empty())
        .map(|(at, sentence)| (at, Pieces::of(sentence, vocabulary, SENTENCE_PIECES_MAX)))
        .collect();
    let head = headline.map(|sentence| Pieces::of(sentence, vocabulary, HEADLINE_PIECES_MAX));
    let mut windows = Vec::new();
    let mut next = 0;
    loop {
        let mut window = Window::default();
        window.mark(START, None);
        if let Some(head) = head.as_ref().filter(|_| next == 0) {
            window.add(0, head, true);
            if is_wanted(0) {
                window.judged.push(0);
            }
        }
        let start = context_start(&body, next, window.pieces.len());
        let end = window_end(&body, start, next, window.pieces.len());
        for (place, (at, pieces)) in (start..end).zip(body.get(start..end).unwrap_or_default()) {
            if place >= next && is_wanted(*at) {
                window.judged.push(window.sentences.len());
            }
            window.add(*at, pieces, false);
        }
        if !window.judged.is_empty() {
            windows.push(window);
        }
        next = end;
        if next >= body.len() {
            return windows;
        }
    }
}

/// The first sentence below the headline and the lines that stand above the text: short ones without an end.
fn text_start(reading: &Reading<'_>) -> usize {
    let stands_above = |sentence: &Sentence| {
        let line = sentence.span.of(reading.text).trim_end();
        sentence.is_headline
            || line.len() <= LINE_BYTES_MAX && !line.ends_with(['.', '!', '?', '"', '”', '…', '\'', '’'])
    };
    reading.sentences.iter().position(|sentence| !stands_above(sentence)).unwrap_or_default()
}

/// Where a window that reads from `start` and decides from `next` on ends: behind the rest, if it fits; else, of the sentences that fill it well
/// enough, behind the one with the least hash.
fn window_end(body: &[(usize, Pieces<'_>)], start: usize, next: usize, taken: usize) -> usize {
    let mut size = taken;
    let mut end = start;
    let mut best: Option<(u64, usize)> = None;
    while let Some((_, pieces)) = body.get(end)
        && (end <= next || size + pieces.count <= PIECES_MAX)
    {
        size += pieces.count;
        end += 1;
        if end > next && size >= PIECES_ENOUGH && best.is_none_or(|(least, _)| pieces.hash() <= least) {
            best = Some((pieces.hash(), end));
        }
    }
    if end < body.len() { best.map_or(end, |(_, best)| best) } else { end }
}

/// The first sentence of a window that decides from `next` on: some before it for context, as far as they fit beside it.
fn context_start(body: &[(usize, Pieces<'_>)], next: usize, taken: usize) -> usize {
    let count = |at: usize| body.get(at).map_or(0, |(_, pieces)| pieces.count);
    let mut size = taken + count(next);
    let mut start = next;
    while start > 0 && next - start < CONTEXT && size + count(start - 1) <= PIECES_MAX {
        start -= 1;
        size += count(start);
    }
    start
}

/// A sentence in wordpieces.
struct Pieces<'a> {
    sentence: &'a Sentence,
    /// For each of its first tokens, the pieces.
    tokens: Vec<Vec<i32>>,
    /// Pieces of all of them, with the mark of the end.
    count: usize,
}

impl<'a> Pieces<'a> {
    fn of(sentence: &'a Sentence, vocabulary: &WordPieces, max: usize) -> Self {
        let mut count = 1;
        let tokens = sentence.tokens.iter().map(|token| vocabulary.pieces(&token.word)).take_while(|pieces| {
            count += pieces.len();
            count <= max
        });
        let tokens: Vec<Vec<i32>> = tokens.collect();
        Self { count: 1 + tokens.iter().map(Vec::len).sum::<usize>(), sentence, tokens }
    }

    /// A number that depends on its words alone (FNV-1a, over whole pieces).
    fn hash(&self) -> u64 {
        let pieces = self.tokens.iter().flatten().map(|piece| u64::from(piece.unsigned_abs()));
        pieces.fold(0xcbf2_9ce4_8422_2325, |sum, piece| (sum ^ piece).wrapping_mul(0x0100_0000_01b3))
    }
}

impl Window {
    /// One unknown word.
    pub(super) fn probe() -> Self {
        let mut window = Self::default();
        window.mark(START, None);
        window.mark(UNKNOWN, Some(Place { sentence: 0, token: Some(0) }));
        window.mark(END, Some(Place { sentence: 0, token: None }));
        window
    }

    /// Adds the sentence that is the document's at `at`.
    fn add(&mut self, at: usize, pieces: &Pieces<'_>, is_headline: bool) {
        let sentence = self.sentences.len();
        self.sentences.push(at);
        for (number, (token, pieces)) in pieces.sentence.tokens.iter().zip(&pieces.tokens).enumerate() {
            self.word(Place { sentence, token: Some(number) });
            for &piece in pieces {
                self.pieces.push(piece);
                self.shapes.push(i32::try_from(token.shape).unwrap_or_default());
                self.quoted.push(i32::from(token.is_quoted));
                self.heading.push(i32::from(is_headline));
            }
        }
        self.mark(END, Some(Place { sentence, token: None }));
        if let Some(heading) = self.heading.last_mut() {
            *heading = i32::from(is_headline);
        }
    }

    fn mark(&mut self, piece: i32, place: Option<Place>) {
        if let Some(place) = place {
            self.word(place);
        }
        self.pieces.push(piece);
        self.shapes.push(0);
        self.quoted.push(0);
        self.heading.push(0);
    }

    fn word(&mut self, place: Place) {
        self.first.push(i32::try_from(self.pieces.len()).unwrap_or_default());
        self.places.push(place);
    }

    /// The position in the document of a sentence of the window.
    pub(super) fn sentence(&self, place: usize) -> Option<usize> {
        self.sentences.get(place).copied()
    }

    /// Positions of the words of a sentence of the window, its end left out.
    pub(super) fn words_of(&self, sentence: usize) -> std::ops::Range<usize> {
        let start = self.places.iter().position(|place| place.sentence == sentence).unwrap_or_default();
        let is_word = |place: &&Place| place.sentence == sentence && place.token.is_some();
        let count = self.places.iter().skip(start).take_while(is_word).count();
        start..start + count
    }
}

#[cfg(test)]
mod tests;
