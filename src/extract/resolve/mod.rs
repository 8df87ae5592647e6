//! Speakers: the words that name a source in, the person or body behind them out, resolved within the document.

mod cast;
pub(in crate::extract) mod lexicon;
mod names;
mod scene;
mod source;
mod target;
mod words;

use std::ops::Range;

use crate::model::{Attribution, Kind, Span, Speaker};
use scene::Scene;
use words::Words;

/// Who is who in one document.
pub struct Resolver<'a> {
    words: Words<'a>,
    scene: Scene,
    sentences: Vec<Range<usize>>,
}

impl<'a> Resolver<'a> {
    /// Reads the names, roles and bodies that a document mentions.
    pub fn new(text: &'a str, _headline: Option<Span>, sentences: &[Span]) -> Self {
        let words = Words::new(text, sentences);
        let ranges: Vec<Range<usize>> = sentences.iter().map(|&span| words.within(span)).collect();
        let scene = Scene::new(&words, &ranges);
        Self { words, scene, sentences: ranges }
    }

    /// The speaker of a claim, with role, `via` and affiliation; `None` where nobody is given.
    pub fn speaker(&self, attribution: &Attribution, kind: Kind) -> Option<Speaker> {
        match attribution.source {
            Some(source) => self.named_speaker(source, attribution),
            None => self.unnamed_speaker(attribution, kind),
        }
    }

    /// The party that an allegation accuses, resolved.
    pub fn target(&self, attribution: &Attribution, speaker: Option<&Speaker>) -> Option<String> {
        self.accused(attribution, speaker)
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
