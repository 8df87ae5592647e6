//! How endpoints do, as rows: a dispatcher keeps the record of its own; a command puts one in order again while a daemon may be at work.

use std::collections::BTreeMap;
use std::path::Path;

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, Transaction, TransactionBehavior, params};

use super::record::{json, parse};
use super::{StoreError, beside, outbox};
use crate::model::EndpointRecord;

/// What is known of the endpoint of `sink`.
pub(super) fn of(connection: &Connection, sink: &str) -> Result<Option<EndpointRecord>, StoreError> {
    let mut statement = connection.prepare("SELECT id, record FROM endpoint WHERE id = ?1")?;
    statement.query_row([sink], |row| Ok(parse(row, "endpoint"))).optional()?.transpose()
}

/// What was last told of the endpoint of each sink, by the order key of such alerts.
pub(super) fn told(connection: &Connection) -> Result<BTreeMap<String, String>, StoreError> {
    let mut statement = connection.prepare(
        "SELECT order_key, type FROM (
             SELECT order_key, type, created AS at, position FROM outbox
             WHERE type IN ('sink.failing', 'sink.disabled', 'sink.recovered')
             UNION ALL SELECT 'sink:' || about, type, since, position FROM hold WHERE about IS NOT NULL
         ) ORDER BY at, position",
    )?;
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Puts a record in the place of the one before. Where the endpoint `is_back`, what was tried is due from then on.
pub(super) fn write(transaction: &Transaction<'_>, record: &EndpointRecord, is_back: bool) -> Result<(), StoreError> {
    transaction.execute(
        "INSERT INTO endpoint (id, record) VALUES (?1, ?2) ON CONFLICT (id) DO UPDATE SET record = excluded.record",
        params![record.sink, json(record)?],
    )?;
    if is_back { outbox::release(transaction, &record.sink, record.since) } else { Ok(()) }
}

/// Says in the database at `path` that alerts are to be sent to the endpoint of `sink` again, from `now` on and those first that were
/// tried before; gives what was known of it. A daemon that is at work finds it there within half a minute.
///
/// # Errors
/// When the file is missing, none of ours, a newer gainsay's, in use by an older one, or cannot be written.
pub fn enable_endpoint(path: &Path, sink: &str, now: Timestamp) -> Result<Option<EndpointRecord>, StoreError> {
    let mut connection = beside::open(path)?;
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let before = of(&transaction, sink)?;
    if let Some(EndpointRecord { sink, address, .. }) = before.clone() {
        write(&transaction, &EndpointRecord::healthy(sink, address, now), true)?;
    }
    transaction.commit()?;
    Ok(before)
}
