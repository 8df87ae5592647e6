//! What operators say of feeds, as rows: a command or the API changes them while a daemon may be at work, which looks after them.

use std::path::Path;

use jiff::Timestamp;
use rusqlite::{Connection, TransactionBehavior, params};

use super::record::{all, json};
use super::{StoreError, beside};
use crate::model::{FeedControl, FeedId};

/// Changes what is said of a feed in the database at `path`, at `now`; `change` sees all that is said of feeds and may refuse. Gives what is said
/// then. What says nothing any more is taken out.
///
/// # Errors
/// When `change` refuses, or the file is missing, none of ours, a newer gainsay's, in use by an older one, or cannot be written.
pub fn control_feed<E: From<StoreError>>(
    path: &Path,
    feed: &FeedId,
    now: Timestamp,
    change: impl FnOnce(&mut FeedControl, &[FeedControl]) -> Result<(), E>,
) -> Result<FeedControl, E> {
    let mut connection = beside::open(path)?;
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(StoreError::from)?;
    let found: Vec<FeedControl> = all(&transaction, "feed_control")?;
    let known = found.iter().find(|control| control.feed == *feed);
    let mut control = known.cloned().unwrap_or_else(|| FeedControl::new(feed.clone()));
    change(&mut control, &found)?;
    write(&transaction, &control, &found, now)?;
    transaction.commit().map_err(StoreError::from)?;
    Ok(control)
}

/// Writes a control with a new position, so that the daemon sees that something has changed.
fn write(
    connection: &Connection,
    control: &FeedControl,
    found: &[FeedControl],
    now: Timestamp,
) -> Result<(), StoreError> {
    let position = mark(connection)?.saturating_add(1);
    for over in found.iter().filter(|other| other.feed == control.feed || other.is_over(now)) {
        connection.execute("DELETE FROM feed_control WHERE id = ?1", [over.feed.as_str()])?;
    }
    connection.execute(
        "INSERT INTO feed_control (position, id, record) VALUES (?1, ?2, ?3)",
        params![position, control.feed.as_str(), json(control)?],
    )?;
    Ok(())
}

/// Rises with each change.
pub(super) fn mark(connection: &Connection) -> Result<i64, StoreError> {
    Ok(connection.query_row("SELECT coalesce(max(position), 0) FROM feed_control", [], |row| row.get(0))?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::PausedFeed;
    use crate::store::EmbeddedStore;

    #[test]
    fn each_change_is_seen_and_what_says_nothing_goes() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("g.db");
        let store = EmbeddedStore::open(&path).unwrap();
        let now: Timestamp = "2026-03-31T12:00:00Z".parse().unwrap();
        let change = |feed: &str, act: fn(&mut FeedControl)| {
            let done: Result<FeedControl, StoreError> = control_feed(&path, &FeedId::new(feed), now, |control, _| {
                act(control);
                Ok(())
            });
            done.unwrap()
        };
        let (mut mark, _) = store.feed_controls(None).unwrap().unwrap();
        let mut seen = || {
            let (new, controls) = store.feed_controls(Some(mark)).unwrap().expect("a change");
            mark = new;
            controls.into_iter().map(|control| control.feed.to_string()).collect::<Vec<_>>()
        };
        let pause = |control: &mut FeedControl| {
            control.paused = Some(PausedFeed { since: Timestamp::UNIX_EPOCH, by: None });
        };
        change("a", pause);
        assert_eq!(seen(), ["a"]);
        change("b", pause);
        assert_eq!(seen(), ["a", "b"]);
        let resumed = change("b", |control| control.paused = None);
        assert!(resumed.is_over(now));
        assert_eq!(seen(), ["a", "b"], "its change must be seen, although it says nothing");
        change("a", |control| control.paused = None);
        assert_eq!(seen(), ["a"]);
        assert!(store.feed_controls(Some(mark)).unwrap().is_none());
        let refused: Result<FeedControl, StoreError> =
            control_feed(&path, &FeedId::new("c"), now, |_, _| Err(StoreError::WriterEnded));
        assert!(refused.is_err() && store.feed_controls(Some(mark)).unwrap().is_none());
    }
}
