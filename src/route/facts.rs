//! What rules judge by: the same for an event on its way and for a claim that `explain` looks at.

use crate::model::{AlertType, Event, Report, Subject, ThreadState};
use crate::rule::Known;

/// What rules judge of something that happened.
#[derive(Debug, Clone)]
pub struct Facts<'a> {
    /// What happened.
    pub alert_type: AlertType,
    /// The outlet of the document or feed; empty of a sink.
    pub outlet: &'a str,
    /// The claim; an incident of a feed or sink has none.
    pub claim: Option<ClaimFacts<'a>>,
}

/// What rules judge of a claim.
#[derive(Debug, Clone)]
pub struct ClaimFacts<'a> {
    /// How it was reported.
    pub report: &'a Report,
    /// How the claims that it answers were, and others of its thread.
    pub related: Vec<&'a Report>,
    /// What its thread is about.
    pub matter: &'a str,
    /// For whom the speaker speaks.
    pub affiliation: Option<&'a str>,
    /// Outlets that carry the story.
    pub outlets: usize,
    /// Copies of the story.
    pub copies: u32,
    /// Where the thread stands.
    pub state: ThreadState,
    /// Outlets disagree on the same speech act.
    pub is_contradicted: bool,
    /// A user follows its thread.
    pub is_followed: bool,
    /// The thread had no answer before.
    pub is_first_answer: bool,
    /// It answers, or is answered by, a claim of another document.
    pub is_cross_document: bool,
}

impl<'a> From<&'a Event> for Facts<'a> {
    fn from(event: &'a Event) -> Self {
        let alert_type = event.alert_type;
        match &event.subject {
            Subject::Feed(feed) => Self { alert_type, outlet: &feed.outlet, claim: None },
            Subject::Sink(_) => Self { alert_type, outlet: "", claim: None },
            Subject::Claim(claim) => {
                let facts = ClaimFacts {
                    report: &claim.report,
                    related: claim.related.iter().collect(),
                    matter: &claim.thread.proposition,
                    affiliation: claim.affiliation.as_deref(),
                    outlets: claim.story.outlets.len(),
                    copies: claim.story.copies,
                    state: claim.thread.state,
                    is_contradicted: claim.thread.contradiction,
                    is_followed: claim.is_followed,
                    is_first_answer: claim.is_first_answer,
                    is_cross_document: claim.is_cross_document,
                };
                Self { alert_type, outlet: &claim.report.document.outlet, claim: Some(facts) }
            }
        }
    }
}

impl<'a> ClaimFacts<'a> {
    /// What a filter expression can ask about.
    pub(super) fn known(&'a self, alert_type: AlertType, score: u8, watched: &'a [String]) -> Known<'a> {
        let (claim, document) = (&self.report.claim, &self.report.document);
        let speaker = claim.speaker.as_ref();
        let content: Vec<&str> = claim.content.iter().map(|quote| quote.text.as_str()).collect();
        Known {
            alert_type: alert_type.as_str(),
            kind: claim.kind.as_str(),
            speaker: speaker.map_or("", |speaker| &speaker.name),
            role: speaker.and_then(|speaker| speaker.role.as_deref()).unwrap_or_default(),
            affiliation: self.affiliation.unwrap_or_default(),
            via: speaker.and_then(|speaker| speaker.via.as_deref()).unwrap_or_default(),
            target: claim.target.as_deref().unwrap_or_default(),
            basis: claim.basis.map_or("", |basis| basis.as_str()),
            content: content.join(" … "),
            sentence: &self.report.evidence.sentence,
            headline: &document.headline,
            outlet: &document.outlet,
            agency: document.agency.as_deref().unwrap_or_default(),
            language: &claim.language,
            url: document.url.as_deref().unwrap_or_default(),
            confidence: claim.confidence,
            is_background: claim.background,
            outlets: i64::try_from(self.outlets).unwrap_or(i64::MAX),
            copies: i64::from(self.copies),
            state: self.state.as_str(),
            is_first_answer: self.is_first_answer,
            is_cross_document: self.is_cross_document,
            is_contradicted: self.is_contradicted,
            score: i64::from(score),
            watched,
            topics: &document.topics,
        }
    }
}
