//! The judge: sentences that may hold a claim in, acts of speech with kind, source, content and what they answer out.
//!
//! A small transformer (`MiniLM`, 8-bit weights) reads a `window` of the document with the headline in view and gives every word scores
//! (`network`); `decode` finds the cues among them. A second, small network is then asked about each cue: which words are its source and
//! content, whether it is an old act, which allegation it answers.

mod decode;
mod file;
mod network;
mod window;
mod wordpiece;

use std::ops::RangeInclusive;

use decode::{Found, spans};
use file::{ModelFile, Settings};
use network::{Answers, Encoded, Encoder, Heads, Questions};
use window::{Window, windows};
use wordpiece::WordPieces;

use super::ModelError;
use super::reading::{CAPITALISED, Reading};
use super::tagger::{OUTSIDE, begin, inside};
use crate::model::{Kind, Span};

/// Kinds of claims: all but statements.
pub const CLAIM_KINDS: usize = 5;
/// Labels of the claims' cues.
const CLAIM_LABELS: usize = 1 + 2 * CLAIM_KINDS;
/// Labels of statements' cues.
const STATEMENT_LABELS: usize = 3;
/// Labels of source and content.
const ARGUMENT_LABELS: usize = 5;
/// Number of the kind "statement".
const STATEMENT: usize = CLAIM_KINDS;
/// What is taken from the score of being outside of claims' cues, so that unlikely ones are weighed, too.
const OUTSIDE_OF_CUES: f32 = -4.0;
/// What is taken from that of being outside of statements' cues: found and missed ones are then about as many on development articles.
const OUTSIDE_OF_STATEMENTS: f32 = -0.5;
/// Probability from which a cue is asked about.
const CUE_MIN: f32 = 0.03;
/// Cues asked about in one window.
const ACTS_MAX: usize = 64;
/// Pairs of an answer and an allegation looked at in one window.
const PAIRS_MAX: usize = 512;
/// Pieces of content kept of one act.
const PIECES_MAX: usize = 4;
/// Classes of the arguments' labels.
const SOURCE: usize = 0;
const CONTENT: usize = 1;

/// One act of speech as the judge sees it.
#[derive(Debug, Clone, PartialEq)]
pub struct Act {
    /// Position of the sentence that holds its cue.
    pub sentence: usize,
    /// First token of the cue.
    pub first: usize,
    /// Last token of the cue.
    pub last: usize,
    /// What it is.
    pub kind: Kind,
    /// How likely it is that.
    pub probability: f32,
    /// The words that name its source, in its sentence.
    pub source: Option<Span>,
    /// The words of its content, in its sentence or a neighbouring one.
    pub content: Vec<Span>,
    /// Probability that it is told as an old act.
    pub background: f32,
    /// Allegations that it may answer: positions among the acts, with the probability of each.
    pub answers: Vec<(usize, f32)>,
}

/// A cue that is known beforehand.
#[derive(Debug, Clone, PartialEq)]
pub struct Given {
    /// Position of its sentence.
    pub sentence: usize,
    /// Its tokens.
    pub tokens: RangeInclusive<usize>,
    /// What it shows.
    pub kind: Kind,
    /// How likely that is at the least.
    pub probability: f32,
}

/// The judge, ready to read.
#[derive(Debug)]
pub struct Judge {
    settings: Settings,
    vocabulary: WordPieces,
    encoder: Encoder,
    heads: Heads,
}

impl Judge {
    /// Reads a model file.
    ///
    /// # Errors
    /// If it is another file, cut off, damaged, or its networks do not answer.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, ModelError> {
        let file = ModelFile::parse(bytes)?;
        let vocabulary = WordPieces::from_lines(file.vocabulary).ok_or(ModelError::NotAModel)?;
        let (encoder, heads) = (Encoder::load(file.encoder)?, Heads::load(file.heads)?);
        let judge = Self { settings: file.settings, vocabulary, encoder, heads };
        if judge.answers() { Ok(judge) } else { Err(ModelError::NotAModel) }
    }

    /// Whether the networks answer, and in the widths that are read: tried once on one word.
    fn answers(&self) -> bool {
        let window = Window::probe();
        let questions = Questions { first: vec![0], last: vec![0], kind: vec![0], pairs: vec![(0, 0)] };
        let answers = self.encoder.run(&window).and_then(|encoded| {
            let fits = encoded.cues.row(0).len() == CLAIM_LABELS + STATEMENT_LABELS
                && encoded.kinds.row(0).len() == CLAIM_KINDS;
            self.heads.run(&encoded, window.places.len(), &questions).filter(|_| fits)
        });
        answers.is_some_and(|answers| answers.arguments.row(0).len() == ARGUMENT_LABELS)
    }

    /// The acts of the `wanted` sentences, in order of their cues; those that are `given` are found in any case, and with `all` statements that
    /// are no claims are found, too. And whether all windows were read: nothing of one that the networks fail at is found.
    pub fn acts(&self, reading: &Reading<'_>, wanted: &[bool], given: &[Given], all: bool) -> (Vec<Act>, bool) {
        let (mut acts, mut is_whole): (Vec<Act>, bool) = (Vec::new(), true);
        for window in windows(reading, wanted, &self.vocabulary) {
            let before = acts.len();
            let Some(mut found) = self.window_acts(reading, &window, given, all) else {
                is_whole = false;
                continue;
            };
            for act in &mut found {
                for answer in &mut act.answers {
                    answer.0 += before;
                }
            }
            acts.append(&mut found);
        }
        (acts, is_whole)
    }

    fn window_acts(&self, reading: &Reading<'_>, window: &Window, given: &[Given], all: bool) -> Option<Vec<Act>> {
        let encoded = self.encoder.run(window)?;
        let mut cues = self.claim_cues(window, &encoded);
        add_given(window, given, &mut cues);
        cues.sort_by_key(|cue| *cue.words.start());
        cues.truncate(ACTS_MAX);
        let claims = cues.len();
        // Beside a claim, statements tell who speaks in a quotation.
        add_statements(window, &encoded, &mut cues, |sentence, cues| {
            all || cues.iter().any(|cue| cue.sentence == sentence)
        });
        cues.truncate(claims + ACTS_MAX);
        if cues.is_empty() {
            return Some(Vec::new());
        }
        let questions = questions(&cues);
        let answers = self.heads.run(&encoded, window.places.len(), &questions)?;
        let act = |(number, cue): (usize, &Cue)| act(reading, window, &questions, &answers, number, cue);
        let mut acts = cues.iter().enumerate().map(act).collect::<Option<Vec<Act>>>()?;
        attribute_quotations(reading, &mut acts);
        if !all {
            acts.truncate(claims);
        }
        Some(in_order(acts))
    }

    /// The cues of claims in the sentences that a window decides on.
    fn claim_cues(&self, window: &Window, encoded: &Encoded) -> Vec<Cue> {
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
                    let sum = self.settings.cue * log_odds(mass(kind))
                        + self.settings.sentence * at(kinds, kind).clamp(-8.0, 8.0)
                        + self.settings.bias;
                    (kind, logistic(sum))
                };
                let likeliest = (0..CLAIM_KINDS).map(of_kind).max_by(|one, other| one.1.total_cmp(&other.1));
                let Some((kind, probability)) = likeliest.filter(|&(_, probability)| probability >= CUE_MIN) else {
                    continue;
                };
                let found =
                    Cue { sentence, words: words.start + cue.start()..=words.start + cue.end(), kind, probability };
                match cues.last_mut() {
                    Some(last) if last.is_continued_by(&found) => {
                        last.words = *last.words.start()..=*found.words.end();
                        last.probability = last.probability.max(found.probability);
                    }
                    _ => cues.push(found),
                }
            }
        }
        cues
    }
}

/// A cue found in a window.
#[derive(Debug, Clone)]
struct Cue {
    sentence: usize,
    /// Its words, counted in the window.
    words: RangeInclusive<usize>,
    kind: usize,
    probability: f32,
}

impl Cue {
    /// Whether another cue is the rest of this one ("flatly" "denied"): two acts of one kind are never told side by side.
    fn is_continued_by(&self, other: &Self) -> bool {
        self.sentence == other.sentence && self.kind == other.kind && self.words.end() + 1 == *other.words.start()
    }
}

/// Puts the cues that are given in the place of those found there, unless a longer one of the same kind was found.
fn add_given(window: &Window, given: &[Given], cues: &mut Vec<Cue>) {
    for one in given.iter().filter(|one| window.judged.contains(&one.sentence)) {
        let words = window.words_of(one.sentence);
        let place = words.start + one.tokens.start()..=words.start + one.tokens.end();
        let Some(kind) = Kind::ALL.iter().position(|kind| *kind == one.kind).filter(|_| words.contains(place.end()))
        else {
            continue;
        };
        let covers = |cue: &&mut Cue| cue.words.contains(place.start()) && cue.words.contains(place.end());
        if let Some(cue) = cues.iter_mut().filter(|cue| cue.kind == kind).find(covers) {
            cue.probability = cue.probability.max(one.probability);
            continue;
        }
        cues.retain(|other| other.words.end() < place.start() || place.end() < other.words.start());
        cues.push(Cue { sentence: one.sentence, words: place, kind, probability: one.probability });
    }
}

/// Adds the cues of statements that are not those of claims, in the sentences that are `wanted`.
fn add_statements(window: &Window, encoded: &Encoded, cues: &mut Vec<Cue>, wanted: impl Fn(usize, &[Cue]) -> bool) {
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
                other.probability < super::CLAIM_PROBABILITY_MIN
                    || other.words.end() < place.start()
                    || place.end() < other.words.start()
            };
            let surest = |row: &&[f32]| 1.0 - at(&softmax::<STATEMENT_LABELS>(row), OUTSIDE);
            let probability = rows.get(cue).unwrap_or_default().iter().map(surest).fold(0.0, f32::max);
            if cues.iter().all(is_free) {
                cues.push(Cue { sentence, words: place, kind: STATEMENT, probability });
            }
        }
    }
}

fn questions(cues: &[Cue]) -> Questions {
    let number = |at: usize| i32::try_from(at).unwrap_or_default();
    let is_allegation = |kind: usize| kind == 0;
    let pairs = cues.iter().enumerate().filter(|(_, cue)| !is_allegation(cue.kind) && cue.kind != STATEMENT);
    let allegations = cues.iter().enumerate().filter(|(_, cue)| is_allegation(cue.kind));
    let pairs = pairs
        .flat_map(|(answer, _)| allegations.clone().map(move |(allegation, _)| (number(answer), number(allegation))));
    Questions {
        first: cues.iter().map(|cue| number(*cue.words.start())).collect(),
        last: cues.iter().map(|cue| number(*cue.words.end())).collect(),
        kind: cues.iter().map(|cue| number(cue.kind)).collect(),
        pairs: pairs.take(PAIRS_MAX).collect(),
    }
}

/// What the heads say of one cue.
fn act(
    reading: &Reading<'_>,
    window: &Window,
    questions: &Questions,
    answers: &Answers,
    number: usize,
    cue: &Cue,
) -> Option<Act> {
    let words = window.places.len();
    let place = |word: usize| window.places.get(word).copied();
    let (first, last) = (place(*cue.words.start())?.token?, place(*cue.words.end())?.token?);
    let mut source: Option<(Span, f32)> = None;
    let mut content = Vec::new();
    for sentence in in_view(window, cue.sentence) {
        let range = window.words_of(sentence);
        let rows: Vec<&[f32]> = range.clone().map(|word| answers.arguments.row(number * words + word)).collect();
        for Found { class, words: found } in spans(&rows, 0.0) {
            let last = range.start + found.end();
            let last = if class == SOURCE { name_end(reading, window, last, *cue.words.start()) } else { last };
            let span = bare(span_of(reading, window, range.start + found.start(), last)?, reading.text);
            if !span.of(reading.text).contains(char::is_alphanumeric) {
                continue;
            }
            if class == CONTENT {
                content.push(span);
            } else if class == SOURCE && sentence == cue.sentence {
                let sure = |row: &&[f32]| at(row, begin(SOURCE)).exp() + at(row, inside(SOURCE)).exp();
                let probability = rows.get(found).unwrap_or_default().iter().map(sure).fold(0.0, f32::max);
                if source.is_none_or(|(_, best)| probability > best) {
                    source = Some((span, probability));
                }
            }
        }
    }
    content.truncate(PIECES_MAX);
    Some(Act {
        sentence: cue.sentence,
        first,
        last,
        kind: Kind::ALL.get(cue.kind).copied()?,
        probability: cue.probability,
        source: source.map(|(span, _)| span),
        content,
        background: at(&answers.background, number),
        answers: answered(questions, answers, number),
    })
}

/// Gives every act whose cue is quoted the source of the sentence's cue outside: who is quoted says what the quotation says, whomever
/// it names.
fn attribute_quotations(reading: &Reading<'_>, acts: &mut [Act]) {
    let is_quoted = |act: &Act| {
        let token = reading.sentences.get(act.sentence).and_then(|sentence| sentence.tokens.get(act.first));
        token.is_some_and(|token| token.is_quoted)
    };
    let outside: Vec<(usize, Span)> =
        acts.iter().filter(|act| !is_quoted(act)).filter_map(|act| Some((act.sentence, act.source?))).collect();
    for act in acts.iter_mut().filter(|act| is_quoted(act)) {
        let speaker = outside.iter().find(|(sentence, _)| *sentence == act.sentence);
        act.source = speaker.map(|(_, source)| *source).or(act.source);
    }
}

/// The acts in order of their cues.
fn in_order(mut acts: Vec<Act>) -> Vec<Act> {
    let mut order: Vec<usize> = (0..acts.len()).collect();
    order.sort_by_key(|&at| acts.get(at).map(|act| (act.sentence, act.first)));
    for act in &mut acts {
        for answer in &mut act.answers {
            answer.0 = order.iter().position(|&at| at == answer.0).unwrap_or(answer.0);
        }
    }
    let mut slots: Vec<Option<Act>> = acts.into_iter().map(Some).collect();
    order.into_iter().filter_map(|at| slots.get_mut(at)?.take()).collect()
}

/// The sentences in which the arguments of a cue may stand: its own and its neighbours in the window, save that the headline
/// is nobody's neighbour.
fn in_view(window: &Window, sentence: usize) -> Vec<usize> {
    let Some(position) = window.sentences.iter().position(|&other| other == sentence) else { return vec![sentence] };
    let near = window.sentences.get(position.saturating_sub(1)..(position + 2).min(window.sentences.len()));
    let is_apart = |other: usize| other == 0 && sentence != 0 && heads_window(window);
    near.unwrap_or_default().iter().copied().filter(|&other| !is_apart(other)).collect()
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
        reading.sentences.get(place.sentence)?.tokens.get(place.token?)
    };
    Some(token(first)?.span.cover(token(last)?.span))
}

/// Last word of the name that a source cuts ("Governor Renée" of "Governor Renée Dufaux").
fn name_end(reading: &Reading<'_>, window: &Window, mut last: usize, cue: usize) -> usize {
    let is_capitalised = |word: usize| {
        let place = window.places.get(word).and_then(|place| Some((place.sentence, place.token?)));
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
    Span::new(start, end.max(start))
}

fn at(row: &[f32], place: usize) -> f32 {
    row.get(place).copied().unwrap_or_default()
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
