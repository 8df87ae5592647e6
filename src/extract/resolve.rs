//! Speakers: the words that name a source in, the person or body behind them out, resolved within the document.

use crate::model::{Attribution, Kind, Span, Speaker};

/// Who is who in one document.
pub struct Resolver<'a> {
    text: &'a str,
}

impl<'a> Resolver<'a> {
    /// Reads the names, roles and bodies that a document mentions.
    pub fn new(text: &'a str, _headline: Option<Span>, _sentences: &[Span]) -> Self {
        Self { text }
    }

    /// The speaker of a claim, with role, `via` and affiliation; `None` where nobody is given.
    pub fn speaker(&self, attribution: &Attribution, _kind: Kind) -> Option<Speaker> {
        let name = attribution.source?.of(self.text).to_owned();
        Some(Speaker { name, role: None, via: None, affiliation: None })
    }

    /// The party that an allegation accuses, resolved.
    pub fn target(&self, _attribution: &Attribution, _speaker: Option<&Speaker>) -> Option<String> {
        None
    }
}
