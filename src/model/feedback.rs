//! `Feedback`: what a user says of threads, speakers and claims; one JSON line of the log that the desk applies, `replay` honours
//! and `gainsay schema feedback` describes.
//!
//! `{"id","time","by","act", …}`: the id is a hash of the rest, so that an entry that was changed is known; a line written by hand
//! may leave it out, and `by`. Behind `act` stands what it is about:
//!
//! | `act` | with | what it says |
//! |---|---|---|
//! | `follow`, `unfollow` | `thread` | its alerts are more urgent, or no longer |
//! | `mute`, `unmute` | `thread` | it gives no alerts, or again |
//! | `mute_speaker`, `unmute_speaker` | `speaker` | what this name says gives no alerts, or again |
//! | `wrong_kind` | `claim`, `kind` | the claim is of this kind; null: it is no claim at all |
//! | `wrong_speaker` | `claim`, `speaker` | this name says so; null: nobody is given |
//! | `wrong_link` | `claim`, `allegation` | the claim does not answer the allegation |
//! | `right_link` | `claim`, `allegation` | it does |
//! | `merge` | `thread`, `into` | both are one matter; the elder keeps its id |
//! | `split` | `thread`, `claims` | these are a matter of their own |
//! | `silence` | `until`, `comment` and what is silenced: see [`Silence`] | alerts of this go to nobody until then |
//! | `end_silence` | `silence` | it ends now |

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{ClaimId, ClaimRecord, FeedId, FeedbackId, Kind, Speaker, ThreadId};

/// Something that a user says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "Line")]
pub struct Feedback {
    /// Hash of the rest.
    pub id: FeedbackId,
    /// When it was said.
    #[schemars(with = "String")]
    pub time: Timestamp,
    /// Who said it.
    pub by: Option<String>,
    /// What is said.
    #[serde(flatten)]
    pub act: FeedbackAct,
}

/// What is said.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "act", rename_all = "snake_case")]
pub enum FeedbackAct {
    /// The thread's alerts are more urgent.
    Follow {
        /// Which thread.
        thread: ThreadId,
    },
    /// They no longer are.
    Unfollow {
        /// Which thread.
        thread: ThreadId,
    },
    /// The thread gives no alerts.
    Mute {
        /// Which thread.
        thread: ThreadId,
    },
    /// It does again.
    Unmute {
        /// Which thread.
        thread: ThreadId,
    },
    /// What a speaker says gives no alerts.
    MuteSpeaker {
        /// The name.
        speaker: String,
    },
    /// It does again.
    UnmuteSpeaker {
        /// The name.
        speaker: String,
    },
    /// The claim is of another kind.
    WrongKind {
        /// Which claim.
        claim: ClaimId,
        /// The right kind; null where it is no claim at all.
        kind: Option<Kind>,
    },
    /// Somebody else says so.
    WrongSpeaker {
        /// Which claim.
        claim: ClaimId,
        /// The right name; null where nobody is given.
        speaker: Option<String>,
    },
    /// The claim does not answer the allegation.
    WrongLink {
        /// Which claim.
        claim: ClaimId,
        /// Which allegation.
        allegation: ClaimId,
    },
    /// The claim answers the allegation.
    RightLink {
        /// Which claim.
        claim: ClaimId,
        /// Which allegation.
        allegation: ClaimId,
    },
    /// Two threads are one.
    Merge {
        /// One.
        thread: ThreadId,
        /// The other, whose being muted or not counts for both.
        into: ThreadId,
    },
    /// Claims of a thread are a matter of their own.
    Split {
        /// The thread.
        thread: ThreadId,
        /// The claims.
        claims: BTreeSet<ClaimId>,
    },
    /// Alerts are kept back for some time.
    Silence(Box<Silence>),
    /// A silence ends.
    EndSilence {
        /// The entry that asked for it.
        silence: FeedbackId,
    },
}

/// What is silenced, until when and why. An alert is silenced of which everything is true that is given; what takes back an alert
/// that was sent never is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Silence {
    /// Until when; at most [`SILENCE_MAX`] after it was said.
    #[schemars(with = "String")]
    pub until: Timestamp,
    /// Why, for those who wonder.
    pub comment: String,
    /// A name that is the speaker's, as `speakers` of a rule.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub speaker: Option<String>,
    /// The outlet that brought it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outlet: Option<String>,
    /// Its thread.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub thread: Option<ThreadId>,
    /// The feed that brought it, or that it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub feed: Option<FeedId>,
    /// The kind of claim.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<Kind>,
    /// The sink it is for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sink: Option<String>,
    /// An expression that is true of it, as `when` of a rule.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub when: Option<String>,
}

/// The longest that a silence lasts: what is to be silent for good is a matter of rules.
pub const SILENCE_MAX: SignedDuration = SignedDuration::from_hours(24 * 366);

impl Silence {
    /// Whether it says nothing of what is silenced.
    pub fn is_open(&self) -> bool {
        let Self { speaker, outlet, thread, feed, kind, sink, when, .. } = self;
        [speaker, outlet, sink, when].iter().all(|text| text.is_none())
            && thread.is_none()
            && feed.is_none()
            && kind.is_none()
    }
}

/// An entry as it is read: its id may be left out, but not be another's.
#[derive(Deserialize, JsonSchema)]
struct Line {
    #[serde(default)]
    id: Option<FeedbackId>,
    #[schemars(with = "String")]
    time: Timestamp,
    #[serde(default)]
    by: Option<String>,
    #[serde(flatten)]
    act: FeedbackAct,
}

/// An entry whose id is not that of what it says.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the entry was changed after it was logged: its id would be {expected}; leave \"id\" out if that is meant")]
pub struct ChangedFeedback {
    expected: FeedbackId,
}

impl TryFrom<Line> for Feedback {
    type Error = ChangedFeedback;

    fn try_from(line: Line) -> Result<Self, ChangedFeedback> {
        let feedback = Self::new(line.time, line.by, line.act);
        let is_own = line.id.is_none_or(|id| id == feedback.id);
        if is_own { Ok(feedback) } else { Err(ChangedFeedback { expected: feedback.id }) }
    }
}

impl Feedback {
    /// What is said, with its id.
    pub fn new(time: Timestamp, by: Option<String>, act: FeedbackAct) -> Self {
        // Keys in their fixed order; nothing in it can fail to be written.
        let said = serde_json::to_string(&act).unwrap_or_default();
        let by_whom = by.as_deref().unwrap_or_default();
        let id = FeedbackId::of(&[time.to_string().as_bytes(), by_whom.as_bytes(), said.as_bytes()]);
        Self { id, time, by, act }
    }
}

impl FeedbackAct {
    /// The claims that it names.
    pub fn claims(&self) -> BTreeSet<ClaimId> {
        match self {
            Self::WrongKind { claim, .. } | Self::WrongSpeaker { claim, .. } => [*claim].into(),
            Self::WrongLink { claim, allegation } | Self::RightLink { claim, allegation } => {
                [*claim, *allegation].into()
            }
            Self::Split { claims, .. } => claims.clone(),
            _ => BTreeSet::new(),
        }
    }

    /// The threads that it names.
    pub fn threads(&self) -> BTreeSet<ThreadId> {
        match self {
            Self::Follow { thread }
            | Self::Unfollow { thread }
            | Self::Mute { thread }
            | Self::Unmute { thread }
            | Self::Split { thread, .. } => [*thread].into(),
            Self::Merge { thread, into } => [*thread, *into].into(),
            Self::Silence(silence) => silence.thread.into_iter().collect(),
            _ => BTreeSet::new(),
        }
    }

    /// The name that it mutes or unmutes.
    pub fn muted_speaker(&self) -> Option<&str> {
        match self {
            Self::MuteSpeaker { speaker } | Self::UnmuteSpeaker { speaker } => Some(speaker),
            _ => None,
        }
    }
}

/// An entry with what became of it: a line of `gainsay feedback list --json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FeedbackLine {
    /// The entry.
    #[serde(flatten)]
    pub feedback: Feedback,
    /// Whether the desk has applied it.
    pub state: FeedbackState,
}

/// What became of an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum FeedbackState {
    /// It waits for a daemon.
    Pending,
    /// The desk has taken it in.
    Applied,
}

/// What a user has corrected of a claim: documents that repeat the claim do not undo it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Corrected {
    /// What it was read as: copies are still read so, and known by it.
    pub read: ReadAs,
    /// The kind is a user's.
    #[serde(default)]
    pub is_kind: bool,
    /// The speaker is a user's.
    #[serde(default)]
    pub is_speaker: bool,
    /// A user said that it is no claim at all.
    #[serde(default)]
    pub is_no_claim: bool,
    /// It had been withdrawn before a user said so.
    #[serde(default)]
    pub was_withdrawn: bool,
    /// Allegations that a user said it answers, or does not.
    #[serde(default)]
    pub links: BTreeMap<ClaimId, bool>,
}

/// What a claim was read as.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReadAs {
    /// The kind.
    pub kind: Kind,
    /// The report said that the speaker has NOT denied.
    pub is_negated_denial: bool,
    /// Who.
    pub speaker: Option<Speaker>,
}

impl ClaimRecord {
    /// What a user has corrected of it, to be added to.
    pub fn corrected_mut(&mut self) -> &mut Corrected {
        self.corrected.get_or_insert_with(|| Corrected {
            read: ReadAs { kind: self.kind, is_negated_denial: self.is_negated_denial, speaker: self.speaker.clone() },
            is_kind: false,
            is_speaker: false,
            is_no_claim: false,
            was_withdrawn: false,
            links: BTreeMap::new(),
        })
    }

    /// Whether a user said that it is no claim at all.
    pub fn is_no_claim(&self) -> bool {
        self.corrected.as_ref().is_some_and(|corrected| corrected.is_no_claim)
    }

    /// The kind as it was read.
    pub fn read_kind(&self) -> Kind {
        self.corrected.as_ref().map_or(self.kind, |corrected| corrected.read.kind)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(by: Option<&str>, seconds: i64) -> Feedback {
        let act = FeedbackAct::WrongKind { claim: ClaimId::of(&[b"c"]), kind: None };
        Feedback::new(Timestamp::from_second(seconds).unwrap(), by.map(str::to_owned), act)
    }

    #[test]
    fn an_id_is_that_of_what_is_said() {
        assert_eq!(entry(None, 7).id, entry(None, 7).id);
        assert!(entry(None, 7).id != entry(None, 8).id && entry(None, 7).id != entry(Some("Ada"), 7).id);
        let written = serde_json::to_string(&entry(Some("Ada"), 7)).unwrap();
        assert_eq!(serde_json::from_str::<Feedback>(&written).unwrap(), entry(Some("Ada"), 7));
        let changed = written.replace("null", "\"denial\"");
        let error = serde_json::from_str::<Feedback>(&changed).unwrap_err().to_string();
        assert!(error.contains("was changed after it was logged"), "{error}");
        let bare = format!(
            "{{\"time\":\"1970-01-01T00:00:07Z\",\"act\":\"wrong_kind\",\"claim\":\"{}\",\"kind\":null}}",
            ClaimId::of(&[b"c"])
        );
        assert_eq!(serde_json::from_str::<Feedback>(&bare).unwrap(), entry(None, 7));
    }
}
