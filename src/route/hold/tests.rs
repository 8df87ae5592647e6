//! Limits: what goes out, what waits, and what becomes of what waits.

use jiff::tz::TimeZone;

use super::*;
use crate::model::ClaimId;
use crate::route::tests::{event, routed};
use crate::rule::{Collect, QuietHours, Rule};

fn alert(alert_type: AlertType, claim: &[u8]) -> Alert {
    let mut event = event(alert_type, claim, claim, 0.9);
    if let crate::model::Subject::Claim(subject) = &mut event.subject {
        subject.alerted = ["one", "two"].map(|sink| (sink.to_owned(), crate::model::AlertedAs::Subject)).into();
    }
    routed(vec![Rule::everything()], vec![event]).remove(0).alert
}

fn denial(claim: &[u8], priority: u8) -> Alert {
    let mut alert = alert(AlertType::DenialNew, claim);
    alert.priority.score = priority;
    alert
}

fn at(time: &str) -> Timestamp {
    time.parse().unwrap()
}

fn record() -> BudgetRecord {
    BudgetRecord::new("one".into(), day(at("2026-03-03T00:00:00Z")))
}

fn a_day(alerts_per_day: u32) -> Limits {
    Limits { alerts_per_day, ..Limits::none() }
}

fn an_hour(alerts_per_hour: u32) -> Limits {
    Limits { alerts_per_hour, ..Limits::none() }
}

/// Quiet at night, in Berlin.
fn nights() -> Limits {
    let spans = vec!["22:00-07:00".parse().unwrap()];
    Limits { quiet: QuietHours::new(spans, TimeZone::get("Europe/Berlin").unwrap()), ..Limits::none() }
}

fn send(record: &mut BudgetRecord, limits: &Limits, alert: &Alert, now: &str) -> Admission {
    admit(record, limits, Arrival::new(alert, Timestamp::UNIX_EPOCH, at(now)))
}

fn send_later(record: &mut BudgetRecord, limits: &Limits, alert: &Alert, due: Timestamp, now: Timestamp) -> Admission {
    admit(record, limits, Arrival::new(alert, due, now))
}

fn told(alert: &Alert) -> Vec<ClaimId> {
    alert.digest.as_ref().unwrap().alerts.iter().map(|entry| entry.claim.unwrap()).collect()
}

const OVER: Admission = Admission::Hold(DigestCause::Budget);
const CAPPED: Admission = Admission::Hold(DigestCause::RateCap);
const COLLECTED: Admission = Admission::Hold(DigestCause::Collected);
const QUIET: Admission = Admission::Hold(DigestCause::QuietHours);

#[test]
fn what_is_over_the_budget_comes_in_a_digest() {
    let (mut record, limits, noon) = (record(), a_day(2), "2026-03-03T12:00:00Z");
    let admissions: Vec<Admission> =
        [b"a", b"b", b"c", b"d"].iter().map(|claim| send(&mut record, &limits, &denial(*claim, 50), noon)).collect();
    assert_eq!(admissions, [Admission::Send, Admission::Send, OVER, OVER]);
    let close = |record: &mut BudgetRecord, now: &str| {
        let is_due = is_due(record, &limits, at(now));
        let digests = close(record, &limits, at(now));
        assert_eq!(is_due, !digests.is_empty(), "{now}");
        digests
    };
    assert_eq!(close(&mut record, "2026-03-03T23:59:59Z"), [], "the day goes on");
    let digests = close(&mut record, "2026-03-04T00:00:10Z");
    assert_eq!(digests.len(), 1);
    assert_eq!(
        (digests[0].alert_type, digests[0].why.as_str()),
        (AlertType::Digest, "2 alerts over the budget of 2 on 2026-03-03")
    );
    assert_eq!(told(&digests[0]), [ClaimId::of(&[b"c"]), ClaimId::of(&[b"d"])]);
    assert!(record.over.is_empty());
    assert_eq!(close(&mut record, "2026-03-05T00:00:10Z"), [], "nothing waits");
    assert_eq!(send(&mut record, &limits, &denial(b"e", 50), "2026-03-05T00:00:10Z"), Admission::Send);
}

#[test]
fn a_new_day_is_a_new_budget() {
    let (mut record, limits) = (record(), a_day(1));
    assert_eq!(send(&mut record, &limits, &denial(b"a", 50), "2026-03-03T12:00:00Z"), Admission::Send);
    assert_eq!(send(&mut record, &limits, &denial(b"b", 50), "2026-03-03T12:00:00Z"), OVER);
    assert_eq!(send(&mut record, &limits, &denial(b"c", 50), "2026-03-04T00:00:00Z"), Admission::Send);
    let digest = close(&mut record, &limits, at("2026-03-04T00:00:01Z")).remove(0);
    assert_eq!((told(&digest).len(), digest.digest.unwrap().day.as_str()), (1, "2026-03-03"));
}

#[test]
fn what_older_versions_held_keeps_its_day() {
    let (mut record, limits, noon) = (record(), a_day(1), "2026-03-03T12:00:00Z");
    send(&mut record, &limits, &denial(b"a", 50), noon);
    send(&mut record, &limits, &denial(b"b", 50), noon);
    let mut json = serde_json::to_value(&record).unwrap();
    let object = json.as_object_mut().unwrap();
    object.retain(|key, _| ["sink", "day", "claim_alerts", "feed_alerts", "held", "left_out"].contains(&key.as_str()));
    object["held"][0].as_object_mut().unwrap().remove("document");
    let mut old: BudgetRecord = serde_json::from_value(json).unwrap();
    assert_eq!((old.over.held.len(), old.over.until), (1, None));
    assert_eq!(close(&mut old, &limits, at("2026-03-03T23:59:59Z")), []);
    let digest = close(&mut old, &limits, at("2026-03-04T00:00:00Z")).remove(0);
    assert_eq!(digest.digest.unwrap().day, "2026-03-03");
}

#[test]
fn what_is_taken_back_before_its_digest_is_not_told() {
    let (mut record, limits, noon) = (record(), a_day(1), "2026-03-03T12:00:00Z");
    let mut tell = |alert_type, claim: &[u8]| send(&mut record, &limits, &alert(alert_type, claim), noon);
    assert_eq!(tell(AlertType::DenialNew, b"a"), Admission::Send);
    assert_eq!(tell(AlertType::DenialNew, b"b"), OVER);
    assert_eq!(tell(AlertType::DenialNew, b"c"), OVER);
    assert_eq!(tell(AlertType::ClaimRevised, b"b"), Admission::Change, "the digest tells the corrected wording");
    assert_eq!(tell(AlertType::ClaimWithdrawn, b"c"), Admission::Change);
    assert_eq!(tell(AlertType::ClaimWithdrawn, b"a"), Admission::Send, "what was sent is taken back");
    assert_eq!(record.over.held.len(), 1);
    assert_eq!(record.over.held[0].entry.alert_type, AlertType::DenialNew);
}

#[test]
fn what_rides_in_an_entry_outlives_its_claim_and_is_not_listed_when_withdrawn() {
    let (limits, now) = (a_day(1), at("2026-03-03T12:00:00Z"));
    let id = |claim: &[u8]| ClaimId::of(&[claim]);
    let check = |withdrawn: &[&[u8]], admission, also: Option<&[ClaimId]>| {
        let mut record = record();
        send(&mut record, &limits, &denial(b"a", 50), "2026-03-03T12:00:00Z");
        let (mut waits, first) = (denial(b"x", 50), [id(b"y")].into());
        waits.also = vec![id(b"y"), id(b"z")];
        let arrival = Arrival { first: &first, ..Arrival::new(&waits, Timestamp::UNIX_EPOCH, now) };
        assert_eq!(admit(&mut record, &limits, arrival), OVER);
        let gone = withdrawn.iter().map(|claim| id(claim)).collect();
        let withdrawal = alert(AlertType::ClaimWithdrawn, withdrawn[0]);
        let arrival = Arrival { withdrawn: &gone, ..Arrival::new(&withdrawal, Timestamp::UNIX_EPOCH, now) };
        assert_eq!(admit(&mut record, &limits, arrival), admission);
        assert_eq!(record.over.held.first().map(|held| held.entry.also.as_slice()), also);
        let is_told = record.over.held.first().is_some_and(|held| held.entry.why.ends_with(WITHDRAWN));
        assert_eq!(is_told, also.is_some() && withdrawn[0] == b"x");
    };
    check(&[b"y"], Admission::Change, Some(&[id(b"z")]));
    check(&[b"z"], Admission::Send, Some(&[id(b"y")]));
    check(&[b"x"], Admission::Send, Some(&[id(b"y"), id(b"z")]));
    check(&[b"x", b"z"], Admission::Send, Some(&[id(b"y")]));
    check(&[b"x", b"z", b"y"], Admission::Change, None);
}

#[test]
fn what_was_sent_is_taken_back_although_more_of_it_waits() {
    let (mut record, limits, now) = (record(), a_day(1), at("2026-03-03T12:00:00Z"));
    let mut tell = |alert_type, claim: &[u8], is_told| {
        let alert = alert(alert_type, claim);
        admit(&mut record, &limits, Arrival { is_told, ..Arrival::new(&alert, Timestamp::UNIX_EPOCH, now) })
    };
    assert_eq!(tell(AlertType::DenialNew, b"a", false), Admission::Send);
    assert_eq!(tell(AlertType::ThreadContradiction, b"a", true), OVER);
    assert_eq!(tell(AlertType::DenialNew, b"b", false), OVER);
    assert_eq!(tell(AlertType::ThreadContradiction, b"b", true), OVER);
    assert_eq!(tell(AlertType::ClaimWithdrawn, b"a", true), Admission::Send, "it was sent");
    assert_eq!(tell(AlertType::ClaimWithdrawn, b"b", true), Admission::Change, "nothing of it was");
    assert_eq!(record.over.held, []);
}

#[test]
fn a_digest_is_bounded_and_counts_the_rest() {
    let (mut record, limits, noon) = (record(), a_day(1), "2026-03-03T12:00:00Z");
    for number in 0..ENTRIES_MAX + 3 {
        send(&mut record, &limits, &denial(&number.to_le_bytes(), 50), noon);
    }
    send(&mut record, &limits, &denial(&7_usize.to_le_bytes(), 50), noon);
    assert_eq!((record.over.held.len(), record.over.left_out), (ENTRIES_MAX, 2));
    assert_eq!(send(&mut record, &Limits::none(), &denial(b"a", 50), noon), Admission::Send, "no budget, no limit");
    let digest = close(&mut record, &limits, at("2026-03-04T00:00:00Z")).remove(0).digest.unwrap();
    assert_eq!((digest.alerts.len(), digest.left_out), (ENTRIES_MAX, 2));
    assert_eq!(digest.types, [(AlertType::DenialNew, 1_002)].into());
}

#[test]
fn what_is_over_the_cap_comes_when_the_hour_is_over() {
    let (mut record, limits) = (record(), an_hour(2));
    let mut tell = |claim: &[u8], priority, now: &str| send(&mut record, &limits, &denial(claim, priority), now);
    assert_eq!(tell(b"a", 50, "2026-03-03T12:40:00Z"), Admission::Send);
    assert_eq!(tell(b"b", 50, "2026-03-03T13:10:00Z"), Admission::Send);
    assert_eq!(tell(b"c", 50, "2026-03-03T13:20:00Z"), CAPPED);
    assert_eq!(tell(b"d", 95, "2026-03-03T13:21:00Z"), Admission::Send, "urgent");
    assert_eq!(tell(b"e", 95, "2026-03-03T13:22:00Z"), Admission::Send, "urgent");
    assert_eq!(tell(b"f", 95, "2026-03-03T13:23:00Z"), CAPPED, "over twice the cap");
    assert_eq!(close(&mut record, &limits, at("2026-03-03T13:39:59Z")), []);
    let digest = close(&mut record, &limits, at("2026-03-03T13:40:00Z")).remove(0);
    assert_eq!(told(&digest), [ClaimId::of(&[b"f"]), ClaimId::of(&[b"c"])], "most urgent first");
    assert_eq!(digest.why, "2 alerts over the cap of 2 an hour: 2 denial.new");
    let told = digest.digest.unwrap();
    assert_eq!((told.cause, told.budget, told.types[&AlertType::DenialNew]), (DigestCause::RateCap, 2, 2));
    assert_eq!(send(&mut record, &limits, &denial(b"g", 50), "2026-03-03T13:40:00Z"), Admission::Send);
}

#[test]
fn what_is_over_the_budget_is_no_load_of_the_hour() {
    let limits = Limits { alerts_per_day: 1, alerts_per_hour: 2, ..Limits::none() };
    let (mut record, noon) = (record(), "2026-03-03T12:00:00Z");
    let admissions: Vec<Admission> =
        [b"a", b"b", b"c", b"d"].iter().map(|claim| send(&mut record, &limits, &denial(*claim, 50), noon)).collect();
    assert_eq!(admissions, [Admission::Send, OVER, OVER, OVER]);
    assert_eq!(record.hour.claim_alerts, 1);
}

#[test]
fn what_comes_in_quiet_hours_comes_when_they_are_over() {
    let (mut record, limits) = (record(), nights());
    let mut tell = |alert: &Alert, now: &str| send(&mut record, &limits, alert, now);
    assert_eq!(tell(&denial(b"a", 50), "2026-03-03T20:59:59Z"), Admission::Send);
    assert_eq!(tell(&denial(b"b", 50), "2026-03-03T21:00:00Z"), QUIET);
    assert_eq!(tell(&denial(b"c", 89), "2026-03-04T05:59:59Z"), QUIET);
    assert_eq!(tell(&denial(b"d", 90), "2026-03-04T02:00:00Z"), Admission::Send, "urgent");
    assert_eq!(tell(&alert(AlertType::ClaimWithdrawn, b"a"), "2026-03-04T02:00:00Z"), Admission::Send);
    assert_eq!(close(&mut record, &limits, at("2026-03-04T05:59:59Z")), []);
    let digest = close(&mut record, &limits, at("2026-03-04T06:00:00Z")).remove(0);
    assert_eq!(told(&digest), [ClaimId::of(&[b"c"]), ClaimId::of(&[b"b"])]);
    assert_eq!(digest.why, "2 alerts of quiet hours: 2 denial.new");
    assert_eq!(close(&mut record, &limits, at("2026-03-04T07:00:00Z")), []);
}

#[test]
fn no_digest_comes_in_quiet_hours() {
    let limits = Limits { alerts_per_day: 1, alerts_per_hour: 2, ..nights() };
    let mut record = record();
    // Midnight in UTC lies in Berlin's night.
    for claim in [b"a", b"b"] {
        send(&mut record, &limits, &denial(claim, 50), "2026-03-03T20:30:00Z");
    }
    assert_eq!(record.over.held.len(), 1);
    assert_eq!(close(&mut record, &limits, at("2026-03-04T00:30:00Z")), []);
    assert_eq!(send(&mut record, &limits, &denial(b"c", 95), "2026-03-04T00:30:00Z"), Admission::Send, "a new day");
    let digest = close(&mut record, &limits, at("2026-03-04T06:00:00Z")).remove(0);
    assert_eq!((told(&digest).len(), digest.digest.unwrap().day.as_str()), (1, "2026-03-03"));
}

#[test]
fn no_digest_lists_what_is_under_an_embargo() {
    let (mut record, limits) = (record(), nights());
    let (night, noon) = (at("2026-03-03T22:00:00Z"), at("2026-03-04T12:00:00Z"));
    assert_eq!(
        send_later(&mut record, &limits, &denial(b"a", 50), noon, night),
        Admission::Send,
        "it will not be quiet"
    );
    let late = at("2026-03-05T01:00:00Z");
    assert_eq!(send_later(&mut record, &limits, &denial(b"b", 50), late, noon), QUIET, "it will be");
    assert_eq!(close(&mut record, &limits, noon), [], "nothing may be told");
    assert_eq!(send(&mut record, &limits, &denial(b"c", 50), "2026-03-04T22:00:00Z"), QUIET);
    let digest = close(&mut record, &limits, at("2026-03-05T06:00:00Z")).remove(0);
    assert_eq!(told(&digest).len(), 2);

    let (mut record, limits) = (self::record(), a_day(1));
    let release = at("2026-03-06T12:00:00Z");
    for claim in [b"a", b"b"] {
        send_later(&mut record, &limits, &denial(claim, 50), release, at("2026-03-03T12:00:00Z"));
    }
    assert_eq!(send(&mut record, &limits, &denial(b"c", 50), "2026-03-03T12:00:00Z"), OVER);
    let first = close(&mut record, &limits, at("2026-03-04T00:00:00Z")).remove(0);
    assert_eq!(told(&first), [ClaimId::of(&[b"c"])]);
    assert_eq!(close(&mut record, &limits, at("2026-03-06T00:00:00Z")), [], "not yet");
    let second = close(&mut record, &limits, at("2026-03-06T12:00:00Z")).remove(0);
    assert_eq!(told(&second), [ClaimId::of(&[b"b"])]);
    assert_ne!(first.id, second.id);
}

#[test]
fn a_clock_that_was_wrong_holds_nothing_for_good() {
    let (mut record, limits) = (record(), a_day(1));
    for claim in [b"a", b"b"] {
        send(&mut record, &limits, &denial(claim, 50), "2031-03-03T12:00:00Z");
    }
    assert_eq!(told(&close(&mut record, &limits, at("2026-03-03T12:00:00Z"))[0]).len(), 1);
    let (mut record, limits) = (self::record(), an_hour(1));
    for claim in [b"a", b"b"] {
        send(&mut record, &limits, &denial(claim, 50), "2031-03-03T12:00:00Z");
    }
    assert_eq!(send(&mut record, &limits, &denial(b"c", 50), "2026-03-03T12:00:00Z"), Admission::Send);
    assert_eq!(close(&mut record, &limits, at("2026-03-03T12:00:00Z")).len(), 1);
}

/// Gets all at seven in the morning, in Berlin.
fn mornings() -> Limits {
    let berlin = TimeZone::get("Europe/Berlin").unwrap();
    Limits { collect: Some(Collect::At("07:00".parse().unwrap(), berlin)), ..Limits::none() }
}

#[test]
fn what_is_collected_comes_at_its_time_with_the_words_that_prove_it() {
    let (mut record, limits) = (record(), mornings());
    for (claim, time) in [(b"a", "2026-03-03T06:00:00Z"), (b"b", "2026-03-03T22:00:00Z")] {
        assert_eq!(send(&mut record, &limits, &denial(claim, 50), time), COLLECTED);
    }
    assert_eq!(send(&mut record, &limits, &denial(b"c", 90), "2026-03-03T23:00:00Z"), Admission::Send, "it is urgent");
    assert!(!is_due(&record, &limits, at("2026-03-04T05:59:59Z")));
    // What is stored is read again after a restart.
    let mut record: BudgetRecord = serde_json::from_str(&serde_json::to_string(&record).unwrap()).unwrap();
    let digest = close(&mut record, &limits, at("2026-03-04T06:00:00Z")).remove(0);
    assert_eq!(told(&digest), [ClaimId::of(&[b"a"]), ClaimId::of(&[b"b"])]);
    let told = digest.digest.unwrap();
    assert_eq!((told.cause, told.budget), (DigestCause::Collected, 0));
    assert!(told.alerts.iter().all(|entry| entry.sentence.is_some() && !entry.outlets.is_empty()));
    assert_eq!(close(&mut record, &limits, at("2026-03-05T06:00:00Z")), [], "nothing came");
}

#[test]
fn what_is_collected_and_taken_back_is_not_told() {
    let hourly = Limits { collect: Some(Collect::Every(HOUR)), ..Limits::none() };
    let (mut record, noon) = (record(), "2026-03-03T12:00:00Z");
    for claim in [b"a", b"b"] {
        assert_eq!(send(&mut record, &hourly, &denial(claim, 50), noon), COLLECTED);
    }
    let revised = alert(AlertType::ClaimRevised, b"a");
    assert_eq!(send(&mut record, &hourly, &revised, noon), Admission::Change);
    assert_eq!(send(&mut record, &hourly, &alert(AlertType::ClaimWithdrawn, b"b"), noon), Admission::Change);
    assert_eq!(send(&mut record, &hourly, &alert(AlertType::ClaimWithdrawn, b"z"), noon), Admission::Send, "was sent");
    assert!(close(&mut record, &hourly, at("2026-03-03T12:59:59Z")).is_empty());
    let digest = close(&mut record, &hourly, at("2026-03-03T13:00:00Z")).remove(0);
    assert_eq!(told(&digest), [ClaimId::of(&[b"a"])]);
    assert!(digest.digest.unwrap().alerts[0].sentence.is_some());
}

/// Neither at night nor never: what is collected waits for the end of the quiet hours, and goes when nothing is collected any more.
#[test]
fn what_is_collected_heeds_quiet_hours_and_outlasts_a_change_of_the_config() {
    let limits = Limits { collect: Some(Collect::Every(HOUR)), ..nights() };
    let mut record = record();
    assert_eq!(send(&mut record, &limits, &denial(b"a", 50), "2026-03-03T20:30:00Z"), COLLECTED);
    assert!(!is_due(&record, &limits, at("2026-03-03T23:00:00Z")));
    assert!(is_due(&record, &limits, at("2026-03-04T06:00:00Z")));
    assert!(!is_due(&record, &nights(), at("2026-03-03T21:00:00Z")), "it is night although nothing is collected");
    assert_eq!(close(&mut record, &Limits::none(), at("2026-03-03T20:31:00Z")).len(), 1, "at once");
    assert!(record.lists().iter().all(|list| list.is_empty()));
}

#[test]
fn what_is_under_an_embargo_neither_hastens_a_digest_nor_leaves_it_at_odd_times() {
    let hourly = Limits { collect: Some(Collect::Every(HOUR)), ..Limits::none() };
    let (mut record, noon) = (record(), at("2026-03-03T12:00:00Z"));
    assert_eq!(send_later(&mut record, &hourly, &denial(b"a", 50), noon + HOUR * 30, noon), COLLECTED);
    assert_eq!(send(&mut record, &hourly, &denial(b"b", 50), "2026-03-03T15:00:00Z"), COLLECTED);
    assert_eq!(send(&mut record, &hourly, &denial(b"c", 50), "2026-03-03T15:30:00Z"), COLLECTED);
    assert_eq!(close(&mut record, &hourly, at("2026-03-03T15:59:59Z")), [], "collected for an hour");
    let digest = close(&mut record, &hourly, at("2026-03-03T16:00:00Z")).remove(0);
    assert_eq!(told(&digest), [ClaimId::of(&[b"b"]), ClaimId::of(&[b"c"])]);

    // One that waits alone, and one that others left behind.
    let limits = mornings();
    for others in [false, true] {
        let mut record = self::record();
        let release = at("2026-03-04T11:00:00Z");
        assert_eq!(send_later(&mut record, &limits, &denial(b"a", 50), release, noon), COLLECTED);
        if others {
            assert_eq!(send(&mut record, &limits, &denial(b"b", 50), "2026-03-03T13:00:00Z"), COLLECTED);
        }
        assert_eq!(close(&mut record, &limits, at("2026-03-04T06:00:00Z")).len(), usize::from(others));
        assert_eq!(close(&mut record, &limits, release), [], "not at noon");
        let digest = close(&mut record, &limits, at("2026-03-05T06:00:00Z")).remove(0);
        assert_eq!(told(&digest), [ClaimId::of(&[b"a"])]);
    }
}
