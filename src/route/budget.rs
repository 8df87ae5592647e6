//! Budgets: a sink gets so many alerts a day; what is over goes into one digest at the end of the day, never away.
//!
//! Pure: the desk keeps the records and commits them together with the alerts. Claims and feed incidents are counted apart, so that
//! an outage of the network does not use up the day. What takes an earlier alert back always goes, or changes the digest that
//! still holds it.

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::Offset;

use crate::model::{Alert, AlertId, AlertType, BudgetRecord, Digest, DigestEntry, Priority};

/// Alerts that one digest lists; the rest are counted.
const ENTRIES_MAX: usize = 1_000;

/// What becomes of an alert for a sink.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Admission {
    /// It goes out.
    Send,
    /// It waits for the digest, or changed what waits there.
    Hold,
}

/// Counts an alert against a sink's budget of `limit` a day (0: no budget).
pub fn admit(record: &mut BudgetRecord, limit: u32, alert: &Alert, now: Timestamp) -> Admission {
    if limit == 0 {
        return Admission::Send;
    }
    if record.held.is_empty() && record.left_out == 0 && record.day != day(now) {
        *record = BudgetRecord::new(record.sink.clone(), day(now));
    }
    if alert.alert_type.takes_back() {
        return take_back(record, alert);
    }
    let count = if alert.feed.is_some() { &mut record.feed_alerts } else { &mut record.claim_alerts };
    if *count < limit {
        *count += 1;
        return Admission::Send;
    }
    if record.held.len() < ENTRIES_MAX {
        record.held.push(entry(alert));
    } else {
        record.left_out = record.left_out.saturating_add(1);
    }
    Admission::Hold
}

/// The order key of a sink's digests.
pub fn order_key(sink: &str) -> String {
    format!("digest {sink}")
}

/// The digest of a day that is over, where something waits for it; the record begins its next day.
pub fn close_day(record: &mut BudgetRecord, limit: u32, now: Timestamp) -> Option<Alert> {
    if record.day >= day(now) || (record.held.is_empty() && record.left_out == 0) {
        return None;
    }
    let ended = std::mem::replace(record, BudgetRecord::new(record.sink.clone(), day(now)));
    Some(digest(ended, limit, now))
}

/// The day on which alerts of this time are counted: in UTC.
pub fn day(now: Timestamp) -> Date {
    Offset::UTC.to_datetime(now).date()
}

/// A revision takes the place of the entry that it revises, a withdrawn one is taken out; what was sent is taken back by an alert.
fn take_back(record: &mut BudgetRecord, alert: &Alert) -> Admission {
    let claim = alert.claim.as_ref().map(|claim| claim.id);
    let Some(place) = record.held.iter().position(|entry| entry.claim == claim) else { return Admission::Send };
    if alert.alert_type == AlertType::ClaimWithdrawn {
        record.held.remove(place);
    } else if let Some(held) = record.held.get_mut(place) {
        *held = DigestEntry { id: held.id, alert_type: held.alert_type, ..entry(alert) };
    }
    Admission::Hold
}

fn entry(alert: &Alert) -> DigestEntry {
    let claim = alert.claim.as_ref();
    let words = |claim: &crate::model::AlertClaim| {
        claim.content.iter().map(|piece| piece.text.as_str()).collect::<Vec<_>>().join(" … ")
    };
    DigestEntry {
        id: alert.id,
        alert_type: alert.alert_type,
        time: alert.time,
        priority: alert.priority.score,
        claim: claim.map(|claim| claim.id),
        thread: alert.thread.as_ref().map(|thread| thread.id),
        speaker: claim.and_then(|claim| claim.speaker.as_ref()).map(|speaker| speaker.name.clone()),
        content: claim.map(words),
        headline: alert.document.as_ref().map(|document| document.headline.clone()),
        outlet: alert.document.as_ref().map(|document| document.outlet.clone()),
        url: alert.document.as_ref().and_then(|document| document.url.clone()),
        why: alert.why.clone(),
    }
}

/// One alert that lists what was over the budget, most urgent first.
fn digest(ended: BudgetRecord, limit: u32, now: Timestamp) -> Alert {
    let mut alerts = ended.held;
    alerts.sort_by_key(|entry| std::cmp::Reverse(entry.priority));
    let count = alerts.len() + ended.left_out as usize;
    let why = format!("{count} alerts over the budget of {limit} on {}", ended.day);
    let id =
        AlertId::of(&[ended.sink.as_bytes(), ended.day.to_string().as_bytes(), AlertType::Digest.as_str().as_bytes()]);
    let score = alerts.first().map_or(0, |entry| entry.priority);
    let priority = Priority { score, reasons: vec!["most urgent of the digest".to_owned()] };
    let digest = Digest { day: ended.day.to_string(), budget: limit, alerts, left_out: ended.left_out };
    Alert { digest: Some(digest), ..Alert::new(id, AlertType::Digest, now, priority, why) }
}

#[cfg(test)]
mod tests;
