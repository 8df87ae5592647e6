//! Plain wordings: a sentence in, the acts that it tells in so many words out, and the words that look like an act and are none.
//!
//! `config/lexicon/plain.txt` lists the wordings, each with its share: how often an act of its kind is annotated where the wording stands in the
//! training articles and short texts (`training/plain.py` counts them).

use std::ops::RangeInclusive;
use std::sync::LazyLock;

use regex::bytes::{Regex, RegexBuilder};

use super::lexicon::Classes;
use super::reading::{Sentence, Token};
use crate::model::Kind;

/// Sentences of a document, the headline among them, in which a wording tells of an act by itself. Further on an article repeats in plain words what
/// it has told, which only a reader of the whole can know.
pub(super) const OPENING_SENTENCES: usize = 3;

/// Words before a cue, in its clause, among which a doubt belongs to it.
const DOUBT_REACH: usize = 5;
/// Words before a cue among which a "to" or "of" makes it no report.
const PARTICLE_REACH: usize = 3;

/// A wording where it stands.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Match {
    /// What it tells of; nothing where it looks like an act and is none.
    pub(super) kind: Option<Kind>,
    /// Its tokens.
    pub(super) tokens: RangeInclusive<usize>,
    /// How often an act of that kind, or for none of any kind, stands there.
    pub(super) share: f32,
}

#[derive(Debug)]
struct Wording {
    kind: Option<Kind>,
    share: f32,
    pattern: Regex,
}

/// The words that tell of an act: those of the kinds.
static ACTS: LazyLock<Vec<Wording>> = LazyLock::new(|| wordings(|kind| kind != NONE));
/// The words that look like an act and are none.
static NONES: LazyLock<Vec<Wording>> = LazyLock::new(|| wordings(|kind| kind == NONE));

/// The kind of what is none.
const NONE: &str = "none";

/// The wordings of the wanted kinds, in the order of the file.
fn wordings(is_wanted: impl Fn(&str) -> bool) -> Vec<Wording> {
    lines().filter(|line| line.split(' ').next().is_some_and(&is_wanted)).filter_map(wording).collect()
}

fn lines() -> impl Iterator<Item = &'static str> {
    SOURCE.lines().filter(|line| !line.is_empty() && !line.starts_with('#'))
}

/// Reads a line: kind, share, pattern.
fn wording(line: &str) -> Option<Wording> {
    let mut parts = line.splitn(3, ' ');
    let (kind, share, pattern) = (parts.next()?, parts.next()?, parts.next()?);
    let kind = if kind == NONE { None } else { Some(*Kind::ALL.iter().find(|one| one.as_str() == kind)?) };
    // Bytes: so a pattern stays small, and every character outside of ASCII is a part of a word.
    let pattern = RegexBuilder::new(pattern).case_insensitive(true).unicode(false).build().ok()?;
    Some(Wording { kind, share: share.parse().ok()?, pattern })
}

/// The acts that a sentence tells of in so many words.
pub(super) fn acts(text: &str, sentence: &Sentence) -> Vec<Match> {
    let found = matches(&ACTS, text, sentence);
    found.into_iter().filter(|found| !is_doubted(sentence, *found.tokens.start())).collect()
}

/// The words of a sentence that look like an act and are none: "had admitted" of "denied that he had admitted".
pub(super) fn nones(text: &str, sentence: &Sentence) -> Vec<Match> {
    matches(&NONES, text, sentence)
}

fn matches(wordings: &[Wording], text: &str, sentence: &Sentence) -> Vec<Match> {
    let (Some(first), Some(last)) = (sentence.tokens.first(), sentence.tokens.last()) else { return Vec::new() };
    let start = first.span.start;
    let words = text.get(start..last.span.end).unwrap_or_default().as_bytes();
    let mut found = Vec::new();
    for Wording { kind, share, pattern } in wordings {
        for captures in pattern.captures_iter(words) {
            let Some(cue) = captures.get(1).or_else(|| captures.get(0)) else { continue };
            let (from, to) = (start + cue.start(), start + cue.end());
            let is_in = |token: &Token| token.span.start < to && from < token.span.end;
            let first = sentence.tokens.iter().position(is_in);
            let last = sentence.tokens.iter().rposition(is_in);
            if let (Some(first), Some(last)) = (first, last) {
                found.push(Match { kind: *kind, tokens: first..=last, share: *share });
            }
        }
    }
    found
}

/// Whether the clause before a cue, or the whole sentence, leaves open that the act took place: "no one has been", "if", "will", a question.
fn is_doubted(sentence: &Sentence, cue: usize) -> bool {
    let doubt = Classes::NEGATION.or(Classes::FUTURE);
    let before = sentence.tokens.iter().take(cue).rev().take(DOUBT_REACH);
    let clause = before.take_while(|token| token.word.contains(char::is_alphanumeric));
    let is_doubt = |(distance, token): (usize, &Token)| {
        let word = token.word.as_str();
        let is_particle = matches!(word, "to" | "did" | "of") && distance < PARTICLE_REACH;
        let is_open =
            matches!(word, "if" | "would" | "could" | "might" | "may" | "should" | "whether" | "unless" | "until");
        let is_open = is_open || matches!(word, "can" | "must" | "likely");
        is_particle || is_open || token.classes.any(doubt)
    };
    let is_asked = sentence.tokens.iter().rev().take(2).any(|token| token.word == "?");
    let is_condition = sentence.tokens.iter().take(2).any(|token| token.word == "if");
    is_asked || is_condition || clause.enumerate().any(is_doubt)
}

/// The file that `Models::hash` covers.
pub(super) const SOURCE: &str = include_str!("../../config/lexicon/plain.txt");

#[cfg(test)]
mod tests {
    use super::*;
    use crate::extract::reading::Reading;
    use crate::model::Span;

    #[test]
    fn every_line_is_a_wording() {
        for line in lines() {
            let wording = wording(line).unwrap_or_else(|| panic!("not a wording: {line}"));
            let (least, most) = if wording.kind.is_some() { (0.5, 1.0) } else { (0.0, 0.35) };
            assert!((least..=most).contains(&wording.share), "a share from {least} to {most}: {line}");
        }
    }

    fn words(found: fn(&str, &Sentence) -> Vec<Match>, text: &str) -> Vec<(Option<Kind>, String)> {
        let reading = Reading::new(text, None, &[Span::new(0, text.len())]);
        let tokens = &reading.sentences[0].tokens;
        let of = |one: Match| {
            let span = tokens[*one.tokens.start()].span.cover(tokens[*one.tokens.end()].span);
            (one.kind, span.of(text).to_owned())
        };
        found(text, &reading.sentences[0]).into_iter().map(of).collect()
    }

    #[track_caller]
    fn check_act(text: &str, kind: Kind, cue: &str) {
        assert!(words(acts, text).contains(&(Some(kind), cue.to_owned())), "{text}: {:?}", words(acts, text));
    }

    #[test]
    fn acts_in_so_many_words() {
        check_act("The yard’s owner was accused by the union of underpaying apprentices.", Kind::Allegation, "accused");
        check_act("The mayor denied the reports.", Kind::Denial, "denied");
        check_act("The pilot fessed up to buzzing the school.", Kind::Confirmation, "fessed up");
        check_act("The navy declined to comment.", Kind::NoComment, "declined to comment");
        check_act("Kanal 4 retracted its story about the mayor.", Kind::Retraction, "retracted");
        for none in [
            "No one has been accused of theft.",
            "If the mayor denied the reports, nobody heard it.",
            "Has the mayor denied the reports?",
            "The navy will not be accused of haste.",
            "The gear retracted after take-off.",
        ] {
            assert_eq!(words(acts, none), [], "{none}");
        }
    }

    #[test]
    fn what_looks_like_an_act() {
        let none = |text: &str| words(nones, text).into_iter().map(|(_, words)| words).collect::<Vec<_>>();
        assert_eq!(none("The mayor denied that she had accused the bishop of theft."), ["had accused"]);
        assert_eq!(none("The mayor denied telling the bishop that he was a thief."), ["telling"]);
        assert!(none("The mayor denied the theft.").is_empty());
    }
}
