//! Near-duplicates: fingerprints of documents in, stories out; called by `pipeline::analyse` (fingerprint) and `pipeline::step` (stories).

pub mod fingerprint;
pub mod label;
pub mod story;

mod compare;
mod index;
mod table;
