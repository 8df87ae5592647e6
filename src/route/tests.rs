//! One alert per thread and sink, rules, priorities, ids.

use jiff::Timestamp;

use crate::model::*;
use crate::route::{Routed, Router};

fn rule(name: &str, types: &[AlertType], sinks: &[&str]) -> Rule {
    Rule {
        name: name.into(),
        types: types.to_vec(),
        confidence_min: Confidence::from_probability(0.5),
        sinks: sinks.iter().map(|&sink| sink.to_owned()).collect(),
    }
}

pub(super) fn event(alert_type: AlertType, claim: &[u8], thread: &[u8], confidence: f64) -> Event {
    let document = DocumentId::of(&[b"d"]);
    let quote = Quote { text: "denied".into(), start: 0, end: 6 };
    Event {
        alert_type,
        time: Timestamp::UNIX_EPOCH,
        why: "because".into(),
        subject: Subject::Claim(Box::new(ClaimEvent {
            report: Report {
                claim: AlertClaim {
                    id: ClaimId::of(&[claim]),
                    document,
                    kind: Kind::Denial,
                    cue: quote,
                    source: None,
                    speaker: Some(ClaimSpeaker {
                        name: "Orsa Lind".into(),
                        role: Some("defence minister".into()),
                        via: None,
                    }),
                    content: Vec::new(),
                    target: None,
                    basis: None,
                    answers: Vec::new(),
                    background: false,
                    confidence,
                    sentence: Offsets { start: 0, end: 6 },
                    language: "eng".into(),
                    revision: 1,
                    supersedes: None,
                },
                evidence: Evidence { sentence: "denied".into(), before: String::new(), after: String::new() },
                document: AlertDocument {
                    id: document,
                    url: None,
                    headline: "Minister denies".into(),
                    outlet: "Andes".into(),
                    agency: None,
                    via: None,
                    published: None,
                    first_seen: Timestamp::UNIX_EPOCH,
                    embargo_until: None,
                },
            },
            story: AlertStory {
                id: StoryId::of(&[b"s"]),
                revision: 0,
                outlets: vec!["Andes".into(), "B".into()],
                copies: 2,
            },
            thread: AlertThread {
                id: ThreadId::of(&[thread]),
                sequence: 1,
                state: ThreadState::Answered,
                proposition: "it".into(),
                stances: Vec::new(),
                contradiction: false,
            },
            alerted: [].into(),
            answers: Vec::new(),
            also: Vec::new(),
            is_first_answer: true,
            is_cross_document: false,
        })),
    }
}

pub(super) fn routed(rules: Vec<Rule>, events: Vec<Event>) -> Vec<Routed> {
    Router::new(rules, vec!["one".into(), "two".into()]).route(events)
}

fn names(routed: &[Routed]) -> Vec<(&'static str, Vec<&str>)> {
    routed
        .iter()
        .map(|routed| (routed.alert.alert_type.as_str(), routed.sinks.iter().map(String::as_str).collect()))
        .collect()
}

#[test]
fn one_alert_for_a_thread_and_sink() {
    let events = vec![
        event(AlertType::AllegationNew, b"a", b"t", 0.9),
        event(AlertType::DenialNew, b"b", b"t", 0.9),
        event(AlertType::AllegationNew, b"c", b"u", 0.9),
    ];
    let mut found = names(&routed(vec![Rule::everything()], events))
        .into_iter()
        .map(|(name, sinks)| (name, sinks.len()))
        .collect::<Vec<_>>();
    found.sort_unstable();
    assert_eq!(found, [("allegation.new", 2), ("denial.new", 2)]);
}

#[test]
fn what_takes_an_alert_back_goes_where_that_alert_went() {
    let withdrawn = |claim: &[u8], alerted: &[(&str, AlertedAs)]| {
        let mut event = event(AlertType::ClaimWithdrawn, claim, b"t", 0.1);
        let Subject::Claim(subject) = &mut event.subject else { panic!("no claim") };
        subject.alerted = alerted.iter().map(|&(sink, part)| (sink.to_owned(), part)).collect();
        event
    };
    let (subject, rider) = (AlertedAs::Subject, AlertedAs::Rider);
    let events = vec![
        withdrawn(b"a", &[("one", subject), ("two", rider)]),
        withdrawn(b"b", &[("one", subject)]),
        withdrawn(b"c", &[("one", rider)]),
        event(AlertType::DenialNew, b"d", b"t", 0.9),
    ];
    let found = routed(vec![Rule::everything()], events);
    let both = vec![("claim.withdrawn", vec!["one", "two"]), ("claim.withdrawn", vec!["one"])];
    assert_eq!(names(&found), both, "however unsure the wording is");
    let told_nobody = vec![withdrawn(b"a", &[]), event(AlertType::DenialNew, b"d", b"t", 0.9)];
    assert_eq!(names(&routed(vec![Rule::everything()], told_nobody)), [("denial.new", vec!["one", "two"])]);
}

#[test]
fn each_sink_sees_what_its_rules_let_through() {
    let rules = vec![
        rule("denials", &[AlertType::DenialNew], &["one"]),
        rule("allegations", &[AlertType::AllegationNew], &["two"]),
    ];
    let events = vec![event(AlertType::AllegationNew, b"a", b"t", 0.9), event(AlertType::DenialNew, b"b", b"t", 0.9)];
    let found = routed(rules, events);
    assert_eq!(names(&found), [("denial.new", vec!["one"]), ("allegation.new", vec!["two"])]);
    assert_eq!(found[0].alert.rules, ["denials"]);
}

#[test]
fn the_unsure_are_held_back() {
    let denial = |confidence| vec![event(AlertType::DenialNew, b"a", b"t", confidence)];
    assert!(routed(vec![Rule::everything()], denial(0.3)).is_empty());
    let unsure = &routed(vec![Rule::everything()], denial(0.4))[0].alert.priority;
    let sure = &routed(vec![Rule::everything()], denial(0.5))[0].alert.priority;
    assert_eq!(unsure.score + 10, sure.score);
    assert!(unsure.reasons.iter().any(|reason| reason == "extractor unsure"));
}

#[test]
fn ids_are_of_the_claim_or_of_the_thread() {
    let id = |alert_type, claim: &[u8]| {
        routed(vec![Rule::everything()], vec![event(alert_type, claim, b"t", 0.9)])[0].alert.id
    };
    assert_eq!(id(AlertType::DenialNew, b"a"), id(AlertType::DenialNew, b"a"));
    assert_ne!(id(AlertType::DenialNew, b"a"), id(AlertType::DenialNew, b"b"));
    assert_eq!(id(AlertType::ThreadLinked, b"a"), id(AlertType::ThreadLinked, b"b"));
}

#[test]
fn a_priority_has_its_reasons() {
    let found = routed(vec![Rule::everything()], vec![event(AlertType::DenialNew, b"a", b"t", 0.9)]);
    let priority = &found[0].alert.priority;
    assert_eq!(priority.reasons, ["first answer", "minister", "2 outlets"]);
    assert_eq!(priority.score, 50 + 10 + 10 + 4);
}

#[test]
fn an_embargo_holds_an_alert_back() {
    let mut held = event(AlertType::DenialNew, b"a", b"t", 0.9);
    let until: Timestamp = "2030-01-01T00:00:00Z".parse().unwrap();
    if let Subject::Claim(claim) = &mut held.subject {
        claim.report.document.embargo_until = Some(until);
    }
    assert_eq!(routed(vec![Rule::everything()], vec![held])[0].due, until);
}
