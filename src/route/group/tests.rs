//! Groups: which alert speaks for all, and what is taken back while they wait.

use super::*;
use crate::model::{AlertedAs, Subject, ThreadId};
use crate::route::tests::{event, routed};
use crate::rule::Rule;

fn alert(alert_type: AlertType, claim: &[u8]) -> Alert {
    let mut event = event(alert_type, claim, b"t", 0.9);
    if let Subject::Claim(subject) = &mut event.subject {
        subject.alerted = [("one".to_owned(), AlertedAs::Subject)].into();
    }
    routed(vec![Rule::everything()], vec![event]).remove(0).alert
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

fn limits() -> Limits {
    Limits { group_wait: jiff::SignedDuration::from_mins(2), ..Limits::none() }
}

fn alerts(closed: Vec<Closed>) -> Vec<Alert> {
    closed.into_iter().map(|closed| closed.alert).collect()
}

fn arrival(alert: &Alert, due: i64) -> Arrival<'_> {
    Arrival::new(alert, at(due), at(1_000))
}

fn group(alerts: Vec<Alert>) -> GroupRecord {
    let mut known = None;
    for alert in alerts {
        known = Some(join(known.as_ref(), ("one", "t"), &limits(), arrival(&alert, 0)));
    }
    known.unwrap()
}

fn id(claim: &[u8]) -> ClaimId {
    ClaimId::of(&[claim])
}

#[test]
fn the_weightiest_speaks_for_a_group() {
    let members = [(AlertType::AllegationNew, b"a"), (AlertType::DenialNew, b"b"), (AlertType::AllegationNew, b"c")];
    let mut members: Vec<Alert> = members.iter().map(|(alert_type, claim)| alert(*alert_type, *claim)).collect();
    members[0].priority.score = 99;
    members[2].also = vec![id(b"d"), id(b"b")];
    let denial = members[1].clone();
    let group = group(members);
    assert_eq!((inhibited(&group), group.until), (2, at(1_120)));
    let told = alerts(close(group, at(1_120)));
    assert_eq!(told.len(), 1);
    assert_eq!((told[0].id, told[0].alert_type), (denial.id, AlertType::DenialNew));
    assert_eq!(told[0].also, [id(b"a"), id(b"c"), id(b"d")]);
    assert_eq!(told[0].priority.score, 99);
    assert_eq!(told[0].priority.reasons.last().unwrap(), "allegation.new in its group");
}

#[test]
fn a_lone_alert_goes_as_it_is() {
    let denial = alert(AlertType::DenialNew, b"a");
    assert_eq!(alerts(close(group(vec![denial.clone()]), at(1_120))), [denial]);
}

#[test]
fn an_allegation_does_not_speak_where_it_is_answered() {
    let told = alerts(close(
        group(vec![alert(AlertType::AllegationNew, b"a"), alert(AlertType::ClaimNoComment, b"b")]),
        at(2_000),
    ));
    assert_eq!(told[0].alert_type, AlertType::ClaimNoComment);
}

#[test]
fn what_is_taken_back_while_it_waits_is_not_told() {
    let group = group(vec![alert(AlertType::DenialNew, b"a"), alert(AlertType::AllegationNew, b"b")]);
    let take_back = |group: &GroupRecord, alert: &Alert| take_back(group, alert, &BTreeSet::new());
    let without = take_back(&group, &alert(AlertType::ClaimWithdrawn, b"a")).unwrap();
    assert_eq!((without.group.members.len(), without.is_first, without.speaks), (1, true, false));
    assert_eq!(take_back(&without.group, &alert(AlertType::ClaimWithdrawn, b"b")).unwrap().group.members, []);
    let told = GroupRecord { told: [group.members[0].id].into(), ..group.clone() };
    assert!(
        !take_back(&told, &alert(AlertType::ClaimWithdrawn, b"a")).unwrap().is_first,
        "what was sent is taken back too"
    );
    assert_eq!(take_back(&group, &alert(AlertType::ClaimWithdrawn, b"c")), None);
    let mut revised = alert(AlertType::ClaimRevised, b"a");
    revised.evidence.as_mut().unwrap().sentence = "denied it again".to_owned();
    let changed = take_back(&group, &revised).unwrap().group;
    assert_eq!((changed.members[0].id, changed.members[0].alert_type), (group.members[0].id, AlertType::DenialNew));
    assert_eq!(changed.members[0].evidence.as_ref().unwrap().sentence, "denied it again");
}

#[test]
fn what_rides_in_an_alert_outlives_its_subject_and_goes_alone() {
    let mut denial = alert(AlertType::DenialNew, b"x");
    denial.also = vec![id(b"y"), id(b"z")];
    let first = [id(b"y")].into();
    let group = join(None, ("one", "t"), &limits(), Arrival { first: &first, ..arrival(&denial, 0) });
    let withdrawal = |claim: &[u8]| alert(AlertType::ClaimWithdrawn, claim);
    let without_y = take_back(&group, &withdrawal(b"y"), &BTreeSet::new()).unwrap();
    assert_eq!(without_y.group.members[0].also, [id(b"z")]);
    assert!(without_y.is_first && !without_y.speaks, "nobody heard of it");
    assert!(!take_back(&group, &withdrawal(b"z"), &BTreeSet::new()).unwrap().is_first, "of this one the sink did");
    let without_x = take_back(&group, &withdrawal(b"x"), &[id(b"x"), id(b"z")].into()).unwrap();
    assert!(without_x.speaks);
    assert_eq!(without_x.group.members[0].also, [id(b"y")]);
    let of_nothing = take_back(&group, &withdrawal(b"x"), &[id(b"x"), id(b"y"), id(b"z")].into()).unwrap();
    assert!(of_nothing.group.members.is_empty() && !of_nothing.speaks);
}

#[test]
fn what_is_under_an_embargo_by_then_goes_alone() {
    let mut group = group(vec![alert(AlertType::DenialNew, b"a"), alert(AlertType::AllegationNew, b"b")]);
    group.members[0].document.as_mut().unwrap().embargo_until = Some(at(9_000));
    let told = alerts(close(group, at(1_120)));
    assert_eq!(told.iter().map(embargo).collect::<Vec<_>>(), [at(9_000), at(0)]);
    assert!(told.iter().all(|alert| alert.also.is_empty()));
}

#[test]
fn what_waits_is_bounded() {
    let many: Vec<Alert> = (0..MEMBERS_MAX).map(|number| alert(AlertType::DenialNew, &number.to_le_bytes())).collect();
    let group = group(many);
    assert!(is_due(&group, &limits(), at(1_000)), "a full group goes at once");
    assert!(is_due(&GroupRecord { until: at(999_999), ..group }, &limits(), at(1_000)), "the clock was wrong");
}

#[test]
fn what_takes_back_or_has_to_wait_longer_does_not_wait_here() {
    let may = |alert: &Alert, due| may_wait(&limits(), arrival(alert, due));
    let denial = alert(AlertType::DenialNew, b"a");
    assert!(may(&denial, 0) && !may(&denial, 2_000));
    assert!(!may(&alert(AlertType::ClaimWithdrawn, b"a"), 0));
    assert!(!may_wait(&Limits::none(), arrival(&denial, 0)));
    assert_eq!(denial.thread.unwrap().id, ThreadId::of(&[b"t"]));
}
