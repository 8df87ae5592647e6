//! Which alerts are held for which sinks, why, and whether they were told in the end: rows that follow the records of budgets and groups
//! in the commits that write these. Read by `browse`, and by the desk, so that what comes again is held or sent once.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use rusqlite::{Connection, params};

use crate::model::{Alert, AlertId, AlertType, BudgetRecord, ClaimId, DigestCause, DropCause, GroupRecord, HeldList};

use super::{Commit, StoreError, record};

/// An alert that a record holds.
struct Waiting<'a> {
    alert: AlertId,
    alert_type: AlertType,
    claim: Option<ClaimId>,
    /// The sink whose endpoint it is about.
    about: Option<&'a str>,
    reason: &'static str,
    until: Option<Timestamp>,
}

/// What a sink is told by a commit.
#[derive(Default)]
struct Told {
    alerts: BTreeSet<AlertId>,
    riders: BTreeSet<ClaimId>,
}

/// Why a group holds its members.
const GROUP: &str = "group";

/// Follows what a commit changes of budgets and groups.
pub(super) fn write(transaction: &Connection, commit: &Commit) -> Result<(), StoreError> {
    if commit.budgets.is_empty() && commit.groups.is_empty() && commit.forgotten.groups.is_empty() {
        return Ok(());
    }
    let rows = Rows { transaction, now: commit.now, told: told(commit) };
    for ended in &commit.forgotten.groups {
        rows.end(ended, &BTreeSet::new())?;
    }
    rows.follow(&commit.groups, &commit.budgets)
}

/// Makes the rows of a database of before there were any.
pub(super) fn fill(transaction: &Connection, now: Timestamp) -> Result<(), StoreError> {
    let rows = Rows { transaction, now, told: BTreeMap::new() };
    let groups: Vec<GroupRecord> = record::all(transaction, "held_group")?;
    let budgets: Vec<BudgetRecord> = record::all(transaction, "budget")?;
    rows.follow(&groups, &budgets)
}

/// The sinks that an alert was sent to, is kept from, or waits for; or that were told of it in another alert. Not those that it is kept
/// from because its document was forgotten, which has come again then.
pub(super) fn sinks_of(connection: &Connection, alert: AlertId) -> Result<Vec<String>, StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT sink FROM outbox WHERE alert = ?1 AND NOT (state = 'silenced' AND reason = ?2)
         UNION SELECT sink FROM hold WHERE alert = ?1 AND (ended IS NULL OR is_told) ORDER BY sink",
    )?;
    let sinks = statement.query_map([alert.to_string().as_str(), DropCause::Forgotten.reason()], |row| row.get(0))?;
    Ok(sinks.collect::<Result<_, _>>()?)
}

/// How many alerts each sink waits for that is none of `sinks`, in groups and for digests, in order of their names.
pub(super) fn of_others(connection: &Connection, sinks: &[String]) -> Result<Vec<(String, u64)>, StoreError> {
    let mut statement =
        connection.prepare("SELECT sink, count(*) FROM hold WHERE ended IS NULL GROUP BY sink ORDER BY sink")?;
    let found = statement.query_map([], |row| Ok((row.get(0)?, row.get::<_, i64>(1)?)))?;
    let found: Vec<(String, i64)> = found.collect::<Result<_, _>>()?;
    let others = found.into_iter().filter(|(sink, _)| !sinks.contains(sink));
    Ok(others.map(|(sink, count)| (sink, u64::try_from(count).unwrap_or_default())).collect())
}

/// What each sink is told.
fn told(commit: &Commit) -> BTreeMap<&str, Told> {
    let alerts: BTreeMap<AlertId, &Alert> = commit.alerts.iter().map(|one| (one.alert.id, &one.alert)).collect();
    let mut told: BTreeMap<&str, Told> = BTreeMap::new();
    for row in &commit.outbox {
        let of_sink = told.entry(row.sink.as_str()).or_default();
        of_sink.alerts.insert(row.alert);
        let Some(alert) = alerts.get(&row.alert) else { continue };
        of_sink.riders.extend(&alert.also);
        for entry in alert.digest.iter().flat_map(|digest| &digest.alerts) {
            of_sink.alerts.insert(entry.id);
            of_sink.riders.extend(&entry.also);
        }
    }
    told
}

/// The rows, in a transaction.
struct Rows<'a> {
    transaction: &'a Connection,
    now: Timestamp,
    told: BTreeMap<&'a str, Told>,
}

impl Rows<'_> {
    /// Groups first: what leaves one may wait for a digest from then on.
    fn follow(&self, groups: &[GroupRecord], budgets: &[BudgetRecord]) -> Result<(), StoreError> {
        for group in groups {
            self.keep(&group.sink, &group.key(), &members(group))?;
        }
        budgets.iter().try_for_each(|budget| self.keep(&budget.sink, &digests_of(&budget.sink), &entries(budget)))
    }

    /// What waits in a place, which is a group or the digests of a sink.
    fn keep(&self, sink: &str, place: &str, waiting: &[Waiting<'_>]) -> Result<(), StoreError> {
        self.end(place, &waiting.iter().map(|one| one.alert).collect())?;
        let mut statement = self.transaction.prepare_cached(
            "INSERT INTO hold (alert, sink, type, claim, about, place, reason, since, until)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)
             ON CONFLICT (alert, sink) DO UPDATE
             SET place = excluded.place, reason = excluded.reason, until = excluded.until, ended = NULL, is_told = 0
             WHERE (place, reason, until, ended) IS NOT (excluded.place, excluded.reason, excluded.until, NULL)",
        )?;
        for one in waiting {
            statement.execute(params![
                one.alert.to_string(),
                sink,
                one.alert_type.as_str(),
                one.claim.map(|claim| claim.to_string()),
                one.about,
                place,
                one.reason,
                self.now.as_millisecond(),
                one.until.map(Timestamp::as_millisecond),
            ])?;
        }
        Ok(())
    }

    /// What left a place: told, or taken back.
    fn end(&self, place: &str, but: &BTreeSet<AlertId>) -> Result<(), StoreError> {
        let mut open = self
            .transaction
            .prepare_cached("SELECT position, alert, sink, claim FROM hold WHERE place = ?1 AND ended IS NULL")?;
        let mut end =
            self.transaction.prepare_cached("UPDATE hold SET ended = ?2, is_told = ?3 WHERE position = ?1")?;
        let mut rows = open.query([place])?;
        let mut gone: Vec<(i64, bool)> = Vec::new();
        while let Some(row) = rows.next()? {
            let (alert, sink, claim): (String, String, Option<String>) = (row.get(1)?, row.get(2)?, row.get(3)?);
            // An id that is none was damaged by hand; nothing waits under it.
            let (alert, claim) = (alert.parse().ok(), claim.and_then(|claim| claim.parse().ok()));
            if alert.is_some_and(|alert| but.contains(&alert)) {
                continue;
            }
            let is_told = self.told.get(sink.as_str()).is_some_and(|told| {
                alert.is_some_and(|alert| told.alerts.contains(&alert))
                    || claim.is_some_and(|claim| told.riders.contains(&claim))
            });
            gone.push((row.get(0)?, is_told));
        }
        for (position, is_told) in gone {
            end.execute(params![position, self.now.as_millisecond(), is_told])?;
        }
        Ok(())
    }
}

/// The place of what waits for a sink's digests: no group's, whose keys are a sink and the id of a thread.
fn digests_of(sink: &str) -> String {
    format!("digests:{sink}")
}

fn members(group: &GroupRecord) -> Vec<Waiting<'_>> {
    let waiting = |alert: &Alert| Waiting {
        alert: alert.id,
        alert_type: alert.alert_type,
        claim: alert.claim.as_ref().map(|claim| claim.id),
        about: None,
        reason: GROUP,
        until: Some(group.until),
    };
    group.members.iter().map(waiting).collect()
}

fn entries(budget: &BudgetRecord) -> Vec<Waiting<'_>> {
    DigestCause::ALL.into_iter().zip(budget.lists()).flat_map(|(cause, list)| of_list(cause, list)).collect()
}

fn of_list(cause: DigestCause, list: &HeldList) -> impl Iterator<Item = Waiting<'_>> {
    list.held.iter().map(move |held| Waiting {
        alert: held.entry.id,
        alert_type: held.entry.alert_type,
        claim: held.entry.claim,
        about: held.about.as_deref(),
        reason: cause.as_str(),
        until: held.not_before.max(list.until),
    })
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::model::{DigestEntry, HeldAlert, Priority};
    use crate::store::schema;

    fn waits() -> Alert {
        let priority = Priority { score: 40, reasons: Vec::new() };
        Alert::new(AlertId::of(&[b"a"]), AlertType::SinkFailing, Timestamp::UNIX_EPOCH, priority, "it fails".to_owned())
    }

    #[test]
    fn an_older_database_learns_what_waits() {
        let mut connection = Connection::open_in_memory().unwrap();
        schema::prepare(&mut connection, Path::new("memory")).unwrap();
        let group = GroupRecord {
            sink: "one".to_owned(),
            order_key: "t".to_owned(),
            until: Timestamp::UNIX_EPOCH,
            members: vec![waits()],
            told: BTreeSet::new(),
            first: BTreeSet::new(),
        };
        let entry: DigestEntry = serde_json::from_value(as_entry(&waits())).unwrap();
        let (not_before, document, about, is_told, first) = (None, None, None, false, BTreeSet::new());
        let held = HeldAlert { entry, not_before, document, about, is_told, first };
        let budgets = DigestCause::ALL.map(|cause| {
            let mut budget = BudgetRecord::new(format!("two {}", cause.as_str()), "2024-10-31".parse().unwrap());
            let list = match cause {
                DigestCause::Collected => &mut budget.collected,
                DigestCause::QuietHours => &mut budget.quiet,
                DigestCause::RateCap => &mut budget.hour.over,
                DigestCause::Budget => &mut budget.over,
            };
            list.held.push(held.clone());
            budget
        });
        let put = |table: &str, id: &str, record: String| {
            connection.execute(&format!("INSERT INTO {table} (id, record) VALUES (?1, ?2)"), [id, &record]).unwrap();
        };
        put("held_group", "one t", serde_json::to_string(&group).unwrap());
        for budget in &budgets {
            put("budget", &budget.sink, serde_json::to_string(budget).unwrap());
        }
        fill(&connection, Timestamp::UNIX_EPOCH).unwrap();
        let found = "SELECT group_concat(sink || ' ' || reason, ', ' ORDER BY sink) FROM hold WHERE ended IS NULL";
        let found: String = connection.query_row(found, [], |row| row.get(0)).unwrap();
        let expected =
            "one group, two budget budget, two collected collected, two quiet_hours quiet_hours, two rate_cap rate_cap";
        assert_eq!(found, expected);
        assert_eq!(sinks_of(&connection, waits().id).unwrap().len(), 5);
        let known = budgets.clone().map(|budget| budget.sink);
        assert_eq!(of_others(&connection, &known).unwrap(), [("one".to_owned(), 1)]);
        // What was taken back was told to nobody: it may come again.
        let forgotten = crate::store::Forgotten { groups: vec![group.key()], ..crate::store::Forgotten::default() };
        let budgets = budgets.map(|of| BudgetRecord::new(of.sink, of.day)).into();
        write(&connection, &Commit { budgets, forgotten, ..Commit::new(Timestamp::UNIX_EPOCH, 0) }).unwrap();
        assert_eq!(sinks_of(&connection, waits().id).unwrap(), [""; 0]);
    }

    fn as_entry(alert: &Alert) -> serde_json::Value {
        serde_json::json!({
            "id": alert.id, "type": alert.alert_type, "time": alert.time, "priority": 40, "also": [], "why": alert.why,
        })
    }
}
