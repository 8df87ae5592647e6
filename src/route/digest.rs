//! Digests: one alert that lists what a sink was not sent at once, most urgent first.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use super::hold::day;
use crate::model::{
    Alert, AlertClaim, AlertId, AlertType, Digest, DigestCause, DigestEntry, HeldAlert, HeldList, Priority,
};

/// Characters of a sentence that a digest shows.
const SENTENCE_MAX: usize = 1_000;
/// Outlets that it names.
const OUTLETS_MAX: usize = 10;

/// An alert as a digest lists it that is all that its readers get: with the words that prove it.
pub(super) fn full_entry(alert: &Alert) -> DigestEntry {
    let speaker = alert.claim.as_ref().and_then(|claim| claim.speaker.as_ref());
    let beginning = |text: &String| text.chars().take(SENTENCE_MAX).collect();
    let document = alert.document.iter().map(|document| &document.outlet);
    let mut outlets: Vec<String> = Vec::new();
    for outlet in document.chain(alert.story.iter().flat_map(|story| &story.outlets)) {
        if outlets.len() < OUTLETS_MAX && !outlets.contains(outlet) {
            outlets.push(outlet.clone());
        }
    }
    DigestEntry {
        role: speaker.and_then(|speaker| speaker.role.clone()),
        sentence: alert.evidence.as_ref().map(|evidence| beginning(&evidence.sentence)),
        outlets,
        ..entry(alert)
    }
}

/// An alert as a digest lists it.
pub(super) fn entry(alert: &Alert) -> DigestEntry {
    let claim = alert.claim.as_ref();
    let words =
        |claim: &AlertClaim| claim.content.iter().map(|piece| piece.text.as_str()).collect::<Vec<_>>().join(" … ");
    DigestEntry {
        id: alert.id,
        alert_type: alert.alert_type,
        time: alert.time,
        priority: alert.priority.score,
        claim: claim.map(|claim| claim.id),
        thread: alert.thread.as_ref().map(|thread| thread.id),
        also: alert.also.clone(),
        speaker: claim.and_then(|claim| claim.speaker.as_ref()).map(|speaker| speaker.name.clone()),
        content: claim.map(words),
        headline: alert.document.as_ref().map(|document| document.headline.clone()),
        outlet: alert.document.as_ref().map(|document| document.outlet.clone()),
        url: alert.document.as_ref().and_then(|document| document.url.clone()),
        role: None,
        sentence: None,
        outlets: Vec::new(),
        why: alert.why.clone(),
    }
}

/// The digest of what waited in a list that `until` was its end of, with the limit that it was over.
pub(super) fn digest(
    sink: &str,
    cause: DigestCause,
    limit: u32,
    ended: HeldList,
    until: Option<Timestamp>,
    now: Timestamp,
) -> Alert {
    let HeldList { held, left_out, left_out_types: mut types, since, .. } = ended;
    for HeldAlert { entry, .. } in &held {
        *types.entry(entry.alert_type).or_default() += 1;
    }
    let mut alerts: Vec<DigestEntry> = held.into_iter().map(|held| held.entry).collect();
    let first = alerts.first().map(|entry| entry.id);
    alerts.sort_by_key(|entry| std::cmp::Reverse(entry.priority));
    // The end of a day is midnight: what was over its budget came on the day before.
    let of_day = until.and_then(|until| until.checked_sub(SignedDuration::from_nanos(1)).ok());
    let day = day(of_day.filter(|_| cause == DigestCause::Budget).or(since).unwrap_or(now)).to_string();
    let count = alerts.len() + left_out as usize;
    let why = match cause {
        DigestCause::Budget => format!("{count} alerts over the budget of {limit} on {day}"),
        DigestCause::RateCap => format!("{count} alerts over the cap of {limit} an hour: {}", in_words(&types)),
        DigestCause::QuietHours => format!("{count} alerts of quiet hours: {}", in_words(&types)),
        DigestCause::Collected => format!("{count} alerts collected: {}", in_words(&types)),
    };
    let id = id(sink, cause, &day, since, first);
    let score = alerts.first().map_or(0, |entry| entry.priority);
    let priority = Priority { score, reasons: vec!["most urgent of the digest".to_owned()] };
    let digest = Digest { cause, day, budget: limit, since, types, alerts, left_out };
    Alert { digest: Some(digest), ..Alert::new(id, AlertType::Digest, now, priority, why) }
}

/// When the first alert came tells which digest it is, and which that was where that is not known.
fn id(sink: &str, cause: DigestCause, day: &str, since: Option<Timestamp>, first: Option<AlertId>) -> AlertId {
    let since = since.map(|since| since.to_string()).unwrap_or_default();
    let first = first.map(|first| first.to_string()).unwrap_or_default();
    let parts = [sink, day, cause.as_str(), &since, &first, AlertType::Digest.as_str()];
    AlertId::of(&parts.map(str::as_bytes))
}

fn in_words(types: &BTreeMap<AlertType, u32>) -> String {
    types.iter().map(|(alert_type, count)| format!("{count} {}", alert_type.as_str())).collect::<Vec<_>>().join(", ")
}
