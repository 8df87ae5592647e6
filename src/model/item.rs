//! `Item`: one feed entry as parsed, before its text is cleaned; made by intake, read by `text::document`.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::RevisionLabel;

/// What makes an entry the same entry on the next poll.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct EntryIdentity {
    /// The rule that gave the key.
    pub rule: IdentityRule,
    /// The key, unique in its feed under that rule.
    pub key: String,
}

/// Where an entry's identity comes from, best first; never random.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum IdentityRule {
    /// The entry's own guid or id, unique in its feed.
    Guid,
    /// Its canonical URL.
    Url,
    /// Hash of normalised title and date.
    #[default]
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

/// Whether and when an entry may be used, as its provider says: `pubStatus` and `embargoed` of the IPTC's formats.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Release {
    /// At once.
    #[default]
    Usable,
    /// Not before this instant.
    Until(Timestamp),
    /// Not until a later version says so.
    Withheld,
    /// Never again: what was said in it is withdrawn.
    Canceled,
}

impl Release {
    /// Whether it may be used at once.
    pub fn is_usable(&self) -> bool {
        *self == Self::Usable
    }
}

/// Which version of its text an entry or a document is; empty where its format has no versions.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Version {
    /// Its number, which rises.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub number: Option<u64>,
    /// When it was made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created: Option<Timestamp>,
}

impl Version {
    /// Whether it came before `other` did: by their numbers, where only one has any or they are equal by their dates. Without either
    /// nothing is older than anything.
    pub fn is_older_than(self, other: Self) -> bool {
        match (self.number, other.number) {
            (Some(own), Some(others)) if own != others => own < others,
            _ => self.created.zip(other.created).is_some_and(|(own, others)| own < others),
        }
    }

    /// Whether its format says nothing of versions.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// One entry of a feed as parsed. Texts are hostile and may be empty.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
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
    /// Whom else the publisher names as its origin, best first: the feed that it was taken from, the agency, the provider.
    #[serde(default)]
    pub credits: Vec<String>,
    /// Its dateline, where that stands apart from the text.
    #[serde(default)]
    pub dateline: Option<String>,
    /// Whether and when it may be used.
    #[serde(default)]
    pub release: Release,
    /// Which version of it this is.
    #[serde(default)]
    pub version: Version,
    /// What its metadata say that it is: a correction, an update.
    #[serde(default)]
    pub label: RevisionLabel,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_go_by_number_and_then_by_date() {
        let version = |number: Option<u64>, second: Option<i64>| Version {
            number,
            created: second.map(|second| Timestamp::from_second(second).unwrap()),
        };
        assert!(version(Some(1), Some(9)).is_older_than(version(Some(2), Some(1))));
        assert!(!version(Some(2), Some(1)).is_older_than(version(Some(1), Some(9))));
        assert!(version(Some(1), Some(1)).is_older_than(version(Some(1), Some(2))));
        assert!(version(None, Some(1)).is_older_than(version(Some(7), Some(2))));
        assert!(!version(None, None).is_older_than(version(Some(7), Some(2))));
        assert!(!Version::default().is_older_than(Version::default()));
    }
}
