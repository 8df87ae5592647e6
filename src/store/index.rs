//! What claims and threads are found by: rows and words of an index that is written with them, so that a page of a million is read in
//! milliseconds. Everything in it can be made anew from the records. Read by `browse`.
//!
//! `claim_text` is a full-text index without texts of its own. Its `facts` are words of ours: the kind (`kdenial`), the language
//! (`leng`), the feed (`f` and its id in hexadecimal), and how sure the claim is (`c90`: 0.9 at least); a query for a rare kind with a
//! common word then meets the rows of both alone.

use std::hash::{Hash as _, Hasher as _};

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, params};
use rustc_hash::FxHasher;

use crate::model::{Alert, ClaimRecord, ThreadRecord};

use super::alert::{self, NewAlert};
use super::record::parse;
use super::{Commit, StoreError};

/// Degrees of sureness that are words, in hundredths.
pub(super) const DEGREES: [u8; 6] = [50, 60, 70, 80, 90, 95];

/// Indexes the claims and threads of a commit, which are written by now.
pub(super) fn write(transaction: &Connection, commit: &Commit) -> Result<(), StoreError> {
    commit.claims.iter().try_for_each(|claim| index_claim(transaction, claim))?;
    commit.threads.iter().try_for_each(|thread| index_thread(transaction, thread))
}

/// The word of a feed.
pub(super) fn feed_word(feed: &str) -> String {
    feed.bytes().fold("f".to_owned(), |word, byte| format!("{word}{byte:02x}"))
}

fn index_claim(transaction: &Connection, record: &ClaimRecord) -> Result<(), StoreError> {
    let id = record.id.to_string();
    let position: i64 =
        transaction.prepare_cached("SELECT position FROM claim WHERE id = ?1")?.query_row([&id], |row| row.get(0))?;
    let texts = Texts::of(transaction, record)?;
    let digest = texts.digest();
    let known: Option<i64> = transaction
        .prepare_cached("SELECT digest FROM claim_index WHERE claim = ?1")?
        .query_row([position], |row| row.get(0))
        .optional()?;
    // A claim is written each time it is seen, and its words seldom change.
    if known == Some(digest) {
        return Ok(());
    }
    let report = &record.report.claim;
    transaction
        .prepare_cached(
            "INSERT OR REPLACE INTO claim_index (claim, first_seen, kind, speaker, confidence, is_background, digest)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        )?
        .execute(params![
            position,
            record.first_seen.as_millisecond(),
            record.kind.as_str(),
            report.speaker.as_ref().map(|speaker| speaker.name.as_str()),
            report.confidence,
            report.background,
            digest
        ])?;
    if known.is_some() {
        transaction.prepare_cached("DELETE FROM claim_text WHERE rowid = ?1")?.execute([position])?;
        transaction.prepare_cached("DELETE FROM thread_claim WHERE claim = ?1")?.execute([position])?;
    }
    transaction
        .prepare_cached("INSERT INTO claim_text (rowid, speaker, outlets, words, facts) VALUES (?1, ?2, ?3, ?4, ?5)")?
        .execute(params![position, texts.speaker, texts.outlets, texts.words, texts.facts])?;
    let mut statement = transaction.prepare_cached("INSERT INTO thread_claim (thread, claim) VALUES (?1, ?2)")?;
    texts.threads.iter().try_for_each(|thread| statement.execute(params![thread, position]).map(drop))?;
    Ok(())
}

/// The words by which a claim is found.
struct Texts {
    speaker: String,
    outlets: String,
    words: String,
    facts: String,
    threads: Vec<String>,
}

impl Texts {
    fn of(transaction: &Connection, record: &ClaimRecord) -> Result<Self, StoreError> {
        let report = &record.report;
        let speaker = report.claim.speaker.as_ref();
        let names = speaker.into_iter().flat_map(|speaker| [Some(speaker.name.as_str()), speaker.role.as_deref()]);
        let mut outlets = vec![report.document.outlet.clone()];
        for story in &record.stories {
            let carried: Option<String> = transaction
                .prepare_cached("SELECT record->>'outlets' FROM story WHERE id = ?1")?
                .query_row([story.to_string()], |row| row.get(0))
                .optional()?
                .flatten();
            let carried: Vec<String> = serde_json::from_str(&carried.unwrap_or_default()).unwrap_or_default();
            outlets.extend(carried);
        }
        outlets.sort();
        outlets.dedup();
        let feed: Option<String> = transaction
            .prepare_cached("SELECT feed FROM analysis WHERE document = ?1 LIMIT 1")?
            .query_row([report.document.id.to_string()], |row| row.get(0))
            .optional()?;
        let words = [&report.evidence.sentence, &record.proposition.text, &report.document.headline];
        let words = words.into_iter().map(String::as_str).chain(report.claim.target.as_deref());
        let mut facts = vec![word_of_kind(record.kind.as_str()), format!("l{}", report.claim.language)];
        facts.extend(feed.map(|feed| feed_word(&feed)));
        let sure = |degree: &&u8| report.claim.confidence >= f64::from(**degree) / 100.0;
        facts.extend(DEGREES.iter().filter(sure).map(|degree| format!("c{degree}")));
        let threads = if record.threads.is_empty() {
            vec![record.thread.to_string()]
        } else {
            record.threads.iter().map(ToString::to_string).collect()
        };
        Ok(Self {
            speaker: names.flatten().collect::<Vec<_>>().join(" \n "),
            outlets: outlets.join(" \n "),
            words: words.collect::<Vec<_>>().join(" \n "),
            facts: facts.join(" "),
            threads,
        })
    }

    fn digest(&self) -> i64 {
        let mut hasher = FxHasher::default();
        (&self.speaker, &self.outlets, &self.words, &self.facts, &self.threads).hash(&mut hasher);
        hasher.finish().cast_signed()
    }
}

/// The word of a kind: one word also where its name is two.
pub(super) fn word_of_kind(kind: &str) -> String {
    format!("k{}", kind.replace('_', ""))
}

fn index_thread(transaction: &Connection, record: &ThreadRecord) -> Result<(), StoreError> {
    let id = record.id.to_string();
    let newest: Option<i64> = transaction
        .prepare_cached(
            "SELECT max(first_seen) FROM thread_claim JOIN claim_index USING (claim) WHERE thread_claim.thread = ?1",
        )?
        .query_row([&id], |row| row.get(0))?;
    let state = serde_json::to_value(record.state).unwrap_or_default();
    transaction
        .prepare_cached(
            "INSERT OR REPLACE INTO thread_index (thread, last_added, state, is_contradiction, answers)
             SELECT position, ?2, ?3, ?4, ?5 FROM thread WHERE id = ?1",
        )?
        .execute(params![
            id,
            newest.unwrap_or(record.last_seen.as_millisecond()),
            state.as_str().unwrap_or_default(),
            record.has_contradiction,
            i64::try_from(record.stances.len()).unwrap_or(i64::MAX)
        ])?;
    Ok(())
}

/// Fills the index and the alerts of a database of before there were any.
pub(super) fn fill(transaction: &Connection) -> Result<(), StoreError> {
    let claims = each(transaction, "claim", |record| index_claim(transaction, &record))?;
    let threads = each(transaction, "thread", |record| index_thread(transaction, &record))?;
    let alerts = fill_alerts(transaction)?;
    if claims + threads + alerts > 0 {
        tracing::info!(alerts, "the database was indexed for looking things up: {claims} claims, {threads} threads");
    }
    Ok(())
}

fn each<R: serde::de::DeserializeOwned>(
    connection: &Connection,
    table: &'static str,
    mut act: impl FnMut(R) -> Result<(), StoreError>,
) -> Result<u64, StoreError> {
    let mut statement = connection.prepare(&format!("SELECT id, record FROM {table} ORDER BY position"))?;
    let mut rows = statement.query([])?;
    let mut count = 0;
    while let Some(row) = rows.next()? {
        act(parse(row, table)?)?;
        count += 1;
    }
    Ok(count)
}

/// The alerts whose bodies are still kept for a sink.
fn fill_alerts(transaction: &Connection) -> Result<u64, StoreError> {
    let now: Option<String> = transaction.query_row("SELECT now FROM desk", [], |row| row.get(0)).optional()?;
    let now = now.and_then(|now| now.parse::<Timestamp>().ok()).unwrap_or(Timestamp::MAX);
    let mut statement = transaction.prepare(
        "SELECT min(position), body, CASE WHEN state = 'pending' AND attempts = 0 THEN due ELSE 0 END
         FROM outbox JOIN outbox_body ON outbox_body.outbox = outbox.position
         WHERE state <> 'silenced' GROUP BY alert ORDER BY 1",
    )?;
    let mut rows = statement.query([])?;
    let mut count = 0;
    while let Some(row) = rows.next()? {
        let body: Vec<u8> = row.get(1)?;
        let due = Timestamp::from_millisecond(row.get(2)?).unwrap_or(Timestamp::MIN);
        // One that is not to be read is no reason not to start: it was sent all the same.
        let Some((alert, json)) = alert_of(&body) else { continue };
        if due > now {
            alert::hold(transaction, &NewAlert { alert, json, due })?;
        } else {
            alert::insert(transaction, &alert, &json)?;
        }
        count += 1;
    }
    Ok(count)
}

/// The alert in the bytes that go to a sink, alone or in a webhook's envelope, with its own bytes.
pub(super) fn alert_of(body: &[u8]) -> Option<(Alert, String)> {
    #[derive(serde::Deserialize)]
    struct Envelope<'a> {
        #[serde(borrow)]
        data: &'a serde_json::value::RawValue,
    }
    let text = std::str::from_utf8(body).ok()?.trim_end();
    let json = serde_json::from_str::<Envelope<'_>>(text).map_or(text, |envelope| envelope.data.get());
    Some((serde_json::from_str(json).ok()?, json.to_owned()))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::model::{AlertId, AlertType, Priority};
    use crate::store::schema;

    fn new_alert(name: &[u8], time: &str, due: Timestamp) -> NewAlert {
        let priority = Priority { score: 40, reasons: Vec::new() };
        let alert = Alert::new(
            AlertId::of(&[name]),
            AlertType::FeedFailing,
            time.parse().unwrap(),
            priority,
            "it Fails".to_owned(),
        );
        let json = serde_json::to_string(&alert).unwrap();
        NewAlert { alert, json, due }
    }

    fn positions(connection: &Connection) -> String {
        let query =
            "SELECT coalesce(group_concat(position || words, ' '), '') FROM (SELECT * FROM alert ORDER BY position)";
        connection.query_row(query, [], |row| row.get(0)).unwrap()
    }

    #[test]
    fn what_an_embargo_holds_comes_later_under_a_later_position_and_nothing_comes_twice() {
        let mut connection = Connection::open_in_memory().unwrap();
        schema::prepare(&mut connection, Path::new("memory")).unwrap();
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        let (first, later) = (at("2026-03-31T08:00:00Z"), at("2026-03-31T09:00:00Z"));
        let held = new_alert(b"held", "2026-03-31T08:00:00Z", later);
        let open = new_alert(b"open", "2026-03-31T08:00:00Z", Timestamp::UNIX_EPOCH);
        let commit = Commit { alerts: vec![held, open], ..Commit::new(first, 0) };
        let transaction = connection.transaction().unwrap();
        alert::write(&transaction, &commit).unwrap();
        assert_eq!(positions(&transaction), "1it fails");
        assert!(!alert::is_due(&transaction, first).unwrap() && alert::is_due(&transaction, later).unwrap());
        alert::release(&transaction, later).unwrap();
        // A second commit of the same alerts, as after a crash, changes nothing.
        alert::write(&transaction, &Commit { now: later, ..commit }).unwrap();
        assert_eq!(positions(&transaction), "1it fails 2it fails");
        assert!(!alert::is_due(&transaction, Timestamp::MAX).unwrap());
        alert::write(&transaction, &Commit::new(at("2026-06-01T00:00:00Z"), 0)).unwrap();
        assert_eq!(positions(&transaction), "");
        let next = new_alert(b"next", "2026-06-01T00:00:00Z", Timestamp::UNIX_EPOCH);
        alert::write(&transaction, &Commit { alerts: vec![next], ..Commit::new(at("2026-06-01T00:00:01Z"), 0) })
            .unwrap();
        let (position, _) = positions(&transaction)
            .split_once("it")
            .map(|(at, rest)| (at.parse::<i64>().unwrap(), rest.len()))
            .unwrap();
        assert!(position > 2, "positions are not given again: {position}");
    }

    #[test]
    fn alerts_are_found_in_what_went_to_sinks() {
        let one = new_alert(b"one", "2026-03-31T08:00:00Z", Timestamp::UNIX_EPOCH);
        let bare = alert_of(format!("{}\n", one.json).as_bytes()).unwrap();
        let envelope = format!(r#"{{"type":"feed.failing","timestamp":"2026-03-31T08:00:00Z","data":{}}}"#, one.json);
        assert_eq!(
            (bare.clone(), alert_of(envelope.as_bytes()).unwrap()),
            ((one.alert.clone(), one.json.clone()), bare)
        );
        assert_eq!(alert_of(b"<html>"), None);
    }
}
