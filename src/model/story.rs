//! Parts of a story: the fingerprint by which copies find each other, and the label that says what a revision is.

use serde::{Deserialize, Serialize};

/// What near-duplicate detection keeps of a text. Made by `dedup::fingerprint`, compared by `dedup::index`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fingerprint {
    /// Hash of the whole normalised body.
    pub exact: u64,
    /// Hashes of a sample of the body's shingles, ascending, each once.
    pub shingles: Vec<u32>,
    /// Hashes of the lead's shingles, ascending: an update keeps the lead's names, another story does not.
    pub lead: Vec<u32>,
    /// Hashes of the headline's telling words, ascending.
    pub title: Vec<u32>,
    /// Hashes of names (even) and figures (odd) of the body, ascending: what tells two filled-in forms apart.
    pub particulars: Vec<u32>,
    /// Words in the body.
    pub word_count: u32,
}

/// What the wire says this copy is, from prefixes such as "UPDATE 2-" or "CORRECTED:".
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RevisionLabel {
    /// Nothing said.
    #[default]
    None,
    /// A later take, with its number where given.
    Update(Option<u8>),
    /// Takes the place of copy that was wrong.
    Correction,
    /// Sent again for a technical reason.
    Refile,
    /// Withdraws the story.
    Kill,
    /// A note to editors; not copy.
    Advisory,
    /// Sums up several stories.
    Wrapup,
}
