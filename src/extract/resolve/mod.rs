//! Speakers: the words that name a source in, the person or body behind them out, resolved within the document.

mod accuser;
mod cast;
mod content;
pub(in crate::extract) mod lexicon;
mod meant;
mod names;
mod omitted;
mod party;
mod plaintiff;
mod scene;
mod several;
mod source;
mod target;
mod words;

use std::cell::OnceCell;
use std::ops::Range;

use crate::model::{Attribution, Kind, Span, Speaker};
use lexicon::{Class, is};
use scene::{Scene, office_head};
use words::Words;

/// Sentences at the head of a text that can give an office whose holder is named only in the next one.
const LEAD_SENTENCES: usize = 4;
/// Words among which a dateline ends.
const DATELINE_WORDS_MAX: usize = 24;

/// Who is who in one document.
pub struct Resolver<'a> {
    words: Words<'a>,
    scene: Scene,
    sentences: Vec<Range<usize>>,
    /// Who sues somebody, once that was asked.
    plaintiff: OnceCell<Option<usize>>,
    /// Those who charge somebody, in order, once that was asked.
    charging: OnceCell<Vec<Range<usize>>>,
}

impl<'a> Resolver<'a> {
    /// Reads the names, roles and bodies that a document mentions; `roles` are folded nouns beside the built-in ones.
    pub fn new(text: &'a str, sentences: &[Span], roles: &'a [String]) -> Self {
        let words = Words::new(text, sentences, roles);
        let ranges: Vec<Range<usize>> = sentences.iter().map(|&span| words.within(span)).collect();
        let scene = Scene::new(&words, &ranges);
        let mut resolver =
            Self { words, scene, sentences: ranges, plaintiff: OnceCell::new(), charging: OnceCell::new() };
        resolver.introduce();
        resolver
    }

    /// The speaker of a claim, with role, `via` and affiliation; `None` where nobody is given.
    pub fn speaker(&self, attribution: &Attribution, kind: Kind) -> Option<Speaker> {
        let speaks = |&source: &Span| {
            kind != Kind::Allegation
                || !self.is_accused(source, attribution.cue) && !self.is_actor(source, attribution.cue)
        };
        match attribution.source.filter(speaks) {
            Some(source) => self.named_speaker(source, attribution),
            None => self.unnamed_speaker(attribution, kind),
        }
    }

    /// The party that an allegation accuses, resolved.
    pub fn target(&self, attribution: &Attribution, speaker: Option<&Speaker>) -> Option<String> {
        self.accused(attribution, speaker)
    }

    /// Gives the office told in a lead to the person whom the next sentence names, so that all that person's claims have it.
    fn introduce(&mut self) {
        for number in 0..self.sentences.len().min(LEAD_SENTENCES) {
            if let Some(office) = self.lead_office(number)
                && let Some(entity) = self.introduced_after(&office)
                && let Some(entity) = self.scene.cast.entities.get_mut(entity)
            {
                entity.roles.push(office);
            }
        }
    }

    /// The office that a sentence begins with, behind a dateline: "Russia's ambassador to the UN".
    fn lead_office(&self, number: usize) -> Option<Range<usize>> {
        let sentence = self.sentences.get(number)?.clone();
        let head_end = sentence.end.min(sentence.start + DATELINE_WORDS_MAX);
        let dateline = (sentence.start..head_end).rfind(|&at| matches!(self.words.folded(at), "-" | "--"));
        let start = dateline.map_or(sentence.start, |mark| mark + 1);
        let is_small = |at: usize| matches!(self.words.folded(at), "'s" | "to" | "of" | "for" | "the" | "a" | "an");
        let is_part = |&at: &usize| {
            is_small(at)
                || self.words.is_name(at)
                || self.words.is_role(self.words.folded(at))
                || is(Class::Modifier, self.words.folded(at))
        };
        let end = start + (start..sentence.end).take_while(is_part).count();
        let kept = (start..end).rev().find(|&at| !is_small(at))? + 1;
        let head = office_head(&self.words, &(start..kept))?;
        (self.words.is_role(self.words.folded(head)) && !self.words.is_name(head)).then_some(start..kept)
    }

    /// The fullest name of a member of the cast.
    fn name(&self, entity: usize) -> Option<String> {
        let name = self.scene.cast.entities.get(entity).map(|entity| self.words.text_of(&entity.name))?;
        (!name.is_empty()).then(|| name.to_owned())
    }

    /// Number of the sentence that holds a span.
    fn sentence_number(&self, span: Span) -> Option<usize> {
        let at = self.words.within(span).start;
        self.words.get(at).map(|word| word.sentence)
    }
}

#[cfg(test)]
mod tests;
