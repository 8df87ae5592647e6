//! What an operator has said of a feed while the daemon runs (`FeedControl`): that it is added, that it rests, that it is to be polled.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::FeedId;

/// A poll that was asked for so long ago was done, or nobody was there to do it.
const POLL_OVER: SignedDuration = SignedDuration::from_mins(1);

/// What an operator has said of a feed, beside the config; kept in the database, so that it survives restarts and reloads.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FeedControl {
    /// Of which feed.
    pub feed: FeedId,
    /// It was added, and stands in no config.
    #[serde(default)]
    pub added: Option<AddedFeed>,
    /// It is not polled, wherever it stands.
    #[serde(default)]
    pub paused: Option<PausedFeed>,
    /// When it was last asked for a poll.
    #[serde(default)]
    pub poll_asked: Option<Timestamp>,
}

/// A feed that stands in no config.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AddedFeed {
    /// Its address.
    pub url: String,
    /// Its outlet.
    pub outlet: String,
    /// When it was added.
    pub at: Timestamp,
    /// By whom, where that was said.
    #[serde(default)]
    pub by: Option<String>,
}

/// That a feed is not polled.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct PausedFeed {
    /// Since when.
    #[schemars(with = "String")]
    pub since: Timestamp,
    /// By whom, where that was said.
    #[serde(default)]
    pub by: Option<String>,
}

impl FeedControl {
    /// Of a feed of which nothing was said.
    pub fn new(feed: FeedId) -> Self {
        Self { feed, added: None, paused: None, poll_asked: None }
    }

    /// Whether it says nothing any more at `now`.
    pub fn is_over(&self, now: Timestamp) -> bool {
        let is_asked = self.poll_asked.is_some_and(|asked| now.duration_since(asked) < POLL_OVER);
        self.added.is_none() && self.paused.is_none() && !is_asked
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_control_that_says_nothing_is_over() {
        let now: Timestamp = "2026-03-31T12:00:00Z".parse().unwrap();
        let base = FeedControl::new(FeedId::new("a"));
        let asked = |seconds| now.checked_sub(SignedDuration::from_secs(seconds)).ok();
        assert!(base.is_over(now));
        assert!(!FeedControl { poll_asked: asked(59), ..base.clone() }.is_over(now));
        assert!(FeedControl { poll_asked: asked(60), ..base.clone() }.is_over(now));
        assert!(!FeedControl { paused: Some(PausedFeed { since: now, by: None }), ..base }.is_over(now));
        let bare: FeedControl = serde_json::from_str("{\"feed\":\"a\"}").unwrap();
        assert_eq!(bare, FeedControl::new(FeedId::new("a")));
    }
}
