//! `Event`: a change of a claim thread or of a feed's health that may be worth an alert; made by `pipeline::step`, read
//! by `route`.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::{
    AlertAnswer, AlertStory, AlertThread, AlertType, AlertedAs, ClaimId, FeedAlert, KnownClaim, Report, SinkAlert,
};

/// Claims of a thread that say what another one of it is about, beside those that this one answers: a bound for hostile text.
const THREAD_CLAIMS_MAX: usize = 32;

/// Something that happened, before rules and priority.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// What happened.
    pub alert_type: AlertType,
    /// The desk's time.
    pub time: Timestamp,
    /// In a sentence, why it is an event.
    pub why: String,
    /// What it happened to.
    pub subject: Subject,
}

/// What an event is about.
#[derive(Debug, Clone, PartialEq)]
pub enum Subject {
    /// A claim and its thread.
    Claim(Box<ClaimEvent>),
    /// A feed.
    Feed(FeedAlert),
    /// The endpoint of a sink.
    Sink(SinkAlert),
}

/// A claim's part of an event, with its story and thread as they stand after the step.
#[derive(Debug, Clone, PartialEq)]
pub struct ClaimEvent {
    /// The claim as reported.
    pub report: Report,
    /// The country or organisation that the speaker speaks for.
    pub affiliation: Option<String>,
    /// The story that brought it.
    pub story: AlertStory,
    /// Its thread.
    pub thread: AlertThread,
    /// The allegations it answers.
    pub answers: Vec<AlertAnswer>,
    /// These, the ones it was known to answer before, and others of its thread, as reported: see [`related`].
    pub related: Vec<Report>,
    /// Sinks that were alerted of this claim before.
    pub alerted: BTreeMap<String, AlertedAs>,
    /// Sinks that were alerted of the same act as another claim of this story and thread told it: they need no second alert.
    pub told: BTreeSet<String>,
    /// Other claims of this document and thread, and those of this story and thread of which nobody was alerted as they tell such an
    /// act again.
    pub also: Vec<ClaimId>,
    /// A user follows the thread.
    pub is_followed: bool,
    /// The thread had no answer before.
    pub is_first_answer: bool,
    /// It answers, or is answered by, a claim of another document.
    pub is_cross_document: bool,
}

/// What says what the claim `own` is about: the claims that it answers, and the first of its thread. Who was alerted
/// of these is to hear of it, too.
pub fn related<'a>(
    own: ClaimId,
    answered: impl IntoIterator<Item = &'a KnownClaim>,
    thread: impl IntoIterator<Item = &'a KnownClaim>,
) -> impl Iterator<Item = &'a KnownClaim> {
    let mut found: Vec<&KnownClaim> = answered.into_iter().collect();
    let is_new = |one: &&KnownClaim| one.id != own && found.iter().all(|known| known.id != one.id);
    let mut others: Vec<&KnownClaim> = thread.into_iter().filter(is_new).collect();
    others.sort_by_key(|one| one.sequence);
    found.extend(others.into_iter().take(THREAD_CLAIMS_MAX));
    found.into_iter()
}
