//! The layout of the SQLite file and how older files are brought up to it; called when the store is opened.
//!
//! `application_id` is 0x6761696E ("gain"), `user_version` the number of steps of [`STEPS`] that were taken. Steps are
//! only added, never changed. A person may read the file with `sqlite3 -readonly` while the daemon runs.
//!
//! | table | one row is | columns to look at |
//! |---|---|---|
//! | `desk` | a value of the desk itself | `now`, `next_sequence` |
//! | `cursor` | what the poller remembers of a feed | `id` (feed), `record` |
//! | `feed_list` | the last good copy of a list of feeds | `id`, `record` |
//! | `feed_control` | what an operator has said of a feed: added, paused, to be polled; its position rises with each change | `id` (feed), `record` |
//! | `feed` | what the desk knows of a feed's health | `id` (feed), `record` |
//! | `budget` | what a sink was sent today, and what waits for its digests | `id` (sink), `record` |
//! | `document` | a document still in the window | `id`, `story`, `outlet`, `url`, `record` |
//! | `story` | a piece of wire copy | `id`, `copies`, `record`; its fingerprint is in `fingerprint` |
//! | `claim` | a claim known across documents | `id`, `thread`, `kind`, `proposition`, `record` |
//! | `thread` | an allegation with its answers | `id`, `state`, `proposition`, `record` |
//! | `analysis` | what one text of a document said | `document`, `content_hash`, `headline`, `text`, `claims` |
//! | `outbox` | one alert for one sink | `alert`, `sink`, `type`, `state`, `attempts`, `due` (next attempt), `release` (end of its embargo), `reason`, `replayed` |
//! | `ledger` | how many alerts of a sink were ever put in, are in a state, or were replayed | `sink`, `entry`, `alerts` |
//! | `outbox_body` | the bytes of an alert for a sink | `body` |
//! | `outbox_rendering` | an alert in the form that its sink wants, which goes out instead of its body | `content_type`, `headers`, `body` |
//! | `attempt` | one attempt to deliver | `outbox`, `at`, `result`, `status`, `head`, `error` |
//! | `endpoint` | how the endpoint of a sink does, if it ever failed | `id` (sink), `state`, `record` |
//! | `backlog` | a document that came and is yet to be read, in order of arrival | `document`, `record` |
//! | `feedback` | what a user said; `gainsay feedback` puts it in, the desk takes it up | `act`, `state`, `record` |
//! | `silence` | a silence that a user has asked for and that is not over | `id` (its entry in `feedback`), `record` |
//! | `held_group` | alerts of one thread that wait for others of it | `id` (sink and thread), `record` |
//! | `muted` | a speaker whom a user muted | `id` (the name's telling words), `record` |
//! | `corrected` | a claim that a user has corrected, also when it has left the window | `id`, `record` |
//! | `alert` | an alert that goes to somebody or waits for that, in the order in which it was made or released; its position only rises | `id`, `time`, `type`, `kind`, `record` |
//! | `hold` | an alert that waits for a sink in a group or for a digest, or did | `alert`, `sink`, `reason`, `since`, `until`, `ended`, `is_told` (else it was taken back) |
//! | `held_alert` | one that waits for the end of an embargo | `id`, `due`, `record` |
//! | `claim_index`, `claim_text`, `thread_claim`, `thread_index` | what claims and threads are found by | none: they can be made anew |
//! | `delivery` (view) | `outbox` with readable times, body and last error | all |
//!
//! Rules: ids are hexadecimal text, as alerts show them. Records are JSON (`select record->>'outlet' from document`); the
//! columns beside them are generated from it, so that they cannot disagree. `position` is the order of creation. Times
//! are milliseconds since 1970 (`datetime(due / 1000, 'unixepoch')`), except inside JSON.
//!
//! Texts and bodies live in trees of their own: an index never has to step over them, and a row that changes often
//! (`outbox`, `story`) is rewritten without them. The queue's indexes are partial and hold only what is pending, so what
//! was delivered costs nothing. A row of `outbox` stays for good, about 200 bytes: it is what keeps an alert from being
//! sent a second time. [`RETENTION`] after its delivery, or as long as the config says, its body and attempts go and its state turns from
//! `delivered` to `expired`; analyses go [`RETENTION`] after their document was first seen. What is `silenced` was kept back for the reason that its row says;
//! its body goes as long after as that of what was delivered. What is `dead` is kept. What waits for a sink that the config
//! no longer has stays `pending`; when nothing was tried or put in for that sink for [`RETENTION`], the next start makes it
//! `dead` and lets its bodies go.

use std::path::Path;
use std::time::Duration;

use jiff::Timestamp;
use rusqlite::{Connection, ErrorCode, OptionalExtension as _, TransactionBehavior};

use super::{StoreError, hold, index};
use crate::failpoint::{Point, reach};

/// Marks the file as ours: "gain".
const APPLICATION_ID: u32 = 0x6761_696E;

/// How long what was delivered, and what was read, can still be looked up.
pub(super) const RETENTION: Duration = Duration::from_hours(30 * 24);

/// The steps from an empty file to the present layout. Only ever add to the end.
const STEPS: [&str; 14] = [
    r"
CREATE TABLE desk (
    only          INTEGER PRIMARY KEY CHECK (only = 1),
    now           TEXT NOT NULL,
    next_sequence INTEGER NOT NULL
);
CREATE TABLE cursor (position INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, record TEXT NOT NULL);
CREATE TABLE feed (position INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, record TEXT NOT NULL);
CREATE TABLE document (
    position INTEGER PRIMARY KEY,
    id       TEXT NOT NULL UNIQUE,
    record   TEXT NOT NULL,
    story    TEXT AS (record->>'story'),
    outlet   TEXT AS (record->>'outlet'),
    url      TEXT AS (record->>'url')
);
CREATE TABLE story (
    position INTEGER PRIMARY KEY,
    id       TEXT NOT NULL UNIQUE,
    record   TEXT NOT NULL,
    copies   INTEGER AS (record->>'copies')
);
CREATE TABLE fingerprint (story INTEGER PRIMARY KEY REFERENCES story ON DELETE CASCADE, packed BLOB NOT NULL);
CREATE TABLE claim (
    position    INTEGER PRIMARY KEY,
    id          TEXT NOT NULL UNIQUE,
    record      TEXT NOT NULL,
    thread      TEXT AS (record->>'thread'),
    kind        TEXT AS (record->>'kind'),
    proposition TEXT AS (record->>'$.proposition.text')
);
CREATE TABLE thread (
    position    INTEGER PRIMARY KEY,
    id          TEXT NOT NULL UNIQUE,
    record      TEXT NOT NULL,
    state       TEXT AS (record->>'state'),
    proposition TEXT AS (record->>'proposition')
);

CREATE TABLE analysis (
    position     INTEGER PRIMARY KEY,
    document     TEXT NOT NULL,
    content_hash TEXT NOT NULL,
    feed         TEXT NOT NULL,
    outlet       TEXT NOT NULL,
    url          TEXT,
    published    INTEGER,
    first_seen   INTEGER NOT NULL,
    language     TEXT NOT NULL,
    models       TEXT NOT NULL,
    headline     TEXT NOT NULL,
    text         TEXT NOT NULL,
    claims       TEXT NOT NULL,
    UNIQUE (document, content_hash)
);
CREATE INDEX analysis_first_seen ON analysis (first_seen);

CREATE TABLE outbox (
    position  INTEGER PRIMARY KEY,
    alert     TEXT NOT NULL,
    sink      TEXT NOT NULL,
    type      TEXT NOT NULL,
    order_key TEXT NOT NULL,
    sequence  INTEGER NOT NULL,
    state     TEXT NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'delivered', 'expired', 'dead')),
    attempts  INTEGER NOT NULL DEFAULT 0,
    created   INTEGER NOT NULL,
    due       INTEGER NOT NULL,
    settled   INTEGER,
    UNIQUE (alert, sink)
);
CREATE INDEX outbox_due ON outbox (sink, due) WHERE state = 'pending';
CREATE INDEX outbox_order ON outbox (sink, order_key, sequence) WHERE state = 'pending';
CREATE INDEX outbox_settled ON outbox (settled) WHERE state = 'delivered';
CREATE TABLE outbox_body (outbox INTEGER PRIMARY KEY REFERENCES outbox ON DELETE CASCADE, body BLOB NOT NULL);
CREATE TABLE attempt (
    position INTEGER PRIMARY KEY,
    outbox   INTEGER NOT NULL REFERENCES outbox,
    at       INTEGER NOT NULL,
    duration INTEGER NOT NULL,
    result   TEXT NOT NULL CHECK (result IN ('delivered', 'retry', 'dead')),
    error    TEXT
);
CREATE INDEX attempt_outbox ON attempt (outbox);

CREATE VIEW delivery AS
SELECT alert, sink, type, state, attempts,
       datetime(created / 1000, 'unixepoch') AS created,
       datetime(due / 1000, 'unixepoch') AS due,
       datetime(settled / 1000, 'unixepoch') AS settled,
       (SELECT error FROM attempt WHERE attempt.outbox = outbox.position ORDER BY attempt.position DESC LIMIT 1) AS last_error,
       CAST((SELECT body FROM outbox_body WHERE outbox_body.outbox = outbox.position) AS TEXT) AS body
FROM outbox;
",
    "CREATE TABLE budget (position INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, record TEXT NOT NULL);",
    r"
CREATE TABLE outbox_rendering (
    outbox       INTEGER PRIMARY KEY REFERENCES outbox ON DELETE CASCADE,
    content_type TEXT NOT NULL,
    body         BLOB NOT NULL
);",
    r"
CREATE TABLE feedback (
    position INTEGER PRIMARY KEY,
    id       TEXT NOT NULL UNIQUE,
    record   TEXT NOT NULL,
    state    TEXT NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'applied')),
    act      TEXT AS (record->>'act')
);
CREATE INDEX feedback_pending ON feedback (position) WHERE state = 'pending';
CREATE TABLE muted (position INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, record TEXT NOT NULL);
CREATE TABLE corrected (position INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, record TEXT NOT NULL);
",
    r"
CREATE TABLE backlog (
    position INTEGER PRIMARY KEY,
    record   TEXT NOT NULL,
    document TEXT AS (record->>'id')
);
CREATE TABLE feed_list (position INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, record TEXT NOT NULL);
",
    r"
CREATE TABLE endpoint (
    position INTEGER PRIMARY KEY,
    id       TEXT NOT NULL UNIQUE,
    record   TEXT NOT NULL,
    state    TEXT AS (record->>'state')
);
ALTER TABLE attempt ADD COLUMN status INTEGER;
ALTER TABLE attempt ADD COLUMN head TEXT;
",
    // What a table's CHECK allows is changed in its text, as SQLite advises where what is stored stays as it is: to copy the table
    // would cost a long start with many rows.
    r"
CREATE TABLE silence (position INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, record TEXT NOT NULL);
CREATE TABLE held_group (position INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, record TEXT NOT NULL);
ALTER TABLE outbox ADD COLUMN reason TEXT;
ALTER TABLE outbox ADD COLUMN document TEXT;
ALTER TABLE outbox ADD COLUMN is_bare INTEGER NOT NULL DEFAULT 0;
UPDATE outbox SET document =
    (SELECT coalesce(body->>'$.document.id', body->>'$.data.document.id')
     FROM (SELECT CAST(body AS TEXT) AS body FROM outbox_body WHERE outbox_body.outbox = outbox.position))
WHERE state = 'pending';
CREATE INDEX outbox_document ON outbox (document) WHERE state = 'pending';
DROP VIEW delivery;
CREATE VIEW delivery AS
SELECT alert, sink, type, state, attempts,
       datetime(created / 1000, 'unixepoch') AS created,
       datetime(due / 1000, 'unixepoch') AS due,
       datetime(settled / 1000, 'unixepoch') AS settled,
       (SELECT error FROM attempt WHERE attempt.outbox = outbox.position ORDER BY attempt.position DESC LIMIT 1) AS last_error,
       CAST((SELECT body FROM outbox_body WHERE outbox_body.outbox = outbox.position) AS TEXT) AS body,
       reason
FROM outbox;
PRAGMA writable_schema = ON;
UPDATE sqlite_schema SET sql = replace(sql, '''dead''', '''dead'', ''silenced''') WHERE type = 'table' AND name = 'outbox';
PRAGMA writable_schema = RESET;
CREATE INDEX outbox_silenced ON outbox (settled) WHERE state = 'silenced' AND is_bare = 0;
",
    "ALTER TABLE outbox_rendering ADD COLUMN headers TEXT;",
    // Triggers count, so that no statement can forget to: whoever changes the outbox, the ledger is changed in the same transaction.
    r"
CREATE TABLE ledger (
    sink   TEXT NOT NULL,
    entry  TEXT NOT NULL,
    alerts INTEGER NOT NULL,
    PRIMARY KEY (sink, entry)
) WITHOUT ROWID;
INSERT INTO ledger SELECT sink, state, count(*) FROM outbox GROUP BY sink, state;
INSERT INTO ledger SELECT sink, 'created', count(*) FROM outbox GROUP BY sink;
CREATE TRIGGER outbox_created AFTER INSERT ON outbox BEGIN
    INSERT INTO ledger VALUES (new.sink, 'created', 1), (new.sink, new.state, 1)
        ON CONFLICT (sink, entry) DO UPDATE SET alerts = alerts + 1;
END;
CREATE TRIGGER outbox_changed AFTER UPDATE OF state ON outbox WHEN old.state <> new.state BEGIN
    UPDATE ledger SET alerts = alerts - 1 WHERE sink = old.sink AND entry = old.state;
    INSERT INTO ledger VALUES (new.sink, new.state, 1) ON CONFLICT (sink, entry) DO UPDATE SET alerts = alerts + 1;
END;
ALTER TABLE outbox ADD COLUMN replayed INTEGER;
CREATE INDEX outbox_of_sinks ON outbox (position) WHERE type IN ('sink.failing', 'sink.disabled', 'sink.recovered');
DROP INDEX outbox_document;
UPDATE outbox SET document =
    (SELECT coalesce(body->>'$.document.id', body->>'$.data.document.id')
     FROM (SELECT CAST(body AS TEXT) AS body FROM outbox_body WHERE outbox_body.outbox = outbox.position))
WHERE state = 'dead' AND document IS NULL;
CREATE INDEX outbox_document ON outbox (document) WHERE state IN ('pending', 'silenced', 'dead');
",
    // `prepare` fills them from what is there.
    r"
CREATE TABLE alert (
    position   INTEGER PRIMARY KEY AUTOINCREMENT,
    id         TEXT NOT NULL UNIQUE,
    time       INTEGER NOT NULL,
    type       TEXT NOT NULL,
    kind       TEXT,
    thread     TEXT,
    confidence REAL,
    speaker    TEXT NOT NULL,
    outlets    TEXT NOT NULL,
    words      TEXT NOT NULL,
    record     TEXT NOT NULL
);
CREATE INDEX analysis_feed ON analysis (feed, first_seen, outlet);
CREATE INDEX alert_time ON alert (time);
CREATE INDEX alert_thread ON alert (thread);
CREATE TABLE held_alert (id TEXT PRIMARY KEY, due INTEGER NOT NULL, document TEXT, record TEXT NOT NULL);
CREATE INDEX held_alert_due ON held_alert (due);
CREATE TABLE claim_index (
    claim         INTEGER PRIMARY KEY,
    first_seen    INTEGER NOT NULL,
    kind          TEXT NOT NULL,
    speaker       TEXT,
    confidence    REAL NOT NULL,
    is_background INTEGER NOT NULL,
    digest        INTEGER NOT NULL
);
CREATE INDEX claim_index_seen ON claim_index (first_seen, kind, speaker);
CREATE TABLE thread_claim (thread TEXT NOT NULL, claim INTEGER NOT NULL, PRIMARY KEY (thread, claim)) WITHOUT ROWID;
CREATE INDEX thread_claim_claim ON thread_claim (claim);
CREATE VIRTUAL TABLE claim_text USING fts5(
    speaker, outlets, words, facts,
    content = '', contentless_delete = 1, tokenize = 'unicode61 remove_diacritics 2'
);
CREATE TRIGGER claim_forgotten AFTER DELETE ON claim BEGIN
    DELETE FROM claim_index WHERE claim = old.position;
    DELETE FROM thread_claim WHERE claim = old.position;
    DELETE FROM claim_text WHERE rowid = old.position;
END;
CREATE TABLE thread_index (
    thread           INTEGER PRIMARY KEY,
    last_added       INTEGER NOT NULL,
    state            TEXT NOT NULL,
    is_contradiction INTEGER NOT NULL,
    answers          INTEGER NOT NULL
);
CREATE INDEX thread_index_added ON thread_index (last_added);
CREATE INDEX thread_index_state ON thread_index (state, last_added);
CREATE INDEX thread_index_contradiction ON thread_index (is_contradiction, last_added);
CREATE INDEX thread_index_answers ON thread_index (answers) WHERE answers > 0;
CREATE TRIGGER thread_forgotten AFTER DELETE ON thread BEGIN
    DELETE FROM thread_index WHERE thread = old.position;
END;
",
    // What was tried and then withheld, which is the end of time, has lost when its next attempt was due.
    r"
ALTER TABLE outbox ADD COLUMN release INTEGER NOT NULL DEFAULT 0;
UPDATE outbox SET release = due WHERE state = 'pending' AND attempts = 0;
UPDATE outbox SET release = 0, due = created
WHERE state = 'pending' AND attempts = 0 AND due = 253402207200000 AND type = 'claim.withdrawn';
UPDATE outbox SET release = due, due = created WHERE state = 'pending' AND attempts > 0 AND due = 253402207200000;
DROP INDEX outbox_due;
CREATE INDEX outbox_due ON outbox (sink, max(due, release)) WHERE state = 'pending';
DROP VIEW delivery;
CREATE VIEW delivery AS
SELECT alert, sink, type, state, attempts,
       datetime(created / 1000, 'unixepoch') AS created,
       datetime(max(due, release) / 1000, 'unixepoch') AS due,
       datetime(settled / 1000, 'unixepoch') AS settled,
       (SELECT error FROM attempt WHERE attempt.outbox = outbox.position ORDER BY attempt.position DESC LIMIT 1) AS last_error,
       CAST((SELECT body FROM outbox_body WHERE outbox_body.outbox = outbox.position) AS TEXT) AS body,
       reason
FROM outbox;
",
    // `prepare` fills it from the records that hold alerts.
    r"
CREATE TABLE hold (
    position INTEGER PRIMARY KEY,
    alert    TEXT NOT NULL,
    sink     TEXT NOT NULL,
    type     TEXT NOT NULL,
    claim    TEXT,
    about    TEXT,
    place    TEXT NOT NULL,
    reason   TEXT NOT NULL,
    since    INTEGER NOT NULL,
    until    INTEGER,
    ended    INTEGER,
    is_told  INTEGER NOT NULL DEFAULT 0,
    UNIQUE (alert, sink)
);
CREATE INDEX hold_place ON hold (place) WHERE ended IS NULL;
CREATE INDEX hold_of_sinks ON hold (position) WHERE about IS NOT NULL;
",
    "CREATE TABLE feed_control (position INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, record TEXT NOT NULL);",
    // Fingerprints stand in their own table alone; a program of before would miss the empty one here.
    "UPDATE story SET record = json_remove(record, '$.fingerprint');",
];

/// The beginning of what is kept at `now`; a replayed archive may stand at the beginning of all time.
pub(super) fn kept_since(now: Timestamp) -> Timestamp {
    kept_for(now, RETENTION)
}

/// The beginning of what is kept at `now` for so long.
pub(super) fn kept_for(now: Timestamp, retention: Duration) -> Timestamp {
    now.saturating_sub(retention).unwrap_or(Timestamp::MIN)
}

/// Checks that the file is ours and brings it up to the present layout.
pub(super) fn prepare(connection: &mut Connection, path: &Path) -> Result<(), StoreError> {
    let version = check_owner(connection, path)?;
    // After the checks: this changes the file. `synchronous=FULL` makes each commit durable in WAL mode; the default of
    // a build could be weaker.
    connection.pragma_update(None, "journal_mode", "wal")?;
    connection.pragma_update(None, "synchronous", "full")?;
    connection.pragma_update(None, "foreign_keys", true)?;
    connection.pragma_update(None, "wal_autocheckpoint", 2_000)?;
    connection.pragma_update(None, "journal_size_limit", 64 << 20)?;
    for (step, number) in STEPS.iter().zip(1_u32..).skip(version as usize) {
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        transaction.execute_batch(step)?;
        if number == API_VERSION {
            index::fill(&transaction)?;
        }
        if number == HOLDS_VERSION {
            hold::fill(&transaction, desk_now(&transaction)?)?;
        }
        transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
        transaction.pragma_update(None, "user_version", number)?;
        reach(Point::Migration);
        transaction.commit()?;
    }
    Ok(())
}

/// Version from which on there is a log of feedback.
pub(super) const FEEDBACK_VERSION: u32 = 4;
/// Version from which on copies of lists of feeds are kept.
pub(super) const LISTS_VERSION: u32 = 5;
/// Version from which on it is kept how endpoints do.
pub(super) const ENDPOINTS_VERSION: u32 = 6;
/// Version from which on there are silences, and reasons of rows of the outbox.
pub(super) const SILENCES_VERSION: u32 = 7;
/// Version from which on what goes out may have headers of its own.
pub(super) const HEADERS_VERSION: u32 = 8;
/// Version from which on there is a ledger of the outbox, and alerts can be replayed.
pub(super) const LEDGER_VERSION: u32 = 9;
/// Version from which on alerts are kept beside the outbox, and claims and threads are indexed.
pub(super) const API_VERSION: u32 = 10;
/// Version from which on it is kept apart when an alert is released and when its next attempt is due.
pub(super) const RELEASES_VERSION: u32 = 11;
/// Version from which on it is kept which alerts are held.
pub(super) const HOLDS_VERSION: u32 = 12;
/// Version from which on it is kept what operators say of feeds.
pub(super) const CONTROLS_VERSION: u32 = 13;

/// The desk's clock.
fn desk_now(connection: &Connection) -> Result<Timestamp, StoreError> {
    let now: Option<String> = connection.query_row("SELECT now FROM desk", [], |row| row.get(0)).optional()?;
    Ok(now.and_then(|now| now.parse().ok()).unwrap_or(Timestamp::UNIX_EPOCH))
}

/// The present version.
pub(super) fn present() -> u32 {
    u32::try_from(STEPS.len()).unwrap_or(u32::MAX)
}

/// The version of the file, if it is ours or empty.
pub(super) fn check_owner(connection: &Connection, path: &Path) -> Result<u32, StoreError> {
    let number = |pragma: &str| connection.pragma_query_value(None, pragma, |row| row.get::<_, u32>(0));
    let tables = connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get::<_, u32>(0)).map_err(
        |error| match error.sqlite_error_code() {
            Some(ErrorCode::NotADatabase) => StoreError::NotADatabase { path: path.to_owned() },
            Some(ErrorCode::DatabaseCorrupt) => StoreError::Damaged { path: path.to_owned(), error: error.into() },
            _ => error.into(),
        },
    )?;
    let (owner, version) = (number("application_id")?, number("user_version")?);
    if tables > 0 && owner != APPLICATION_ID {
        return Err(StoreError::Foreign { path: path.to_owned() });
    }
    let known = present();
    if version > known {
        return Err(StoreError::Newer { path: path.to_owned(), found: version, known });
    }
    Ok(version)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_beginning_of_time_can_be_stored() {
        assert_eq!(kept_since(Timestamp::MIN), Timestamp::MIN);
        let now: Timestamp = "2024-10-31T08:00:00Z".parse().unwrap();
        assert_eq!(kept_since(now).to_string(), "2024-10-01T08:00:00Z");
    }

    #[test]
    fn an_older_outbox_learns_to_tell_embargoes_from_waits() {
        let mut connection = before_silences();
        let withheld = crate::model::WITHHELD.as_millisecond();
        connection.execute("UPDATE outbox SET due = 5 WHERE alert = 'a'", []).unwrap();
        connection
            .execute("UPDATE outbox SET due = ?1, attempts = 2, created = 3 WHERE alert = 'b'", [withheld])
            .unwrap();
        prepare(&mut connection, Path::new("memory")).unwrap();
        let text = |query: &str| connection.query_row(query, [], |row| row.get::<_, String>(0)).unwrap();
        let found = text("SELECT group_concat(alert || ' ' || due || ' ' || release, ', ') FROM outbox");
        assert_eq!(found, format!("a 5 5, b 3 {withheld}"));
    }

    /// A file of before there were silences, with an alert that waits.
    fn before_silences() -> Connection {
        let connection = Connection::open_in_memory().unwrap();
        for step in &STEPS[..SILENCES_VERSION as usize - 1] {
            connection.execute_batch(step).unwrap();
        }
        connection.pragma_update(None, "application_id", APPLICATION_ID).unwrap();
        connection.pragma_update(None, "user_version", SILENCES_VERSION - 1).unwrap();
        let rows = "INSERT INTO outbox (alert, sink, type, order_key, sequence, created, due)
                        VALUES ('a', 'one', 'denial.new', 't', 0, 0, 0), ('b', 'hook', 'denial.new', 't', 0, 0, 0);
                    INSERT INTO outbox_body VALUES (1, CAST('{\"document\":{\"id\":\"d1\"}}' AS BLOB)),
                        (2, CAST('{\"data\":{\"document\":{\"id\":\"d2\"}}}' AS BLOB))";
        connection.execute_batch(rows).unwrap();
        connection
    }

    #[test]
    fn an_older_outbox_learns_of_silences_and_keeps_what_waits() {
        let mut connection = before_silences();
        let insert = "INSERT INTO outbox (alert, sink, type, order_key, sequence, state, created, due)
                      VALUES (?1, 'one', 'denial.new', 't', 0, ?2, 0, 0)";
        assert!(connection.execute(insert, ["c", "silenced"]).is_err());
        prepare(&mut connection, Path::new("memory")).unwrap();
        connection.execute(insert, ["c", "silenced"]).unwrap();
        assert!(connection.execute(insert, ["d", "nonsense"]).is_err(), "what is no state is still refused");
        let text = |query: &str| connection.query_row(query, [], |row| row.get::<_, String>(0)).unwrap();
        assert_eq!(text("SELECT group_concat(document, ' ') FROM outbox"), "d1 d2");
        assert_eq!(text("SELECT group_concat(alert || state, ' ') FROM delivery"), "apending bpending csilenced");
        assert_eq!(text("PRAGMA integrity_check"), "ok");
        connection.execute("DELETE FROM outbox WHERE alert = 'a'", []).unwrap();
        assert_eq!(text("SELECT count(*) || '' FROM outbox_body"), "1", "bodies go with their rows");
        assert!(connection.execute("UPDATE sqlite_schema SET sql = ''", []).is_err(), "the layout is safe again");
    }

    #[test]
    fn an_older_outbox_is_entered_into_the_ledger() {
        let mut connection = before_silences();
        let more = "INSERT INTO outbox (alert, sink, type, order_key, sequence, state, created, due)
                        VALUES ('c', 'one', 'denial.new', 't', 0, 'dead', 0, 0), ('d', 'one', 'denial.new', 't', 0, 'dead', 0, 0);
                    INSERT INTO outbox_body VALUES (3, CAST('{\"document\":{\"id\":\"d3\"}}' AS BLOB))";
        connection.execute_batch(more).unwrap();
        prepare(&mut connection, Path::new("memory")).unwrap();
        let ledger = "SELECT group_concat(sink || ' ' || entry || ' ' || alerts, ', ') FROM ledger";
        let ledger: String = connection.query_row(ledger, [], |row| row.get(0)).unwrap();
        assert_eq!(ledger, "hook created 1, hook pending 1, one created 3, one dead 2, one pending 1");
        let moved = "SELECT document FROM outbox WHERE alert = 'c'";
        assert_eq!(connection.query_row(moved, [], |row| row.get::<_, String>(0)).unwrap(), "d3");
    }
}
