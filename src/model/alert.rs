//! `Alert`: the contract with everyone downstream; its JSON is what sinks deliver and `gainsay schema alert` describes.
//!
//! One JSON object a line in JSON Lines, the `data` of a webhook. Unknown keys may be added; breaking changes raise
//! `schema_version`. Texts come from feeds: receivers must treat them as hostile.

use std::collections::BTreeMap;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{AlertId, Basis, ClaimId, DocumentId, FeedId, Kind, StoryId, ThreadId, ThreadState};

/// Version of the alert schema.
pub const SCHEMA_VERSION: u32 = 1;

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
pub enum AlertType {
    /// A new allegation.
    #[serde(rename = "allegation.new")]
    AllegationNew,
    /// A respondent's first denial.
    #[serde(rename = "denial.new")]
    DenialNew,
    /// A respondent's first confirmation.
    #[serde(rename = "claim.confirmed")]
    ClaimConfirmed,
    /// A respondent's first refusal to say.
    #[serde(rename = "claim.no_comment")]
    ClaimNoComment,
    /// A speaker takes back a claim.
    #[serde(rename = "claim.retracted")]
    ClaimRetracted,
    /// A correction changed a claim that was alerted; same claim id, higher revision.
    #[serde(rename = "claim.revised")]
    ClaimRevised,
    /// The outlet withdrew a claim that was alerted.
    #[serde(rename = "claim.withdrawn")]
    ClaimWithdrawn,
    /// An answer was found in another document than its allegation.
    #[serde(rename = "thread.linked")]
    ThreadLinked,
    /// Outlets disagree on the same speech act.
    #[serde(rename = "thread.contradiction")]
    ThreadContradiction,
    /// A verdict or a clearing closed the thread.
    #[serde(rename = "thread.closed")]
    ThreadClosed,
    /// A feed cannot be fetched or read.
    #[serde(rename = "feed.failing")]
    FeedFailing,
    /// It can again.
    #[serde(rename = "feed.recovered")]
    FeedRecovered,
    /// It answers but brings nothing new for longer than usual.
    #[serde(rename = "feed.stale")]
    FeedStale,
    /// It answers with a feed without entries where there were some.
    #[serde(rename = "feed.empty")]
    FeedEmpty,
    /// It has a new permanent address.
    #[serde(rename = "feed.moved")]
    FeedMoved,
    /// It is gone for good.
    #[serde(rename = "feed.gone")]
    FeedGone,
    /// The endpoint of another sink fails for some time.
    #[serde(rename = "sink.failing")]
    SinkFailing,
    /// Nothing is sent to the endpoint of another sink any more, until somebody enables it.
    #[serde(rename = "sink.disabled")]
    SinkDisabled,
    /// The endpoint of another sink takes alerts again.
    #[serde(rename = "sink.recovered")]
    SinkRecovered,
    /// What a sink was not sent at once.
    #[serde(rename = "digest")]
    Digest,
}

impl AlertType {
    /// Every type, in the order of the contract.
    pub const ALL: [Self; 20] = [
        Self::AllegationNew,
        Self::DenialNew,
        Self::ClaimConfirmed,
        Self::ClaimNoComment,
        Self::ClaimRetracted,
        Self::ClaimRevised,
        Self::ClaimWithdrawn,
        Self::ThreadLinked,
        Self::ThreadContradiction,
        Self::ThreadClosed,
        Self::FeedFailing,
        Self::FeedRecovered,
        Self::FeedStale,
        Self::FeedEmpty,
        Self::FeedMoved,
        Self::FeedGone,
        Self::SinkFailing,
        Self::SinkDisabled,
        Self::SinkRecovered,
        Self::Digest,
    ];

    /// The type of the alert that a new claim of this kind gives.
    pub fn of_new(kind: Kind) -> Self {
        match kind {
            Kind::Allegation | Kind::Statement => Self::AllegationNew,
            Kind::Denial => Self::DenialNew,
            Kind::Confirmation => Self::ClaimConfirmed,
            Kind::NoComment => Self::ClaimNoComment,
            Kind::Retraction => Self::ClaimRetracted,
        }
    }

    /// Whether alerts of this type change or withdraw an earlier one.
    pub fn takes_back(self) -> bool {
        matches!(self, Self::ClaimRevised | Self::ClaimWithdrawn)
    }

    /// The types that a rule can name: all but digests, which come of the limits of sinks.
    pub fn ruled() -> impl Iterator<Item = Self> {
        Self::ALL.into_iter().filter(|alert_type| *alert_type != Self::Digest)
    }

    /// The name in the contract.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::AllegationNew => "allegation.new",
            Self::DenialNew => "denial.new",
            Self::ClaimConfirmed => "claim.confirmed",
            Self::ClaimNoComment => "claim.no_comment",
            Self::ClaimRetracted => "claim.retracted",
            Self::ClaimRevised => "claim.revised",
            Self::ClaimWithdrawn => "claim.withdrawn",
            Self::ThreadLinked => "thread.linked",
            Self::ThreadContradiction => "thread.contradiction",
            Self::ThreadClosed => "thread.closed",
            Self::FeedFailing => "feed.failing",
            Self::FeedRecovered => "feed.recovered",
            Self::FeedStale => "feed.stale",
            Self::FeedEmpty => "feed.empty",
            Self::FeedMoved => "feed.moved",
            Self::FeedGone => "feed.gone",
            Self::SinkFailing => "sink.failing",
            Self::SinkDisabled => "sink.disabled",
            Self::SinkRecovered => "sink.recovered",
            Self::Digest => "digest",
        }
    }
}

/// One alert. Claim, evidence, document, story and thread are null in `feed.*` and `sink.*` alerts and digests, `feed` and `digest` in all others.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Alert {
    /// Version of this schema.
    pub schema_version: u32,
    /// Hash of (subject, its revision, type): the same for every retry, restart and replay.
    pub id: AlertId,
    /// What happened.
    #[serde(rename = "type")]
    pub alert_type: AlertType,
    /// When the desk knew.
    #[schemars(with = "String")]
    pub time: Timestamp,
    /// How urgent, and why.
    pub priority: Priority,
    /// The claim it is about.
    pub claim: Option<AlertClaim>,
    /// The words around it.
    pub evidence: Option<Evidence>,
    /// Where it was read.
    pub document: Option<AlertDocument>,
    /// The story that the document is a copy of.
    pub story: Option<AlertStory>,
    /// The thread it belongs to.
    pub thread: Option<AlertThread>,
    /// The allegations that it answers.
    pub answers: Vec<AlertAnswer>,
    /// Ids of other claims of this story and thread that ride in this alert.
    pub also: Vec<ClaimId>,
    /// The feed it is about.
    pub feed: Option<FeedAlert>,
    /// The sink whose endpoint it is about; left out of all alerts but those of type `sink.*`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sink: Option<SinkAlert>,
    /// What the sink that gets this alert was not sent at once.
    pub digest: Option<Digest>,
    /// Names of the rules that let it through.
    pub rules: Vec<String>,
    /// Names on the watch lists of these rules (`watch`, `speakers`) that it is about, as the config writes them.
    #[serde(default)]
    pub watched: Vec<String>,
    /// In a sentence, why it was sent.
    pub why: String,
}

/// What a sink was not sent at once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Digest {
    /// Why it was not.
    #[serde(default)]
    pub cause: DigestCause,
    /// The day on which the first of it came, in UTC.
    pub day: String,
    /// Alerts that the sink gets in a day, or in an hour where that is the cause; 0 otherwise.
    pub budget: u32,
    /// When the first of it came.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    pub since: Option<Timestamp>,
    /// How many alerts of each type there were, those that are not listed too.
    #[serde(default)]
    pub types: BTreeMap<AlertType, u32>,
    /// The alerts, most urgent first.
    pub alerts: Vec<DigestEntry>,
    /// How many more there were than a digest lists; `gainsay` still has their claims.
    pub left_out: u32,
}

/// Why a sink was not sent something at once.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum DigestCause {
    /// It was over the budget of the day.
    #[default]
    Budget,
    /// It was over what the sink gets in an hour.
    RateCap,
    /// It came in the sink's quiet hours.
    QuietHours,
    /// The sink collects what comes.
    Collected,
}

impl DigestCause {
    /// All causes, in the order in which an alert meets them.
    pub const ALL: [Self; 4] = [Self::Collected, Self::QuietHours, Self::RateCap, Self::Budget];

    /// The name in the contract.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Budget => "budget",
            Self::RateCap => "rate_cap",
            Self::QuietHours => "quiet_hours",
            Self::Collected => "collected",
        }
    }
}

/// An alert in a digest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DigestEntry {
    /// Id that the alert would have had.
    pub id: AlertId,
    /// What happened.
    #[serde(rename = "type")]
    pub alert_type: AlertType,
    /// When the desk knew.
    #[schemars(with = "String")]
    pub time: Timestamp,
    /// How urgent: 0 to 100.
    pub priority: u8,
    /// The claim.
    pub claim: Option<ClaimId>,
    /// Its thread.
    pub thread: Option<ThreadId>,
    /// Other claims of its story or group that would have ridden in it.
    #[serde(default)]
    pub also: Vec<ClaimId>,
    /// Who.
    pub speaker: Option<String>,
    /// What is alleged or denied, verbatim.
    pub content: Option<String>,
    /// The document's headline.
    pub headline: Option<String>,
    /// Who publishes it.
    pub outlet: Option<String>,
    /// Its address.
    pub url: Option<String>,
    /// The speaker's role; this and the next two stand in digests of sinks that collect.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<String>,
    /// The sentence that shows it, verbatim, or the beginning of a long one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sentence: Option<String>,
    /// Outlets that carry it, the first ten.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub outlets: Vec<String>,
    /// In a sentence, why it was an alert.
    pub why: String,
}

impl Alert {
    /// An alert that is about nothing yet.
    pub fn new(id: AlertId, alert_type: AlertType, time: Timestamp, priority: Priority, why: String) -> Self {
        Self {
            schema_version: SCHEMA_VERSION,
            id,
            alert_type,
            time,
            priority,
            claim: None,
            evidence: None,
            document: None,
            story: None,
            thread: None,
            answers: Vec::new(),
            also: Vec::new(),
            feed: None,
            sink: None,
            digest: None,
            rules: Vec::new(),
            watched: Vec::new(),
            why,
        }
    }
}

/// How urgent an alert is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Priority {
    /// 0 to 100.
    #[schemars(range(min = 0, max = 100))]
    pub score: u8,
    /// What made it so, in words.
    pub reasons: Vec<String>,
}

/// A claim as `gainsay extract` prints it, with its global id and what is known across documents.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct AlertClaim {
    /// The document of this wording.
    pub document: DocumentId,
    /// Global id, fixed at first sight.
    pub id: ClaimId,
    /// Kind of act.
    pub kind: Kind,
    /// The words that show the act.
    pub cue: Quote,
    /// The words naming who said it.
    pub source: Option<Quote>,
    /// Who, resolved.
    pub speaker: Option<ClaimSpeaker>,
    /// What is alleged or denied.
    pub content: Vec<Quote>,
    /// The accused party.
    pub target: Option<String>,
    /// What the allegation rests on.
    pub basis: Option<Basis>,
    /// Global ids of the allegations that it answers.
    pub answers: Vec<ClaimId>,
    /// An old act, retold.
    pub background: bool,
    /// 0 to 1.
    pub confidence: f64,
    /// The sentence of the cue, as offsets.
    pub sentence: Offsets,
    /// ISO 639-3.
    pub language: String,
    /// Rises when a correction changes it.
    pub revision: u32,
    /// The revision that this one takes the place of.
    pub supersedes: Option<u32>,
}

/// A verbatim piece of a document; offsets are Unicode code points into its text, half-open.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Quote {
    /// The words.
    pub text: String,
    /// First code point.
    pub start: usize,
    /// One past the last.
    pub end: usize,
}

/// A half-open range of Unicode code points.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Offsets {
    /// First code point.
    pub start: usize,
    /// One past the last.
    pub end: usize,
}

/// A resolved speaker.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ClaimSpeaker {
    /// The fullest name or description.
    pub name: String,
    /// Office or description.
    pub role: Option<String>,
    /// Through whom the words came.
    pub via: Option<String>,
}

/// A claim as `gainsay extract` prints it, one JSON object a line.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ExtractedClaim {
    /// The id of the document as given.
    pub document: String,
    /// `c1`, `c2`, … unique in the document.
    pub id: String,
    /// Kind of act.
    pub kind: Kind,
    /// The words that show the act.
    pub cue: Quote,
    /// The words naming who said it; null where the sentence names nobody.
    pub source: Option<Quote>,
    /// Who, resolved; null where unknown.
    pub speaker: Option<ClaimSpeaker>,
    /// What is alleged or denied.
    pub content: Vec<Quote>,
    /// The accused party; allegations only.
    pub target: Option<String>,
    /// What the allegation rests on; allegations only.
    pub basis: Option<Basis>,
    /// Ids of the allegations of this document that it answers.
    pub answers: Vec<String>,
    /// An old act, retold.
    pub background: bool,
    /// 0 to 1.
    pub confidence: f64,
    /// The sentence of the cue, as offsets.
    pub sentence: Offsets,
}

/// A sentence as `gainsay extract --explain` prints it, one JSON object a line.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ExplainedSentence {
    /// The id of the document as given.
    pub document: String,
    /// The sentence.
    pub sentence: Quote,
    /// How likely the screen thinks that it holds a claim, 0 to 1.
    pub screen: f64,
    /// Whether the judge read it.
    pub judged: bool,
    /// The acts that were weighed.
    pub weighed: Vec<ExplainedAct>,
}

/// An act that was weighed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ExplainedAct {
    /// The likeliest kind.
    pub kind: Kind,
    /// The words that may show it.
    pub cue: Quote,
    /// How likely these words show such an act, as the judge sees it, 0 to 1.
    pub words: f64,
    /// How likely the sentence holds such an act, as the judge sees it, 0 to 1.
    pub whole: f64,
    /// What made it known beforehand: `wording`, `silence` or `own`.
    pub given: Option<String>,
    /// How likely it is after all, 0 to 1.
    pub confidence: f64,
    /// `claim`, or why it is none: `unlikely`, `never` (the config says so), `empty` (it names neither whom it accuses nor of what) or `cut` (the
    /// document holds too many).
    pub verdict: String,
}

/// One line of `gainsay stories`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct StoryLine {
    /// The id of the document as given.
    pub document: String,
    /// The story that it belongs to.
    pub story: StoryId,
    /// The story's revision when it came.
    pub revision: u32,
}

/// The verbatim words around a claim.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Evidence {
    /// The sentence that holds the cue.
    pub sentence: String,
    /// The sentence before.
    pub before: String,
    /// The sentence after.
    pub after: String,
}

/// Where a claim was read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AlertDocument {
    /// Which document.
    pub id: DocumentId,
    /// Its address.
    pub url: Option<String>,
    /// Its headline.
    pub headline: String,
    /// Who publishes it.
    pub outlet: String,
    /// The wire service that wrote it.
    pub agency: Option<String>,
    /// Who passed it on.
    pub via: Option<String>,
    /// When its publisher says it was published.
    #[schemars(with = "Option<String>")]
    pub published: Option<Timestamp>,
    /// When gainsay first saw it.
    #[schemars(with = "String")]
    pub first_seen: Timestamp,
    /// Not to be published before.
    #[schemars(with = "Option<String>")]
    pub embargo_until: Option<Timestamp>,
    /// What its publisher files it under.
    #[serde(default)]
    pub topics: Vec<String>,
}

/// The story behind an alert.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AlertStory {
    /// Which story.
    pub id: StoryId,
    /// Its revision.
    pub revision: u32,
    /// Outlets that carry it so far.
    pub outlets: Vec<String>,
    /// Copies so far.
    pub copies: u32,
}

/// What a respondent says in a thread.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Stance {
    /// It is not true.
    Denied,
    /// It is true.
    Confirmed,
    /// Part of it is true.
    PartlyConfirmed,
    /// Will or can not say.
    NoComment,
    /// Took its own claim back.
    Retracted,
}

/// One respondent's stance.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct StanceEntry {
    /// Who.
    pub respondent: String,
    /// What they say now.
    pub stance: Stance,
    /// The claim that says so.
    pub claim: ClaimId,
}

/// The thread behind an alert.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AlertThread {
    /// Which thread.
    pub id: ThreadId,
    /// Rises by one with each event of the thread.
    pub sequence: u64,
    /// Where it stands.
    pub state: ThreadState,
    /// What is alleged; empty where that is known by a document alone that is under an embargo.
    pub proposition: String,
    /// One stance per respondent.
    pub stances: Vec<StanceEntry>,
    /// Outlets disagree on the same speech act.
    pub contradiction: bool,
}

/// An allegation that a claim answers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct AlertAnswer {
    /// Which claim.
    pub claim: ClaimId,
    /// Who made it; null while that document is under an embargo, too.
    pub speaker: Option<String>,
    /// What it says; empty while its document is under an embargo.
    pub proposition: String,
    /// How it was found.
    pub link: Link,
}

/// How sure a link between an answer and its allegation is, and why it was made.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Link {
    /// 0 to 1.
    pub score: f64,
    /// In words.
    pub reason: String,
}

/// The sink behind a `sink.*` alert, which is never sent to itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SinkAlert {
    /// Its name in the config.
    pub name: String,
    /// Since when its endpoint does so.
    #[schemars(with = "String")]
    pub since: Timestamp,
    /// What is wrong, in words; empty when nothing is any more.
    pub detail: String,
}

/// The feed behind a `feed.*` alert.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FeedAlert {
    /// Which feed.
    pub id: FeedId,
    /// Its outlet.
    pub outlet: String,
    /// Its address; without user and password, with `…` for the values of its query.
    pub url: String,
    /// Number of the incident, counted per feed.
    pub incident: u64,
    /// What is wrong, in words.
    pub detail: String,
}
