//! The desk: the one owner of the state. Documents in, one transaction out, alerts returned once they are durable.
//!
//! Called by the daemon, by `replay` and by `demo` alike, from a blocking thread.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use jiff::Timestamp;
use rayon::prelude::*;

use crate::model::{
    Alert, Analysis, ClaimId, ClaimRecord, Document, DocumentId, DocumentRecord, Event, FeedCursor, FeedHealth, FeedId,
    FeedRecord, OutboxRow, StoryId, StoryRecord, ThreadId, ThreadRecord,
};
use crate::pipeline::{Change, Input, Models, State, Windows, analyse, quarantine, step};
use crate::route::{Routed, Router};
use crate::sink::{BodyFormat, body};
use crate::store::{Commit, Forgotten, Store, StoreError};

/// One delivery of work: what one poll brought, or a slice of an archive. Committed as a whole.
#[derive(Debug, Default)]
pub struct Work {
    /// Where the feed stands after it.
    pub cursor: Option<FeedCursor>,
    /// The feed's health.
    pub health: Option<FeedHealth>,
    /// Documents in order of arrival; each one's `first_seen` is the step's `now`.
    pub documents: Vec<Document>,
}

/// What came of a batch of work.
#[derive(Debug, Default)]
pub struct Outcome {
    /// Alerts, in order; durable by now.
    pub alerts: Vec<Alert>,
    /// Documents whose text was new or changed.
    pub analysed: usize,
    /// Documents that were known.
    pub known: usize,
    /// Documents that could not be analysed and were set aside.
    pub quarantined: usize,
}

/// A sink's name and how it wants its bytes.
pub type SinkFormat = (String, BodyFormat);

/// Owner of the state.
pub struct Desk {
    state: State,
    windows: Windows,
    models: Arc<Models>,
    router: Router,
    sinks: Vec<SinkFormat>,
    store: Arc<dyn Store>,
}

impl Desk {
    /// Rebuilds the desk from its store.
    ///
    /// # Errors
    /// What the store says.
    pub fn open(
        store: Arc<dyn Store>,
        models: Arc<Models>,
        router: Router,
        sinks: Vec<SinkFormat>,
        windows: Windows,
    ) -> Result<Self, StoreError> {
        let state = State::restore(windows, store.load()?);
        Ok(Self { state, windows, models, router, sinks, store })
    }

    /// Analyses, steps, routes and commits a batch. After an error nothing of the batch has happened: the state is rebuilt
    /// from the store, cursors have not moved, and the feeds bring the documents again.
    ///
    /// # Errors
    /// What the store says.
    pub fn process(&mut self, batch: Vec<Work>, now: Timestamp) -> Result<Outcome, StoreError> {
        let mut outcome = Outcome::default();
        let mut cursors = Vec::new();
        let (inputs, analyses) = self.inputs(batch, now, &mut cursors, &mut outcome);
        let mut written = Written::default();
        let mut routed = Vec::new();
        for (input, time) in inputs {
            let events =
                step(&mut self.state, input, time).into_iter().filter_map(|change| written.file(change)).collect();
            routed.extend(self.router.route(events));
        }
        let (position, next_sequence) = self.state.position();
        let commit = Commit {
            cursors,
            analyses,
            outbox: self.outbox(&routed),
            ..written.commit(position.unwrap_or(now), next_sequence)
        };
        if let Err(error) = self.store.commit(commit) {
            self.state = State::restore(self.windows, self.store.load()?);
            return Err(error);
        }
        outcome.alerts = routed.into_iter().map(|routed| routed.alert).collect();
        Ok(outcome)
    }

    /// Turns work into inputs: known documents are only seen again, the others are analysed in parallel.
    fn inputs(
        &self,
        batch: Vec<Work>,
        now: Timestamp,
        cursors: &mut Vec<FeedCursor>,
        outcome: &mut Outcome,
    ) -> (Vec<(Input, Timestamp)>, Vec<Analysis>) {
        let mut slots = Vec::new();
        for work in batch {
            cursors.extend(work.cursor);
            for document in work.documents {
                let time = document.first_seen;
                if self.state.knows(document.id, document.content_hash) {
                    outcome.known += 1;
                    slots.push(Slot::Ready(Input::SeenAgain(document.id), time));
                } else {
                    slots.push(Slot::Unread(Box::new(document)));
                }
            }
            slots.extend(work.health.map(|health| Slot::Ready(Input::FeedHealth(health), now)));
        }
        let read: Vec<(Input, Timestamp)> = slots
            .into_par_iter()
            .map(|slot| match slot {
                Slot::Ready(input, time) => (input, time),
                Slot::Unread(document) => {
                    let time = document.first_seen;
                    (Input::Analysed(Box::new(self.analyse(*document))), time)
                }
            })
            .collect();
        let mut analysed = Vec::new();
        for (input, _) in &read {
            if let Input::Analysed(analysis) = input {
                outcome.analysed += 1;
                outcome.quarantined += usize::from(analysis.is_quarantined());
                analysed.push(Analysis::clone(analysis));
            }
        }
        (read, analysed)
    }

    /// A panic in one document must not stop the desk: the document is set aside with its text.
    fn analyse(&self, document: Document) -> Analysis {
        let copy = document.clone();
        catch_unwind(AssertUnwindSafe(|| analyse(document, &self.models))).unwrap_or_else(|panic| {
            let reason = panic
                .downcast_ref::<&str>()
                .map(|text| (*text).to_owned())
                .or_else(|| panic.downcast_ref::<String>().cloned())
                .unwrap_or_default();
            tracing::error!(document = %copy.id, url = copy.url, error = reason, "analysis panicked, document set aside");
            quarantine(copy, reason)
        })
    }

    fn outbox(&self, routed: &[Routed]) -> Vec<OutboxRow> {
        let mut rows = Vec::new();
        for item in routed {
            for (name, format) in self.sinks.iter().filter(|(name, _)| item.sinks.contains(name)) {
                rows.push(OutboxRow {
                    alert: item.alert.id,
                    sink: name.clone(),
                    alert_type: item.alert.alert_type,
                    order_key: item.order_key.clone(),
                    sequence: item.alert.thread.as_ref().map_or(0, |thread| thread.sequence),
                    body: body(&item.alert, *format),
                    due: item.due,
                });
            }
        }
        rows
    }
}

enum Slot {
    Ready(Input, Timestamp),
    Unread(Box<Document>),
}

/// Records as a batch leaves them: the last version of each, or nothing where it was forgotten.
#[derive(Default)]
struct Written {
    documents: BTreeMap<DocumentId, Option<DocumentRecord>>,
    stories: BTreeMap<StoryId, Option<StoryRecord>>,
    claims: BTreeMap<ClaimId, Option<ClaimRecord>>,
    threads: BTreeMap<ThreadId, Option<ThreadRecord>>,
    feeds: BTreeMap<FeedId, FeedRecord>,
}

impl Written {
    /// Keeps a record; gives an event back.
    fn file(&mut self, change: Change) -> Option<Event> {
        match change {
            Change::Document(record) => drop(self.documents.insert(record.id, Some(*record))),
            Change::Story(record) => drop(self.stories.insert(record.id, Some(*record))),
            Change::Claim(record) => drop(self.claims.insert(record.id, Some(*record))),
            Change::Thread(record) => drop(self.threads.insert(record.id, Some(*record))),
            Change::Feed(record) => drop(self.feeds.insert(record.feed.clone(), record)),
            Change::ForgetDocument(id) => drop(self.documents.insert(id, None)),
            Change::ForgetStory(id) => drop(self.stories.insert(id, None)),
            Change::ForgetClaim(id) => drop(self.claims.insert(id, None)),
            Change::ForgetThread(id) => drop(self.threads.insert(id, None)),
            Change::Event(event) => return Some(event),
        }
        None
    }

    fn commit(self, now: Timestamp, next_sequence: u64) -> Commit {
        let (documents, forgotten_documents) = part(self.documents);
        let (stories, forgotten_stories) = part(self.stories);
        let (claims, forgotten_claims) = part(self.claims);
        let (threads, forgotten_threads) = part(self.threads);
        Commit {
            documents,
            stories,
            claims,
            threads,
            feeds: self.feeds.into_values().collect(),
            forgotten: Forgotten {
                documents: forgotten_documents,
                stories: forgotten_stories,
                claims: forgotten_claims,
                threads: forgotten_threads,
            },
            ..Commit::new(now, next_sequence)
        }
    }
}

/// Splits into what is kept and what is gone.
fn part<I, R>(records: BTreeMap<I, Option<R>>) -> (Vec<R>, Vec<I>) {
    let (mut kept, mut gone) = (Vec::new(), Vec::new());
    for (id, record) in records {
        match record {
            Some(record) => kept.push(record),
            None => gone.push(id),
        }
    }
    (kept, gone)
}
