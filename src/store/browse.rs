//! Pages of claims, threads and alerts by filter, the newest first, and sums over a period: what the API reads. Each query runs on an
//! index and stops when its page is full; `View::limit_time` bounds the rest.

use std::collections::BTreeMap;
use std::time::Instant;

use jiff::Timestamp;
use rusqlite::types::Value;
use rusqlite::{OptionalExtension as _, Row, params, params_from_iter};

use crate::model::{AlertId, ClaimRecord, Kind, ThreadId, ThreadRecord};

use super::record::parse;
use super::vocabulary::beginnings;
use super::words::ClaimWords;
use super::{StoreError, View};

/// Steps of SQLite between two looks at the clock.
const STEPS_BETWEEN_LOOKS: i32 = 20_000;
/// Newest claims that fit, of which threads are looked for.
const CLAIMS_OF_THREADS_MAX: u32 = 5_000;

/// Which claims.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ClaimFilter {
    /// What they say.
    pub words: ClaimWords,
    /// In this thread.
    pub thread: Option<ThreadId>,
    /// First seen then or later.
    pub since: Option<Timestamp>,
    /// First seen before or then.
    pub until: Option<Timestamp>,
    /// Old acts, retold, or none.
    pub background: Option<bool>,
    /// Behind this position.
    pub before: Option<i64>,
    /// At most so many.
    pub limit: u32,
}

/// Where a thread stands in its list: when something was last added to it, in milliseconds since 1970, and its position.
pub type Added = (i64, i64);

/// Which threads.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ThreadFilter {
    /// What one of their claims says.
    pub words: ClaimWords,
    /// In one of these states, as the contract names them.
    pub states: Vec<String>,
    /// Outlets disagree, or do not.
    pub contradiction: Option<bool>,
    /// Last added to then or later.
    pub since: Option<Timestamp>,
    /// Last added to before or then.
    pub until: Option<Timestamp>,
    /// Behind this: when something was added, and the position.
    pub before: Option<Added>,
    /// At most so many.
    pub limit: u32,
}

/// Which alerts. Texts are folded by whoever gives them.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct AlertFilter {
    /// About claims of one of these kinds.
    pub kinds: Vec<Kind>,
    /// Of one of these types, as the contract names them.
    pub types: Vec<String>,
    /// What is part of the speaker's name or role.
    pub speaker: Option<String>,
    /// What is part of an outlet's name.
    pub outlet: Option<String>,
    /// What is part of its texts.
    pub text: Option<String>,
    /// In this thread.
    pub thread: Option<ThreadId>,
    /// As sure as this.
    pub confidence_min: Option<f64>,
    /// Dated then or later.
    pub since: Option<Timestamp>,
    /// Dated before or then.
    pub until: Option<Timestamp>,
    /// In one of these of [`ALERT_STATES`].
    pub states: Vec<String>,
}

impl AlertFilter {
    /// Whether an alert fits: the same as the query of [`View::alerts`] says.
    pub fn fits(&self, row: &AlertRow) -> bool {
        (self.states.is_empty() || self.states.contains(&row.state)) && self.fits_in_some_state(row)
    }

    /// Whether it fits, whatever becomes of it.
    pub fn fits_in_some_state(&self, row: &AlertRow) -> bool {
        let is_in =
            |needle: &Option<String>, text: &str| needle.as_ref().is_none_or(|needle| text.contains(needle.as_str()));
        (self.kinds.is_empty() || self.kinds.iter().any(|kind| row.kind.as_deref() == Some(kind.as_str())))
            && (self.types.is_empty() || self.types.contains(&row.alert_type))
            && is_in(&self.speaker, &row.speaker)
            && is_in(&self.outlet, &row.outlets)
            && is_in(&self.text, &row.words)
            && self.thread.is_none_or(|thread| row.thread.as_deref() == Some(thread.to_string().as_str()))
            && self.confidence_min.is_none_or(|min| row.confidence.is_some_and(|confidence| confidence >= min))
            && self.since.is_none_or(|since| row.time >= since.as_millisecond())
            && self.until.is_none_or(|until| row.time <= until.as_millisecond())
    }
}

/// An alert as it is kept.
#[derive(Debug, Clone, PartialEq)]
pub struct AlertRow {
    /// Its place, which only rises.
    pub position: i64,
    /// Its JSON on one line.
    pub json: String,
    /// One of [`ALERT_STATES`].
    pub state: String,
    /// For which sinks it waits, why, since when and until when, as a JSON array on one line.
    pub held: String,
    time: i64,
    alert_type: String,
    kind: Option<String>,
    thread: Option<String>,
    confidence: Option<f64>,
    speaker: String,
    outlets: String,
    words: String,
}

/// What becomes of an alert: it goes or went out, by itself or in another; it waits for every sink that is to have it; it was taken back
/// before anybody was told; it is kept back for good.
pub const ALERT_STATES: [&str; 4] = ["out", "held", "taken_back", "silenced"];

/// What becomes of an alert, as the outbox and the holds say.
const STATE: &str = "
    CASE WHEN EXISTS (SELECT 1 FROM outbox WHERE outbox.alert = alert.id AND state <> 'silenced') THEN 'out'
         WHEN EXISTS (SELECT 1 FROM hold WHERE hold.alert = alert.id AND ended IS NULL) THEN 'held'
         WHEN EXISTS (SELECT 1 FROM hold WHERE hold.alert = alert.id AND is_told) THEN 'out'
         WHEN EXISTS (SELECT 1 FROM hold WHERE hold.alert = alert.id) THEN 'taken_back'
         ELSE 'silenced' END";

/// For which sinks it waits.
const HELD: &str = "
    (SELECT json_group_array(json_object('sink', sink, 'reason', reason,
         'since', strftime('%Y-%m-%dT%H:%M:%SZ', since / 1000, 'unixepoch'),
         'until', CASE WHEN until < 253402207200000 THEN strftime('%Y-%m-%dT%H:%M:%SZ', until / 1000, 'unixepoch') END))
     FROM (SELECT * FROM hold WHERE hold.alert = alert.id AND ended IS NULL ORDER BY sink))";

/// The columns of an alert.
fn alert_columns() -> String {
    format!("*, {STATE} AS state, {HELD} AS held")
}

/// Numbers of a speaker in a period.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Sums {
    /// The speaker.
    pub name: String,
    /// Claims.
    pub claims: u64,
    /// Denials among them.
    pub denials: u64,
    /// Allegations among them.
    pub allegations: u64,
}

/// What was claimed in a period.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Trends {
    /// Claims by kind and by the number of the bucket since 1970.
    pub kinds: BTreeMap<String, BTreeMap<i64, u64>>,
    /// Who made most claims.
    pub speakers: Vec<Sums>,
}

/// A query that is put together of conditions.
struct Conditions {
    text: Vec<String>,
    values: Vec<Value>,
}

impl Conditions {
    fn new() -> Self {
        Self { text: Vec::new(), values: Vec::new() }
    }

    /// Adds a condition: its first `?` is where its value goes, others have the number of a value that is there.
    fn add(&mut self, condition: &str, value: impl Into<Value>) {
        self.values.push(value.into());
        self.text.push(condition.replacen('?', &format!("?{}", self.values.len()), 1));
    }

    fn maybe(&mut self, condition: &str, value: Option<impl Into<Value>>) {
        if let Some(value) = value {
            self.add(condition, value);
        }
    }

    fn one_of<'a>(&mut self, column: &str, values: impl Iterator<Item = &'a str>) {
        let places: Vec<String> = values
            .map(|value| {
                self.values.push(value.to_owned().into());
                format!("?{}", self.values.len())
            })
            .collect();
        if !places.is_empty() {
            self.text.push(format!("{column} IN ({})", places.join(", ")));
        }
    }

    fn clause(&self) -> String {
        if self.text.is_empty() { String::new() } else { format!("WHERE {}", self.text.join(" AND ")) }
    }
}

impl View {
    /// From now on a query that runs after `deadline` fails.
    ///
    /// # Errors
    /// When SQLite cannot be told.
    pub fn limit_time(&mut self, deadline: Instant) -> Result<(), StoreError> {
        self.connection.progress_handler(STEPS_BETWEEN_LOOKS, Some(move || Instant::now() > deadline))?;
        Ok(())
    }

    /// Lets go of the moment that is read as of; [`View::renew`] goes on with the present one.
    ///
    /// # Errors
    /// When the database cannot be read; so below.
    pub fn rest(&self) -> Result<(), StoreError> {
        Ok(self.connection.execute_batch("COMMIT")?)
    }

    /// Reads as of now.
    ///
    /// # Errors
    /// As above.
    pub fn renew(&self) -> Result<(), StoreError> {
        Ok(self.connection.execute_batch("BEGIN")?)
    }

    /// A page of claims with their positions, the newest first.
    ///
    /// # Errors
    /// As above.
    pub fn claims_page(&self, filter: &ClaimFilter) -> Result<Vec<(i64, ClaimRecord)>, StoreError> {
        let mut conditions = Conditions::new();
        let expression = filter.words.expression(&|word| beginnings(&self.connection, word))?;
        let place = if expression.is_some() { "claim_text.rowid" } else { "claim_index.claim" };
        let from = if expression.is_some() {
            "claim_text CROSS JOIN claim_index ON claim_index.claim = claim_text.rowid"
        } else {
            "claim_index"
        };
        conditions.maybe("claim_text MATCH ?", expression);
        conditions.maybe(&format!("{place} < ?"), filter.before);
        if let Some(since) = filter.since {
            conditions.maybe(&format!("{place} >= ?"), Some(self.first_since(since)?));
            conditions.add("claim_index.first_seen >= ?", since.as_millisecond());
        }
        if let Some(until) = filter.until {
            conditions.maybe(&format!("{place} <= ?"), Some(self.last_until(until)?));
            conditions.add("claim_index.first_seen <= ?", until.as_millisecond());
        }
        conditions.maybe("claim_index.confidence >= ?", filter.words.confidence_min);
        conditions.maybe("claim_index.is_background = ?", filter.background);
        conditions.maybe(
            &format!("{place} IN (SELECT claim FROM thread_claim WHERE thread = ?)"),
            filter.thread.map(|thread| thread.to_string()),
        );
        let query = format!(
            "SELECT claim.position, claim.id, claim.record FROM {from} CROSS JOIN claim ON claim.position = {place} {}
             ORDER BY {place} DESC LIMIT {}",
            conditions.clause(),
            filter.limit
        );
        let mut statement = self.connection.prepare(&query)?;
        let mut rows = statement.query(params_from_iter(conditions.values))?;
        let mut found = Vec::new();
        while let Some(row) = rows.next()? {
            found.push((row.get(0)?, parse(row, "claim")?));
        }
        Ok(found)
    }

    /// The first claim that was first seen then or later: the desk's clock only rises, and positions with it.
    fn first_since(&self, since: Timestamp) -> Result<i64, StoreError> {
        let query = "SELECT min(claim) FROM (SELECT claim FROM claim_index WHERE first_seen >= ?1
                     ORDER BY first_seen LIMIT 1000)";
        let found: Option<i64> = self.connection.query_row(query, [since.as_millisecond()], |row| row.get(0))?;
        Ok(found.unwrap_or(i64::MAX))
    }

    fn last_until(&self, until: Timestamp) -> Result<i64, StoreError> {
        let query = "SELECT max(claim) FROM (SELECT claim FROM claim_index WHERE first_seen <= ?1
                     ORDER BY first_seen DESC LIMIT 1000)";
        let found: Option<i64> = self.connection.query_row(query, [until.as_millisecond()], |row| row.get(0))?;
        Ok(found.unwrap_or(i64::MIN))
    }

    /// A page of threads, that which something was last added to first, each with when that was and its position.
    ///
    /// # Errors
    /// As above.
    pub fn threads_page(&self, filter: &ThreadFilter) -> Result<Vec<(Added, ThreadRecord)>, StoreError> {
        let mut conditions = Conditions::new();
        if let Some(expression) = filter.words.expression(&|word| beginnings(&self.connection, word))? {
            conditions.add(
                &format!(
                    "thread.id IN (SELECT thread_claim.thread FROM (SELECT rowid AS claim FROM claim_text
                     WHERE claim_text MATCH ? ORDER BY rowid DESC LIMIT {CLAIMS_OF_THREADS_MAX})
                     CROSS JOIN thread_claim USING (claim))"
                ),
                expression,
            );
        }
        conditions.one_of("thread_index.state", filter.states.iter().map(String::as_str));
        conditions.maybe("thread_index.is_contradiction = ?", filter.contradiction);
        conditions.maybe("thread_index.last_added >= ?", filter.since.map(Timestamp::as_millisecond));
        conditions.maybe("thread_index.last_added <= ?", filter.until.map(Timestamp::as_millisecond));
        if let Some((added, position)) = filter.before {
            conditions.add("thread_index.last_added <= ?", added);
            let at = conditions.values.len();
            conditions.add(&format!("(thread_index.thread < ? OR thread_index.last_added < ?{at})"), position);
        }
        let query = format!(
            "SELECT thread_index.last_added, thread.position, thread.id, thread.record
             FROM thread_index CROSS JOIN thread ON thread.position = thread_index.thread {}
             ORDER BY thread_index.last_added DESC, thread_index.thread DESC LIMIT {}",
            conditions.clause(),
            filter.limit
        );
        let mut statement = self.connection.prepare(&query)?;
        let mut rows = statement.query(params_from_iter(conditions.values))?;
        let mut found = Vec::new();
        while let Some(row) = rows.next()? {
            found.push(((row.get(0)?, row.get(1)?), parse(row, "thread")?));
        }
        Ok(found)
    }

    /// The threads of a period that most respondents answered.
    ///
    /// # Errors
    /// As above.
    pub fn contested(
        &self,
        (since, until): (Timestamp, Timestamp),
        limit: u32,
    ) -> Result<Vec<ThreadRecord>, StoreError> {
        let mut statement = self.connection.prepare(
            "SELECT id, record FROM thread_index CROSS JOIN thread ON thread.position = thread_index.thread
             WHERE last_added BETWEEN ?1 AND ?2 AND answers > 0 ORDER BY answers DESC, last_added DESC LIMIT ?3",
        )?;
        let mut rows = statement.query(params![since.as_millisecond(), until.as_millisecond(), limit])?;
        let mut found = Vec::new();
        while let Some(row) = rows.next()? {
            found.push(parse(row, "thread")?);
        }
        Ok(found)
    }

    /// Claims of a period by kind and bucket, and who made most of them.
    ///
    /// # Errors
    /// As above.
    pub fn trends(
        &self,
        (since, until): (Timestamp, Timestamp),
        bucket_ms: i64,
        speakers_max: u32,
    ) -> Result<Trends, StoreError> {
        let mut trends = Trends::default();
        let period = [since.as_millisecond(), until.as_millisecond()];
        let mut statement = self.connection.prepare(
            "SELECT kind, first_seen / ?3, count(*) FROM claim_index WHERE first_seen BETWEEN ?1 AND ?2 GROUP BY 1, 2",
        )?;
        let mut rows = statement.query(params![period[0], period[1], bucket_ms])?;
        while let Some(row) = rows.next()? {
            let kind: String = row.get(0)?;
            trends.kinds.entry(kind).or_default().insert(row.get(1)?, unsigned(row, 2)?);
        }
        let mut statement = self.connection.prepare(
            "SELECT speaker, count(*) AS claims, sum(kind = 'denial'), sum(kind = 'allegation') FROM claim_index
             WHERE first_seen BETWEEN ?1 AND ?2 AND speaker IS NOT NULL
             GROUP BY speaker ORDER BY claims DESC, speaker LIMIT ?3",
        )?;
        let mut rows = statement.query(params![period[0], period[1], speakers_max])?;
        while let Some(row) = rows.next()? {
            trends.speakers.push(Sums {
                name: row.get(0)?,
                claims: unsigned(row, 1)?,
                denials: unsigned(row, 2)?,
                allegations: unsigned(row, 3)?,
            });
        }
        Ok(trends)
    }

    /// A page of alerts behind a position, the newest first.
    ///
    /// # Errors
    /// As above.
    pub fn alerts(&self, filter: &AlertFilter, before: Option<i64>, limit: u32) -> Result<Vec<AlertRow>, StoreError> {
        let mut conditions = Conditions::new();
        conditions.maybe("position < ?", before);
        conditions.one_of("kind", filter.kinds.iter().map(|kind| kind.as_str()));
        conditions.one_of("type", filter.types.iter().map(String::as_str));
        conditions.maybe("thread = ?", filter.thread.map(|thread| thread.to_string()));
        conditions.maybe("confidence >= ?", filter.confidence_min);
        conditions.maybe("time >= ?", filter.since.map(Timestamp::as_millisecond));
        conditions.maybe("time <= ?", filter.until.map(Timestamp::as_millisecond));
        conditions.maybe("instr(speaker, ?) > 0", filter.speaker.clone());
        conditions.maybe("instr(outlets, ?) > 0", filter.outlet.clone());
        conditions.maybe("instr(words, ?) > 0", filter.text.clone());
        if !filter.states.is_empty() {
            // What waits or was taken back is among the holds, which are few.
            let is_hold = |state: &String| ["held", "taken_back"].contains(&state.as_str());
            if filter.states.iter().all(is_hold) {
                conditions.text.push("id IN (SELECT alert FROM hold)".to_owned());
            }
            conditions.one_of(STATE, filter.states.iter().map(String::as_str));
        }
        let (columns, conditions_of, values) = (alert_columns(), conditions.clause(), conditions.values);
        let query = format!("SELECT {columns} FROM alert {conditions_of} ORDER BY position DESC LIMIT {limit}");
        let mut statement = self.connection.prepare(&query)?;
        let rows = statement.query_map(params_from_iter(values), alert)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// The alerts behind a position in the order of their release, at most so many.
    ///
    /// # Errors
    /// As above.
    pub fn alerts_after(&self, position: i64, limit: u32) -> Result<Vec<AlertRow>, StoreError> {
        let columns = alert_columns();
        let query = format!("SELECT {columns} FROM alert WHERE position > ?1 ORDER BY position LIMIT ?2");
        let mut statement = self.connection.prepare_cached(&query)?;
        let rows = statement.query_map([position, i64::from(limit)], alert)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// An alert, while it is kept.
    ///
    /// # Errors
    /// As above.
    pub fn alert(&self, id: AlertId) -> Result<Option<AlertRow>, StoreError> {
        let query = format!("SELECT {} FROM alert WHERE id = ?1", alert_columns());
        Ok(self.connection.query_row(&query, [id.to_string()], alert).optional()?)
    }

    /// Where alerts wait now: by the position of each hold the place, which is another one when it goes on waiting for something else. Of holds
    /// behind the position `after`, if one is given, also those that have ended already, each with an empty place. With the last position of a
    /// hold, which is to be given the next time.
    ///
    /// # Errors
    /// As above.
    pub fn waiting_places(&self, after: Option<i64>) -> Result<(BTreeMap<i64, String>, i64), StoreError> {
        // Before the places: what begins in between is read once more the next time.
        let newest = self.connection.query_row("SELECT coalesce(max(position), 0) FROM hold", [], |row| row.get(0))?;
        let query = "SELECT position, place || ' ' || reason FROM hold WHERE ended IS NULL
                     UNION ALL SELECT position, '' FROM hold WHERE position > ?1 AND ended IS NOT NULL";
        let mut statement = self.connection.prepare_cached(query)?;
        let rows = statement.query_map([after.unwrap_or(newest)], |row| Ok((row.get(0)?, row.get(1)?)))?;
        Ok((rows.collect::<Result<_, _>>()?, newest))
    }

    /// The alerts that these holds are or were about, each once, while they are kept.
    ///
    /// # Errors
    /// As above.
    pub fn alerts_of_holds(&self, holds: &[i64]) -> Result<Vec<AlertRow>, StoreError> {
        let places = vec!["?"; holds.len()].join(", ");
        let columns = alert_columns();
        let query = format!(
            "SELECT {columns} FROM alert WHERE id IN (SELECT alert FROM hold WHERE position IN ({places})) ORDER BY position"
        );
        let mut statement = self.connection.prepare(&query)?;
        let rows = statement.query_map(params_from_iter(holds), alert)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// The first position that is kept and the last that was ever given; zero where there is none.
    ///
    /// # Errors
    /// As above.
    pub fn alert_positions(&self) -> Result<(i64, i64), StoreError> {
        let first = "SELECT coalesce(min(position), 0) FROM alert";
        let last = "SELECT coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'alert'), 0)";
        let one = |query: &str| self.connection.query_row(query, [], |row| row.get(0));
        Ok((one(first)?, one(last)?))
    }

    /// How many alerts are kept.
    ///
    /// # Errors
    /// As above.
    pub fn alert_count(&self) -> Result<u64, StoreError> {
        Ok(self.connection.query_row("SELECT count(*) FROM alert", [], |row| unsigned(row, 0))?)
    }

    /// How much there is of everything.
    ///
    /// # Errors
    /// As above.
    pub fn counts(&self) -> Result<super::Counts, StoreError> {
        super::record::count(&self.connection)
    }

    /// Documents that came and are yet to be read.
    ///
    /// # Errors
    /// As above.
    pub fn waiting_documents(&self) -> Result<u64, StoreError> {
        Ok(self.connection.query_row("SELECT count(*) FROM backlog", [], |row| unsigned(row, 0))?)
    }

    /// Alerts by sink and state.
    ///
    /// # Errors
    /// As above.
    pub fn delivery_counts(&self) -> Result<BTreeMap<(String, String), u64>, StoreError> {
        let mut statement = self.connection.prepare("SELECT sink, state, count(*) FROM outbox GROUP BY 1, 2")?;
        let rows = statement.query_map([], |row| Ok(((row.get(0)?, row.get(1)?), unsigned(row, 2)?)))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// When a sink last took an alert.
    ///
    /// # Errors
    /// As above.
    pub fn last_success(&self, sink: &str) -> Result<Option<Timestamp>, StoreError> {
        let query = "SELECT max(settled) FROM outbox WHERE state = 'delivered' AND sink = ?1";
        let found: Option<i64> = self.connection.query_row(query, [sink], |row| row.get(0))?;
        Ok(found.and_then(|at| Timestamp::from_millisecond(at).ok()))
    }

    /// How many alerts were kept back by a reason that begins so.
    ///
    /// # Errors
    /// As above.
    pub fn silenced_by(&self, beginning: &str) -> Result<u64, StoreError> {
        let query = "SELECT count(*) FROM outbox WHERE state = 'silenced' AND substr(reason, 1, length(?1)) = ?1";
        Ok(self.connection.query_row(query, [beginning], |row| unsigned(row, 0))?)
    }

    /// Texts of a feed by the moment of the poll that brought them, in milliseconds, from `since` on.
    ///
    /// # Errors
    /// As above.
    pub fn arrivals_of(&self, feed: &str, since: Timestamp) -> Result<BTreeMap<i64, u64>, StoreError> {
        let query =
            "SELECT first_seen, count(*) FROM analysis WHERE feed = ?1 AND first_seen >= ?2 GROUP BY first_seen";
        let mut statement = self.connection.prepare(query)?;
        let rows =
            statement.query_map(params![feed, since.as_millisecond()], |row| Ok((row.get(0)?, unsigned(row, 1)?)))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Documents of each feed by the hour of their arrival, from `since` on.
    ///
    /// # Errors
    /// As above.
    pub fn arrivals(&self, since: Timestamp) -> Result<BTreeMap<(String, i64), u64>, StoreError> {
        let query = "SELECT feed, first_seen / 3600000, count(*) FROM analysis WHERE first_seen >= ?1 GROUP BY 1, 2";
        let mut statement = self.connection.prepare(query)?;
        let rows =
            statement.query_map([since.as_millisecond()], |row| Ok(((row.get(0)?, row.get(1)?), unsigned(row, 2)?)))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }
}

fn unsigned(row: &Row<'_>, column: usize) -> rusqlite::Result<u64> {
    Ok(u64::try_from(row.get::<_, i64>(column)?).unwrap_or_default())
}

fn alert(row: &Row<'_>) -> rusqlite::Result<AlertRow> {
    Ok(AlertRow {
        position: row.get("position")?,
        json: row.get("record")?,
        state: row.get("state")?,
        held: row.get("held")?,
        time: row.get("time")?,
        alert_type: row.get("type")?,
        kind: row.get("kind")?,
        thread: row.get("thread")?,
        confidence: row.get("confidence")?,
        speaker: row.get("speaker")?,
        outlets: row.get("outlets")?,
        words: row.get("words")?,
    })
}
