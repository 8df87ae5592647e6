//! The backlog as the desk knows it: which documents wait in the store to be read.
//!
//! Documents come faster than they can be read where many feeds are new or change at once. They are put off then, in the transaction
//! that moves their feeds' cursors, and caught up in the order in which they came.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::{ContentHash, Document, DocumentId, Knowledge};
use crate::store::{BacklogPosition, BacklogTexts};

use super::Work;

/// New documents that are read at once: about a second's work.
pub const READ_AT_ONCE_MAX: usize = 32;
/// Documents from which on no more are to be taken, but read first: feeds can wait, the disk is not without end.
pub const BACKLOG_MAX: usize = 200_000;

/// A document with the text that it came with.
type Mark = (DocumentId, BacklogTexts);

fn mark(document: &Document) -> Mark {
    (document.id, (document.content_hash, document.entry_hash))
}

/// What is committed together.
#[derive(Debug, Default)]
pub(super) struct Batch {
    /// What is done now.
    pub(super) work: Vec<Work>,
    /// What is made durable unread.
    pub(super) put_off: Vec<Document>,
    /// Documents that were left out because they wait already.
    pub(super) waiting: usize,
    /// Where the last document of `work` stands in the backlog, if they come from there.
    pub(super) caught_up: Option<BacklogPosition>,
}

/// Documents that wait, each once with each of its texts, in order of arrival.
#[derive(Debug, Default)]
pub(super) struct Backlog {
    waiting: BTreeMap<DocumentId, Vec<BacklogTexts>>,
    len: usize,
}

impl Backlog {
    pub(super) fn new(waiting: Vec<Mark>) -> Self {
        let mut backlog = Self::default();
        backlog.add(waiting);
        backlog
    }

    pub(super) fn len(&self) -> usize {
        self.len
    }

    fn add(&mut self, marks: Vec<Mark>) {
        self.len += marks.len();
        for (document, texts) in marks {
            self.waiting.entry(document).or_default().push(texts);
        }
    }

    /// Whether the document waits with this text, or as the feed's entry alone while it waits with the text of its page.
    fn has(&self, (document, (content, _)): &Mark) -> bool {
        let texts = self.waiting.get(document).into_iter().flatten();
        texts.into_iter().any(|(waits, entry)| waits == content || *entry == Some(*content))
    }

    /// How an entry is known whose `content_hash` this is without its page, if it waits.
    pub(super) fn knowledge(&self, document: DocumentId, entry: ContentHash) -> Option<Knowledge> {
        self.waiting.get(&document)?.iter().rev().find_map(|&(content, of_entry)| {
            let page = (of_entry == Some(entry)).then_some(Knowledge::Page);
            page.or_else(|| (content == entry).then_some(Knowledge::Entry))
        })
    }

    /// Puts off the documents of `batch` that are new where these are many or others wait. Nothing is changed yet.
    pub(super) fn put_off(&self, work: Vec<Work>, is_new: impl Fn(&Document) -> bool) -> Batch {
        let mut batch = Batch { work, ..Batch::default() };
        let count = batch.work.iter().flat_map(|work| &work.documents).filter(|document| is_new(document)).count();
        if count <= READ_AT_ONCE_MAX && self.len == 0 {
            return batch;
        }
        let mut seen = BTreeSet::new();
        for document in
            batch.work.iter_mut().flat_map(|work| work.documents.extract_if(.., |document| is_new(document)))
        {
            let mark = mark(&document);
            if self.has(&mark) || !seen.insert(mark) {
                batch.waiting += 1;
            } else {
                batch.put_off.push(document);
            }
        }
        batch
    }

    /// What changes once `batch` is durable.
    pub(super) fn change(batch: &Batch) -> BacklogChange {
        let documents = batch.work.iter().flat_map(|work| &work.documents);
        BacklogChange {
            came: batch.put_off.iter().map(mark).collect(),
            went: if batch.caught_up.is_some() { documents.map(mark).collect() } else { Vec::new() },
        }
    }

    /// A batch is durable.
    pub(super) fn follow(&mut self, change: BacklogChange) {
        self.add(change.came);
        for (document, texts) in change.went {
            let Some(waiting) = self.waiting.get_mut(&document) else { continue };
            if let Some(at) = waiting.iter().position(|waits| *waits == texts) {
                waiting.remove(at);
                self.len -= 1;
            }
            if waiting.is_empty() {
                self.waiting.remove(&document);
            }
        }
    }
}

/// Documents that begin and end to wait with a commit.
pub(super) struct BacklogChange {
    came: Vec<Mark>,
    went: Vec<Mark>,
}
