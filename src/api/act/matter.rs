//! What a signed link is about, as the database has it now, and what of it its reader may choose.

use std::collections::BTreeSet;

use axum::http::StatusCode;
use jiff::{SignedDuration, Timestamp};

use super::super::problem::Problem;
use super::BY_LINK;
use crate::model::{ClaimId, ClaimRecord, Feedback, FeedbackAct, FeedbackState, Kind, ThreadRecord};
use crate::store::View;
use crate::template::{LinkAct, Permit, one_line};

/// Allegations of a claim that a page shows.
const ANSWERS_MAX: usize = 10;
/// What links may say of one thing within an hour: whoever reads a message can use its links, and each correction is an alert.
const SAID_MAX: usize = 30;
const SAID_WITHIN: SignedDuration = SignedDuration::from_hours(1);
/// Characters of a name.
const NAME_CHARACTERS_MAX: usize = 200;

/// Why a link does nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum Refusal {
    /// It is of a test alert, or what it is about was forgotten.
    #[error(
        "The claim and its thread are not known: they have left the window of what is remembered, or the message was a test."
    )]
    Unknown,
    /// The form says nothing that the link permits.
    #[error("Choose what is to be done, and send the form again.")]
    NoChoice,
    /// No correction.
    #[error("The claim stands as {0} already: choose what it should be.")]
    SameKind(&'static str),
    /// No name.
    #[error("A name has letters or digits, and at most 200 characters; leave it empty where nobody is named.")]
    NoName,
    /// Somebody plays with it, or two disagree.
    #[error(
        "The links of messages have changed this {SAID_MAX} times within an hour. Wait, or do it on the page or by a command."
    )]
    TooOften,
}

impl Refusal {
    pub(super) fn status(&self) -> StatusCode {
        match self {
            Self::Unknown => StatusCode::NOT_FOUND,
            Self::NoChoice | Self::SameKind(_) | Self::NoName => StatusCode::UNPROCESSABLE_ENTITY,
            Self::TooOften => StatusCode::TOO_MANY_REQUESTS,
        }
    }

    pub(super) fn heading(&self) -> &'static str {
        match self {
            Self::Unknown => "This is no longer known",
            Self::NoChoice | Self::SameKind(_) | Self::NoName | Self::TooOften => "Nothing was done",
        }
    }
}

/// What a link is about.
pub(super) struct Matter {
    pub(super) act: LinkAct,
    pub(super) thread: Option<ThreadRecord>,
    pub(super) claim: Option<ClaimRecord>,
    /// What the claim answers.
    pub(super) answers: Vec<ClaimRecord>,
    pub(super) is_followed: bool,
    pub(super) is_muted: bool,
    /// What the speaker says is muted.
    pub(super) is_speaker_muted: bool,
}

impl Matter {
    /// Looks it up. Where the thread is one with another by now, it is that of the claim. What is under an embargo at `now` is not shown.
    pub(super) fn of(view: &View, permit: &Permit, now: Timestamp) -> Result<Result<Self, Refusal>, Problem> {
        let claim = permit.claim.map(|claim| view.claim(claim)).transpose()?.flatten();
        let mut thread = permit.thread.map(|thread| view.thread(thread)).transpose()?.flatten();
        if let (None, Some(claim)) = (&thread, &claim) {
            thread = view.thread(claim.thread)?;
        }
        let is_known = if permit.act == LinkAct::Wrong { claim.is_some() } else { thread.is_some() };
        if !is_known {
            return Ok(Err(Refusal::Unknown));
        }
        let mut answers = Vec::new();
        for allegation in claim.iter().flat_map(|claim| &claim.answers).take(ANSWERS_MAX) {
            let found = view.claim(*allegation)?;
            answers.extend(found.filter(|claim| claim.report.document.embargo_until <= Some(now)));
        }
        let mut matter = Self {
            act: permit.act,
            is_followed: thread.as_ref().is_some_and(|thread| thread.is_followed),
            is_muted: thread.as_ref().is_some_and(|thread| thread.is_muted),
            is_speaker_muted: false,
            thread,
            claim,
            answers,
        };
        matter.heed_pending(view)?;
        Ok(Ok(matter))
    }

    /// What users have said that the desk has not taken in yet.
    fn heed_pending(&mut self, view: &View) -> Result<(), Problem> {
        if let Some(thread) = self.thread.as_ref().map(|thread| thread.id) {
            for line in view.feedback_about(&thread.to_string())?.into_iter().rev() {
                match line.feedback.act {
                    _ if line.state == FeedbackState::Applied => {}
                    FeedbackAct::Follow { thread: of } if of == thread => self.is_followed = true,
                    FeedbackAct::Unfollow { thread: of } if of == thread => self.is_followed = false,
                    FeedbackAct::Mute { thread: of } if of == thread => self.is_muted = true,
                    FeedbackAct::Unmute { thread: of } if of == thread => self.is_muted = false,
                    _ => {}
                }
            }
        }
        if let Some(name) = self.speaker().map(str::to_owned) {
            let last = view.feedback_about(&name)?.into_iter().map(|line| line.feedback.act);
            let mut last = last.filter(|act| act.muted_speaker() == Some(name.as_str()));
            self.is_speaker_muted = matches!(last.next(), Some(FeedbackAct::MuteSpeaker { .. }));
        }
        Ok(())
    }

    /// The name of the claim's speaker, where it is one that can be muted.
    pub(super) fn speaker(&self) -> Option<&str> {
        let speaker = self.claim.as_ref()?.speaker.as_ref()?;
        Some(speaker.name.as_str()).filter(|name| is_name(name))
    }

    /// What the reader of the page chose.
    pub(super) fn choice(&self, form: &[(String, String)]) -> Result<FeedbackAct, Refusal> {
        let field = |name: &str| form.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
        let wanted = field("do").unwrap_or_default();
        if self.act == LinkAct::Wrong {
            return self.correction(wanted, field("kind"), field("speaker"));
        }
        let thread = self.thread.as_ref().map(|thread| thread.id).ok_or(Refusal::Unknown)?;
        let speaker = || self.speaker().map(str::to_owned).ok_or(Refusal::NoChoice);
        match (self.act, wanted) {
            (LinkAct::Follow, "follow") => Ok(FeedbackAct::Follow { thread }),
            (LinkAct::Follow, "unfollow") => Ok(FeedbackAct::Unfollow { thread }),
            (LinkAct::Mute, "mute") => Ok(FeedbackAct::Mute { thread }),
            (LinkAct::Mute, "unmute") => Ok(FeedbackAct::Unmute { thread }),
            (LinkAct::Mute, "mute_speaker") => Ok(FeedbackAct::MuteSpeaker { speaker: speaker()? }),
            (LinkAct::Mute, "unmute_speaker") => Ok(FeedbackAct::UnmuteSpeaker { speaker: speaker()? }),
            _ => Err(Refusal::NoChoice),
        }
    }

    fn correction(&self, wanted: &str, kind: Option<&str>, speaker: Option<&str>) -> Result<FeedbackAct, Refusal> {
        let known = self.claim.as_ref().ok_or(Refusal::Unknown)?;
        let claim = known.id;
        match wanted {
            "no_claim" => Ok(FeedbackAct::WrongKind { claim, kind: None }),
            "kind" => {
                let kind = KINDS.into_iter().find(|of| Some(of.as_str()) == kind).ok_or(Refusal::NoChoice)?;
                if kind == known.kind && !known.is_no_claim() {
                    return Err(Refusal::SameKind(kind.as_str()));
                }
                Ok(FeedbackAct::WrongKind { claim, kind: Some(kind) })
            }
            "speaker" => {
                let name = one_line(speaker.unwrap_or_default());
                if name.chars().count() > NAME_CHARACTERS_MAX || !name.is_empty() && !is_name(&name) {
                    return Err(Refusal::NoName);
                }
                Ok(FeedbackAct::WrongSpeaker { claim, speaker: Some(name).filter(|name| !name.is_empty()) })
            }
            _ => {
                let allegation: Option<ClaimId> = wanted.strip_prefix("link_").and_then(|id| id.parse().ok());
                let allegation = allegation.filter(|id| self.answers.iter().any(|answer| answer.id == *id));
                Ok(FeedbackAct::WrongLink { claim, allegation: allegation.ok_or(Refusal::NoChoice)? })
            }
        }
    }

    /// Whether links have said much of it lately: of its claim, its thread or its speaker.
    pub(super) fn is_worn_out(&self, view: &View, now: Timestamp) -> Result<bool, Problem> {
        let since = now.saturating_sub(SAID_WITHIN).unwrap_or(Timestamp::MIN);
        let thread = self.thread.as_ref().map(|thread| thread.id.to_string());
        let claim = self.claim.as_ref().map(|claim| claim.id.to_string());
        let mut said = BTreeSet::new();
        for name in thread.into_iter().chain(claim).chain(self.speaker().map(str::to_owned)) {
            let lines = view.feedback_about(&name)?.into_iter().map(|line| line.feedback);
            let by_link = |said: &Feedback| said.by.as_deref().is_some_and(|by| by.starts_with(BY_LINK));
            said.extend(lines.filter(|said| by_link(said) && said.time >= since).map(|said| said.id));
        }
        Ok(said.len() >= SAID_MAX)
    }

    /// Whether that is so already: nobody has said anything else since.
    pub(super) fn is_done(&self, view: &View, act: &FeedbackAct) -> Result<bool, Problem> {
        Ok(match act {
            FeedbackAct::Follow { .. } => self.is_followed,
            FeedbackAct::Unfollow { .. } => !self.is_followed,
            FeedbackAct::Mute { .. } => self.is_muted,
            FeedbackAct::Unmute { .. } => !self.is_muted,
            FeedbackAct::MuteSpeaker { .. } => self.is_speaker_muted,
            FeedbackAct::UnmuteSpeaker { .. } => !self.is_speaker_muted,
            _ => {
                let Some(claim) = self.claim.as_ref().map(|claim| claim.id.to_string()) else { return Ok(false) };
                let mut said = view.feedback_about(&claim)?.into_iter().map(|line| line.feedback.act);
                said.find(|said| is_of_one(said, act)).is_some_and(|last| last == *act)
            }
        })
    }
}

/// The desk knows nobody by marks alone.
fn is_name(text: &str) -> bool {
    text.chars().any(char::is_alphanumeric)
}

/// The kinds that a claim may be of.
pub(super) const KINDS: [Kind; 5] =
    [Kind::Allegation, Kind::Denial, Kind::Confirmation, Kind::NoComment, Kind::Retraction];

/// Whether the later of two corrections takes the place of the earlier.
fn is_of_one(one: &FeedbackAct, other: &FeedbackAct) -> bool {
    use FeedbackAct::{RightLink, WrongKind, WrongLink, WrongSpeaker};
    match (one, other) {
        (WrongKind { claim: one, .. }, WrongKind { claim: other, .. })
        | (WrongSpeaker { claim: one, .. }, WrongSpeaker { claim: other, .. }) => one == other,
        (
            WrongLink { claim, allegation } | RightLink { claim, allegation },
            WrongLink { claim: of, allegation: to } | RightLink { claim: of, allegation: to },
        ) => claim == of && allegation == to,
        _ => false,
    }
}
