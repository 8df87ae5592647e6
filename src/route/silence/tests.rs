//! Silences: what they keep back, from whom, and what never.

use jiff::Timestamp;

use super::*;
use crate::model::{AlertedAs, Silence};
use crate::route::tests::{denial_of, event, failing};
use crate::route::{Router, Routing};

fn silence(change: impl FnOnce(&mut Silence)) -> SilenceRecord {
    let mut silence = Silence {
        until: Timestamp::MAX,
        comment: "a drill".into(),
        speaker: None,
        outlet: None,
        thread: None,
        feed: None,
        kind: None,
        sink: None,
        when: None,
    };
    change(&mut silence);
    SilenceRecord { id: FeedbackId::of(&[b"s"]), since: Timestamp::UNIX_EPOCH, by: None, silence }
}

fn route(record: &SilenceRecord, events: Vec<Event>, feed: &str) -> Routing {
    let (silencer, faulty) = Silencer::new(std::iter::once(record));
    assert_eq!(faulty, []);
    let router = Router::new(vec![Rule::everything()], vec!["one".into(), "two".into()]);
    router.route(events, &silencer, Some(&FeedId::new(feed)))
}

/// The sinks that get the event, and those that a silence keeps it from.
fn told(change: impl FnOnce(&mut Silence), event: Event) -> (Vec<String>, Vec<String>) {
    let routing = route(&silence(change), vec![event], "wire");
    let got = routing.routed.into_iter().flat_map(|routed| routed.sinks).collect();
    (got, routing.silenced.into_iter().flat_map(|(routed, _)| routed.sinks).collect())
}

#[track_caller]
fn check(change: impl FnOnce(&mut Silence), is_kept: bool) {
    let (got, kept) = told(change, denial_of(&["Corvane hid it."]));
    let both = vec!["one".to_owned(), "two".to_owned()];
    let expected = if is_kept { (Vec::new(), both) } else { (both, Vec::new()) };
    assert_eq!((got, kept), expected);
}

#[test]
fn everything_that_is_given_must_be_true() {
    check(|silence| silence.speaker = Some("Lind".into()), true);
    check(|silence| silence.speaker = Some("Corvane".into()), false);
    check(|silence| silence.outlet = Some("ANDES".into()), true);
    check(|silence| silence.outlet = Some("Tide".into()), false);
    check(|silence| silence.kind = Some(Kind::Denial), true);
    check(|silence| silence.kind = Some(Kind::Allegation), false);
    check(|silence| silence.thread = Some(ThreadId::of(&[b"t"])), true);
    check(|silence| silence.thread = Some(ThreadId::of(&[b"u"])), false);
    check(|silence| silence.feed = Some(FeedId::new("wire")), true);
    check(|silence| silence.feed = Some(FeedId::new("tide")), false);
    check(|silence| silence.when = Some("heard('Corvane') && confidence > 0.5".into()), true);
    check(|silence| silence.when = Some("outlets > 5".into()), false);
    check(|silence| (silence.speaker, silence.outlet) = (Some("Lind".into()), Some("Tide".into())), false);
}

#[test]
fn a_silence_of_a_sink_is_of_that_sink_alone() {
    let routing = route(&silence(|silence| silence.sink = Some("two".into())), vec![denial_of(&[])], "wire");
    assert_eq!((routing.routed[0].sinks.as_slice(), routing.silenced.len()), (&["one".to_owned()][..], 1));
    let (kept, reason) = &routing.silenced[0];
    assert_eq!(kept.sinks, ["two"]);
    assert_eq!(kept.alert, routing.routed[0].alert);
    assert_eq!(*reason, format!("silence {}: a drill", FeedbackId::of(&[b"s"])));
}

#[test]
fn what_takes_something_back_is_never_silenced() {
    let mut withdrawn = denial_of(&[]);
    withdrawn.alert_type = AlertType::ClaimWithdrawn;
    let Subject::Claim(claim) = &mut withdrawn.subject else { panic!("no claim") };
    claim.alerted = [("one".to_owned(), AlertedAs::Subject)].into();
    let (got, kept) = told(|silence| silence.speaker = Some("Lind".into()), withdrawn);
    assert_eq!((got, kept), (vec!["one".to_owned()], Vec::new()));
}

#[test]
fn feeds_are_silenced_by_feed_outlet_and_sink_alone() {
    let is_kept = |change: fn(&mut Silence)| !told(change, failing()).1.is_empty();
    assert!(is_kept(|silence| silence.feed = Some(FeedId::new("a"))));
    assert!(is_kept(|silence| silence.outlet = Some("Andes".into())));
    assert!(is_kept(|silence| silence.sink = Some("one".into())));
    assert!(!is_kept(|silence| silence.speaker = Some("Lind".into())));
    assert!(!is_kept(|silence| silence.kind = Some(Kind::Denial)));
    assert!(!is_kept(|silence| silence.when = Some("true".into())));
    assert!(!is_kept(|silence| silence.feed = Some(FeedId::new("wire"))));
}

#[test]
fn what_is_not_silenced_speaks_for_its_thread() {
    let events =
        || vec![event(AlertType::DenialNew, b"a", b"t", 0.9), event(AlertType::AllegationNew, b"b", b"t", 0.9)];
    let routing = route(&silence(|silence| silence.when = Some("type == 'denial.new'".into())), events(), "wire");
    assert_eq!(routing.routed[0].alert.alert_type, AlertType::AllegationNew);
    assert_eq!(routing.silenced[0].0.alert.alert_type, AlertType::DenialNew);
    let routing = route(&silence(|silence| silence.when = Some("type == 'allegation.new'".into())), events(), "wire");
    assert_eq!((routing.routed.len(), routing.silenced.len()), (1, 0), "the allegation rides in the denial");
}

#[test]
fn an_expression_that_cannot_be_read_or_fails_keeps_nothing_back() {
    let record = silence(|silence| silence.when = Some("1 / (copies - 2) == 1".into()));
    assert_eq!(route(&record, vec![denial_of(&[])], "wire").silenced.len(), 0);
    let broken = silence(|silence| silence.when = Some("speaker ==".into()));
    let (silencer, faulty) = Silencer::new(std::iter::once(&broken));
    assert_eq!(faulty, [broken.id]);
    assert!(silencer.is_of([broken].iter()) && !silencer.is_of([].iter()));
}
