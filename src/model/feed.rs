//! What the poller remembers of a feed (`FeedCursor`) and tells the desk about it (`FeedHealth`).

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::{AddressHash, AlertType, DocumentId, FeedId, PollReason, Rhythm, Wishes};

/// What the poller must know for the next poll; committed in one transaction with what the last poll brought.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FeedCursor {
    /// Whose cursor.
    pub feed: FeedId,
    /// The address in the config that all of this was learned at; none in files of before it was kept.
    #[serde(default)]
    pub address: Option<AddressHash>,
    /// `ETag` of the last body that parsed.
    pub etag: Option<String>,
    /// `Last-Modified` of the last body that parsed.
    pub last_modified: Option<String>,
    /// The address that these two came from, redirects followed; none in files of before it was kept.
    #[serde(default)]
    pub validators_of: Option<AddressHash>,
    /// When the feed last answered with a body that parsed or with "not modified".
    pub last_success: Option<Timestamp>,
    /// When it last answered with a body that parsed.
    #[serde(default)]
    pub last_body: Option<Timestamp>,
    /// When it was last polled.
    pub last_poll: Option<Timestamp>,
    /// After a failure, when to poll again at the earliest, also after a restart: the server may have asked for it.
    #[serde(default)]
    pub left_alone_until: Option<Timestamp>,
    /// Until when its server asked to be left alone, at the last poll (`Retry-After`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asked_until: Option<Timestamp>,
    /// The last poll was answered with 401 or 403: other credentials are to be tried at once.
    #[serde(default)]
    pub is_denied: bool,
    /// Polls that failed since the last success.
    pub failures: u32,
    /// When the first of them was.
    #[serde(default)]
    pub failing_since: Option<Timestamp>,
    /// Entries in the last body that parsed; a fall to zero is an incident.
    pub last_item_count: Option<u32>,
    /// Its subscription at a hub that pushes, where it has one or asked for one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subscription: Option<Box<Subscription>>,
    /// When the feed publishes.
    #[serde(default)]
    pub rhythm: Rhythm,
    /// What the last body that parsed says about polling.
    #[serde(default)]
    pub wishes: Wishes,
    /// Where the address redirects for good, while it is not yet believed.
    #[serde(default)]
    pub moving: Option<Moving>,
    /// Where the feed has moved for good: polled in place of the address in the config.
    #[serde(default)]
    pub moved_to: Option<String>,
    /// Since when the feed counts as gone and is looked at seldom.
    #[serde(default)]
    pub retired_since: Option<Timestamp>,
    /// Answers of "410 Gone" in a row.
    #[serde(default)]
    pub gone_answers: u32,
    /// When it is polled next, in the ordinary course of things.
    #[serde(default)]
    pub next_poll: Option<Timestamp>,
    /// Why then.
    #[serde(default)]
    pub next_poll_reason: Option<PollReason>,
    /// What went wrong at the last poll, in words.
    #[serde(default)]
    pub last_error: Option<String>,
    /// What had to be repaired in the last body, by the names of the repairs.
    #[serde(default)]
    pub repairs: BTreeMap<String, u32>,
    /// Of a watched directory, which of its files were read.
    #[serde(default, skip_serializing_if = "FilesRead::is_empty")]
    pub files: FilesRead,
    /// Entries that the desk has as the feed carries them, and whose pages are to be asked for again.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub pages: Vec<PageDue>,
}

/// A permanent redirect that is seen at each poll but not yet believed: a server in trouble redirects to its maintenance page, and
/// calls that permanent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Moving {
    /// Where it leads.
    pub to: String,
    /// Polls in a row at which a feed was there.
    pub polls: u32,
}

/// Which files of a watched directory were read, each by a hash of its name, size and times.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FilesRead {
    /// Those that were read and are there still.
    pub read: BTreeSet<String>,
    /// Those that may not have been whole at the last poll.
    #[serde(default)]
    pub waiting: BTreeSet<String>,
    /// All that were there at first have been read.
    pub is_caught_up: bool,
}

impl FilesRead {
    /// Whether nothing was ever read.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// A page that could not be read and may yet be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PageDue {
    /// Of which document.
    pub document: DocumentId,
    /// How often it was asked for.
    pub tries: u32,
    /// Since when its document stands without it.
    pub since: Timestamp,
}

impl FeedCursor {
    /// The cursor with which to poll at `now`: without validators where the last body is older than `interval`. A feed that
    /// only ever answers "not modified" would else not be seen to carry its entries still, and they would be forgotten. Nor has it
    /// validators while pages are due, which is for a few polls: their addresses stand in the feed's entries.
    #[must_use]
    pub fn to_poll(&self, now: Timestamp, interval: SignedDuration) -> Self {
        let is_old = self.last_body.is_none_or(|last| now.duration_since(last) >= interval);
        let is_due = is_old || !self.pages.is_empty();
        let mut cursor = self.clone();
        if is_due {
            (cursor.etag, cursor.last_modified) = (None, None);
        }
        cursor
    }

    /// The cursor of a feed that was never polled.
    pub fn new(feed: FeedId) -> Self {
        Self {
            feed,
            address: None,
            etag: None,
            last_modified: None,
            validators_of: None,
            last_success: None,
            last_body: None,
            last_poll: None,
            left_alone_until: None,
            asked_until: None,
            is_denied: false,
            failures: 0,
            failing_since: None,
            last_item_count: None,
            subscription: None,
            rhythm: Rhythm::default(),
            wishes: Wishes::default(),
            moving: None,
            moved_to: None,
            retired_since: None,
            gone_answers: 0,
            next_poll: None,
            next_poll_reason: None,
            last_error: None,
            repairs: BTreeMap::new(),
            files: FilesRead::default(),
            pages: Vec::new(),
        }
    }
}

/// A feed's subscription at a WebSub hub, asked for or verified.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subscription {
    /// The hub's address, as the feed names it.
    pub hub: String,
    /// The feed's address, as the feed names it: what the hub knows it by.
    pub topic: String,
    /// The whole address that the hub calls; its last segment cannot be guessed.
    pub callback: String,
    /// Key of the signatures of what the hub sends.
    pub secret: String,
    /// Until when the hub has promised to push; none before it has verified the subscription.
    #[serde(default)]
    pub ends: Option<Timestamp>,
    /// When to ask the hub, for the first time or anew.
    pub next: Timestamp,
    /// The hub was asked and has not verified yet.
    #[serde(default)]
    pub is_pending: bool,
    /// Times in a row that the hub was asked in vain.
    #[serde(default)]
    pub failures: u32,
    /// What was wrong the last time, in words for the operator.
    #[serde(default)]
    pub trouble: Option<String>,
    /// When the hub last sent something with a good signature.
    #[serde(default)]
    pub last_push: Option<Timestamp>,
    /// Usual time between two pushes, in seconds.
    #[serde(default)]
    pub rhythm: Option<i64>,
    /// A poll has found entries since the last push that the hub had not sent.
    #[serde(default)]
    pub has_missed: bool,
    /// Entries of the feed are known by their guids alone, so that one that comes by itself is known as well as in the whole feed.
    #[serde(default)]
    pub takes_content: bool,
}

impl Subscription {
    /// Whether the hub has promised to push at `now`.
    pub fn is_live(&self, now: Timestamp) -> bool {
        self.ends.is_some_and(|ends| ends > now)
    }

    /// The part of the callback's address that cannot be guessed.
    pub fn token(&self) -> &str {
        self.callback.rsplit('/').next().unwrap_or_default()
    }
}

impl std::fmt::Debug for Subscription {
    /// Without callback and secret: who knows them can speak for the hub.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Subscription")
            .field("hub", &self.hub)
            .field("topic", &self.topic)
            .field("ends", &self.ends)
            .field("next", &self.next)
            .field("failures", &self.failures)
            .field("trouble", &self.trouble)
            .field("last_push", &self.last_push)
            .field("has_missed", &self.has_missed)
            .finish_non_exhaustive()
    }
}

/// The last good copy of a list of feeds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptList {
    /// Its id in the config.
    pub id: String,
    /// Where it was; a copy of another place is none.
    pub address: AddressHash,
    /// Its feeds, in order.
    pub feeds: Vec<ListedFeed>,
    /// `ETag` of the copy.
    #[serde(default)]
    pub etag: Option<String>,
    /// `Last-Modified` of the copy.
    #[serde(default)]
    pub last_modified: Option<String>,
    /// When it was last read, or known not to have changed.
    pub read_at: Timestamp,
    /// Why it cannot be read now, in words.
    #[serde(default)]
    pub trouble: Option<String>,
}

/// A feed of a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListedFeed {
    /// Its address.
    pub url: String,
    /// Its title, or nothing.
    pub title: String,
}

/// What one poll says about the health of a feed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FeedHealth {
    /// Which feed.
    pub feed: FeedId,
    /// Its address at the time, as people are shown it.
    pub url: String,
    /// Its outlet.
    pub outlet: String,
    /// What is wrong, or nothing.
    pub incident: Option<FeedIncident>,
    /// Where the feed has moved for good, as people are shown it, at the poll at which that was believed.
    #[serde(default)]
    pub moved_to: Option<String>,
}

/// What can be wrong with a feed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FeedIncident {
    /// `feed.failing`, `feed.gone`, `feed.empty` or `feed.stale`.
    pub kind: AlertType,
    /// When it began: before it was called an incident, where that takes several polls.
    pub since: Timestamp,
    /// In words, for the operator.
    pub detail: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_feed_is_read_whole_from_time_to_time() {
        let now: Timestamp = "2026-03-31T12:00:00Z".parse().unwrap();
        let interval = SignedDuration::from_hours(24);
        let read = |hours_ago| {
            let last_body = now.checked_sub(SignedDuration::from_hours(hours_ago)).ok();
            let cursor = FeedCursor { etag: Some("a".into()), last_body, ..FeedCursor::new(FeedId::new("f")) };
            cursor.to_poll(now, interval).etag
        };
        assert_eq!(read(23).as_deref(), Some("a"));
        assert_eq!(read(24), None);
        let page = PageDue { document: DocumentId::of(&[b"1"]), tries: 1, since: now };
        let etag = Some("a".to_owned());
        let due = FeedCursor { etag, last_body: Some(now), pages: vec![page], ..FeedCursor::new(FeedId::new("f")) };
        assert_eq!(due.to_poll(now, interval).etag, None, "the addresses of pages stand in entries");
    }
}
