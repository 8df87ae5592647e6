//! Acts: what the heads say of each cue in, acts with source and content as places in the text out.

use std::ops::RangeInclusive;

use super::cues::Cue;
use super::decode::{Found, spans};
use super::network::{Answers, Questions};
use super::window::Window;
use super::{Act, at};
use crate::extract::reading::{CAPITALISED, Reading};
use crate::extract::tagger::{begin, inside};
use crate::model::{Kind, Span};

/// Pieces of content kept of one act.
const PIECES_MAX: usize = 4;
/// Classes of the arguments' labels.
const SOURCE: usize = 0;
const CONTENT: usize = 1;

/// What the heads say of one cue. Sentences and words are counted in the window, so that it holds of every window that reads the same.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Told {
    /// The cue.
    pub(super) cue: Cue,
    /// The words that may be its source or content, in order.
    parts: Vec<Part>,
    /// Probability that it is told as an old act.
    background: f32,
    /// Allegations that it may answer: positions among the window's cues, with the probability of each.
    answers: Vec<(usize, f32)>,
}

/// Words that may be a part of an act.
#[derive(Debug, Clone, PartialEq)]
struct Part {
    class: usize,
    sentence: usize,
    words: RangeInclusive<usize>,
    /// Of a source, how likely it is one.
    probability: f32,
}

impl Told {
    /// What the heads say of the cue of this number.
    pub(super) fn of(window: &Window, questions: &Questions, answers: &Answers, number: usize, cue: &Cue) -> Self {
        let words = window.places.len();
        let mut parts = Vec::new();
        for sentence in in_view(window, cue.sentence) {
            let range = window.words_of(sentence);
            let rows: Vec<&[f32]> = range.clone().map(|word| answers.arguments.row(number * words + word)).collect();
            for Found { class, words } in spans(&rows, 0.0) {
                let place = range.start + words.start()..=range.start + words.end();
                let sure = |row: &&[f32]| at(row, begin(SOURCE)).exp() + at(row, inside(SOURCE)).exp();
                let probability = match class {
                    CONTENT => 0.0,
                    SOURCE if sentence == cue.sentence => {
                        rows.get(words).unwrap_or_default().iter().map(sure).fold(0.0, f32::max)
                    }
                    _ => continue,
                };
                parts.push(Part { class, sentence, words: place, probability });
            }
        }
        let background = at(&answers.background, number);
        Self { cue: cue.clone(), parts, background, answers: answered(questions, answers, number) }
    }

    /// Bytes that it takes.
    pub(super) fn bytes(&self) -> usize {
        size_of::<Self>()
            + self.parts.capacity() * size_of::<Part>()
            + self.answers.capacity() * size_of::<(usize, f32)>()
    }
}

/// The act of a cue, in the document that the window is read from.
pub(super) fn act(reading: &Reading<'_>, window: &Window, told: &Told) -> Option<Act> {
    let cue = &told.cue;
    let place = |word: usize| window.places.get(word).copied();
    let (first, last) = (place(*cue.words.start())?.token?, place(*cue.words.end())?.token?);
    let mut source: Option<(Span, f32)> = None;
    let mut content = Vec::new();
    for Part { class, words, probability, .. } in &told.parts {
        let is_source = *class == SOURCE;
        let last = if is_source { name_end(reading, window, *words.end(), *cue.words.start()) } else { *words.end() };
        let span = bare(span_of(reading, window, *words.start(), last)?, reading.text);
        if !span.of(reading.text).contains(char::is_alphanumeric) {
            continue;
        }
        if !is_source {
            content.push(span);
        } else if source.is_none_or(|(_, best)| *probability > best) {
            source = Some((span, *probability));
        }
    }
    // What stands in the cue's own sentence goes before what a neighbour adds, should there be too much.
    let own = window.words_of(cue.sentence);
    let is_own = |piece: &Span| {
        span_of(reading, window, own.start, own.end.saturating_sub(1)).is_some_and(|all| all.overlaps(*piece))
    };
    content.sort_by_key(|piece| !is_own(piece));
    content.truncate(PIECES_MAX);
    content.sort_by_key(|piece| piece.start);
    Some(Act {
        sentence: window.sentence(cue.sentence)?,
        first,
        last,
        kind: Kind::ALL.get(cue.kind).copied()?,
        probability: cue.probability,
        grounds: cue.grounds.clone(),
        source: source.map(|(span, _)| span),
        content,
        background: told.background,
        answers: told.answers.clone(),
    })
}

/// The sentences in which the arguments of a cue may stand: its own and its neighbours in the window, save that the headline
/// is nobody's neighbour.
fn in_view(window: &Window, sentence: usize) -> Vec<usize> {
    let is_apart = |other: usize| other == 0 && sentence != 0 && heads_window(window);
    let near = sentence.saturating_sub(1)..(sentence + 2).min(window.sentences.len());
    near.filter(|&other| !is_apart(other)).collect()
}

/// Whether the window starts with a headline.
fn heads_window(window: &Window) -> bool {
    window.heading.contains(&1)
}

/// The allegations that an act may answer.
fn answered(questions: &Questions, answers: &Answers, number: usize) -> Vec<(usize, f32)> {
    let is_own = |pair: &(&(i32, i32), &f32)| usize::try_from(pair.0.0).is_ok_and(|answer| answer == number);
    let own = questions.pairs.iter().zip(&answers.links).filter(is_own);
    let scored: Vec<(usize, f32)> =
        own.filter_map(|(&(_, allegation), &score)| Some((usize::try_from(allegation).ok()?, score))).collect();
    let none = at(&answers.none, number);
    let most = scored.iter().map(|&(_, score)| score).fold(none, f32::max);
    let sum: f32 = scored.iter().map(|&(_, score)| (score - most).exp()).sum::<f32>() + (none - most).exp();
    scored.into_iter().map(|(allegation, score)| (allegation, (score - most).exp() / sum)).collect()
}

/// The text between two words of one sentence of a window.
fn span_of(reading: &Reading<'_>, window: &Window, first: usize, last: usize) -> Option<Span> {
    let token = |word: usize| {
        let place = window.places.get(word)?;
        reading.sentences.get(window.sentence(place.sentence)?)?.tokens.get(place.token?)
    };
    Some(token(first)?.span.cover(token(last)?.span))
}

/// Last word of the name that a source cuts ("Governor Renée" of "Governor Renée Dufaux").
fn name_end(reading: &Reading<'_>, window: &Window, mut last: usize, cue: usize) -> usize {
    let is_capitalised = |word: usize| {
        let place = window.places.get(word).and_then(|place| Some((window.sentence(place.sentence)?, place.token?)));
        let token = place.and_then(|(sentence, token)| reading.sentences.get(sentence)?.tokens.get(token));
        token.is_some_and(|token| token.shape == CAPITALISED)
    };
    while is_capitalised(last) && is_capitalised(last + 1) && last + 1 != cue {
        last += 1;
    }
    last
}

/// Without marks and spaces at either end, save quotation marks that belong to the words.
fn bare(span: Span, text: &str) -> Span {
    let is_edge = |c: char| c.is_whitespace() || matches!(c, ',' | ';' | ':' | '.' | '-' | '–' | '—');
    let words = span.of(text);
    let start = span.start + (words.len() - words.trim_start_matches(is_edge).len());
    let end = start + words.trim_matches(is_edge).len();
    // The point of "the U.N." is no edge.
    let is_short = text.get(..end).is_some_and(|front| front.chars().rev().nth(1) == Some('.'));
    let end = if is_short && end < span.end && text.get(end..).is_some_and(|rest| rest.starts_with('.')) {
        end + 1
    } else {
        end
    };
    Span::new(start, end.max(start))
}
