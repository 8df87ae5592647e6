//! Text: markup in, a `Document` out, with its sentences, tokens, normal forms and language; everything downstream reads it.

pub mod clean;
pub mod dateline;
pub mod document;
pub mod embargo;
pub mod language;
pub mod normalize;
pub mod place;
pub mod sentence;
pub mod teaser;
pub mod token;

pub(crate) mod lexicon;
