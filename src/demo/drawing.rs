//! Alerts as lines for a person: what happened, who said it about what in which words, what it answers, who carries it.

use anstyle::{AnsiColor, Style};

use super::screen::{BOLD, DIM, Piece, wrapped};
use crate::model::{Alert, AlertAnswer, AlertClaim, AlertType, ClaimSpeaker, Evidence, Kind, Stance, StanceEntry};

/// Columns before the texts.
const INDENT: usize = 13;

/// The alert as coloured lines of at most `width` columns.
pub(super) fn drawing(alert: &Alert, width: usize) -> String {
    let colour = colour(alert.alert_type);
    let priority = format!(" priority {}", alert.priority.score);
    let reasons = alert.priority.reasons.join(", ");
    let reasons = if reasons.is_empty() { reasons } else { format!(": {reasons}") };
    let name = alert.alert_type.as_str();
    let mut lines = vec![wrapped(
        &[(colour.bold(), name), (BOLD, &priority), (DIM, &reasons)],
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
    if let Some(sink) = &alert.sink {
        row("sink", &[(BOLD, &sink.name)]);
    }
    if let Some(claim) = &alert.claim {
        row("speaker", &[(BOLD, &claim.speaker.as_ref().map_or_else(|| "not named".to_owned(), speaker))]);
        if !claim.content.is_empty() {
            row(verb(claim.kind), &[(plain, &content(claim))]);
        }
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

#[cfg(test)]
mod tests {
    use super::*;

    fn alert() -> Alert {
        let id = |digit: char| digit.to_string().repeat(32);
        let quote = |text: &str, start: usize| serde_json::json!({"text": text, "start": start, "end": start + text.chars().count()});
        serde_json::from_value(serde_json::json!({
            "schema_version": 1, "id": id('1'), "type": "denial.new", "time": "2024-10-31T08:00:00Z",
            "priority": {"score": 70, "reasons": ["first answer", "mayor"]},
            "claim": {
                "id": id('2'), "document": id('3'), "kind": "denial", "cue": quote("denied", 21), "source": null,
                "speaker": {"name": "Odile Franck", "role": "mayor", "via": null},
                "content": [quote("taking bribes", 28)], "target": null, "basis": null, "answers": [id('4')],
                "background": false, "confidence": 0.9, "sentence": {"start": 8, "end": 42}, "language": "eng",
                "revision": 1, "supersedes": null
            },
            "evidence": {"sentence": "Mayor Franck denied taking bribes.", "before": "", "after": ""},
            "document": null,
            "story": {"id": id('5'), "revision": 0, "outlets": ["Post", "Courier"], "copies": 2},
            "thread": {
                "id": id('6'), "sequence": 2, "state": "answered", "proposition": "taking bribes",
                "stances": [{"respondent": "Odile Franck", "stance": "denied", "claim": id('2')}], "contradiction": false
            },
            "answers": [{
                "claim": id('4'), "speaker": "prosecutors", "proposition": "taking bribes",
                "link": {"score": 0.9, "reason": "earlier document"}
            }],
            "also": [], "feed": null, "rules": ["everything"], "why": "denial: first answer in this thread"
        }))
        .unwrap()
    }

    #[test]
    fn an_alert_says_who_denies_what() {
        let drawn = drawing(&alert(), 60);
        let expected = "
● denial.new priority 70: first answer, mayor
  speaker    Odile Franck, mayor
  denies     taking bribes
  evidence   Mayor Franck denied taking bribes.
  answers    prosecutors: taking bribes (earlier document)
  thread     Odile Franck: denies
  outlets    Post, Courier
  why        denial: first answer in this thread
";
        assert_eq!(anstream::adapter::strip_str(&drawn).to_string(), expected);
        let cue = colour(AlertType::DenialNew).bold().underline();
        assert!(drawn.contains(&format!("{cue}denied{cue:#}")), "the cue stands out");
    }
}
