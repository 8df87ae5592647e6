//! Documents that will never be used: what shows them and was not released is kept back for good, with what withdraws it.

use std::collections::BTreeSet;

use jiff::Timestamp;
use rusqlite::{Connection, params};

use crate::model::{AlertType, ClaimId, Dropped};

use super::StoreError;
use super::index::alert_of;

/// Alerts that are the first of their claim.
const FIRST: [AlertType; 5] = [
    AlertType::AllegationNew,
    AlertType::DenialNew,
    AlertType::ClaimConfirmed,
    AlertType::ClaimNoComment,
    AlertType::ClaimRetracted,
];

/// A row of the outbox that waits and shows the document.
struct Row {
    position: i64,
    sink: String,
    alert: String,
    alert_type: String,
    claim: Option<ClaimId>,
    is_released: bool,
}

/// Silences what shows a document and is not released at `now`. Who was to hear of a claim by that hears of no withdrawal either, which
/// would tell what is withheld.
pub(super) fn silence(transaction: &Connection, dropped: Dropped, now: Timestamp) -> Result<(), StoreError> {
    let rows = waiting(transaction, dropped, now)?;
    let is_first = |row: &&Row| !row.is_released && FIRST.iter().any(|first| first.as_str() == row.alert_type);
    let unheard: BTreeSet<(&str, ClaimId)> =
        rows.iter().filter(is_first).filter_map(|row| Some((row.sink.as_str(), row.claim?))).collect();
    let is_withdrawal = |row: &Row| row.alert_type == AlertType::ClaimWithdrawn.as_str();
    let takes_back = |row: &Row| row.claim.is_some_and(|claim| unheard.contains(&(row.sink.as_str(), claim)));
    let mut silence =
        transaction.prepare("UPDATE outbox SET state = 'silenced', reason = ?2, settled = ?3 WHERE position = ?1")?;
    let mut hide = transaction.prepare(
        "DELETE FROM alert WHERE id = ?1
         AND NOT EXISTS (SELECT 1 FROM outbox WHERE alert = ?1 AND state <> 'silenced')
         AND NOT EXISTS (SELECT 1 FROM hold WHERE alert = ?1 AND (ended IS NULL OR is_told))",
    )?;
    for row in rows.iter().filter(|row| !row.is_released || is_withdrawal(row) && takes_back(row)) {
        silence.execute(params![row.position, dropped.cause.reason(), now.as_millisecond()])?;
        if is_withdrawal(row) {
            hide.execute([&row.alert])?;
        }
    }
    Ok(())
}

fn waiting(transaction: &Connection, dropped: Dropped, now: Timestamp) -> Result<Vec<Row>, StoreError> {
    let mut statement = transaction.prepare(
        "SELECT position, sink, alert, type, release <= ?2, body FROM outbox
         JOIN outbox_body ON outbox_body.outbox = outbox.position
         WHERE state = 'pending' AND document = ?1 ORDER BY position",
    )?;
    let found = statement.query_map(params![dropped.document.to_string(), now.as_millisecond()], |row| {
        let body: Vec<u8> = row.get(5)?;
        Ok(Row {
            position: row.get(0)?,
            sink: row.get(1)?,
            alert: row.get(2)?,
            alert_type: row.get(3)?,
            claim: alert_of(&body).and_then(|(alert, _)| alert.claim).map(|claim| claim.id),
            is_released: row.get(4)?,
        })
    })?;
    Ok(found.collect::<Result<_, _>>()?)
}
