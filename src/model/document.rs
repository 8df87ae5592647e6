//! `Document`: the cleaned text of one item with its offset map and provenance; what `analyse` reads.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{AddressHash, ContentHash, DocumentId, FeedId, Release, RevisionLabel, Span, Version};

/// Who a document comes from: the feed it was polled from and the outlet that publishes it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceInfo {
    /// The feed's name.
    pub feed: FeedId,
    /// The outlet's display name.
    pub outlet: String,
}

/// The cleaned text of one entry and where it came from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Document {
    /// Hash of feed and entry identity.
    pub id: DocumentId,
    /// Feed and outlet.
    pub source: SourceInfo,
    /// The wire service that wrote it, as its dateline or byline says ("AFP").
    pub agency: Option<String>,
    /// Who passed the agency's copy on, where the dateline says ("BSS" in "(BSS/AFP)").
    pub via: Option<String>,
    /// Canonical address of the article.
    pub url: Option<String>,
    /// Headline, a line feed, body; every span of every claim points into this. Never normalised after cleaning.
    pub text: String,
    /// Where the headline stands in `text`.
    pub headline: Option<Span>,
    /// From `text` back to the markup it was cleaned from.
    pub offsets: OffsetMap,
    /// When the publisher says it was published.
    pub published: Option<Timestamp>,
    /// When gainsay first saw it; a replay takes `published`.
    pub first_seen: Timestamp,
    /// Not to be alerted before this instant.
    pub embargo_until: Option<Timestamp>,
    /// What its metadata say of its use.
    #[serde(default, skip_serializing_if = "Release::is_usable")]
    pub release: Release,
    /// Tells an edit from a repeat.
    pub content_hash: ContentHash,
    /// Where the text is that of the article's page: what `content_hash` would be of the entry alone, as its feed carries it. An entry
    /// that is seen again without its page is by this known not to have been edited.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub entry_hash: Option<ContentHash>,
    /// Part of a feed's first fetch: known from now on, never alerted.
    pub is_baseline: bool,
    /// What its publisher files it under, each once.
    #[serde(default)]
    pub topics: Vec<String>,
    /// Which version it is, where its format has versions.
    #[serde(default, skip_serializing_if = "Version::is_empty")]
    pub version: Version,
    /// What its metadata say that it is; its headline may say more.
    #[serde(default)]
    pub label: RevisionLabel,
    /// By what it is known where its entry has changed its identity; none where that says nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trace: Option<EntryTrace>,
}

/// By what an entry of a feed is known again that comes under another guid, or at a twin of its address: where it stands, and when it
/// says that it was published. Only entries have one that alone in their feed stand at that address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct EntryTrace {
    /// Feed and address, as [`comparable_address`](super::comparable_address) writes it.
    pub address: AddressHash,
    /// When its publisher says it was published.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub published: Option<Timestamp>,
}

impl EntryTrace {
    /// The trace of a document at this comparable address.
    pub fn of(document: &Document, address: &str) -> Self {
        let address = AddressHash::of(&[document.source.feed.as_str().as_bytes(), address.as_bytes()]);
        Self { address, published: document.published }
    }
}

impl Document {
    /// The headline's words, empty without one.
    pub fn headline_text(&self) -> &str {
        self.headline.map_or("", |span| span.of(&self.text))
    }
}

/// Runs of text that stand unchanged in the markup: each pair is (offset in the text, offset in the markup body), both
/// in bytes, ascending. Between two pairs both sides advance together; an empty map means the text is the markup.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct OffsetMap(pub Vec<(usize, usize)>);

#[cfg(test)]
impl OffsetMap {
    /// Where byte `offset` of the text stands in the markup.
    pub(crate) fn to_markup(&self, offset: usize) -> usize {
        let after = self.0.partition_point(|&(text, _)| text <= offset);
        match after.checked_sub(1).and_then(|index| self.0.get(index)) {
            Some(&(text, markup)) => markup + (offset - text),
            None => offset,
        }
    }
}
