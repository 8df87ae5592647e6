//! The backlog as rows: documents that came faster than they can be read wait here, durable, so that their feeds need not.

use rusqlite::{Connection, Transaction, params};

use super::record::{json, parse};
use super::{BacklogPosition, BacklogTexts, StoreError};
use crate::model::{Document, DocumentId};

/// Puts documents at the end, and takes out those that the commit holds instead.
pub(super) fn write(
    transaction: &Transaction<'_>,
    put_off: &[Document],
    caught_up: Option<BacklogPosition>,
) -> Result<(), StoreError> {
    let mut statement = transaction.prepare("INSERT INTO backlog (record) VALUES (?1)")?;
    for document in put_off {
        statement.execute(params![json(document)?])?;
    }
    if let Some(position) = caught_up {
        transaction.execute("DELETE FROM backlog WHERE position <= ?1", params![position])?;
    }
    Ok(())
}

/// The first documents, each with its position.
pub(super) fn first(connection: &Connection, limit: usize) -> Result<Vec<(BacklogPosition, Document)>, StoreError> {
    let mut statement =
        connection.prepare("SELECT document AS id, position, record FROM backlog ORDER BY position LIMIT ?1")?;
    let mut rows = statement.query(params![i64::try_from(limit).unwrap_or(i64::MAX)])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        found.push((row.get("position")?, parse(row, "backlog")?));
    }
    Ok(found)
}

/// Which documents wait, and with what text.
pub(super) fn marks(connection: &Connection) -> Result<Vec<(DocumentId, BacklogTexts)>, StoreError> {
    let mut statement = connection.prepare("SELECT document AS id, record FROM backlog ORDER BY position")?;
    let mut rows = statement.query([])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        let document: Document = parse(row, "backlog")?;
        found.push((document.id, (document.content_hash, document.entry_hash)));
    }
    Ok(found)
}
