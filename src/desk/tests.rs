//! The desk over a store that fails: nothing half done is kept, nothing is taken for known that is not durable.

use std::sync::atomic::{AtomicU32, Ordering};

use jiff::SignedDuration;

use super::*;
use crate::model::{Attempt, MarkupFormat, Outbox, OutboxEntry, Records};
use crate::store::{BacklogMark, BacklogPosition, Counts, EmbeddedStore, Orphan, PutIn};
use crate::text::document::archive_document;

/// A real store that refuses as often as it is told to.
struct Flaky {
    store: EmbeddedStore,
    commits_to_fail: AtomicU32,
    loads_to_fail: AtomicU32,
}

fn refuse(left: &AtomicU32) -> Result<(), StoreError> {
    let is_refused = left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)).is_ok();
    if is_refused { Err(StoreError::Unstorable { detail: "told to".to_owned() }) } else { Ok(()) }
}

impl Store for Flaky {
    fn load(&self) -> Result<Records, StoreError> {
        refuse(&self.loads_to_fail)?;
        self.store.load()
    }

    fn cursors(&self) -> Result<Vec<FeedCursor>, StoreError> {
        self.store.cursors()
    }

    fn commit(&self, commit: Commit) -> Result<PutIn, StoreError> {
        refuse(&self.commits_to_fail)?;
        self.store.commit(commit)
    }

    fn backlog(&self, limit: usize) -> Result<Vec<(BacklogPosition, Document)>, StoreError> {
        self.store.backlog(limit)
    }

    fn backlog_marks(&self) -> Result<Vec<BacklogMark>, StoreError> {
        self.store.backlog_marks()
    }

    fn pending_feedback(&self) -> Result<Vec<crate::model::Feedback>, StoreError> {
        self.store.pending_feedback()
    }

    fn counts(&self) -> Result<Counts, StoreError> {
        self.store.counts()
    }

    fn sinks_of(&self, alert: crate::model::AlertId) -> Result<Vec<String>, StoreError> {
        self.store.sinks_of(alert)
    }

    fn orphans(&self, sinks: &[String], now: Timestamp) -> Result<Vec<Orphan>, StoreError> {
        self.store.orphans(sinks, now)
    }

    fn ledger(&self) -> Result<Vec<crate::store::Ledger>, StoreError> {
        self.store.ledger()
    }

    fn give_up(&self, sink: &str, now: Timestamp) -> Result<(), StoreError> {
        self.store.give_up(sink, now)
    }
}

impl Outbox for Flaky {
    type Error = StoreError;

    fn due(&self, sink: &str, now: Timestamp, limit: usize) -> Result<Vec<OutboxEntry>, StoreError> {
        self.store.due(sink, now, limit)
    }

    fn next_due(&self, sink: &str, now: Timestamp) -> Result<Option<Timestamp>, StoreError> {
        self.store.next_due(sink, now)
    }

    fn tried(&self, sink: &str, now: Timestamp, limit: usize) -> Result<Vec<OutboxEntry>, StoreError> {
        self.store.tried(sink, now, limit)
    }

    fn hasten(&self, sink: &str, now: Timestamp) -> Result<(), StoreError> {
        self.store.hasten(sink, now)
    }

    fn endpoint(&self, sink: &str) -> Result<Option<crate::model::EndpointRecord>, StoreError> {
        self.store.endpoint(sink)
    }

    fn keep_endpoint(&self, record: crate::model::EndpointRecord, is_back: bool) -> Result<(), StoreError> {
        self.store.keep_endpoint(record, is_back)
    }

    fn record_attempt(&self, attempt: Attempt) -> Result<(), StoreError> {
        self.store.record_attempt(attempt)
    }
}

fn now() -> Timestamp {
    "2024-10-31T08:00:00Z".parse().unwrap()
}

fn desk(folder: &std::path::Path) -> (Desk, Arc<Flaky>) {
    let store = EmbeddedStore::open(&folder.join("desk.db")).unwrap();
    let store = Arc::new(Flaky { store, commits_to_fail: 0.into(), loads_to_fail: 0.into() });
    let day = SignedDuration::from_hours(24);
    let windows = Windows { stories: day, claims: day, threads: day };
    let models = Arc::new(Models::embedded().unwrap());
    let as_store: Arc<dyn Store> = Arc::<Flaky>::clone(&store);
    let desk = Desk::open(as_store, models, Router::new(Vec::new(), Vec::new()), Vec::new(), windows).unwrap();
    (desk, store)
}

/// A desk that alerts one sink of everything, but of one claim a day.
fn thrifty_desk(folder: &std::path::Path) -> (Desk, Arc<Flaky>) {
    let (mut desk, store) = desk(folder);
    let limits = Limits { alerts_per_day: 1, ..Limits::none() };
    desk.sinks =
        vec![SinkSettings { name: "one".into(), format: BodyFormat::JsonLines, form: None, links: None, limits }];
    desk.router = Router::new(vec![crate::rule::Rule::everything()], vec!["one".into()]);
    (desk, store)
}

mod admission;
mod backlog;

#[test]
fn what_is_over_a_budget_survives_a_failed_commit_and_comes_in_the_digest() {
    let folder = tempfile::tempdir().unwrap();
    let (mut desk, store) = thrifty_desk(folder.path());
    let denial =
        |name: &str, deed: &str| work(name, &format!("Mayor Odile {name} denied on Monday that she had {deed}."));
    assert_eq!(desk.process(denial("Franck", "taken bribes from a brewery"), now()).unwrap().routed.len(), 1);
    let second = || denial("Sorel", "sold the harbour crane to her cousin");
    store.commits_to_fail.store(1, Ordering::SeqCst);
    assert!(desk.process(second(), now()).is_err());
    assert_eq!(desk.process(second(), now()).unwrap().routed.len(), 0, "it waits");
    drop((desk, store));
    let (mut desk, store) = thrifty_desk(folder.path());
    let tomorrow = now().checked_add(SignedDuration::from_hours(24)).unwrap();
    let outcome = desk.process(Vec::new(), tomorrow).unwrap();
    let alerts: Vec<_> = outcome.alerts().collect();
    let digest = alerts[0].digest.as_ref().unwrap();
    assert_eq!((digest.alerts.len(), digest.alerts[0].speaker.as_deref()), (1, Some("Odile Sorel")));
    assert_eq!(store.due("one", tomorrow, 10).unwrap().len(), 2);
    assert_eq!(desk.process(Vec::new(), tomorrow).unwrap().routed.len(), 0, "once");
}

fn work(id: &str, text: &str) -> Vec<Work> {
    let document = archive_document(id, None, None, text, None, None, now(), MarkupFormat::Text);
    vec![Work { documents: vec![document], ..Work::default() }]
}

#[test]
fn what_could_not_be_committed_is_news_again() {
    let folder = tempfile::tempdir().unwrap();
    let (mut desk, store) = desk(folder.path());
    let flood = || work("flood", "The river rose overnight.");
    store.commits_to_fail.store(1, Ordering::SeqCst);
    store.loads_to_fail.store(1, Ordering::SeqCst);
    assert!(desk.process(flood(), now()).is_err(), "the commit fails");
    assert!(desk.process(flood(), now()).is_err(), "the state cannot be rebuilt");
    let outcome = desk.process(flood(), now()).unwrap();
    assert_eq!((outcome.analysed, outcome.known), (1, 0));
    let outcome = desk.process(flood(), now()).unwrap();
    assert_eq!((outcome.analysed, outcome.known), (0, 1));
    assert_eq!(store.counts().unwrap().documents, 1);
}

/// As many as are more than can be read at once: each tenth one brings an alert.
fn flood() -> Vec<Work> {
    let told = [
        "Mayor Odile Franck denied on Monday that she had sold a crane to her cousin.",
        "The brewery's director, Karl Sorel, is accused by inspectors of poisoning a lake.",
        "General Ruiz denied that his troops had shelled a clinic in the north.",
        "Arvo Bank rejected claims by a lawmaker that it had laundered money for a cartel.",
        "Prosecutors accused the shipowner Pia Sund of bribing a harbour pilot.",
        "The Kestrel airline denied that it had hidden engine faults from regulators.",
        "Judge Tomas Brandt denied having met the defendant at a hunting lodge.",
    ];
    let text = |number: usize| match number % 10 {
        3 => told.get(number / 10).copied().unwrap_or_default().to_owned(),
        _ => format!("The ferry to pier {number} sailed at noon."),
    };
    (0..2 * READ_AT_ONCE_MAX).flat_map(|number| work(&number.to_string(), &text(number))).collect()
}

#[test]
fn what_cannot_be_read_at_once_waits_durable_and_alerts_alike() {
    let alerts = |outcome: &Outcome| outcome.alerts().map(|alert| alert.id).collect::<Vec<_>>();
    let folder = tempfile::tempdir().unwrap();
    let open = |name: &str| {
        std::fs::create_dir_all(folder.path().join(name)).unwrap();
        let (mut desk, store) = thrifty_desk(&folder.path().join(name));
        desk.sinks[0].limits = Limits::none();
        (desk, store)
    };
    let (mut patient, _) = open("patient");
    let expected = alerts(&patient.process(flood(), now()).unwrap());
    assert!(expected.len() >= 5, "{expected:?}");

    let (mut desk, store) = open("busy");
    let cursor = FeedCursor::new(FeedId::new("wire"));
    let mut batch = flood();
    batch[0].cursor = Some(cursor.clone());
    store.commits_to_fail.store(1, Ordering::SeqCst);
    assert!(desk.take(batch.clone(), now()).is_err());
    assert_eq!((desk.backlog(), store.backlog(9).unwrap().len()), (0, 0), "nothing of it happened");
    let outcome = desk.take(batch.clone(), now()).unwrap();
    assert_eq!((outcome.analysed, desk.backlog()), (0, batch.len()));
    assert_eq!(store.cursors().unwrap(), [cursor], "the feed need not bring it again");
    // It brings it nevertheless, and something that is new.
    let last = || work("last", "Mayor Odile Franck denied on Tuesday that she had ever owned a crane.");
    let outcome = desk.take([flood(), last()].concat(), now()).unwrap();
    assert_eq!((outcome.known, desk.backlog()), (batch.len(), batch.len() + 1));

    drop((desk, store));
    let (mut desk, store) = open("busy");
    assert_eq!(desk.backlog(), batch.len() + 1, "it waits over a restart");
    store.commits_to_fail.store(1, Ordering::SeqCst);
    assert!(desk.catch_up(now()).is_err());
    assert_eq!(desk.backlog(), batch.len() + 1);
    let mut found = Vec::new();
    while desk.backlog() > 0 {
        let outcome = desk.catch_up(now()).unwrap();
        assert!(outcome.analysed <= READ_AT_ONCE_MAX);
        found.extend(alerts(&outcome));
    }
    let later = alerts(&patient.process(last(), now()).unwrap());
    assert_eq!(found, [expected, later].concat(), "one after the other, as if read at once");
    assert_eq!(store.backlog(9).unwrap(), []);
    assert_eq!(desk.take(flood(), now()).unwrap().known, batch.len());
    assert_eq!(desk.take(work("few", "Snow fell."), now()).unwrap().analysed, 1, "few are read at once");
}

#[test]
fn every_document_of_a_batch_is_accounted_for() {
    let folder = tempfile::tempdir().unwrap();
    let (mut desk, _) = desk(folder.path());
    let text = "Mayor Odile Franck on Tuesday denied that she had taken bribes from a harbour contractor.";
    let twice = || {
        [work("a", text), work("a", text), work("b", "The airport closed for a day.")]
            .into_iter()
            .flatten()
            .collect::<Vec<_>>()
    };
    let tally = desk.process(twice(), now()).unwrap().tally;
    let counts = |tally: &Tally| [tally.documents, tally.read, tally.known, tally.quarantined, tally.left_out];
    assert_eq!(counts(&tally), [3, 2, 1, 0, 0], "the same document twice in a batch is read once");
    assert_eq!([tally.stories_new, tally.stories_joined, tally.stories_revised], [2, 0, 0]);
    assert_eq!((tally.claims[&crate::model::Kind::Denial], tally.analysis_times.len()), (1, 3));
    assert!(tally.events[&crate::model::AlertType::DenialNew] == 1 && tally.routed.is_empty());
    let tally = desk.process(twice().into_iter().chain(work("c", text)).collect(), now()).unwrap().tally;
    assert_eq!(counts(&tally), [4, 1, 3, 0, 0]);
    assert_eq!([tally.stories_new, tally.stories_joined, tally.stories_revised], [0, 1, 0]);
    let ahead = now().checked_sub(SignedDuration::from_mins(5)).unwrap();
    assert_eq!(desk.process(Vec::new(), ahead).unwrap().tally.clock_lead, SignedDuration::from_mins(5));
}

#[test]
fn a_step_that_panics_costs_one_document() {
    let folder = tempfile::tempdir().unwrap();
    let (mut desk, _) = desk(folder.path());
    let analysed = |id: &str, text: &str| {
        let document = work(id, text).remove(0).documents.remove(0);
        (Input::Analysed(Box::new(analyse(document, &Models::embedded().unwrap(), Scope::Claims))), now())
    };
    let inputs = vec![
        analysed("1", "The river rose overnight."),
        analysed("poison", "Poison was found in a well."),
        analysed("2", "The airport closed for a day."),
    ];
    let fragile = |state: &mut State, input: Input, time: Timestamp| {
        if let Input::Analysed(analysis) = &input {
            let is_poison = analysis.document.text.starts_with("Poison") && !analysis.is_quarantined();
            assert!(!is_poison, "cannot digest this");
        }
        step(state, input, time)
    };
    let state = desk.take_state().unwrap();
    let stepped = desk.step_all(state, inputs, now(), fragile).unwrap();
    assert_eq!(stepped.written.documents.len(), 3);
    let Tally { read, quarantined, left_out, stories_new, .. } = stepped.tally;
    assert_eq!([read, quarantined, left_out, stories_new], [2, 1, 0, 3], "what was begun again counts once");
    let quarantined = stepped.inputs.into_iter().filter_map(|(input, _)| analysis(input));
    let quarantined: Vec<bool> = quarantined.map(|analysis| analysis.is_quarantined()).collect();
    assert_eq!(quarantined, [false, true, false]);
}

#[test]
fn what_panics_even_in_quarantine_is_left_out() {
    let folder = tempfile::tempdir().unwrap();
    let (mut desk, _) = desk(folder.path());
    let documents = work("poison", "Poison was found in a well.").remove(0).documents;
    let inputs =
        documents.into_iter().map(|document| (Input::Analysed(Box::new(quarantine(document, String::new()))), now()));
    let state = desk.take_state().unwrap();
    let stepped = desk.step_all(state, inputs.collect(), now(), |_, _, _| panic!("nothing passes")).unwrap();
    assert!(stepped.inputs.is_empty() && stepped.written.documents.is_empty());
    assert_eq!(stepped.tally.left_out, 1);
}

/// Keeps what is logged.
#[derive(Clone, Default)]
struct Log(Arc<std::sync::Mutex<Vec<u8>>>);

impl std::io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// What is logged of an analysis.
fn told(analysis: &Analysis) -> String {
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt().with_writer(move || writer.clone()).with_ansi(false).finish();
    tracing::subscriber::with_default(subscriber, || tell_issues(analysis));
    String::from_utf8(log.0.lock().unwrap().clone()).unwrap()
}

#[test]
fn an_embargo_that_cannot_be_read_is_told() {
    let say = |text: &str| {
        told(&quarantine(archive_document("1", None, None, text, None, None, now(), MarkupFormat::Text), String::new()))
    };
    assert!(say("EMBARGOED\nThe envoy said no.").contains("held for a day"));
    assert_eq!(say("EMBARGOED UNTIL 1800 GMT\nThe envoy said no."), "");
}

#[test]
fn what_is_not_read_of_a_document_is_told() {
    let document =
        archive_document("1", None, None, &"é".repeat(TEXT_BYTES_MAX), None, None, now(), MarkupFormat::Text);
    let mut analysis = quarantine(document, String::new());
    analysis.issues = vec![Issue::SentencesCut, Issue::ClaimsCut, Issue::Language("fra".to_owned())];
    let said = told(&analysis);
    let lines: Vec<&str> = said.lines().collect();
    assert!(lines[0].contains("WARN") && lines[0].contains("the end of the text"), "{said}");
    assert!(lines[1].contains("WARN") && lines[1].contains("sentences over the limit"), "{said}");
    assert!(lines[2].contains("WARN") && lines[2].contains("claims over the limit"), "{said}");
    assert!(lines[3].contains("INFO") && lines[3].contains("fra"), "{said}");
}
