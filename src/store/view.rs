//! `View`: the records, analyses and deliveries of a database as of one moment, for people to look at; reads only, also while
//! a daemon writes. Called by `look`.

use std::ffi::OsString;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use rusqlite::types::FromSql;
use rusqlite::{Connection, ErrorCode, OpenFlags, OptionalExtension as _, Row, params};
use serde::de::DeserializeOwned;

use crate::model::{
    AlertId, BudgetRecord, ClaimId, ClaimRecord, DocumentId, DocumentRecord, EndpointRecord, FeedControl, FeedCursor,
    FeedRecord, FeedbackLine, GroupRecord, KeptList, MutedSpeaker, Records, SilenceRecord, StoryId, StoryRecord,
    ThreadId, ThreadRecord,
};

use super::embedded::BUSY_TIMEOUT;
use super::record::{all, parse, read_within};
use super::{StoreError, feedback, schema};

/// Matches told of an id that several things begin with.
const MATCHES_MAX: usize = 16;

/// A database opened for reading.
#[derive(Debug)]
pub struct View {
    pub(super) connection: Connection,
    version: u32,
}

/// Something that has an id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Named {
    /// An alert.
    Alert(AlertId),
    /// A claim.
    Claim(ClaimId),
    /// A thread.
    Thread(ThreadId),
    /// A story.
    Story(StoryId),
    /// A document.
    Document(DocumentId),
}

/// One alert for one sink.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeliveryRow {
    /// Its place in the outbox.
    pub position: i64,
    /// Which alert.
    pub alert: AlertId,
    /// Name of the sink.
    pub sink: String,
    /// The alert's type as the contract names it.
    pub alert_type: String,
    /// Thread or feed.
    pub order_key: String,
    /// `pending`, `delivered`, `expired`, `dead` or `silenced`.
    pub state: String,
    /// Attempts so far.
    pub attempts: u32,
    /// When it was put in.
    pub created: Timestamp,
    /// When the next attempt may start.
    pub due: Timestamp,
    /// When it was delivered or given up.
    pub settled: Option<Timestamp>,
    /// What the last attempt that failed said.
    pub last_error: Option<String>,
    /// Why it was kept back, if it ever was.
    pub reason: Option<String>,
    /// When it was last put back into the queue.
    pub replayed: Option<Timestamp>,
    /// The bytes that went out, where they are still kept.
    pub body: Option<Vec<u8>>,
}

/// Which deliveries; nothing given means all.
#[derive(Debug, Clone, Default)]
pub struct DeliveryFilter<'a> {
    /// Of this sink.
    pub sink: Option<&'a str>,
    /// In this state.
    pub state: Option<&'a str>,
    /// Of this alert.
    pub alert: Option<AlertId>,
    /// With this order key.
    pub order_key: Option<String>,
    /// Behind this position.
    pub before: Option<i64>,
}

/// What one text of a document said, as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredAnalysis {
    /// Which document.
    pub document: DocumentId,
    /// Hash of the text.
    pub content_hash: String,
    /// The feed that brought it.
    pub feed: String,
    /// Its outlet.
    pub outlet: String,
    /// Its address.
    pub url: Option<String>,
    /// When it says it was published.
    pub published: Option<Timestamp>,
    /// When it was first seen.
    pub first_seen: Timestamp,
    /// ISO 639-3.
    pub language: String,
    /// Hash of the models; empty where the analysis failed.
    pub models: String,
    /// Its headline.
    pub headline: String,
    /// Headline and body.
    pub text: String,
}

/// How many documents of a feed are kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FeedDocuments {
    /// Which feed.
    pub feed: String,
    /// Its outlet.
    pub outlet: String,
    /// Texts.
    pub texts: u64,
    /// When the newest was first seen.
    pub newest: Timestamp,
}

/// What waits for a sink or never reached it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SinkBacklog {
    /// Its name.
    pub sink: String,
    /// Alerts that wait, embargoed ones left out.
    pub waiting: u64,
    /// When the first of them was put in.
    pub oldest: Option<Timestamp>,
    /// Alerts under an embargo.
    pub held: u64,
    /// Alerts that no attempt could deliver.
    pub dead: u64,
}

impl View {
    /// Opens the file for reading; what is read afterwards is as of the first read.
    ///
    /// # Errors
    /// When the file is missing, no database, another program's, a newer gainsay's, or cannot be read.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        let refused = |error: &str| StoreError::Open { path: path.to_owned(), error: error.to_owned() };
        if !path.exists() {
            return Err(refused("there is no such file"));
        }
        if path.is_dir() {
            return Err(refused("it is a folder"));
        }
        let (connection, version) = match Self::connect(path, path.as_os_str(), OpenFlags::empty()) {
            Err(error) if is_locked_out(&error) && !beside(path, "-wal").exists() => {
                // Where nobody can write, neither can the index be that SQLite keeps beside the file; nor is it needed.
                let uri = immutable_uri(path).ok_or_else(|| error.clone())?;
                Self::connect(path, uri.as_ref(), OpenFlags::SQLITE_OPEN_URI)?
            }
            opened => opened?,
        };
        if version == 0 {
            return Err(refused("it is empty: no daemon has written to it yet"));
        }
        connection.execute_batch("BEGIN")?;
        Ok(Self { connection, version })
    }

    fn connect(path: &Path, name: &std::ffi::OsStr, more: OpenFlags) -> Result<(Connection, u32), StoreError> {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX | more;
        let connection = Connection::open_with_flags(name, flags)
            .map_err(|error| StoreError::Open { path: path.to_owned(), error: error.to_string() })?;
        connection.busy_timeout(BUSY_TIMEOUT)?;
        let version = schema::check_owner(&connection, path)?;
        Ok((connection, version))
    }

    /// Version of the layout.
    pub fn version(&self) -> u32 {
        self.version
    }

    /// The desk's clock at its last commit.
    ///
    /// # Errors
    /// When the database cannot be read; so below.
    pub fn desk_clock(&self) -> Result<Option<Timestamp>, StoreError> {
        let now: Option<String> = self.connection.query_row("SELECT now FROM desk", [], |row| row.get(0)).optional()?;
        Ok(now.and_then(|now| now.parse().ok()))
    }

    /// What SQLite finds wrong with the file; empty where it is whole.
    ///
    /// # Errors
    /// As above.
    pub fn damage(&self) -> Result<Vec<String>, StoreError> {
        let mut statement = self.connection.prepare("PRAGMA quick_check(5)")?;
        let found: Vec<String> = statement.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?;
        Ok(found.into_iter().filter(|line| line != "ok").collect())
    }

    /// Claims, the newest first, until `visit` breaks off.
    ///
    /// # Errors
    /// As above.
    pub fn claims(&self, mut visit: impl FnMut(ClaimRecord) -> ControlFlow<()>) -> Result<(), StoreError> {
        let mut statement =
            self.connection.prepare("SELECT id, record FROM claim ORDER BY record->>'sequence' DESC")?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            if visit(parse(row, "claim")?).is_break() {
                break;
            }
        }
        Ok(())
    }

    /// All threads, in order of creation.
    ///
    /// # Errors
    /// As above.
    pub fn threads(&self) -> Result<Vec<ThreadRecord>, StoreError> {
        all(&self.connection, "thread")
    }

    /// What the poller remembers.
    ///
    /// # Errors
    /// As above.
    pub fn cursors(&self) -> Result<Vec<FeedCursor>, StoreError> {
        all(&self.connection, "cursor")
    }

    /// The last good copies of lists of feeds.
    ///
    /// # Errors
    /// As above.
    pub fn feed_lists(&self) -> Result<Vec<KeptList>, StoreError> {
        if self.version < schema::LISTS_VERSION { Ok(Vec::new()) } else { all(&self.connection, "feed_list") }
    }

    /// What operators have said of feeds; nothing in a database of before that was kept.
    ///
    /// # Errors
    /// As above.
    pub fn feed_controls(&self) -> Result<Vec<FeedControl>, StoreError> {
        if self.version < schema::CONTROLS_VERSION { Ok(Vec::new()) } else { all(&self.connection, "feed_control") }
    }

    /// How the endpoints of sinks do, those that ever failed; nothing in a database of before that was kept.
    ///
    /// # Errors
    /// As above.
    pub fn endpoints(&self) -> Result<Vec<EndpointRecord>, StoreError> {
        if self.version < schema::ENDPOINTS_VERSION { Ok(Vec::new()) } else { all(&self.connection, "endpoint") }
    }

    /// What the desk knows of the feeds' health.
    ///
    /// # Errors
    /// As above.
    pub fn feeds(&self) -> Result<Vec<FeedRecord>, StoreError> {
        all(&self.connection, "feed")
    }

    /// What users said, in order; nothing in a database of before they could.
    ///
    /// # Errors
    /// As above.
    pub fn feedback(&self) -> Result<Vec<FeedbackLine>, StoreError> {
        if self.version < schema::FEEDBACK_VERSION { Ok(Vec::new()) } else { feedback::read(&self.connection) }
    }

    /// What users said that names this id or this name, the newest 100, the last first.
    ///
    /// # Errors
    /// As above.
    pub fn feedback_about(&self, name: &str) -> Result<Vec<FeedbackLine>, StoreError> {
        if self.version < schema::FEEDBACK_VERSION { Ok(Vec::new()) } else { feedback::about(&self.connection, name) }
    }

    /// The speakers that users muted.
    ///
    /// # Errors
    /// As above.
    pub fn muted(&self) -> Result<Vec<MutedSpeaker>, StoreError> {
        if self.version < schema::FEEDBACK_VERSION { Ok(Vec::new()) } else { all(&self.connection, "muted") }
    }

    /// The silences that the desk keeps.
    ///
    /// # Errors
    /// As above.
    pub fn silences(&self) -> Result<Vec<SilenceRecord>, StoreError> {
        if self.version < schema::SILENCES_VERSION { Ok(Vec::new()) } else { all(&self.connection, "silence") }
    }

    /// The alerts of a sink that wait for others of their thread.
    ///
    /// # Errors
    /// As above.
    pub fn group(&self, sink: &str, thread: ThreadId) -> Result<Option<GroupRecord>, StoreError> {
        if self.version < schema::SILENCES_VERSION {
            return Ok(None);
        }
        self.one("held_group", &format!("{sink} {thread}"))
    }

    /// The claims that users corrected, in order of their correction; also those that have left the window.
    ///
    /// # Errors
    /// As above.
    pub fn corrected(&self) -> Result<Vec<ClaimRecord>, StoreError> {
        if self.version < schema::FEEDBACK_VERSION { Ok(Vec::new()) } else { all(&self.connection, "corrected") }
    }

    /// All records, of which the desk's state can be rebuilt.
    ///
    /// # Errors
    /// As above, or when the database has an older layout.
    pub fn records(&self) -> Result<Records, StoreError> {
        read_within(&self.connection)
    }

    /// A claim, unless it left the window.
    ///
    /// # Errors
    /// As above.
    pub fn claim(&self, id: ClaimId) -> Result<Option<ClaimRecord>, StoreError> {
        self.one("claim", &id.to_string())
    }

    /// What a sink was sent of its limits, and what waits for its digests.
    ///
    /// # Errors
    /// As above.
    pub fn budget(&self, sink: &str) -> Result<Option<BudgetRecord>, StoreError> {
        self.one("budget", sink)
    }

    /// A thread, unless it left the window.
    ///
    /// # Errors
    /// As above.
    pub fn thread(&self, id: ThreadId) -> Result<Option<ThreadRecord>, StoreError> {
        self.one("thread", &id.to_string())
    }

    /// A story without its fingerprint, unless it left the window.
    ///
    /// # Errors
    /// As above.
    pub fn story(&self, id: StoryId) -> Result<Option<StoryRecord>, StoreError> {
        self.one("story", &id.to_string())
    }

    /// A document, unless it left the window.
    ///
    /// # Errors
    /// As above.
    pub fn document(&self, id: DocumentId) -> Result<Option<DocumentRecord>, StoreError> {
        self.one("document", &id.to_string())
    }

    /// The documents of a story, in order of arrival.
    ///
    /// # Errors
    /// As above.
    pub fn documents_of(&self, story: StoryId) -> Result<Vec<DocumentRecord>, StoreError> {
        let mut statement =
            self.connection.prepare("SELECT id, record FROM document WHERE story = ?1 ORDER BY position")?;
        let mut rows = statement.query([story.to_string()])?;
        let mut found = Vec::new();
        while let Some(row) = rows.next()? {
            found.push(parse(row, "document")?);
        }
        Ok(found)
    }

    /// The documents that were read at a canonical address.
    ///
    /// # Errors
    /// As above.
    pub fn documents_at(&self, url: &str) -> Result<Vec<DocumentId>, StoreError> {
        self.ids("SELECT id FROM document WHERE url = ?1 UNION SELECT document FROM analysis WHERE url = ?1", &[&url])
    }

    /// What is kept of a document's texts, the newest first.
    ///
    /// # Errors
    /// As above.
    pub fn analyses(&self, document: DocumentId) -> Result<Vec<StoredAnalysis>, StoreError> {
        let mut statement = self.connection.prepare(
            "SELECT document AS id, content_hash, feed, outlet, url, published, first_seen, language, models, headline,
                    text
             FROM analysis WHERE document = ?1 ORDER BY position DESC",
        )?;
        let mut rows = statement.query([document.to_string()])?;
        let mut found = Vec::new();
        while let Some(row) = rows.next()? {
            found.push(analysis(row, document)?);
        }
        Ok(found)
    }

    /// How many texts of each feed are kept, in order of the feeds' names.
    ///
    /// # Errors
    /// As above.
    pub fn feed_documents(&self) -> Result<Vec<FeedDocuments>, StoreError> {
        let mut statement = self.connection.prepare(
            "SELECT feed AS id, max(outlet) AS outlet, count(*) AS texts, max(first_seen) AS newest
             FROM analysis GROUP BY feed ORDER BY feed",
        )?;
        let mut rows = statement.query([])?;
        let mut found = Vec::new();
        while let Some(row) = rows.next()? {
            found.push(FeedDocuments {
                feed: row.get("id")?,
                outlet: row.get("outlet")?,
                texts: number(row, "texts")?,
                newest: time(row, "newest")?.unwrap_or(Timestamp::MIN),
            });
        }
        Ok(found)
    }

    /// Deliveries, the newest first, until `visit` breaks off.
    ///
    /// # Errors
    /// As above.
    pub fn deliveries(
        &self,
        filter: &DeliveryFilter<'_>,
        mut visit: impl FnMut(DeliveryRow) -> ControlFlow<()>,
    ) -> Result<(), StoreError> {
        let reason = if self.version < schema::SILENCES_VERSION { "NULL" } else { "reason" };
        let replayed = if self.version < schema::LEDGER_VERSION { "NULL" } else { "replayed" };
        let due = if self.version < schema::RELEASES_VERSION { "due" } else { "max(due, release)" };
        let mut statement = self.connection.prepare(&format!(
            "SELECT position, alert AS id, sink, type, order_key, state, attempts, created, {due} AS due, settled, body,
                    {reason} AS reason, {replayed} AS replayed,
                    (SELECT error FROM attempt WHERE attempt.outbox = o.position AND error IS NOT NULL
                     ORDER BY attempt.position DESC LIMIT 1) AS last_error
             FROM outbox o LEFT JOIN outbox_body ON outbox_body.outbox = o.position
             WHERE (?1 IS NULL OR sink = ?1) AND (?2 IS NULL OR state = ?2)
               AND (?3 IS NULL OR order_key = ?3) AND (?4 IS NULL OR alert = ?4)
               AND (?5 IS NULL OR position < ?5)
             ORDER BY position DESC"
        ))?;
        let alert = filter.alert.map(|alert| alert.to_string());
        let mut rows = statement.query(params![filter.sink, filter.state, filter.order_key, alert, filter.before])?;
        while let Some(row) = rows.next()? {
            if visit(delivery(row)?).is_break() {
                break;
            }
        }
        Ok(())
    }

    /// What waits for each sink and what never reached it, in order of their names.
    ///
    /// # Errors
    /// As above.
    pub fn backlogs(&self, now: Timestamp) -> Result<Vec<SinkBacklog>, StoreError> {
        let is_held =
            if self.version < schema::RELEASES_VERSION { "attempts = 0 AND due > ?1" } else { "release > ?1" };
        let mut statement = self.connection.prepare(&format!(
            "SELECT sink AS id, coalesce(sum(waits), 0) AS waiting, min(CASE WHEN waits THEN created END) AS oldest,
                    coalesce(sum(holds), 0) AS held, coalesce(sum(state = 'dead'), 0) AS dead
             FROM (SELECT *, state = 'pending' AND {is_held} AS holds,
                          state = 'pending' AND NOT ({is_held}) AS waits FROM outbox)
             GROUP BY sink ORDER BY sink"
        ))?;
        let mut rows = statement.query([now.as_millisecond()])?;
        let mut found = Vec::new();
        while let Some(row) = rows.next()? {
            found.push(SinkBacklog {
                sink: row.get("id")?,
                waiting: number(row, "waiting")?,
                oldest: time(row, "oldest")?,
                held: number(row, "held")?,
                dead: number(row, "dead")?,
            });
        }
        Ok(found)
    }

    /// Everything whose id begins with `prefix`, some of it where that is much.
    ///
    /// # Errors
    /// As above.
    pub fn named(&self, prefix: &str) -> Result<Vec<Named>, StoreError> {
        // No digit comes after f: the prefix and a g ends the range.
        let (from, to) = (prefix, format!("{prefix}g"));
        let query = |table: &str, id: &str| {
            format!("SELECT DISTINCT {id} FROM {table} WHERE {id} >= ?1 AND {id} < ?2 LIMIT {MATCHES_MAX}")
        };
        let range: [&dyn rusqlite::ToSql; 2] = [&from, &to];
        let mut found = Vec::new();
        found.extend(self.ids(&query("outbox", "alert"), &range)?.into_iter().map(Named::Alert));
        found.extend(self.ids(&query("claim", "id"), &range)?.into_iter().map(Named::Claim));
        found.extend(self.ids(&query("thread", "id"), &range)?.into_iter().map(Named::Thread));
        found.extend(self.ids(&query("story", "id"), &range)?.into_iter().map(Named::Story));
        let mut documents: Vec<DocumentId> = self.ids(&query("document", "id"), &range)?;
        documents.extend(self.ids::<DocumentId>(&query("analysis", "document"), &range)?);
        documents.sort_unstable();
        documents.dedup();
        found.extend(documents.into_iter().map(Named::Document));
        Ok(found)
    }

    fn one<R: DeserializeOwned>(&self, table: &'static str, id: &str) -> Result<Option<R>, StoreError> {
        let mut statement = self.connection.prepare(&format!("SELECT id, record FROM {table} WHERE id = ?1"))?;
        let mut rows = statement.query([id])?;
        rows.next()?.map(|row| parse(row, table)).transpose()
    }

    fn ids<I: std::str::FromStr>(&self, query: &str, params: &[&dyn rusqlite::ToSql]) -> Result<Vec<I>, StoreError> {
        let mut statement = self.connection.prepare(query)?;
        let found: Vec<String> = statement.query_map(params, |row| row.get(0))?.collect::<Result<_, _>>()?;
        Ok(found.into_iter().filter_map(|id| id.parse().ok()).collect())
    }
}

/// Whether SQLite could not open the file although it is there.
fn is_locked_out(error: &StoreError) -> bool {
    matches!(error, StoreError::Database(error)
        if matches!(error.sqlite_error_code(), Some(ErrorCode::CannotOpen | ErrorCode::ReadOnly)))
}

/// The file of this name and ending.
pub(super) fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(ending);
    PathBuf::from(name)
}

fn immutable_uri(path: &Path) -> Option<OsString> {
    let mut uri = url::Url::from_file_path(path.canonicalize().ok()?).ok()?;
    uri.set_query(Some("immutable=1"));
    Some(String::from(uri).into())
}

fn time(row: &Row<'_>, column: &str) -> Result<Option<Timestamp>, StoreError> {
    let milliseconds: Option<i64> = get(row, column)?;
    milliseconds.map(Timestamp::from_millisecond).transpose().map_err(|error| corrupt(row, &error.to_string()))
}

fn number(row: &Row<'_>, column: &str) -> Result<u64, StoreError> {
    Ok(u64::try_from(get::<i64>(row, column)?).unwrap_or_default())
}

fn get<T: FromSql>(row: &Row<'_>, column: &str) -> Result<T, StoreError> {
    row.get(column).map_err(|error| corrupt(row, &format!("{column}: {error}")))
}

fn corrupt(row: &Row<'_>, detail: &str) -> StoreError {
    StoreError::Corrupt { table: "outbox", id: row.get("id").unwrap_or_default(), detail: detail.to_owned() }
}

fn analysis(row: &Row<'_>, document: DocumentId) -> Result<StoredAnalysis, StoreError> {
    Ok(StoredAnalysis {
        document,
        content_hash: row.get("content_hash")?,
        feed: row.get("feed")?,
        outlet: row.get("outlet")?,
        url: row.get("url")?,
        published: time(row, "published")?,
        first_seen: time(row, "first_seen")?.unwrap_or(Timestamp::MIN),
        language: row.get("language")?,
        models: row.get("models")?,
        headline: row.get("headline")?,
        text: row.get("text")?,
    })
}

fn delivery(row: &Row<'_>) -> Result<DeliveryRow, StoreError> {
    let alert: String = get(row, "id")?;
    Ok(DeliveryRow {
        position: get(row, "position")?,
        alert: alert.parse().map_err(|error: crate::model::InvalidId| corrupt(row, &error.to_string()))?,
        sink: get(row, "sink")?,
        alert_type: get(row, "type")?,
        order_key: get(row, "order_key")?,
        state: get(row, "state")?,
        attempts: get(row, "attempts")?,
        created: time(row, "created")?.unwrap_or(Timestamp::MIN),
        due: time(row, "due")?.unwrap_or(Timestamp::MIN),
        settled: time(row, "settled")?,
        last_error: get(row, "last_error")?,
        reason: get(row, "reason")?,
        replayed: time(row, "replayed")?,
        body: get(row, "body")?,
    })
}

/// Copies the database at `path` as of one moment into the empty or missing file at `target`, compacted; a daemon may go on
/// writing meanwhile. What is written is not yet on the disk.
///
/// # Errors
/// When the database cannot be read or the copy not be written.
pub fn copy_into(path: &Path, target: &Path) -> Result<(), StoreError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)
        .map_err(|error| StoreError::Open { path: path.to_owned(), error: error.to_string() })?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    let target = target
        .to_str()
        .ok_or_else(|| StoreError::Open { path: target.to_owned(), error: "its name is not UTF-8".to_owned() })?;
    connection.execute("VACUUM INTO ?1", [target])?;
    Ok(())
}
