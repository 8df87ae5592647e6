//! The judge: sentences that may hold a claim in, acts of speech with kind, source, content and what they answer out.
//!
//! A small transformer (`MiniLM`, 8-bit weights) reads a `window` of the document with the headline in view and gives every word scores
//! (`network`); `decode` finds the cues among them. A second, small network is then asked about each cue: which words are its source and
//! content, whether it is an old act, which allegation it answers. What both said of a window is kept (`cache`), for copies and updates of a
//! story hold it again.

mod acts;
mod cache;
mod cues;
mod decode;
mod file;
mod network;
mod window;
mod wordpiece;

use std::ops::RangeInclusive;
use std::sync::Arc;

use acts::{Told, act};
pub use cache::WindowCounts;
use cache::{CACHE_BYTES_MAX, Cache, Judged, Key};
use cues::{Cue, add_given, add_statements, claim_cues};
use file::{ModelFile, Settings};
use network::{Encoder, Heads, Pools, Questions};
use window::{Window, windows};
use wordpiece::WordPieces;

use super::ModelError;
use super::reading::Reading;
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
/// Cues asked about in one window.
const ACTS_MAX: usize = 64;
/// Verbs that report inside a quotation.
const REPORTING: [&str; 6] = ["denied", "denies", "accused", "accuses", "alleged", "claimed"];
/// Pairs of an answer and an allegation looked at in one window.
const PAIRS_MAX: usize = 512;

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
    /// What speaks for it.
    pub grounds: Grounds,
    /// The words that name its source, in its sentence.
    pub source: Option<Span>,
    /// The words of its content, in its sentence or a neighbouring one.
    pub content: Vec<Span>,
    /// Probability that it is told as an old act.
    pub background: f32,
    /// Allegations that it may answer: positions among the acts, with the probability of each.
    pub answers: Vec<(usize, f32)>,
}

/// What speaks for an act.
#[derive(Debug, Clone, PartialEq)]
pub struct Grounds {
    /// How likely its words are the cue of an act of its kind, as the judge sees it; 0 where it sees none.
    pub words: f32,
    /// How likely its sentence holds an act of its kind, as the judge sees it.
    pub sentence: f32,
    /// What made it known beforehand, if anything did.
    pub given: Option<Ground>,
}

/// What makes a cue known beforehand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ground {
    /// A claim in so many words: "denied that".
    Wording,
    /// Words that mostly tell of one: "faulted the bank for".
    Usage,
    /// A reported silence: "has not denied".
    Silence,
    /// A user's own words.
    Own,
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
    /// What makes it known.
    pub ground: Ground,
}

/// The judge, ready to read.
#[derive(Debug)]
pub struct Judge {
    settings: Settings,
    vocabulary: WordPieces,
    encoder: Encoder,
    heads: Heads,
    cache: Cache,
}

impl Judge {
    /// Reads a model file.
    ///
    /// # Errors
    /// If it is another file, cut off, damaged, or its networks do not answer.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, ModelError> {
        Self::read(bytes, network::load)
    }

    /// As [`from_bytes`](Self::from_bytes), of a file that is part of the program.
    ///
    /// # Errors
    /// As there.
    pub fn embedded(bytes: &'static [u8]) -> Result<Self, ModelError> {
        Self::read(bytes, network::load_embedded)
    }

    fn read<'a>(
        bytes: &'a [u8],
        load: impl Fn(&'a [u8], &'a [u8]) -> Result<rten::Model, ModelError>,
    ) -> Result<Self, ModelError> {
        let file = ModelFile::parse(bytes)?;
        let vocabulary = WordPieces::from_lines(file.vocabulary).ok_or(ModelError::NotAModel)?;
        let pools = Arc::new(Pools::default());
        let encoder = Encoder::new(load(file.encoder, file.weights)?, Arc::clone(&pools))?;
        let heads = Heads::new(load(file.heads, file.weights)?, pools)?;
        let judge = Self { settings: file.settings, vocabulary, encoder, heads, cache: Cache::new(CACHE_BYTES_MAX) };
        if judge.answers() { Ok(judge) } else { Err(ModelError::NotAModel) }
    }

    /// The judge with a cache of so many bytes.
    #[cfg(test)]
    pub(super) fn with_cache(self, bytes_max: usize) -> Self {
        Self { cache: Cache::new(bytes_max), ..self }
    }

    /// How many windows it decided on so far.
    pub fn counts(&self) -> WindowCounts {
        self.cache.counts()
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
        let given = given_in(window, given);
        let judged = self.cache.get_or(Key::of(window, &given, all), || self.ask(window, &given, all))?;
        let mut acts = judged.told.iter().map(|told| act(reading, window, told)).collect::<Option<Vec<Act>>>()?;
        attribute_quotations(reading, &mut acts);
        if !all {
            acts.truncate(judged.claims);
        }
        Some(in_order(acts))
    }

    /// Asks the networks about a window.
    fn ask(&self, window: &Window, given: &[Given], all: bool) -> Option<Judged> {
        let encoded = self.encoder.run(window)?;
        let mut cues = claim_cues(&self.settings, window, &encoded);
        add_given(window, &encoded, given, &mut cues);
        cues.sort_by(|one, other| other.probability.total_cmp(&one.probability));
        cues.truncate(ACTS_MAX);
        cues.sort_by_key(|cue| *cue.words.start());
        let claims = cues.len();
        // Beside a claim, statements tell who speaks in a quotation.
        add_statements(window, &encoded, &mut cues, |sentence, cues| {
            all || cues.iter().any(|cue| cue.sentence == sentence)
        });
        cues.truncate(claims + ACTS_MAX);
        if cues.is_empty() {
            return Some(Judged { told: Vec::new(), claims });
        }
        let questions = questions(&cues);
        let answers = self.heads.run(&encoded, window.places.len(), &questions)?;
        let told = |(number, cue): (usize, &Cue)| Told::of(window, &questions, &answers, number, cue);
        Some(Judged { told: cues.iter().enumerate().map(told).collect(), claims })
    }
}

/// The cues that are given in the sentences that a window decides on; their sentences are counted in it.
fn given_in(window: &Window, given: &[Given]) -> Vec<Given> {
    let place_of =
        |sentence: usize| window.judged.iter().copied().find(|&place| window.sentence(place) == Some(sentence));
    given.iter().filter_map(|one| Some(Given { sentence: place_of(one.sentence)?, ..one.clone() })).collect()
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

/// Gives every act whose cue is quoted the source of the sentence's cue outside: who is quoted says what the quotation says, whomever
/// it names; save where the quotation itself reports ("the army denied it").
fn attribute_quotations(reading: &Reading<'_>, acts: &mut [Act]) {
    let is_quoted = |act: &Act| {
        let token = reading.sentences.get(act.sentence).and_then(|sentence| sentence.tokens.get(act.first));
        token.is_some_and(|token| token.is_quoted)
    };
    let outside: Vec<(usize, Span)> =
        acts.iter().filter(|act| !is_quoted(act)).filter_map(|act| Some((act.sentence, act.source?))).collect();
    let reports = |act: &Act| {
        let tokens = reading.sentences.get(act.sentence).and_then(|one| one.tokens.get(act.first..=act.last));
        let is_told = tokens.is_some_and(|cue| cue.iter().any(|token| REPORTING.contains(&token.word.as_str())));
        is_told && act.source.is_some_and(|source| names_another(source.of(reading.text)))
    };
    for act in acts.iter_mut().filter(|act| is_quoted(act) && !reports(act)) {
        let speaker = outside.iter().find(|(sentence, _)| *sentence == act.sentence);
        act.source = speaker.map(|(_, source)| *source).or(act.source);
    }
}

/// Whether the words of a source name somebody, not "we", "my client" or a "they" that only who is quoted can explain.
fn names_another(source: &str) -> bool {
    let first = source.split_whitespace().next().unwrap_or_default().to_lowercase();
    !matches!(
        first.as_str(),
        "i" | "we" | "my" | "our" | "he" | "she" | "it" | "they" | "you" | "who" | "those" | "this"
    )
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

/// A score of a row, nought past its end.
fn at(row: &[f32], place: usize) -> f32 {
    row.get(place).copied().unwrap_or_default()
}
