//! Attributions: cue probabilities in, spans of cue, source and content out.

use super::features::{CueSite, argument_features};
use super::reading::{CAPITALISED, Sentence};
use super::tagger::{Marginals, Tagger, begin, inside};
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

/// Probability from which the likeliest words for a source are taken for it.
const SOURCE_PROBABILITY_MIN: f32 = 0.25;
/// Probability from which words belong to the content.
const CONTENT_PROBABILITY_MIN: f32 = 0.5;

/// Finds source and content of a cue in its sentence.
pub fn arguments(tagger: &Tagger, sentence: &Sentence, site: CueSite, text: &str) -> Arguments {
    let marginals = tagger.marginals(&argument_features(sentence, site));
    let span = |run: &Run| {
        token_range(sentence, run.first, run.last).map(|span| bare(span, text)).filter(|span| !span.is_empty())
    };
    let sources = runs(&marginals, SOURCE, SOURCE_PROBABILITY_MIN);
    let surest = sources.into_iter().max_by(|one, other| one.probability.total_cmp(&other.probability));
    let source = surest.map(|run| whole_name(run, sentence, site)).as_ref().and_then(span);
    let cue = token_range(sentence, site.first, site.last);
    let is_apart = |piece: &Span| [cue, source].into_iter().flatten().all(|other| !other.contains(*piece));
    let pieces = runs(&marginals, CONTENT, CONTENT_PROBABILITY_MIN);
    let content = pieces.iter().filter_map(span).filter(is_apart).take(PIECES_MAX).collect();
    Arguments { source, content }
}

/// The run with the rest of a name that it cuts ("Governor Renée" of "Governor Renée Dufaux").
fn whole_name(mut run: Run, sentence: &Sentence, site: CueSite) -> Run {
    let is_capitalised = |at: usize| sentence.tokens.get(at).is_some_and(|token| token.shape == CAPITALISED);
    while is_capitalised(run.last) && is_capitalised(run.last + 1) && run.last + 1 != site.first {
        run.last += 1;
    }
    run
}

/// Neighbouring tokens of one class.
struct Run {
    first: usize,
    last: usize,
    /// Of its surest token.
    probability: f32,
}

/// Maximal runs of tokens that are of `class` with at least `least` of probability.
fn runs(marginals: &Marginals, class: usize, least: f32) -> Vec<Run> {
    let mut found: Vec<Run> = Vec::new();
    for at in 0..marginals.len() {
        let row = marginals.at(at);
        let (Some(&begins), Some(&goes_on)) = (row.get(begin(class)), row.get(inside(class))) else { continue };
        let probability = begins + goes_on;
        if probability < least {
            continue;
        }
        match found.last_mut() {
            // Two sources side by side are two; a content that starts anew goes on all the same.
            Some(run) if run.last + 1 == at && (class == CONTENT || goes_on >= begins) => {
                run.last = at;
                run.probability = run.probability.max(probability);
            }
            _ => found.push(Run { first: at, last: at, probability }),
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
