//! What the poller remembers of a feed (`FeedCursor`) and tells the desk about it (`FeedHealth`).

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{AlertType, FeedId};

/// What the poller must know for the next poll; committed in one transaction with what the last poll brought.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FeedCursor {
    /// Whose cursor.
    pub feed: FeedId,
    /// `ETag` of the last body that parsed.
    pub etag: Option<String>,
    /// `Last-Modified` of the last body that parsed.
    pub last_modified: Option<String>,
    /// When the feed last answered with a body that parsed or with "not modified".
    pub last_success: Option<Timestamp>,
    /// When it was last polled.
    pub last_poll: Option<Timestamp>,
    /// After a failure, when to poll again at the earliest, also after a restart: the server may have asked for it.
    #[serde(default)]
    pub left_alone_until: Option<Timestamp>,
    /// Polls that failed since the last success.
    pub failures: u32,
    /// Entries in the last body that parsed; a fall to zero is an incident.
    pub last_item_count: Option<u32>,
}

impl FeedCursor {
    /// The cursor of a feed that was never polled.
    pub fn new(feed: FeedId) -> Self {
        Self {
            feed,
            etag: None,
            last_modified: None,
            last_success: None,
            last_poll: None,
            left_alone_until: None,
            failures: 0,
            last_item_count: None,
        }
    }
}

/// What one poll says about the health of a feed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FeedHealth {
    /// Which feed.
    pub feed: FeedId,
    /// Its address at the time.
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
    /// In words, for the operator.
    pub detail: String,
}
