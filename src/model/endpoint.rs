//! How the endpoint of a sink does, as it is kept over restarts: `sink` makes the record, `store` keeps it, `look` shows it.

use std::fmt;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::AddressHash;

/// What is known of the endpoint of a sink. One that never failed has no record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EndpointRecord {
    /// Name of the sink.
    pub sink: String,
    /// Hash of its address, of which all of this was learned; the address itself may be a secret.
    pub address: AddressHash,
    /// How it does.
    pub state: EndpointState,
    /// Since when.
    pub since: Timestamp,
    /// Why, in words; nothing of one that is well.
    #[serde(default)]
    pub why: Option<String>,
    /// Attempts in a row that failed.
    #[serde(default)]
    pub failures: u32,
    /// When the first attempt failed after which none succeeded.
    #[serde(default)]
    pub failing_since: Option<Timestamp>,
    /// For how many seconds it was seen to fail since then, by a clock that nobody sets; times when the daemon was down do not count.
    #[serde(default)]
    pub failing_seconds: u64,
    /// Until when it asked to be left alone.
    #[serde(default)]
    pub left_alone_until: Option<Timestamp>,
}

/// How long an endpoint fails before that is an incident which people are told of.
const INCIDENT_AFTER: SignedDuration = SignedDuration::from_mins(10);

/// What the desk is told of the endpoint of a sink.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SinkHealth {
    /// Name of the sink.
    pub sink: String,
    /// What has changed.
    pub change: SinkChange,
    /// Since when; tells one incident from another.
    pub since: Timestamp,
    /// What is wrong, or how long it was, in words.
    pub detail: String,
}

/// A change of how the endpoint of a sink does that people are told of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SinkChange {
    /// It fails, and has for some time.
    Failing,
    /// Nothing is sent to it any more.
    Disabled,
    /// It takes alerts again.
    Recovered,
}

impl EndpointRecord {
    /// What there is to tell at `now`, where `told` was told last: a trouble that is another than that, or its end.
    pub fn news(&self, told: Option<SinkChange>, now: Timestamp) -> Option<SinkHealth> {
        let failing_since = self.failing_since.unwrap_or(self.since);
        let why = self.why.clone().unwrap_or_default();
        let (change, since, detail) = match self.state {
            EndpointState::Disabled => (SinkChange::Disabled, self.since, why),
            EndpointState::Failing if now.duration_since(failing_since) >= INCIDENT_AFTER => {
                (SinkChange::Failing, failing_since, why)
            }
            EndpointState::Healthy if matches!(told, Some(SinkChange::Failing | SinkChange::Disabled)) => {
                (SinkChange::Recovered, self.since, String::new())
            }
            _ => return None,
        };
        (told != Some(change)).then(|| SinkHealth { sink: self.sink.clone(), change, since, detail })
    }

    /// Of an endpoint of which nothing bad is known.
    pub fn healthy(sink: String, address: AddressHash, since: Timestamp) -> Self {
        Self {
            sink,
            address,
            state: EndpointState::Healthy,
            since,
            why: None,
            failures: 0,
            failing_since: None,
            failing_seconds: 0,
            left_alone_until: None,
        }
    }
}

/// How an endpoint does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EndpointState {
    /// Alerts go out.
    Healthy,
    /// It is too busy, and is left alone for a while.
    Paused,
    /// It fails: an attempt now and then finds out whether it is back, everything else waits.
    Failing,
    /// Nothing is sent until somebody says so.
    Disabled,
}

impl EndpointState {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Healthy, Self::Paused, Self::Failing, Self::Disabled];

    /// Its name, in metrics and listings.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Healthy => "healthy",
            Self::Paused => "paused",
            Self::Failing => "failing",
            Self::Disabled => "disabled",
        }
    }
}

impl fmt::Display for EndpointState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_are_told_of_a_trouble_that_lasts_and_of_its_end_once_each() {
        let start: Timestamp = "2024-10-31T08:00:00Z".parse().unwrap();
        let later = |minutes| start + SignedDuration::from_mins(minutes);
        let mut record = EndpointRecord::healthy("desk".to_owned(), AddressHash::of(&[b"x"]), start);
        let news =
            |record: &EndpointRecord, told, at| record.news(told, at).map(|health| (health.change, health.since));
        assert_eq!(news(&record, None, later(60)), None);
        (record.state, record.since, record.failing_since) = (EndpointState::Failing, later(2), Some(later(1)));
        assert_eq!(news(&record, None, later(10)), None, "a short trouble is none");
        let failing = Some((SinkChange::Failing, later(1)));
        assert_eq!(news(&record, None, later(11)), failing);
        assert_eq!(news(&record, Some(SinkChange::Recovered), later(11)), failing);
        assert_eq!(news(&record, Some(SinkChange::Failing), later(99)), None);
        (record.state, record.since) = (EndpointState::Disabled, later(100));
        assert_eq!(news(&record, Some(SinkChange::Failing), later(100)), Some((SinkChange::Disabled, later(100))));
        (record.state, record.since) = (EndpointState::Paused, later(101));
        assert_eq!(news(&record, Some(SinkChange::Disabled), later(101)), None, "it is not back yet");
        (record.state, record.since) = (EndpointState::Healthy, later(102));
        assert_eq!(news(&record, Some(SinkChange::Disabled), later(102)), Some((SinkChange::Recovered, later(102))));
        assert_eq!(news(&record, None, later(102)), None);
        assert_eq!(news(&record, Some(SinkChange::Recovered), later(103)), None);
    }
}
