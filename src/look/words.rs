//! Claims, threads and alerts in words: what the commands that look at them say alike.

use std::fmt::Display;

use anstyle::{AnsiColor, Style};
use jiff::{SignedDuration, Timestamp};

use crate::model::{Alert, AlertClaim, ClaimRecord, ClaimSpeaker, Evidence, Kind, Stance, ThreadState};
use crate::terminal::Piece;

/// Digits of an id that tables show; as many as tell a few million things apart.
const SHORT: usize = 8;

/// The beginning of an id.
pub(crate) fn short(id: &impl Display) -> String {
    id.to_string().chars().take(SHORT).collect()
}

/// A moment to the minute, UTC.
pub(crate) fn minute(time: Timestamp) -> String {
    time.strftime("%Y-%m-%d %H:%M").to_string()
}

/// A moment to the second, UTC.
pub(super) fn second(time: Timestamp) -> String {
    time.strftime("%Y-%m-%d %H:%M:%S UTC").to_string()
}

/// A length of time in its two largest units.
pub(crate) fn duration(time: SignedDuration) -> String {
    let seconds = time.as_secs().max(0);
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3_600 % 24, seconds / 60 % 60);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{seconds} s"),
        (0, 0, _) => format!("{minutes} min"),
        (0, _, _) => format!("{hours} h {minutes} min"),
        _ => format!("{days} d {hours} h"),
    }
}

/// Colour of a kind.
pub(crate) fn kind_style(kind: Kind) -> Style {
    let colour = match kind {
        Kind::Allegation => AnsiColor::Yellow,
        Kind::Denial => AnsiColor::Red,
        Kind::Confirmation => AnsiColor::Green,
        Kind::NoComment => AnsiColor::Cyan,
        Kind::Retraction => AnsiColor::Magenta,
        Kind::Statement => return Style::new(),
    };
    colour.on_default()
}

/// A kind as what was done to what is said.
pub(crate) fn done(kind: Kind) -> &'static str {
    match kind {
        Kind::Allegation => "alleged",
        Kind::Denial => "denied",
        Kind::Confirmation => "confirmed",
        Kind::NoComment => "not commented on",
        Kind::Retraction => "taken back",
        Kind::Statement => "said",
    }
}

/// What a claim did to what is said; who was found not to have denied it did not deny.
pub(crate) fn act(record: &ClaimRecord) -> &'static str {
    if record.is_negated_denial { "not denied" } else { done(record.kind) }
}

/// Copies of a story, with their number.
pub(crate) fn copies(count: u32) -> String {
    if count == 1 { "1 copy".to_owned() } else { format!("{count} copies") }
}

/// A speaker with role and mouthpiece; one who is not named as that.
pub(crate) fn speaker(speaker: Option<&ClaimSpeaker>) -> String {
    let Some(speaker) = speaker else { return "somebody not named".to_owned() };
    let role = speaker.role.as_ref().map(|role| format!(", {role}")).unwrap_or_default();
    let via = speaker.via.as_ref().map(|via| format!(" (via {via})")).unwrap_or_default();
    format!("{}{role}{via}", speaker.name)
}

/// What a claim says, in its own words; those of its sentence where it has none.
pub(super) fn content(record: &ClaimRecord) -> &str {
    let text = record.proposition.text.as_str();
    if text.is_empty() { &record.report.evidence.sentence } else { text }
}

/// A claim in one line: who, what.
pub(super) fn claim_line(record: &ClaimRecord) -> String {
    format!("{} by {}: {}", act(record), speaker(record.report.claim.speaker.as_ref()), content(record))
}

/// The sentence with its cue in colour. Offsets count in code points.
pub(crate) fn around_cue<'a>(claim: &'a AlertClaim, evidence: &'a Evidence) -> Vec<Piece<'a>> {
    let sentence = evidence.sentence.as_str();
    let at = claim.cue.start.checked_sub(claim.sentence.start).and_then(|characters| {
        let (byte, _) = sentence.char_indices().nth(characters)?;
        sentence.get(byte..)?.starts_with(&claim.cue.text).then_some(byte)
    });
    let split = at.and_then(|byte| Some((sentence.get(..byte)?, sentence.get(byte + claim.cue.text.len()..)?)));
    let plain = Style::new();
    match split {
        Some((before, after)) => {
            vec![(plain, before), (kind_style(claim.kind).bold().underline(), &claim.cue.text), (plain, after)]
        }
        None => vec![(plain, sentence)],
    }
}

/// Where a thread stands, as the contract names it.
pub(crate) fn state(state: ThreadState) -> &'static str {
    match state {
        ThreadState::Alleged => "alleged",
        ThreadState::Answered => "answered",
        ThreadState::Contested => "contested",
        ThreadState::Confirmed => "confirmed",
        ThreadState::Withdrawn => "withdrawn",
        ThreadState::Closed => "closed",
    }
}

/// What a respondent does.
pub(crate) fn stance(stance: Stance) -> &'static str {
    match stance {
        Stance::Denied => "denies",
        Stance::Confirmed => "confirms",
        Stance::PartlyConfirmed => "confirms in part",
        Stance::NoComment => "does not comment",
        Stance::Retracted => "retracts",
    }
}

/// Outlets in a few words.
pub(crate) fn outlets(outlets: &[String]) -> String {
    match outlets {
        [] => String::new(),
        [only] => only.clone(),
        [first, rest @ ..] => format!("{first} +{}", rest.len()),
    }
}

/// The alert in the bytes that go to a sink, bare or in a webhook's envelope.
pub(crate) fn alert_of(body: &[u8]) -> Option<Alert> {
    #[derive(serde::Deserialize)]
    struct Envelope {
        data: Alert,
    }
    serde_json::from_slice::<Alert>(body)
        .or_else(|_| serde_json::from_slice::<Envelope>(body).map(|envelope| envelope.data))
        .ok()
}

/// Pieces of one text in a plain style.
pub(super) fn plain(text: &str) -> Vec<Piece<'_>> {
    vec![(Style::new(), text)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_of_time_are_told_in_two_units() {
        let told = |seconds| duration(SignedDuration::from_secs(seconds));
        assert_eq!(
            [told(-5), told(59), told(60), told(3_700), told(90_000)],
            ["0 s", "59 s", "1 min", "1 h 1 min", "1 d 1 h"]
        );
    }

    #[test]
    fn ids_and_outlets_are_shortened() {
        assert_eq!(short(&"0123456789abcdef"), "01234567");
        let names = |names: &[&str]| outlets(&names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>());
        assert_eq!([names(&[]), names(&["A"]), names(&["A", "B", "C"])], ["", "A", "A +2"]);
    }
}
