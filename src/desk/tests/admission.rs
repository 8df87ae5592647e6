//! What sinks get of what was routed: everything once, whatever holds it back and whenever the daemon dies.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use jiff::tz::TimeZone;
use proptest::prelude::*;

use super::*;
use crate::model::{AlertType, FeedbackAct, Release, Silence, SinkChange};
use crate::rule::{Collect, QuietHours};
use crate::store::{AlertFilter, DeliveryFilter, View};

const NAMES: [(&str, &str, &str); 4] = [
    ("Franck", "taken bribes from a brewery", "taking bribes from a brewery"),
    ("Sorel", "sold the harbour crane to her cousin", "selling the harbour crane to her cousin"),
    ("Brandt", "poisoned a lake with her factory's waste", "poisoning a lake with her factory's waste"),
    ("Lindqvist", "hidden engine faults from regulators", "hiding engine faults from regulators"),
];

#[derive(Debug, Clone)]
enum Step {
    Accuse(usize),
    Deny(usize),
    Kill(usize),
    /// Both in one document.
    Tell(usize),
    /// A correction of that document which leaves the denial out.
    Correct(usize),
    Wait(i64),
    Die,
    FailToCommit,
    Silence(usize),
    EndSilence,
}

/// A desk in a folder of its own.
struct Bench {
    folder: tempfile::TempDir,
    limits: Limits,
    desk: Option<(Desk, Arc<Flaky>)>,
    now: Timestamp,
    silences: Vec<FeedbackId>,
    /// What was routed, held back, kept back and offered.
    counts: [u64; 4],
}

impl Bench {
    fn new(limits: Limits) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut bench = Self { folder, limits, desk: None, now: now(), silences: Vec::new(), counts: [0; 4] };
        bench.open();
        bench
    }

    fn open(&mut self) {
        self.desk = None;
        let (mut desk, store) = thrifty_desk(self.folder.path());
        desk.sinks[0].limits = self.limits.clone();
        self.desk = Some((desk, store));
    }

    fn database(&self) -> PathBuf {
        self.folder.path().join("desk.db")
    }

    fn process(&mut self, work: Vec<Work>) {
        let (desk, store) = self.desk.as_mut().unwrap();
        let fails = store.commits_to_fail.load(Ordering::SeqCst) > 0;
        let mut outcome = desk.process(work.clone(), self.now);
        if fails {
            assert!(outcome.is_err());
            outcome = desk.process(work, self.now);
        }
        let tally = outcome.unwrap().tally;
        let counted = [
            tally.routed.values().sum::<u64>(),
            tally.held.values().sum(),
            tally.silenced.values().sum(),
            tally.offered.values().sum(),
        ];
        assert_eq!(counted[0], counted[1..].iter().sum::<u64>(), "{tally:?}");
        for (sum, more) in self.counts.iter_mut().zip(counted) {
            *sum += more;
        }
    }

    /// As the daemon does every second.
    fn tick(&mut self) {
        if self.desk.as_ref().unwrap().0.is_due(self.now) {
            self.process(Vec::new());
            assert!(!self.desk.as_ref().unwrap().0.is_due(self.now), "once");
        }
    }

    fn wait(&mut self, minutes: i64) {
        for _ in 0..minutes {
            self.now = self.now.checked_add(SignedDuration::from_mins(1)).unwrap();
            self.tick();
        }
    }

    fn publish(&mut self, id: &str, title: &str, text: &str) {
        let document =
            archive_document(id, None, Some(title), text, Some(self.now), None, self.now, MarkupFormat::Text);
        self.process(vec![Work { documents: vec![document], ..Work::default() }]);
    }

    fn say(&mut self, act: FeedbackAct) -> FeedbackId {
        let feedback = Feedback::new(self.now, None, act);
        let id = feedback.id;
        self.process(vec![Work { feedback: vec![feedback], ..Work::default() }]);
        id
    }

    fn take(&mut self, step: &Step) {
        match step {
            Step::Accuse(who) => {
                let (name, _, deed) = NAMES[*who];
                let text = format!("Prosecutors accused Mayor Odile {name} of {deed}.");
                self.publish(&format!("accusation {who}"), "Prosecutors speak", &text);
            }
            Step::Deny(who) => {
                let (name, deed, _) = NAMES[*who];
                let text = format!("Mayor Odile {name} denied on Monday that she had {deed}.");
                self.publish(&format!("denial {who}"), "A mayor answers", &text);
            }
            Step::Kill(who) => {
                self.publish(&format!("denial {who}"), "KILL: A mayor answers", "Please kill this story.");
            }
            Step::Tell(who) | Step::Correct(who) => {
                let (name, denied, deed) = NAMES[*who];
                let charge = format!("Prosecutors accused Mayor Odile {name} of {deed}.");
                let (title, text) = match step {
                    Step::Correct(_) => ("CORRECTED: Town hall", charge),
                    _ => ("Town hall", format!("{charge} {name} denied that she had {denied}.")),
                };
                self.publish(&format!("both {who}"), title, &text);
            }
            Step::Wait(minutes) => self.wait(*minutes),
            Step::Die => self.open(),
            Step::FailToCommit => self.desk.as_ref().unwrap().1.commits_to_fail.store(1, Ordering::SeqCst),
            Step::Silence(who) => {
                let silence = by_speaker(NAMES[*who].0, self.now.checked_add(SignedDuration::from_hours(5)).unwrap());
                let id = self.say(FeedbackAct::Silence(Box::new(silence)));
                self.silences.push(id);
            }
            Step::EndSilence => {
                if let Some(silence) = self.silences.pop() {
                    self.say(FeedbackAct::EndSilence { silence });
                }
            }
        }
    }

    /// Lets all that waits go.
    fn end(&mut self) {
        self.desk.as_ref().unwrap().1.commits_to_fail.store(0, Ordering::SeqCst);
        for _ in 0..3 {
            self.wait(60 * 24);
        }
    }

    /// The claims that are known and not withdrawn.
    fn standing(&self) -> Vec<ClaimId> {
        let claims = self.desk.as_ref().unwrap().1.load().unwrap().claims;
        claims.into_iter().filter(|claim| !claim.is_withdrawn).map(|claim| claim.id).collect()
    }

    fn rows(&self) -> Vec<(String, Alert)> {
        rows(&self.database())
    }
}

/// The rows of an outbox, with their states.
fn rows(database: &Path) -> Vec<(String, Alert)> {
    let mut found = Vec::new();
    View::open(database)
        .unwrap()
        .deliveries(&DeliveryFilter::default(), |row| {
            found.push((row.state, serde_json::from_slice(&row.body.unwrap()).unwrap()));
            ControlFlow::Continue(())
        })
        .unwrap();
    found.reverse();
    found
}

fn by_speaker(name: &str, until: Timestamp) -> Silence {
    Silence {
        until,
        comment: "a drill".into(),
        speaker: Some(name.into()),
        outlet: None,
        thread: None,
        feed: None,
        kind: None,
        sink: None,
        when: None,
    }
}

/// The claims of which alerts or entries of digests are.
fn subjects(rows: &[(String, Alert)]) -> BTreeSet<ClaimId> {
    let of_digests = rows.iter().flat_map(|(_, alert)| &alert.digest).flat_map(|digest| &digest.alerts);
    let alone = rows.iter().filter_map(|(_, alert)| alert.claim.as_ref().map(|claim| claim.id));
    alone.chain(of_digests.filter_map(|entry| entry.claim)).collect()
}

/// How often each alert is told by itself, and which claims ride in others.
fn places(rows: &[(String, Alert)]) -> (BTreeMap<crate::model::AlertId, usize>, BTreeSet<ClaimId>) {
    let (mut by_id, mut riding) = (BTreeMap::new(), BTreeSet::new());
    for (_, alert) in rows {
        riding.extend(alert.also.iter().copied());
        match &alert.digest {
            None => *by_id.entry(alert.id).or_default() += 1,
            Some(digest) => {
                for entry in &digest.alerts {
                    *by_id.entry(entry.id).or_default() += 1;
                    riding.extend(entry.also.iter().copied());
                }
            }
        }
    }
    (by_id, riding)
}

fn limits() -> impl Strategy<Value = Limits> {
    let night: Vec<crate::rule::QuietSpan> = vec!["09:00-11:00".parse().unwrap(), "Fri 18:00-24:00".parse().unwrap()];
    let collect = prop_oneof![
        2 => Just(None),
        1 => Just(Some(Collect::Every(SignedDuration::from_mins(45)))),
        1 => Just(Some(Collect::At("10:00 21:30".parse().unwrap(), TimeZone::UTC))),
    ];
    let all = (0..3_u32, 0..3_u32, 0..3_i64, any::<bool>(), collect);
    all.prop_map(move |(day, hour, wait, is_quiet, collect)| Limits {
        alerts_per_day: day,
        alerts_per_hour: hour,
        group_wait: SignedDuration::from_mins(wait * 20),
        quiet: QuietHours::new(if is_quiet { night.clone() } else { Vec::new() }, TimeZone::UTC),
        quiet_priority: 90,
        collect,
    })
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        3 => (0..NAMES.len()).prop_map(Step::Accuse),
        3 => (0..NAMES.len()).prop_map(Step::Deny),
        1 => (0..NAMES.len()).prop_map(Step::Kill),
        2 => (0..NAMES.len()).prop_map(Step::Tell),
        1 => (0..NAMES.len()).prop_map(Step::Correct),
        2 => prop_oneof![Just(5_i64), Just(30), Just(90), Just(1_500)].prop_map(Step::Wait),
        1 => Just(Step::Die),
        1 => Just(Step::FailToCommit),
        1 => (0..NAMES.len()).prop_map(Step::Silence),
        1 => Just(Step::EndSilence),
    ];
    prop::collection::vec(step, 1..14)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_alert_is_sent_or_listed_or_rides_or_is_silenced_once(limits in limits(), steps in steps()) {
        let (mut plain, mut limited) = (Bench::new(Limits::none()), Bench::new(limits));
        for step in steps.iter().filter(|step| !matches!(step, Step::Silence(_) | Step::EndSilence)) {
            plain.take(step);
            limited.take(step);
        }
        limited.end();
        let (expected, found) = (plain.rows(), limited.rows());
        let withdrawn: BTreeSet<ClaimId> = expected
            .iter()
            .filter(|(_, alert)| alert.alert_type == AlertType::ClaimWithdrawn)
            .filter_map(|(_, alert)| alert.claim.as_ref().map(|claim| claim.id))
            .collect();
        let (by_id, riding) = places(&found);
        for (_, alert) in expected.iter().filter(|(_, alert)| !alert.alert_type.takes_back()) {
            let claim = alert.claim.as_ref().unwrap().id;
            let count = by_id.get(&alert.id).copied().unwrap_or_default();
            let is_told = count == 1 || count == 0 && (riding.contains(&claim) || withdrawn.contains(&claim));
            prop_assert!(is_told, "{} {count} times: {found:#?}", alert.why);
        }
        prop_assert!(by_id.values().all(|count| *count == 1), "{found:#?}");
        let (told, (_, rode)) = (subjects(&found), places(&expected));
        for claim in plain.standing() {
            let is_owed = rode.contains(&claim);
            prop_assert!(!is_owed || riding.contains(&claim) || told.contains(&claim), "{claim} rode: {found:#?}");
        }
    }

    #[test]
    fn what_is_silenced_is_counted_and_kept(limits in limits(), steps in steps()) {
        let mut bench = Bench::new(limits);
        for step in &steps {
            bench.take(step);
        }
        bench.end();
        let rows = bench.rows();
        let (by_id, _) = places(&rows);
        prop_assert!(by_id.values().all(|count| *count == 1), "{rows:#?}");
        let silenced = rows.iter().filter(|(state, _)| state == "silenced").count() as u64;
        prop_assert_eq!((bench.counts[2], bench.counts[3]), (silenced, rows.len() as u64 - silenced));
    }
}

#[test]
fn what_comes_again_after_it_was_forgotten_is_told_once() {
    let check = |limits: Limits| {
        let mut bench = Bench::new(limits);
        bench.take(&Step::Accuse(0));
        bench.take(&Step::Deny(1));
        bench.wait(1_500);
        bench.take(&Step::Deny(2));
        bench.wait(90);
        bench.take(&Step::Deny(3));
        assert!(bench.desk.as_ref().unwrap().1.load().unwrap().documents.len() < 4, "some are forgotten");
        bench.take(&Step::Accuse(0));
        bench.take(&Step::Deny(1));
        bench.end();
        let rows = bench.rows();
        assert_eq!(bench.counts[3], rows.len() as u64);
        assert!(places(&rows).0.values().all(|count| *count == 1), "{rows:#?}");
    };
    check(Limits::none());
    check(Limits { alerts_per_day: 1, ..Limits::none() });
    check(Limits { collect: Some(Collect::Every(SignedDuration::from_mins(45))), ..Limits::none() });
}

#[test]
fn an_alert_of_an_endpoint_is_listed_once_over_restarts() {
    let quiet = QuietHours::new(vec!["08:00-10:00".parse().unwrap()], TimeZone::UTC);
    let mut bench = Bench::new(Limits { quiet, ..Limits::none() });
    let tell = |bench: &mut Bench| {
        bench.open();
        let desk = &mut bench.desk.as_mut().unwrap().0;
        let two = SinkSettings { name: "two".into(), ..desk.sinks[0].clone() };
        desk.sinks.push(two);
        let (change, detail) = (SinkChange::Failing, "no answer".to_owned());
        let health = SinkHealth { sink: "two".into(), change, since: now(), detail };
        bench.process(vec![Work { sinks: vec![health.clone(), health], ..Work::default() }]);
    };
    let told = |bench: &Bench| bench.desk.as_ref().unwrap().1.store.told_of_sinks().unwrap();
    let failing = BTreeMap::from([("sink:two".to_owned(), "sink.failing".to_owned())]);
    tell(&mut bench);
    assert_eq!(told(&bench), failing, "although it waits");
    tell(&mut bench);
    bench.wait(3 * 60);
    assert_eq!(bench.rows()[0].1.digest.as_ref().unwrap().alerts.len(), 1);
    tell(&mut bench);
    bench.end();
    assert_eq!((bench.rows().len(), told(&bench)), (1, failing));
}

/// What the page lists: the type, state and holds of each alert, the oldest first.
fn listed(bench: &Bench) -> Vec<(Alert, String, String)> {
    let rows = View::open(&bench.database()).unwrap().alerts(&AlertFilter::default(), None, 99).unwrap();
    rows.into_iter().rev().map(|row| (serde_json::from_str(&row.json).unwrap(), row.state, row.held)).collect()
}

#[test]
fn what_waits_in_a_group_is_listed_from_the_moment_it_is_made() {
    let mut bench = Bench::new(Limits { group_wait: SignedDuration::from_mins(20), ..Limits::none() });
    bench.take(&Step::Accuse(0));
    let since_until = r#""since":"2024-10-31T08:00:00Z","until":"2024-10-31T08:20:00Z""#;
    let (allegation, state, held) = listed(&bench).remove(0);
    assert_eq!((allegation.alert_type, state.as_str()), (AlertType::AllegationNew, "held"));
    assert_eq!(held, format!(r#"[{{"sink":"one","reason":"group",{since_until}}}]"#));
    bench.open();
    bench.take(&Step::Deny(0));
    bench.wait(20);
    let found = listed(&bench);
    let states: Vec<_> = found.iter().map(|(alert, state, held)| (alert.also.len(), &**state, &**held)).collect();
    assert_eq!(states, [(0, "out", "[]"), (1, "out", "[]")], "in the words that went out: {found:#?}");
}

#[test]
fn what_waits_for_a_digest_is_listed_until_it_is_told_or_taken_back() {
    let quiet = QuietHours::new(vec!["08:00-10:00".parse().unwrap()], TimeZone::UTC);
    let collect = Some(Collect::Every(SignedDuration::from_hours(2)));
    let check = |limits: Limits, reason: &str| {
        let mut bench = Bench::new(limits);
        bench.take(&Step::Deny(0));
        bench.take(&Step::Deny(1));
        let states = |bench: &Bench| listed(bench).into_iter().map(|(_, state, _)| state).collect::<Vec<_>>();
        assert_eq!(states(&bench), ["held", "held"]);
        assert!(listed(&bench)[0].2.contains(&format!(r#""reason":"{reason}""#)));
        bench.take(&Step::Kill(0));
        assert_eq!(states(&bench), ["taken_back", "held"], "nobody hears of the withdrawal");
        bench.wait(3 * 60);
        assert_eq!(states(&bench), ["taken_back", "out", "out"], "with the digest");
    };
    check(Limits { quiet, ..Limits::none() }, "quiet_hours");
    check(Limits { collect, ..Limits::none() }, "collected");
}

#[test]
fn a_silence_keeps_back_what_it_names_and_ends() {
    let mut bench = Bench::new(Limits::none());
    bench.take(&Step::Silence(0));
    bench.take(&Step::Deny(0));
    bench.take(&Step::Deny(1));
    let states = |bench: &Bench| bench.rows().into_iter().map(|(state, _)| state).collect::<Vec<_>>();
    assert_eq!(states(&bench), ["silenced", "pending"]);
    bench.take(&Step::Silence(2));
    bench.open();
    bench.take(&Step::EndSilence);
    bench.take(&Step::Deny(2));
    assert_eq!(states(&bench), ["silenced", "pending", "pending"]);
    bench.take(&Step::Silence(3));
    bench.wait(301);
    bench.take(&Step::Deny(3));
    assert_eq!(states(&bench), ["silenced", "pending", "pending", "pending"], "it is over");
    let records = bench.desk.as_ref().unwrap().1.load().unwrap();
    assert_eq!(records.silences, [], "and forgotten");
}

#[test]
fn what_was_silenced_is_not_taken_back_from_who_never_heard_it() {
    let mut bench = Bench::new(Limits::none());
    bench.take(&Step::Silence(0));
    bench.take(&Step::Deny(0));
    bench.take(&Step::Kill(0));
    bench.take(&Step::EndSilence);
    bench.take(&Step::Deny(1));
    bench.take(&Step::Silence(1));
    bench.take(&Step::Kill(1));
    let told: Vec<(String, AlertType)> =
        bench.rows().into_iter().map(|(state, alert)| (state, alert.alert_type)).collect();
    let expected =
        [("silenced", AlertType::DenialNew), ("pending", AlertType::DenialNew), ("pending", AlertType::ClaimWithdrawn)];
    assert_eq!(told, expected.map(|(state, alert_type)| (state.to_owned(), alert_type)));
}

#[test]
fn a_group_waits_over_a_restart_and_the_answer_tells_the_allegation() {
    let mut bench = Bench::new(Limits { group_wait: SignedDuration::from_mins(20), ..Limits::none() });
    bench.take(&Step::Accuse(0));
    bench.wait(5);
    bench.open();
    bench.take(&Step::Deny(0));
    assert_eq!(bench.rows().len(), 0);
    bench.wait(14);
    assert_eq!(bench.rows().len(), 0);
    bench.wait(1);
    let rows = bench.rows();
    assert_eq!((rows.len(), rows[0].1.alert_type), (1, AlertType::DenialNew));
    assert_eq!(rows[0].1.also.len(), 1, "the allegation rides");
    bench.wait(60);
    assert_eq!(bench.rows().len(), 1);
}

#[test]
fn only_an_answer_that_was_alerted_tells_an_allegation() {
    let mut bench = Bench::new(Limits::none());
    bench.take(&Step::Accuse(0));
    bench.take(&Step::Deny(0));
    let (desk, store) = bench.desk.as_ref().unwrap();
    let is_told_after = |change: fn(&mut crate::model::ClaimRecord)| {
        let mut records = store.load().unwrap();
        let allegation = records.claims.iter().find(|claim| !claim.kind.is_answer()).unwrap().id;
        for claim in records.claims.iter_mut().filter(|claim| claim.kind.is_answer()) {
            let mut answer = claim.record();
            change(&mut answer);
            *claim = answer.into();
        }
        State::restore(desk.windows, records).was_told_by_answer(allegation, "one")
    };
    assert!(is_told_after(|_| {}));
    assert!(!is_told_after(|answer| answer.alerted.clear()), "the sink heard of it in passing");
    assert!(!is_told_after(|answer| answer.answers.clear()));
    assert!(!is_told_after(|answer| answer.is_withdrawn = true));
}

#[test]
fn what_a_group_told_outlives_the_end_of_its_speaker_in_a_digest() {
    let quiet = QuietHours::new(vec!["08:00-10:00".parse().unwrap()], TimeZone::UTC);
    let mut bench = Bench::new(Limits { group_wait: SignedDuration::from_mins(20), quiet, ..Limits::none() });
    bench.take(&Step::Accuse(0));
    bench.take(&Step::Deny(0));
    bench.wait(30);
    bench.take(&Step::Kill(0));
    bench.wait(120);
    let rows = bench.rows();
    let listed: Vec<AlertType> =
        rows[0].1.digest.as_ref().unwrap().alerts.iter().map(|entry| entry.alert_type).collect();
    assert_eq!((rows.len(), listed), (1, vec![AlertType::AllegationNew]));
}

mod releases;
