//! `State`: what the desk knows; rebuilt from records, changed by steps, bounded by windows.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};

use crate::dedup::story::Stories;
use crate::link::index::ClaimIndex;
use crate::model::{
    AlertType, ClaimId, ClaimRecord, ContentHash, DocumentId, DocumentRecord, Event, FeedAlert, FeedHealth, FeedId,
    FeedRecord, Kind, Records, StoryId, Subject, ThreadId, ThreadRecord,
};
use crate::pipeline::Change;

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
    now: Option<Timestamp>,
    next_sequence: u64,
    pub(super) documents: BTreeMap<DocumentId, DocumentRecord>,
    pub(super) addresses: BTreeMap<String, DocumentId>,
    pub(super) stories: Stories,
    pub(super) claims: BTreeMap<ClaimId, ClaimRecord>,
    pub(super) claims_of_story: BTreeMap<StoryId, BTreeSet<ClaimId>>,
    pub(super) index: ClaimIndex,
    pub(super) threads: BTreeMap<ThreadId, ThreadRecord>,
    feeds: BTreeMap<FeedId, FeedRecord>,
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
            now: records.now,
            next_sequence: records.next_sequence,
            documents: BTreeMap::new(),
            addresses: BTreeMap::new(),
            stories: Stories::new(),
            claims: BTreeMap::new(),
            claims_of_story: BTreeMap::new(),
            index: ClaimIndex::default(),
            threads: records.threads.into_iter().map(|thread| (thread.id, thread)).collect(),
            feeds: records.feeds.into_iter().map(|feed| (feed.feed.clone(), feed)).collect(),
        };
        let mut stories = records.stories;
        stories.sort_by_key(|story| story.sequence);
        for story in stories {
            state.stories.restore(story);
        }
        for document in records.documents {
            state.put_document(document);
        }
        for claim in records.claims {
            state.put_claim(claim);
        }
        for thread in state.threads.values_mut() {
            thread.claims.retain(|claim| state.claims.contains_key(claim));
        }
        state
    }

    /// The desk's clock and the next number of its sequence, as the store keeps them.
    pub fn position(&self) -> (Option<Timestamp>, u64) {
        (self.now, self.next_sequence)
    }

    /// Whether the document is known with exactly this content.
    pub fn knows(&self, document: DocumentId, content: ContentHash) -> bool {
        self.documents.get(&document).is_some_and(|known| known.content_hash == content)
    }

    pub(super) fn next_sequence(&mut self) -> u64 {
        let sequence = self.next_sequence;
        self.next_sequence += 1;
        sequence
    }

    pub(super) fn put_document(&mut self, document: DocumentRecord) {
        if let Some(url) = &document.url {
            self.addresses.entry(url.clone()).or_insert(document.id);
        }
        self.documents.insert(document.id, document);
    }

    /// Puts a claim in or replaces it, its place in the index included.
    pub(super) fn put_claim(&mut self, claim: ClaimRecord) {
        for &story in &claim.stories {
            self.claims_of_story.entry(story).or_default().insert(claim.id);
        }
        match self.claims.get(&claim.id) {
            Some(old) if old.proposition == claim.proposition => {}
            old => {
                if let Some(old) = old {
                    self.index.remove(old.id, &old.proposition);
                }
                self.index.insert(claim.sequence, claim.id, &claim.proposition);
            }
        }
        self.claims.insert(claim.id, claim);
    }

    /// Moves the desk's clock; at each turn of an hour the windows move too.
    pub(super) fn advance(&mut self, now: Timestamp) -> (Timestamp, Vec<Change>) {
        let before = self.now;
        let now = before.map_or(now, |before| before.max(now));
        self.now = Some(now);
        let hour = |time: Timestamp| time.as_second().div_euclid(3600);
        let changes = match before {
            Some(before) if hour(before) != hour(now) => self.forget(now),
            _ => Vec::new(),
        };
        (now, changes)
    }

    fn forget(&mut self, now: Timestamp) -> Vec<Change> {
        let before = |window: SignedDuration| now.checked_sub(window).unwrap_or(Timestamp::MIN);
        let (claims_limit, threads_limit) = (before(self.windows.claims), before(self.windows.threads));
        let mut changes = Vec::new();
        let stale: Vec<DocumentId> =
            self.documents.values().filter(|known| known.last_seen < claims_limit).map(|known| known.id).collect();
        for id in stale {
            if let Some(url) = self.documents.remove(&id).and_then(|known| known.url)
                && self.addresses.get(&url) == Some(&id)
            {
                self.addresses.remove(&url);
            }
            changes.push(Change::ForgetDocument(id));
        }
        changes.extend(self.stories.forget_before(before(self.windows.stories)).into_iter().map(Change::ForgetStory));
        let is_stale = |claim: &ClaimRecord| {
            let limit = if claim.kind == Kind::Allegation { threads_limit } else { claims_limit };
            claim.last_seen < limit
        };
        let stale: Vec<ClaimId> = self.claims.values().filter(|claim| is_stale(claim)).map(|claim| claim.id).collect();
        for id in stale {
            self.forget_claim(id, &mut changes);
        }
        let stale: Vec<ThreadId> = self
            .threads
            .values()
            .filter(|thread| thread.last_seen < threads_limit || thread.claims.is_empty())
            .map(|thread| thread.id)
            .collect();
        for id in stale {
            let claims = self.threads.remove(&id).map(|thread| thread.claims).unwrap_or_default();
            for claim in claims {
                self.forget_claim(claim, &mut changes);
            }
            changes.push(Change::ForgetThread(id));
        }
        changes
    }

    fn forget_claim(&mut self, id: ClaimId, changes: &mut Vec<Change>) {
        let Some(claim) = self.claims.remove(&id) else { return };
        self.index.remove(id, &claim.proposition);
        for story in &claim.stories {
            if let Some(claims) = self.claims_of_story.get_mut(story) {
                claims.remove(&id);
                if claims.is_empty() {
                    self.claims_of_story.remove(story);
                }
            }
        }
        if let Some(thread) = self.threads.get_mut(&claim.thread) {
            thread.claims.remove(&id);
        }
        changes.push(Change::ForgetClaim(id));
    }

    /// A known document is still in its feed; written once a day, so that a quiet feed costs no writes.
    pub(super) fn touch(&mut self, document: DocumentId, now: Timestamp, changes: &mut Vec<Change>) {
        if let Some(known) = self.documents.get_mut(&document)
            && now.duration_since(known.last_seen) >= SignedDuration::from_hours(24)
        {
            known.last_seen = now;
            changes.push(Change::Document(Box::new(known.clone())));
        }
    }

    /// Opens, changes or closes a feed's incident.
    pub(super) fn feed_health(&mut self, health: FeedHealth, now: Timestamp, changes: &mut Vec<Change>) {
        let wanted = health.incident.as_ref().map(|incident| incident.kind);
        let record = self.feeds.entry(health.feed.clone()).or_insert_with(|| FeedRecord {
            feed: health.feed.clone(),
            incident: 0,
            open: None,
            since: now,
        });
        if record.open == wanted {
            return;
        }
        let (alert_type, detail, why) = if let Some(incident) = health.incident {
            record.incident += 1;
            record.since = incident.since.min(now);
            let why = format!("polling {} failed: {}", health.feed, incident.detail);
            (incident.kind, incident.detail, why)
        } else {
            let why = format!("{} answers again after {}", health.feed, in_words(now.duration_since(record.since)));
            (AlertType::FeedRecovered, why.clone(), why)
        };
        record.open = wanted;
        let alert =
            FeedAlert { id: health.feed, outlet: health.outlet, url: health.url, incident: record.incident, detail };
        changes.push(Change::Feed(record.clone()));
        changes.push(Change::Event(Event { alert_type, time: now, why, subject: Subject::Feed(alert) }));
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
