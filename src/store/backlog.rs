//! The backlog as rows: documents that came faster than they can be read wait here, durable, so that their feeds need not.

use rusqlite::{Connection, Transaction, params};

use super::record::{json, parse};
use super::{BacklogMark, BacklogPosition, Commit, StoreError, Withheld};
use crate::model::Document;

/// Withholds documents, puts others at the end, and takes out those that the commit holds instead.
pub(super) fn write(transaction: &Transaction<'_>, commit: &Commit) -> Result<(), StoreError> {
    withhold(transaction, &commit.withheld)?;
    let mut statement = transaction.prepare("INSERT INTO backlog (record) VALUES (?1)")?;
    for document in &commit.put_off {
        statement.execute(params![json(document)?])?;
    }
    if let Some(position) = commit.caught_up {
        transaction.execute("DELETE FROM backlog WHERE position <= ?1", params![position])?;
    }
    Ok(())
}

/// What waits of these documents is to be read as withheld. All in one pass: the table can be long.
fn withhold(transaction: &Transaction<'_>, withheld: &[Withheld]) -> Result<(), StoreError> {
    if withheld.is_empty() {
        return Ok(());
    }
    let ids: Vec<String> = withheld.iter().map(|withheld| withheld.document.to_string()).collect();
    let mut statement = transaction.prepare(
        "SELECT document AS id, position, record FROM backlog WHERE document IN (SELECT value FROM json_each(?1))",
    )?;
    let mut rows = statement.query(params![json(&ids)?])?;
    let mut changed: Vec<(BacklogPosition, String)> = Vec::new();
    while let Some(row) = rows.next()? {
        let mut document: Document = parse(row, "backlog")?;
        for withheld in withheld {
            withheld.withhold(&mut document);
        }
        changed.push((row.get("position")?, json(&document)?));
    }
    let mut update = transaction.prepare("UPDATE backlog SET record = ?2 WHERE position = ?1")?;
    changed.iter().try_for_each(|row| update.execute(params![row.0, row.1]).map(drop))?;
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

/// Which documents wait, with what text and release.
pub(super) fn marks(connection: &Connection) -> Result<Vec<BacklogMark>, StoreError> {
    let mut statement = connection.prepare("SELECT document AS id, record FROM backlog ORDER BY position")?;
    let mut rows = statement.query([])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        let document: Document = parse(row, "backlog")?;
        found.push(BacklogMark::from(&document));
    }
    Ok(found)
}
