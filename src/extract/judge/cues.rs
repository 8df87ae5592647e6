//! Cues: a window's scores in, the words that show an act out, with what speaks for each.

use std::ops::RangeInclusive;

use super::decode::{Found, spans};
use super::file::Settings;
use super::network::Encoded;
use super::window::Window;
use super::{CLAIM_KINDS, CLAIM_LABELS, Given, Ground, Grounds, STATEMENT, STATEMENT_LABELS, at};
use crate::extract::CLAIM_PROBABILITY_MIN;
use crate::extract::tagger::{OUTSIDE, begin, inside};
use crate::model::Kind;

/// What is taken from the score of being outside of claims' cues, so that unlikely ones are weighed, too.
const OUTSIDE_OF_CUES: f32 = -4.0;
/// What is taken from that of being outside of statements' cues: found and missed ones are then about as many on development articles.
const OUTSIDE_OF_STATEMENTS: f32 = -0.5;
/// Probability from which a cue is asked about.
const CUE_MIN: f32 = 0.03;

/// A cue found in a window.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Cue {
    /// Its sentence, counted in the window.
    pub(super) sentence: usize,
    /// Its words, counted in the window.
    pub(super) words: RangeInclusive<usize>,
    pub(super) kind: usize,
    pub(super) probability: f32,
    pub(super) grounds: Grounds,
}

impl Cue {
    /// Whether another cue is the rest of this one ("flatly" "denied"): two acts of one kind are never told side by side.
    fn is_continued_by(&self, other: &Self) -> bool {
        self.sentence == other.sentence && self.kind == other.kind && self.words.end() + 1 == *other.words.start()
    }
}

/// The cues of claims in the sentences that a window decides on.
pub(super) fn claim_cues(settings: &Settings, window: &Window, encoded: &Encoded) -> Vec<Cue> {
    let mut cues: Vec<Cue> = Vec::new();
    for &sentence in &window.judged {
        let words = window.words_of(sentence);
        let rows: Vec<[f32; CLAIM_LABELS]> = words.clone().map(|word| softmax(encoded.cues.row(word))).collect();
        let scores: Vec<Vec<f32>> = rows.iter().map(|row| row.iter().map(|p| p.max(1e-6).ln()).collect()).collect();
        let scores: Vec<&[f32]> = scores.iter().map(Vec::as_slice).collect();
        let kinds = encoded.kinds.row(words.end);
        for Found { words: cue, .. } in spans(&scores, OUTSIDE_OF_CUES) {
            let mass = |kind: usize| {
                let of_word = |row: &[f32; CLAIM_LABELS]| at(row, begin(kind)) + at(row, inside(kind));
                rows.get(cue.clone()).unwrap_or_default().iter().map(of_word).fold(0.0, f32::max)
            };
            let of_kind = |kind: usize| {
                let sum = settings.cue * log_odds(mass(kind))
                    + settings.sentence * at(kinds, kind).clamp(-8.0, 8.0)
                    + settings.bias;
                (kind, logistic(sum))
            };
            let likeliest = (0..CLAIM_KINDS).map(of_kind).max_by(|one, other| one.1.total_cmp(&other.1));
            let Some((kind, probability)) = likeliest.filter(|&(_, probability)| probability >= CUE_MIN) else {
                continue;
            };
            let place = words.start + cue.start()..=words.start + cue.end();
            let grounds = Grounds { words: mass(kind), sentence: logistic(at(kinds, kind)), given: None };
            let found = Cue { sentence, words: place, kind, probability, grounds };
            match cues.last_mut() {
                Some(last) if last.is_continued_by(&found) => {
                    last.words = *last.words.start()..=*found.words.end();
                    last.probability = last.probability.max(found.probability);
                    last.grounds.words = last.grounds.words.max(found.grounds.words);
                }
                _ => cues.push(found),
            }
        }
    }
    cues
}

/// Puts the cues that are given in the place of those found there, unless a longer one of the same kind was found. Their sentences are counted
/// in the window.
pub(super) fn add_given(window: &Window, encoded: &Encoded, given: &[Given], cues: &mut Vec<Cue>) {
    for one in given {
        let words = window.words_of(one.sentence);
        let place = words.start + one.tokens.start()..=words.start + one.tokens.end();
        let Some(kind) = Kind::ALL.iter().position(|kind| *kind == one.kind).filter(|_| words.contains(place.end()))
        else {
            continue;
        };
        let is_apart = |cue: &Cue| cue.words.end() < place.start() || place.end() < cue.words.start();
        let covers = |cue: &Cue| cue.words.contains(place.start()) && cue.words.contains(place.end());
        // What mostly tells of an act yields to what the judge is surer of, and makes no second act of a kind that it found.
        let is_usage = one.ground == Ground::Usage;
        let outweighs = |cue: &Cue| {
            if is_apart(cue) {
                cue.kind == kind && cue.probability >= CLAIM_PROBABILITY_MIN
            } else {
                cue.kind != kind && cue.probability > one.probability
            }
        };
        if is_usage && cues.iter().any(|cue| cue.sentence == one.sentence && outweighs(cue)) {
            continue;
        }
        let is_known = |cue: &&mut Cue| cue.kind == kind && if is_usage { !is_apart(cue) } else { covers(cue) };
        let surest = |one: &&mut Cue, other: &&mut Cue| one.probability.total_cmp(&other.probability);
        if let Some(cue) = cues.iter_mut().filter(is_known).max_by(surest) {
            if cue.probability < one.probability {
                cue.probability = one.probability;
                cue.grounds.given = Some(one.ground);
            }
            continue;
        }
        cues.retain(is_apart);
        let likely = |word: usize| {
            let row: [f32; CLAIM_LABELS] = softmax(encoded.cues.row(word));
            at(&row, begin(kind)) + at(&row, inside(kind))
        };
        let grounds = Grounds {
            words: place.clone().map(likely).fold(0.0, f32::max),
            sentence: logistic(at(encoded.kinds.row(words.end), kind)),
            given: Some(one.ground),
        };
        cues.push(Cue { sentence: one.sentence, words: place, kind, probability: one.probability, grounds });
    }
}

/// Adds the cues of statements that are not those of claims, in the sentences that are `wanted`.
pub(super) fn add_statements(
    window: &Window,
    encoded: &Encoded,
    cues: &mut Vec<Cue>,
    wanted: impl Fn(usize, &[Cue]) -> bool,
) {
    for &sentence in &window.judged {
        if !wanted(sentence, cues) {
            continue;
        }
        let words = window.words_of(sentence);
        let rows: Vec<&[f32]> =
            words.clone().map(|word| encoded.cues.row(word).get(CLAIM_LABELS..).unwrap_or_default()).collect();
        for Found { words: cue, .. } in spans(&rows, OUTSIDE_OF_STATEMENTS) {
            let place = words.start + cue.start()..=words.start + cue.end();
            // An unlikely claim is a statement all the same.
            let is_free = |other: &Cue| {
                other.probability < CLAIM_PROBABILITY_MIN
                    || other.words.end() < place.start()
                    || place.end() < other.words.start()
            };
            let surest = |row: &&[f32]| 1.0 - at(&softmax::<STATEMENT_LABELS>(row), OUTSIDE);
            let probability = rows.get(cue).unwrap_or_default().iter().map(surest).fold(0.0, f32::max);
            if cues.iter().all(is_free) {
                let grounds = Grounds { words: probability, sentence: probability, given: None };
                cues.push(Cue { sentence, words: place, kind: STATEMENT, probability, grounds });
            }
        }
    }
}

fn softmax<const N: usize>(scores: &[f32]) -> [f32; N] {
    let scores = scores.get(..N).unwrap_or_default();
    let most = scores.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let powers: [f32; N] = std::array::from_fn(|place| scores.get(place).map_or(0.0, |score| (score - most).exp()));
    let sum: f32 = powers.iter().sum();
    powers.map(|power| if sum > 0.0 { power / sum } else { 0.0 })
}

fn log_odds(probability: f32) -> f32 {
    let probability = probability.clamp(1e-4, 1.0 - 1e-4);
    (probability / (1.0 - probability)).ln()
}

fn logistic(sum: f32) -> f32 {
    1.0 / (1.0 + (-sum).exp())
}
