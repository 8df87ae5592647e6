//! What the API says, as far as it is shown: JSON in, plain things out. Lenient, since the daemon may be of another version: what is
//! missing is empty, what is not known is left out and counted.

use jiff::Timestamp;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use crate::model::{Alert, AlertClaim, ClaimSpeaker, Evidence, Kind, PausedFeed, StanceEntry, ThreadState};

/// An alert with its place.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub(super) struct Placed {
    /// Its place, which only rises.
    pub(super) position: i64,
    /// The alert.
    pub(super) alert: Box<Alert>,
}

/// A thread with what happened in it.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub(super) struct Thread {
    pub(super) id: String,
    pub(super) state: ThreadState,
    #[serde(default)]
    pub(super) proposition: String,
    #[serde(default)]
    pub(super) stances: Vec<StanceEntry>,
    #[serde(default)]
    pub(super) contradiction: bool,
    #[serde(default)]
    pub(super) followed: bool,
    #[serde(default)]
    pub(super) muted: bool,
    #[serde(default, deserialize_with = "known")]
    pub(super) timeline: Vec<Happening>,
    /// Its claims with the words around them; from a request of their own.
    #[serde(skip)]
    pub(super) claims: Vec<Quoted>,
}

/// Those of a list that are known.
fn known<'de, D: Deserializer<'de>, T: DeserializeOwned>(deserializer: D) -> Result<Vec<T>, D::Error> {
    let all = Vec::<Value>::deserialize(deserializer)?;
    Ok(all.into_iter().filter_map(|one| serde_json::from_value(one).ok()).collect())
}

/// Something that happened in a thread.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub(super) enum Happening {
    /// Somebody said something.
    Claim {
        at: Timestamp,
        claim: String,
        kind: Kind,
        speaker: Option<ClaimSpeaker>,
        target: Option<String>,
        #[serde(default)]
        sentence: String,
        #[serde(default)]
        outlets: Vec<String>,
        url: Option<String>,
        #[serde(default)]
        confidence: f64,
        #[serde(default)]
        revision: u32,
        #[serde(default)]
        background: bool,
        #[serde(default)]
        answers: Vec<String>,
    },
    /// A claim was withdrawn.
    Withdrawal {
        at: Timestamp,
        claim: String,
        #[serde(default)]
        why: String,
    },
    /// An alert was made.
    Alert {
        at: Timestamp,
        #[serde(rename = "type")]
        alert_type: String,
        priority: Option<u8>,
        why: Option<String>,
        #[serde(default)]
        deliveries: Vec<Sent>,
    },
}

/// What became of an alert at a sink.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub(super) struct Sent {
    pub(super) sink: String,
    pub(super) status: String,
    pub(super) last_error: Option<String>,
}

/// A claim with the words around it.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub(super) struct Quoted {
    pub(super) id: String,
    pub(super) claim: AlertClaim,
    pub(super) evidence: Evidence,
}

/// How a feed does.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub(super) struct Feed {
    pub(super) id: String,
    #[serde(default)]
    pub(super) outlet: String,
    pub(super) url: Option<String>,
    #[serde(default)]
    pub(super) state: String,
    pub(super) since: Option<Timestamp>,
    #[serde(default)]
    pub(super) failures: u32,
    pub(super) error: Option<String>,
    pub(super) next_poll: Option<Timestamp>,
    pub(super) last_success: Option<Timestamp>,
    pub(super) last_entry: Option<Timestamp>,
    #[serde(default)]
    pub(super) texts: u64,
    /// Nothing while it is polled.
    pub(super) paused: Option<PausedFeed>,
}

/// How an endpoint does.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub(super) struct Endpoint {
    pub(super) name: String,
    #[serde(default)]
    pub(super) kind: String,
    #[serde(default)]
    pub(super) state: String,
    pub(super) since: Option<Timestamp>,
    pub(super) reason: Option<String>,
    #[serde(default)]
    pub(super) pending: u64,
    #[serde(default)]
    pub(super) delivered: u64,
    #[serde(default)]
    pub(super) dead: u64,
}

/// What became of an alert.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub(super) struct Delivery {
    #[serde(rename = "type", default)]
    pub(super) alert_type: String,
    #[serde(default)]
    pub(super) sink: String,
    #[serde(default)]
    pub(super) status: String,
    #[serde(default)]
    pub(super) attempts: u32,
    pub(super) time: Timestamp,
    pub(super) last_error: Option<String>,
    pub(super) reason: Option<String>,
    pub(super) speaker: Option<String>,
    pub(super) headline: Option<String>,
}

/// How the daemon does.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
pub(super) struct Status {
    #[serde(default)]
    pub(super) version: String,
    #[serde(default)]
    pub(super) feeds: Parts,
    #[serde(default)]
    pub(super) endpoints: Parts,
    #[serde(default)]
    pub(super) pending: u64,
    #[serde(default)]
    pub(super) dead: u64,
}

/// How many there are, and how many of them do badly.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
pub(super) struct Parts {
    #[serde(default)]
    pub(super) total: u64,
    #[serde(default)]
    pub(super) failing: u64,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::remote::Page;

    #[test]
    fn what_another_version_says_is_left_out_and_counted() {
        let page: Page =
            serde_json::from_str(r#"{"items":[{"name":"desk","new":1},{"title":"x"},7],"next":null}"#).unwrap();
        let (items, unknown) = page.read::<Endpoint>();
        assert_eq!((items.len(), unknown), (1, 2));
        let page: Page = serde_json::from_str(
            r#"{"items":[{"id":"a","state":"healthy","paused":null},{"id":"b","paused":{"since":"2026-01-01T00:00:00Z","by":"Ada"}}],"next":null}"#,
        )
        .unwrap();
        let paused: Vec<bool> = page.read::<Feed>().0.iter().map(|feed| feed.paused.is_some()).collect();
        assert_eq!(paused, [false, true]);
        let thread: Thread = serde_json::from_str(
            r#"{"id":"a","state":"alleged","timeline":[{"event":"vote","at":"2026-01-01T00:00:00Z"},
                {"event":"withdrawal","at":"2026-01-01T00:00:00Z","claim":"b"}]}"#,
        )
        .unwrap();
        assert_eq!(thread.timeline.len(), 1);
    }
}
