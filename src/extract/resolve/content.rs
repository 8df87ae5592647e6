//! Contents of accusations: the words a tagger gave in, the act alone out, without the accused who stands before it.

use std::ops::Range;

use super::Resolver;
use crate::model::{Attribution, Span};

/// Stems of verbs whose object is accused, with the words that bring in the act behind it.
const LINKS: [(&str, &[&str]); 6] = [
    ("accus", &["of"]),
    ("suspect", &["of"]),
    ("charg", &["with"]),
    ("indict", &["on", "for"]),
    ("blam", &["for"]),
    ("sue", &["for", "over"]),
];
/// Words of the longest object.
const OBJECT_WORDS_MAX: usize = 14;

impl Resolver<'_> {
    /// The content of an accusation without the accused before it ("accused [the bank of] hiding it"); where none was found, the
    /// words behind the link to the end of their clause.
    pub fn act(&self, attribution: &Attribution) -> Vec<Span> {
        let cue = self.words.within(attribution.cue);
        let given = || attribution.content.clone();
        let verb = |at: usize| LINKS.iter().find(|(stem, _)| self.words.folded(at).starts_with(stem));
        let Some(&(_, links)) = cue.clone().find_map(verb) else { return given() };
        let Some(sentence) = self.words.get(cue.start).and_then(|word| self.sentences.get(word.sentence)) else {
            return given();
        };
        let Some((first, others)) = attribution.content.split_first() else {
            return self.behind_link(&cue, sentence, links).into_iter().collect();
        };
        let range = self.words.within(*first);
        // What begins behind the link, or before the verb, is the act already.
        if range.start < cue.end || links.contains(&self.words.folded(cue.end - 1)) {
            return given();
        }
        let link = self.link(cue.end, range.end, links);
        let Some(link) = link.filter(|&link| range.start <= link && link + 1 < range.end) else { return given() };
        let Some(start) = self.words.get(link + 1).map(|word| word.span.start) else { return given() };
        let act = Span::new(start, first.end);
        std::iter::once(act).chain(others.iter().copied()).collect()
    }

    /// Where the word stands that brings in the act, behind the accused who begins at a word.
    fn link(&self, start: usize, limit: usize, links: &[&str]) -> Option<usize> {
        let is_link = |at: usize| links.contains(&self.words.folded(at));
        if let Some(party) = self.party_at(start, limit)
            && is_link(party.words.end)
        {
            return Some(party.words.end);
        }
        let stop = limit.min(start + OBJECT_WORDS_MAX);
        let is_act = |at: usize| self.words.folded(at + 1).ends_with("ing") || self.words.folded(at + 1) == "\"";
        (start + 1..stop).find(|&at| is_link(at) && is_act(at))
    }

    /// The act behind the link of an accusation whose content nobody found.
    fn behind_link(&self, cue: &Range<usize>, sentence: &Range<usize>, links: &[&str]) -> Option<Span> {
        let is_linked = |at: usize| links.contains(&self.words.folded(at));
        let start = if is_linked(cue.end.checked_sub(1)?) {
            cue.end
        } else if is_linked(cue.end) {
            cue.end + 1
        } else {
            self.link(cue.end, sentence.end, links)? + 1
        };
        let ends = |at: usize| {
            let next = self.words.folded(at + 1);
            match self.words.folded(at) {
                "." | ";" | "--" | "–" | "—" => true,
                "and" => matches!(
                    next,
                    "said"
                        | "insisted"
                        | "denied"
                        | "told"
                        | "added"
                        | "called"
                        | "warned"
                        | "urged"
                        | "demanded"
                        | "vowed"
                ),
                "," => {
                    next.ends_with("ing")
                        || matches!(
                            next,
                            "which" | "who" | "but" | "while" | "a" | "an" | "said" | "says" | "according"
                        )
                }
                _ => false,
            }
        };
        let end = (start..sentence.end).find(|&at| ends(at)).unwrap_or(sentence.end);
        let (first, last) = (self.words.get(start)?, self.words.get(end.checked_sub(1)?)?);
        let is_word = first.folded.starts_with(|c: char| c.is_alphanumeric() || matches!(c, '"' | '“'));
        (start < end && is_word).then(|| Span::new(first.span.start, last.span.end))
    }
}
