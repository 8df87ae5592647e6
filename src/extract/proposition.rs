//! Propositions: the spans of a claim's content in, a form that can be compared across wordings out.

use crate::model::{Proposition, Span};

/// The proposition that `content` states.
pub fn proposition(text: &str, content: &[Span]) -> Proposition {
    let words: Vec<&str> = content.iter().map(|span| span.of(text)).collect();
    Proposition { text: words.join(" … "), ..Proposition::default() }
}
