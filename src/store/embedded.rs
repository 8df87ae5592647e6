//! `EmbeddedStore`: the store in one SQLite file, for one daemon; a person may read the file meanwhile.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use rusqlite::Connection;

use crate::failpoint::{Point, reach};
use crate::model::{
    AlertId, Attempt, Document, EndpointRecord, FeedControl, FeedCursor, Feedback, KeptList, Outbox, OutboxEntry,
    Records,
};

use super::writer::{Write, Writer};
use super::{
    BacklogMark, BacklogPosition, Commit, Counts, Ledger, Orphan, PutIn, Store, StoreError, alert, backlog, control,
    endpoint, feedback, hold, ledger, outbox, record, schema,
};

/// How long to wait for a person who writes to the file with another program.
pub(super) const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// Links that are followed to a file that is not there.
const LINKS_MAX: usize = 40;

/// The store in one SQLite file. Fields are dropped in this order: the lock goes last.
pub struct EmbeddedStore {
    writer: Writer,
    reader: Mutex<Connection>,
    /// For how many milliseconds what was delivered can be looked up.
    retention: Arc<AtomicU64>,
    _lock: File,
}

impl EmbeddedStore {
    /// Opens the file, made if missing, and brings it up to the present layout.
    ///
    /// # Errors
    /// When the file is no database, another program's, a newer gainsay's or in use by another daemon, or cannot be
    /// opened, read or brought up to date.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        let opened =
            |error: &dyn std::fmt::Display| StoreError::Open { path: path.to_owned(), error: error.to_string() };
        if path.is_dir() {
            return Err(opened(&"it is a folder"));
        }
        let lock = lock(path)?;
        let mut connection = Connection::open(path).map_err(|error| opened(&error))?;
        connection.busy_timeout(BUSY_TIMEOUT)?;
        reach(Point::Opened);
        schema::prepare(&mut connection, path)?;
        let reader = Connection::open(path).map_err(|error| opened(&error))?;
        reader.busy_timeout(BUSY_TIMEOUT)?;
        reader.pragma_update(None, "query_only", true)?;
        let retention = Arc::new(AtomicU64::new(milliseconds(schema::RETENTION)));
        let writer = Writer::start(connection, Arc::clone(&retention)).map_err(|error| opened(&error))?;
        Ok(Self { writer, reader: Mutex::new(reader), retention, _lock: lock })
    }

    /// How many alerts are held, in groups and for digests, for each sink that is none of these.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn held_for_others(&self, sinks: &[String]) -> Result<Vec<(String, u64)>, StoreError> {
        hold::of_others(&self.reader(), sinks)
    }

    fn reader(&self) -> MutexGuard<'_, Connection> {
        // A reader that panicked cannot have left anything half done.
        self.reader.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl std::fmt::Debug for EmbeddedStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("EmbeddedStore").finish_non_exhaustive()
    }
}

impl EmbeddedStore {
    /// From the next commit on, the text and the attempts of what was delivered are kept for so long; 30 days without.
    pub fn keep_deliveries_for(&self, retention: Duration) {
        self.retention.store(milliseconds(retention), Ordering::Relaxed);
    }

    /// Makes the copy of a list of feeds durable, in the place of the one before. Blocks.
    ///
    /// # Errors
    /// When it could not be made durable.
    pub fn keep_list(&self, list: KeptList) -> Result<(), StoreError> {
        self.writer.write(Write::KeepList(list)).map(drop)
    }

    /// What operators have said of feeds, with a mark that rises with each change; nothing where it is `known`. Blocks.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn feed_controls(&self, known: Option<i64>) -> Result<Option<(i64, Vec<FeedControl>)>, StoreError> {
        let reader = self.reader();
        let mark = control::mark(&reader)?;
        if known == Some(mark) { Ok(None) } else { Ok(Some((mark, record::all(&reader, "feed_control")?))) }
    }

    /// How the endpoints of sinks do, those that ever failed. Blocks.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn endpoints(&self) -> Result<Vec<EndpointRecord>, StoreError> {
        record::all(&self.reader(), "endpoint")
    }

    /// The type of the alert that last told of the endpoint of each sink, by the order key of such alerts. Blocks.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn told_of_sinks(&self) -> Result<BTreeMap<String, String>, StoreError> {
        endpoint::told(&self.reader())
    }

    /// Lets out the alerts whose embargoes are over at `now`, where there are any. Blocks.
    ///
    /// # Errors
    /// When it could not be made durable.
    pub fn release_alerts(&self, now: Timestamp) -> Result<(), StoreError> {
        if alert::is_due(&self.reader(), now)? { self.writer.write(Write::Release(now)).map(drop) } else { Ok(()) }
    }

    /// Takes out the copies of all lists of feeds but these, by their ids. Blocks.
    ///
    /// # Errors
    /// When it could not be made durable.
    pub fn forget_lists(&self, but: Vec<String>) -> Result<(), StoreError> {
        self.writer.write(Write::ForgetLists { but }).map(drop)
    }

    /// The copies of lists of feeds. Blocks.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn kept_lists(&self) -> Result<Vec<KeptList>, StoreError> {
        record::all(&self.reader(), "feed_list")
    }
}

fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// The path without links, also of a file that is yet to be made and that a link may already name: what is made beside it must be
/// found under every name, before and after.
pub fn real_path(path: &Path) -> PathBuf {
    let mut path = path.to_owned();
    for _ in 0..LINKS_MAX {
        if let Ok(real) = path.canonicalize() {
            return real;
        }
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        match (path.read_link(), folder.canonicalize(), path.file_name()) {
            (Ok(target), ..) => path = folder.join(target),
            (Err(_), Ok(folder), Some(name)) => return folder.join(name),
            _ => break,
        }
    }
    path
}

/// Takes `<path>.lock`. A lock of its own rather than SQLite's exclusive mode: that would shut people out, too. The file
/// is left behind on purpose: to remove it would let two daemons lock two files of that name.
fn lock(path: &Path) -> Result<File, StoreError> {
    // Two names of one database must mean one lock.
    let mut name = OsString::from(real_path(path));
    name.push(".lock");
    let name = PathBuf::from(name);
    let refused = |error: &std::io::Error| StoreError::Open { path: name.clone(), error: error.to_string() };
    let file = File::options().create(true).truncate(false).write(true).open(&name).map_err(|error| refused(&error))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(StoreError::InUse { path: path.to_owned() }),
        Err(TryLockError::Error(error)) => Err(refused(&error)),
    }
}

impl Store for EmbeddedStore {
    fn load(&self) -> Result<Records, StoreError> {
        record::read(&mut self.reader())
    }

    fn cursors(&self) -> Result<Vec<FeedCursor>, StoreError> {
        record::read_cursors(&self.reader())
    }

    fn commit(&self, commit: Commit) -> Result<PutIn, StoreError> {
        self.writer.write(Write::Commit(Box::new(commit)))
    }

    fn backlog(&self, limit: usize) -> Result<Vec<(BacklogPosition, Document)>, StoreError> {
        backlog::first(&self.reader(), limit)
    }

    fn backlog_marks(&self) -> Result<Vec<BacklogMark>, StoreError> {
        backlog::marks(&self.reader())
    }

    fn pending_feedback(&self) -> Result<Vec<Feedback>, StoreError> {
        feedback::pending(&self.reader())
    }

    fn counts(&self) -> Result<Counts, StoreError> {
        record::count(&self.reader())
    }

    fn sinks_of(&self, alert: AlertId) -> Result<Vec<String>, StoreError> {
        hold::sinks_of(&self.reader(), alert)
    }

    fn orphans(&self, sinks: &[String], now: Timestamp) -> Result<Vec<Orphan>, StoreError> {
        outbox::orphans(&self.reader(), sinks, now)
    }

    fn ledger(&self) -> Result<Vec<Ledger>, StoreError> {
        ledger::read(&self.reader())
    }

    fn give_up(&self, sink: &str, now: Timestamp) -> Result<(), StoreError> {
        self.writer.write(Write::GiveUp { sink: sink.to_owned(), now }).map(drop)
    }
}

impl Outbox for EmbeddedStore {
    type Error = StoreError;

    fn due(&self, sink: &str, now: Timestamp, limit: usize) -> Result<Vec<OutboxEntry>, StoreError> {
        outbox::due(&self.reader(), sink, now, limit)
    }

    fn next_due(&self, sink: &str, now: Timestamp) -> Result<Option<Timestamp>, StoreError> {
        outbox::next_due(&self.reader(), sink, now)
    }

    fn tried(&self, sink: &str, now: Timestamp, limit: usize) -> Result<Vec<OutboxEntry>, StoreError> {
        outbox::tried(&self.reader(), sink, now, limit)
    }

    fn hasten(&self, sink: &str, now: Timestamp) -> Result<(), StoreError> {
        let is_late = outbox::is_late(&self.reader(), sink, now)?;
        if is_late { self.writer.write(Write::Hasten { sink: sink.to_owned(), now }).map(drop) } else { Ok(()) }
    }

    fn endpoint(&self, sink: &str) -> Result<Option<EndpointRecord>, StoreError> {
        endpoint::of(&self.reader(), sink)
    }

    fn keep_endpoint(&self, record: EndpointRecord, is_back: bool) -> Result<(), StoreError> {
        self.writer.write(Write::Endpoint { record, is_back }).map(drop)
    }

    fn record_attempt(&self, attempt: Attempt) -> Result<(), StoreError> {
        self.writer.write(Write::Attempt(attempt)).map(drop)
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn only_lists_that_are_named_are_not_forgotten() {
        let folder = tempfile::tempdir().unwrap();
        let store = EmbeddedStore::open(&folder.path().join("g.db")).unwrap();
        for id in ["one", "two", "three"] {
            let list = KeptList {
                id: id.to_owned(),
                address: crate::model::AddressHash::of(&[id.as_bytes()]),
                feeds: Vec::new(),
                etag: None,
                last_modified: None,
                read_at: Timestamp::UNIX_EPOCH,
                trouble: None,
            };
            store.keep_list(list).unwrap();
        }
        let ids = || store.kept_lists().unwrap().into_iter().map(|list| list.id).collect::<Vec<_>>();
        store.forget_lists(vec!["three".to_owned(), "two".to_owned(), "new".to_owned()]).unwrap();
        assert_eq!(ids(), ["two", "three"]);
        store.forget_lists(Vec::new()).unwrap();
        assert!(ids().is_empty());
    }

    /// Two daemons on one database would send every alert twice.
    #[test]
    fn a_database_that_a_link_names_before_it_is_made_is_locked_once() {
        let folder = tempfile::tempdir().unwrap();
        let (link, far) = (folder.path().join("g.db"), folder.path().join("far"));
        std::fs::create_dir(&far).unwrap();
        symlink("far/middle.db", &link).unwrap();
        symlink(far.join("real.db"), far.join("middle.db")).unwrap();
        let before = real_path(&link);
        let _first = EmbeddedStore::open(&link).unwrap();
        assert_eq!(real_path(&link), before);
        for name in [link, far.join("real.db")] {
            assert!(matches!(EmbeddedStore::open(&name), Err(StoreError::InUse { .. })), "{}", name.display());
        }
        let circle = folder.path().join("circle");
        symlink("circle", &circle).unwrap();
        assert!(EmbeddedStore::open(&circle).is_err());
    }
}
