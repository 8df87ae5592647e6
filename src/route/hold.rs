//! What a sink does not get at once: below its rules an alert is collected where the sink wants that, or meets its quiet hours, then its cap of an hour, then its budget of a day.
//! What one of them holds comes in a digest when the time to collect, the quiet hours, the hour or the day are over, never not at all.
//!
//! Pure: the desk keeps the records and commits them together with the alerts. Claims and feed incidents are counted apart, so that
//! an outage of the network does not use up hour and day. What takes an earlier alert back always goes, or changes what still
//! waits. What is under an embargo is held as of its end, and no digest lists it before.

use std::collections::BTreeSet;

use jiff::civil::Date;
use jiff::tz::Offset;
use jiff::{SignedDuration, Timestamp};

use super::digest::{digest, entry, full_entry};
use crate::model::{Alert, AlertType, BudgetRecord, ClaimId, DigestCause, DigestEntry, HeldAlert, HeldList};
use crate::rule::{Limits, QUIET_PRIORITY};

/// Alerts that one digest lists; the rest are counted.
const ENTRIES_MAX: usize = 1_000;
/// How long a cap counts.
const HOUR: SignedDuration = SignedDuration::from_hours(1);
/// Longest that a digest waits for its time, quiet hours not counted.
const WAIT_MAX: SignedDuration = SignedDuration::from_hours(25);
/// What an entry says whose claim was withdrawn, while others ride in it.
const WITHDRAWN: &str = "; withdrawn since, but not what rides in it";
/// From this priority on alerts pass the cap of an hour, up to twice of it.
const URGENT: u8 = QUIET_PRIORITY;

/// What becomes of an alert for a sink.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Admission {
    /// It goes out.
    Send,
    /// It waits for a digest.
    Hold(DigestCause),
    /// It changed what waits there.
    Change,
}

/// An alert on its way to a sink.
#[derive(Debug, Clone, Copy)]
pub struct Arrival<'a> {
    /// The alert.
    pub alert: &'a Alert,
    /// The end of its embargo, if that is to come.
    pub due: Timestamp,
    /// The sink was alerted of its claim before.
    pub is_told: bool,
    /// The time.
    pub now: Timestamp,
    /// The alerts for which it speaks, itself included, each with whether the sink was alerted of its claim before; none where it
    /// speaks for itself. A digest lists them all.
    pub members: &'a [(Alert, bool)],
    /// Those claims that ride in it, or in what it speaks for, of which the sink hears first.
    pub first: &'a BTreeSet<ClaimId>,
    /// The claims of its thread that are withdrawn, if it withdraws one.
    pub withdrawn: &'a BTreeSet<ClaimId>,
}

static NO_CLAIMS: BTreeSet<ClaimId> = BTreeSet::new();

impl<'a> Arrival<'a> {
    /// An alert that speaks for itself alone, of a claim that is news to the sink.
    pub fn new(alert: &'a Alert, due: Timestamp, now: Timestamp) -> Self {
        Self { alert, due, is_told: false, now, members: &[], first: &NO_CLAIMS, withdrawn: &NO_CLAIMS }
    }
}

/// Lets an alert meet the limits of a sink.
pub fn admit(record: &mut BudgetRecord, limits: &Limits, arrival: Arrival<'_>) -> Admission {
    let Arrival { alert, due, now, .. } = arrival;
    if alert.alert_type.takes_back() {
        let (mut is_first, mut speaks) = (false, false);
        for list in record.lists_mut() {
            let found = take_back(list, arrival);
            (is_first, speaks) = (is_first | found.0, speaks | found.1);
        }
        // Where the claim was alerted before what waits of it, or a digest will tell of it, that is taken back too.
        return if is_first && !speaks { Admission::Change } else { Admission::Send };
    }
    if let Some(collect) = limits.collects(alert.priority.score) {
        hold(&mut record.collected, DigestCause::Collected, arrival, Some(collect.end(due.max(now))));
        return Admission::Hold(DigestCause::Collected);
    }
    if limits.is_quiet(alert.priority.score, due.max(now)) {
        hold(&mut record.quiet, DigestCause::QuietHours, arrival, None);
        return Admission::Hold(DigestCause::QuietHours);
    }
    if let Some(until) = over_cap(record, limits.alerts_per_hour, alert, now) {
        hold(&mut record.hour.over, DigestCause::RateCap, arrival, Some(until));
        return Admission::Hold(DigestCause::RateCap);
    }
    if is_over_budget(record, limits.alerts_per_day, alert, now) {
        let until = begin_of_next(record.day);
        hold(&mut record.over, DigestCause::Budget, arrival, until);
        // What no longer fits into the day is no load of the hour.
        count_back(record, limits.alerts_per_hour, alert);
        return Admission::Hold(DigestCause::Budget);
    }
    Admission::Send
}

/// The digests that may go: of quiet hours, hours and days that are over. None goes in quiet hours.
pub fn close(record: &mut BudgetRecord, limits: &Limits, now: Timestamp) -> Vec<Alert> {
    let mut alerts = Vec::new();
    for cause in DigestCause::ALL {
        let limit = match cause {
            DigestCause::Collected | DigestCause::QuietHours => 0,
            DigestCause::RateCap => limits.alerts_per_hour,
            DigestCause::Budget => limits.alerts_per_day,
        };
        let (sink, until) = (record.sink.clone(), end_by(record, limits, cause));
        let list = list_mut(record, cause);
        if !is_closable(list, until, limits, now) {
            continue;
        }
        let (waiting, ready): (Vec<HeldAlert>, Vec<HeldAlert>) =
            std::mem::take(&mut list.held).into_iter().partition(|held| is_embargoed(held, now));
        let ended = HeldList { held: ready, ..std::mem::take(list) };
        if !waiting.is_empty() {
            let first = waiting.iter().filter_map(|held| held.not_before).min().unwrap_or(now);
            let until = match cause {
                DigestCause::Collected => limits.collect.as_ref().map(|collect| collect.end(first)),
                DigestCause::QuietHours => None,
                DigestCause::RateCap => now.saturating_add(HOUR).ok(),
                DigestCause::Budget => begin_of_next(day(now)),
            };
            *list = HeldList { held: waiting, since: Some(now), until, ..HeldList::default() };
        }
        alerts.push(digest(&sink, cause, limit, ended, until, now));
    }
    alerts
}

/// Whether [`close`] would give something.
pub fn is_due(record: &BudgetRecord, limits: &Limits, now: Timestamp) -> bool {
    DigestCause::ALL
        .into_iter()
        .any(|cause| is_closable(list(record, cause), end_by(record, limits, cause), limits, now))
}

/// The order key of a sink's digests.
pub fn order_key(sink: &str) -> String {
    format!("digest {sink}")
}

/// The day on which alerts of this time are counted: in UTC.
pub fn day(now: Timestamp) -> Date {
    Offset::UTC.to_datetime(now).date()
}

fn list(record: &BudgetRecord, cause: DigestCause) -> &HeldList {
    match cause {
        DigestCause::Collected => &record.collected,
        DigestCause::QuietHours => &record.quiet,
        DigestCause::RateCap => &record.hour.over,
        DigestCause::Budget => &record.over,
    }
}

fn list_mut(record: &mut BudgetRecord, cause: DigestCause) -> &mut HeldList {
    match cause {
        DigestCause::Collected => &mut record.collected,
        DigestCause::QuietHours => &mut record.quiet,
        DigestCause::RateCap => &mut record.hour.over,
        DigestCause::Budget => &mut record.over,
    }
}

/// When a list may be closed; what older versions held says nothing and belongs to the record's day.
fn end(record: &BudgetRecord, cause: DigestCause) -> Option<Timestamp> {
    let until = list(record, cause).until;
    if cause == DigestCause::Budget { until.or_else(|| begin_of_next(record.day)) } else { until }
}

/// The same where these limits count: a sink that collects no longer does not wait for what it would have waited for.
fn end_by(record: &BudgetRecord, limits: &Limits, cause: DigestCause) -> Option<Timestamp> {
    end(record, cause).filter(|_| cause != DigestCause::Collected || limits.collect.is_some())
}

/// Urgent alerts are not kept from a quiet sink, so its digests can wait for what is not.
/// An end that lies further off than a day was made by a clock that was wrong.
fn is_closable(list: &HeldList, until: Option<Timestamp>, limits: &Limits, now: Timestamp) -> bool {
    let is_past = |until: Timestamp| until <= now || until.duration_since(now) > WAIT_MAX;
    let is_over = until.is_none_or(is_past) && !limits.quiet.hold(now);
    is_over && (list.left_out > 0 || list.held.iter().any(|held| !is_embargoed(held, now)))
}

fn is_embargoed(held: &HeldAlert, now: Timestamp) -> bool {
    held.not_before.is_some_and(|not_before| not_before > now)
}

/// Midnight after a day, in UTC.
fn begin_of_next(day: Date) -> Option<Timestamp> {
    Offset::UTC.to_timestamp(day.tomorrow().ok()?.at(0, 0, 0, 0)).ok()
}

fn count<'c>(alert: &Alert, (claims, feeds): (&'c mut u32, &'c mut u32)) -> &'c mut u32 {
    if alert.feed.is_some() || alert.sink.is_some() { feeds } else { claims }
}

/// Counts an alert against the cap of an hour that begins with its first alert. When that hour ends, where the alert is over it.
fn over_cap(record: &mut BudgetRecord, limit: u32, alert: &Alert, now: Timestamp) -> Option<Timestamp> {
    if limit == 0 {
        return None;
    }
    let hour = &mut record.hour;
    let began = hour.since.filter(|since| *since <= now && now.duration_since(*since) < HOUR);
    let since = began.unwrap_or_else(|| {
        (hour.claim_alerts, hour.feed_alerts) = (0, 0);
        now
    });
    hour.since = Some(since);
    let room = if alert.priority.score >= URGENT { limit.saturating_mul(2) } else { limit };
    let sent = count(alert, (&mut hour.claim_alerts, &mut hour.feed_alerts));
    if *sent < room {
        *sent += 1;
        return None;
    }
    Some(since.saturating_add(HOUR).unwrap_or(Timestamp::MAX))
}

fn count_back(record: &mut BudgetRecord, limit: u32, alert: &Alert) {
    let hour = &mut record.hour;
    let sent = count(alert, (&mut hour.claim_alerts, &mut hour.feed_alerts));
    *sent = sent.saturating_sub(u32::from(limit > 0));
}

/// Counts an alert against the budget of the day.
fn is_over_budget(record: &mut BudgetRecord, limit: u32, alert: &Alert, now: Timestamp) -> bool {
    if limit == 0 {
        return false;
    }
    let today = day(now);
    if record.day != today {
        // What is still held of the day before says itself when that ended.
        record.over.until = end(record, DigestCause::Budget).filter(|_| !record.over.is_empty());
        (record.day, record.claim_alerts, record.feed_alerts) = (today, 0, 0);
    }
    let sent = count(alert, (&mut record.claim_alerts, &mut record.feed_alerts));
    let is_over = *sent >= limit;
    *sent += u32::from(!is_over);
    is_over
}

/// Puts an alert into a list, which ends at `until` where nothing is in it yet that may be told. An end that is past while all of it is
/// under an embargo is none for what comes now.
fn hold(list: &mut HeldList, cause: DigestCause, arrival: Arrival<'_>, until: Option<Timestamp>) {
    if list.is_empty() {
        (list.since, list.until) = (Some(arrival.now), None);
    }
    if list.left_out == 0 && list.held.iter().all(|held| is_embargoed(held, arrival.now)) {
        let known = list.until.filter(|until| *until > arrival.now);
        list.until = known.into_iter().chain(until).min();
    }
    if arrival.members.is_empty() {
        return hold_one(list, cause, arrival);
    }
    // One of them may be withdrawn before the digest goes, and the others not.
    for (alert, is_told) in arrival.members {
        hold_one(list, cause, Arrival { alert, is_told: *is_told, ..arrival });
    }
}

fn hold_one(list: &mut HeldList, cause: DigestCause, arrival: Arrival<'_>) {
    if list.held.iter().any(|held| held.entry.id == arrival.alert.id) {
        return;
    }
    if list.held.len() < ENTRIES_MAX {
        list.held.push(held(arrival, cause == DigestCause::Collected));
    } else {
        list.left_out = list.left_out.saturating_add(1);
        *list.left_out_types.entry(arrival.alert.alert_type).or_default() += 1;
    }
}

/// `is_full`: with the words that prove it.
fn held(Arrival { alert, due, is_told, now, first, .. }: Arrival<'_>, is_full: bool) -> HeldAlert {
    let document = alert.document.as_ref().map(|document| document.id);
    let first = alert.also.iter().filter(|claim| first.contains(claim)).copied().collect();
    let about = alert.sink.as_ref().map(|sink| sink.name.clone());
    let entry = if is_full { full_entry(alert) } else { entry(alert) };
    HeldAlert { entry, not_before: (due > now).then_some(due), document, about, is_told, first }
}

/// A revision takes the place of entries of the claim that it revises, withdrawn ones are taken out: where others ride in an entry that
/// are not withdrawn, the entry stays for them and says so. Whether the first that the sink was to hear of the claim is among them, so
/// that there is nothing else to take back, and whether an entry stayed.
fn take_back(list: &mut HeldList, arrival: Arrival<'_>) -> (bool, bool) {
    let Some(claim) = arrival.alert.claim.as_ref().map(|claim| claim.id) else { return (false, false) };
    let is_withdrawal = arrival.alert.alert_type == AlertType::ClaimWithdrawn;
    let is_about = |held: &HeldAlert| held.entry.claim == Some(claim);
    let is_first = |held: &HeldAlert| is_about(held) && !held.is_told || is_withdrawal && held.first.contains(&claim);
    let is_first = list.held.iter().any(is_first);
    if !is_withdrawal {
        list.held.iter_mut().filter(|held| is_about(held)).for_each(|waits| revise(waits, arrival));
        return (is_first, false);
    }
    let stands = |other: &ClaimId| *other != claim && !arrival.withdrawn.contains(other);
    for waits in &mut list.held {
        waits.first.retain(stands);
        waits.entry.also.retain(stands);
    }
    // What was told of a claim that is withdrawn by now, itself or by an alert of its own, is here for what rides in it alone.
    let is_gone =
        |held: &HeldAlert| is_about(held) || held.is_told && held.entry.claim.is_some_and(|other| !stands(&other));
    list.held.retain(|held| !is_gone(held) || !held.entry.also.is_empty());
    let mut speaks = false;
    for waits in list.held.iter_mut().filter(|held| is_about(held)) {
        speaks = true;
        waits.is_told = true;
        if !waits.entry.why.ends_with(WITHDRAWN) {
            waits.entry.why.push_str(WITHDRAWN);
        }
    }
    (is_first, speaks)
}

fn revise(waits: &mut HeldAlert, arrival: Arrival<'_>) {
    let HeldAlert { entry, is_told, first, .. } = waits.clone();
    let DigestEntry { id, alert_type, also, .. } = entry;
    let revised = held(arrival, waits.entry.sentence.is_some());
    *waits = HeldAlert { entry: DigestEntry { id, alert_type, also, ..revised.entry }, is_told, first, ..revised };
}

#[cfg(test)]
mod tests;
