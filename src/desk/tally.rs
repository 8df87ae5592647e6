//! Counts what becomes of a batch on its way through the desk, so that nothing can vanish unseen; filled by the desk, read by
//! its observers.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::SignedDuration;

use crate::model::{AlertType, Analysis, DocumentRecord, Event, Kind, OutboxRow, StoryRecord};
use crate::pipeline::{Change, RecordCounts, WindowCounts};
use crate::route::{Routed, Routing};
use crate::store::PutIn;

use super::ByReason;

/// Where the documents, claims, events and alerts of one batch went.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Tally {
    /// Documents that the batch brought: the sum of those read, known, quarantined and left out.
    pub documents: u64,
    /// Documents whose text was new or changed, and was analysed.
    pub read: u64,
    /// Documents that were known, or came more than once in the batch.
    pub known: u64,
    /// Documents that could not be analysed and were set aside.
    pub quarantined: u64,
    /// Documents that could not even be set aside.
    pub left_out: u64,
    /// What was found in the documents that were read, statements included.
    pub claims: BTreeMap<Kind, u64>,
    /// Documents that opened a story.
    pub stories_new: u64,
    /// Documents that joined a known story.
    pub stories_joined: u64,
    /// Documents that were known with another text.
    pub stories_revised: u64,
    /// Changes that may be worth an alert, before rules.
    pub events: BTreeMap<AlertType, u64>,
    /// Events that a rule held back, by its name and the key of it that did.
    pub held_back: BTreeMap<(String, &'static str), u64>,
    /// Events on which a rule's expression failed, by its name.
    pub rule_failures: BTreeMap<String, u64>,
    /// Alerts by sink, as the rules chose, and digests.
    pub routed: PutIn,
    /// Alerts by sink that do not go out at once, and why: they wait for others of their thread or for a digest, or changed what does.
    pub held: ByReason,
    /// Alerts by sink that are kept back for good, and why.
    pub silenced: ByReason,
    /// Allegations by sink that ride in the alert of an answer to them.
    pub inhibited: PutIn,
    /// Alerts by sink that were offered to its outbox.
    pub offered: PutIn,
    /// Those of them that are new in it; the others had been put in before.
    pub put_in: PutIn,
    /// Documents that wait to be read after it.
    pub backlog: usize,
    /// What the desk remembers after it.
    pub records: RecordCounts,
    /// How far the desk's clock is ahead of the machine's; never negative.
    pub clock_lead: SignedDuration,
    /// Windows of documents that the judge decided on.
    pub windows: WindowCounts,
    /// How long each document took to analyse.
    pub analysis_times: Vec<Duration>,
    /// How long it took to make the batch durable.
    pub commit_time: Duration,
}

impl Tally {
    /// Counts one document's step. A document without a story was in the batch before.
    pub(super) fn stepped(&mut self, analysis: &Analysis, changes: &[Change]) {
        let story = changes.iter().find_map(|change| match change {
            Change::Story(story) => Some(story.as_ref()),
            _ => None,
        });
        let document = changes.iter().find_map(|change| match change {
            Change::Document(document) => Some(document.as_ref()),
            _ => None,
        });
        let Some((story, document)) = story.zip(document) else {
            self.known += 1;
            return;
        };
        *self.place(story, document) += 1;
        if analysis.is_quarantined() {
            self.quarantined += 1;
        } else {
            self.read += 1;
        }
        for claim in &analysis.claims {
            *self.claims.entry(claim.kind).or_default() += 1;
        }
    }

    fn place(&mut self, story: &StoryRecord, document: &DocumentRecord) -> &mut u64 {
        match (document.revision, story.copies) {
            (0, 1) => &mut self.stories_new,
            (0, _) => &mut self.stories_joined,
            _ => &mut self.stories_revised,
        }
    }

    /// Counts the events of one step.
    pub(super) fn happened(&mut self, events: &[Event]) {
        for event in events {
            *self.events.entry(event.alert_type).or_default() += 1;
        }
    }

    /// Counts what the rules said to the events of one step.
    pub(super) fn judged(&mut self, routing: &Routing) {
        for (held, count) in &routing.held_back {
            *self.held_back.entry(held.clone()).or_default() += count;
        }
        for (rule, _) in &routing.failures {
            *self.rule_failures.entry(rule.clone()).or_default() += 1;
        }
    }

    /// Counts an alert that does not go to a sink at once.
    pub(super) fn held(&mut self, sink: &str, reason: &'static str) {
        *self.held.entry((sink.to_owned(), reason)).or_default() += 1;
    }

    /// Counts an alert that is kept from these sinks for good.
    pub(super) fn silenced(&mut self, sinks: &[String], reason: &'static str) {
        for sink in sinks {
            *self.silenced.entry((sink.clone(), reason)).or_default() += 1;
        }
    }

    /// Counts allegations of a group that has an answer to them.
    pub(super) fn inhibited(&mut self, sink: &str, count: u64) {
        *self.inhibited.entry(sink.to_owned()).or_default() += count;
    }

    /// Counts what is offered to the outbox.
    pub(super) fn offered(&mut self, rows: &[OutboxRow]) {
        for row in rows {
            *self.offered.entry(row.sink.clone()).or_default() += 1;
        }
    }

    /// Counts an alert for each of its sinks.
    pub(super) fn routed(&mut self, routed: &Routed) {
        for sink in &routed.sinks {
            *self.routed.entry(sink.clone()).or_default() += 1;
        }
    }
}
