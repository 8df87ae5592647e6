//! The outbox as rows: puts alerts in, finds what is due, writes attempts down, lets go of what was delivered long ago.

use std::time::Duration;

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, Row, Statement, Transaction, params};

use crate::model::{Attempt, AttemptResult, DropCause, Moved, OutboxEntry, OutboxRow, Rendering, SilencedRow};

use super::record::signed;
use super::schema::{kept_for, kept_since};
use super::{Commit, Orphan, PutIn, StoreError, dropped};

/// Delivered rows that lose their bodies per commit: little enough not to be felt.
const EXPIRED_ROWS_MAX: u32 = 256;

/// When a row may go: its next attempt is due and its embargo is over. Written as the index on it is.
const READY: &str = "max(due, release)";

/// True of a pending row `o` that no earlier pending row of its order key keeps back. What is withheld, which may be for ever, keeps
/// nothing back but what withdraws claims of its document: that would tell what is withheld.
const IS_HEAD: &str = "NOT EXISTS (
    SELECT 1 FROM outbox earlier
    WHERE earlier.state = 'pending' AND earlier.sink = o.sink AND earlier.order_key = o.order_key
      AND (earlier.sequence, earlier.position) < (o.sequence, o.position)
      AND (earlier.release < 253402207200000 OR o.type = 'claim.withdrawn' AND earlier.document = o.document))";

/// Puts alerts in, each once for all times, moves those whose release has changed, and lets go of what was settled long ago. Says how
/// many were new of those that go out.
pub(super) fn write(transaction: &Transaction<'_>, commit: &Commit, retention: Duration) -> Result<PutIn, StoreError> {
    let mut inserts = Inserts::prepare(transaction, commit.now)?;
    let mut put_in = PutIn::new();
    for row in &commit.outbox {
        if inserts.insert(row, None)? {
            *put_in.entry(row.sink.clone()).or_default() += 1;
        }
    }
    for SilencedRow { row, reason } in &commit.silenced {
        inserts.insert(row, Some(reason))?;
    }
    drop(inserts);
    commit.moved.iter().try_for_each(|moved| move_release(transaction, moved))?;
    commit.dropped.iter().try_for_each(|dropped| dropped::silence(transaction, *dropped, commit.now))?;
    expire(transaction, kept_for(commit.now, retention))?;
    Ok(put_in)
}

/// What puts rows in.
struct Inserts<'t> {
    row: Statement<'t>,
    body: Statement<'t>,
    rendering: Statement<'t>,
    now: i64,
}

impl<'t> Inserts<'t> {
    fn prepare(transaction: &'t Transaction<'_>, now: Timestamp) -> Result<Self, StoreError> {
        let row = transaction.prepare(
            "INSERT INTO outbox (alert, sink, type, order_key, sequence, created, due, release, document, state, reason, settled)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?7, ?8, ?9, ?10, ?11)
             ON CONFLICT (alert, sink) DO UPDATE
             SET sequence = excluded.sequence, due = excluded.due, release = excluded.release, state = excluded.state,
                 reason = excluded.reason, settled = excluded.settled, is_bare = 0
             WHERE state = 'silenced' AND reason = ?12 RETURNING position",
        )?;
        let body = transaction.prepare("INSERT OR REPLACE INTO outbox_body (outbox, body) VALUES (?1, ?2)")?;
        let rendering = transaction.prepare(
            "INSERT OR REPLACE INTO outbox_rendering (outbox, content_type, headers, body) VALUES (?1, ?2, ?3, ?4)",
        )?;
        Ok(Self { row, body, rendering, now: now.as_millisecond() })
    }

    /// Puts an alert in; with a reason it is kept back for good. Whether it is new, or was kept back only because its document was forgotten.
    fn insert(&mut self, row: &OutboxRow, silenced: Option<&String>) -> Result<bool, StoreError> {
        let values = params![
            row.alert.to_string(),
            row.sink,
            row.alert_type.as_str(),
            row.order_key,
            signed(row.sequence),
            self.now,
            row.due.as_millisecond(),
            row.document.map(|document| document.to_string()),
            if silenced.is_some() { "silenced" } else { "pending" },
            silenced,
            silenced.map(|_| self.now),
            DropCause::Forgotten.reason(),
        ];
        let position: Option<i64> = self.row.query_row(values, |inserted| inserted.get(0)).optional()?;
        let Some(position) = position else { return Ok(false) };
        self.body.execute(params![position, row.body])?;
        if let Some(Rendering { content_type, headers, body }) = &row.rendering {
            let headers =
                serde_json::to_string(headers).map_err(|error| corrupt(row.alert.to_string(), error.to_string()))?;
            self.rendering.execute(params![position, content_type, headers, body])?;
        }
        Ok(true)
    }
}

/// What shows a document and waits is released at another time; what was tried already keeps the time of its next attempt, and waits
/// for the later of the two. What is dead or silenced is moved, too: it may be replayed. What withdraws an alert under no embargo shows nothing new, and stays so.
fn move_release(transaction: &Transaction<'_>, moved: &Moved) -> Result<(), StoreError> {
    transaction.execute(
        "UPDATE outbox SET release = ?2, due = CASE WHEN attempts = 0 THEN ?2 ELSE due END
         WHERE state IN ('pending', 'silenced', 'dead') AND document = ?1 AND NOT (type = 'claim.withdrawn' AND release = 0)",
        params![moved.document.to_string(), moved.due.as_millisecond()],
    )?;
    Ok(())
}

fn expire(transaction: &Transaction<'_>, kept_since: Timestamp) -> Result<(), StoreError> {
    let mut update = transaction.prepare(
        "UPDATE outbox SET state = 'expired' WHERE position IN
             (SELECT position FROM outbox WHERE state = 'delivered' AND settled < ?1 ORDER BY settled LIMIT ?2)
         RETURNING position",
    )?;
    let cutoff = kept_since.as_millisecond();
    let expired: Vec<i64> =
        update.query_map(params![cutoff, EXPIRED_ROWS_MAX], |row| row.get(0))?.collect::<Result<_, _>>()?;
    for position in expired {
        delete_bodies(transaction, position)?;
        transaction.execute("DELETE FROM attempt WHERE outbox = ?1", [position])?;
    }
    // What was silenced stays so, that it can be told from what was delivered.
    let mut update = transaction.prepare(
        "UPDATE outbox SET is_bare = 1 WHERE position IN
             (SELECT position FROM outbox WHERE state = 'silenced' AND is_bare = 0 AND settled < ?1
              ORDER BY settled LIMIT ?2)
         RETURNING position",
    )?;
    let bared: Vec<i64> =
        update.query_map(params![cutoff, EXPIRED_ROWS_MAX], |row| row.get(0))?.collect::<Result<_, _>>()?;
    bared.into_iter().try_for_each(|position| delete_bodies(transaction, position))
}

fn delete_bodies(transaction: &Transaction<'_>, position: i64) -> Result<(), StoreError> {
    for table in ["outbox_body", "outbox_rendering"] {
        transaction.execute(&format!("DELETE FROM {table} WHERE outbox = ?1"), [position])?;
    }
    Ok(())
}

/// Writes an attempt down and moves its row on; nothing if the row is no longer pending.
pub(super) fn record_attempt(transaction: &Transaction<'_>, attempt: &Attempt) -> Result<(), StoreError> {
    let ended = attempt.at.saturating_add(attempt.duration).unwrap_or(attempt.at).as_millisecond();
    let (state, result, due, settled, error) = match &attempt.result {
        AttemptResult::Delivered => ("delivered", "delivered", None, Some(ended), None),
        AttemptResult::Retry { due, error } => ("pending", "retry", Some(due.as_millisecond()), None, Some(error)),
        AttemptResult::Held { error } => ("pending", "retry", None, None, Some(error)),
        AttemptResult::Dead { error } => ("dead", "dead", None, Some(ended), Some(error)),
    };
    let counted = !matches!(attempt.result, AttemptResult::Held { .. });
    let position: Option<i64> = transaction
        .query_row(
            "UPDATE outbox SET state = ?1, attempts = attempts + ?6, due = coalesce(?2, due), settled = ?3
             WHERE alert = ?4 AND sink = ?5 AND state = 'pending' RETURNING position",
            params![state, due, settled, attempt.alert.to_string(), attempt.sink, counted],
            |row| row.get(0),
        )
        .optional()?;
    if let Some(position) = position {
        let duration = signed(u64::try_from(attempt.duration.as_millis()).unwrap_or(u64::MAX));
        transaction.execute(
            "INSERT INTO attempt (outbox, at, duration, result, error, status, head) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
            params![
                position,
                attempt.at.as_millisecond(),
                duration,
                result,
                error,
                attempt.status,
                attempt.head.as_deref().filter(|head| !head.is_empty())
            ],
        )?;
    }
    Ok(())
}

/// Entries of `sink` that are due and kept back by nothing, longest due first.
pub(super) fn due(
    connection: &Connection,
    sink: &str,
    now: Timestamp,
    limit: usize,
) -> Result<Vec<OutboxEntry>, StoreError> {
    entries(connection, &format!("{READY} <= ?2"), sink, now, limit)
}

/// Entries of `sink` that were tried and are released, are due later and kept back by nothing, the first due first.
pub(super) fn tried(
    connection: &Connection,
    sink: &str,
    now: Timestamp,
    limit: usize,
) -> Result<Vec<OutboxEntry>, StoreError> {
    entries(connection, &format!("{READY} > ?2 AND release <= ?2 AND attempts > 0"), sink, now, limit)
}

/// What was tried for `sink` and is due later than `now` is due at `now`: its endpoint is back. No embargo ends by that.
pub(super) fn release(transaction: &Transaction<'_>, sink: &str, now: Timestamp) -> Result<(), StoreError> {
    transaction.execute(
        "UPDATE outbox SET due = ?2 WHERE state = 'pending' AND sink = ?1 AND attempts > 0 AND due > ?2",
        params![sink, now.as_millisecond()],
    )?;
    Ok(())
}

/// True of a row of the sink `?1` that was tried in vain later than `?2` and waits.
const IS_LATE: &str = "state = 'pending' AND sink = ?1 AND attempts > 0 AND due > ?2
    AND EXISTS (SELECT 1 FROM attempt WHERE attempt.outbox = o.position AND attempt.at > ?2)";

/// Whether something waits that was tried for `sink` later than `now`: the clock was set back.
pub(super) fn is_late(connection: &Connection, sink: &str, now: Timestamp) -> Result<bool, StoreError> {
    let query = format!("SELECT EXISTS (SELECT 1 FROM outbox o WHERE {IS_LATE})");
    Ok(connection.query_row(&query, params![sink, now.as_millisecond()], |row| row.get(0))?)
}

/// That is due at `now`. No embargo ends by it.
pub(super) fn hasten(transaction: &Transaction<'_>, sink: &str, now: Timestamp) -> Result<(), StoreError> {
    transaction
        .execute(&format!("UPDATE outbox AS o SET due = ?2 WHERE {IS_LATE}"), params![sink, now.as_millisecond()])?;
    Ok(())
}

/// The heads of order keys of `sink` for which `condition` on [`READY`] holds, ordered by it.
fn entries(
    connection: &Connection,
    condition: &str,
    sink: &str,
    now: Timestamp,
    limit: usize,
) -> Result<Vec<OutboxEntry>, StoreError> {
    let mut statement = connection.prepare(&format!(
        "SELECT alert, sink, type, order_key, sequence, due, attempts, outbox_body.body, content_type, headers, outbox_rendering.body AS rendered
         FROM outbox o JOIN outbox_body ON outbox_body.outbox = o.position
              LEFT JOIN outbox_rendering ON outbox_rendering.outbox = o.position
         WHERE state = 'pending' AND sink = ?1 AND {condition} AND {IS_HEAD}
         ORDER BY {READY}, position LIMIT ?3"
    ))?;
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let mut rows = statement.query(params![sink, now.as_millisecond(), limit])?;
    let mut entries = Vec::new();
    while let Some(row) = rows.next()? {
        entries.push(entry(row)?);
    }
    Ok(entries)
}

/// When the first entry that is not due or not released yet and is kept back by nothing becomes both.
pub(super) fn next_due(connection: &Connection, sink: &str, now: Timestamp) -> Result<Option<Timestamp>, StoreError> {
    let due: Option<i64> = connection
        .query_row(
            &format!(
                "SELECT {READY} FROM outbox o WHERE state = 'pending' AND sink = ?1 AND {READY} > ?2 AND {IS_HEAD}
                 ORDER BY {READY} LIMIT 1"
            ),
            params![sink, now.as_millisecond()],
            |row| row.get(0),
        )
        .optional()?;
    due.map(|due| Timestamp::from_millisecond(due).map_err(|error| corrupt(String::new(), error.to_string())))
        .transpose()
}

/// Sinks with pending rows that are none of `sinks`. What is tried is due anew, so the latest `due` tells when a sink was
/// last there.
pub(super) fn orphans(connection: &Connection, sinks: &[String], now: Timestamp) -> Result<Vec<Orphan>, StoreError> {
    let mut statement = connection.prepare(
        "SELECT sink, count(*), max(max(created, due)) FROM outbox WHERE state = 'pending' GROUP BY sink ORDER BY sink",
    )?;
    let cutoff = kept_since(now).as_millisecond();
    let found = statement.query_map([], |row| {
        let (waiting, last): (i64, i64) = (row.get(1)?, row.get(2)?);
        let waiting = u64::try_from(waiting).unwrap_or_default();
        Ok(Orphan { sink: row.get(0)?, waiting, is_stale: last < cutoff })
    })?;
    let mut orphans: Vec<Orphan> = found.collect::<Result<_, _>>()?;
    orphans.retain(|orphan| !sinks.contains(&orphan.sink));
    Ok(orphans)
}

/// Makes what is pending for `sink` dead and lets go of the bodies; an attempt says why.
pub(super) fn give_up(transaction: &Transaction<'_>, sink: &str, now: Timestamp) -> Result<(), StoreError> {
    let mut update = transaction.prepare(
        "UPDATE outbox SET state = 'dead', settled = ?2 WHERE sink = ?1 AND state = 'pending' RETURNING position",
    )?;
    let now = now.as_millisecond();
    let positions: Vec<i64> = update.query_map(params![sink, now], |row| row.get(0))?.collect::<Result<_, _>>()?;
    for position in positions {
        delete_bodies(transaction, position)?;
        transaction.execute(
            "INSERT INTO attempt (outbox, at, duration, result, error)
             VALUES (?1, ?2, 0, 'dead', 'the sink was in the config no longer')",
            params![position, now],
        )?;
    }
    Ok(())
}

fn entry(row: &Row<'_>) -> Result<OutboxEntry, StoreError> {
    let (content_type, rendered): (Option<String>, Option<Vec<u8>>) = (row.get("content_type")?, row.get("rendered")?);
    let alert: String = row.get("alert")?;
    // What was put in by an earlier version has none.
    let headers: Option<String> = row.get("headers")?;
    let headers: Vec<(String, String)> = serde_json::from_str(headers.as_deref().unwrap_or("[]"))
        .map_err(|error| corrupt(alert.clone(), error.to_string()))?;
    let name: String = row.get("type")?;
    let alert_type = crate::model::AlertType::ALL
        .into_iter()
        .find(|alert_type| alert_type.as_str() == name)
        .ok_or_else(|| corrupt(alert.clone(), format!("unknown alert type {name}")))?;
    Ok(OutboxEntry {
        row: OutboxRow {
            alert: alert.parse().map_err(|error: crate::model::InvalidId| corrupt(alert.clone(), error.to_string()))?,
            sink: row.get("sink")?,
            alert_type,
            order_key: row.get("order_key")?,
            sequence: u64::try_from(row.get::<_, i64>("sequence")?).unwrap_or_default(),
            body: row.get("body")?,
            rendering: content_type.zip(rendered).map(|(content_type, body)| Rendering { content_type, headers, body }),
            due: Timestamp::from_millisecond(row.get("due")?).map_err(|error| corrupt(alert, error.to_string()))?,
            document: None,
        },
        attempts: row.get("attempts")?,
    })
}

fn corrupt(id: String, detail: String) -> StoreError {
    StoreError::Corrupt { table: "outbox", id, detail }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::model::{AlertId, AlertType, DocumentId, WITHHELD};
    use crate::store::schema::{self, RETENTION};

    fn day(day: u64) -> Timestamp {
        let start: Timestamp = "2024-10-31T08:00:00Z".parse().unwrap();
        start + Duration::from_hours(24 * day)
    }

    fn row(sink: &str, alert: &[u8]) -> OutboxRow {
        OutboxRow {
            alert: AlertId::of(&[alert]),
            sink: sink.to_owned(),
            alert_type: AlertType::DenialNew,
            order_key: "thread".to_owned(),
            sequence: 0,
            body: b"{}".to_vec(),
            rendering: None,
            due: day(0),
            document: None,
        }
    }

    fn put(transaction: &Transaction<'_>, rows: &[OutboxRow], now: Timestamp) -> PutIn {
        write(transaction, &Commit { outbox: rows.to_vec(), ..Commit::new(now, 0) }, RETENTION).unwrap()
    }

    #[test]
    fn what_waits_for_a_sink_that_went_is_kept_until_nobody_has_tried_it_for_thirty_days() {
        let mut connection = Connection::open_in_memory().unwrap();
        schema::prepare(&mut connection, Path::new("memory")).unwrap();
        let rows = [row("here", b"a"), row("gone", b"a"), row("gone", b"b")];
        let transaction = connection.transaction().unwrap();
        put(&transaction, &rows, day(0));
        let result = AttemptResult::Retry { due: day(20), error: "no answer".to_owned() };
        let attempt = Attempt {
            alert: AlertId::of(&[b"a"]),
            sink: "gone".to_owned(),
            at: day(19),
            duration: Duration::ZERO,
            status: None,
            head: None,
            result,
        };
        record_attempt(&transaction, &attempt).unwrap();
        let orphans = |connection: &Connection, now| orphans(connection, &["here".to_owned()], now).unwrap();
        let gone = |is_stale| vec![Orphan { sink: "gone".to_owned(), waiting: 2, is_stale }];
        assert_eq!([orphans(&transaction, day(1)), orphans(&transaction, day(49))], [gone(false), gone(false)]);
        assert_eq!(orphans(&transaction, day(51)), gone(true));
        give_up(&transaction, "gone", day(51)).unwrap();
        assert_eq!(orphans(&transaction, day(51)), []);
        let gone =
            "SELECT count(*) FROM delivery WHERE state = 'dead' AND body IS NULL AND last_error LIKE '%no longer'";
        assert_eq!(transaction.query_row(gone, [], |row| row.get::<_, u32>(0)), Ok(2));
        assert_eq!(due(&transaction, "here", day(51), 9).unwrap().len(), 1);
        put(&transaction, &rows, day(51));
        assert_eq!(due(&transaction, "gone", day(51), 9).unwrap(), [], "an alert is put in once for all times");
    }

    #[test]
    fn what_is_silenced_goes_to_nobody_and_keeps_its_reason_when_its_body_goes() {
        let mut connection = Connection::open_in_memory().unwrap();
        schema::prepare(&mut connection, Path::new("memory")).unwrap();
        let transaction = connection.transaction().unwrap();
        let silenced = vec![SilencedRow { row: row("one", b"a"), reason: "silence 1: a drill".to_owned() }];
        let commit = |day| Commit { silenced: silenced.clone(), ..Commit::new(day, 0) };
        assert_eq!(write(&transaction, &commit(day(0)), RETENTION).unwrap(), PutIn::new());
        assert_eq!(due(&transaction, "one", day(1), 9).unwrap(), []);
        assert_eq!(put(&transaction, &[row("one", b"a")], day(1)), PutIn::new(), "it is there");
        let found = |column: &str| {
            let query = format!("SELECT {column} FROM delivery WHERE state = 'silenced'");
            transaction.query_row(&query, [], |row| row.get::<_, Option<String>>(0)).unwrap()
        };
        assert_eq!((found("reason").unwrap().as_str(), found("body").unwrap().as_str()), ("silence 1: a drill", "{}"));
        write(&transaction, &commit(day(31)), RETENTION).unwrap();
        assert_eq!((found("reason").is_some(), found("body")), (true, None));
    }

    /// An attempt at an alert for the sink "one", at `day(0)`.
    fn attempt(transaction: &Transaction<'_>, alert: &[u8], result: AttemptResult) {
        let (alert, sink) = (AlertId::of(&[alert]), "one".to_owned());
        let (at, duration) = (day(0), Duration::ZERO);
        record_attempt(transaction, &Attempt { alert, sink, at, duration, status: None, head: None, result }).unwrap();
    }

    fn retry(due: Timestamp) -> AttemptResult {
        AttemptResult::Retry { due, error: "no answer".to_owned() }
    }

    #[test]
    fn what_was_tried_by_a_clock_that_was_ahead_waits_no_longer_for_it() {
        let mut connection = Connection::open_in_memory().unwrap();
        schema::prepare(&mut connection, Path::new("memory")).unwrap();
        let transaction = connection.transaction().unwrap();
        let rows = ["one", "other"].map(|sink| OutboxRow { due: Timestamp::UNIX_EPOCH, ..row(sink, b"a") });
        put(&transaction, &rows, day(0));
        attempt(&transaction, b"a", retry(day(1)));
        let before = day(0) - Duration::from_hours(1);
        let late = |now| is_late(&transaction, "one", now).unwrap();
        assert_eq!([late(day(0)), late(before), is_late(&transaction, "other", before).unwrap()], [false, true, false]);
        hasten(&transaction, "one", day(0)).unwrap();
        assert_eq!(next_due(&transaction, "one", day(0)).unwrap(), Some(day(1)), "it waits as it should");
        hasten(&transaction, "one", before).unwrap();
        assert_eq!(due(&transaction, "one", before, 9).unwrap().len(), 1);
    }

    fn move_to(transaction: &Transaction<'_>, document: DocumentId, due: Timestamp) {
        let moved = vec![Moved { document, due }];
        write(transaction, &Commit { moved, ..Commit::new(day(0), 0) }, RETENTION).unwrap();
    }

    fn alerts(entries: &[OutboxEntry]) -> Vec<AlertId> {
        entries.iter().map(|entry| entry.row.alert).collect()
    }

    #[test]
    fn an_embargo_and_the_wait_for_the_next_attempt_both_hold() {
        let mut connection = Connection::open_in_memory().unwrap();
        schema::prepare(&mut connection, Path::new("memory")).unwrap();
        let transaction = connection.transaction().unwrap();
        let document = DocumentId::of(&[b"d"]);
        let of_document =
            |alert: &[u8]| OutboxRow { document: Some(document), order_key: format!("{alert:?}"), ..row("one", alert) };
        put(&transaction, &[of_document(b"a"), of_document(b"b"), row("one", b"c")], day(0));
        attempt(&transaction, b"b", retry(day(3)));
        let [a, b, c] = [b"a", b"b", b"c"].map(|alert| AlertId::of(&[alert]));
        let ready = |day| alerts(&due(&transaction, "one", day, 9).unwrap());
        let early = |day| alerts(&tried(&transaction, "one", day, 9).unwrap());
        move_to(&transaction, document, day(9));
        assert_eq!((ready(day(8)), early(day(1)), ready(day(9))), (vec![c], vec![], vec![c, a, b]));
        assert_eq!(next_due(&transaction, "one", day(0)).unwrap(), Some(day(9)));
        // Neither an endpoint that is back ends an embargo, nor an attempt that was on its way when it began.
        release(&transaction, "one", day(1)).unwrap();
        assert_eq!((ready(day(8)), early(day(1))), (vec![c], vec![]));
        attempt(&transaction, b"a", retry(day(2)));
        attempt(&transaction, b"b", retry(day(4)));
        assert_eq!(ready(day(8)), [c]);
        // Nor does an embargo that is lifted leave anything behind.
        move_to(&transaction, document, WITHHELD);
        assert_eq!(ready(day(999)), [c]);
        move_to(&transaction, document, Timestamp::UNIX_EPOCH);
        assert_eq!([1, 2, 4].map(|at| ready(day(at))), [vec![c], vec![c, a], vec![c, a, b]]);
        assert_eq!(early(day(1)), [a, b]);
    }

    #[test]
    fn what_is_withheld_keeps_back_nothing_but_its_own_withdrawal() {
        let mut connection = Connection::open_in_memory().unwrap();
        schema::prepare(&mut connection, Path::new("memory")).unwrap();
        let transaction = connection.transaction().unwrap();
        let [first, second] = [b"d", b"e"].map(|document| DocumentId::of(&[document]));
        let of_document = |alert: &[u8], document| OutboxRow { document: Some(document), ..row("one", alert) };
        let withdrawal = |alert: &[u8], document| OutboxRow {
            alert_type: AlertType::ClaimWithdrawn,
            due: Timestamp::UNIX_EPOCH,
            ..of_document(alert, document)
        };
        put(&transaction, &[of_document(b"a", first), of_document(b"b", second)], day(0));
        let [a, b, c, e] = [b"a", b"b", b"c", b"e"].map(|alert| AlertId::of(&[alert]));
        let ready = || alerts(&due(&transaction, "one", day(1), 9).unwrap());
        assert_eq!(ready(), [a]);
        move_to(&transaction, first, WITHHELD);
        assert_eq!(ready(), [b]);
        attempt(&transaction, b"b", AttemptResult::Delivered);
        // What was sent is withdrawn, and then its document withheld; what was not sent is withdrawn too.
        put(&transaction, &[withdrawal(b"c", second)], day(0));
        move_to(&transaction, second, WITHHELD);
        assert_eq!(ready(), [c]);
        attempt(&transaction, b"c", AttemptResult::Delivered);
        put(&transaction, &[withdrawal(b"e", first)], day(0));
        assert_eq!(ready(), []);
        move_to(&transaction, first, Timestamp::UNIX_EPOCH);
        assert_eq!(ready(), [a]);
        attempt(&transaction, b"a", AttemptResult::Delivered);
        assert_eq!(ready(), [e]);
    }
}
