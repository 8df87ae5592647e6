//! Parts of a story: the fingerprint by which copies find each other, and the label that says what a revision is.

use serde::{Deserialize, Serialize};

/// What near-duplicate detection keeps of a text. Made by `dedup::fingerprint`, compared by `dedup::compare`, found by `dedup::index`;
/// a window holds one for each of its stories, so its lists share one allocation.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fingerprint {
    /// Hash of the whole normalised body.
    pub exact: u64,
    /// Words in the body.
    pub word_count: u32,
    /// Where the second, third and fourth list begin.
    starts: [u32; 3],
    hashes: Box<[u32]>,
}

impl Fingerprint {
    /// A fingerprint of these lists, each ascending and without repeats.
    pub fn new(exact: u64, word_count: u32, lists: Lists<'_>) -> Self {
        let lists = [lists.shingles, lists.lead, lists.title, lists.figures];
        let mut start = 0;
        let starts = [lists[0], lists[1], lists[2]].map(|list| {
            // Texts are bounded far below four billion hashes.
            start += u32::try_from(list.len()).unwrap_or(u32::MAX);
            start
        });
        Self { exact, word_count, starts, hashes: lists.concat().into_boxed_slice() }
    }

    /// Its lists.
    pub fn lists(&self) -> Lists<'_> {
        let [lead, title, figures] = self.starts.map(|start| start as usize);
        let list = |from, to| self.hashes.get(from..to).unwrap_or_default();
        Lists {
            shingles: list(0, lead),
            lead: list(lead, title),
            title: list(title, figures),
            figures: list(figures, self.hashes.len()),
        }
    }
}

/// The hashes of a fingerprint, each list ascending.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Lists<'a> {
    /// A sample of the body's shingles, each once.
    pub shingles: &'a [u32],
    /// A sample of the lead's shingles: an update keeps the lead's names, another story does not.
    pub lead: &'a [u32],
    /// The headline's telling words.
    pub title: &'a [u32],
    /// Figures of the body: what tells two filled-in forms apart.
    pub figures: &'a [u32],
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
