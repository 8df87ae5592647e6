//! Attributions: cue probabilities in, spans of cue, source and content out.

use super::features::{CueSite, argument_features};
use super::reading::Sentence;
use super::tagger::{Marginals, OUTSIDE, Tagger, begin, inside};
use crate::model::Span;

/// Class of the source in the argument tagger.
pub const SOURCE: usize = 0;
/// Class of the content in the argument tagger.
pub const CONTENT: usize = 1;
/// Labels of the argument tagger.
pub const ARGUMENT_LABELS: usize = 5;

/// A possible cue.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Cue {
    /// First token.
    pub first: usize,
    /// Last token.
    pub last: usize,
    /// Its most probable class.
    pub class: usize,
    /// Probability that a cue of that class begins here.
    pub probability: f32,
}

/// The spans that a tagger sees with at least `threshold(class)` of probability, left to right, disjoint.
pub fn spans(marginals: &Marginals, threshold: impl Fn(usize) -> f32) -> Vec<Cue> {
    let mut found: Vec<Cue> = Vec::new();
    let mut at = 0;
    while at < marginals.len() {
        let row = marginals.at(at);
        let classes = (row.len() - 1) / 2;
        let best = (0..classes)
            .map(|class| (class, row.get(begin(class)).copied().unwrap_or_default()))
            .filter(|&(class, probability)| probability >= threshold(class))
            .max_by(|one, other| one.1.total_cmp(&other.1));
        let Some((class, probability)) = best else {
            at += 1;
            continue;
        };
        let first = at;
        at += 1;
        while at < marginals.len() && goes_on(marginals.at(at), class, probability) {
            at += 1;
        }
        found.push(Cue { first, last: at - 1, class, probability });
    }
    found
}

/// Whether the span of `class` more likely goes on at this token than not, given that it began with `probability`.
fn goes_on(row: &[f32], class: usize, probability: f32) -> bool {
    row.get(inside(class)).is_some_and(|&inside| inside >= 0.5 * probability)
}

/// The words around a cue that name its source, and those that state its content.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Arguments {
    /// Who says it.
    pub source: Option<Span>,
    /// What is said, in pieces.
    pub content: Vec<Span>,
}

/// Pieces of content kept for one cue.
const PIECES_MAX: usize = 4;

/// Finds source and content of a cue in its sentence.
pub fn arguments(tagger: &Tagger, sentence: &Sentence, site: CueSite, text: &str) -> Arguments {
    let marginals = tagger.marginals(&argument_features(sentence, site));
    let mut best_source: Option<(f32, Span)> = None;
    let mut content: Vec<Span> = Vec::new();
    for (class, first, last, probability) in runs(&marginals) {
        let Some(span) = token_range(sentence, first, last) else { continue };
        if class == SOURCE {
            if best_source.is_none_or(|(most, _)| probability > most) {
                best_source = Some((probability, span));
            }
        } else {
            content.push(span);
        }
    }
    let cue = token_range(sentence, site.first, site.last);
    content.retain(|piece| cue.is_none_or(|cue| !cue.contains(*piece)));
    content = content.into_iter().map(|piece| bare(piece, text)).filter(|piece| !piece.is_empty()).collect();
    content.truncate(PIECES_MAX);
    Arguments { source: best_source.map(|(_, span)| bare(span, text)).filter(|span| !span.is_empty()), content }
}

/// Maximal runs of one class by the most probable label of each token.
fn runs(marginals: &Marginals) -> Vec<(usize, usize, usize, f32)> {
    let mut found: Vec<(usize, usize, usize, f32)> = Vec::new();
    for at in 0..marginals.len() {
        let row = marginals.at(at);
        // Begin and inside of one class are one decision here.
        let mass =
            |class: usize| row.get(begin(class)).zip(row.get(inside(class))).map_or(0.0, |(one, other)| one + other);
        let outside = row.get(OUTSIDE).copied().unwrap_or_default();
        let best = [SOURCE, CONTENT]
            .into_iter()
            .map(|class| (class, mass(class)))
            .max_by(|one, other| one.1.total_cmp(&other.1));
        let Some((class, probability)) = best.filter(|&(_, probability)| probability > outside) else { continue };
        let begins = row.get(begin(class)).zip(row.get(inside(class))).is_some_and(|(begin, inside)| begin > inside);
        match found.last_mut() {
            Some((known, _, last, most)) if *known == class && *last + 1 == at && !(begins && class == SOURCE) => {
                *last = at;
                *most = most.max(probability);
            }
            _ => found.push((class, at, at, probability)),
        }
    }
    found
}

/// The span from one token to another.
pub fn token_range(sentence: &Sentence, first: usize, last: usize) -> Option<Span> {
    Some(Span::new(sentence.tokens.get(first)?.span.start, sentence.tokens.get(last)?.span.end))
}

/// Without marks and spaces at either end, save quotation marks that belong to the words.
fn bare(span: Span, text: &str) -> Span {
    let is_edge = |c: char| c.is_whitespace() || matches!(c, ',' | ';' | ':' | '.' | '-' | '–' | '—');
    let words = span.of(text);
    let start = span.start + (words.len() - words.trim_start_matches(is_edge).len());
    let end = start + words.trim_matches(is_edge).len();
    Span::new(start, end.max(start))
}
