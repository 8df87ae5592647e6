//! Deliveries that are looked at one by one, and sent once more because somebody asks: a command puts them back into the queue while a
//! daemon may be at work.

use std::path::Path;

use jiff::Timestamp;
use rusqlite::{OptionalExtension as _, TransactionBehavior, params};

use super::{StoreError, View, beside, schema};
use crate::failpoint::{Point, reach};
use crate::model::Rendering;

/// States of a delivery from which it can be replayed, while its text is kept.
pub const REPLAYABLE: [&str; 3] = ["dead", "delivered", "silenced"];

/// An attempt to deliver, as it is kept.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct AttemptRow {
    /// When it started.
    pub at: Timestamp,
    /// How many milliseconds it took.
    pub duration_ms: u64,
    /// `delivered`, `retry` or `dead`.
    pub result: String,
    /// The status code of the answer, where there was one.
    pub status: Option<u16>,
    /// The beginning of the answer's body.
    pub head: Option<String>,
    /// What went wrong.
    pub error: Option<String>,
}

impl View {
    /// The attempts at the delivery at this place of the outbox that are still kept, in order.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn attempts(&self, position: i64) -> Result<Vec<AttemptRow>, StoreError> {
        let answer = if self.version() < schema::ENDPOINTS_VERSION { "NULL, NULL" } else { "status, head" };
        let mut statement = self.connection.prepare(&format!(
            "SELECT at, duration, result, error, {answer} FROM attempt WHERE outbox = ?1 ORDER BY position"
        ))?;
        let mut rows = statement.query([position])?;
        let mut found = Vec::new();
        while let Some(row) = rows.next()? {
            found.push(AttemptRow {
                at: Timestamp::from_millisecond(row.get(0)?).unwrap_or(Timestamp::MIN),
                duration_ms: u64::try_from(row.get::<_, i64>(1)?).unwrap_or_default(),
                result: row.get(2)?,
                error: row.get(3)?,
                status: row.get(4)?,
                head: row.get(5)?,
            });
        }
        Ok(found)
    }

    /// What goes out instead of the body of the delivery at this place of the outbox, where its sink has a template.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn rendering(&self, position: i64) -> Result<Option<Rendering>, StoreError> {
        let headers = if self.version() < schema::HEADERS_VERSION { "NULL" } else { "headers" };
        let mut statement = self
            .connection
            .prepare(&format!("SELECT content_type, {headers}, body FROM outbox_rendering WHERE outbox = ?1"))?;
        let made = statement.query_row([position], |row| {
            let headers: Option<String> = row.get(1)?;
            // For people to look at: what cannot be read is left out.
            let headers = serde_json::from_str(headers.as_deref().unwrap_or("[]")).unwrap_or_default();
            Ok(Rendering { content_type: row.get(0)?, headers, body: row.get(2)? })
        });
        Ok(made.optional()?)
    }
}

/// Puts the deliveries at these places of the outbox back into the queue of the database at `path`, all or none: with the same ids, the
/// same bytes, a new course of retries, due at `now` or when their embargo ends. Those that wait, and those whose text is no longer kept, are left
/// as they are; says how many were put back. A daemon that is at work finds them within half a minute.
///
/// # Errors
/// When the file is missing, none of ours, a newer gainsay's, in use by an older one, or cannot be written.
pub fn replay_deliveries(path: &Path, positions: &[i64], now: Timestamp) -> Result<u64, StoreError> {
    let mut connection = beside::open(path)?;
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let mut replayed = 0;
    for position in positions {
        let sink: Option<String> = transaction
            .query_row(
                "UPDATE outbox SET state = 'pending', attempts = 0, due = max(due, ?2), settled = NULL, replayed = ?2
                 WHERE position = ?1 AND state IN ('dead', 'delivered', 'silenced')
                   AND EXISTS (SELECT 1 FROM outbox_body WHERE outbox_body.outbox = outbox.position)
                 RETURNING sink",
                params![position, now.as_millisecond()],
                |row| row.get(0),
            )
            .optional()?;
        if let Some(sink) = sink {
            replayed += 1;
            transaction.execute(
                "INSERT INTO ledger VALUES (?1, 'replayed', 1) ON CONFLICT (sink, entry) DO UPDATE SET alerts = alerts + 1",
                [sink],
            )?;
        }
    }
    reach(Point::Replay);
    transaction.commit()?;
    Ok(replayed)
}
