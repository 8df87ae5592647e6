//! The words of a document with what a resolver asks of them; made once for a document, read by the whole folder.

use std::ops::Range;

use rustc_hash::FxHashSet;

use super::lexicon::{Class, is};
use crate::model::Span;
use crate::text::normalize::{fold, is_stop_word};
use crate::text::place::{PLACE_WORDS_MAX, place};
use crate::text::token::tokens;

/// Letters of words that may abbreviate a name.
const ACRONYM_LETTERS: std::ops::RangeInclusive<usize> = 3..=6;
/// Words of the longest name looked for behind an abbreviation.
const ABBREVIATED_WORDS_MAX: usize = 9;

/// One word or mark.
#[derive(Debug)]
pub(super) struct Word {
    pub(super) span: Span,
    pub(super) folded: String,
    /// Number of its sentence.
    pub(super) sentence: usize,
    pub(super) is_capital: bool,
    /// Stands inside quotation marks.
    pub(super) is_quoted: bool,
}

/// All words in order.
#[derive(Debug)]
pub(super) struct Words<'a> {
    pub(super) text: &'a str,
    pub(super) list: Vec<Word>,
    /// Role nouns beside the built-in ones, folded.
    roles: &'a [String],
    lower: FxHashSet<String>,
    /// Capitalised inside a sentence somewhere.
    upper: FxHashSet<String>,
    /// Words of capitals alone, folded: "SEC".
    acronyms: FxHashSet<String>,
}

impl<'a> Words<'a> {
    pub(super) fn new(text: &'a str, sentences: &[Span], roles: &'a [String]) -> Self {
        let mut list: Vec<Word> = Vec::new();
        let mut is_quoted = false;
        for (sentence, &span) in sentences.iter().enumerate() {
            let between = list.last().map_or(0, |word: &Word| word.span.end);
            // A paragraph that goes on quoting opens its own quotation mark, so a line feed closes what is open.
            is_quoted &= !text.get(between..span.start).unwrap_or_default().contains('\n');
            for at in tokens(text, span) {
                let folded = fold(at.of(text));
                let original = at.of(text);
                match original {
                    "“" => is_quoted = true,
                    "”" => is_quoted = false,
                    "\"" => is_quoted = !is_quoted,
                    _ => {}
                }
                // The Arabic article before a name stays small: "al-Hadid".
                let bare = original.strip_prefix("al-").or_else(|| original.strip_prefix("el-")).unwrap_or(original);
                let is_capital = bare.chars().next().is_some_and(char::is_uppercase);
                list.push(Word { span: at, folded, sentence, is_capital, is_quoted });
            }
        }
        let lower = list.iter().filter(|word| !word.is_capital).map(|word| word.folded.clone()).collect();
        let is_inside = |pair: &[Word]| matches!(pair, [a, b] if a.sentence == b.sentence && b.is_capital && a.folded.chars().any(char::is_alphanumeric));
        let upper = list
            .windows(2)
            .filter(|pair| is_inside(pair))
            .map(|pair| pair.last().map(|word| word.folded.clone()).unwrap_or_default())
            .collect();
        let is_acronym = |word: &&Word| {
            let written = word.span.of(text);
            ACRONYM_LETTERS.contains(&written.len()) && written.chars().all(|c| c.is_ascii_uppercase())
        };
        let acronyms = list.iter().filter(is_acronym).map(|word| word.folded.clone()).collect();
        Self { text, list, roles, lower, upper, acronyms }
    }

    /// Where a name ends that begins at a word, holds "and" and is abbreviated elsewhere: "Securities and Exchange Commission", "SEC".
    pub(super) fn abbreviated(&self, start: usize, limit: usize) -> Option<usize> {
        let mut initials = String::new();
        let mut found = None;
        let mut has_and = false;
        for at in start..limit.min(start + ABBREVIATED_WORDS_MAX) {
            let word = self.folded(at);
            if self.is_name(at) {
                initials.extend(word.chars().next());
                if has_and && self.acronyms.contains(&initials) {
                    found = Some(at + 1);
                }
            } else if !matches!(word, "and" | "of" | "for" | "the" | "on") {
                break;
            }
            has_and |= word == "and";
        }
        found
    }

    /// Whether a folded word names an office.
    pub(super) fn is_role(&self, folded: &str) -> bool {
        is(Class::Role, folded) || self.roles.iter().any(|role| role == folded)
    }

    pub(super) fn get(&self, at: usize) -> Option<&Word> {
        self.list.get(at)
    }

    /// The folded word, empty past the end.
    pub(super) fn folded(&self, at: usize) -> &str {
        self.list.get(at).map_or("", |word| word.folded.as_str())
    }

    /// The words that lie in a span.
    pub(super) fn within(&self, span: Span) -> Range<usize> {
        let start = self.list.partition_point(|word| word.span.end <= span.start);
        let end = self.list.partition_point(|word| word.span.start < span.end);
        start..end.max(start)
    }

    /// The span from the first word of a range to its last; none of an empty one.
    pub(super) fn span_of(&self, range: &Range<usize>) -> Option<Span> {
        let part = self.list.get(range.clone())?;
        Some(Span::new(part.first()?.span.start, part.last()?.span.end))
    }

    /// The text from the first word of a range to its last.
    pub(super) fn text_of(&self, range: &Range<usize>) -> &'a str {
        let part = self.list.get(range.clone()).unwrap_or_default();
        let (Some(first), Some(last)) = (part.first(), part.last()) else { return "" };
        self.text.get(first.span.start..last.span.end).unwrap_or_default()
    }

    pub(super) fn same_sentence(&self, one: usize, other: usize) -> bool {
        matches!((self.get(one), self.get(other)), (Some(a), Some(b)) if a.sentence == b.sentence)
    }

    /// Whether a capital here says nothing: first word of a sentence or quotation, and a common word elsewhere.
    pub(super) fn is_opener(&self, at: usize) -> bool {
        let opens = at == 0 || !self.same_sentence(at - 1, at) || matches!(self.folded(at - 1), "\"" | ":" | "'" | "-");
        let word = self.folded(at);
        let is_alone = || !self.upper.contains(word) && !self.is_name(at + 1) && self.place_at(at).is_none();
        opens && (self.lower.contains(word) || is(Class::Group, word) || is_alone())
    }

    /// Whether a word can be part of a name.
    pub(super) fn is_name(&self, at: usize) -> bool {
        self.get(at).is_some_and(|word| {
            word.is_capital
                && !is(Class::Calendar, &word.folded)
                && !matches!(word.folded.as_str(), "neither" | "either" | "both")
                // The tag of a party and state behind an American politician: "R-Ohio".
                && !["r-", "d-"].into_iter().any(|tag| word.folded.starts_with(tag))
                && (!is_stop_word(&word.folded) || word.folded == "us" && word.span.of(self.text) == "US")
        })
    }

    /// Whether a sentence is set in capitals, as headlines are, so that a capital tells no name.
    pub(super) fn is_shouted(&self, range: &Range<usize>) -> bool {
        let list = self.list.get(range.clone()).unwrap_or_default();
        let long = || list.iter().filter(|word| word.folded.chars().filter(|c| c.is_alphabetic()).count() > 3);
        // A full stop ends running text, be it ever so rich in names.
        let is_running = list.last().is_some_and(|word| word.folded == ".");
        !is_running && long().count() > 3 && long().filter(|word| word.is_capital).count() * 4 >= long().count() * 3
    }

    /// The place named at a word, and how many words name it.
    pub(super) fn place_at(&self, at: usize) -> Option<(&'static str, usize)> {
        if !self.is_name(at) {
            return None;
        }
        (1..=PLACE_WORDS_MAX).rev().find_map(|length| {
            let part = self.list.get(at..at + length)?;
            let joined = part.iter().map(|word| word.folded.as_str()).collect::<Vec<_>>().join(" ");
            place(&joined).map(|name| (name, length))
        })
    }

    /// The first place named in a range.
    pub(super) fn place_in(&self, range: &Range<usize>) -> Option<(&'static str, usize)> {
        range.clone().find_map(|at| self.place_at(at).map(|(name, _)| (name, at)))
    }
}
