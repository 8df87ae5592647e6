//! Durable state: commits of the desk go in, records and the outbox come out; [`EmbeddedStore`] keeps them in SQLite.

mod alert;
mod alike;
mod backlog;
mod beside;
mod browse;
mod control;
mod dropped;
mod embedded;
mod endpoint;
mod error;
mod feedback;
mod fingerprint;
mod hold;
mod index;
mod ledger;
mod outbox;
mod record;
mod replay;
mod schema;
mod view;
mod vocabulary;
mod words;
mod writer;

pub use alert::NewAlert;
pub use beside::bring_up;
pub use browse::{ALERT_STATES, Added, AlertFilter, AlertRow, ClaimFilter, Sums, ThreadFilter, Trends};
pub use control::control_feed;
pub use embedded::{EmbeddedStore, real_path};
pub use endpoint::enable_endpoint;
pub use error::StoreError;
pub use feedback::log_feedback;
pub use ledger::Ledger;
pub use replay::{AttemptRow, REPLAYABLE, replay_deliveries};
pub use view::{DeliveryFilter, DeliveryRow, FeedDocuments, Named, SinkBacklog, StoredAnalysis, View, copy_into};
pub use words::{ClaimWords, Marks};
pub(crate) use words::{has_words, marks};

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::model::{
    AlertId, Analysis, BudgetRecord, ClaimId, ClaimRecord, ContentHash, Document, DocumentId, DocumentRecord, Dropped,
    FeedCursor, FeedRecord, Feedback, FeedbackId, GroupRecord, Moved, MutedSpeaker, Outbox, OutboxRow, Records,
    Release, SilenceRecord, SilencedRow, StoryId, StoryRecord, ThreadId, ThreadRecord, Version,
};

/// Everything that must survive. Methods block; call them from blocking threads.
pub trait Store: Outbox<Error = StoreError> {
    /// All records that were not forgotten, each list in order of creation.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn load(&self) -> Result<Records, StoreError>;

    /// What the poller remembers of each feed.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn cursors(&self) -> Result<Vec<FeedCursor>, StoreError>;

    /// Makes all of `commit` durable, or nothing of it. Returns when it is on the disk, with how many of its alerts were put
    /// into the outbox and not known there before, by sink.
    ///
    /// # Errors
    /// When it could not be made durable; nothing is changed then.
    fn commit(&self, commit: Commit) -> Result<PutIn, StoreError>;

    /// The first documents of the backlog, each with its position.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn backlog(&self, limit: usize) -> Result<Vec<(BacklogPosition, Document)>, StoreError>;

    /// Which documents wait in the backlog, with what text and release, in order of arrival.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn backlog_marks(&self) -> Result<Vec<BacklogMark>, StoreError>;

    /// What users said and the desk has not taken in yet, in order; at most so much as one batch takes.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn pending_feedback(&self) -> Result<Vec<Feedback>, StoreError>;

    /// How much there is of everything.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn counts(&self) -> Result<Counts, StoreError>;

    /// The sinks that an alert was sent to, is kept from or waits for, or that were told of it in another alert; in order of their names.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn sinks_of(&self, alert: AlertId) -> Result<Vec<String>, StoreError>;

    /// Sinks that are none of `sinks` but have alerts waiting, in order of their names.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn orphans(&self, sinks: &[String], now: Timestamp) -> Result<Vec<Orphan>, StoreError>;

    /// What became of the alerts of each sink since the database was made, in order of their names.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn ledger(&self) -> Result<Vec<Ledger>, StoreError>;

    /// Gives up everything that waits for a sink: it is dead from `now` on, and can no longer be delivered.
    ///
    /// # Errors
    /// When it could not be made durable; nothing is changed then.
    fn give_up(&self, sink: &str, now: Timestamp) -> Result<(), StoreError>;
}

/// Alerts that a commit put into the outbox, by sink.
pub type PutIn = BTreeMap<String, u64>;

/// What one batch of steps changed: one transaction.
#[derive(Debug, Clone, PartialEq)]
pub struct Commit {
    /// The desk's clock after the batch.
    pub now: Timestamp,
    /// Next number for `sequence` and `order` of records.
    pub next_sequence: u64,
    /// Cursors of the feeds that were polled.
    pub cursors: Vec<FeedCursor>,
    /// Documents that came and are put at the end of the backlog.
    pub put_off: Vec<Document>,
    /// Documents of the backlog that are to wait withheld. Counts for what was put there before this commit.
    pub withheld: Vec<Withheld>,
    /// Documents of the backlog that this commit holds instead: all up to this position.
    pub caught_up: Option<BacklogPosition>,
    /// Analyses of the documents that were read; one text of a document is kept once for the same models.
    pub analyses: Vec<Analysis>,
    /// New and changed documents.
    pub documents: Vec<DocumentRecord>,
    /// New and changed stories.
    pub stories: Vec<StoryRecord>,
    /// New and changed claims.
    pub claims: Vec<ClaimRecord>,
    /// New and changed threads.
    pub threads: Vec<ThreadRecord>,
    /// New and changed states of feeds.
    pub feeds: Vec<FeedRecord>,
    /// New and changed budgets of sinks.
    pub budgets: Vec<BudgetRecord>,
    /// Speakers that were muted.
    pub muted: Vec<MutedSpeaker>,
    /// New silences.
    pub silences: Vec<SilenceRecord>,
    /// New and changed groups of alerts that wait for others of their thread.
    pub groups: Vec<GroupRecord>,
    /// What users said, taken in with this commit; one that is not in the log yet is put there.
    pub feedback: Vec<Feedback>,
    /// What left the windows. Taken out first: a record that is forgotten and written in one commit is kept.
    pub forgotten: Forgotten,
    /// Alerts that go to a sink or wait for one. One that was put in before is there in its new words.
    pub alerts: Vec<NewAlert>,
    /// Alerts to send. One that was ever put in before for the same sink is left as it is.
    pub outbox: Vec<OutboxRow>,
    /// Alerts that are kept back for good, likewise.
    pub silenced: Vec<SilencedRow>,
    /// Documents whose release has changed. Counts for what was put in before and for what this commit puts in.
    pub moved: Vec<Moved>,
    /// Documents that will not be used. Counts likewise, for what is not released.
    pub dropped: Vec<Dropped>,
}

impl Commit {
    /// A commit that changes nothing but the desk's clock and counter.
    pub fn new(now: Timestamp, next_sequence: u64) -> Self {
        Self {
            now,
            next_sequence,
            cursors: Vec::new(),
            put_off: Vec::new(),
            withheld: Vec::new(),
            caught_up: None,
            analyses: Vec::new(),
            documents: Vec::new(),
            stories: Vec::new(),
            claims: Vec::new(),
            threads: Vec::new(),
            feeds: Vec::new(),
            budgets: Vec::new(),
            muted: Vec::new(),
            silences: Vec::new(),
            groups: Vec::new(),
            feedback: Vec::new(),
            forgotten: Forgotten::default(),
            alerts: Vec::new(),
            outbox: Vec::new(),
            silenced: Vec::new(),
            moved: Vec::new(),
            dropped: Vec::new(),
        }
    }
}

/// Where a document stands in the backlog.
pub type BacklogPosition = i64;

/// A document of the backlog: what it says, and whether that may be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BacklogMark {
    /// Which document.
    pub document: DocumentId,
    /// Its `content_hash`.
    pub content: ContentHash,
    /// Its `entry_hash`.
    pub entry: Option<ContentHash>,
    /// What its provider says of its use. When an embargo ends that its text alone tells, follows from the text.
    pub release: Release,
    /// Which version of it this is.
    pub version: Version,
}

impl From<&Document> for BacklogMark {
    fn from(document: &Document) -> Self {
        Self {
            document: document.id,
            content: document.content_hash,
            entry: document.entry_hash,
            release: document.release,
            version: document.version,
        }
    }
}

/// A document that must not be used now, as a version of it says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Withheld {
    /// Which document.
    pub document: DocumentId,
    /// The version that says so.
    pub version: Version,
    /// What to take for the end of its embargo.
    pub until: Timestamp,
}

impl Withheld {
    /// Whether it counts for what waits with this release and version: not for a later version, nor for what takes the document back.
    pub fn concerns(&self, release: Release, version: Version) -> bool {
        release != Release::Canceled && !self.version.is_older_than(version)
    }

    /// Withholds a document that waits, where it counts for it.
    pub fn withhold(&self, document: &mut Document) {
        if document.id == self.document && self.concerns(document.release, document.version) {
            document.release = Release::Withheld;
            document.version = self.version_after(document.version);
            document.embargo_until = Some(self.until);
        }
    }

    /// The version of the document after it.
    pub fn version_after(&self, before: Version) -> Version {
        if self.version.is_empty() { before } else { self.version }
    }
}

/// Records that left the windows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Forgotten {
    /// Documents.
    pub documents: Vec<DocumentId>,
    /// Stories.
    pub stories: Vec<StoryId>,
    /// Claims.
    pub claims: Vec<ClaimId>,
    /// Threads.
    pub threads: Vec<ThreadId>,
    /// Keys of speakers that are muted no longer.
    pub muted: Vec<String>,
    /// Silences that are over.
    pub silences: Vec<FeedbackId>,
    /// Keys of groups that have gone out.
    pub groups: Vec<String>,
}

/// A sink that the config no longer has, while alerts wait for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Orphan {
    /// Its name.
    pub sink: String,
    /// Alerts that wait for it.
    pub waiting: u64,
    /// Nothing was put in for it or tried for as long as delivered alerts are kept.
    pub is_stale: bool,
}

/// How much there is of everything.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Documents in the window.
    pub documents: u64,
    /// Stories in the window.
    pub stories: u64,
    /// Claims in the window.
    pub claims: u64,
    /// Threads in the window.
    pub threads: u64,
    /// Stored analyses.
    pub analyses: u64,
    /// Alerts that wait for a sink, one for each sink.
    pub pending: u64,
    /// Alerts that a sink has, one for each sink.
    pub delivered: u64,
    /// Alerts that no attempt could deliver, one for each sink.
    pub dead: u64,
    /// Alerts that are kept back for good, one for each sink.
    pub silenced: u64,
    /// Attempts that are still kept.
    pub attempts: u64,
}
