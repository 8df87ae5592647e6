//! How urgent an event is, with the reasons in words.

use crate::model::{AlertType, ClaimEvent, Event, Priority, Subject};

/// Words that make a speaker senior; see the file.
const SENIOR_ROLES: &str = include_str!("../../config/lexicon/senior_roles.txt");

/// Somebody asked for this name: as much as a senior speaker, and less than lies between most types of alerts and the next.
const WATCHED: i32 = 10;
/// Somebody asked for this very matter.
const FOLLOWED: i32 = 15;

/// Scores an event from 0 to 100: its type gives the base, what is known about speaker, thread and story adds to it, and that
/// names on a watch list are in it, once however many.
pub(super) fn priority(event: &Event, watched: &[String]) -> Priority {
    let mut reasons = Vec::new();
    let mut score = base(event.alert_type);
    if let Subject::Claim(claim) = &event.subject {
        score += add_reasons(claim, &mut reasons);
    }
    if !watched.is_empty() {
        score += WATCHED;
        reasons.push(format!("on a watch list: {}", watched.join(", ")));
    }
    Priority { score: u8::try_from(score.clamp(0, 100)).unwrap_or(100), reasons }
}

fn base(alert_type: AlertType) -> i32 {
    match alert_type {
        AlertType::ClaimWithdrawn | AlertType::ThreadContradiction => 70,
        AlertType::ClaimRevised | AlertType::ThreadClosed | AlertType::ClaimRetracted => 60,
        AlertType::DenialNew | AlertType::ClaimConfirmed => 50,
        AlertType::AllegationNew | AlertType::FeedFailing | AlertType::FeedGone => 40,
        AlertType::ThreadLinked | AlertType::FeedEmpty | AlertType::FeedStale => 35,
        AlertType::ClaimNoComment | AlertType::FeedMoved | AlertType::FeedRecovered | AlertType::Digest => 25,
    }
}

fn add_reasons(claim: &ClaimEvent, reasons: &mut Vec<String>) -> i32 {
    let mut score = 0;
    let mut add = |points: i32, reason: String| {
        score += points;
        reasons.push(reason);
    };
    if claim.is_first_answer {
        add(10, "first answer".to_owned());
    }
    if claim.is_cross_document {
        add(5, "answers across documents".to_owned());
    }
    if let Some(role) = senior_role(claim) {
        add(10, role.to_owned());
    }
    let outlets = claim.story.outlets.len();
    if outlets > 1 {
        add(i32::try_from(outlets.min(5)).unwrap_or(5) * 2, format!("{outlets} outlets"));
    }
    if claim.thread.contradiction {
        add(5, "outlets disagree".to_owned());
    }
    if claim.is_followed {
        add(FOLLOWED, "followed".to_owned());
    }
    if claim.report.claim.confidence < 0.5 {
        add(-10, "extractor unsure".to_owned());
    }
    score
}

/// The first senior role that the speaker's name or role holds as whole words.
fn senior_role(claim: &ClaimEvent) -> Option<&'static str> {
    let speaker = claim.report.claim.speaker.as_ref()?;
    let words = format!(" {} {} ", speaker.name, speaker.role.as_deref().unwrap_or_default()).to_lowercase();
    let words: String = words.chars().map(|c| if c.is_alphanumeric() || c == '-' { c } else { ' ' }).collect();
    SENIOR_ROLES
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .find(|role| words.contains(&format!(" {role} ")))
}
