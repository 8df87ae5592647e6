//! How urgent an event is, with the reasons in words.

use super::facts::{ClaimFacts, Facts};
use super::rules::Reasons;
use crate::model::{AlertType, Priority};

/// Words that make a speaker senior; see the file.
const SENIOR_ROLES: &str = include_str!("../../config/lexicon/senior_roles.txt");

/// Somebody asked for this name: as much as a senior speaker, and less than lies between most types of alerts and the next.
const WATCHED: i32 = 10;
/// Somebody asked for this very matter.
const FOLLOWED: i32 = 15;

/// What an event is worth by itself, before anybody's rules and watch lists.
#[derive(Debug, Default)]
pub(super) struct Worth {
    /// 0 to 100 in the end; here it may lie outside.
    score: i32,
    /// What made it so, in words.
    reasons: Vec<String>,
}

impl Worth {
    /// The type of an event gives the base, what is known about speaker, thread and story adds to it.
    pub(super) fn of(facts: &Facts<'_>) -> Self {
        let mut worth = Self { score: base(facts.alert_type), reasons: Vec::new() };
        if let Some(claim) = &facts.claim {
            worth.add_reasons(claim);
        }
        worth
    }

    fn add(&mut self, points: i32, reason: impl Into<String>) {
        self.score += points;
        self.reasons.push(reason.into());
    }

    fn add_reasons(&mut self, claim: &ClaimFacts<'_>) {
        if claim.is_first_answer {
            self.add(10, "first answer");
        }
        if claim.is_cross_document {
            self.add(5, "answers across documents");
        }
        if let Some(role) = senior_role(claim) {
            self.add(10, role);
        }
        if claim.outlets > 1 {
            self.add(i32::try_from(claim.outlets.min(5)).unwrap_or(5) * 2, format!("{} outlets", claim.outlets));
        }
        if claim.is_contradicted {
            self.add(5, "outlets disagree");
        }
        if claim.is_followed {
            self.add(FOLLOWED, "followed");
        }
        if claim.report.claim.confidence < 0.5 {
            self.add(-10, "extractor unsure");
        }
    }

    /// From 0 to 100.
    pub(super) fn score(&self) -> u8 {
        clamped(self.score)
    }

    /// The score as one rule alone makes it.
    pub(super) fn raised(&self, is_watched: bool, by_rule: i8) -> u8 {
        clamped(self.score + if is_watched { WATCHED } else { 0 } + i32::from(by_rule))
    }

    /// The priority of an alert: names on watch lists add to it, once however many, and each of the rules by which it goes out what it
    /// says.
    pub(super) fn priority(&self, reasons: &Reasons<'_>) -> Priority {
        let mut worth = Self { score: self.score, reasons: self.reasons.clone() };
        if !reasons.watched.is_empty() {
            worth.add(WATCHED, format!("on a watch list: {}", reasons.watched.join(", ")));
        }
        for (rule, points) in &reasons.priorities {
            worth.add(i32::from(*points), format!("rule {rule}"));
        }
        for (rule, error) in &reasons.failures {
            worth.add(0, format!("rule {rule}: its `when` failed, so it lets this through: {error}"));
        }
        Priority { score: worth.score(), reasons: worth.reasons }
    }
}

fn clamped(score: i32) -> u8 {
    u8::try_from(score.clamp(0, 100)).unwrap_or(100)
}

fn base(alert_type: AlertType) -> i32 {
    match alert_type {
        AlertType::ClaimWithdrawn | AlertType::ThreadContradiction => 70,
        AlertType::ClaimRevised | AlertType::ThreadClosed | AlertType::ClaimRetracted | AlertType::SinkDisabled => 60,
        AlertType::DenialNew | AlertType::ClaimConfirmed | AlertType::SinkFailing => 50,
        AlertType::AllegationNew | AlertType::FeedFailing | AlertType::FeedGone => 40,
        AlertType::ThreadLinked | AlertType::FeedEmpty | AlertType::FeedStale => 35,
        AlertType::ClaimNoComment
        | AlertType::FeedMoved
        | AlertType::FeedRecovered
        | AlertType::SinkRecovered
        | AlertType::Digest => 25,
    }
}

/// The first senior role that the speaker's name or role holds as whole words.
fn senior_role(claim: &ClaimFacts<'_>) -> Option<&'static str> {
    let speaker = claim.report.claim.speaker.as_ref()?;
    let words = format!(" {} {} ", speaker.name, speaker.role.as_deref().unwrap_or_default()).to_lowercase();
    let words: String = words.chars().map(|c| if c.is_alphanumeric() || c == '-' { c } else { ' ' }).collect();
    SENIOR_ROLES
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .find(|role| words.contains(&format!(" {role} ")))
}
