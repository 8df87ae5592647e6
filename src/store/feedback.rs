//! The log of what users said, as rows: a command puts one in while a daemon may be at work, the desk marks it with the commit that
//! holds what follows from it.

use std::path::Path;

use rusqlite::{Connection, Transaction, params};

use crate::model::{Feedback, FeedbackLine, FeedbackState};

use super::record::{json, parse};
use super::{StoreError, beside};

/// Entries that the desk takes at once; the rest comes with the next look.
const BATCH_MAX: u32 = 64;
/// Entries about one thing.
const ABOUT_MAX: u32 = 100;

/// Puts what a user said into the log of the database at `path`, where it waits for the desk. What is there already is left as it
/// is.
///
/// # Errors
/// When the file is missing, none of ours, a newer gainsay's, in use by an older one, or cannot be written.
pub fn log_feedback(path: &Path, feedback: &Feedback) -> Result<(), StoreError> {
    let connection = beside::open(path)?;
    connection.execute(
        "INSERT INTO feedback (id, record) VALUES (?1, ?2) ON CONFLICT (id) DO NOTHING",
        params![feedback.id.to_string(), json(feedback)?],
    )?;
    Ok(())
}

/// What the desk has not taken in yet, in order.
pub(super) fn pending(connection: &Connection) -> Result<Vec<Feedback>, StoreError> {
    let mut statement =
        connection.prepare("SELECT id, record FROM feedback WHERE state = 'pending' ORDER BY position LIMIT ?1")?;
    let mut rows = statement.query([BATCH_MAX])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        found.push(parse(row, "feedback")?);
    }
    Ok(found)
}

/// The whole log, in order.
pub(super) fn read(connection: &Connection) -> Result<Vec<FeedbackLine>, StoreError> {
    let mut statement =
        connection.prepare("SELECT id, record, state = 'applied' AS is_applied FROM feedback ORDER BY position")?;
    collect(statement.query([])?)
}

/// What holds these words, as JSON has them, the newest first; at most [`ABOUT_MAX`] entries.
pub(super) fn about(connection: &Connection, words: &str) -> Result<Vec<FeedbackLine>, StoreError> {
    let words = json(&words)?;
    let mut statement = connection.prepare(
        "SELECT id, record, state = 'applied' AS is_applied FROM feedback WHERE instr(record, ?1) > 0
         ORDER BY position DESC LIMIT ?2",
    )?;
    collect(statement.query(params![words, ABOUT_MAX])?)
}

fn collect(mut rows: rusqlite::Rows<'_>) -> Result<Vec<FeedbackLine>, StoreError> {
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        let state = if row.get("is_applied")? { FeedbackState::Applied } else { FeedbackState::Pending };
        found.push(FeedbackLine { feedback: parse(row, "feedback")?, state });
    }
    Ok(found)
}

/// Marks what the desk has taken in; what a replay brings is put into the log so.
pub(super) fn write(transaction: &Transaction<'_>, applied: &[Feedback]) -> Result<(), StoreError> {
    let mut statement = transaction.prepare(
        "INSERT INTO feedback (id, record, state) VALUES (?1, ?2, 'applied')
         ON CONFLICT (id) DO UPDATE SET state = 'applied'",
    )?;
    applied.iter().try_for_each(|feedback| {
        statement.execute(params![feedback.id.to_string(), json(feedback)?])?;
        Ok(())
    })
}
