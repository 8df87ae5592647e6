//! Alerts beside the outbox, whatever the sinks: puts them in with the commit that makes them, lets out what was held, forgets what is
//! as old as what was delivered long ago. Read by `browse`.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, Transaction, params};

use crate::model::{Alert, Moved};
use crate::text::normalize::fold;

use super::schema::kept_since;
use super::{Commit, StoreError};

/// Old alerts taken out per commit: little enough not to be felt.
const EXPIRED_MAX: u32 = 256;
/// Held alerts that one transaction lets out.
const RELEASED_MAX: u32 = 256;

/// An alert of a commit.
#[derive(Debug, Clone, PartialEq)]
pub struct NewAlert {
    /// The alert.
    pub alert: Alert,
    /// Its JSON on one line, as it is shown.
    pub json: String,
    /// When it may be shown: the end of its embargo, else a time that is past.
    pub due: Timestamp,
}

/// Puts the alerts of a commit in, lets out what is due, and forgets what is old.
pub(super) fn write(transaction: &Transaction<'_>, commit: &Commit) -> Result<(), StoreError> {
    for one in &commit.alerts {
        if one.due > commit.now {
            hold(transaction, one)?;
        } else {
            insert(transaction, &one.alert, &one.json)?;
        }
    }
    commit.moved.iter().try_for_each(|moved| move_release(transaction, moved))?;
    for dropped in &commit.dropped {
        let values = params![dropped.document.to_string(), commit.now.as_millisecond()];
        transaction.execute("DELETE FROM held_alert WHERE document = ?1 AND due > ?2", values)?;
    }
    release(transaction, commit.now)?;
    transaction.execute(
        "DELETE FROM alert WHERE position IN (SELECT position FROM alert WHERE time < ?1 ORDER BY time LIMIT ?2)",
        params![kept_since(commit.now).as_millisecond(), EXPIRED_MAX],
    )?;
    Ok(())
}

/// Puts an alert in, once; what it said before is replaced: it may have waited and speak for more now.
pub(super) fn insert(transaction: &Connection, alert: &Alert, json: &str) -> Result<(), StoreError> {
    let Searched { speaker, outlets, words } = Searched::of(alert);
    let mut statement = transaction.prepare_cached(
        "INSERT INTO alert (id, time, type, kind, thread, confidence, speaker, outlets, words, record)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)
         ON CONFLICT (id) DO UPDATE SET confidence = excluded.confidence, speaker = excluded.speaker, outlets = excluded.outlets,
             words = excluded.words, record = excluded.record WHERE record <> excluded.record",
    )?;
    statement.execute(params![
        alert.id.to_string(),
        alert.time.as_millisecond(),
        alert.alert_type.as_str(),
        alert.claim.as_ref().map(|claim| claim.kind.as_str()),
        alert.thread.as_ref().map(|thread| thread.id.to_string()),
        alert.claim.as_ref().map(|claim| claim.confidence),
        speaker,
        outlets,
        words,
        json,
    ])?;
    Ok(())
}

pub(super) fn hold(transaction: &Connection, one: &NewAlert) -> Result<(), StoreError> {
    let is_out = transaction
        .query_row("SELECT 1 FROM alert WHERE id = ?1", [one.alert.id.to_string()], |_| Ok(()))
        .optional()?
        .is_some();
    if !is_out {
        let document = one.alert.document.as_ref().map(|document| document.id.to_string());
        transaction.execute(
            "INSERT INTO held_alert (id, due, document, record) VALUES (?1, ?2, ?3, ?4) ON CONFLICT (id) DO NOTHING",
            params![one.alert.id.to_string(), one.due.as_millisecond(), document, one.json],
        )?;
    }
    Ok(())
}

fn move_release(transaction: &Connection, moved: &Moved) -> Result<(), StoreError> {
    transaction.execute(
        "UPDATE held_alert SET due = ?2 WHERE document = ?1",
        params![moved.document.to_string(), moved.due.as_millisecond()],
    )?;
    Ok(())
}

/// Whether something that was held is due.
pub(super) fn is_due(connection: &Connection, now: Timestamp) -> Result<bool, StoreError> {
    let due: Option<i64> = connection.query_row("SELECT min(due) FROM held_alert", [], |row| row.get(0))?;
    Ok(due.is_some_and(|due| due <= now.as_millisecond()))
}

/// Lets out what is due, in the order in which it became so.
pub(super) fn release(transaction: &Connection, now: Timestamp) -> Result<(), StoreError> {
    let mut statement =
        transaction.prepare_cached("SELECT id, record FROM held_alert WHERE due <= ?1 ORDER BY due, rowid LIMIT ?2")?;
    let due: Vec<(String, String)> = statement
        .query_map(params![now.as_millisecond(), RELEASED_MAX], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<Result<_, _>>()?;
    for (id, json) in due {
        // What cannot be read was damaged by hand; it must not keep the desk from committing.
        if let Ok(alert) = serde_json::from_str::<Alert>(&json) {
            insert(transaction, &alert, &json)?;
        }
        transaction.execute("DELETE FROM held_alert WHERE id = ?1", [id])?;
    }
    Ok(())
}

/// The texts of an alert in which one may be looked for; case and accents do not count.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Searched {
    pub(super) speaker: String,
    pub(super) outlets: String,
    pub(super) words: String,
}

impl Searched {
    pub(super) fn of(alert: &Alert) -> Self {
        let speaker = alert.claim.as_ref().and_then(|claim| claim.speaker.as_ref());
        let names = speaker.into_iter().flat_map(|speaker| [Some(speaker.name.as_str()), speaker.role.as_deref()]);
        let names: Vec<&str> = names.flatten().collect();
        let outlets: Vec<&str> = match (&alert.story, &alert.feed) {
            (Some(story), _) => story.outlets.iter().map(String::as_str).collect(),
            (None, feed) => feed.iter().map(|feed| feed.outlet.as_str()).collect(),
        };
        let evidence = alert.evidence.iter().map(|evidence| evidence.sentence.as_str());
        let headline = alert.document.iter().map(|document| document.headline.as_str());
        let matter = alert.thread.iter().map(|thread| thread.proposition.as_str());
        let feed = alert.feed.iter().flat_map(|feed| [feed.id.as_str(), feed.detail.as_str()]);
        let words = evidence.chain(headline).chain(matter).chain(feed).chain(names.iter().copied());
        let words: Vec<&str> = words.chain([alert.why.as_str()]).collect();
        // No text that is looked for holds the line feed, so that none is found across two.
        Self { speaker: fold(&names.join("\n")), outlets: fold(&outlets.join("\n")), words: fold(&words.join("\n")) }
    }
}
