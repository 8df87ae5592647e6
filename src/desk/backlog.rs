//! The backlog as the desk knows it: which documents wait in the store to be read.
//!
//! Documents come faster than they can be read where many feeds are new or change at once. They are put off then, in the transaction
//! that moves their feeds' cursors, and caught up in the order in which they came.

use std::collections::BTreeMap;

use crate::model::{ContentHash, Document, DocumentId, Knowledge, Release};
use crate::pipeline::WITHHELD;
use crate::store::{BacklogMark, BacklogPosition, Withheld};

use super::Work;

/// New documents that are read at once: about a second's work.
pub const READ_AT_ONCE_MAX: usize = 32;
/// Documents from which on no more are to be taken, but read first: feeds can wait, the disk is not without end.
pub const BACKLOG_MAX: usize = 200_000;

/// What is committed together.
#[derive(Debug, Default)]
pub(super) struct Batch {
    /// What is done now.
    pub(super) work: Vec<Work>,
    /// What is made durable unread.
    pub(super) put_off: Vec<Document>,
    /// Documents that wait already and must not be used now.
    pub(super) withheld: Vec<Withheld>,
    /// Documents that were left out because they wait already.
    pub(super) waiting: usize,
    /// Where the last document of `work` stands in the backlog, if they come from there.
    pub(super) caught_up: Option<BacklogPosition>,
}

/// Documents that wait, each with each of its texts and releases, in order of arrival.
#[derive(Debug, Default)]
pub(super) struct Backlog {
    waiting: BTreeMap<DocumentId, Vec<BacklogMark>>,
    len: usize,
}

impl Backlog {
    pub(super) fn new(waiting: Vec<BacklogMark>) -> Self {
        let mut backlog = Self::default();
        backlog.add(waiting);
        backlog
    }

    pub(super) fn len(&self) -> usize {
        self.len
    }

    fn add(&mut self, marks: Vec<BacklogMark>) {
        self.len += marks.len();
        for mark in marks {
            self.waiting.entry(mark.document).or_default().push(mark);
        }
    }

    /// What waits last of a document with this text, or with the text of its page while this is the feed's entry alone.
    fn last_as(&self, mark: &BacklogMark) -> Option<&BacklogMark> {
        let says_it = |waits: &&BacklogMark| waits.content == mark.content || waits.entry == Some(mark.content);
        self.waiting.get(&mark.document)?.iter().rev().find(says_it)
    }

    /// Whether something that waits of a document is not withheld yet, as this version says.
    fn is_concerned(&self, withheld: &Withheld) -> bool {
        let waiting = self.waiting.get(&withheld.document).into_iter().flatten();
        waiting.into_iter().any(|waits| {
            let is_new = (waits.release, waits.version) != (Release::Withheld, withheld.version_after(waits.version));
            is_new && withheld.concerns(waits.release, waits.version)
        })
    }

    fn withhold(&mut self, withheld: &Withheld) {
        for waits in self.waiting.get_mut(&withheld.document).into_iter().flatten() {
            if withheld.concerns(waits.release, waits.version) {
                waits.release = Release::Withheld;
                waits.version = withheld.version_after(waits.version);
            }
        }
    }

    /// How an entry is known whose `content_hash` this is without its page, if it waits.
    pub(super) fn knowledge(&self, document: DocumentId, entry: ContentHash) -> Option<Knowledge> {
        self.waiting.get(&document)?.iter().rev().find_map(|waits| {
            let page = (waits.entry == Some(entry)).then_some(Knowledge::Page);
            page.or_else(|| (waits.content == entry).then_some(Knowledge::Entry))
        })
    }

    /// Puts off the documents of `batch` that are new where these are many or others wait. Nothing is changed yet.
    pub(super) fn put_off(&self, work: Vec<Work>, is_new: impl Fn(&Document) -> bool) -> Batch {
        let mut batch = Batch { work, ..Batch::default() };
        let count = batch.work.iter().flat_map(|work| &work.documents).filter(|document| is_new(document)).count();
        if count <= READ_AT_ONCE_MAX && self.len == 0 {
            return batch;
        }
        let mut came = Self::default();
        for work in &mut batch.work {
            for document in work.documents.extract_if(.., |document| is_new(document)) {
                let mark = BacklogMark::from(&document);
                let waits = came.last_as(&mark).or_else(|| self.last_as(&mark));
                if waits.is_some_and(|waits| says_all_of(waits, &mark)) {
                    batch.waiting += 1;
                } else {
                    came.add(vec![mark]);
                    batch.put_off.push(document);
                }
            }
            for &(document, version) in &work.withheld {
                let withheld = Withheld { document, version, until: WITHHELD };
                if came.is_concerned(&withheld) {
                    came.withhold(&withheld);
                    batch.put_off.iter_mut().for_each(|document| withheld.withhold(document));
                }
                if self.is_concerned(&withheld) {
                    batch.withheld.push(withheld);
                }
            }
        }
        batch
    }

    /// What changes once `batch` is durable.
    pub(super) fn change(batch: &Batch) -> BacklogChange {
        let documents = batch.work.iter().flat_map(|work| &work.documents);
        BacklogChange {
            withheld: batch.withheld.clone(),
            came: batch.put_off.iter().map(BacklogMark::from).collect(),
            went: if batch.caught_up.is_some() { documents.map(BacklogMark::from).collect() } else { Vec::new() },
        }
    }

    /// A batch is durable.
    pub(super) fn follow(&mut self, change: BacklogChange) {
        change.withheld.iter().for_each(|withheld| self.withhold(withheld));
        self.add(change.came);
        for mark in change.went {
            let Some(waiting) = self.waiting.get_mut(&mark.document) else { continue };
            if let Some(at) = waiting.iter().position(|waits| *waits == mark) {
                waiting.remove(at);
                self.len -= 1;
            }
            if waiting.is_empty() {
                self.waiting.remove(&mark.document);
            }
        }
    }
}

/// Whether what waits with the same text says all that a version of it says: it is of that version or a later one, and as usable.
fn says_all_of(waits: &BacklogMark, mark: &BacklogMark) -> bool {
    mark.version.is_older_than(waits.version) || (waits.release, waits.version) == (mark.release, mark.version)
}

/// Documents that begin and end to wait with a commit, or wait withheld from then on.
pub(super) struct BacklogChange {
    withheld: Vec<Withheld>,
    came: Vec<BacklogMark>,
    went: Vec<BacklogMark>,
}
