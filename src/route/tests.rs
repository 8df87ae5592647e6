//! One alert per thread and sink, rules, priorities, ids.

use jiff::Timestamp;

use crate::model::*;
use crate::route::{Routed, Router, Silencer, Verdict};
use crate::rule::{Filter, Rule};

fn rule(name: &str, types: &[AlertType], sinks: &[&str]) -> Rule {
    Rule {
        name: name.into(),
        types: types.to_vec(),
        confidence_min: Confidence::from_probability(0.5),
        sinks: sinks.iter().map(|&sink| sink.to_owned()).collect(),
        ..Rule::everything()
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
                    topics: Vec::new(),
                },
            },
            story: AlertStory {
                id: StoryId::of(&[b"s"]),
                revision: 0,
                outlets: vec!["Andes".into(), "B".into()],
                copies: 2,
            },
            affiliation: None,
            told: [].into(),
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
            related: Vec::new(),
            also: Vec::new(),
            is_followed: false,
            is_first_answer: true,
            is_cross_document: false,
        })),
    }
}

pub(super) fn routed(rules: Vec<Rule>, events: Vec<Event>) -> Vec<Routed> {
    Router::new(rules, vec!["one".into(), "two".into()]).route(events, &Silencer::default(), None).routed
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
    assert!(routed(vec![Rule::everything()], denial(0.46)).is_empty());
    let lenient = Rule { confidence_min: Confidence::from_probability(0.4), ..Rule::everything() };
    let unsure = &routed(vec![lenient], denial(0.46))[0].alert.priority;
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
    assert_eq!(routed(vec![Rule::everything()], vec![held.clone()])[0].due, until);
    // Who was told of it hears at once that it was withdrawn; who saw only that there is such a claim does not read it now.
    held.alert_type = AlertType::ClaimWithdrawn;
    if let Subject::Claim(claim) = &mut held.subject {
        claim.alerted = [("one".to_owned(), AlertedAs::Subject), ("two".to_owned(), AlertedAs::Rider)].into();
    }
    let found = routed(vec![Rule::everything()], vec![held]);
    let due = ["one", "two"].map(|sink| found[0].due_for(sink));
    assert_eq!((found.len(), due, found[0].due_first()), (1, [Timestamp::UNIX_EPOCH, until], Timestamp::UNIX_EPOCH));
}

/// A denial by an unnamed spokesman, in Andes.
pub(super) fn denial_of(answered: &[&str]) -> Event {
    let mut denial = event(AlertType::DenialNew, b"a", b"t", 0.9);
    let Subject::Claim(claim) = &mut denial.subject else { panic!("no claim") };
    for sentence in answered {
        let mut report = claim.report.clone();
        report.claim.speaker = None;
        report.document.headline = "Reports".into();
        (*sentence).clone_into(&mut report.evidence.sentence);
        claim.related.push(report);
    }
    denial
}

fn watching(names: &[&str]) -> Rule {
    Rule { watch: names.iter().map(|&name| name.to_owned()).collect(), ..Rule::everything() }
}

#[test]
fn a_watch_lets_through_what_names_one_of_its_names() {
    let passes = |names: &[&str], event: Event| !routed(vec![watching(names)], vec![event]).is_empty();
    for name in ["Orsa Lind", "lind", "defence minister", "Minister denies", "denied"] {
        assert!(passes(&[name], denial_of(&[])), "{name}");
    }
    for name in ["Corvane", "Lin", "Andes"] {
        assert!(!passes(&[name], denial_of(&[])), "{name}");
    }
    assert!(passes(&["Corvane"], denial_of(&["A leak was hidden.", "Corvane hid it."])), "what it answers names it");
    let mut thread = denial_of(&[]);
    let Subject::Claim(claim) = &mut thread.subject else { panic!("no claim") };
    claim.thread.proposition = "Corvane hid a leak".into();
    claim.report.claim.target = Some("Halden Freight".into());
    claim.report.claim.content = vec![Quote { text: "a leak at Moss".into(), start: 0, end: 1 }];
    for name in ["Corvane", "Halden", "Moss"] {
        assert!(passes(&[name], thread.clone()), "{name}");
    }
    assert!(passes(&[], thread));
}

#[test]
fn an_alert_says_which_watched_names_are_in_it_and_is_more_urgent() {
    let rules = vec![
        watching(&["Corvane", "Moss", "Orsa Lind"]),
        Rule { name: "speaker".into(), speakers: vec!["Lind".into(), "Corvane".into()], ..Rule::everything() },
        Rule { name: "other".into(), ..watching(&["Halden"]) },
    ];
    let plain = routed(vec![Rule::everything()], vec![denial_of(&["Corvane hid it."])]);
    let alert = &routed(rules, vec![denial_of(&["Corvane hid it."])])[0].alert;
    assert_eq!(alert.rules, ["everything", "speaker"]);
    assert_eq!(alert.watched, ["Corvane", "Orsa Lind", "Lind"]);
    assert_eq!(alert.priority.score, plain[0].alert.priority.score + 10);
    assert_eq!(alert.priority.reasons.last().unwrap(), "on a watch list: Corvane, Orsa Lind, Lind");
    assert!(plain[0].alert.watched.is_empty());
}

#[test]
fn speakers_and_outlets_narrow_further() {
    let passes = |rule: Rule| !routed(vec![rule], vec![denial_of(&["Corvane hid it."])]).is_empty();
    let speakers = |name: &str| Rule { speakers: vec![name.into()], ..watching(&["Corvane"]) };
    assert!(passes(speakers("Lind")) && !passes(speakers("Corvane")));
    let outlets = |name: &str| Rule { outlets: vec![name.into()], ..Rule::everything() };
    assert!(passes(outlets("ANDES")) && !passes(outlets("And")));
}

#[test]
fn what_takes_an_alert_back_passes_every_list() {
    let mut withdrawn = denial_of(&[]);
    withdrawn.alert_type = AlertType::ClaimWithdrawn;
    let Subject::Claim(claim) = &mut withdrawn.subject else { panic!("no claim") };
    claim.alerted = [("one".to_owned(), AlertedAs::Subject)].into();
    let nowhere = || Rule {
        name: "nowhere".into(),
        speakers: vec!["Nobody".into()],
        outlets: vec!["Nowhere".into()],
        ..watching(&["Corvane"])
    };
    let found = routed(vec![nowhere()], vec![withdrawn.clone()]);
    assert_eq!(names(&found), [("claim.withdrawn", vec!["one"])]);
    assert_eq!(found[0].alert.rules, ["nowhere"]);
    let wanted = Rule { name: "lind".into(), ..watching(&["Lind"]) };
    assert_eq!(routed(vec![nowhere(), wanted], vec![withdrawn])[0].alert.rules, ["lind"]);
}

pub(super) fn failing() -> Event {
    Event {
        alert_type: AlertType::FeedFailing,
        time: Timestamp::UNIX_EPOCH,
        why: "because".into(),
        subject: Subject::Feed(FeedAlert {
            id: FeedId::new("a"),
            outlet: "Andes".into(),
            url: "https://a.example".into(),
            incident: 1,
            detail: "three polls failed".into(),
        }),
    }
}

#[test]
fn feed_alerts_are_narrowed_by_outlets_alone() {
    let count = |rule: Rule| routed(vec![rule], vec![failing()]).len();
    assert_eq!(count(Rule { speakers: vec!["Nobody".into()], ..watching(&["Corvane"]) }), 1);
    assert_eq!(count(Rule { outlets: vec!["andes".into()], ..Rule::everything() }), 1);
    assert_eq!(count(Rule { outlets: vec!["Tide".into()], ..Rule::everything() }), 0);
}

#[test]
fn kinds_languages_and_topics_narrow_claims() {
    let passes = |rule: Rule| !routed(vec![rule], vec![filed_under(&["World news"])]).is_empty();
    assert!(passes(Rule { kinds: vec![Kind::Denial, Kind::Retraction], ..Rule::everything() }));
    assert!(!passes(Rule { kinds: vec![Kind::Allegation], ..Rule::everything() }));
    assert!(passes(Rule { languages: vec!["ENG".into()], ..Rule::everything() }));
    assert!(!passes(Rule { languages: vec!["fra".into()], ..Rule::everything() }));
    assert!(passes(Rule { topics: vec!["Sport".into(), "WORLD NEWS".into()], ..Rule::everything() }));
    assert!(!passes(Rule { topics: vec!["World".into()], ..Rule::everything() }));
}

fn filed_under(topics: &[&str]) -> Event {
    let mut denial = denial_of(&["Corvane hid it."]);
    let Subject::Claim(claim) = &mut denial.subject else { panic!("no claim") };
    claim.report.document.topics = topics.iter().map(|&topic| topic.to_owned()).collect();
    denial
}

fn asking(expression: &str) -> Rule {
    Rule { when: Some(Filter::new(expression).unwrap()), ..Rule::everything() }
}

#[test]
fn an_expression_sees_the_claim_its_story_and_its_thread() {
    let passes = |expression: &str| !routed(vec![asking(expression)], vec![filed_under(&["world"])]).is_empty();
    for expression in [
        "type == 'denial.new' && kind == 'denial' && speaker == 'Orsa Lind' && role == 'defence minister'",
        "headline == 'Minister denies' && sentence == 'denied' && outlet == 'Andes' && language == 'eng'",
        "outlets == 2 && copies == 2 && state == 'answered' && first_answer && !cross_document",
        "confidence == 0.9 && score == 74 && 'world' in topics && watched == []",
        "heard('Corvane') && heard('minister') && !heard('Moss')",
    ] {
        assert!(passes(expression), "{expression}");
    }
    assert!(!passes("kind == 'allegation'"));
}

#[test]
fn an_expression_sees_what_other_rules_watch() {
    let rules = vec![watching(&["Corvane", "Moss"]), Rule { name: "asking".into(), ..asking("'Corvane' in watched") }];
    let alert = &routed(rules, vec![denial_of(&["Corvane hid it."])])[0].alert;
    assert_eq!(alert.rules, ["asking", "everything"]);
}

#[test]
fn an_expression_that_fails_lets_through_and_says_so() {
    let rule = || Rule { name: "odd".into(), ..asking("1 / (copies - 2) == 1") };
    let router = Router::new(vec![rule()], vec!["one".into()]);
    let routing = router.route(vec![denial_of(&[])], &Silencer::default(), None);
    let alert = &routing.routed[0].alert;
    let reason = "rule odd: its `when` failed, so it lets this through: Division by zero of Int(1)";
    assert_eq!(alert.priority.reasons.last().unwrap(), reason);
    assert_eq!(routing.failures, [("odd".to_owned(), "Division by zero of Int(1)".to_owned())]);
    assert_eq!(router.verdicts(&(&denial_of(&[])).into())[0].1, Verdict::Failed("Division by zero of Int(1)".into()));
}

#[test]
fn rules_raise_and_lower_what_they_let_through() {
    let score = |rules: Vec<Rule>| routed(rules, vec![denial_of(&[])])[0].alert.priority.clone();
    let raised = Rule { name: "raised".into(), priority: 20, ..Rule::everything() };
    let lowered = Rule { name: "lowered".into(), priority: -5, ..Rule::everything() };
    let closed = Rule { name: "closed".into(), priority: 50, ..watching(&["Nobody"]) };
    let found = score(vec![raised.clone(), lowered, closed]);
    assert_eq!(found.score, 74 + 20 - 5);
    assert_eq!(found.reasons[3..], ["rule raised", "rule lowered"]);
    assert_eq!(score(vec![Rule { priority: 50, ..raised }]).score, 100);
}

#[test]
fn a_priority_is_enough_or_not_as_the_rule_alone_makes_it() {
    let passes = |rule: Rule| !routed(vec![rule], vec![denial_of(&[])]).is_empty();
    let least = |priority_min| Rule { priority_min, ..Rule::everything() };
    assert!(passes(least(74)) && !passes(least(75)));
    assert!(passes(Rule { priority: 1, ..least(75) }) && !passes(Rule { priority: -1, ..least(74) }));
    assert!(passes(Rule { watch: vec!["Lind".into()], ..least(84) }));
}

#[test]
fn what_takes_an_alert_back_and_what_is_of_feeds_passes_every_key_of_claims() {
    let closed = Rule {
        kinds: vec![Kind::Retraction],
        languages: vec!["fra".into()],
        topics: vec!["sport".into()],
        priority_min: 100,
        ..asking("false")
    };
    let mut withdrawn = denial_of(&[]);
    withdrawn.alert_type = AlertType::ClaimWithdrawn;
    let Subject::Claim(claim) = &mut withdrawn.subject else { panic!("no claim") };
    claim.alerted = [("one".to_owned(), AlertedAs::Subject)].into();
    assert_eq!(names(&routed(vec![closed.clone()], vec![withdrawn])), [("claim.withdrawn", vec!["one"])]);
    assert_eq!(names(&routed(vec![closed], vec![failing()])), [("feed.failing", vec!["one", "two"])]);
}

/// A denial of which these sinks heard as another copy told it.
fn told(alert_type: AlertType, claim: &[u8], sinks: &[&str]) -> Event {
    let mut event = event(alert_type, claim, b"t", 0.9);
    let Subject::Claim(subject) = &mut event.subject else { panic!("no claim") };
    subject.told = sinks.iter().map(|&sink| sink.to_owned()).collect();
    event
}

#[test]
fn a_sink_hears_of_an_act_once() {
    let routing = |events: Vec<Event>| {
        Router::new(vec![Rule::everything()], vec!["one".into(), "two".into()]).route(
            events,
            &Silencer::default(),
            None,
        )
    };
    let denial = || told(AlertType::DenialNew, b"a", &["one"]);
    let linked = || told(AlertType::ThreadLinked, b"a", &["one"]);
    let found = routing(vec![denial(), linked()]);
    assert_eq!(names(&found.routed), [("denial.new", vec!["two"])]);
    assert_eq!(found.held_back, [(("everything".to_owned(), "known"), 2)].into());
    let confirmation = event(AlertType::ClaimConfirmed, b"b", b"t", 0.9);
    let found = routing(vec![denial(), confirmation]);
    assert_eq!(names(&found.routed), [("denial.new", vec!["two"]), ("claim.confirmed", vec!["one"])]);
    let contradiction = told(AlertType::ThreadContradiction, b"a", &["one", "two"]);
    assert_eq!(names(&routing(vec![contradiction]).routed), [("thread.contradiction", vec!["one", "two"])]);
}

#[test]
fn what_each_rule_held_back_is_counted() {
    let rules =
        vec![rule("types", &[AlertType::AllegationNew], &[]), Rule { name: "when".into(), ..asking("copies > 9") }];
    let router = Router::new(rules, vec!["one".into()]);
    let found = router.route(
        vec![denial_of(&[]), event(AlertType::AllegationNew, b"b", b"u", 0.9)],
        &Silencer::default(),
        None,
    );
    let count = |rule: &str, key| found.held_back.get(&(rule.to_owned(), key)).copied();
    assert_eq!((count("types", "types"), count("when", "when"), found.routed.len()), (Some(1), Some(2), 1));
}

#[test]
fn verdicts_say_why_a_rule_holds_back() {
    let event = denial_of(&[]);
    let rules = vec![
        watching(&["Lind"]),
        watching(&["Corvane"]),
        Rule { speakers: vec!["Corvane".into()], ..Rule::everything() },
        Rule { outlets: vec!["Tide".into()], ..Rule::everything() },
        rule("types", &[AlertType::AllegationNew], &[]),
        Rule { confidence_min: Confidence::from_probability(0.95), ..Rule::everything() },
        Rule { kinds: vec![Kind::Allegation], ..Rule::everything() },
        Rule { languages: vec!["fra".into()], ..Rule::everything() },
        Rule { topics: vec!["sport".into()], ..Rule::everything() },
        Rule { priority_min: 90, ..Rule::everything() },
        asking("background"),
    ];
    let router = Router::new(rules, Vec::new());
    let said = router.verdicts(&(&event).into()).into_iter().map(|(_, verdict)| match verdict {
        Verdict::Refused(refusal) => refusal.to_string(),
        _ => String::new(),
    });
    let said: Vec<String> = said.collect();
    let expected = [
        "",
        "no name on watch is in the claim, its headline, what it answers or its thread",
        "no name on speakers is the speaker's",
        "outlets does not name Andes",
        "types does not name denial.new",
        "confidence 0.90 is less than confidence_min 0.95",
        "kinds does not name denial",
        "languages does not name eng",
        "topics names none of the document's topics",
        "priority 74 is less than priority_min 90",
        "`when` is false",
    ];
    assert_eq!(said, expected);
}
