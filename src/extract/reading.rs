//! A document as the extractor reads it: its sentences' tokens with normal forms, word classes and quotation marks.

use super::lexicon::{self, Classes};
use super::phrases::{self, Match};
use crate::model::Span;
use crate::text::dateline::dateline;
use crate::text::normalize::{fold, stem};
use crate::text::token::tokens;

/// Tokens of one sentence that are read; a list or table that will not end is cut.
const TOKENS_MAX: usize = 400;

/// One word or mark.
#[derive(Debug, Clone)]
pub struct Token {
    /// Where it stands.
    pub span: Span,
    /// Folded.
    pub word: String,
    /// Stem of the folded word.
    pub stem: String,
    /// Hash of `word`.
    pub word_hash: u64,
    /// Hash of `stem`.
    pub stem_hash: u64,
    /// Letters and case in four groups: see `shape`.
    pub shape: u64,
    /// Word cluster, 0 where unknown.
    pub cluster: u64,
    /// Lexicon classes of the stem.
    pub classes: Classes,
    /// Wordings it belongs to: bit k for the first word of one of kind k, bit 8 + k for a later one.
    pub wordings: u32,
    /// Between quotation marks; the marks themselves are not.
    pub is_quoted: bool,
}

/// One sentence.
#[derive(Debug, Clone)]
pub struct Sentence {
    /// Where it stands.
    pub span: Span,
    /// Its words and marks.
    pub tokens: Vec<Token>,
    /// All lexicon classes of its words together.
    pub classes: Classes,
    /// Kinds of the wordings in it, a bit each.
    pub wordings: u32,
    /// It is the headline.
    pub is_headline: bool,
    /// It starts inside a quotation that an earlier sentence opened.
    pub continues_quote: bool,
}

/// A document's sentences.
#[derive(Debug, Clone)]
pub struct Reading<'a> {
    /// The text that all spans point into.
    pub text: &'a str,
    /// Its sentences in order.
    pub sentences: Vec<Sentence>,
    /// For each class, how many sentences hold a word of it.
    class_counts: [u32; 32],
}

impl<'a> Reading<'a> {
    /// Reads `sentences` of `text`.
    pub fn new(text: &'a str, headline: Option<Span>, sentences: &[Span]) -> Self {
        let mut reading = Self { text, sentences: Vec::with_capacity(sentences.len()), class_counts: [0; 32] };
        let mut quote = Quote::default();
        let mut end = 0;
        for &span in sentences {
            // A quotation that was never closed ends with its paragraph.
            if text.get(end..span.start).is_some_and(|gap| gap.contains('\n')) {
                quote = Quote::default();
            }
            end = span.end;
            let sentence = read_sentence(text, span, headline == Some(span), &mut quote);
            for (class, count) in reading.class_counts.iter_mut().enumerate() {
                *count += u32::from(sentence.classes.0 >> class & 1 == 1);
            }
            reading.sentences.push(sentence);
        }
        reading
    }

    /// Classes of the words of sentences other than `index`.
    pub fn classes_elsewhere(&self, index: usize) -> Classes {
        let here = self.sentences.get(index).map_or(0, |sentence| sentence.classes.0);
        let mut elsewhere = 0;
        for (class, &count) in self.class_counts.iter().enumerate() {
            elsewhere |= u32::from(count > (here >> class & 1)) << class;
        }
        Classes(elsewhere)
    }
}

/// The sentence behind its dateline, which says where and through whom, not who says what.
pub fn without_dateline(text: &str, sentence: Span) -> Span {
    let dateline = dateline(sentence.of(text)).map_or(0, |dateline| dateline.span.end);
    Span::new(sentence.start + dateline.min(sentence.len()), sentence.end)
}

/// Open quotation marks.
#[derive(Debug, Default)]
struct Quote {
    double: bool,
    single: bool,
}

fn read_sentence(text: &str, span: Span, is_headline: bool, quote: &mut Quote) -> Sentence {
    let continues_quote = quote.double || quote.single;
    let mut found = Vec::new();
    let mut classes = Classes::default();
    let mut spans = tokens(text, without_dateline(text, span));
    spans.truncate(TOKENS_MAX);
    for (index, &at) in spans.iter().enumerate() {
        let next = spans.get(index + 1).copied();
        let is_mark = quote.pass(text, at, next);
        let word = fold(at.of(text));
        let stem = stem(&word);
        let own = lexicon::classes(&stem);
        classes.0 |= own.0;
        found.push(Token {
            span: at,
            word_hash: hash(&word),
            stem_hash: hash(&stem),
            shape: shape(at.of(text)),
            cluster: lexicon::cluster(&word),
            classes: own,
            wordings: 0,
            is_quoted: !is_mark && (quote.double || quote.single),
            word,
            stem,
        });
    }
    let mut wordings = 0;
    for Match { class: kind, first, last } in phrases::matches(&found) {
        for (place, token) in (first..=last).zip(found.get_mut(first..=last).unwrap_or_default()) {
            token.wordings |= 1 << if place == first { kind } else { kind + 8 };
        }
        wordings |= 1 << kind;
    }
    Sentence { span, tokens: found, classes, wordings, is_headline, continues_quote }
}

impl Quote {
    /// Takes note of a token; true where it is a quotation mark.
    fn pass(&mut self, text: &str, at: Span, next: Option<Span>) -> bool {
        let is_attached = next.is_some_and(|next| next.start == at.end);
        match at.of(text) {
            "“" | "«" => self.double = true,
            "”" | "»" => self.double = false,
            "\"" => self.double = !self.double,
            "‘" => self.single = true,
            "’" | "'" if self.single => self.single = false,
            "'" if is_attached
                && text.get(..at.start).is_none_or(|before| !before.ends_with(char::is_alphanumeric)) =>
            {
                self.single = true;
            }
            _ => return false,
        }
        true
    }
}

/// Hash of a string (FNV-1a, 64 bits): the same on every platform.
pub fn hash(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |sum, byte| (sum ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

/// The shape of a capitalised word.
pub const CAPITALISED: u64 = 2;

/// The shape of a word in capitals.
pub const CAPITALS: u64 = 3;

/// Case and kind of a token's characters: 0 mark, 1 lower, 2 capitalised, 3 all capitals, 4 mixed, 5 with digits.
fn shape(token: &str) -> u64 {
    let mut upper = 0;
    let mut letters = 0;
    for c in token.chars() {
        if c.is_numeric() {
            return 5;
        }
        letters += usize::from(c.is_alphabetic());
        upper += usize::from(c.is_uppercase());
    }
    match (letters, upper) {
        (0, _) => 0,
        (_, 0) => 1,
        (letters, upper) if letters > 1 && upper == letters => CAPITALS,
        (_, 1) if token.chars().next().is_some_and(char::is_uppercase) => CAPITALISED,
        _ => 4,
    }
}
