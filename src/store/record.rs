//! Records as rows: writes a commit's records and analyses into a transaction, reads them all back for `load`.

use rusqlite::{Connection, OptionalExtension as _, Row, Transaction, params};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::model::{Analysis, ClaimRecord, FeedCursor, GroupRecord, KeptList, Records, StoryRecord};

use super::{Commit, Counts, Forgotten, StoreError, backlog, feedback, fingerprint, index, schema};

/// Old analyses taken out per commit: more than a commit brings in, little enough not to be felt.
const EXPIRED_ANALYSES_MAX: u32 = 1_000;

/// Writes everything of `commit` but its outbox.
pub(super) fn write(transaction: &Transaction<'_>, commit: &Commit) -> Result<(), StoreError> {
    forget(transaction, &commit.forgotten)?;
    upsert(transaction, "cursor", &commit.cursors, |record| record.feed.to_string())?;
    upsert(transaction, "feed", &commit.feeds, |record| record.feed.to_string())?;
    upsert(transaction, "budget", &commit.budgets, |record| record.sink.clone())?;
    upsert(transaction, "document", &commit.documents, |record| record.id.to_string())?;
    upsert_stories(transaction, &commit.stories)?;
    insert_analyses(transaction, &commit.analyses)?;
    // Their positions are in order of creation, by which pages go.
    let mut claims: Vec<&ClaimRecord> = commit.claims.iter().collect();
    claims.sort_by_key(|claim| claim.sequence);
    upsert(transaction, "claim", &claims, |record| record.id.to_string())?;
    upsert(transaction, "thread", &commit.threads, |record| record.id.to_string())?;
    // What they are found by is made of stories and analyses, too.
    index::write(transaction, commit)?;
    upsert(transaction, "muted", &commit.muted, |record| record.key.clone())?;
    upsert(transaction, "silence", &commit.silences, |record| record.id.to_string())?;
    upsert(transaction, "held_group", &commit.groups, GroupRecord::key)?;
    // What a user has corrected is kept for good: models can be trained on it.
    let corrected: Vec<&ClaimRecord> = commit.claims.iter().filter(|claim| claim.corrected.is_some()).collect();
    upsert(transaction, "corrected", &corrected, |record| record.id.to_string())?;
    backlog::write(transaction, commit)?;
    feedback::write(transaction, &commit.feedback)?;
    transaction.execute(
        "DELETE FROM analysis WHERE position IN
             (SELECT position FROM analysis WHERE first_seen < ?1 ORDER BY first_seen LIMIT ?2)",
        params![schema::kept_since(commit.now).as_millisecond(), EXPIRED_ANALYSES_MAX],
    )?;
    transaction.execute(
        "INSERT INTO desk (only, now, next_sequence) VALUES (1, ?1, ?2)
         ON CONFLICT (only) DO UPDATE SET now = excluded.now, next_sequence = excluded.next_sequence",
        params![commit.now.to_string(), signed(commit.next_sequence)],
    )?;
    Ok(())
}

/// SQLite knows no unsigned 64-bit integer; counters never come near the end of the signed one.
pub(super) fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

pub(super) fn json(record: &impl Serialize) -> Result<String, StoreError> {
    serde_json::to_string(record).map_err(|error| StoreError::Unstorable { detail: error.to_string() })
}

fn forget(transaction: &Transaction<'_>, forgotten: &Forgotten) -> Result<(), StoreError> {
    let delete = |table: &str, ids: Vec<String>| -> Result<(), StoreError> {
        let mut statement = transaction.prepare(&format!("DELETE FROM {table} WHERE id = ?1"))?;
        ids.iter().try_for_each(|id| statement.execute([id]).map(drop))?;
        Ok(())
    };
    delete("document", forgotten.documents.iter().map(ToString::to_string).collect())?;
    delete("story", forgotten.stories.iter().map(ToString::to_string).collect())?;
    delete("claim", forgotten.claims.iter().map(ToString::to_string).collect())?;
    delete("thread", forgotten.threads.iter().map(ToString::to_string).collect())?;
    delete("muted", forgotten.muted.clone())?;
    delete("silence", forgotten.silences.iter().map(ToString::to_string).collect())?;
    delete("held_group", forgotten.groups.clone())
}

fn upsert<R: Serialize>(
    transaction: &Transaction<'_>,
    table: &str,
    records: &[R],
    id: impl Fn(&R) -> String,
) -> Result<(), StoreError> {
    let mut statement = transaction.prepare(&format!(
        "INSERT INTO {table} (id, record) VALUES (?1, ?2) ON CONFLICT (id) DO UPDATE SET record = excluded.record"
    ))?;
    records.iter().try_for_each(|record| {
        statement.execute(params![id(record), json(record)?])?;
        Ok(())
    })
}

/// Stories change with every copy, their fingerprints seldom: the fingerprint is rewritten only when it changed.
fn upsert_stories(transaction: &Transaction<'_>, stories: &[StoryRecord]) -> Result<(), StoreError> {
    let mut story = transaction.prepare(
        "INSERT INTO story (id, record) VALUES (?1, ?2)
         ON CONFLICT (id) DO UPDATE SET record = excluded.record RETURNING position",
    )?;
    let mut print = transaction.prepare(
        "INSERT INTO fingerprint (story, packed) VALUES (?1, ?2)
         ON CONFLICT (story) DO UPDATE SET packed = excluded.packed WHERE packed <> excluded.packed",
    )?;
    for record in stories {
        let position: i64 = story.query_row(params![record.id.to_string(), json(record)?], |row| row.get(0))?;
        print.execute(params![position, fingerprint::pack(&record.fingerprint)])?;
    }
    Ok(())
}

fn insert_analyses(transaction: &Transaction<'_>, analyses: &[Analysis]) -> Result<(), StoreError> {
    let mut statement = transaction.prepare(
        "INSERT INTO analysis (document, content_hash, feed, outlet, url, published, first_seen, language, models,
                               headline, text, claims)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)
         ON CONFLICT (document, content_hash) DO UPDATE
         SET models = excluded.models, language = excluded.language, claims = excluded.claims
         WHERE models <> excluded.models",
    )?;
    analyses.iter().try_for_each(|analysis| {
        let document = &analysis.document;
        statement.execute(params![
            document.id.to_string(),
            document.content_hash.to_string(),
            document.source.feed.as_str(),
            document.source.outlet,
            document.url,
            document.published.map(jiff::Timestamp::as_millisecond),
            document.first_seen.as_millisecond(),
            analysis.language,
            analysis.models.0,
            document.headline_text(),
            document.text,
            json(&analysis.claims)?,
        ])?;
        Ok(())
    })
}

/// Everything that `load` gives back, as of one moment.
pub(super) fn read(connection: &mut Connection) -> Result<Records, StoreError> {
    read_within(&*connection.transaction()?)
}

/// As [`read`], within the caller's transaction.
pub(super) fn read_within(transaction: &Connection) -> Result<Records, StoreError> {
    let desk = transaction
        .query_row("SELECT now, next_sequence FROM desk", [], |row| {
            Ok((row.get::<_, String>(0)?, row.get::<_, i64>(1)?))
        })
        .optional()?;
    let corrupt_desk = |detail: String| StoreError::Corrupt { table: "desk", id: "1".to_owned(), detail };
    let (now, next_sequence) = match desk {
        None => (None, 0),
        Some((now, next)) => (
            Some(now.parse().map_err(|error: jiff::Error| corrupt_desk(error.to_string()))?),
            u64::try_from(next).map_err(|error| corrupt_desk(error.to_string()))?,
        ),
    };
    let mut records = Records {
        now,
        next_sequence,
        documents: all(transaction, "document")?,
        stories: read_stories(transaction)?,
        claims: all(transaction, "claim")?,
        threads: all(transaction, "thread")?,
        feeds: all(transaction, "feed")?,
        budgets: all(transaction, "budget")?,
        muted: all(transaction, "muted")?,
        silences: all(transaction, "silence")?,
        groups: all(transaction, "held_group")?,
    };
    // Within one commit the caller's order need not be that of creation; these say themselves what it was.
    records.stories.sort_by_key(|story| story.sequence);
    records.claims.sort_by_key(|claim| claim.sequence);
    records.threads.sort_by_key(|thread| thread.order);
    Ok(records)
}

/// The cursors of all feeds that were ever polled.
pub(super) fn read_cursors(connection: &Connection) -> Result<Vec<FeedCursor>, StoreError> {
    all(connection, "cursor")
}

/// Puts the copy of a list of feeds in the place of the one before.
pub(super) fn write_list(transaction: &Transaction<'_>, list: &KeptList) -> Result<(), StoreError> {
    upsert(transaction, "feed_list", std::slice::from_ref(list), |record| record.id.clone())
}

/// Takes out the copies of all lists of feeds but these.
pub(super) fn forget_lists(transaction: &Transaction<'_>, but: &[String]) -> Result<(), StoreError> {
    let gone = "DELETE FROM feed_list WHERE id NOT IN (SELECT value FROM json_each(?1))";
    transaction.execute(gone, params![json(&but)?])?;
    Ok(())
}

/// How much there is of everything.
pub(super) fn count(connection: &Connection) -> Result<Counts, StoreError> {
    let number = |query: &str| -> Result<u64, StoreError> {
        let number: i64 = connection.query_row(&format!("SELECT count(*) FROM {query}"), [], |row| row.get(0))?;
        Ok(u64::try_from(number).unwrap_or_default())
    };
    Ok(Counts {
        documents: number("document")?,
        stories: number("story")?,
        claims: number("claim")?,
        threads: number("thread")?,
        analyses: number("analysis")?,
        pending: number("outbox WHERE state = 'pending'")?,
        delivered: number("outbox WHERE state IN ('delivered', 'expired')")?,
        dead: number("outbox WHERE state = 'dead'")?,
        silenced: number("outbox WHERE state = 'silenced'")?,
        attempts: number("attempt")?,
    })
}

pub(super) fn all<R: DeserializeOwned>(connection: &Connection, table: &'static str) -> Result<Vec<R>, StoreError> {
    let mut statement = connection.prepare(&format!("SELECT id, record FROM {table} ORDER BY position"))?;
    let mut rows = statement.query([])?;
    let mut records = Vec::new();
    while let Some(row) = rows.next()? {
        records.push(parse(row, table)?);
    }
    Ok(records)
}

pub(super) fn parse<R: DeserializeOwned>(row: &Row<'_>, table: &'static str) -> Result<R, StoreError> {
    let json = row.get_ref("record")?.as_str().map_err(rusqlite::Error::from)?;
    serde_json::from_str(json).map_err(|error| corrupt(row, table, error.to_string()))
}

fn corrupt(row: &Row<'_>, table: &'static str, detail: String) -> StoreError {
    StoreError::Corrupt { table, id: row.get("id").unwrap_or_default(), detail }
}

fn read_stories(connection: &Connection) -> Result<Vec<StoryRecord>, StoreError> {
    let mut statement = connection.prepare(
        "SELECT id, record, packed FROM story LEFT JOIN fingerprint ON fingerprint.story = position ORDER BY position",
    )?;
    let mut rows = statement.query([])?;
    let mut stories = Vec::new();
    while let Some(row) = rows.next()? {
        let mut story: StoryRecord = parse(row, "story")?;
        let packed = row.get_ref("packed")?.as_blob_or_null().map_err(rusqlite::Error::from)?;
        story.fingerprint = packed
            .and_then(fingerprint::unpack)
            .ok_or_else(|| corrupt(row, "story", "its fingerprint is missing or damaged".to_owned()))?;
        stories.push(story);
    }
    Ok(stories)
}
