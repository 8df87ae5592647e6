//! Link: which claim is the same as a known one, and which answer belongs to which allegation; called by `pipeline`.
//!
//! [`document`] links within one document, from its words alone. The others work across documents, on what the desk knows: a
//! claim's [`view`] is what is compared of it, [`index`] finds claims with rare terms in common, [`rarity`] knows which terms
//! are rare, [`likeness`] weighs what speaks for two claims belonging together, [`speaker`] tells whether two names are one speaker,
//! [`score`] measures how much two propositions share, [`thread`] keeps one stance per respondent.

pub mod document;
pub mod index;
pub mod likeness;
pub mod rarity;
pub mod score;
pub mod speaker;
pub mod thread;
pub mod view;
