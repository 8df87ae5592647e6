//! Records: what the desk's state consists of and the store keeps; the state is rebuilt by putting them back in order.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::{
    Alert, AlertClaim, AlertDocument, AlertId, AlertType, ClaimId, ContentHash, Corrected, DigestEntry, Document,
    DocumentId, EntryTrace, Evidence, FeedId, FeedbackId, Fingerprint, Kind, KnownClaim, Proposition, RevisionLabel,
    Silence, Speaker, Stance, StoryId, ThreadId, Version,
};

/// A document that was seen: enough to know it again and to tell an edit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DocumentRecord {
    /// Which document.
    pub id: DocumentId,
    /// What it said when last seen.
    pub content_hash: ContentHash,
    /// As in `Document`: there where the text was that of the article's page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub entry_hash: Option<ContentHash>,
    /// How many different texts it had before.
    pub revision: u32,
    /// The story it belongs to.
    pub story: StoryId,
    /// Its canonical address, by which another feed's item of it is known.
    pub url: Option<String>,
    /// Its outlet.
    pub outlet: String,
    /// The claims it carried when last seen.
    pub claims: BTreeSet<ClaimId>,
    /// When it was last seen in its feed, to the day.
    pub last_seen: Timestamp,
    /// It was part of its feed's first fetch, so it is known and gives no alert.
    #[serde(default)]
    pub is_baseline: bool,
    /// Which version it was, where its format has versions: an older one is no edit.
    #[serde(default, skip_serializing_if = "Version::is_empty")]
    pub version: Version,
    /// By what it is known where its entry has changed its identity.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trace: Option<EntryTrace>,
    /// Not to be alerted before this instant: the end of all time where it is withheld until a later version says otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub embargo_until: Option<Timestamp>,
}

impl DocumentRecord {
    /// Whether a document says nothing but what it said when last seen, or before: the same text, the feed's entry alone of one whose page
    /// was read, or an older version.
    pub fn is_as(&self, document: &Document) -> bool {
        self.content_hash == document.content_hash
            || self.entry_hash == Some(document.content_hash)
            || document.version.is_older_than(self.version)
    }

    /// How an entry whose `content_hash` this is without its page is known.
    pub fn knowledge(&self, entry: ContentHash) -> Knowledge {
        if self.entry_hash == Some(entry) {
            Knowledge::Page
        } else if self.content_hash == entry {
            Knowledge::Entry
        } else {
            Knowledge::None
        }
    }
}

/// What the desk knows of an entry as its feed carries it now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Knowledge {
    /// It is new, or was edited.
    None,
    /// As its feed carries it.
    Entry,
    /// With the text of its page.
    Page,
}

/// A piece of wire copy with all its near-duplicates.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoryRecord {
    /// Which story.
    pub id: StoryId,
    /// Rises with each update, correction or kill.
    pub revision: u32,
    /// What the last revision was.
    pub label: RevisionLabel,
    /// Outlets that carry it, in order of arrival, each once.
    pub outlets: Vec<String>,
    /// Agencies that its copies are credited to, in order of arrival, each once.
    #[serde(default)]
    pub agencies: Vec<String>,
    /// Documents that belong to it.
    pub copies: u32,
    /// Fingerprint of the fullest copy; the store keeps it apart.
    #[serde(skip)]
    pub fingerprint: Fingerprint,
    /// Hashes of its copies' whole texts (`Fingerprint::exact`), in order of arrival, each once: the same text again belongs here,
    /// however little it is like the fullest copy.
    #[serde(default)]
    pub texts: Vec<u64>,
    /// When a copy was last seen.
    pub last_seen: Timestamp,
    /// Order of creation; ties in matching go to the elder.
    pub sequence: u64,
}

/// How a claim was reported, verbatim: what an alert about it shows, also when its document is long gone.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// The claim in the words of the contract; its revision is the claim's.
    pub claim: AlertClaim,
    /// The words around it.
    pub evidence: Evidence,
    /// Where it was read.
    pub document: AlertDocument,
}

/// A claim known across documents.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ClaimRecord {
    /// Fixed at first sight.
    pub id: ClaimId,
    /// Kind of act.
    pub kind: Kind,
    /// Who.
    pub speaker: Option<Speaker>,
    /// What.
    pub proposition: Proposition,
    /// Wordings that corrections have replaced, oldest first: by them a late copy of the wrong text is known.
    #[serde(default)]
    pub former: Vec<Wording>,
    /// How it was reported at first sight or by the last correction.
    pub report: Report,
    /// The report says that the speaker has NOT denied.
    pub is_negated_denial: bool,
    /// Withdrawn by its outlet (kill, correction).
    pub is_withdrawn: bool,
    /// Sinks that were alerted of it, which hear when it is revised or withdrawn, and how they were.
    #[serde(default)]
    pub alerted: BTreeMap<String, AlertedAs>,
    /// Stories that carry it.
    pub stories: BTreeSet<StoryId>,
    /// The thread in which its alerts stand.
    pub thread: ThreadId,
    /// All its threads: one answer can answer allegations of several. Empty in files of before there could be several.
    #[serde(default)]
    pub threads: BTreeSet<ThreadId>,
    /// Allegations it answers.
    pub answers: BTreeSet<ClaimId>,
    /// When first seen.
    pub first_seen: Timestamp,
    /// When last seen.
    pub last_seen: Timestamp,
    /// Order of creation.
    pub sequence: u64,
    /// What a user has corrected of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub corrected: Option<Corrected>,
}

/// What a claim was in an alert.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum AlertedAs {
    /// It rode in the alert of another claim of its thread, or was what that claim answers.
    Rider,
    /// The alert was about it.
    Subject,
}

/// Who was said to say what, before a correction.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wording {
    /// Who.
    pub speaker: Option<Speaker>,
    /// What.
    pub proposition: Proposition,
}

/// Where a thread stands; derived from its stances.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ThreadState {
    /// Alleged, nobody has answered.
    Alleged,
    /// Somebody has answered.
    Answered,
    /// Some deny, some confirm.
    Contested,
    /// Confirmed by a respondent, denied by none.
    Confirmed,
    /// All its allegations are withdrawn.
    Withdrawn,
    /// A verdict or a clearing has closed it.
    Closed,
}

impl ThreadState {
    /// All states, in the order of the contract.
    pub const ALL: [Self; 6] =
        [Self::Alleged, Self::Answered, Self::Contested, Self::Confirmed, Self::Withdrawn, Self::Closed];

    /// The name in the contract.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Alleged => "alleged",
            Self::Answered => "answered",
            Self::Contested => "contested",
            Self::Confirmed => "confirmed",
            Self::Withdrawn => "withdrawn",
            Self::Closed => "closed",
        }
    }
}

/// An allegation with its answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ThreadRecord {
    /// Which thread.
    pub id: ThreadId,
    /// Rises by one with each event.
    pub sequence: u64,
    /// Where it stands.
    pub state: ThreadState,
    /// What is alleged, in the words of the claim that opened it.
    pub proposition: String,
    /// One stance per respondent, by the respondent's key.
    pub stances: BTreeMap<String, StanceRecord>,
    /// Claims of the thread.
    pub claims: BTreeSet<ClaimId>,
    /// Outlets disagree on the same speech act.
    pub has_contradiction: bool,
    /// Closed by a verdict or a clearing.
    pub is_closed: bool,
    /// When something was last added.
    pub last_seen: Timestamp,
    /// Order of creation.
    pub order: u64,
    /// A user follows it: its alerts are more urgent.
    #[serde(default)]
    pub is_followed: bool,
    /// A user muted it: it gives no alerts, but for those that take others back.
    #[serde(default)]
    pub is_muted: bool,
}

/// A speaker whom a user muted: what this name says gives no alerts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MutedSpeaker {
    /// The words of the name that tell it from others.
    pub key: String,
    /// The name as the user gave it.
    pub name: String,
}

/// What one respondent says in a thread.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StanceRecord {
    /// The respondent's fullest name.
    pub respondent: String,
    /// What they say now.
    pub stance: Stance,
    /// The claim that says so.
    pub claim: ClaimId,
}

/// What a sink was sent of its limits, and what waits for its digests.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BudgetRecord {
    /// Which sink.
    pub sink: String,
    /// Which day, in UTC.
    pub day: Date,
    /// Alerts of claims sent on that day, those that take others back not counted.
    pub claim_alerts: u32,
    /// Alerts of feeds sent on that day.
    pub feed_alerts: u32,
    /// What is over the budget.
    #[serde(flatten)]
    pub over: HeldList,
    /// What was sent of the hour's cap, and what is over it.
    #[serde(default)]
    pub hour: HourRecord,
    /// What came in quiet hours.
    #[serde(default)]
    pub quiet: HeldList,
    /// What is collected.
    #[serde(default)]
    pub collected: HeldList,
}

/// What a sink was sent of its hour's cap.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct HourRecord {
    /// When the hour began: with its first alert.
    pub since: Option<Timestamp>,
    /// Alerts of claims sent in it, those that take others back not counted.
    pub claim_alerts: u32,
    /// Alerts of feeds sent in it.
    pub feed_alerts: u32,
    /// What is over the cap.
    pub over: HeldList,
}

/// Alerts that wait for a digest.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeldList {
    /// The first of them.
    #[serde(default)]
    pub held: Vec<HeldAlert>,
    /// How many more there were.
    #[serde(default)]
    pub left_out: u32,
    /// Of which types these are.
    #[serde(default)]
    pub left_out_types: BTreeMap<AlertType, u32>,
    /// When the first of all came.
    #[serde(default)]
    pub since: Option<Timestamp>,
    /// When the digest may go, unless it is quiet then.
    #[serde(default)]
    pub until: Option<Timestamp>,
}

/// An alert that waits for a digest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeldAlert {
    /// As the digest will list it.
    #[serde(flatten)]
    pub entry: DigestEntry,
    /// No digest may list it before: the end of its embargo.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_before: Option<Timestamp>,
    /// The document that it shows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub document: Option<DocumentId>,
    /// The sink whose endpoint it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub about: Option<String>,
    /// The sink had been alerted of its claim before.
    #[serde(default)]
    pub is_told: bool,
    /// Those claims of its `also` of which the sink is to hear here first.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub first: BTreeSet<ClaimId>,
}

impl HeldList {
    /// Whether nothing waits.
    pub fn is_empty(&self) -> bool {
        self.held.is_empty() && self.left_out == 0
    }
}

impl BudgetRecord {
    /// A day on which nothing was sent yet.
    pub fn new(sink: String, day: Date) -> Self {
        Self {
            sink,
            day,
            claim_alerts: 0,
            feed_alerts: 0,
            over: HeldList::default(),
            hour: HourRecord::default(),
            quiet: HeldList::default(),
            collected: HeldList::default(),
        }
    }

    /// All that waits for a digest of the sink.
    pub fn lists(&self) -> [&HeldList; 4] {
        [&self.collected, &self.quiet, &self.hour.over, &self.over]
    }

    /// As [`lists`](Self::lists), to be changed.
    pub fn lists_mut(&mut self) -> [&mut HeldList; 4] {
        [&mut self.collected, &mut self.quiet, &mut self.hour.over, &mut self.over]
    }
}

/// Alerts of one thread that wait for others of it, to go out as one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GroupRecord {
    /// The sink they are for.
    pub sink: String,
    /// Their thread.
    pub order_key: String,
    /// When they go.
    pub until: Timestamp,
    /// The alerts, in order of arrival.
    pub members: Vec<Alert>,
    /// Those of them of whose claims the sink had been alerted before.
    #[serde(default)]
    pub told: BTreeSet<AlertId>,
    /// Those claims of their `also` of which the sink is to hear here first.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub first: BTreeSet<ClaimId>,
}

impl GroupRecord {
    /// Its key in the store.
    pub fn key(&self) -> String {
        format!("{} {}", self.sink, self.order_key)
    }
}

/// A silence that a user has asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SilenceRecord {
    /// The entry of the log that asked for it.
    pub id: FeedbackId,
    /// Since when it counts.
    pub since: Timestamp,
    /// Who asked for it.
    pub by: Option<String>,
    /// What is silenced, until when and why.
    #[serde(flatten)]
    pub silence: Silence,
}

/// What the desk knows of a feed's health.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FeedRecord {
    /// Which feed.
    pub feed: FeedId,
    /// Incidents so far; the number of the open or last one.
    pub incident: u64,
    /// The open incident.
    pub open: Option<AlertType>,
    /// When the open incident began: with the first of the failures that make it.
    pub since: Timestamp,
    /// Moves so far.
    #[serde(default)]
    pub moves: u64,
    /// Where it has moved last, as people are shown it.
    #[serde(default)]
    pub moved_to: Option<String>,
}

/// All records, each list in order of creation: what the store gives back at start.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Records {
    /// The desk's clock when the last one was written.
    pub now: Option<Timestamp>,
    /// Next number for `sequence` and `order`.
    pub next_sequence: u64,
    /// Documents.
    pub documents: Vec<DocumentRecord>,
    /// Stories.
    pub stories: Vec<StoryRecord>,
    /// Claims.
    pub claims: Vec<KnownClaim>,
    /// Threads.
    pub threads: Vec<ThreadRecord>,
    /// Feeds.
    pub feeds: Vec<FeedRecord>,
    /// Budgets.
    pub budgets: Vec<BudgetRecord>,
    /// Muted speakers.
    pub muted: Vec<MutedSpeaker>,
    /// Silences.
    pub silences: Vec<SilenceRecord>,
    /// Alerts that wait for others of their thread.
    pub groups: Vec<GroupRecord>,
}
