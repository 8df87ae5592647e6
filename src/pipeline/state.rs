//! `State`: what the desk knows; rebuilt from records, changed by steps, bounded by windows and in number (`bounds`).

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};

use crate::dedup::story::Stories;
use crate::link::index::ClaimIndex;
use crate::link::view::View;
use crate::model::{
    AddressHash, Alert, AlertType, AlertedAs, BudgetRecord, ClaimId, ClaimRecord, ContentHash, Document, DocumentId,
    DocumentRecord, Event, FeedAlert, FeedHealth, FeedId, FeedRecord, FeedbackId, GroupRecord, Kind, Knowledge,
    KnownClaim, MutedSpeaker, Records, SilenceRecord, SortedSet, StoryId, Subject, ThreadId, ThreadRecord, WITHHELD,
};
use crate::pipeline::Change;
use crate::pipeline::bounds::Bounds;

/// A clock that is set back by more than this had been wrong before.
const CLOCK_ERROR_MIN: SignedDuration = SignedDuration::from_hours(1);
/// What the feeds still carry is written anew as seen at least once in this time.
const TOUCH_INTERVAL_MAX: SignedDuration = SignedDuration::from_hours(24);

/// How long things are remembered after they were last seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Windows {
    /// Stories, for near-duplicates.
    pub stories: SignedDuration,
    /// Answers and documents, for repeats.
    pub claims: SignedDuration,
    /// Threads with their allegations, for answers.
    pub threads: SignedDuration,
}

/// What the desk knows. Everything in it can be derived from [`Records`]: after [`State::restore`] it behaves as the
/// state did that wrote them.
#[derive(Debug)]
pub struct State {
    pub(super) windows: Windows,
    pub(super) bounds: Bounds,
    now: Option<Timestamp>,
    next_sequence: u64,
    pub(super) documents: BTreeMap<DocumentId, DocumentRecord>,
    pub(super) addresses: BTreeMap<String, DocumentId>,
    /// Each document by the address of its trace.
    pub(super) traces: BTreeSet<(AddressHash, DocumentId)>,
    pub(super) stories: Stories,
    pub(super) claims: BTreeMap<ClaimId, KnownClaim>,
    pub(super) claims_of_story: BTreeMap<StoryId, SortedSet<ClaimId>>,
    pub(super) index: ClaimIndex,
    pub(super) threads: BTreeMap<ThreadId, ThreadRecord>,
    feeds: BTreeMap<FeedId, FeedRecord>,
    pub(super) budgets: BTreeMap<String, BudgetRecord>,
    /// Alerts that wait for others of their thread, by sink and thread.
    pub(super) groups: BTreeMap<(String, String), GroupRecord>,
    pub(super) silences: BTreeMap<FeedbackId, SilenceRecord>,
    /// Muted speakers by their key.
    pub(super) muted: BTreeMap<String, MutedSpeaker>,
}

impl Windows {
    /// How often what a feed still carries must be seen for it not to be forgotten: daily, or more often where a window is short.
    pub fn touch_interval(&self) -> SignedDuration {
        TOUCH_INTERVAL_MAX.min(self.stories.min(self.claims).min(self.threads) / 4)
    }
}

impl State {
    /// A desk that knows nothing.
    pub fn new(windows: Windows) -> Self {
        Self::restore(windows, Records::default())
    }

    /// The desk that wrote these records.
    pub fn restore(windows: Windows, records: Records) -> Self {
        let mut state = Self {
            windows,
            bounds: Bounds::default(),
            now: records.now,
            next_sequence: records.next_sequence,
            documents: BTreeMap::new(),
            addresses: BTreeMap::new(),
            traces: BTreeSet::new(),
            stories: Stories::restore(records.stories),
            claims: BTreeMap::new(),
            claims_of_story: BTreeMap::new(),
            index: ClaimIndex::default(),
            threads: records.threads.into_iter().map(|thread| (thread.id, thread)).collect(),
            feeds: records.feeds.into_iter().map(|feed| (feed.feed.clone(), feed)).collect(),
            budgets: records.budgets.into_iter().map(|budget| (budget.sink.clone(), budget)).collect(),
            groups: records
                .groups
                .into_iter()
                .map(|group| ((group.sink.clone(), group.order_key.clone()), group))
                .collect(),
            silences: records.silences.into_iter().map(|silence| (silence.id, silence)).collect(),
            muted: records.muted.into_iter().map(|muted| (muted.key.clone(), muted)).collect(),
        };
        for document in records.documents {
            state.put_document(document);
        }
        for claim in records.claims {
            state.put_known(claim);
        }
        for thread in state.threads.values_mut() {
            thread.claims.retain(|claim| state.claims.contains_key(claim));
        }
        state
    }

    /// The desk with these stories in place of its own, which were restored beside it: they are most of the work, and nothing else is made of them.
    #[must_use]
    pub fn with_stories(self, stories: Stories) -> Self {
        Self { stories, ..self }
    }

    /// The desk's clock and the next number of its sequence, as the store keeps them.
    pub fn position(&self) -> (Option<Timestamp>, u64) {
        (self.now, self.next_sequence)
    }

    /// The claims that are known, in order of their ids.
    pub fn claims(&self) -> impl Iterator<Item = ClaimRecord> {
        self.claims.values().map(KnownClaim::record)
    }

    /// The threads that are known, in order of their ids.
    pub fn threads(&self) -> impl Iterator<Item = &ThreadRecord> {
        self.threads.values()
    }

    /// Whether the document says nothing that is not known.
    pub fn knows(&self, document: &Document) -> bool {
        self.documents.get(&document.id).is_some_and(|known| known.is_as(document))
    }

    /// How an entry is known whose `content_hash` this is without its page.
    pub fn knowledge(&self, document: DocumentId, entry: ContentHash) -> Knowledge {
        self.documents.get(&document).map_or(Knowledge::None, |known| known.knowledge(entry))
    }

    pub(super) fn next_sequence(&mut self) -> u64 {
        let sequence = self.next_sequence;
        self.next_sequence += 1;
        sequence
    }

    pub(super) fn put_document(&mut self, document: DocumentRecord) {
        if self.documents.get(&document.id).is_some_and(|old| old.url != document.url) {
            self.forget_address(document.id);
        }
        if let Some(url) = &document.url {
            self.addresses.entry(url.clone()).or_insert(document.id);
        }
        self.forget_trace(document.id);
        self.traces.extend(document.trace.map(|trace| (trace.address, document.id)));
        self.documents.insert(document.id, document);
    }

    fn forget_address(&mut self, document: DocumentId) {
        let url = self.documents.get(&document).and_then(|known| known.url.as_ref());
        if let Some(url) = url.filter(|url| self.addresses.get(*url) == Some(&document)).cloned() {
            self.addresses.remove(&url);
        }
    }

    /// Notes which sinks got an alert, with each claim that is in it.
    pub fn note_alerted(&mut self, alert: &Alert, sinks: &[String]) -> Vec<Change> {
        let subject = alert.claim.iter().map(|claim| (claim.id, AlertedAs::Subject));
        let others = alert.answers.iter().map(|answered| answered.claim).chain(alert.also.iter().copied());
        let told = subject.chain(others.map(|claim| (claim, AlertedAs::Rider)));
        told.filter_map(|(claim, part)| {
            let record = self.claims.get_mut(&claim)?;
            let new = sinks.iter().filter(|sink| record.note_alerted(sink, part)).count();
            (new > 0).then(|| Change::Claim(Box::new(record.record())))
        })
        .collect()
    }

    /// Puts a claim in or replaces it, its place in the index included.
    pub(super) fn put_claim(&mut self, claim: ClaimRecord) {
        self.put_known(claim.into());
    }

    fn put_known(&mut self, claim: KnownClaim) {
        for &story in &claim.stories {
            self.claims_of_story.entry(story).or_default().insert(claim.id);
        }
        let old = self.claims.get(&claim.id);
        if !old.is_some_and(|old| old.sequence == claim.sequence && old.reads_as(&claim)) {
            // A document that was forgotten and comes again opens its claims under the ids that they had.
            if let Some(old) = old {
                self.index.remove(old.sequence);
            }
            let text = claim.text();
            let view = View::of(claim.kind, &text.report, text.speaker.as_ref(), &text.proposition);
            self.index.insert(claim.sequence, claim.id, view);
        }
        self.claims.insert(claim.id, claim);
    }

    /// Moves the desk's clock; at each turn of an hour the windows move too.
    pub(super) fn advance(&mut self, now: Timestamp) -> (Timestamp, Vec<Change>) {
        let before = self.now.unwrap_or(now);
        let is_set_back = before.duration_since(now) > CLOCK_ERROR_MIN;
        let now = if is_set_back { now } else { before.max(now) };
        self.now = Some(now);
        let hour = |time: Timestamp| time.as_second().div_euclid(3600);
        // After a pause what the feeds still carry is to be seen again before anything is forgotten.
        let is_pause = now.duration_since(before) > self.windows.touch_interval() * 2;
        let is_time = hour(before) < hour(now) && !is_pause;
        let mut changes = Vec::new();
        if is_set_back {
            self.set_back(now, &mut changes);
        }
        if is_time {
            self.forget(now, &mut changes);
        }
        self.end_silences(now, &mut changes);
        self.forget_excess(&mut changes);
        (now, changes)
    }

    fn forget(&mut self, now: Timestamp, changes: &mut Vec<Change>) {
        let before = |window: SignedDuration| now.checked_sub(window).unwrap_or(Timestamp::MIN);
        let (claims_limit, threads_limit) = (before(self.windows.claims), before(self.windows.threads));
        let stale: Vec<DocumentId> =
            self.documents.values().filter(|known| known.last_seen < claims_limit).map(|known| known.id).collect();
        for id in stale {
            self.forget_document(id, changes);
        }
        changes.extend(self.stories.forget_before(before(self.windows.stories)).into_iter().map(Change::ForgetStory));
        let is_stale = |claim: &KnownClaim| {
            let limit = if claim.kind == Kind::Allegation { threads_limit } else { claims_limit };
            claim.last_seen < limit
        };
        let stale: Vec<ClaimId> = self.claims.values().filter(|claim| is_stale(claim)).map(|claim| claim.id).collect();
        for id in stale {
            self.forget_claim(id, changes);
        }
        let stale: Vec<ThreadId> = self
            .threads
            .values()
            .filter(|thread| thread.last_seen < threads_limit || thread.claims.is_empty())
            .map(|thread| thread.id)
            .collect();
        for id in stale {
            self.forget_thread(id, changes);
        }
    }

    pub(super) fn forget_document(&mut self, id: DocumentId, changes: &mut Vec<Change>) {
        self.forget_address(id);
        self.forget_trace(id);
        if self.documents.remove(&id).is_some_and(|known| known.embargo_until == Some(WITHHELD)) {
            self.drop_withheld(id, changes);
        }
        changes.push(Change::ForgetDocument(id));
    }

    pub(super) fn forget_thread(&mut self, id: ThreadId, changes: &mut Vec<Change>) {
        let claims = self.threads.remove(&id).map(|thread| thread.claims).unwrap_or_default();
        for claim in claims {
            // What also answers in another thread is forgotten with its own.
            let Some(known) = self.claims.get_mut(&claim) else { continue };
            if known.thread == id {
                self.forget_claim(claim, changes);
            } else if known.threads.remove(&id) {
                changes.push(Change::Claim(Box::new(known.record())));
            }
        }
        changes.push(Change::ForgetThread(id));
    }

    pub(super) fn forget_claim(&mut self, id: ClaimId, changes: &mut Vec<Change>) {
        let Some(claim) = self.claims.remove(&id) else { return };
        self.index.remove(claim.sequence);
        for story in &claim.stories {
            if let Some(claims) = self.claims_of_story.get_mut(story) {
                claims.remove(&id);
                if claims.is_empty() {
                    self.claims_of_story.remove(story);
                }
            }
        }
        for thread in &claim.threads {
            if let Some(thread) = self.threads.get_mut(thread) {
                thread.claims.remove(&id);
            }
        }
        changes.push(Change::ForgetClaim(id));
    }

    /// A known document is still in its feed: neither it nor its story and claims are forgotten, or an edit of it would be news.
    pub(super) fn touch(&mut self, document: DocumentId, now: Timestamp, changes: &mut Vec<Change>) {
        let interval = self.windows.touch_interval();
        let Some(known) = self.documents.get_mut(&document) else { return };
        if now.duration_since(known.last_seen) < interval {
            return;
        }
        known.last_seen = now;
        let (story, claims) = (known.story, known.claims.clone());
        changes.push(Change::Document(Box::new(known.clone())));
        changes.extend(self.stories.touch(story, now).cloned().map(Box::new).map(Change::Story));
        for claim in claims {
            let Some(claim) = self.claims.get_mut(&claim).filter(|claim| claim.last_seen < now) else { continue };
            claim.last_seen = now;
            changes.push(Change::Claim(Box::new(claim.record())));
            for thread in &claim.threads {
                if let Some(thread) = self.threads.get_mut(thread).filter(|thread| thread.last_seen < now) {
                    thread.last_seen = now;
                    changes.push(Change::Thread(Box::new(thread.clone())));
                }
            }
        }
    }

    /// Opens, changes or closes a feed's incident, and tells that it has moved. A worse incident takes the place of one that is open; one
    /// that is less bad opens when that is over.
    pub(super) fn feed_health(&mut self, health: FeedHealth, now: Timestamp, changes: &mut Vec<Change>) {
        let FeedHealth { feed, url, outlet, incident, moved_to } = health;
        let record = self.feeds.entry(feed.clone()).or_insert_with(|| FeedRecord {
            feed: feed.clone(),
            incident: 0,
            open: None,
            since: now,
            moves: 0,
            moved_to: None,
        });
        let mut told = Vec::new();
        if let Some(target) = moved_to.filter(|target| record.moved_to.as_ref() != Some(target)) {
            record.moves += 1;
            let detail =
                format!("{url} redirects to {target} for good; it is polled there, and the config is to be changed");
            record.moved_to = Some(target);
            told.push((AlertType::FeedMoved, record.moves, detail.clone(), detail));
        }
        let wanted = incident.as_ref().map(|incident| incident.kind);
        if record.open != wanted {
            let is_over = record.open.is_some_and(|open| wanted.is_none_or(|wanted| badness(wanted) < badness(open)));
            if let Some(open) = record.open.filter(|_| is_over) {
                let what = if badness(open) >= badness(AlertType::FeedFailing) { "answers" } else { "has entries" };
                let why = format!("{feed} {what} again after {}", in_words(now.duration_since(record.since)));
                told.push((AlertType::FeedRecovered, record.incident, why.clone(), why));
            }
            if let Some(incident) = incident {
                record.incident += 1;
                record.since = incident.since.min(now);
                let what = if badness(incident.kind) >= badness(AlertType::FeedFailing) {
                    "polling {} failed"
                } else {
                    "{} is not well"
                };
                let why = format!("{}: {}", what.replace("{}", feed.as_str()), incident.detail);
                told.push((incident.kind, record.incident, incident.detail, why));
            }
            record.open = wanted;
        }
        if told.is_empty() {
            return;
        }
        changes.push(Change::Feed(record.clone()));
        changes.extend(told.into_iter().map(|(alert_type, incident, detail, why)| {
            let alert = FeedAlert { id: feed.clone(), outlet: outlet.clone(), url: url.clone(), incident, detail };
            Change::Event(Event { alert_type, time: now, why, subject: Subject::Feed(alert) })
        }));
    }
}

/// The order of incidents: how much of a feed is lost.
fn badness(incident: AlertType) -> u8 {
    match incident {
        AlertType::FeedStale => 1,
        AlertType::FeedEmpty => 2,
        AlertType::FeedFailing => 3,
        AlertType::FeedGone => 4,
        _ => 0,
    }
}

/// A length of time as people say it: in seconds below two minutes, then in minutes.
fn in_words(time: SignedDuration) -> String {
    match time.as_secs() {
        ..1 => "less than a second".to_owned(),
        seconds @ 1..120 => format!("{seconds} s"),
        _ => format!("{} min", time.as_mins()),
    }
}
