//! The outbox as rows: puts alerts in, finds what is due, writes attempts down, lets go of what was delivered long ago.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, Row, Transaction, params};

use crate::model::{Attempt, AttemptResult, OutboxEntry, OutboxRow};

use super::StoreError;
use super::record::signed;
use super::schema::kept_since;

/// Delivered rows that lose their bodies per commit: little enough not to be felt.
const EXPIRED_ROWS_MAX: u32 = 256;

/// True of a pending row `o` that no earlier pending row of its order key keeps back.
const IS_HEAD: &str = "NOT EXISTS (
    SELECT 1 FROM outbox earlier
    WHERE earlier.state = 'pending' AND earlier.sink = o.sink AND earlier.order_key = o.order_key
      AND (earlier.sequence, earlier.position) < (o.sequence, o.position))";

/// Puts alerts in, each once for all times, and lets go of what was delivered long ago.
pub(super) fn write(transaction: &Transaction<'_>, rows: &[OutboxRow], now: Timestamp) -> Result<(), StoreError> {
    let mut insert = transaction.prepare(
        "INSERT INTO outbox (alert, sink, type, order_key, sequence, created, due) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
         ON CONFLICT (alert, sink) DO NOTHING RETURNING position",
    )?;
    let mut insert_body = transaction.prepare("INSERT INTO outbox_body (outbox, body) VALUES (?1, ?2)")?;
    for row in rows {
        let position: Option<i64> = insert
            .query_row(
                params![
                    row.alert.to_string(),
                    row.sink,
                    row.alert_type.as_str(),
                    row.order_key,
                    signed(row.sequence),
                    now.as_millisecond(),
                    row.due.as_millisecond(),
                ],
                |inserted| inserted.get(0),
            )
            .optional()?;
        if let Some(position) = position {
            insert_body.execute(params![position, row.body])?;
        }
    }
    expire(transaction, now)
}

fn expire(transaction: &Transaction<'_>, now: Timestamp) -> Result<(), StoreError> {
    let mut update = transaction.prepare(
        "UPDATE outbox SET state = 'expired' WHERE position IN
             (SELECT position FROM outbox WHERE state = 'delivered' AND settled < ?1 ORDER BY settled LIMIT ?2)
         RETURNING position",
    )?;
    let cutoff = kept_since(now).as_millisecond();
    let expired: Vec<i64> =
        update.query_map(params![cutoff, EXPIRED_ROWS_MAX], |row| row.get(0))?.collect::<Result<_, _>>()?;
    for position in expired {
        transaction.execute("DELETE FROM outbox_body WHERE outbox = ?1", [position])?;
        transaction.execute("DELETE FROM attempt WHERE outbox = ?1", [position])?;
    }
    Ok(())
}

/// Writes an attempt down and moves its row on; nothing if the row is no longer pending.
pub(super) fn record_attempt(transaction: &Transaction<'_>, attempt: &Attempt) -> Result<(), StoreError> {
    let ended = attempt.at.saturating_add(attempt.duration).unwrap_or(attempt.at).as_millisecond();
    let (state, result, due, settled, error) = match &attempt.result {
        AttemptResult::Delivered => ("delivered", "delivered", None, Some(ended), None),
        AttemptResult::Retry { due, error } => ("pending", "retry", Some(due.as_millisecond()), None, Some(error)),
        AttemptResult::Dead { error } => ("dead", "dead", None, Some(ended), Some(error)),
    };
    let position: Option<i64> = transaction
        .query_row(
            "UPDATE outbox SET state = ?1, attempts = attempts + 1, due = coalesce(?2, due), settled = ?3
             WHERE alert = ?4 AND sink = ?5 AND state = 'pending' RETURNING position",
            params![state, due, settled, attempt.alert.to_string(), attempt.sink],
            |row| row.get(0),
        )
        .optional()?;
    if let Some(position) = position {
        let duration = signed(u64::try_from(attempt.duration.as_millis()).unwrap_or(u64::MAX));
        transaction.execute(
            "INSERT INTO attempt (outbox, at, duration, result, error) VALUES (?1, ?2, ?3, ?4, ?5)",
            params![position, attempt.at.as_millisecond(), duration, result, error],
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
    let mut statement = connection.prepare(&format!(
        "SELECT alert, sink, type, order_key, sequence, due, attempts, body
         FROM outbox o JOIN outbox_body ON outbox_body.outbox = o.position
         WHERE state = 'pending' AND sink = ?1 AND due <= ?2 AND {IS_HEAD}
         ORDER BY due, position LIMIT ?3"
    ))?;
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let mut rows = statement.query(params![sink, now.as_millisecond(), limit])?;
    let mut entries = Vec::new();
    while let Some(row) = rows.next()? {
        entries.push(entry(row)?);
    }
    Ok(entries)
}

/// When the first entry that is not due yet and is kept back by nothing becomes due.
pub(super) fn next_due(connection: &Connection, sink: &str, now: Timestamp) -> Result<Option<Timestamp>, StoreError> {
    let due: Option<i64> = connection
        .query_row(
            &format!(
                "SELECT due FROM outbox o WHERE state = 'pending' AND sink = ?1 AND due > ?2 AND {IS_HEAD}
                 ORDER BY due LIMIT 1"
            ),
            params![sink, now.as_millisecond()],
            |row| row.get(0),
        )
        .optional()?;
    due.map(|due| Timestamp::from_millisecond(due).map_err(|error| corrupt(String::new(), error.to_string())))
        .transpose()
}

fn entry(row: &Row<'_>) -> Result<OutboxEntry, StoreError> {
    let alert: String = row.get("alert")?;
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
            due: Timestamp::from_millisecond(row.get("due")?).map_err(|error| corrupt(alert, error.to_string()))?,
        },
        attempts: row.get("attempts")?,
    })
}

fn corrupt(id: String, detail: String) -> StoreError {
    StoreError::Corrupt { table: "outbox", id, detail }
}
