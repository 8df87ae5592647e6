//! Alerts as lines for a person: what happened, who said it about what in which words, what it answers, who carries it.

use anstyle::{AnsiColor, Style};

use super::screen::{BOLD, DIM, Piece, wrapped};
use crate::model::{Alert, AlertAnswer, AlertClaim, AlertType, ClaimSpeaker, Evidence, Kind, Stance, StanceEntry};

/// Columns before the texts.
const INDENT: usize = 13;

/// The alert as coloured lines of at most `width` columns.
pub(super) fn drawing(alert: &Alert, width: usize) -> String {
    let colour = colour(alert.alert_type);
    let priority = format!("  priority {}", alert.priority.score);
    let reasons = alert.priority.reasons.join(", ");
    let name = alert.alert_type.as_str();
    let mut lines = vec![wrapped(
        &[(colour.bold(), name), (BOLD, &priority), (DIM, if reasons.is_empty() { "" } else { ": " }), (DIM, &reasons)],
        &format!("\n{colour}●{colour:#} "),
        2,
        width,
    )];
    let mut row = |label: &str, pieces: &[Piece<'_>]| {
        lines.push(wrapped(pieces, &format!("  {DIM}{label:<11}{DIM:#}"), INDENT, width));
    };
    let plain = Style::new();
    if let Some(feed) = &alert.feed {
        row("feed", &[(BOLD, &feed.outlet)]);
    }
    if let Some(claim) = &alert.claim {
        row("speaker", &[(BOLD, &claim.speaker.as_ref().map_or_else(|| "not named".to_owned(), speaker))]);
        row(verb(claim.kind), &[(plain, &content(claim))]);
    }
    if let (Some(claim), Some(evidence)) = (&alert.claim, &alert.evidence) {
        row("evidence", &around_cue(claim, evidence, colour));
    }
    for answer in &alert.answers {
        row("answers", &[(plain, &answered(answer)), (DIM, &format!(" ({})", answer.link.reason))]);
    }
    if let Some(thread) = &alert.thread
        && !thread.stances.is_empty()
    {
        let stances: Vec<String> = thread.stances.iter().map(stance).collect();
        row("thread", &[(plain, &stances.join(" · "))]);
    }
    if let Some(story) = &alert.story {
        row("outlets", &[(plain, &story.outlets.join(", "))]);
    }
    row("why", &[(DIM, &alert.why)]);
    lines.concat()
}

fn colour(alert_type: AlertType) -> Style {
    match alert_type {
        AlertType::AllegationNew => AnsiColor::Yellow,
        AlertType::DenialNew => AnsiColor::Red,
        AlertType::ClaimConfirmed => AnsiColor::Green,
        AlertType::ClaimRevised | AlertType::ClaimWithdrawn | AlertType::ClaimRetracted => AnsiColor::Magenta,
        AlertType::ThreadLinked | AlertType::ThreadContradiction | AlertType::ThreadClosed => AnsiColor::BrightRed,
        AlertType::ClaimNoComment => AnsiColor::Cyan,
        _ => AnsiColor::Blue,
    }
    .on_default()
}

/// The act as a label.
fn verb(kind: Kind) -> &'static str {
    match kind {
        Kind::Allegation => "alleges",
        Kind::Denial => "denies",
        Kind::Confirmation => "confirms",
        Kind::NoComment => "no comment",
        Kind::Retraction => "retracts",
        Kind::Statement => "says",
    }
}

fn speaker(speaker: &ClaimSpeaker) -> String {
    let role = speaker.role.iter().map(|role| format!(", {role}"));
    let via = speaker.via.iter().map(|via| format!(" (via {via})"));
    std::iter::once(speaker.name.clone()).chain(role).chain(via).collect()
}

fn content(claim: &AlertClaim) -> String {
    let pieces: Vec<&str> = claim.content.iter().map(|quote| quote.text.as_str()).collect();
    let against = claim.target.as_ref().map(|target| format!("  (against {target})")).unwrap_or_default();
    format!("{}{against}", pieces.join(" … "))
}

/// The sentence with its cue in colour. Offsets count in code points.
fn around_cue<'a>(claim: &'a AlertClaim, evidence: &'a Evidence, colour: Style) -> Vec<Piece<'a>> {
    let sentence = evidence.sentence.as_str();
    let at = claim.cue.start.checked_sub(claim.sentence.start).and_then(|characters| {
        let (byte, _) = sentence.char_indices().nth(characters)?;
        sentence.get(byte..)?.starts_with(&claim.cue.text).then_some(byte)
    });
    let split = at.and_then(|byte| Some((sentence.get(..byte)?, sentence.get(byte + claim.cue.text.len()..)?)));
    match split {
        Some((before, after)) => {
            vec![(Style::new(), before), (colour.bold().underline(), &claim.cue.text), (Style::new(), after)]
        }
        None => vec![(Style::new(), sentence)],
    }
}

fn answered(answer: &AlertAnswer) -> String {
    format!("{}: {}", answer.speaker.as_deref().unwrap_or("unnamed"), answer.proposition)
}

fn stance(entry: &StanceEntry) -> String {
    let what = match entry.stance {
        Stance::Denied => "denies",
        Stance::Confirmed => "confirms",
        Stance::PartlyConfirmed => "confirms in part",
        Stance::NoComment => "no comment",
        Stance::Retracted => "retracts",
    };
    format!("{}: {what}", entry.respondent)
}
