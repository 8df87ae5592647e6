//! Budgets: what goes out, what waits, and what becomes of what waits.

use super::*;
use crate::model::ClaimId;
use crate::route::tests::{event, routed};
use crate::rule::Rule;

fn alert(alert_type: AlertType, claim: &[u8]) -> Alert {
    let mut event = event(alert_type, claim, claim, 0.9);
    if let crate::model::Subject::Claim(subject) = &mut event.subject {
        subject.alerted = ["one", "two"].map(|sink| (sink.to_owned(), crate::model::AlertedAs::Subject)).into();
    }
    routed(vec![Rule::everything()], vec![event]).remove(0).alert
}

fn at(time: &str) -> Timestamp {
    time.parse().unwrap()
}

fn record() -> BudgetRecord {
    BudgetRecord::new("one".into(), day(at("2026-03-03T00:00:00Z")))
}

#[test]
fn what_is_over_the_budget_comes_in_a_digest() {
    let (mut record, noon) = (record(), at("2026-03-03T12:00:00Z"));
    let admit = |record: &mut BudgetRecord, claim: &[u8]| admit(record, 2, &alert(AlertType::DenialNew, claim), noon);
    let admissions: Vec<Admission> = [b"a", b"b", b"c", b"d"].iter().map(|claim| admit(&mut record, *claim)).collect();
    assert_eq!(admissions, [Admission::Send, Admission::Send, Admission::Hold, Admission::Hold]);
    assert_eq!(close_day(&mut record, 2, at("2026-03-03T23:59:59Z")), None, "the day goes on");
    let digest = close_day(&mut record, 2, at("2026-03-04T00:00:10Z")).unwrap();
    assert_eq!(
        (digest.alert_type, digest.why.as_str()),
        (AlertType::Digest, "2 alerts over the budget of 2 on 2026-03-03")
    );
    let told: Vec<_> = digest.digest.unwrap().alerts.into_iter().map(|entry| entry.claim.unwrap()).collect();
    assert_eq!(told, [ClaimId::of(&[b"c"]), ClaimId::of(&[b"d"])]);
    assert_eq!((record.claim_alerts, record.held.len()), (0, 0), "the next day begins");
    assert_eq!(close_day(&mut record, 2, at("2026-03-05T00:00:10Z")), None, "nothing waits");
}

#[test]
fn a_new_day_is_a_new_budget() {
    let mut record = record();
    let admit = |record: &mut BudgetRecord, time| super::admit(record, 1, &alert(AlertType::DenialNew, b"a"), at(time));
    assert_eq!(admit(&mut record, "2026-03-03T12:00:00Z"), Admission::Send);
    assert_eq!(admit(&mut record, "2026-03-04T00:00:00Z"), Admission::Send);
}

#[test]
fn what_is_taken_back_before_its_digest_is_not_told() {
    let (mut record, noon) = (record(), at("2026-03-03T12:00:00Z"));
    let mut tell = |alert_type, claim: &[u8]| admit(&mut record, 1, &alert(alert_type, claim), noon);
    assert_eq!(tell(AlertType::DenialNew, b"a"), Admission::Send);
    assert_eq!(tell(AlertType::DenialNew, b"b"), Admission::Hold);
    assert_eq!(tell(AlertType::DenialNew, b"c"), Admission::Hold);
    assert_eq!(tell(AlertType::ClaimRevised, b"b"), Admission::Hold, "the digest tells the corrected wording");
    assert_eq!(tell(AlertType::ClaimWithdrawn, b"c"), Admission::Hold);
    assert_eq!(tell(AlertType::ClaimWithdrawn, b"a"), Admission::Send, "what was sent is taken back");
    assert_eq!(record.held.len(), 1);
    assert_eq!(record.held[0].alert_type, AlertType::DenialNew);
}

#[test]
fn a_digest_is_bounded_and_counts_the_rest() {
    let (mut record, noon) = (record(), at("2026-03-03T12:00:00Z"));
    let denial = alert(AlertType::DenialNew, b"a");
    for _ in 0..ENTRIES_MAX + 3 {
        admit(&mut record, 1, &denial, noon);
    }
    assert_eq!((record.held.len(), record.left_out), (ENTRIES_MAX, 2));
    assert_eq!(admit(&mut record, 0, &denial, noon), Admission::Send, "no budget, no limit");
}
