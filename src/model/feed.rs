//! What the poller remembers of a feed (`FeedCursor`) and tells the desk about it (`FeedHealth`).

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::{AddressHash, AlertType, DocumentId, FeedId};

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
    /// Entries that the desk has as the feed carries them, and whose pages are to be asked for again.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub pages: Vec<PageDue>,
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
            last_success: None,
            last_body: None,
            last_poll: None,
            left_alone_until: None,
            is_denied: false,
            failures: 0,
            failing_since: None,
            last_item_count: None,
            pages: Vec::new(),
        }
    }
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
}

/// What can be wrong with a feed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FeedIncident {
    /// `feed.failing` or `feed.empty`.
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
