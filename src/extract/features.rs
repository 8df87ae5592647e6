//! Features: what the screen sees of a sentence, as hashes; the same code trains and runs.

use super::lexicon::Classes;
use super::reading::{Reading, Token};

/// Hash of a template number and what it found.
fn feature(template: u64, one: u64, other: u64) -> u32 {
    let mut sum = template.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    for part in [one, other] {
        sum = (sum ^ part).wrapping_mul(0xff51_afd7_ed55_8ccd);
        sum ^= sum >> 32;
    }
    #[expect(
        clippy::cast_possible_truncation,
        reason = "a hash; the low half of the mixed sum is as good as the high one"
    )]
    let low = (sum ^ (sum >> 29)) as u32;
    low
}

/// Classes of words that can be a cue or part of one.
const CUE_CLASSES: Classes = Classes::DENY
    .or(Classes::REJECT)
    .or(Classes::FALSEHOOD)
    .or(Classes::ACCUSE)
    .or(Classes::ALLEGE)
    .or(Classes::SAY)
    .or(Classes::NOUN)
    .or(Classes::ADMIT)
    .or(Classes::COMMENT)
    .or(Classes::RETRACT)
    .or(Classes::FIND)
    .or(Classes::INSIST)
    .or(Classes::INNOCENCE);

/// Tokens before and behind a possible cue whose words are features of it.
const BAG_REACH: usize = 12;

/// What stands for a missing neighbour.
const EDGE: u64 = 1;

/// A view of a token's neighbourhood.
struct Around<'a> {
    tokens: &'a [Token],
    at: usize,
}

impl<'a> Around<'a> {
    fn token(&self, offset: isize) -> Option<&'a Token> {
        self.at.checked_add_signed(offset).and_then(|at| self.tokens.get(at))
    }

    fn word(&self, offset: isize) -> u64 {
        self.token(offset).map_or(EDGE, |token| token.word_hash)
    }

    fn stem(&self, offset: isize) -> u64 {
        self.token(offset).map_or(EDGE, |token| token.stem_hash)
    }

    fn cluster(&self, offset: isize) -> u64 {
        self.token(offset).map_or(1_000, |token| token.cluster)
    }

    fn shape(&self, offset: isize) -> u64 {
        self.token(offset).map_or(9, |token| token.shape)
    }

    /// The wordings that the token belongs to, as a set.
    fn wordings(&self, offset: isize) -> Classes {
        Classes(self.token(offset).map_or(0, |token| token.wordings))
    }

    fn classes(&self, offset: isize) -> Classes {
        self.token(offset).map_or_else(Classes::default, |token| token.classes)
    }
}

/// Words, stems, clusters, shapes and classes of the token and its neighbours.
fn local_features(around: &Around<'_>, out: &mut Vec<u32>) {
    for (number, offset) in (0..).zip(-2..=2) {
        out.push(feature(number, around.word(offset), 0));
        out.push(feature(10 + number, around.cluster(offset), 0));
        out.extend(around.classes(offset).bits().map(|bit| feature(20 + number, bit, 0)));
        out.extend(around.wordings(offset).bits().map(|bit| feature(60 + number, bit, 0)));
    }
    out.push(feature(30, around.word(-1), around.word(0)));
    out.push(feature(31, around.word(0), around.word(1)));
    out.push(feature(32, around.word(-2), around.word(-1)));
    out.push(feature(33, around.word(1), around.word(2)));
    out.push(feature(34, around.stem(0), 0));
    out.push(feature(35, around.stem(-1), 0));
    out.push(feature(36, around.stem(1), 0));
    out.push(feature(37, around.cluster(-1), around.cluster(0)));
    out.push(feature(38, around.cluster(0), around.cluster(1)));
    out.push(feature(39, around.shape(-1) * 10 + around.shape(0), around.shape(1)));
    out.push(feature(40, around.shape(0), 0));
    out.push(feature(41, around.word(0), around.cluster(1)));
    out.push(feature(42, around.cluster(-1), around.word(0)));
    if let Some(token) = around.token(0) {
        let ending = token.word.char_indices().rev().nth(2).and_then(|(at, _)| token.word.get(at..));
        out.push(feature(43, super::reading::hash(ending.unwrap_or(&token.word)), 0));
        out.push(feature(44, u64::from(token.is_quoted), token.stem_hash));
        out.push(feature(45, u64::from(token.is_quoted), 0));
    }
}

/// Features of every token of a sentence, for finding cues.
pub fn cue_features(reading: &Reading<'_>, index: usize) -> Vec<Vec<u32>> {
    let Some(sentence) = reading.sentences.get(index) else { return Vec::new() };
    let scene = scene(reading, index);
    let mut all = Vec::with_capacity(sentence.tokens.len());
    for at in 0..sentence.tokens.len() {
        let around = Around { tokens: &sentence.tokens, at };
        let mut out = Vec::with_capacity(96);
        local_features(&around, &mut out);
        let last = sentence.tokens.len() - 1;
        out.push(feature(50, u64::from(at == 0) * 2 + u64::from(at == last), around.word(0)));
        let classes = around.classes(0);
        if classes.any(CUE_CLASSES) || around.token(0).is_some_and(|token| token.wordings != 0) {
            cue_context(&around, &scene, classes, &mut out);
        }
        for offset in [-1, 1] {
            let beside = around.classes(offset);
            for (one, other) in classes.bits().flat_map(|one| beside.bits().map(move |other| (one, other))) {
                out.push(feature(55, one * 32 + other, offset.unsigned_abs() as u64 + u64::from(offset < 0)));
            }
        }
        out.extend(scene.iter().map(|&fact| feature(56, fact, u64::from(classes.any(CUE_CLASSES)))));
        all.push(out);
    }
    all
}

/// What a possible cue has around it: the scene of its sentence, and the words and classes within reach.
fn cue_context(around: &Around<'_>, scene: &[u64], classes: Classes, out: &mut Vec<u32>) {
    let stem = around.stem(0);
    for bit in around.wordings(0).bits() {
        out.push(feature(58, bit, stem));
    }
    for &fact in scene {
        out.push(feature(51, fact, stem));
        out.extend(classes.bits().map(|bit| feature(52, fact, bit)));
    }
    let from = around.at.saturating_sub(BAG_REACH);
    let to = (around.at + BAG_REACH + 1).min(around.tokens.len());
    for (at, token) in around.tokens.iter().enumerate().take(to).skip(from) {
        if at == around.at {
            continue;
        }
        let side = u64::from(at > around.at);
        out.push(feature(53, token.stem_hash, classes.0.into()));
        for bit in token.classes.bits() {
            out.push(feature(54, bit * 2 + side, stem));
            out.push(feature(57, bit * 2 + side, classes.0.into()));
        }
    }
}

/// Facts about a sentence and its surroundings, numbered: which classes it holds and its neighbours and the rest of the document hold.
fn scene(reading: &Reading<'_>, index: usize) -> Vec<u64> {
    const TELLING: Classes = Classes::DENY
        .or(Classes::FALSEHOOD)
        .or(Classes::ACCUSE)
        .or(Classes::ALLEGE)
        .or(Classes::NOUN)
        .or(Classes::NEGATION)
        .or(Classes::CONDITION)
        .or(Classes::WRONG)
        .or(Classes::COURT)
        .or(Classes::INNOCENCE)
        .or(Classes::ADMIT);
    let only = |classes: Classes| Classes(classes.0 & TELLING.0);
    let neighbour = |offset: isize| {
        index
            .checked_add_signed(offset)
            .and_then(|at| reading.sentences.get(at))
            .map_or_else(Classes::default, |sentence| sentence.classes)
    };
    let Some(sentence) = reading.sentences.get(index) else { return Vec::new() };
    let mut facts = vec![0];
    facts.extend(only(sentence.classes).bits().map(|bit| 100 + bit));
    facts.extend(only(neighbour(-1)).bits().map(|bit| 200 + bit));
    facts.extend(only(neighbour(1)).bits().map(|bit| 300 + bit));
    facts.extend(only(reading.classes_elsewhere(index)).bits().map(|bit| 400 + bit));
    let wordings = |kinds: u32, base: u64| Classes(kinds).bits().map(move |kind| base + kind);
    facts.extend(wordings(sentence.wordings, 600));
    let is_question = sentence.tokens.last().is_some_and(|token| token.word == "?");
    let flags = [sentence.is_headline, sentence.continues_quote, is_question, sentence.tokens.len() < 8, index <= 2];
    facts.extend((500..).zip(flags).filter(|&(_, is_set)| is_set).map(|(number, _)| number));
    facts
}
