//! Features: what the taggers and the judge see of a sentence, as hashes; the same code trains and runs.

use super::lexicon::Classes;
use super::reading::{Reading, Sentence, Token};
use crate::model::Kind;

/// Hash of a template number and what it found.
pub(super) fn feature(template: u64, one: u64, other: u64) -> u32 {
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
pub(super) const EDGE: u64 = 1;

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

/// Words, stems, clusters, shapes and classes of the token and its neighbours; `base` keeps templates of two callers apart.
fn local_features(around: &Around<'_>, base: u64, out: &mut Vec<u32>) {
    let t = |number: u64| base + number;
    for (number, offset) in (0..).zip(-2..=2) {
        out.push(feature(t(number), around.word(offset), 0));
        out.push(feature(t(10 + number), around.cluster(offset), 0));
        out.extend(around.classes(offset).bits().map(|bit| feature(t(20 + number), bit, 0)));
        out.extend(around.wordings(offset).bits().map(|bit| feature(t(60 + number), bit, 0)));
    }
    out.push(feature(t(30), around.word(-1), around.word(0)));
    out.push(feature(t(31), around.word(0), around.word(1)));
    out.push(feature(t(32), around.word(-2), around.word(-1)));
    out.push(feature(t(33), around.word(1), around.word(2)));
    out.push(feature(t(34), around.stem(0), 0));
    out.push(feature(t(35), around.stem(-1), 0));
    out.push(feature(t(36), around.stem(1), 0));
    out.push(feature(t(37), around.cluster(-1), around.cluster(0)));
    out.push(feature(t(38), around.cluster(0), around.cluster(1)));
    out.push(feature(t(39), around.shape(-1) * 10 + around.shape(0), around.shape(1)));
    out.push(feature(t(40), around.shape(0), 0));
    out.push(feature(t(41), around.word(0), around.cluster(1)));
    out.push(feature(t(42), around.cluster(-1), around.word(0)));
    if let Some(token) = around.token(0) {
        let ending = token.word.char_indices().rev().nth(2).and_then(|(at, _)| token.word.get(at..));
        out.push(feature(t(43), super::reading::hash(ending.unwrap_or(&token.word)), 0));
        out.push(feature(t(44), u64::from(token.is_quoted), token.stem_hash));
        out.push(feature(t(45), u64::from(token.is_quoted), 0));
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
        local_features(&around, 0, &mut out);
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
pub(super) fn scene(reading: &Reading<'_>, index: usize) -> Vec<u64> {
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

/// A cue whose source and content are looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CueSite {
    /// Its first token in the sentence.
    pub first: usize,
    /// Its last token.
    pub last: usize,
    /// Its kind, as a number.
    pub kind: u64,
}

/// Features of every token of a sentence, for finding the source and the content of one cue in it.
pub fn argument_features(sentence: &Sentence, cue: CueSite) -> Vec<Vec<u32>> {
    let tokens = &sentence.tokens;
    let before = Around { tokens, at: cue.first };
    let behind = Around { tokens, at: cue.last };
    let head = before.tokens.get(cue.first).map_or(EDGE, |token| token.stem_hash);
    let tail = behind.word(0);
    let is_claim = u64::from(cue.kind != STATEMENT);
    let cue_is_quoted = before.token(0).is_some_and(|token| token.is_quoted);
    let path = Paths::new(tokens, cue);
    let mut all = Vec::with_capacity(tokens.len());
    for (at, token) in tokens.iter().enumerate() {
        let around = Around { tokens, at };
        let mut out = Vec::with_capacity(112);
        local_features(&around, 1_000, &mut out);
        let (side, distance) = if at < cue.first {
            (0, cue.first - at)
        } else if at > cue.last {
            (1, at - cue.last)
        } else {
            (2, 0)
        };
        let place = side * 100 + bucket(distance);
        let crossed = path.crossed(at);
        let quoted = u64::from(token.is_quoted) * 2 + u64::from(cue_is_quoted);
        let mut add = |number: u64, one: u64, other: u64| out.push(feature(1_100 + number, one, other));
        add(0, place, 0);
        add(1, place, head);
        add(2, place, cue.kind);
        add(3, side, around.word(0));
        add(4, side * 10 + around.shape(0), head);
        add(5, side, around.cluster(0));
        add(6, crossed, side);
        add(7, crossed, place);
        add(8, crossed * 2 + is_claim, head);
        add(9, quoted, side);
        add(10, quoted * 1_000 + place, crossed);
        add(11, side * 10 + is_claim, around.word(-1));
        add(12, side * 10 + is_claim, around.word(1));
        add(13, head, around.word(0));
        add(14, head, around.cluster(0));
        add(15, tail, place);
        add(16, behind.word(1), place);
        add(17, before.word(-1), place);
        add(18, before.cluster(-1) * 3 + side, head);
        add(19, behind.cluster(1) * 3 + side, head);
        add(20, behind.word(1), crossed * 3 + side);
        add(21, before.word(-1), crossed * 3 + side);
        add(22, behind.cluster(1), before.cluster(-1) * 3 + side);
        add(23, is_claim, around.word(0));
        add(24, is_claim * 10 + around.shape(0), place);
        add(25, u64::from(at == 0), side);
        add(26, cue.kind * 3 + side, quoted);
        add(27, tokens.len().min(60) as u64 / 6, place);
        add(28, path.quotes_in_sentence, place);
        add(29, path.quotes_in_sentence * 10 + quoted, side * 10 + crossed);
        add(30, path.sides_with_words(), side * 10 + is_claim);
        for bit in token.classes.bits() {
            add(31, bit * 3 + side, crossed);
        }
        for bit in before.classes(0).bits() {
            add(32, bit * 1_000 + place, crossed);
            add(33, bit * 10 + side, around.word(-1));
        }
        all.push(out);
    }
    all
}

/// Kinds of claims, statements left out.
pub const CLAIM_KINDS: usize = 5;
/// The number under which statements go as a cue's kind.
pub const STATEMENT: u64 = 5;

/// The number of a kind: its place in `Kind::ALL`, which is the class of its cues.
pub fn kind_number(kind: Kind) -> u64 {
    match kind {
        Kind::Allegation => 0,
        Kind::Denial => 1,
        Kind::Confirmation => 2,
        Kind::NoComment => 3,
        Kind::Retraction => 4,
        Kind::Statement => STATEMENT,
    }
}

/// Distances in growing steps.
fn bucket(distance: usize) -> u64 {
    match distance {
        0..=4 => distance as u64,
        5..=6 => 5,
        7..=9 => 6,
        10..=14 => 7,
        15..=22 => 8,
        _ => 9,
    }
}

/// What lies between a cue and each token.
struct Paths {
    /// Running counts, up to each token: commas, quotation marks, cue-like verbs, "and"/"but", "that", other stops.
    counts: Vec<[u16; 6]>,
    cue: CueSite,
    quotes_in_sentence: u64,
}

impl Paths {
    fn new(tokens: &[Token], cue: CueSite) -> Self {
        let mut counts = Vec::with_capacity(tokens.len() + 1);
        let mut now = [0_u16; 6];
        counts.push(now);
        for token in tokens {
            let slot = match token.word.as_str() {
                "," => Some(0),
                "\"" => Some(1),
                "and" | "but" | "while" | "as" => Some(3),
                "that" | "of" | "for" => Some(4),
                ":" | ";" | "-" | "--" | "(" | ")" | "who" | "which" => Some(5),
                _ if token.classes.any(Classes::SAY.or(Classes::DENY).or(Classes::ACCUSE)) => Some(2),
                _ => None,
            };
            if let Some(count) = slot.and_then(|slot| now.get_mut(slot)) {
                *count += 1;
            }
            counts.push(now);
        }
        let quotes_in_sentence = u64::from(now[1].min(3));
        Self { counts, cue, quotes_in_sentence }
    }

    /// The marks and verbs crossed on the way from the cue to a token, as one number.
    fn crossed(&self, at: usize) -> u64 {
        let (from, to) = if at < self.cue.first {
            (at + 1, self.cue.first)
        } else if at > self.cue.last {
            (self.cue.last + 1, at)
        } else {
            return 0;
        };
        let (Some(one), Some(other)) = (self.counts.get(from), self.counts.get(to)) else { return 0 };
        let mut number = 1;
        for (slot, most) in [2, 2, 2, 1, 1, 1].into_iter().enumerate() {
            let between = other.get(slot).zip(one.get(slot)).map_or(0, |(to, from)| to.saturating_sub(*from));
            number = number * 4 + u64::from(between.min(most));
        }
        number
    }

    /// Whether the cue stands at the sentence's start, end or in the middle.
    fn sides_with_words(&self) -> u64 {
        let behind = self.counts.len().saturating_sub(2).saturating_sub(self.cue.last);
        u64::from(self.cue.first > 1) * 2 + u64::from(behind > 2)
    }
}
