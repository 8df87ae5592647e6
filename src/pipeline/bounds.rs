//! Bounds: how much the state keeps, whatever feeds send.
//!
//! Windows bound what is kept in time, which is no bound where a feed sends thousands of new items an hour. So each sort of record is bounded in
//! number, too: what is over is forgotten, a sixteenth of the bound at a time, longest unseen first. What feeds still carry is seen daily and
//! goes last. At the default bounds a state takes some gigabytes; a desk that reads a thousand feeds stays far below them.
//! Of what grows inside a record the stories of a claim and the claims of a thread are bounded here; outlets, agencies and texts of a story are in
//! `dedup::story`, former wordings of a claim in `revise`, claims of a document in `extract`.

use jiff::Timestamp;

use super::{Change, State};
use crate::model::{ClaimId, DocumentId, KnownClaim, StoryId, ThreadId};

/// How many records of each sort are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Bounds {
    /// Documents.
    pub(super) documents: usize,
    /// Stories.
    pub(super) stories: usize,
    /// Claims.
    pub(super) claims: usize,
    /// Threads.
    pub(super) threads: usize,
    /// Claims of a thread: what would be one more opens a thread of its own.
    pub(super) thread_claims: usize,
    /// Stories remembered of a claim.
    pub(super) claim_stories: usize,
}

impl Default for Bounds {
    fn default() -> Self {
        Self {
            documents: 1_000_000,
            stories: 500_000,
            claims: 500_000,
            threads: 500_000,
            thread_claims: 1_000,
            claim_stories: 1_000,
        }
    }
}

/// How many records of each sort the desk keeps.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RecordCounts {
    /// Documents.
    pub documents: usize,
    /// Stories.
    pub stories: usize,
    /// Claims.
    pub claims: usize,
    /// Threads.
    pub threads: usize,
}

impl State {
    /// How many records the desk keeps.
    pub fn counts(&self) -> RecordCounts {
        RecordCounts {
            documents: self.documents.len(),
            stories: self.stories.len(),
            claims: self.claims.len(),
            threads: self.threads.len(),
        }
    }

    /// Forgets what is over the bounds.
    pub(super) fn forget_excess(&mut self, changes: &mut Vec<Change>) {
        let (counts, bounds) = (self.counts(), self.bounds);
        let documents = excess(counts.documents, bounds.documents);
        if documents > 0 {
            let known = self.documents.values().map(|known| (known.last_seen, known.id));
            let gone: Vec<DocumentId> = oldest(known, documents).into_iter().map(|(_, id)| id).collect();
            for id in gone {
                self.forget_document(id, changes);
            }
        }
        let stories = excess(counts.stories, bounds.stories);
        if stories > 0 {
            changes.extend(self.stories.forget_oldest(stories).into_iter().map(Change::ForgetStory));
        }
        let threads = excess(counts.threads, bounds.threads);
        if threads > 0 {
            let known = self.threads.values().map(|known| (known.last_seen, known.order, known.id));
            let gone: Vec<ThreadId> = oldest(known, threads).into_iter().map(|(_, _, id)| id).collect();
            for id in gone {
                self.forget_thread(id, changes);
            }
        }
        let claims = excess(self.claims.len(), bounds.claims);
        if claims > 0 {
            let known = self.claims.values().map(|known| (known.last_seen, known.sequence, known.id));
            let gone: Vec<ClaimId> = oldest(known, claims).into_iter().map(|(_, _, id)| id).collect();
            for id in gone {
                self.forget_claim(id, changes);
            }
        }
    }

    /// The clock had been ahead: nothing was seen later than now, or it would be kept until the clock is there again.
    pub(super) fn set_back(&mut self, now: Timestamp, changes: &mut Vec<Change>) {
        for known in self.documents.values_mut().filter(|known| known.last_seen > now) {
            known.last_seen = now;
            changes.push(Change::Document(Box::new(known.clone())));
        }
        changes.extend(self.stories.set_back(now).into_iter().map(Box::new).map(Change::Story));
        for known in self.claims.values_mut().filter(|known| known.last_seen > now) {
            known.last_seen = now;
            changes.push(Change::Claim(Box::new(known.record())));
        }
        for known in self.threads.values_mut().filter(|known| known.last_seen > now) {
            known.last_seen = now;
            changes.push(Change::Thread(Box::new(known.clone())));
        }
    }

    /// Of a claim's threads, those that take another claim.
    pub(super) fn with_room(&self, threads: Vec<ThreadId>) -> Vec<ThreadId> {
        let has_room =
            |id: &ThreadId| self.threads.get(id).is_none_or(|thread| thread.claims.len() < self.bounds.thread_claims);
        threads.into_iter().filter(has_room).collect()
    }

    /// All claims of a story, however many, in order of their ids.
    pub(super) fn all_claims_of(&self, story: StoryId) -> impl Iterator<Item = &KnownClaim> {
        self.claims_of_story.get(&story).into_iter().flatten().filter_map(|id| self.claims.get(id))
    }
}

/// How many of so many records go where there may be `max`.
fn excess(count: usize, max: usize) -> usize {
    if count > max { count - max + max / 16 } else { 0 }
}

/// The first ones in order.
fn oldest<T: Ord>(known: impl Iterator<Item = T>, count: usize) -> Vec<T> {
    let mut all: Vec<T> = known.collect();
    all.sort_unstable();
    all.truncate(count);
    all
}
