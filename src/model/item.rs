//! `Item`: one feed entry as parsed, before its text is cleaned; made by intake, read by `text::document`.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// What makes an entry the same entry on the next poll.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct EntryIdentity {
    /// The rule that gave the key.
    pub rule: IdentityRule,
    /// The key, unique in its feed under that rule.
    pub key: String,
}

/// Where an entry's identity comes from, best first; never random.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum IdentityRule {
    /// The entry's own guid or id, unique in its feed.
    Guid,
    /// Its canonical URL.
    Url,
    /// Hash of normalised title and date.
    Content,
}

impl EntryIdentity {
    /// Version of the identity rules; part of every `DocumentId`, so that a changed rule cannot pass for the old one.
    pub const VERSION: u8 = 1;

    /// The bytes that go into a `DocumentId`.
    pub fn bytes(&self) -> Vec<u8> {
        let rule = match self.rule {
            IdentityRule::Guid => "guid",
            IdentityRule::Url => "url",
            IdentityRule::Content => "content",
        };
        format!("{rule}:{}", self.key).into_bytes()
    }
}

/// How a piece of content is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MarkupFormat {
    /// Plain text, offsets kept as they are.
    Text,
    /// HTML or a fragment of it.
    Html,
}

/// Content with its format.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Markup {
    /// How `body` is written.
    pub format: MarkupFormat,
    /// The content as it came.
    pub body: String,
}

/// One entry of a feed as parsed. Texts are hostile and may be empty.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Item {
    /// What makes it the same entry on the next poll.
    pub identity: EntryIdentity,
    /// The entry's guid or id as it came.
    pub guid: Option<String>,
    /// Its links, absolute, best first.
    pub links: Vec<String>,
    /// Headline, entities decoded, markup possibly left.
    pub title: Option<Markup>,
    /// Teaser.
    pub summary: Option<Markup>,
    /// Full text, where the feed carries it.
    pub content: Option<Markup>,
    /// When the publisher says it was published; a bare date means 00:00 UTC, one that cannot be read is none.
    pub published: Option<Timestamp>,
    /// When the publisher says it was last changed.
    pub updated: Option<Timestamp>,
    /// Byline or creator.
    pub author: Option<String>,
    /// What the publisher files it under.
    #[serde(default)]
    pub topics: Vec<String>,
}
